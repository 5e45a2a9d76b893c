//! The vault against both databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod artifacts;
mod canary;
mod content;
mod erasure;
mod figures;
mod kit;
mod master;
mod rotation;
mod secrets;
mod values;
