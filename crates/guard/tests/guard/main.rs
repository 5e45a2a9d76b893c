//! What is found, what is not, and that neither depends on how a text comes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod flow;
mod json;
mod tables;
