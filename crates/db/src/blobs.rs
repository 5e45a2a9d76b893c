//! The blob store: large ciphertexts by name. What they mean, and their keys, is the vault's.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use vocab::{OrgId, Timestamp};

/// Why a blob was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob of that name.
    #[error("the blob was not found")]
    NotFound,
    /// The store is out of reach, full or read-only.
    #[error("the blob store is unavailable")]
    Unavailable(#[source] object_store::Error),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            other => Self::Unavailable(other),
        }
    }
}

/// A store of immutable objects, one folder an organisation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// A folder of the local file system, created if it is not there. A blob is on disk before
    /// its `put` returns.
    ///
    /// # Errors
    /// The folder can't be created or opened.
    pub fn local(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(std::io::Error::other)?
            .with_fsync(true);
        Ok(Self(Arc::new(store)))
    }

    /// Any other object store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }

    /// Stores a blob under a name of hexadecimal digits; the same name again replaces it.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn put(&self, org: OrgId, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        self.0
            .put(&key(org, name), PutPayload::from_bytes(bytes))
            .await?;
        Ok(())
    }

    /// Reads a blob whole.
    ///
    /// # Errors
    /// It is not there, or the store is unavailable.
    pub async fn get(&self, org: OrgId, name: &str) -> Result<Bytes, BlobError> {
        Ok(self.0.get(&key(org, name)).await?.bytes().await?)
    }

    /// Deletes a blob; one that is not there is deleted already.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn delete(&self, org: OrgId, name: &str) -> Result<(), BlobError> {
        match self
            .0
            .delete(&key(org, name))
            .await
            .map_err(BlobError::from)
        {
            Ok(()) | Err(BlobError::NotFound) => Ok(()),
            Err(error @ BlobError::Unavailable(_)) => Err(error),
        }
    }

    /// The names of an organisation's blobs that were last written before `before`.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn list(&self, org: OrgId, before: Timestamp) -> Result<Vec<String>, BlobError> {
        let folder = Key::from(org.to_string());
        let old = self.0.list(Some(&folder)).try_filter(move |blob| {
            std::future::ready(blob.last_modified.timestamp_micros() < before.as_micros())
        });
        let names = old.map_ok(|blob| blob.location.filename().unwrap_or_default().to_owned());
        Ok(names.boxed().try_collect().await?)
    }
}

fn key(org: OrgId, name: &str) -> Key {
    // Two levels, so that no folder of a file system gets too many entries.
    let shard = name.get(..2).unwrap_or("00");
    Key::from(format!("{org}/{shard}/{name}"))
}
