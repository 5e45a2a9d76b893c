//! A session and its members.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vocab::{AgentId, SessionId, Timestamp, UserId, limits};

use super::invalid;
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
    /// Its agents; the first answers what names no other.
    pub agents: Vec<AgentId>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Rises with each change of the session itself; messages do not change it.
    pub version: u32,
    /// How many messages it has, on all its branches.
    pub message_count: u32,
    /// The branch that it goes on with.
    pub branch: u32,
    /// How often it was forked.
    pub forks: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed or got a message.
    pub updated_at: Timestamp,
    /// Since when it is archived.
    pub archived_at: Option<Timestamp>,
    /// Whether a legal hold keeps it.
    pub held: bool,
    /// What its runs have taken of models.
    pub spent: Spent,
}

/// What the runs of a session have taken of models: those that are over, whatever became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// What it cost, in micro-USD, as far as prices are known.
    pub cost_usd_micros: u64,
    /// Tokens read, cached or not.
    pub input_tokens: u64,
    /// Of these, read from a provider's cache.
    pub cached_input_tokens: u64,
    /// Tokens put out.
    pub output_tokens: u64,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It is in use.
    Active,
    /// Nobody has used it for a while. The next message makes it active.
    Idle,
    /// Its messages are in an archive, until it is restored or gets another one.
    Archived,
}

impl SessionStatus {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Archived => "archived",
        }
    }
}

/// The text names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `active`, `idle`, `archived`")]
pub struct ParseStatusError;

impl FromStr for SessionStatus {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        let all = [Self::Active, Self::Idle, Self::Archived];
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

/// How far a person has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// Who.
    pub user: UserId,
    /// The position of the last message that they have read.
    pub position: u32,
    /// When they came to it.
    pub read_at: Timestamp,
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
