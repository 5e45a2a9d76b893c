//! Where things are in the repository, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The build directory, always `./target`, whatever directory xtask itself was built in.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Cargo, run in the root with the project's own build directory and the caller's RUSTFLAGS.
///
/// Every build goes through here: another directory or other flags would build everything again.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target());
    // Set by `cargo run` for xtask's own package; build scripts below must not see them.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_"))
        {
            command.env_remove(name);
        }
    }
    command
}

/// How a binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub fn from_release_flag(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    /// The path of a built binary.
    pub fn binary(self, name: &str) -> PathBuf {
        let folder = match self {
            Self::Dev => "debug",
            Self::Release => "release",
        };
        target().join(folder).join(name)
    }
}

/// Builds packages, showing cargo's own progress.
pub fn build(profile: Profile, packages: &[&str]) -> Result<()> {
    let mut command = cargo(&["build"]);
    for package in packages {
        command.args(["--package", package]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    process::run(&mut command)
}

/// The packages of the two programs.
pub const PROGRAMS: &[&str] = &["chancery-cli", "chancery-node"];
