//! `cargo xtask bench`: build with optimisations and measure, with both databases at hand.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::postgres::{Durability, Postgres};
use crate::project::{self, Profile};
use crate::{process, web};

/// Measure, and set each figure beside its limit.
///
/// Postgres runs with fsync on. Close what else runs on the machine first: every figure is a median
/// of rounds, but a busy machine moves all of them.
#[derive(clap::Args)]
pub struct Bench {
    #[arg(value_enum)]
    name: Name,
    /// Build without optimisations, to try a bench out; the figures mean nothing then.
    #[arg(long)]
    dev: bool,
    /// Passed on to the bench.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Governed runs a second, and the latency of one on an idle server.
    Runs,
    /// Events sealed, verified and replayed a second.
    Journal,
    /// A decision among 50 policies; minting and verifying a capability token.
    Policy,
    /// Authenticated requests a second against a bare handler.
    Api,
    /// Memory of idle subscribers, and delivery to many.
    Sse,
    /// Calls of models through the gateway, beside a bare reverse proxy.
    Gateway,
    /// Time to ready, idle memory, size of the binaries.
    Start,
    /// A chat with many listeners; many chats in two processes.
    Chat,
    /// Start of a trivial skill in the sandbox.
    Sandbox,
    /// First paint, layout shift and interactions of the web app in a real browser.
    Web,
    /// All of them, one after the other.
    All,
}

impl Bench {
    pub fn run(&self) -> Result<()> {
        let profile = Profile::from_release_flag(!self.dev);
        if !matches!(self.name, Name::Web) {
            self.run_programs(profile)?;
        }
        match self.name {
            Name::Web | Name::All => in_the_browser(profile),
            _ => Ok(()),
        }
    }

    fn run_programs(&self, profile: Profile) -> Result<()> {
        project::build(
            profile,
            &["chancery-cli", "chancery-node", "chancery-bench"],
        )?;
        let postgres = Postgres::start(Durability::Full)?;
        let name = self
            .name
            .to_possible_value()
            .map(|name| name.get_name().to_owned());
        let mut command = Command::new(profile.binary("chancery-bench"));
        command
            .args(name)
            .args(&self.arguments)
            .current_dir(project::root())
            .env("CHANCERY_BIN", profile.binary("chancery"))
            .env("CHANCERY_NODE_BIN", profile.binary("chancery-node"))
            .env(
                "CHANCERY_BENCH_POSTGRES",
                postgres.create_database("bench")?,
            );
        process::run(&mut command)
    }
}

/// The web app, measured by `web/tools/figures.tool.ts`.
fn in_the_browser(profile: Profile) -> Result<()> {
    web::build_if_changed()?;
    project::build(profile, project::PROGRAMS)?;
    web::tool("figures", profile)
}
