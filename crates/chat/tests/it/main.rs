//! Sessions and messages with a real engine, a real record and both databases; no node, so that the
//! agents here wait and do nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod attaching;
mod branches;
mod citing;
mod costs;
mod exporting;
mod http;
mod lifecycle;
mod people;
mod placement;
mod posting;
mod retention;
mod script;
mod searching;
mod sessions;
mod steering;
mod together;
mod turns;
mod world;
