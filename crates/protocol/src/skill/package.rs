//! A package in memory: checked files, to and from a tar.

use std::collections::BTreeMap;
use std::io::Read as _;

use vocab::Digest;

use crate::limits::{SKILL_FILES_MAX, SKILL_PACKAGE_BYTES_MAX};
use crate::path::{PathError, WorkspacePath};

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The files of a skill by their paths. Every path is relative and plain, no path is both a file
/// and a directory, and the limits of a package hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    files: BTreeMap<String, File>,
    bytes: usize,
}

/// Why something is not a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The tar can't be read.
    #[error("the package is not a proper tar")]
    Tar(#[source] std::io::Error),
    /// A path that is absolute, climbs, or is otherwise improper.
    #[error("the package's path `{path}` is refused: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: PathError,
    },
    /// A path that is not UTF-8.
    #[error("the package has a path that is not UTF-8")]
    PathNotUtf8,
    /// A link, a device, a pipe, or anything else that is neither a file nor a directory.
    #[error("the package's entry `{0}` is neither a file nor a directory")]
    Kind(String),
    /// A name that appears twice, or as a file and as a directory.
    #[error("the package's path `{0}` appears twice")]
    Duplicate(String),
    /// More files than [`SKILL_FILES_MAX`].
    #[error("the package has more than {SKILL_FILES_MAX} files")]
    TooMany,
    /// More bytes than [`SKILL_PACKAGE_BYTES_MAX`].
    #[error("the package has more than {SKILL_PACKAGE_BYTES_MAX} bytes")]
    TooLarge,
    /// A file of the folder can't be read.
    #[error("`{path}` can't be read")]
    Read {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Package {
    /// Adds a file.
    ///
    /// # Errors
    /// Improper and duplicate paths, and the limits.
    pub fn insert(&mut self, path: &str, file: File) -> Result<(), PackageError> {
        let path = plain(path)?;
        if path == "." {
            return Err(PackageError::Path {
                path,
                reason: PathError::Empty,
            });
        }
        let clash = self.files.contains_key(&path) || self.is_directory(&path);
        if clash || ancestors(&path).any(|parent| self.files.contains_key(parent)) {
            return Err(PackageError::Duplicate(path));
        }
        if self.files.len() >= SKILL_FILES_MAX {
            return Err(PackageError::TooMany);
        }
        self.bytes = self.bytes.saturating_add(file.bytes.len());
        if self.bytes > SKILL_PACKAGE_BYTES_MAX {
            return Err(PackageError::TooLarge);
        }
        self.files.insert(path, file);
        Ok(())
    }

    /// The files in the byte order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// One file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The digest that names this package.
    #[must_use]
    pub fn digest(&self) -> Digest {
        super::digest::of(self)
    }

    /// Reads a tar. Nothing is written anywhere.
    ///
    /// # Errors
    /// What [`PackageError`] names.
    pub fn from_tar(tar: &[u8]) -> Result<Self, PackageError> {
        if tar.len() > SKILL_PACKAGE_BYTES_MAX {
            return Err(PackageError::TooLarge);
        }
        let mut package = Self::default();
        let mut archive = tar::Archive::new(tar);
        for (count, entry) in archive.entries().map_err(PackageError::Tar)?.enumerate() {
            // Directories are not kept, but a million of them would still cost time.
            if count >= SKILL_FILES_MAX * 2 {
                return Err(PackageError::TooMany);
            }
            package.insert_entry(entry.map_err(PackageError::Tar)?)?;
        }
        Ok(package)
    }

    fn insert_entry(&mut self, mut entry: tar::Entry<'_, &[u8]>) -> Result<(), PackageError> {
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| PackageError::PathNotUtf8)?;
        match entry.header().entry_type() {
            tar::EntryType::Directory => {
                let path = plain(path.strip_suffix('/').unwrap_or(&path))?;
                let clash = self.files.contains_key(&path)
                    || ancestors(&path).any(|parent| self.files.contains_key(parent));
                if clash {
                    Err(PackageError::Duplicate(path))
                } else {
                    Ok(())
                }
            }
            tar::EntryType::Regular => {
                let executable = entry.header().mode().map_err(PackageError::Tar)? & 0o100 != 0;
                let size = usize::try_from(entry.size()).map_err(|_| PackageError::TooLarge)?;
                if size > SKILL_PACKAGE_BYTES_MAX {
                    return Err(PackageError::TooLarge);
                }
                let mut bytes = Vec::with_capacity(size);
                entry.read_to_end(&mut bytes).map_err(PackageError::Tar)?;
                if bytes.len() != size {
                    return Err(PackageError::Tar(std::io::ErrorKind::UnexpectedEof.into()));
                }
                self.insert(&path, File { executable, bytes })
            }
            _ => Err(PackageError::Kind(path)),
        }
    }

    /// The tar of this package: the same bytes for the same files.
    ///
    /// # Errors
    /// [`PackageError::TooLarge`] when the tar's own headers push it over the limit.
    pub fn to_tar(&self) -> Result<Vec<u8>, PackageError> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, file) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(file.bytes.len() as u64);
            header.set_mode(if file.executable { 0o755 } else { 0o644 });
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            builder
                .append_data(&mut header, path, file.bytes.as_slice())
                .map_err(PackageError::Tar)?;
        }
        let tar = builder.into_inner().map_err(PackageError::Tar)?;
        if tar.len() > SKILL_PACKAGE_BYTES_MAX {
            Err(PackageError::TooLarge)
        } else {
            Ok(tar)
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|(next, _)| next.starts_with(&prefix))
    }
}

/// The one spelling of a path in a package; the package itself is not a path in it.
fn plain(path: &str) -> Result<String, PackageError> {
    let refused = |reason| PackageError::Path {
        path: path.escape_default().to_string(),
        reason,
    };
    let parsed = WorkspacePath::parse(path).map_err(refused)?;
    Ok(parsed.as_str().to_owned())
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
