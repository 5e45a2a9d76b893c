//! The conventions of the repository, as tests.
//!
//! Each file holds one kind of convention: a function from text or paths to violations, a test that
//! the repository has none, and a test that a planted violation is found.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed test panics"
)]

mod docs;
mod files;
mod graph;
mod layers;
mod migrations;
mod names;
mod sql;
mod tree;
