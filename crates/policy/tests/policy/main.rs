//! The policy crate from outside: decisions, problems, suggestions, tokens, approvals, and the
//! public test data of Cedar and Biscuit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod approvals;
mod biscuit_samples;
mod cedar_corpus;
mod decisions;
mod fixtures;
mod layers;
mod problems;
mod suggestions;
mod tokens;
