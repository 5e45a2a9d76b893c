//! `cargo xtask chaos`: kill a real server under load and reconcile what it acknowledged.

use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::postgres::{Durability, Postgres};
use crate::process;
use crate::project::{self, Profile};

/// Kill a real server under load, again and again, and reconcile what it acknowledged.
///
/// Prints kills, acknowledged, lost, duplicated and unknown for each database, and fails when
/// something was lost, duplicated or done without its record.
#[derive(clap::Args)]
pub struct Chaos {
    /// How often the server is killed, on each database.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// The database under the server.
    #[arg(long, value_enum, default_value_t = Database::Both)]
    database: Database,
    /// Repeat the moments of an earlier run; without it a new seed is chosen and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
    Both,
}

impl Chaos {
    pub fn run(&self) -> Result<()> {
        let profile = Profile::from_release_flag(self.release);
        project::build(
            profile,
            &["chancery-cli", "chancery-node", "chancery-bench"],
        )?;
        let postgres = if self.database == Database::Sqlite {
            None
        } else {
            Some(Postgres::start(Durability::None)?)
        };
        let mut failed = Vec::new();
        if self.database != Database::Postgres {
            failed.extend(run_loop(profile, self.kills, self.seed, None).err());
        }
        if let Some(postgres) = &postgres {
            let url = postgres.create_database("chaos")?;
            failed.extend(run_loop(profile, self.kills, self.seed, Some(&url)).err());
        }
        if failed.is_empty() {
            Ok(())
        } else {
            bail!("the chaos loop found violations")
        }
    }
}

/// Runs the loop of an already built bench binary against an already built server.
pub fn run_loop(profile: Profile, kills: u32, seed: Option<u64>, url: Option<&str>) -> Result<()> {
    let mut command = Command::new(profile.binary("chancery-bench"));
    command.args(["chaos", "--kills", &kills.to_string()]);
    command.args(seed.map(|seed| format!("--seed={seed}")));
    command.args(url.map(|url| format!("--database-url={url}")));
    command
        .env("CHANCERY_BIN", profile.binary("chancery"))
        .current_dir(project::root());
    process::run(&mut command)
}
