//! A node as the gateway knows it.

use protocol::Enforcement;
use vocab::{NodeId, OrgId, Timestamp};

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its id, which tokens for it are bound to.
    pub id: NodeId,
    /// Whose it is; `None` for a shared node of the installation.
    pub org: Option<OrgId>,
    /// What people call it.
    pub name: String,
    /// How it stands.
    pub status: NodeStatus,
    /// The lease of its last connection; 0 before the first.
    pub lease_epoch: u64,
    /// What it said about itself when it last connected.
    pub introduction: Option<Introduction>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was last known to be alive, to within [`crate::limits::SEEN_EVERY`].
    pub last_seen_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Introduction {
    /// The version of its program.
    pub version: String,
    /// How many jobs it works on at once.
    pub slots: u32,
    /// What it probed that it can enforce.
    pub enforcement: Enforcement,
}

/// How a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeStatus {
    /// It never connected.
    Enrolled,
    /// It is connected.
    Connected,
    /// It was connected before.
    Disconnected,
    /// It is not let in any more.
    Revoked,
}

impl NodeStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Enrolled,
        Self::Connected,
        Self::Disconnected,
        Self::Revoked,
    ];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Revoked => "revoked",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A connected node that could take work.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which one.
    pub node: NodeId,
    /// What it probed that it can enforce.
    pub enforcement: Enforcement,
}
