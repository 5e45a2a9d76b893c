//! The kit around routes of no particular area, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod idempotency;
mod layers;
mod limits;
mod sse;
mod world;
