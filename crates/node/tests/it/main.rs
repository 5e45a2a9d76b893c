//! The node against a real kernel, a real disk, and a gateway that checks every frame.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod demo;
mod docker;
mod files;
mod gateway;
mod paths;
mod sandbox;
mod session;
mod skills;
mod spool;
mod support;
