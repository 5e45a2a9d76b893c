//! Workspaces: folders of the node, reached by directory handles alone.
//!
//! A path is resolved by the kernel beneath the workspace's open folder (`openat2` with
//! `RESOLVE_BENEATH`, no links, no magic links), in one step with opening, so there is no moment
//! between a check and its use in which another process could put a link in the way.
//!
//! Invariants
//! - Nothing here opens a path that was put together from strings, but for the node's own folders.
//! - Only regular files are read or written; a name that leads to a pipe or a device is an error,
//!   and opening it neither waits nor acts on it.
//! - A file is replaced as a whole: whoever reads it sees the old content or the new.
//! - What git keeps to itself is not written.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use protocol::{FailureCode, WorkspacePath, WorkspaceSlug};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, fchown, fstat, fsync, mkdirat,
    openat, openat2, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use vocab::{OrgId, Random};

use crate::error::ToolError;
use crate::sandbox::run::NOBODY;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);
/// Neither wait for a pipe's other end, nor become a terminal's session, nor follow a link.
const HARMLESS: OFlags = OFlags::NONBLOCK
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// All workspaces of a node.
#[derive(Debug)]
pub struct Workspaces {
    root: PathBuf,
    random: Random,
    owner: Option<u32>,
    adopted: Mutex<HashSet<PathBuf>>,
}

/// One workspace.
#[derive(Debug)]
pub struct Workspace {
    folder: OwnedFd,
    path: PathBuf,
    random: Random,
    owner: Option<u32>,
}

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct OpenFile {
    /// The handle.
    pub file: std::fs::File,
    /// Its size when it was opened, in bytes.
    pub size: u64,
}

impl Workspaces {
    /// The workspaces below a folder of the node.
    ///
    /// # Errors
    /// A folder that can't be made, and a kernel without `openat2` (before Linux 5.6).
    pub fn open(root: PathBuf, random: Random) -> io::Result<Self> {
        std::fs::create_dir_all(&root)?;
        let folder = openat(rustix::fs::CWD, &root, FOLDER, Mode::empty())?;
        openat2(&folder, ".", FOLDER, Mode::empty(), BENEATH)?;
        let owner = rustix::process::geteuid().is_root().then_some(NOBODY);
        Ok(Self {
            root,
            random,
            owner,
            adopted: Mutex::default(),
        })
    }

    /// One workspace, made if it is not there.
    ///
    /// # Errors
    /// A folder that can't be made or opened.
    pub fn get(&self, org: OrgId, slug: &WorkspaceSlug) -> Result<Workspace, ToolError> {
        let failed = |error: Errno| ToolError::at(slug.as_str(), error);
        let root = openat(rustix::fs::CWD, &self.root, FOLDER, Mode::empty()).map_err(failed)?;
        let org = org.to_string();
        let of_org = make_folder(&root, &org, None).map_err(failed)?;
        let folder = make_folder(&of_org, slug.as_str(), self.owner).map_err(failed)?;
        Ok(Workspace {
            folder,
            path: self.root.join(&org).join(slug.as_str()),
            random: self.random.clone(),
            owner: self.owner,
        })
    }
}

impl Workspaces {
    /// Gives what root put into a workspace to whom foreign code runs as, so that a grant means what
    /// it says; once for each workspace. Nothing to do unless the node is root.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn adopt(&self, workspace: &Workspace) -> Result<(), ToolError> {
        let Some(owner) = self.owner else {
            return Ok(());
        };
        let mut adopted = self.adopted.lock().unwrap_or_else(PoisonError::into_inner);
        if adopted.contains(&workspace.path) {
            return Ok(());
        }
        let failed = |error| ToolError::at(".", error);
        let mut left = ADOPTED_MAX;
        if fstat(&workspace.folder).map_err(failed)?.st_uid == 0 {
            give(&workspace.folder, Some(owner)).map_err(failed)?;
        }
        adopt_below(&workspace.folder, owner, 0, &mut left).map_err(failed)?;
        adopted.insert(workspace.path.clone());
        Ok(())
    }
}

