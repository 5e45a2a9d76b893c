//! The policy crate from outside: decisions, problems, suggestions, tokens, approvals, and the
//! public test data of Cedar and Biscuit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod approvals;
mod biscuit_samples;
mod cedar_corpus;
mod decisions;
mod exchanges;
mod fixtures;
mod layers;
mod problems;
mod suggestions;
mod tokens;
