//! What can go wrong with agents and skills.

use db::StoreError;
use protocol::skill::{ManifestError, PackageError};
use vault::ContentError;
use vocab::{AgentId, Role, SkillId};

/// Why something about an agent did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no such agent here.
    #[error("agent `{0}` not found")]
    NotFound(AgentId),
    /// The agent never had this version.
    #[error("the agent has no version {0}")]
    NoVersion(u32),
    /// There is no agent of this name here.
    #[error("no agent is called `{0}`")]
    UnknownName(String),
    /// Another agent has the name.
    #[error("another agent is called `{0}`")]
    NameTaken(String),
    /// The caller may not do this.
    #[error("this takes the role `{0}`")]
    RoleTooLow(Role),
    /// A value does not fit.
    #[error("{message}")]
    Invalid {
        /// The member of the definition.
        member: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The agent is paused: it starts no runs.
    #[error("agent `{0}` is paused")]
    Paused(String),
    /// The agent is retired: it starts no runs and is not changed any more.
    #[error("agent `{0}` is retired")]
    Retired(String),
    /// Somebody else changed it in between.
    #[error("the agent was changed by somebody else at the same time")]
    Changed,
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

/// Why something about a skill did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// There is no such skill here.
    #[error("skill `{0}` not found")]
    NotFound(SkillId),
    /// The caller may not do this.
    #[error("this takes the role `{0}`")]
    RoleTooLow(Role),
    /// The files are not a package.
    #[error("{0}")]
    Package(#[from] PackageError),
    /// The package is not a skill.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The digest in the sidecar is not the package's.
    #[error("the sidecar pins `{pinned}`, but the package is `{actual}`")]
    Pin {
        /// What the sidecar says.
        pinned: vocab::Digest,
        /// What the package is.
        actual: vocab::Digest,
    },
    /// Somebody else published it in between.
    #[error("the skill was changed by somebody else at the same time")]
    Changed,
    /// The package can't be sealed or opened.
    #[error("the package can't be sealed or opened")]
    Content(#[from] ContentError),
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}
