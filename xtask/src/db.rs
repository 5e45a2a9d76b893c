//! `cargo xtask db`: a Postgres to develop against.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::postgres::{self, Kept};
use crate::{install, project};

/// Manage a development Postgres in ./target/pg.
#[derive(clap::Args)]
pub struct Db {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Start it, making its data directory the first time, and print its URL.
    Start,
    /// Stop it; the data stays.
    Stop,
    /// Print its URL, for `--database-url` and CHANCERY_TEST_POSTGRES.
    Url,
    /// Open psql on it.
    Shell,
}

impl Db {
    pub fn run(&self) -> Result<()> {
        install::postgres()?;
        let server = Kept::new(project::target().join("pg"));
        match self.action {
            Action::Start => println!("{}", server.start()?),
            Action::Stop => server.stop()?,
            Action::Url => println!("{}", running(&server)?),
            Action::Shell => {
                let psql = postgres::programs()?.join("psql");
                return Err(Command::new(psql).arg(running(&server)?).exec())
                    .context("can't start psql");
            }
        }
        Ok(())
    }
}

fn running(server: &Kept) -> Result<String> {
    match server.running()? {
        Some(url) => Ok(url),
        None => bail!("it is not running; `cargo xtask db start` starts it"),
    }
}
