//! `chancery backup` and `chancery restore` of an embedded installation.
//!
//! A backup is one tar file: a consistent copy of the SQLite database, taken while the server runs,
//! then the blobs. Blobs are immutable and named by what is in them, so one that is written during
//! the backup is either in the copy of the database and therefore already there, or not needed. The
//! master key is not in it: who holds the backup without the key holds ciphertext. Keep a copy of
//! the key elsewhere.

use std::fs::File;
use std::path::{Path, PathBuf};

use db::DatabaseConfig;

use crate::ServerError;
use crate::compose;
use crate::config::Config;

const DATABASE: &str = "chancery.db";
const BLOBS: &str = "blobs";

/// Writes a backup to a new file.
///
/// # Errors
/// The database is not embedded, the target exists, or the disk is full.
pub async fn backup(config: &Config, target: &Path) -> Result<(), ServerError> {
    if !matches!(config.database(), DatabaseConfig::Sqlite { .. }) {
        return Err(ServerError::NotEmbedded);
    }
    if target.exists() {
        return Err(ServerError::Exists(target.to_owned()));
    }
    let copy = beside(target, "db");
    let (db, _) = compose::open_database(config).await?;
    let written = async {
        db.snapshot(&copy).await?;
        pack(&copy, &config.data_dir.join(BLOBS), target).map_err(ServerError::Backup)
    };
    let written = written.await;
    let _ = std::fs::remove_file(&copy);
    written
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{ending}.part"));
    PathBuf::from(name)
}

fn pack(database: &Path, blobs: &Path, target: &Path) -> std::io::Result<()> {
    let part = beside(target, "tar");
    let file = File::create(&part)?;
    let mut tar = tar::Builder::new(file);
    tar.append_path_with_name(database, DATABASE)?;
    if blobs.exists() {
        tar.append_dir_all(BLOBS, blobs)?;
    }
    tar.into_inner()?.sync_all()?;
    std::fs::rename(part, target)
}

/// Lays a backup out in an empty data folder. The master key has to be put there by hand.
///
/// # Errors
/// The folder holds an installation already, or the file is no backup.
pub async fn restore(config: &Config, source: &Path) -> Result<(), ServerError> {
    let DatabaseConfig::Sqlite { path } = config.database() else {
        return Err(ServerError::NotEmbedded);
    };
    if path.exists() {
        return Err(ServerError::Exists(path));
    }
    std::fs::create_dir_all(&config.data_dir).map_err(ServerError::DataDir)?;
    unpack(source, &config.data_dir, &path).map_err(ServerError::Backup)?;
    let (db, _) = compose::open_database(config).await?;
    db.migrate().await?;
    Ok(())
}

fn unpack(source: &Path, folder: &Path, database: &Path) -> std::io::Result<()> {
    let mut tar = tar::Archive::new(File::open(source)?);
    let mut found = false;
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path == Path::new(DATABASE) {
            entry.unpack(database)?;
            found = true;
        } else if path.starts_with(BLOBS) && !entry.unpack_in(folder)? {
            return Err(std::io::Error::other(
                "a name in the backup leads out of it",
            ));
        }
    }
    if found {
        return Ok(());
    }
    Err(std::io::Error::other(
        "there is no database in this file: it is no backup",
    ))
}
