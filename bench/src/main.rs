//! Measures the product from outside, and kills it under load.
//!
//! A bench prints a table of figures, each the median of its rounds, beside its limit. The chaos
//! loop prints what was acknowledged, lost, duplicated and left unknown. Both are started by
//! `cargo xtask bench` and `cargo xtask chaos`, which build the programs and start Postgres:
//! `CHANCERY_BIN` is the server, `CHANCERY_NODE_BIN` the node, `CHANCERY_BENCH_POSTGRES` the URL of
//! an empty database.
//!
//! Deliberately absent: any trust in the product's own word about what it did. Effects are counted
//! by a process of their own, and the record is verified again here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

mod api;
mod bare;
mod chaos;
mod chat;
mod child;
mod client;
mod dice;
mod figures;
mod gateway;
mod installation;
mod journal;
mod place;
mod policy;
mod replay;
mod runs;
mod sandbox;
mod server;
mod sse;
mod start;
mod wire;

/// As in the server, a part of which runs in here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "chancery-bench", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// Measure, or kill and reconcile.
#[derive(Subcommand)]
enum Task {
    /// Governed runs a second, and the latency of one.
    Runs,
    /// Events sealed, verified and replayed a second.
    Journal,
    /// Authenticated requests a second against a bare handler.
    Api,
    /// Memory of idle subscribers, and delivery to many.
    Sse,
    /// A chat with many listeners; many chats in two processes; a chat archived and restored.
    Chat { part: Option<chat::Part> },
    /// Calls of models through the gateway, beside a bare reverse proxy.
    Gateway { engine: Option<place::Engine> },
    /// A decision among 50 policies; minting and verifying a capability token.
    Policy,
    /// Start of a trivial process in the sandbox.
    Sandbox,
    /// Time to ready, idle memory, size of the binaries.
    Start,
    /// Every bench, one after the other.
    All,
    /// Kill a server under load, again and again, and reconcile.
    Chaos(chaos::Options),
    /// Count effects: the far end of the chaos loop's requests.
    #[command(hide = true)]
    Sink { file: PathBuf },
    /// The bare server that benches set the product beside.
    #[command(hide = true)]
    Bare {
        folder: PathBuf,
        url: Option<String>,
    },
    /// The provider that the gateway is measured with.
    #[command(hide = true)]
    Upstream,
    /// The bare reverse proxy that the gateway is set beside.
    #[command(hide = true)]
    Proxy { upstream: SocketAddr },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every limit was kept.
#[tokio::main]
async fn run(task: Task) -> Result<bool> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    match task {
        Task::Runs => Box::pin(runs::run()).await,
        Task::Journal => Box::pin(journal::run()).await,
        Task::Api => Box::pin(api::run()).await,
        Task::Sse => sse::run().await,
        Task::Chat { part } => Box::pin(chat::run(part)).await,
        Task::Gateway { engine } => Box::pin(gateway::run(engine)).await,
        Task::Policy => policy::run(),
        Task::Sandbox => sandbox::run(),
        Task::Start => start::run().await,
        Task::All => all().await,
        Task::Chaos(options) => Box::pin(chaos::run(options)).await,
        Task::Sink { file } => chaos::sink::serve(&file).await.map(|()| true),
        Task::Bare { folder, url } => bare::serve(&folder, url.as_deref()).await.map(|()| true),
        Task::Upstream => gateway::upstream::serve().await.map(|()| true),
        Task::Proxy { upstream } => gateway::proxy::serve(upstream).await.map(|()| true),
    }
}

/// Every bench, whatever the one before it came to.
async fn all() -> Result<bool> {
    let kept = [
        Box::pin(runs::run()).await?,
        Box::pin(journal::run()).await?,
        Box::pin(api::run()).await?,
        sse::run().await?,
        Box::pin(chat::run(None)).await?,
        Box::pin(gateway::run(None)).await?,
        start::run().await?,
        policy::run()?,
        sandbox::run()?,
    ];
    Ok(kept.into_iter().all(|kept| kept))
}

/// A program under test, named by an environment variable.
fn program(variable: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable)
        .with_context(|| format!("`{variable}` is not set; run this by `cargo xtask`"))?;
    Ok(path.into())
}
