//! What can go wrong with sessions and messages.

use agents::AgentError;
use vocab::{MessageId, SessionId, UserId};

/// Why something about a session did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no such session here.
    #[error("session `{0}` not found")]
    NotFound(SessionId),
    /// There is no such message here.
    #[error("message `{0}` not found")]
    NoMessage(MessageId),
    /// The message is somebody else's.
    #[error("a message can be edited by whoever wrote it")]
    NotTheAuthor,
    /// The message is no answer of an agent's to another.
    #[error("the message is no agent's answer to a message")]
    NoAnswer,
    /// What was said was erased.
    #[error("the content was erased")]
    Erased,
    /// The session was forked as often as it may be.
    #[error("a session can be forked {} times", vocab::limits::SESSION_FORKS_MAX)]
    TooManyForks,
    /// The caller did not react so.
    #[error("there is no such reaction of yours")]
    NoReaction,
    /// The message has too many different reactions.
    #[error(
        "a message has at most {} different reactions",
        vocab::limits::REACTIONS_MAX
    )]
    TooManyReactions,
    /// This person is no member of the session.
    #[error("user `{0}` is no member of the session")]
    NoMember(UserId),
    /// This person is no member of the organisation.
    #[error("user `{0}` is no member of the organisation")]
    Stranger(UserId),
    /// The caller's role in the organisation is too low.
    #[error("this takes the role `{0}`")]
    RoleTooLow(vocab::Role),
    /// The session's messages are in its archive.
    #[error("the session is archived")]
    Archived,
    /// Its archive can't be made, or can't be read.
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
    /// A legal hold keeps the session.
    #[error("a legal hold is on the session")]
    Held,
    /// No legal hold is on the session.
    #[error("no legal hold is on the session")]
    NotHeld,
    /// A run of the session is not over, and the message was not to wait for it.
    #[error("a run of the session is not over")]
    Busy,
    /// The session has no agent that could answer.
    #[error("the session has no agent that could answer")]
    NoAgent,
    /// A value does not fit.
    #[error("{message}")]
    Invalid {
        /// The member of the body.
        member: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The message and what its agent is told are too long together.
    #[error("the message is too long")]
    TooLong,
    /// Another process is the session's controller now. Nothing was changed.
    #[error("another process holds the session")]
    Moved,
    /// Somebody else changed the session in between.
    #[error("the session was changed by somebody else at the same time")]
    Changed,
    /// The agent can't answer.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The run can't be queued or cancelled.
    #[error("the run can't be queued")]
    Run(#[from] runs::RunError),
    /// A message can't be sealed or opened.
    #[error("a message can't be sealed or opened")]
    Content(#[from] vault::ContentError),
    /// An artifact can't be had.
    #[error(transparent)]
    Artifact(#[from] vault::ArtifactError),
    /// The database.
    #[error("storage failed")]
    Store(#[from] db::StoreError),
}
