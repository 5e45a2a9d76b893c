//! Who acted: the chain from a person over an agent to a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AgentId, KeyId, NodeId, RunId, UserId};

/// The chain of who acted. A person is `user`; a person's API key adds `key`; what an agent does in
/// a run adds `agent` and `run`; a node reporting a result adds `node`; the product itself, with
/// nobody behind it, is `system` with the name of the part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The agent that acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The API key that the caller used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The node that reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The run in which it acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The part of the product that acts by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The person behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

impl Actor {
    /// A person.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self {
            user: Some(user),
            ..Self::default()
        }
    }

    /// A person's API key.
    #[must_use]
    pub fn key(user: UserId, key: KeyId) -> Self {
        Self {
            user: Some(user),
            key: Some(key),
            ..Self::default()
        }
    }

    /// A part of the product that acts by itself.
    #[must_use]
    pub fn system(part: &str) -> Self {
        Self {
            system: Some(part.to_owned()),
            ..Self::default()
        }
    }

    /// The same chain with an agent and its run at the end.
    #[must_use]
    pub fn in_run(mut self, agent: Option<AgentId>, run: RunId) -> Self {
        self.agent = agent;
        self.run = Some(run);
        self
    }
}

/// What a member may do in an organisation; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees, and changes nothing.
    Viewer,
    /// Works: sessions, runs, approvals of what they may start.
    Member,
    /// Runs the organisation: members, policies, secrets, agents.
    Admin,
    /// Everything, and the organisation itself.
    Owner,
}

impl Role {
    /// All roles, the weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `viewer`, `member`, `admin`, `owner`")]
pub struct ParseRoleError;

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(ParseRoleError)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
