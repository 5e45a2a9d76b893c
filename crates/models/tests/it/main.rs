//! The gateway on both databases, by its routes and by its API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod adopt;
mod budgets;
mod complete;
mod latency;
mod profiles;
mod providers;
mod public;
mod rails;
mod scripted;
mod world;
