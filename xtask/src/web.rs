//! The web app: what builds it, what checks it, and its tests in a real browser.
//!
//! It is built into `web/dist/app`, and `crates/web` embeds what is there when the server is built. So it
//! comes before the server, in `up` and in `test`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::project::{Profile, root};
use crate::report::Counts;
use crate::{install, process, results};

/// Folders below `web/` that are made, and not what it is made of.
const MADE: &[&str] = &[
    "node_modules",
    "dist",
    "test-results",
    "playwright-report",
    "junit",
];

fn folder() -> PathBuf {
    root().join("web")
}

/// Builds the app unless what is built is newer than everything that it is made of.
///
/// # Errors
/// Node can't be had, or the app can't be built. A server can be built all the same.
pub fn build_if_changed() -> Result<()> {
    let built = modified(&folder().join("dist/app/index.html"));
    let sources = newest(&folder())?.max(modified(&root().join("openapi/v1.json")));
    if built.is_some() && built >= sources {
        return Ok(());
    }
    eprintln!("building the web app");
    npm(&["run", "--silent", "build"]).and_then(|mut build| process::run(&mut build))
}

/// Everything that can be said of the app without the server: generated types, Biome, TypeScript,
/// Vitest, the build and the budget of its scripts.
pub fn check_and_build() -> Result<Counts> {
    let mut counts = Counts::default();
    for script in ["check", "build"] {
        process::run(&mut npm(&["run", "--silent", script])?)?;
        counts.add(Counts::ONE);
    }
    counts.add(with_junit("unit", &["run", "--silent", "test"], &[])?);
    Ok(counts)
}

/// Playwright against the built server, with the system's Chromium.
pub fn in_the_browser(postgres: &str) -> Result<Counts> {
    install::chromium()?;
    let binary = Profile::Dev.binary("chancery");
    let environment = [
        ("CHANCERY_BIN", binary.into_os_string()),
        ("CHANCERY_TEST_POSTGRES", postgres.into()),
    ];
    with_junit("browser", &["run", "--silent", "e2e"], &environment)
}

/// Runs a script of `web/package.json` that uses the browser, against a built server.
pub fn tool(script: &str, profile: Profile) -> Result<()> {
    install::chromium()?;
    let mut command = npm(&["run", "--silent", script])?;
    process::run(command.env("CHANCERY_BIN", profile.binary("chancery")))
}

/// Runs a script that leaves its results in `web/junit/NAME.xml`.
fn with_junit(name: &str, script: &[&str], environment: &[(&str, OsString)]) -> Result<Counts> {
    let written = folder().join(format!("junit/{name}.xml"));
    if written.exists() {
        std::fs::remove_file(&written).context("can't remove the last results")?;
    }
    let mut command = npm(script)?;
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let outcome = process::run(&mut command);
    let Ok(text) = std::fs::read_to_string(&written) else {
        outcome?;
        bail!("the {name} tests left no results");
    };
    let counts = results::junit(&text).with_context(|| format!("can't read `{name}.xml`"))?;
    // Failed without a failed test: a file that could not be loaded, for example.
    if counts.failed == 0 {
        outcome?;
    }
    Ok(counts)
}

/// npm in `web/`, with its packages installed.
fn npm(arguments: &[&str]) -> Result<Command> {
    let folder = folder();
    let path = install::node()?;
    let packages = install::npm_packages(&folder, &path);
    packages.context("the web app's packages can't be installed")?;
    let mut command = Command::new("npm");
    command
        .args(arguments)
        .env("PATH", &path)
        .current_dir(folder);
    Ok(command)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|it| it.modified()).ok()
}

/// When anything below a folder was changed, leaving out what is made. A folder inside of it counts too:
/// its time is that of the last file that came or went. The outermost one does not, since what is made
/// comes and goes there.
fn newest(folder: &Path) -> Result<Option<SystemTime>> {
    let mut newest = None;
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("can't read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let is_made = path.file_name().and_then(|name| name.to_str());
        if is_made.is_some_and(|name| MADE.contains(&name) || name == "schema.d.ts") {
            continue;
        }
        newest = newest.max(modified(&path));
        if path.is_dir() {
            newest = newest.max(self::newest(&path)?);
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir_all, remove_dir_all, remove_file, write};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_was_deleted_makes_what_is_built_old() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-newest-{}", std::process::id()));
        let source = folder.join("src");
        create_dir_all(&source)?;
        for name in ["a.ts", "b.ts"] {
            write(source.join(name), "")?;
        }
        let now = modified(&source.join("b.ts")).context("it was written")?;
        let before = now - Duration::from_secs(3600);
        for path in [source.join("a.ts"), source.join("b.ts"), source.clone()] {
            File::open(path)?.set_modified(before)?;
        }
        let built = now - Duration::from_secs(60);
        assert_eq!(newest(&folder)?, Some(before));
        remove_file(source.join("a.ts"))?;
        assert!(newest(&folder)? > Some(built));
        remove_dir_all(folder)?;
        Ok(())
    }
}
