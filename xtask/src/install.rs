//! What the tests need and a fresh machine lacks. Each step looks first and says what it does.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{postgres, process, project};

/// A C compiler (for SQLite and the cryptography library), rustfmt and clippy.
pub fn compiler() -> Result<()> {
    if !process::succeeds(Command::new("cc").arg("--version")) {
        apt(&["build-essential"])?;
    }
    for (component, program) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !process::succeeds(&mut project::cargo(&[program, "--version"])) {
            eprintln!("installing the Rust component {component}");
            process::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// The Postgres server's programs.
pub fn postgres() -> Result<()> {
    if postgres::programs().is_err() {
        apt(&["postgresql"])?;
    }
    Ok(())
}

/// Docker's programs, and the static shell that the driver's test image is made of.
pub fn docker() -> Result<()> {
    let server = process::succeeds(Command::new("dockerd").arg("--version"));
    let client = process::succeeds(Command::new("docker").arg("--version"));
    if !(server && client) {
        apt(&["docker.io"])?;
    }
    if !Path::new("/bin/busybox").exists() {
        apt(&["busybox-static"])?;
    }
    Ok(())
}

/// A cargo subcommand: the one on the PATH, or one built once into `./target/tools`.
pub fn cargo_tool(name: &str) -> Result<PathBuf> {
    if process::succeeds(Command::new(name).arg("--version")) {
        return Ok(name.into());
    }
    let tools = project::target().join("tools");
    let program = tools.join("bin").join(name);
    if !program.exists() {
        eprintln!("installing {name} into ./target/tools; this takes some minutes, once");
        // Unoptimised: it builds in half the time and runs long enough for nobody to notice.
        let mut install = project::cargo(&["install", "--locked", "--debug", name, "--root"]);
        install
            .arg(&tools)
            .env("CARGO_TARGET_DIR", tools.join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        process::run(&mut install)?;
        // Only the program is needed from now on.
        std::fs::remove_dir_all(tools.join("build"))
            .context("can't remove ./target/tools/build")?;
    }
    Ok(program)
}

/// The interpreter of `./target/venv`, with the packages of a requirements file installed.
pub fn python(requirements: Option<&Path>) -> Result<PathBuf> {
    let venv = project::target().join("venv");
    let python = venv.join("bin/python");
    if !process::succeeds(Command::new(&python).args(["-m", "pip", "--version"])) {
        if !process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
            apt(&["python3", "python3-venv"])?;
        }
        eprintln!("making a Python environment in ./target/venv");
        process::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )?;
    }
    let Some(requirements) = requirements else {
        return Ok(python);
    };
    once(&venv.join("installed.txt"), &[requirements], || {
        eprintln!("installing Python packages into ./target/venv");
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ]);
        process::run(pip.arg(requirements))
    })?;
    Ok(python)
}

/// The `node_modules` of a folder's `package.json` and lock file, in `./target/node`.
///
/// Node itself is one of the Python packages, so that every machine has the same. No package's own
/// install script is run.
pub fn node_modules(folder: &Path) -> Result<PathBuf> {
    let here = project::target().join("node");
    std::fs::create_dir_all(&here).context("can't make ./target/node")?;
    let files = ["package.json", "package-lock.json"].map(|name| folder.join(name));
    let [package, lock] = &files;
    once(&here.join("installed.txt"), &[package, lock], || {
        eprintln!("installing JavaScript packages into ./target/node; this takes some 20 s");
        for file in &files {
            let name = file.file_name().context("a file has a name")?;
            std::fs::copy(file, here.join(name)).context("can't write to ./target/node")?;
        }
        let programs = project::target().join("venv/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
        let mut npm = Command::new(programs.join("npm"));
        npm.args([
            // Not `ci`: packages for other systems are not all in the lock file.
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .env("PATH", std::env::join_paths(paths)?)
        .current_dir(&here);
        process::run(&mut npm)
    })?;
    Ok(here.join("node_modules"))
}

/// Where programs are looked for, with a Node that can build the web app: the one on the PATH, or that of
/// `./target/venv`.
pub fn node() -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let version = process::capture(Command::new("node").arg("--version"));
    if version.is_ok_and(|version| is_new_enough(&version))
        && process::succeeds(Command::new("npm").arg("--version"))
    {
        return Ok(path);
    }
    python(Some(&project::root().join("tests/python/requirements.txt")))?;
    let ours = std::iter::once(project::target().join("venv/bin"));
    Ok(std::env::join_paths(
        ours.chain(std::env::split_paths(&path)),
    )?)
}

/// What Vite asks for: 20.19, or 22.12 and later.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.');
    let mut number = || parts.next().and_then(|it| it.parse::<u32>().ok());
    matches!((number(), number()), (Some(major), Some(minor)) if match major {
        20 => minor >= 19,
        22 => minor >= 12,
        major => major > 22,
    })
}

/// The packages of a folder's lock file, in its `node_modules`. No package's own install script is run.
pub fn npm_packages(folder: &Path, path: &OsStr) -> Result<()> {
    let kept = folder.join("node_modules/.installed");
    let files = ["package.json", "package-lock.json"].map(|name| folder.join(name));
    let [package, lock] = &files;
    once(&kept, &[package, lock], || {
        eprintln!("installing JavaScript packages into ./web/node_modules; this takes some 20 s");
        let mut npm = Command::new("npm");
        npm.args([
            // Not `ci`: packages for other systems are not all in the lock file, which stays as it is.
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .env("PATH", path)
        .current_dir(folder);
        process::run(&mut npm)
    })
}

/// A browser for the web app's tests, and the fonts of the pictures that they compare.
pub fn chromium() -> Result<()> {
    let needed = [
        "/usr/bin/chromium",
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    ];
    if !needed.iter().all(|path| Path::new(path).exists()) {
        apt(&["chromium", "fonts-dejavu-core"])?;
    }
    Ok(())
}

/// Installs unless what is wanted was installed last; that is kept, so that a second run asks nobody.
fn once(kept: &Path, wanted: &[&Path], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut all = Vec::new();
    for file in wanted {
        let text = std::fs::read(file);
        all.extend(text.with_context(|| format!("can't read `{}`", file.display()))?);
    }
    if std::fs::read(kept).is_ok_and(|last| last == all) {
        return Ok(());
    }
    install()?;
    std::fs::write(kept, all).with_context(|| format!("can't write `{}`", kept.display()))
}

/// Installs Debian packages, as root or by sudo.
fn apt(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !process::succeeds(Command::new("apt-get").arg("--version")) {
        bail!("missing: {list}. Install what your system calls these packages, then try again");
    }
    let root = process::capture(Command::new("id").arg("-u"))? == "0";
    if !root && !process::succeeds(Command::new("sudo").args(["-n", "true"])) {
        bail!("missing: {list}. Run `sudo apt-get install {list}`, then try again");
    }
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.arg("env");
        }
        command.args([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "--yes",
            "--quiet",
        ]);
        process::run(command.args(arguments))
    };
    eprintln!("installing {list} with apt-get");
    let install = [&["install", "--no-install-recommends"], packages].concat();
    // The package lists of a fresh machine are absent or old: fetch them when the first try fails.
    if apt_get(&install).is_err() {
        apt_get(&["update"])?;
        apt_get(&install)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_vite_runs_on_is_known_by_its_version() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.1", "v24.19.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "node"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }
}
