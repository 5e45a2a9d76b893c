//! `cargo xtask lint`: everything that can be said about the code without running it.

use anyhow::{Result, bail};

use crate::process;
use crate::project::cargo;
use crate::report::{Counts, Report};
use crate::{install, project};

/// Check formatting, lints, dependencies and the repository's own conventions.
#[derive(clap::Args)]
pub struct Lint {
    /// Repair what can be repaired: formatting and the lints that carry a suggestion.
    #[arg(long)]
    fix: bool,
}

impl Lint {
    pub fn run(&self) -> Result<()> {
        install::compiler()?;
        if self.fix {
            process::run(&mut cargo(&["fmt", "--all"]))?;
            process::run(&mut cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--fix",
                "--allow-dirty",
                "--allow-staged",
            ]))?;
        }
        let mut report = Report::default();
        stages(&mut report);
        report.stage("tidy", tidy);
        report.print();
        match report.failed_stages() {
            0 => Ok(()),
            failed => bail!("{failed} checks failed"),
        }
    }
}

/// The checks that `cargo xtask test` runs too; there `tidy` is among the tests.
pub fn stages(report: &mut Report) {
    report.stage("fmt", fmt);
    report.stage("clippy", clippy);
    report.stage("deny", deny);
}

fn fmt() -> Result<Counts> {
    process::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(Counts::ONE)
}

fn clippy() -> Result<Counts> {
    process::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))?;
    Ok(Counts::ONE)
}

fn deny() -> Result<Counts> {
    let tool = install::cargo_tool("cargo-deny")?;
    eprintln!("bans, licences and sources; for advisories run `cargo deny check advisories`");
    let mut command = std::process::Command::new(tool);
    command.args(["--locked", "check", "bans", "licenses", "sources"]);
    process::run(command.current_dir(project::root()))?;
    Ok(Counts::ONE)
}

/// Runs the tests in `xtask/tests/tidy`.
pub fn tidy() -> Result<Counts> {
    process::run(&mut cargo(&[
        "test",
        "--quiet",
        "--package",
        "xtask",
        "--test",
        "tidy",
    ]))?;
    Ok(Counts::ONE)
}
