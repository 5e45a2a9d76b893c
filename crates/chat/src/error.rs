//! What can go wrong with sessions and messages.

use agents::AgentError;
use vocab::{SessionId, UserId};

/// Why something about a session did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no such session here.
    #[error("session `{0}` not found")]
    NotFound(SessionId),
    /// This person is no member of the session.
    #[error("user `{0}` is no member of the session")]
    NoMember(UserId),
    /// This person is no member of the organisation.
    #[error("user `{0}` is no member of the organisation")]
    Stranger(UserId),
    /// The caller's role in the organisation is too low.
    #[error("this takes the role `{0}`")]
    RoleTooLow(vocab::Role),
    /// The session takes no messages.
    #[error("the session is archived")]
    Archived,
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
    /// The database.
    #[error("storage failed")]
    Store(#[from] db::StoreError),
}
