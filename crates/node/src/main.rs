//! `chancery-node`: the untrusted side. Runs files, shell and skills for a gateway, confined.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use node::connect::{Credential, Gateway};
use node::run::{Settings, Shutdown};
use protocol::{Enforcement, Level};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vocab::{Clock, Random};

/// Runs files, shell commands and skills for a Chancery gateway, confined.
///
/// Connects out to the gateway and takes jobs from it. Each job carries a capability token, which
/// this program verifies itself. What it can enforce it finds out by trying, and reports.
#[derive(Debug, Parser)]
#[command(
    name = "chancery-node",
    version,
    args_conflicts_with_subcommands = true
)]
#[command(subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try what this machine can enforce, and say it. Exits with 1 if nothing can run code.
    Probe {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Becomes a sandbox. For this program itself.
    #[command(hide = true)]
    SandboxInit,
}

#[derive(Debug, Args)]
struct Common {
    /// Where workspaces, skills and the spool are kept.
    #[arg(
        long,
        env = "CHANCERY_NODE_DATA_DIR",
        default_value = "chancery-node-data"
    )]
    data_dir: PathBuf,
    /// The image in which the Docker driver runs foreign code; it must be there already.
    #[arg(long, env = "CHANCERY_NODE_DOCKER_IMAGE")]
    docker_image: Option<String>,
}

#[derive(Debug, Args)]
struct Serve {
    /// The gateway: `wss://HOST`, or `ws://` on this machine.
    #[arg(long, env = "CHANCERY_NODE_GATEWAY", required = true)]
    gateway: Option<String>,
    /// A file with this node's credential. It is read anew for every connection.
    #[arg(long, env = "CHANCERY_NODE_CREDENTIAL_FILE")]
    credential_file: Option<PathBuf>,
    /// Send the credential in the clear to other machines too.
    #[arg(long)]
    allow_plaintext: bool,
    /// How many jobs to work on at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    slots: u16,
    /// How long to finish what is running when told to stop, in seconds.
    #[arg(long, default_value_t = node::run::DRAIN.as_secs())]
    drain_seconds: u64,
    /// Exit when the process that started this one ends.
    #[arg(long)]
    with_parent: bool,
}

fn main() -> ExitCode {
    // Before anything else starts a thread or reads an argument.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "sandbox-init")
    {
        return node::sandbox::init::main();
    }
    let cli = Cli::parse();
    // What is written for foreign code must be readable to it; the data folder itself is closed.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    match start(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime can't start")?;
    match cli.command {
        Some(Command::Probe { json, common }) => runtime.block_on(probe(&common, json)),
        Some(Command::SandboxInit) => Ok(ExitCode::FAILURE),
        None => runtime.block_on(serve(cli.serve, cli.common)),
    }
}

fn settings(common: Common, slots: usize) -> Settings {
    Settings {
        data_dir: common.data_dir,
        // This very program, even if another was put in its place since.
        helper: PathBuf::from("/proc/self/exe"),
        docker_image: common.docker_image,
        slots,
        clock: Clock::system(),
        random: Random::system(),
    }
}

async fn probe(common: &Common, json: bool) -> anyhow::Result<ExitCode> {
    let common = Common {
        data_dir: common.data_dir.clone(),
        docker_image: common.docker_image.clone(),
    };
    let drivers = node::run::probe(&settings(common, 1)).await?;
    let enforcement = drivers.enforcement();
    if json {
        println!("{}", serde_json::to_string_pretty(enforcement)?);
    } else {
        print_report(enforcement);
    }
    let usable = enforcement.level > Level::Unavailable;
    Ok(if usable {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_report(enforcement: &Enforcement) {
    for report in &enforcement.drivers {
        println!(
            "{:<11} {:?}",
            format!("{:?}", report.driver).to_lowercase(),
            report.level
        );
        if !report.mechanisms.is_empty() {
            println!("            {}", report.mechanisms.join(", "));
        }
        for gap in &report.gaps {
            println!("            lacks: {}", gap.detail);
        }
    }
}

async fn serve(serve: Serve, common: Common) -> anyhow::Result<ExitCode> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("CHANCERY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Fails only if one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    let gateway = serve.gateway.as_deref().unwrap_or_default();
    let gateway = Gateway::parse(gateway, serve.allow_plaintext)?;
    let credential = credential(serve.credential_file)?;
    let shutdown = Shutdown::default();
    let parent = serve.with_parent.then(parent_watch).transpose()?;
    let worker = node::run::open(&settings(common, usize::from(serve.slots))).await?;
    let report = worker.drivers.enforcement();
    tracing::info!(level = ?report.level, gaps = report.gaps.len(), "sandbox tried");

    let watch = tokio::spawn(watch(
        shutdown.clone(),
        Duration::from_secs(serve.drain_seconds),
        parent,
    ));
    let result = node::run::run(&worker, &gateway, &credential, &shutdown, Random::system()).await;
    watch.abort();
    result?;
    Ok(ExitCode::SUCCESS)
}

fn credential(file: Option<PathBuf>) -> anyhow::Result<Credential> {
    match (file, std::env::var("CHANCERY_NODE_CREDENTIAL")) {
        (Some(file), _) => Ok(Credential::File(file)),
        (None, Ok(value)) => Ok(Credential::Value(value.into())),
        (None, Err(_)) => {
            anyhow::bail!("give the credential: `--credential-file` or `CHANCERY_NODE_CREDENTIAL`")
        }
    }
}

/// Becomes cancelled when the process that started this one ends. (A signal at the parent's death
/// would come when the parent's *thread* ends, which a parent with many threads does not control.)
fn parent_watch() -> anyhow::Result<CancellationToken> {
    let parent = rustix::process::getppid().context("the parent is not there")?;
    let handle = rustix::process::pidfd_open(parent, rustix::process::PidfdFlags::empty())
        .context("the parent can't be watched")?;
    // If it ended in between, somebody else is the parent now.
    anyhow::ensure!(
        rustix::process::getppid() == Some(parent),
        "the parent is gone"
    );
    let gone = CancellationToken::new();
    let told = gone.clone();
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            let mut watched = [PollFd::new(&handle, PollFlags::IN)];
            while let Err(Errno::INTR) | Ok(0) = poll(&mut watched, None) {}
            told.cancel();
        })?;
    Ok(gone)
}

/// The first signal lets the node finish; the second, the end of its time, or the end of its parent
/// stops it.
async fn watch(shutdown: Shutdown, patience: Duration, parent: Option<CancellationToken>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals can't be watched");
        return;
    };
    let orphaned = async {
        match &parent {
            Some(parent) => parent.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(orphaned);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("finishing"),
        _ = interrupt.recv() => tracing::info!("finishing"),
        () = &mut orphaned => {
            tracing::warn!("the parent is gone");
            return shutdown.stop();
        }
    }
    shutdown.finish();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = &mut orphaned => {}
        () = tokio::time::sleep(patience) => {}
    }
    shutdown.stop();
}
