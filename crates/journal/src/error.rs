//! What can go wrong in the stored record.

use db::StoreError;

use crate::keys::KeyStoreError;

/// Why the record can't be read or sealed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database.
    #[error("the record's storage failed")]
    Store(#[from] StoreError),
    /// The log's private keys.
    #[error("the log's keys can't be used")]
    Keys(#[from] KeyStoreError),
    /// No event of the organisation is sealed yet.
    #[error("nothing of the record is sealed yet")]
    NothingSealed,
    /// The record does not reach as far.
    #[error("the record has {size} sealed events, not {asked}")]
    OutOfRange {
        /// What was asked for.
        asked: u64,
        /// How many there are.
        size: u64,
    },
    /// What is stored does not fit together; the text says what.
    #[error("the stored record is damaged: {0}")]
    Damaged(String),
    /// Another process seals now.
    #[error("another process has taken over the sealing")]
    LeaseLost,
    /// The computing of a batch was cut off by the end of the process.
    #[error("the sealing was interrupted")]
    Interrupted,
}

impl JournalError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

/// A number for a column; what is beyond can't have come from one.
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
