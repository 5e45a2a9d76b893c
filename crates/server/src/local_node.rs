//! The node that `chancery up` starts beside the server, as its child.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nodes::Nodes;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use vocab::{ExposeSecret, SecretString};

use crate::ServerError;
use crate::config::Config;

/// How long to wait before the child is started once more.
const RESTART: Duration = Duration::from_secs(1);

/// The binary that was named, or the one beside this program.
pub(crate) fn binary(config: &Config) -> Result<PathBuf, ServerError> {
    if let Some(path) = &config.node.binary {
        return Ok(path.clone());
    }
    let ours = std::env::current_exe().map_err(ServerError::NodeBinary)?;
    let beside = ours.with_file_name("chancery-node");
    if beside.exists() {
        Ok(beside)
    } else {
        Err(ServerError::NoNodeBinary(beside))
    }
}

/// Enrols the local node and keeps its child process running until the server stops.
pub(crate) async fn keep(
    config: &Config,
    nodes: &Nodes,
    stopping: CancellationToken,
) -> Result<tokio::task::JoinHandle<()>, ServerError> {
    let binary = binary(config)?;
    let folder = config.data_dir.join("node");
    std::fs::create_dir_all(&folder).map_err(ServerError::DataDir)?;
    let credential_file = folder.join("credential");
    let stored = std::fs::read_to_string(&credential_file).ok();
    let stored = stored.map(|text| SecretString::from(text.trim().to_owned()));
    let local = nodes.enrol_local(stored).await?;
    if local.fresh {
        write_private(&credential_file, local.credential.expose_secret())
            .map_err(ServerError::DataDir)?;
    }
    let gateway = crate::config::local_url(config.listen).replacen("http", "ws", 1);
    // Owned by the server, which waits for it when it stops.
    Ok(tokio::spawn(async move {
        while !stopping.is_cancelled() {
            let mut command = Command::new(&binary);
            command
                .arg("--gateway")
                .arg(&gateway)
                .arg("--credential-file")
                .arg(&credential_file)
                .arg("--data-dir")
                .arg(&folder)
                .arg("--with-parent")
                .stdin(Stdio::null())
                .kill_on_drop(true);
            run_once(command, &stopping).await;
            tokio::select! {
                () = tokio::time::sleep(RESTART) => {}
                () = stopping.cancelled() => {}
            }
        }
    }))
}

async fn run_once(mut command: Command, stopping: &CancellationToken) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::error!(%error, "the local node can't be started");
            return;
        }
    };
    tokio::select! {
        ended = child.wait() => match ended {
            Ok(status) => tracing::warn!(%status, "the local node ended; it is started again"),
            Err(error) => tracing::error!(%error, "the local node can't be watched"),
        },
        () = stopping.cancelled() => {
            if let Err(error) = child.kill().await {
                tracing::warn!(%error, "the local node can't be stopped");
            }
        }
    }
}

/// Writes a file that nobody else can read.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}
