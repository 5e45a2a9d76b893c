//! Processes that wait to become sandboxes.
//!
//! To put a process into control groups takes the kernel longer (it waits for every processor, once
//! for each hierarchy) than all the rest of a sandbox. So it is done ahead: a few processes stand
//! ready in groups of their own, having read nothing yet. Each becomes one sandbox and is gone.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio_util::task::TaskTracker;

use super::cgroup::{Cgroups, Group};
use super::run::SandboxError;

/// How many stand ready.
const READY: usize = 2;

/// A process that waits for its spec, in its groups.
#[derive(Debug)]
pub struct Spare {
    /// The process.
    pub child: Child,
    /// The node's end of the socket.
    pub socket: UnixStream,
    /// Its groups, not limited yet.
    pub group: Group,
}

/// The processes that stand ready.
#[derive(Debug)]
pub struct Spares {
    helper: PathBuf,
    cgroups: Arc<Cgroups>,
    ready: Arc<Mutex<Vec<Spare>>>,
    tasks: TaskTracker,
}

impl Spares {
    /// None yet.
    pub fn new(helper: PathBuf, cgroups: Cgroups) -> Self {
        Self {
            helper,
            cgroups: Arc::new(cgroups),
            ready: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// What groups limit here.
    pub fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// One that stands ready, or a new one.
    pub async fn take(&self) -> Result<Spare, SandboxError> {
        while let Some(mut spare) = self.pop() {
            // Somebody may have killed it while it waited.
            if matches!(spare.child.try_wait(), Ok(None)) {
                return Ok(spare);
            }
        }
        let (helper, cgroups) = (self.helper.clone(), Arc::clone(&self.cgroups));
        let made = tokio::task::spawn_blocking(move || make(&helper, &cgroups));
        made.await.map_err(|_| SandboxError::Silent)?
    }

    fn pop(&self) -> Option<Spare> {
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Cleans up after a sandbox, and makes more ready.
    pub fn after(&self, group: Group) {
        let (helper, cgroups) = (self.helper.clone(), Arc::clone(&self.cgroups));
        let ready = Arc::clone(&self.ready);
        self.tasks.spawn(group.remove());
        self.tasks.spawn_blocking(move || {
            loop {
                if ready.lock().unwrap_or_else(PoisonError::into_inner).len() >= READY {
                    return;
                }
                match make(&helper, &cgroups) {
                    Ok(spare) => ready
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(spare),
                    // Whoever takes the next one will hear why.
                    Err(_) => return,
                }
            }
        });
    }
}

fn make(helper: &Path, cgroups: &Cgroups) -> Result<Spare, SandboxError> {
    let group = cgroups.make().map_err(SandboxError::Group)?;
    let (child, socket) = start(helper).map_err(SandboxError::Start)?;
    let pid = child
        .id()
        .ok_or_else(|| SandboxError::Start(io::ErrorKind::NotFound.into()))?;
    group.add(pid).map_err(SandboxError::Group)?;
    Ok(Spare {
        child,
        socket,
        group,
    })
}

fn start(helper: &Path) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let child = Command::new(helper)
        .arg("sandbox-init")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, UnixStream::from_std(ours)?))
}
