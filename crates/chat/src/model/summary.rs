//! A rolling summary.

use runs::HasRead;
use vocab::{Digest, MessageId, RunId, SessionId, Timestamp};

/// What was said along a path of a session, from its beginning up to a message, in few words.
///
/// The path to a message never changes, so a summary holds for every branch that has its last message,
/// and for no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The run that writes it.
    pub run: RunId,
    /// The session.
    pub session: SessionId,
    /// The branch of the last message that it covers.
    pub branch: u32,
    /// The position of the first message that the summary before it does not cover.
    pub from: u32,
    /// The position of the last one that it covers.
    pub upto: u32,
    /// The message at `from`, once it is read from where it is kept.
    pub from_message: Option<MessageId>,
    /// The message at `upto`.
    pub upto_message: Option<MessageId>,
    /// The run that wrote the summary before it.
    pub previous: Option<RunId>,
    /// How far it is.
    pub state: SummaryState,
    /// The digest of its text.
    pub content: Option<Digest>,
    /// Who wrote it, as `provider/model`.
    pub model: Option<String>,
    /// What it cost, in micro-USD, where the price is known.
    pub cost_usd_micros: Option<u64>,
    /// Tokens read.
    pub input_tokens: Option<u64>,
    /// Tokens put out.
    pub output_tokens: Option<u64>,
    /// What those had read who wrote what it is made of.
    pub has_read: HasRead,
    /// When its run was queued.
    pub created_at: Timestamp,
    /// When its run was over.
    pub ended_at: Option<Timestamp>,
}

/// How far a summary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryState {
    /// Its run is not over.
    Running,
    /// It is there.
    Ready,
    /// Its run came to nothing; another one begins with a later turn.
    Failed,
}

impl SummaryState {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Ready, Self::Failed]
            .into_iter()
            .find(|it| it.as_str() == name)
    }
}
