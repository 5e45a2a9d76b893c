//! `chancery doctor`: what the installation needs, and what it has.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use db::DatabaseConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vault::MasterKeySource;

use crate::compose;
use crate::config::Config;

/// With less room than this, nothing can be expected to be recorded for long.
const ROOM_MIN: u64 = 100_000_000;
/// With less room than this, somebody should look.
const ROOM_COMFORTABLE: u64 = 1_000_000_000;
/// How long whoever listens at an address may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much of its answer is read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, with less than it could.
    Warn,
    /// It does not work.
    Fail,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    fn not(
        status: Status,
        name: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Looks at everything that this configuration needs. It leaves nothing behind.
pub async fn doctor(config: &Config) -> Vec<Check> {
    let mut checks = vec![
        data_dir(&config.data_dir),
        room(&config.data_dir),
        database(config).await,
        master_key(config).await,
        listener("listener", config.listen).await,
    ];
    if let Some(address) = config.metrics_listen {
        checks.push(listener("metrics", address).await);
    }
    if let Some(address) = config.peers.listen {
        checks.push(listener("peers", address).await);
    }
    checks.push(node(config).await);
    checks
}

/// The folder itself, or the nearest place above it that is there.
fn nearest(folder: &Path) -> PathBuf {
    let here = Path::new(".");
    let mut above = folder
        .ancestors()
        .map(|it| match it.as_os_str().is_empty() {
            true => here,
            false => it,
        });
    above.find(|it| it.exists()).unwrap_or(here).to_owned()
}

fn data_dir(folder: &Path) -> Check {
    let name = "data folder";
    let there = nearest(folder);
    let probe = there.join(format!(".chancery-doctor-{}", std::process::id()));
    let written = std::fs::create_dir(&probe).and_then(|()| std::fs::remove_dir(&probe));
    let shown = folder.display();
    match written {
        Ok(()) if there == folder => Check::ok(name, format!("{shown} is writable")),
        Ok(()) => Check::ok(name, format!("{shown} is made at the first start")),
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!("{} can't be written: {error}", there.display()),
            "choose another folder with --data-dir, or let this user write there",
        ),
    }
}

fn room(folder: &Path) -> Check {
    let name = "room on the disk";
    let there = nearest(folder);
    let free = match rustix::fs::statvfs(&there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            let detail = format!("{} can't be asked: {error}", there.display());
            return Check::not(Status::Warn, name, detail, "look at the disk yourself");
        }
    };
    let detail = format!("{} MB free at {}", free / 1_000_000, there.display());
    let fix = "make room: what can't be recorded is refused";
    match free {
        free if free < ROOM_MIN => Check::not(Status::Fail, name, detail, fix),
        free if free < ROOM_COMFORTABLE => Check::not(Status::Warn, name, detail, fix),
        _ => Check::ok(name, detail),
    }
}

async fn database(config: &Config) -> Check {
    let name = "database";
    let (shown, fix) = match config.database() {
        DatabaseConfig::Sqlite { path } if !path.exists() => {
            let detail = format!("SQLite; {} is made at the first start", path.display());
            return Check::ok(name, detail);
        }
        DatabaseConfig::Sqlite { path } => (
            format!("SQLite at {}", path.display()),
            "restore it from a backup with `chancery restore`, or choose another folder",
        ),
        DatabaseConfig::Postgres { .. } => (
            "Postgres".to_owned(),
            "start it and check `database.url`; without one, SQLite is used",
        ),
    };
    let checked = async {
        let (_, authority) = compose::open_database(config).await?;
        authority.ping().await?;
        Ok::<_, crate::ServerError>(())
    };
    match checked.await {
        Ok(()) => Check::ok(name, format!("{shown} answers")),
        Err(error) => {
            let detail = format!("{shown} does not answer: {}", crate::chain(&error));
            Check::not(Status::Fail, name, detail, fix)
        }
    }
}

