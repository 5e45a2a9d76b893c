//! The real program, from outside: a server in its own process, and the CLI as people use it.
//!
//! `CHANCERY_BIN` names another program than the one of this build, and `chancery-node` stands
//! beside it. On Postgres as well, in a database of its own on the server of
//! `CHANCERY_TEST_POSTGRES`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod commands;
mod installation;
mod main_job;
mod models;
mod offline;
mod operations;
mod terminal;
