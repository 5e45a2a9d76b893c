//! What can go wrong with a node as a thing of an organisation.

use db::StoreError;
use vocab::{NodeId, limits};

/// Why a request about nodes was not done.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    /// Also when it is another organisation's.
    #[error("node `{0}` not found")]
    NotFound(NodeId),
    /// It belongs to the installation.
    #[error("node `{0}` belongs to the installation; whoever runs it can remove it")]
    Shared(NodeId),
    /// Another node of the organisation has this name.
    #[error("a node is called `{0}` already")]
    NameTaken(String),
    /// No name, too long a one, or one with control characters.
    #[error(
        "a node's name has 1 to {} printable characters",
        limits::NAME_CHARS_MAX
    )]
    NameInvalid,
    /// There are as many as there may be.
    #[error("the organisation has {limit} nodes, as many as it may have")]
    TooMany {
        /// How many there may be.
        limit: u32,
    },
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}
