//! `cargo xtask test`: every check and test, in one command, on a fresh machine too.
//!
//! All stages run even when one fails. The last line sums up every check of every stage:
//! `N passed, N failed`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::postgres::{Durability, Postgres};
use crate::project::{self, Profile, cargo, root, target};
use crate::report::{Counts, Report};
use crate::{chaos, docker, install, lint, openapi, process, results, web};

/// Run every check and test, on SQLite and on Postgres.
///
/// Installs what is missing (system packages, cargo tools into ./target/tools, Python packages into
/// ./target/venv, JavaScript packages into ./target/node and ./web/node_modules) and says so. Starts a private Postgres, and
/// as root a private Docker Engine, for the run and stops them afterwards.
#[derive(clap::Args)]
pub struct Test {
    /// Run one part alone.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Run only the Rust tests whose name contains this.
    filter: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, clippy, dependencies, conventions.
    Lint,
    /// Build, unit and integration tests, documentation tests, the OpenAPI document.
    Rust,
    /// From outside: the API as promised, the official clients and coding agents, the record's second verifier.
    Python,
    /// The web app: its types, lints, unit tests and size, and its tests in a real browser.
    Web,
    /// A short kill -9 loop against a real server, on both databases.
    Chaos,
}

/// How often the short loop kills the server, on each database.
const KILLS: u32 = 6;

impl Test {
    pub fn run(&self) -> Result<()> {
        let mut report = Report::default();
        self.stages(&mut report)?;
        let counts = report.print();
        println!("{counts}");
        match report.failed_stages() {
            0 => Ok(()),
            // The closing line stays the last one, so there is no error text after it.
            _ => Err(Failed.into()),
        }
    }

    fn stages(&self, report: &mut Report) -> Result<()> {
        install::compiler()?;
        if self.wants(Part::Lint) {
            lint::stages(report);
        }
        if self.only == Some(Part::Lint) {
            report.stage("tidy", lint::tidy);
        }
        if self.only != Some(Part::Lint) {
            // Before the server, which has it in it.
            if self.wants(Part::Web) {
                report.stage("web", web::check_and_build);
            }
            install::postgres()?;
            let postgres = Postgres::start(Durability::None)?;
            // One build of everything, so that no later stage builds with other features.
            if report.stage("build", || self.build().map(|()| Counts::ONE)) {
                self.stages_on_the_build(report, &postgres);
            }
        }
        Ok(())
    }

    fn stages_on_the_build(&self, report: &mut Report, postgres: &Postgres) {
        if self.wants(Part::Python) {
            report.stage("python", || python(&postgres.url()));
        }
        if self.wants(Part::Rust) {
            // What the Docker driver does can't be shown everywhere; its tests say that they skip.
            let docker = docker::Engine::start()
                .inspect_err(|why| eprintln!("the Docker driver is not tested: {why:#}"))
                .ok();
            report.stage("tests", || {
                nextest(&postgres.url(), docker.as_ref(), self.filter.as_deref())
            });
            if self.filter.is_none() {
                report.stage("doctests", doctests);
                report.stage("openapi", || openapi::check().map(|()| Counts::ONE));
            }
        }
        if self.wants(Part::Web) {
            report.stage("browser", || web::in_the_browser(&postgres.url()));
        }
        if self.wants(Part::Chaos) {
            report.stage("chaos", || chaos_on_both(postgres));
        }
    }

    /// Everything, but for the web app's tests alone, which need the two programs.
    fn build(&self) -> Result<()> {
        match self.only {
            Some(Part::Web) => project::build(Profile::Dev, project::PROGRAMS),
            _ => process::run(&mut cargo(&["build", "--workspace", "--all-targets"])),
        }
    }

    /// A filter names Rust tests, so it leaves out everything else.
    fn wants(&self, part: Part) -> bool {
        match (self.only, &self.filter) {
            (Some(only), _) => only == part,
            (None, Some(_)) => part == Part::Rust,
            (None, None) => true,
        }
    }
}

/// Some stage failed; what and why was printed with the summary.
#[derive(Debug)]
pub struct Failed;

impl std::error::Error for Failed {}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("some stages failed")
    }
}

fn nextest(
    postgres: &str,
    docker: Option<&docker::Engine>,
    filter: Option<&str>,
) -> Result<Counts> {
    let tool = install::cargo_tool("cargo-nextest")?;
    let results = target().join("nextest/default/junit.xml");
    if results.exists() {
        std::fs::remove_file(&results).context("can't remove the last results")?;
    }
    // The tool is started by its path; as a subcommand cargo would not find it in ./target/tools.
    let mut command = Command::new(tool);
    command
        .args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--no-tests=warn",
        ])
        .args(filter)
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target())
        .env("CHANCERY_TEST_POSTGRES", postgres)
        .env("CHANCERY_BIN", Profile::Dev.binary("chancery"))
        .env("CHANCERY_NODE_BIN", Profile::Dev.binary("chancery-node"));
    if let Some(engine) = docker {
        engine.show(&mut command);
    }
    let outcome = process::run(&mut command);
    match (std::fs::read_to_string(&results), outcome) {
        (Ok(results), outcome) => {
            let counts = results::junit(&results).context("can't read nextest's results")?;
            // Failed without a failed test: a test binary that could not be listed, for example.
            if counts.failed == 0 {
                outcome?;
            }
            Ok(counts)
        }
        (Err(_), Ok(())) => Ok(Counts::default()),
        (Err(_), Err(error)) => Err(error),
    }
}

fn doctests() -> Result<Counts> {
    let (succeeded, lines) = process::tee(&mut cargo(&[
        "test",
        "--workspace",
        "--doc",
        "--no-fail-fast",
        "--quiet",
    ]))?;
    let counts = results::libtest(&lines);
    if !succeeded && counts.failed == 0 {
        bail!("`cargo test --doc` failed");
    }
    Ok(counts)
}

/// Runs every `test_*.py` under `tests/python` with the packages of its requirements file, and with those of
/// `tests/node` beside it.
fn python(postgres: &str) -> Result<Counts> {
    let folder = root().join("tests/python");
    if !folder.exists() {
        bail!("`tests/python` is missing");
    }
    let requirements = folder.join("requirements.txt");
    let python = install::python(existing(&requirements))?;
    let node_modules = install::node_modules(&root().join("tests/node"))?;
    let mut command = Command::new(python);
    command
        .args(["-m", "unittest", "discover", "--start-directory"])
        .arg(&folder)
        .env("CHANCERY_TEST_POSTGRES", postgres)
        .env("CHANCERY_BIN", Profile::Dev.binary("chancery"))
        .env("CHANCERY_FAKES_BIN", Profile::Dev.binary("chancery-fakes"))
        .env("CHANCERY_NODE_MODULES", node_modules);
    let (succeeded, lines) = process::tee(command.current_dir(root()))?;
    match results::unittest(&lines) {
        Some(counts) if succeeded || counts.failed > 0 => Ok(counts),
        _ => bail!("the Python tests could not run"),
    }
}

fn existing(path: &Path) -> Option<&Path> {
    path.exists().then_some(path)
}

fn chaos_on_both(postgres: &Postgres) -> Result<Counts> {
    let mut counts = Counts::default();
    let url = postgres.create_database("chaos")?;
    for url in [None, Some(url.as_str())] {
        match chaos::run_loop(Profile::Dev, KILLS, None, url) {
            Ok(()) => counts.passed += 1,
            Err(error) => {
                eprintln!("{error:#}");
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}
