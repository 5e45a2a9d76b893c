//! The kit around routes of no particular area, on both databases.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod idempotency;
mod layers;
mod limits;
mod sse;
mod world;
