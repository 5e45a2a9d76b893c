//! The node's side of a sandbox: starts the process that becomes it, speaks to it, and ends it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::Usage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::cgroup::{Cgroups, Group};
use super::mounts::bind_of;
use super::spare::{Spare, Spares};
use super::spec::{self, Ended, InnerLimits, Payload, Report, Spec, Why};
use crate::process::{Captured, Exit, Process, Ran, capture};

/// Who foreign code is outside, when the node is root: nobody.
pub const NOBODY: u32 = 65_534;
/// The size of `/tmp`, in bytes.
pub const TMP_BYTES: u64 = 64 * 1024 * 1024;
/// The size of `/out`, in bytes: twice what is handed back, so that too much is seen as too much.
pub const OUT_BYTES: u64 = 2 * protocol::limits::ARTIFACTS_BYTES_MAX;
/// How long after its time limit a sandbox that does not end is killed from outside.
const GRACE: Duration = Duration::from_secs(10);

/// Runs foreign code in namespaces.
#[derive(Debug)]
pub struct Namespaces {
    staging: PathBuf,
    spares: Spares,
    identity: Option<u32>,
}

/// Why nothing ran.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A step of setting the boundary up failed.
    #[error("the sandbox could not be set up: {step}: {source}")]
    Setup {
        /// Which step.
        step: String,
        /// Why.
        source: io::Error,
    },
    /// The process that becomes the sandbox could not be started or spoken to.
    #[error("the sandbox could not be started")]
    Start(#[source] io::Error),
    /// A control group could not be made.
    #[error("the sandbox's control group could not be made")]
    Group(#[source] io::Error),
    /// The sandbox ended without a word.
    #[error("the sandbox ended without a report")]
    Silent,
    /// A driver other than the namespaces failed.
    #[error("the container could not be run: {0}")]
    Container(String),
}

/// All that a sandbox said.
#[derive(Default)]
struct Said {
    first: Option<Report>,
    ended: Option<Ended>,
}

impl Namespaces {
    /// A driver that starts `helper sandbox-init` and builds roots on the empty folder `staging`.
    #[must_use]
    pub fn new(helper: PathBuf, staging: PathBuf) -> Self {
        let identity = rustix::process::geteuid().is_root().then_some(NOBODY);
        Self {
            staging,
            spares: Spares::new(helper, Cgroups::find()),
            identity,
        }
    }

    /// What groups limit here.
    #[must_use]
    pub fn cgroups(&self) -> &Cgroups {
        self.spares.cgroups()
    }

    /// Runs a process to its end, or until it is stopped.
    ///
    /// # Errors
    /// What kept it from being run. Once it ran, how it ended is in the answer.
    pub async fn run(
        &self,
        process: &Process,
        stop: &CancellationToken,
    ) -> Result<Ran, SandboxError> {
        let spec = self.spec(process).map_err(SandboxError::Start)?;
        let started = Instant::now();
        let (group, said, stdout, stderr) = self.converse(&spec, process, stop).await?;
        let ran = conclude(said, &group, started.elapsed());
        self.spares.after(group);
        ran.map(|ran| Ran {
            stdout,
            stderr,
            ..ran
        })
    }

    /// Makes the checks from inside.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn check(&self) -> Result<Vec<super::checks::Check>, SandboxError> {
        let process = Process {
            command: Vec::new(),
            folder: None,
            input: Vec::new(),
            workspace: None,
            skill: None,
            network: false,
            limits: protocol::JobLimits {
                timeout_ms: 10_000,
                ..Default::default()
            },
        };
        let spec = self.spec(&process).map_err(SandboxError::Start)?;
        let spec = Spec {
            payload: Payload::Checks,
            ..spec
        };
        let stop = CancellationToken::new();
        let (group, said, _, _) = self.converse(&spec, &process, &stop).await?;
        self.spares.after(group);
        match said.first {
            Some(Report::Checked(checks)) => Ok(checks),
            Some(Report::SetupFailed(failed)) => Err(setup_failed(failed)),
            _ => Err(SandboxError::Silent),
        }
    }

    fn spec(&self, process: &Process) -> io::Result<Spec> {
        let bind = |path: &Path, writable| bind_of(path, writable);
        let workspace = process
            .workspace
            .as_ref()
            .map(|m| bind(&m.path, m.writable))
            .transpose()?;
        let skill = process
            .skill
            .as_ref()
            .map(|path| bind(path, false))
            .transpose()?;
        let limits = &process.limits;
        let bounded = self.cgroups().limits_memory();
        Ok(Spec {
            staging: self.staging.clone(),
            payload: Payload::Command(process.command_inside()),
            env: Process::environment(),
            cwd: process.folder_inside(),
            input: process.input.clone(),
            workspace,
            skill,
            network: process.network,
            identity: self.identity,
            limits: InnerLimits {
                timeout_ms: limits.timeout_ms,
                address_space_bytes: (!bounded).then_some(limits.memory_bytes),
                processes: limits.processes,
                file_bytes: limits.file_bytes,
                tmp_bytes: TMP_BYTES.min(limits.memory_bytes / 2),
                out_bytes: OUT_BYTES.min(limits.memory_bytes / 2),
            },
        })
    }

    async fn converse(
        &self,
        spec: &Spec,
        process: &Process,
        stop: &CancellationToken,
    ) -> Result<(Group, Said, Captured, Captured), SandboxError> {
        let message = spec::encode(spec).map_err(SandboxError::Start)?;
        let Spare {
            mut child,
            mut socket,
            group,
        } = self.spares.take().await?;
        group.limit(&process.limits).map_err(SandboxError::Group)?;
        let keep = process.limits.stream_bytes;
        let stdout = capture(child.stdout.take(), keep);
        let stderr = capture(child.stderr.take(), keep);
        let deadline = Duration::from_millis(process.limits.timeout_ms) + GRACE;
        let talk = async {
            // A sandbox that fails early may close before it has read everything; it says why.
            let _ = socket.write_all(&message).await;
            listen(socket, stop).await
        };
        let all = async { tokio::join!(talk, stdout, stderr) };
        let result = tokio::time::timeout(deadline, all).await;
        if result.is_err() {
            child.start_kill().map_err(SandboxError::Start)?;
        }
        child.wait().await.map_err(SandboxError::Start)?;
        let (said, stdout, stderr) = result.map_err(|_| SandboxError::Silent)?;
        Ok((group, said, stdout, stderr))
    }
}