impl Workspace {
    /// Where it is on this machine, for the drivers that show it to foreign code.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder of the workspace.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn folder(&self, path: &WorkspacePath) -> Result<OwnedFd, ToolError> {
        open_beneath(&self.folder, path.as_str(), FOLDER).map_err(|error| match error {
            Errno::NOTDIR => ToolError::new(
                FailureCode::NotADirectory,
                format!("`{path}` is not a directory"),
            ),
            error => ToolError::at(path.as_str(), error),
        })
    }

    /// A regular file of the workspace, for reading.
    ///
    /// # Errors
    /// What the kernel refuses, and anything that is not a regular file.
    pub fn open_file(&self, path: &WorkspacePath) -> Result<OpenFile, ToolError> {
        let failed = |error| ToolError::at(path.as_str(), error);
        let flags = OFlags::RDONLY | HARMLESS;
        let file = open_beneath(&self.folder, path.as_str(), flags).map_err(failed)?;
        let stat = fstat(&file).map_err(failed)?;
        if !is_regular(&stat) {
            return Err(failed(Errno::ISDIR));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Ok(OpenFile {
            file: file.into(),
            size,
        })
    }

    /// Puts `content` in place of a file, or where none is; makes the folders above it. It is on the
    /// disk when this returns. Says whether the file is new.
    ///
    /// # Errors
    /// Protected paths, anything there that is not a regular file with one name, and what the kernel
    /// refuses.
    pub fn replace(&self, path: &WorkspacePath, content: &[u8]) -> Result<bool, ToolError> {
        if path.is_protected() {
            let message = format!("`{path}` is kept for git itself");
            return Err(ToolError::new(FailureCode::PathProtected, message));
        }
        let failed = |error| ToolError::at(path.as_str(), error);
        let (parent, name) = path.split_last().ok_or_else(|| failed(Errno::ISDIR))?;
        let folder = self.make_folders(&parent).map_err(failed)?;
        let mode = self.mode_of_present(&folder, path, name)?;
        let temporary = format!(".chancery-{:016x}.tmp", self.random.below(u64::MAX));
        let written = self
            .write_new(
                &folder,
                &temporary,
                mode.unwrap_or(Mode::from_raw_mode(0o644)),
                content,
            )
            .and_then(|()| renameat(&folder, &temporary, &folder, name))
            .and_then(|()| fsync(&folder));
        if let Err(error) = written {
            let _ = unlinkat(&folder, &temporary, AtFlags::empty());
            return Err(failed(error));
        }
        Ok(mode.is_none())
    }

    fn make_folders(&self, path: &WorkspacePath) -> Result<OwnedFd, Errno> {
        let mut folder = open_beneath(&self.folder, ".", FOLDER)?;
        for component in path.components() {
            folder = make_folder(&folder, component, self.owner)?;
        }
        Ok(folder)
    }

    /// The mode of the file that is there, if there is one; an error if it may not be replaced.
    fn mode_of_present(
        &self,
        folder: &OwnedFd,
        path: &WorkspacePath,
        name: &str,
    ) -> Result<Option<Mode>, ToolError> {
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(ToolError::at(path.as_str(), error)),
            Ok(stat) => stat,
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Symlink => return Err(ToolError::at(path.as_str(), Errno::LOOP)),
            _ => return Err(ToolError::at(path.as_str(), Errno::ISDIR)),
        }
        if stat.st_nlink > 1 {
            let message = format!("`{path}` has other names, so writing it is refused");
            return Err(ToolError::new(FailureCode::HardLinked, message));
        }
        Ok(Some(Mode::from_raw_mode(stat.st_mode & 0o777)))
    }

    fn write_new(
        &self,
        folder: &OwnedFd,
        name: &str,
        mode: Mode,
        content: &[u8],
    ) -> Result<(), Errno> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | HARMLESS;
        let file = openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
        rustix::fs::fchmod(&file, mode)?;
        give(&file, self.owner)?;
        let mut left = content;
        while !left.is_empty() {
            match rustix::io::write(&file, left) {
                Ok(0) => return Err(Errno::IO),
                Ok(written) => left = &left[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        fsync(&file)
    }
}

/// How many entries are looked at when a workspace is adopted.
const ADOPTED_MAX: u32 = 200_000;
/// How deep.
const ADOPTED_DEPTH_MAX: u32 = 64;

fn adopt_below(folder: &OwnedFd, owner: u32, depth: u32, left: &mut u32) -> Result<(), Errno> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if *left == 0 || depth > ADOPTED_DEPTH_MAX {
            return Ok(());
        }
        *left -= 1;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(handle) = openat(folder, name, flags, Mode::empty()) else {
            continue;
        };
        let stat = fstat(&handle)?;
        let plain = matches!(FileType::from_raw_mode(stat.st_mode), FileType::Directory)
            || (is_regular(&stat) && stat.st_nlink == 1);
        if plain && stat.st_uid == 0 {
            rustix::fs::chownat(
                &handle,
                "",
                Some(Uid::from_raw(owner)),
                Some(Gid::from_raw(owner)),
                AtFlags::EMPTY_PATH,
            )?;
        }
        if matches!(FileType::from_raw_mode(stat.st_mode), FileType::Directory) {
            let inner = openat2(&handle, ".", FOLDER, Mode::empty(), BENEATH)?;
            adopt_below(&inner, owner, depth + 1, left)?;
        }
    }
    Ok(())
}

/// Opens beneath a folder. The kernel asks to try again when a rename was in its way.
pub(crate) fn open_beneath(folder: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    for _ in 0..16 {
        match openat2(
            &folder,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            BENEATH,
        ) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

fn make_folder(parent: &OwnedFd, name: &str, owner: Option<u32>) -> Result<OwnedFd, Errno> {
    match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => {
            let made = open_beneath(parent, name, FOLDER)?;
            give(&made, owner)?;
            fsync(parent)?;
            Ok(made)
        }
        Err(Errno::EXIST) => open_beneath(parent, name, FOLDER),
        Err(error) => Err(error),
    }
}

fn give(what: &OwnedFd, owner: Option<u32>) -> Result<(), Errno> {
    match owner {
        Some(owner) => fchown(what, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner))),
        None => Ok(()),
    }
}

pub(crate) fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}
