//! The node's life: connect, serve, reconnect, until it is told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::frame::Refused;
use tokio_util::sync::CancellationToken;
use vocab::{Clock, Random};

use crate::connect::{Backoff, ConnectError, Credential, Gateway};
use crate::docker::Docker;
use crate::drivers::Drivers;
use crate::sandbox::Namespaces;
use crate::session::{End, serve};
use crate::skills::Skills;
use crate::spool::{Spool, SpoolError};
use crate::worker::Worker;
use crate::workspace::Workspaces;

/// How a node is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's folder.
    pub data_dir: PathBuf,
    /// The program that becomes a sandbox: this one.
    pub helper: PathBuf,
    /// The image of the Docker driver; no such driver without one.
    pub docker_image: Option<String>,
    /// How many jobs are worked on at once.
    pub slots: usize,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Why a node does not start, or gave up.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The node's folder can't be used.
    #[error("the data folder `{path}` can't be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The spool can't be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The gateway will never let it in as it is.
    #[error("the gateway refuses this node: {}", .0.message)]
    Refused(Refused),
}

/// When the node is to finish, and when it is to finish at once.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    now: CancellationToken,
}

impl Shutdown {
    /// Take nothing new, finish, and go.
    pub fn finish(&self) {
        self.drain.cancel();
    }

    /// Stop what is running, keep and send what became of it, and go.
    pub fn stop(&self) {
        self.drain.cancel();
        self.now.cancel();
    }
}

/// The drivers of a node with this folder, tried out.
///
/// # Errors
/// A folder that can't be used.
pub async fn probe(settings: &Settings) -> Result<Drivers, NodeError> {
    let staging = folder(&settings.data_dir, "staging")?;
    let scratch = folder(&settings.data_dir, "scratch")?;
    let namespaces = Namespaces::new(settings.helper.clone(), staging);
    let docker = Docker::new(
        settings.docker_image.clone(),
        scratch,
        settings.random.clone(),
    );
    Ok(Drivers::probe(namespaces, docker).await)
}

/// Opens a node's folder and tries its drivers.
///
/// # Errors
/// A folder or a spool that can't be used.
pub async fn open(settings: &Settings) -> Result<Arc<Worker>, NodeError> {
    // The spool first: it keeps a second node out of the folder.
    let spool = Spool::open(
        &folder(&settings.data_dir, "spool")?,
        settings.clock.clone(),
        &settings.random,
    )?;
    let at = folder(&settings.data_dir, "workspaces")?;
    let workspaces = Workspaces::open(at.clone(), settings.random.clone())
        .map_err(|source| NodeError::Folder { path: at, source })?;
    let at = folder(&settings.data_dir, "skills")?;
    let skills = Skills::open(at.clone(), settings.random.clone())
        .map_err(|source| NodeError::Folder { path: at, source })?;
    let drivers = probe(settings).await?;
    Ok(Arc::new(Worker::new(
        spool,
        workspaces,
        skills,
        drivers,
        settings.slots,
    )))
}

/// One of the node's own folders: for nobody else, and not to be found by a relative path later.
fn folder(data_dir: &Path, name: &str) -> Result<PathBuf, NodeError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let make = || {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)?;
        let at = data_dir.canonicalize()?.join(name);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&at)?;
        Ok(at)
    };
    make().map_err(|source| NodeError::Folder {
        path: data_dir.to_owned(),
        source,
    })
}

/// Serves one gateway until told to stop.
///
/// # Errors
/// A gateway that will never let this node in.
pub async fn run(
    worker: &Arc<Worker>,
    gateway: &Gateway,
    credential: &Credential,
    shutdown: &Shutdown,
    random: Random,
) -> Result<(), NodeError> {
    let hard = CancellationToken::new();
    let result = tokio::select! {
        result = reconnect(worker, gateway, credential, &hard, random) => result,
        () = wind_down(worker, shutdown, &hard) => Ok(()),
    };
    worker.cancel_all();
    worker.wait().await;
    result
}

/// Does what a shutdown asks for, as time goes on. Never ends by itself.
async fn wind_down(worker: &Worker, shutdown: &Shutdown, hard: &CancellationToken) {
    shutdown.drain.cancelled().await;
    worker.drain();
    shutdown.now.cancelled().await;
    worker.cancel_all();
    tokio::time::sleep(LAST_WORDS).await;
    hard.cancel();
    std::future::pending::<()>().await;
}

async fn reconnect(
    worker: &Arc<Worker>,
    gateway: &Gateway,
    credential: &Credential,
    hard: &CancellationToken,
    random: Random,
) -> Result<(), NodeError> {
    let mut backoff = Backoff::new(random);
    loop {
        let connected = tokio::select! {
            connected = gateway.connect(credential) => connected,
            () = hard.cancelled() => return Ok(()),
            () = finished(worker) => return Ok(()),
        };
        let wait = match connected {
            Ok(socket) => match serve(worker, socket, hard).await {
                (End::Drained | End::Stopped, _) => return Ok(()),
                (End::Refused(refused), _) if refused.code.is_final() => {
                    return Err(NodeError::Refused(refused));
                }
                (End::Refused(refused), _) => {
                    tracing::warn!(reason = refused.message, "not let in");
                    backoff.wait_long()
                }
                (End::Lost(reason), welcomed) => {
                    tracing::warn!(reason, "connection lost");
                    if welcomed {
                        backoff.reset();
                    }
                    backoff.wait()
                }
            },
            Err(error @ ConnectError::Unauthorized) => {
                tracing::error!(%error, "not let in");
                backoff.wait_long()
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not connected");
                backoff.wait()
            }
        };
        // A node that is to go does not wait for a gateway that is gone: what it knows is kept.
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = hard.cancelled() => {}
            () = finished(worker) => return Ok(()),
        }
        if hard.is_cancelled() {
            return Ok(());
        }
    }
}

/// When a node that takes nothing new has nothing in hand any more.
async fn finished(worker: &Worker) {
    while !(worker.is_draining() && worker.running() == 0) {
        worker.finished.notified().await;
    }
}

/// How long a node that was told to finish may take for it.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How long a node that was told to stop may take to say what became of its jobs.
const LAST_WORDS: Duration = Duration::from_secs(5);
