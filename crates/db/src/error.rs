//! What can go wrong below a transaction.

use std::error::Error as StdError;

/// Why a statement or a commit did not happen. The text is for operators; what a client reads is
/// made at the edge from the variant alone.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or went away before the commit.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The connection broke while the commit was under way: it may have happened or not.
    #[error("the outcome of the commit is unknown")]
    CommitUnknown(#[source] Box<dyn StdError + Send + Sync>),
    /// Another transaction stood in the way; the same transaction may succeed if it is repeated.
    #[error("the transaction was in conflict with another")]
    Busy(#[source] Box<dyn StdError + Send + Sync>),
    /// There is no room left to write.
    #[error("the database has no room left")]
    Full(#[source] Box<dyn StdError + Send + Sync>),
    /// The database takes no writes.
    #[error("the database is read-only")]
    ReadOnly(#[source] Box<dyn StdError + Send + Sync>),
    /// A unique key or a foreign key does not allow it.
    #[error("a constraint refused the change: {constraint}")]
    Conflict {
        /// The constraint's name on Postgres, the columns on SQLite.
        constraint: String,
    },
    /// A row that must be there is not.
    #[error("the row was not found")]
    NotFound,
    /// A write transaction without an event.
    #[error("a change without an event can't be committed")]
    NoEvent,
    /// A statement that doesn't name its organisation.
    #[error("the statement is not scoped to an organisation: {0}")]
    NotScoped(&'static str),
    /// An event that has no canonical form.
    #[error("the event has no canonical form")]
    Event(#[from] vocab::canonical::CanonicalError),
    /// A column holds something else than its reader expects.
    #[error("column {column} does not hold {expected}")]
    Decode {
        /// The column's index in the row.
        column: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// The schema on disk is from a newer version, or a migration was changed after it ran.
    #[error("the schema does not fit this version: {0}")]
    Schema(String),
    /// Anything else: a bug in a statement, or damage on disk.
    #[error("the database refused the statement")]
    Statement(#[source] Box<dyn StdError + Send + Sync>),
}

impl StoreError {
    /// Whether the same transaction may succeed if it is simply tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Busy(_) | Self::Full(_) | Self::ReadOnly(_) => true,
            Self::CommitUnknown(_)
            | Self::Conflict { .. }
            | Self::NotFound
            | Self::NoEvent
            | Self::NotScoped(_)
            | Self::Event(_)
            | Self::Decode { .. }
            | Self::Schema(_)
            | Self::Statement(_) => false,
        }
    }

    /// Whether the database itself is out of order, rather than the request.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::CommitUnknown(_)
            | Self::Busy(_)
            | Self::Full(_)
            | Self::ReadOnly(_) => true,
            Self::Conflict { .. }
            | Self::NotFound
            | Self::NoEvent
            | Self::NotScoped(_)
            | Self::Event(_)
            | Self::Decode { .. }
            | Self::Schema(_)
            | Self::Statement(_) => false,
        }
    }

    /// Whether a constraint whose name or columns contain `part` refused the change.
    #[must_use]
    pub fn is_conflict_on(&self, part: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint.contains(part))
    }
}
