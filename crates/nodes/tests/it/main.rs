//! The gateway on both databases, with fake nodes that misbehave.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod connecting;
mod enrolling;
mod fake;
mod jobs;
mod misbehaving;
mod placing;
mod real;
mod world;