async fn master_key(config: &Config) -> Check {
    let name = "master key";
    let from = match &config.master_key {
        MasterKeySource::File(path) if !path.exists() && !has_database(config) => {
            let detail = format!("{} is made at the first start", path.display());
            return Check::ok(name, detail);
        }
        MasterKeySource::File(path) => path.display().to_string(),
        MasterKeySource::Environment(variable) => format!("the variable `{variable}`"),
        MasterKeySource::Command { program, .. } => format!("the command `{program}`"),
    };
    // Loaded and never made: a doctor that makes a key would hide that it is lost.
    match vault::MasterKeys::load(&config.master_key).await {
        Ok(keys) => match keys.ids().as_slice() {
            [id] => Check::ok(
                name,
                format!("{id} from {from}; keep a copy of it elsewhere"),
            ),
            ids => {
                let newest = ids.last().cloned().unwrap_or_default();
                let detail = format!("{} keys from {from}; the newest is {newest}", ids.len());
                Check::not(
                    Status::Warn,
                    name,
                    detail,
                    "once every process has them, run `chancery master-key rewrap` and take the older ones out",
                )
            }
        },
        Err(error) => Check::not(
            Status::Fail,
            name,
            crate::chain(&error),
            "put the key back from its copy: without it no secret and no content can be read",
        ),
    }
}

/// Whether there is a database already whose contents need the key.
fn has_database(config: &Config) -> bool {
    match config.database() {
        DatabaseConfig::Sqlite { path } => path.exists(),
        DatabaseConfig::Postgres { .. } => false,
    }
}

async fn listener(name: &'static str, address: SocketAddr) -> Check {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Check::ok(name, format!("{address} is free")),
        Err(_) if is_chancery(address).await => {
            Check::ok(name, format!("Chancery is running at {address}"))
        }
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!("{address} can't be taken: {error}"),
            "end what listens there, or choose another address",
        ),
    }
}

/// Whether what listens there answers `/livez` as this program does.
async fn is_chancery(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_string(&mut answer)
            .await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    matches!(answer, Ok(Ok(text)) if text.to_lowercase().contains("x-trace-id") && text.ends_with("ok"))
}

async fn node(config: &Config) -> Check {
    let name = "local node";
    if !config.node.local {
        return Check::ok(name, "off: nodes connect from elsewhere");
    }
    let Ok(binary) = crate::local_node::binary(config) else {
        return Check::not(
            Status::Fail,
            name,
            "chancery-node is not beside this program",
            "install both programs in one folder, or set node.binary",
        );
    };
    let mut command = tokio::process::Command::new(&binary);
    match command.arg("probe").output().await {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Check::ok(name, drivers(&text))
        }
        Ok(output) => Check::not(
            Status::Warn,
            name,
            "nothing here can run skills or commands in a sandbox; files still work",
            format!(
                "run `{} probe` to see what is missing ({})",
                binary.display(),
                output.status
            ),
        ),
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!("{} can't be started: {error}", binary.display()),
            "install chancery-node beside this program",
        ),
    }
}

/// Each driver with its level, out of a probe's lines; what stands indented below is left out.
fn drivers(probe: &str) -> String {
    let lines = probe.lines().filter(|line| !line.starts_with(' '));
    let each = lines.filter_map(|line| line.split_once(' '));
    let each: Vec<String> = each
        .map(|(driver, level)| format!("{driver} {}", level.trim().to_lowercase()))
        .collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test panics")]

    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("a/b");
        let check = data_dir(&missing);
        assert_eq!((check.status, missing.exists()), (Status::Ok, false));
        assert!(check.detail.contains("first start"), "{check:?}");
        let check = data_dir(folder.path());
        assert!(check.detail.ends_with("is writable"), "{check:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // Nobody makes folders in there, not even root.
        assert_eq!(data_dir(Path::new("/proc/self/x")).status, Status::Fail);
    }

    #[test]
    fn a_probe_is_told_in_one_line() {
        let probe =
            "namespaces  Enforced\n            seccomp\ndocker      Unavailable\n   lacks: x\n";
        assert_eq!(drivers(probe), "namespaces enforced, docker unavailable");
    }

    #[tokio::test]
    async fn a_stranger_at_the_address_is_told_from_chancery() {
        let stranger = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = stranger.local_addr().unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = stranger.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nok")
                .await
                .unwrap();
            stranger
        });
        let check = listener("listener", address).await;
        assert_eq!(check.status, Status::Fail, "{check:?}");
        drop(answering.await.unwrap());
        assert_eq!(listener("listener", address).await.status, Status::Ok);
    }
}
