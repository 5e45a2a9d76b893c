//! Skills on this node: packages by digest, fetched once, verified before they are used.
//!
//! A package is kept under `skills/<digest>`, a folder that only the node writes. It is verified when
//! it arrives and once more when a process of the node first uses it, so neither a mistake on the
//! way nor a change on the disk is ever run.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::FailureCode;
use protocol::skill::{Manifest, Package, folder};
use tokio::sync::watch;
use vocab::{Digest, Random};

use crate::error::ToolError;

/// How long the node waits for a package that it has asked for.
const WAIT: Duration = Duration::from_secs(30);

/// How the names of folders begin that are not complete yet.
const HALF_WRITTEN: &str = ".new-";

/// The skills of a node.
#[derive(Debug)]
pub struct Skills {
    folder: PathBuf,
    random: Random,
    verified: Mutex<HashMap<Digest, Arc<Skill>>>,
    missing: Mutex<HashSet<Digest>>,
    arrivals: watch::Sender<u64>,
}

/// A skill that can be run.
#[derive(Debug, Clone)]
pub struct Skill {
    /// Its folder on this machine.
    pub path: PathBuf,
    /// What it says about itself.
    pub manifest: Manifest,
}

impl Skills {
    /// The skills below a folder of the node.
    ///
    /// # Errors
    /// A folder that can't be made.
    pub fn open(folder: PathBuf, random: Random) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        // What a crash left half written.
        for entry in fs::read_dir(&folder)?.flatten() {
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(HALF_WRITTEN)
            {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            folder,
            random,
            verified: Mutex::default(),
            missing: Mutex::default(),
            arrivals: watch::Sender::new(0),
        })
    }

    /// A skill; asked for by `ask` if it is not here.
    ///
    /// # Errors
    /// A package that nobody has, that does not come in time, or that is not what it should be.
    pub async fn get(
        &self,
        digest: Digest,
        ask: impl AsyncFnOnce(),
    ) -> Result<Arc<Skill>, ToolError> {
        let mut arrivals = self.arrivals.subscribe();
        if let Some(skill) = self.find(digest)? {
            return Ok(skill);
        }
        lock(&self.missing).remove(&digest);
        ask().await;
        let wait = async {
            loop {
                arrivals.changed().await.ok()?;
                match self.find(digest) {
                    Ok(None) if lock(&self.missing).contains(&digest) => return None,
                    Ok(None) => {}
                    Ok(Some(skill)) => return Some(Ok(skill)),
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        let unavailable = || {
            ToolError::new(
                FailureCode::SkillUnavailable,
                format!("no skill `{digest}` can be had"),
            )
        };
        tokio::time::timeout(WAIT, wait)
            .await
            .ok()
            .flatten()
            .ok_or_else(unavailable)?
    }

    /// Takes in what the gateway sent.
    ///
    /// # Errors
    /// A package that is not what its digest says, or is not a skill; a disk that does not take it.
    pub fn arrive(&self, digest: Digest, tar: Option<&[u8]>) -> Result<(), ToolError> {
        let result = tar.map(|tar| self.install(digest, tar));
        if !matches!(result, Some(Ok(()))) {
            lock(&self.missing).insert(digest);
        }
        self.arrivals.send_modify(|count| *count += 1);
        result.unwrap_or(Ok(()))
    }

    fn install(&self, digest: Digest, tar: &[u8]) -> Result<(), ToolError> {
        let package = Package::from_tar(tar).map_err(|error| invalid(&error))?;
        verify(digest, &package)?;
        let temporary = self.folder.join(format!(
            "{HALF_WRITTEN}{:016x}",
            self.random.below(u64::MAX)
        ));
        let placed = write_package(&temporary, &package)
            .and_then(|()| fs::rename(&temporary, self.path(digest)));
        match placed {
            Ok(()) => Ok(()),
            // Somebody was faster; what lies there is verified before it is used.
            Err(_) if self.path(digest).exists() => {
                fs::remove_dir_all(&temporary).map_err(|error| ToolError::io("skill", &error))
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&temporary);
                Err(ToolError::io("skill", &error))
            }
        }
    }

    /// The skill if it is here and is what its digest says. One that is not is removed.
    fn find(&self, digest: Digest) -> Result<Option<Arc<Skill>>, ToolError> {
        if let Some(skill) = lock(&self.verified).get(&digest) {
            return Ok(Some(Arc::clone(skill)));
        }
        let path = self.path(digest);
        if !path.exists() {
            return Ok(None);
        }
        let read = folder::read(&path).map_err(|error| invalid(&error));
        let manifest = match read.and_then(|package| verify(digest, &package)) {
            Ok(manifest) => manifest,
            Err(error) => {
                tracing::warn!(%digest, %error, "a kept skill is not what it was; removed");
                fs::remove_dir_all(&path).map_err(|error| ToolError::io("skill", &error))?;
                return Ok(None);
            }
        };
        let skill = Arc::new(Skill { path, manifest });
        lock(&self.verified).insert(digest, Arc::clone(&skill));
        Ok(Some(skill))
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.hex())
    }
}

/// The manifest of a package that is what its digest, and its own pin, say.
fn verify(digest: Digest, package: &Package) -> Result<Manifest, ToolError> {
    if package.digest() != digest {
        let message = format!(
            "the package's digest is `{}`, not `{digest}`",
            package.digest()
        );
        return Err(ToolError::new(FailureCode::SkillInvalid, message));
    }
    let manifest = Manifest::of(package).map_err(|error| invalid(&error))?;
    let pinned = manifest.sidecar.as_ref().and_then(|sidecar| sidecar.digest);
    if pinned.is_some_and(|pinned| pinned != digest) {
        let message = "the package's own pin names another digest";
        return Err(ToolError::new(FailureCode::SkillInvalid, message));
    }
    Ok(manifest)
}

fn invalid(error: &dyn std::error::Error) -> ToolError {
    ToolError::new(FailureCode::SkillInvalid, error.to_string())
}

fn write_package(to: &Path, package: &Package) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for (path, file) in package.files() {
        let at = to.join(path);
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&at, &file.bytes)?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&at, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
