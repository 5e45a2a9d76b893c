//! A server process under test: start it, wait for it, kill it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::program;

pub const OWNER_EMAIL: &str = "owner@example.org";
pub const OWNER_PASSWORD: &str = "correct horse battery staple";

/// How long a server may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How to start a server; every start has the same data and the same port.
pub struct Launch {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    database_url: Option<String>,
    variables: Vec<(&'static str, &'static str)>,
}

impl Launch {
    /// A server with its data and its log in `folder`.
    pub fn new(folder: &Path, database_url: Option<String>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
        let port = listener.local_addr().context("no free port")?.port();
        let program = program("CHANCERY_BIN")?;
        Ok(Self {
            program,
            folder: folder.to_owned(),
            port,
            database_url,
            variables: Vec::new(),
        })
    }

    /// The same with one more variable in its environment.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Starts the process and does not wait for it.
    pub fn start(&self) -> Result<Server> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .context("can't open the server's log")?;
        let mut command = Command::new(&self.program);
        command
            .arg("up")
            .arg("--no-demo")
            .arg("--data-dir")
            .arg(self.folder.join("data"));
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command
            .env("CHANCERY_OWNER_EMAIL", OWNER_EMAIL)
            .env("CHANCERY_OWNER_PASSWORD", OWNER_PASSWORD)
            .envs(self.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("can't open the server's log")?)
            .stderr(log);
        let process = command
            .spawn()
            .with_context(|| format!("can't start `{}`", self.program.display()))?;
        Ok(Server {
            process,
            url: self.url(),
            log: self.log(),
        })
    }
}

/// A running server; killed when this value ends.
pub struct Server {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Waits until `/readyz` answers 200, and says how long that took.
    pub async fn ready(&mut self) -> Result<Duration> {
        let client = reqwest::Client::new();
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Ok(start.elapsed());
            }
            if let Some(status) = self.process.try_wait().context("lost the server")? {
                bail!(
                    "the server ended by itself ({status}); see `{}`",
                    self.log.display()
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!(
            "the server was not ready within 60 s; see `{}`",
            self.log.display()
        )
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The nodes that the server has started.
    pub fn nodes(&self) -> Vec<u32> {
        children(self.process.id())
    }

    /// Kill -9, and wait until the process is gone.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill().context("can't kill the server")?;
        self.process.wait().context("can't wait for the server")?;
        Ok(())
    }

    /// Asks the server to end (SIGTERM) and waits for it.
    pub async fn stop(mut self, within: Duration) -> Result<()> {
        signal(self.process.id(), Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < within {
            if self
                .process
                .try_wait()
                .context("lost the server")?
                .is_some()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!(
            "the server did not end within {} s of SIGTERM",
            within.as_secs()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `kill` and `stop`; both calls then do nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal; a process that is gone already is no error.
pub fn signal(process: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process is there and runs this program.
pub fn runs(process: u32, program: &str) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
    let state = stat(process).map(|(state, _)| state);
    name.is_ok_and(|name| name.trim() == program) && state != Some('Z')
}

fn children(parent: u32) -> Vec<u32> {
    let processes = Path::new("/proc")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| stat(*process).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// State and parent of a process.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold spaces; what follows it may not.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Resident memory of a process, in bytes.
pub fn resident(process: u32) -> Option<u64> {
    of_status(process, "VmRSS:")
}

/// As much of it as are pages of files: the program and its libraries.
pub fn resident_files(process: u32) -> Option<u64> {
    of_status(process, "RssFile:")
}

fn of_status(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_and_its_memory_read() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(std::process::id()).contains(&child.id()));
        assert!(runs(child.id(), "sleep"));
        let files = resident_files(child.id()).unwrap();
        assert!(files > 0 && resident(child.id()).unwrap() > files);
        signal(child.id(), Signal::KILL);
        child.wait().unwrap();
        assert!(!runs(child.id(), "sleep"));
    }
}
