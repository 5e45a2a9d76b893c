//! Every developer command of the repository: `cargo xtask <command>`.
//!
//! One file per command; what they share is `project` (where things are, how cargo is called),
//! `process` (running a program with an error that says which), `postgres` (a private database
//! server), `install` (what a fresh machine lacks), `report` (stages and the closing line) and `results` (what
//! test runners print).
//!
//! Everything is built into `./target` and nothing outside the repository is changed, except that
//! `test` may install missing system packages, and says so.
//!
//! Deliberately absent: any dependency on the product's crates, so that this builds in seconds.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod chaos;
mod db;
mod docker;
mod install;
mod lint;
mod openapi;
mod postgres;
mod process;
mod project;
mod report;
mod results;
mod shots;
mod test;
mod up;
mod web;

/// Every developer command of Chancery.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build Chancery and start it, with its data in ./.dev.
    Up(up::Up),
    /// Run every check and test, on SQLite and on Postgres.
    Test(test::Test),
    /// Check formatting, lints, dependencies and the repository's own conventions.
    Lint(lint::Lint),
    /// Manage a development Postgres in ./target/pg.
    Db(db::Db),
    /// Write the OpenAPI document to openapi/v1.json, or compare it.
    Openapi(openapi::Openapi),
    /// Measure, and set each figure beside its limit.
    Bench(bench::Bench),
    /// Take the pictures of the web app that README and docs show.
    Shots(shots::Shots),
    /// Kill a real server under load, again and again, and reconcile what it acknowledged.
    Chaos(chaos::Chaos),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Task::Up(up) => up.run(),
        Task::Test(test) => test.run(),
        Task::Lint(lint) => lint.run(),
        Task::Db(db) => db.run(),
        Task::Openapi(openapi) => openapi.run(),
        Task::Bench(bench) => bench.run(),
        Task::Shots(shots) => shots.run(),
        Task::Chaos(chaos) => chaos.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // `test` has said it all, and its closing line stays the last.
        Err(error) if error.is::<test::Failed>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
