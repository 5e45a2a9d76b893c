//! A private Postgres server: thrown away after a run, or kept for development.
//!
//! It listens on 127.0.0.1 alone, on a free port, and trusts whoever can connect. Postgres refuses
//! to run as root; as root it runs as the user `postgres`.
//!
//! The server of a run is owned by a small shell that waits for the end of its standard input.
//! When xtask ends in any way (done, failed, interrupted, killed) the pipe closes, and the shell
//! stops the server and removes its files.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// Whether a commit waits for the disk.
#[derive(Clone, Copy)]
pub enum Durability {
    /// As in production: for benches and development.
    Full,
    /// Never: for tests, whose data outlives nothing.
    None,
}

/// The folder that holds `initdb`, `pg_ctl`, `psql` and the rest, of the newest version installed.
pub fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    versions.sort_unstable();
    if let Some((_, folder)) = versions.pop() {
        return Ok(folder);
    }
    let folder = process::capture(Command::new("pg_config").arg("--bindir"))?;
    if Path::new(&folder).join("initdb").exists() {
        return Ok(folder.into());
    }
    bail!("no Postgres server is installed (looked for `initdb`)")
}

/// A server that ends with this value.
pub struct Postgres {
    port: u16,
    owner: Child,
}

/// `$1` programs, `$2` folder, `$3` options of the server.
const OWN: &str = r#"
PATH="$1:$PATH"
trap 'rm -rf "$2"' EXIT
trap '' INT HUP TERM
initdb --pgdata "$2/data" --username postgres --auth trust --no-sync --encoding UTF8 \
    --locale C >"$2/log" 2>&1 &&
pg_ctl --pgdata "$2/data" --log "$2/log" --options "$3" --wait --timeout 60 start >/dev/null 2>&1 ||
    { tail -n 20 "$2/log"; exit 1; }
echo ready
cat >/dev/null
pg_ctl --pgdata "$2/data" --mode immediate stop >/dev/null 2>&1
"#;

impl Postgres {
    /// Starts an empty server and waits until it answers.
    pub fn start(durability: Durability) -> Result<Self> {
        let programs = programs()?;
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("chancery-pg-{}", std::process::id()));
        make_folder(&folder)?;
        let mut owner = as_postgres("sh")?
            .args(["-c", OWN, "own"])
            .arg(programs)
            .arg(&folder)
            .arg(options(port, durability))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start a shell")?;
        let mut said = String::new();
        if let Some(stdout) = owner.stdout.take() {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line == "ready" {
                    return Ok(Self { port, owner });
                }
                said.push_str(&line);
                said.push('\n');
            }
        }
        bail!("can't start Postgres: {}", said.trim())
    }

    /// The server's first database, as its superuser.
    pub fn url(&self) -> String {
        url(self.port, "postgres")
    }

    /// Makes an empty database and returns its URL.
    pub fn create_database(&self, name: &str) -> Result<String> {
        let mut psql = Command::new(programs()?.join("psql"));
        psql.arg(self.url())
            .args(["--quiet", "--no-psqlrc", "--command"]);
        process::capture(psql.arg(format!("CREATE DATABASE \"{name}\"")))?;
        Ok(url(self.port, name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        if let Err(error) = self.owner.wait() {
            eprintln!("Postgres may still be running: {error}");
        }
    }
}

/// A server that outlives xtask, with its data in a folder of its own.
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The URL, when the server is running.
    pub fn running(&self) -> Result<Option<String>> {
        let mut status = as_postgres(programs()?.join("pg_ctl"))?;
        status
            .arg("status")
            .arg("--pgdata")
            .arg(self.data())
            .current_dir("/");
        if !process::succeeds(&mut status) {
            return Ok(None);
        }
        // The fourth line of the server's own lock file is its port.
        let path = self.data().join("postmaster.pid");
        let lock = std::fs::read_to_string(&path)
            .with_context(|| format!("can't read `{}`", path.display()))?;
        let port = lock
            .lines()
            .nth(3)
            .and_then(|line| line.trim().parse().ok());
        let port = port.with_context(|| format!("no port in `{}`", path.display()))?;
        Ok(Some(url(port, "postgres")))
    }

    /// Starts the server, on a new data directory the first time, and returns its URL.
    pub fn start(&self) -> Result<String> {
        if let Some(url) = self.running()? {
            return Ok(url);
        }
        let programs = programs()?;
        if !self.data().join("PG_VERSION").exists() {
            make_folder(&self.folder)?;
            self.reachable()?;
            let mut initdb = as_postgres(programs.join("initdb"))?;
            initdb.args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ]);
            process::capture(initdb.arg("--pgdata").arg(self.data()).current_dir("/"))?;
        }
        let port = free_port()?;
        let mut start = as_postgres(programs.join("pg_ctl"))?;
        start.args([
            "start",
            "--wait",
            "--options",
            &options(port, Durability::Full),
        ]);
        start
            .arg("--log")
            .arg(self.folder.join("log"))
            .arg("--pgdata")
            .arg(self.data());
        // Not captured: the server would hold the pipe open for as long as it lives.
        process::run(start.current_dir("/").stdout(Stdio::null()))
            .with_context(|| format!("see `{}`", self.folder.join("log").display()))?;
        Ok(url(port, "postgres"))
    }

    /// Stops the server; nothing happens when it does not run.
    pub fn stop(&self) -> Result<()> {
        if self.running()?.is_none() {
            return Ok(());
        }
        let mut stop = as_postgres(programs()?.join("pg_ctl"))?;
        stop.args(["stop", "--mode=fast", "--pgdata"])
            .arg(self.data());
        process::capture(stop.current_dir("/"))?;
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn reachable(&self) -> Result<()> {
        if process::succeeds(as_postgres("test")?.arg("-w").arg(&self.folder)) {
            return Ok(());
        }
        bail!(
            "the user `postgres` can't reach `{}`; run as an ordinary user, or move the repository",
            self.folder.display()
        )
    }
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

fn options(port: u16, durability: Durability) -> String {
    // Connections by TCP alone: the path of a socket may be too long for the kernel.
    let common = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
         -c max_connections=300 -c max_locks_per_transaction=256"
    );
    match durability {
        Durability::Full => common,
        Durability::None => format!("{common} -c fsync=off -c full_page_writes=off"),
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .context("no free port on 127.0.0.1")?
        .port())
}

/// Makes a folder that belongs to the user who runs the server, and to nobody else.
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't make `{}`", folder.display()))?;
    if let Some((user, group)) = server_user()? {
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .with_context(|| format!("can't give `{}` to `postgres`", folder.display()))?;
    }
    Ok(())
}

/// A command as the user who runs the server.
fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    if let Some((user, group)) = server_user()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

/// User and group to change to: none unless xtask runs as root.
fn server_user() -> Result<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| -> Result<u32> {
        let printed = process::capture(Command::new("id").args(arguments))?;
        printed
            .parse()
            .with_context(|| format!("`id` printed `{printed}`"))
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    Ok(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_until_it_is_dropped_and_leaves_nothing() {
        let server = Postgres::start(Durability::None).unwrap();
        let folder = std::env::temp_dir().join(format!("chancery-pg-{}", std::process::id()));
        let url = server.create_database("one").unwrap();
        let ask = || {
            let mut psql = Command::new(programs().unwrap().join("psql"));
            psql.arg(&url)
                .args(["--no-align", "--tuples-only", "--command", "SHOW fsync"]);
            process::capture(&mut psql)
        };
        assert_eq!(ask().unwrap(), "off");
        assert!(folder.exists());

        drop(server);
        assert!(ask().is_err());
        assert!(!folder.exists());
    }
}
