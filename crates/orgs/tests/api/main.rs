//! Through the router, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod accounts;
mod devices;
mod invitations;
mod keys;
mod members;
mod mistakes;
mod organisations;
mod refresh;
mod streams;
mod world;
