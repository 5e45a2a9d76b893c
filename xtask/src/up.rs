//! `cargo xtask up`: build the web app and both programs, then become `chancery up`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{self, Profile};
use crate::web;

/// Build Chancery and start it, with its data in ./.dev.
#[derive(clap::Args)]
pub struct Up {
    /// Build with optimisations. Slower to build, several times faster to run.
    #[arg(long)]
    release: bool,
    /// Where the data lives; delete it to start afresh.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Passed on to `chancery up`, for example `-- --listen 127.0.0.1:9000`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Up {
    pub fn run(&self) -> Result<()> {
        let profile = Profile::from_release_flag(self.release);
        let program = profile.binary("chancery");
        if !program.exists() {
            eprintln!("building Chancery; the first build takes some minutes, later ones seconds");
        }
        if let Err(error) = web::build_if_changed() {
            eprintln!("the web app is not built, and the server says so: {error:#}");
        }
        project::build(profile, project::PROGRAMS)?;
        let data_dir = self
            .data_dir
            .clone()
            .unwrap_or_else(|| project::root().join(".dev"));
        // Becoming the program hands it the terminal, every signal and the exit code.
        let error = Command::new(&program)
            .args(["up", "--data-dir"])
            .arg(data_dir)
            .args(&self.arguments)
            .exec();
        Err(error).with_context(|| format!("can't start `{}`", program.display()))
    }
}
