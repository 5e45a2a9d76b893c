//! The gateway on both databases, with fake nodes that misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod connecting;
mod enrolling;
mod fake;
mod jobs;
mod misbehaving;
mod placing;
mod real;
mod world;
