//! The only SQL about models.

pub(crate) mod budgets;
pub(crate) mod latency;
pub(crate) mod profiles;
pub(crate) mod providers;
pub(crate) mod reservations;
pub(crate) mod run_tokens;
pub(crate) mod settings;
pub(crate) mod spend;
pub(crate) mod usage;

use db::StoreError;

fn decode(column: usize, expected: &'static str) -> StoreError {
    StoreError::Decode { column, expected }
}

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

/// A sum as a column holds it.
fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