/// Hears what the sandbox says until it is gone. When it is to stop, closes the node's half of the
/// socket, upon which the sandbox kills everything inside and says how it ended.
async fn listen(socket: UnixStream, stop: &CancellationToken) -> Said {
    let (mut from, mut to) = socket.into_split();
    let mut said = Said::default();
    let hear = async {
        while let Some(report) = next_report(&mut from).await {
            match report {
                Report::Ended(ended) => said.ended = Some(ended),
                other => said.first = said.first.take().or(Some(other)),
            }
        }
    };
    let end = async {
        stop.cancelled().await;
        let _ = to.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = hear => {}
        () = end => {}
    }
    said
}

async fn next_report(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Report> {
    let length = from.read_u32().await.ok()? as usize;
    if length > spec::MESSAGE_BYTES_MAX {
        return None;
    }
    let mut json = vec![0; length];
    from.read_exact(&mut json).await.ok()?;
    serde_json::from_slice(&json).ok()
}

fn setup_failed(failed: spec::Failed) -> SandboxError {
    SandboxError::Setup {
        step: failed.step,
        source: io::Error::from_raw_os_error(failed.errno),
    }
}

fn conclude(said: Said, group: &Group, duration: Duration) -> Result<Ran, SandboxError> {
    let ended = said.ended;
    let memory_kills = group.memory_kills();
    let usage = Usage {
        cpu_ms: ended.map_or(0, |ended| ended.cpu_ms),
        memory_bytes_max: group
            .memory_bytes_max()
            .or(ended.map(|ended| ended.memory_bytes_max))
            .unwrap_or(0),
    };
    let mut ran = Ran {
        exit: Exit::Stopped,
        stdout: Captured::default(),
        stderr: Captured::default(),
        files: Vec::new(),
        files_cut: false,
        usage,
        duration,
    };
    ran.exit = match (said.first, ended.map(|ended| ended.why)) {
        (Some(Report::SetupFailed(failed)), _) => return Err(setup_failed(failed)),
        (_, Some(Why::TimedOut)) => Exit::TimedOut,
        (_, Some(Why::Stopped)) => Exit::Stopped,
        (Some(Report::ExecFailed(failed)), _) => Exit::NotStarted(failed.errno),
        (Some(Report::Exited(exited)), _) => {
            ran.files = exited
                .files
                .into_iter()
                .map(|file| (file.path, file.bytes))
                .collect();
            ran.files_cut = exited.files_cut;
            match (exited.code, exited.signal) {
                (Some(0), _) => Exit::Code(0),
                _ if memory_kills > 0 => Exit::OutOfMemory,
                (Some(code), _) => Exit::Code(code),
                (None, Some(libc::SIGXCPU)) => Exit::TimedOut,
                (None, signal) => Exit::Signal(signal.unwrap_or(0)),
            }
        }
        // A keeper was killed together with what it kept.
        _ if memory_kills > 0 => Exit::OutOfMemory,
        _ => return Err(SandboxError::Silent),
    };
    Ok(ran)
}
