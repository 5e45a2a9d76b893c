//! Reads a folder into a package, for whoever takes skills in.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::package::{File, Package, PackageError};
use crate::limits::{SKILL_FILES_MAX, SKILL_PACKAGE_BYTES_MAX};

/// Neither follow a link that was swapped in nor wait on a pipe.
const NO_FOLLOW: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;
/// How deep folders may be nested.
const DEPTH_MAX: usize = 32;

/// Reads every file below a folder. Entries of version control (`.git`) are left out.
///
/// # Errors
/// Links and special files, unreadable files, improper names, and the limits of a package.
pub fn read(folder: &Path) -> Result<Package, PackageError> {
    let mut package = Package::default();
    let mut seen = 0;
    read_into(folder, "", DEPTH_MAX, &mut seen, &mut package)?;
    Ok(package)
}

fn read_into(
    folder: &Path,
    prefix: &str,
    depth_left: usize,
    seen: &mut usize,
    package: &mut Package,
) -> Result<(), PackageError> {
    if depth_left == 0 {
        return Err(PackageError::TooMany);
    }
    let failed = |source| PackageError::Read {
        path: format!("{prefix}."),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        *seen += 1;
        if *seen > SKILL_FILES_MAX * 4 {
            return Err(PackageError::TooMany);
        }
        let entry = entry.map_err(failed)?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| PackageError::PathNotUtf8)?;
        if crate::path::is_git_dir(&name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            read_into(
                &entry.path(),
                &format!("{path}/"),
                depth_left - 1,
                seen,
                package,
            )?;
        } else if kind.is_file() {
            let file = read_file(&entry.path(), &path)?;
            package.insert(&path, file)?;
        } else {
            return Err(PackageError::Kind(path));
        }
    }
    Ok(())
}

fn read_file(at: &Path, path: &str) -> Result<File, PackageError> {
    let failed = |source| PackageError::Read {
        path: path.to_owned(),
        source,
    };
    let open = fs::OpenOptions::new()
        .read(true)
        .custom_flags(NO_FOLLOW)
        .open(at);
    let file = open.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(PackageError::Kind(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let limit = SKILL_PACKAGE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(File {
        executable: metadata.permissions().mode() & 0o100 != 0,
        bytes,
    })
}
