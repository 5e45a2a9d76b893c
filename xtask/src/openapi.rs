//! `cargo xtask openapi`: the OpenAPI document as a reviewed file.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::project::{self, Profile};

const DOCUMENT: &str = "openapi/v1.json";

/// Write the OpenAPI document to openapi/v1.json, or compare it.
#[derive(clap::Args)]
pub struct Openapi {
    /// Change nothing; fail when the file is not what the handlers say.
    #[arg(long)]
    check: bool,
}

impl Openapi {
    pub fn run(&self) -> Result<()> {
        project::build(Profile::Dev, &["chancery-cli"])?;
        if self.check { check() } else { write() }
    }
}

/// Fails when the reviewed file differs from what the built program prints.
pub fn check() -> Result<()> {
    let printed = document()?;
    let path = project::root().join(DOCUMENT);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let Some(line) = first_difference(&kept, &printed) else {
        return Ok(());
    };
    bail!("`{DOCUMENT}` differs from the handlers at line {line}; run `cargo xtask openapi`")
}

fn write() -> Result<()> {
    let path = project::root().join(DOCUMENT);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).context("can't make the folder `openapi`")?;
    }
    std::fs::write(&path, document()?).with_context(|| format!("can't write `{DOCUMENT}`"))?;
    eprintln!("wrote {DOCUMENT}");
    Ok(())
}

fn document() -> Result<String> {
    let mut command = Command::new(Profile::Dev.binary("chancery"));
    let mut printed = process::capture(command.arg("openapi"))?;
    printed.push('\n');
    Ok(printed)
}

/// The number of the first line that differs, from 1.
fn first_difference(kept: &str, printed: &str) -> Option<usize> {
    if kept == printed {
        return None;
    }
    let same = kept
        .lines()
        .zip(printed.lines())
        .take_while(|(left, right)| left == right)
        .count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
    }
}
