//! The kill loop: a real server under load, killed at random moments, then reconciled.
//!
//! 1. A sink process is started; it appends one line to a file for every request it gets.
//! 2. Workers post work whose effect is one request to the sink, each with a key of its own, and
//!    repeat the post with the same Idempotency-Key until it is acknowledged.
//! 3. Meanwhile the server is killed (SIGKILL) and started again, as often as asked; sometimes while
//!    it is still starting, sometimes together with its node.
//! 4. Then everything is left to finish, and the acknowledged work, the sink's file and the exported
//!    record are set against each other.
//!
//! What must hold: acknowledged work is done (not lost); an effect that is not idempotent is
//! attempted at most once (not duplicated), and where nobody can know whether it happened the run
//! says so and waits for a person (unknown); everything done is in the record.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::chaos::load::{Load, Work};
use crate::chaos::record::Record;
use crate::chaos::sink::Sink;
use crate::client::Client;
use crate::dice::Dice;
use crate::server::{self, Launch, Server};

mod load;
mod reconcile;
mod record;
mod settle;
mod setup;
pub mod sink;

/// What to kill, and how often.
#[derive(clap::Args)]
pub struct Options {
    /// How often the server is killed.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Repeats the moments of an earlier loop.
    #[arg(long)]
    seed: Option<u64>,
    /// An empty Postgres database; SQLite without it.
    #[arg(long)]
    database_url: Option<String>,
    /// How many pieces of work are posted at the same time.
    #[arg(long, default_value_t = 12)]
    workers: usize,
}

/// Runs the loop; true when nothing was lost, duplicated or left out of the record.
pub async fn run(options: Options) -> Result<bool> {
    let folder = tempfile::tempdir().context("can't make a folder")?;
    let outcome = run_in(folder.path(), options).await;
    if !matches!(outcome, Ok(true)) {
        eprintln!(
            "data, log and sink file are kept in `{}`",
            folder.keep().display()
        );
    }
    outcome
}

async fn run_in(folder: &Path, options: Options) -> Result<bool> {
    let seed = options.seed.unwrap_or_else(Dice::unforeseen);
    let database = options
        .database_url
        .as_ref()
        .map_or("sqlite", |_| "postgres");
    eprintln!("{database}, seed {seed}");
    let sink = Sink::start(&folder.join("effects"))?;
    let launch = Launch::new(folder, options.database_url)?;
    let mut server = launch.start()?;
    server.ready().await?;
    let client = Client::new(launch.url())?;
    let target = setup::prepare(&client, sink.address()).await?;

    let load = Arc::new(Load::new(client.clone(), target));
    let workers = load::spawn(&load, options.workers, seed);
    let mut killer = Killer {
        launch: &launch,
        dice: Dice::new(seed),
        nodes: Vec::new(),
    };
    let start = Instant::now();
    for kill in 1..=options.kills {
        server = killer.kill_and_restart(server).await?;
        if kill % 20 == 0 || kill == options.kills {
            eprintln!("{kill} kills in {} s", start.elapsed().as_secs());
        }
    }
    load.finish();
    let work = load::collect(workers).await?;
    let report = judge(&client, &load, work, &sink, folder).await?;
    server.stop(Duration::from_secs(30)).await?;
    killer.end_orphans();

    for violation in report.violations.iter().take(20) {
        eprintln!("violation: {violation}");
    }
    println!("{database}, seed {seed}: kills {}, {report}", options.kills);
    Ok(report.violations.is_empty())
}

/// Lets everything finish, then sets what was promised against what happened.
async fn judge(
    client: &Client,
    load: &Load,
    work: Vec<Work>,
    sink: &Sink,
    folder: &Path,
) -> Result<reconcile::Report> {
    let (runs, mut violations) = settle::settle(client, load, work).await?;
    let export = record::export(client, &runs).await?;
    let record = Record::verify(&export)?;
    violations.extend(record::verify_by_program(&export, folder)?);
    let mut report = reconcile::reconcile(&runs, &sink.effects()?, &record);
    report.violations.append(&mut violations);
    Ok(report)
}

struct Killer<'a> {
    launch: &'a Launch,
    dice: Dice,
    /// Every node that any of the servers started.
    nodes: Vec<u32>,
}

impl Killer<'_> {
    /// Kills the server at a random moment and returns its successor, ready.
    async fn kill_and_restart(&mut self, server: Server) -> Result<Server> {
        tokio::time::sleep(Duration::from_millis(self.dice.below(1_500))).await;
        self.kill(server)?;
        let mut next = self.launch.start()?;
        // Now and then the successor does not get to its feet either. Not a kill that is counted.
        while self.dice.once_in(8) {
            tokio::time::sleep(Duration::from_millis(self.dice.below(300))).await;
            self.kill(next)?;
            next = self.launch.start()?;
        }
        next.ready().await?;
        Ok(next)
    }

    fn kill(&mut self, server: Server) -> Result<()> {
        let nodes = server.nodes();
        if self.dice.once_in(4) {
            nodes
                .iter()
                .for_each(|node| server::signal(*node, Signal::KILL));
        }
        self.nodes.extend(nodes);
        server.kill()
    }

    /// Ends nodes that outlived their servers, and says so.
    fn end_orphans(&self) {
        let left: Vec<u32> = self
            .nodes
            .iter()
            .copied()
            .filter(|node| server::runs(*node, "chancery-node"))
            .collect();
        if !left.is_empty() {
            eprintln!("{} nodes outlived their servers; ended now", left.len());
        }
        left.into_iter()
            .for_each(|node| server::signal(node, Signal::KILL));
    }
}

/// A refusal that no repetition changes, with its text.
fn refused(what: &str, status: reqwest::StatusCode, text: &str) -> Result<()> {
    bail!("{what} was refused with {status}: {text}")
}
