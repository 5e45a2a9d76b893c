//! Sessions and messages as they are kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vocab::{AgentId, Digest, MessageId, RunId, SessionId, Timestamp, UserId, limits};

use crate::ChatError;

/// The most agents of one session.
pub const AGENTS_MAX: usize = 32;
/// The most members that one session lists.
pub const MEMBERS_MAX: u32 = 1_000;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What people call it; may be empty.
    pub title: String,
    /// For policies and for finding it again.
    pub labels: Vec<String>,
    /// Whether it takes messages.
    pub status: SessionStatus,
    /// The workspace of its files.
    pub workspace: String,
    /// Its agents; the first answers unless a message names another.
    pub agents: Vec<AgentId>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Rises with each change of the session itself; messages do not change it.
    pub version: u32,
    /// How many messages it has.
    pub message_count: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed or got a message.
    pub updated_at: Timestamp,
    /// Since when it is archived.
    pub archived_at: Option<Timestamp>,
}

/// Whether a session takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It does.
    Active,
    /// It does not, until it is restored.
    Archived,
}

impl SessionStatus {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

/// The text names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `active`, `archived`")]
pub struct ParseStatusError;

impl FromStr for SessionStatus {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        let all = [Self::Active, Self::Archived];
        all.into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(ParseStatusError)
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A session to be made.
#[derive(Debug, Clone, Default)]
pub struct NewSession {
    /// What people call it.
    pub title: String,
    /// For policies and for finding it again.
    pub labels: Vec<String>,
    /// Its agents.
    pub agents: Vec<AgentId>,
    /// The workspace of its files; that of its first agent if absent.
    pub workspace: Option<String>,
}

/// What is to change of a session; what is absent stays.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "as in `Session`")]
pub struct SessionChange {
    pub title: Option<String>,
    pub labels: Option<Vec<String>>,
    pub agents: Option<Vec<AgentId>>,
    pub workspace: Option<String>,
}

/// A member of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub added_at: Timestamp,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The session it is in.
    pub session: SessionId,
    /// Its place among the session's messages, from 1.
    pub position: u32,
    /// Who wrote it.
    pub author: Author,
    /// The run that answers it, or that it is the answer of.
    pub run: Option<RunId>,
    /// The digest of its text.
    pub content: Digest,
    /// The size of its text, in bytes.
    pub size_bytes: u64,
    /// Whether it says why a run failed.
    pub failed: bool,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A person.
    User(UserId),
    /// An agent.
    Agent(AgentId),
    /// Chancery itself.
    System,
}

/// A message to be posted.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The text.
    pub text: String,
    /// What to do if a run of the session is not over.
    pub on_busy: OnBusy,
    /// Which of the session's agents answers; the first if absent.
    pub agent: Option<AgentId>,
}

/// What to do with a message while a run of the session is not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBusy {
    /// Its run waits for those before it.
    #[default]
    Enqueue,
    /// The run that is under way is cancelled; those that wait keep their places.
    Interrupt,
    /// The message is refused.
    Reject,
}

/// Checks what a session is made of.
pub(crate) fn check(session: &Session) -> Result<(), ChatError> {
    let chars = session.title.chars().count();
    if chars > limits::NAME_CHARS_MAX || session.title.contains(char::is_control) {
        let max = limits::NAME_CHARS_MAX;
        return Err(invalid(
            "title",
            format!("expected at most {max} characters, none of control"),
        ));
    }
    agents::model::check_labels(&session.labels)
        .map_err(|error| invalid("labels", error.to_string()))?;
    if session.agents.len() > AGENTS_MAX {
        return Err(invalid(
            "agent_ids",
            format!("expected at most {AGENTS_MAX} agents"),
        ));
    }
    let slug = session.workspace.parse::<protocol::WorkspaceSlug>();
    slug.map_err(|error| invalid("workspace", error.to_string()))?;
    Ok(())
}

pub(crate) fn invalid(member: &'static str, message: impl Into<String>) -> ChatError {
    ChatError::Invalid {
        member,
        message: message.into(),
    }
}

/// A list in the order in which its items first appear.
pub(crate) fn distinct<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}
