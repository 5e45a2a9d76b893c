//! Every statement of this crate, by area. Nothing outside `store` holds SQL.
//!
//! People, logins and their tokens belong to no organisation: their statements run in the
//! transactions of the system. What belongs to an organisation runs in its own, where `$1` is
//! always the organisation.

pub(crate) mod accounts;
pub(crate) mod devices;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod logins;
pub(crate) mod members;
pub(crate) mod organisations;

use db::{Row, StoreError};
use vocab::Role;

/// A role column.
fn role(row: &Row, column: usize) -> Result<Role, StoreError> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| StoreError::Decode {
        column,
        expected: "a role",
    })
}
