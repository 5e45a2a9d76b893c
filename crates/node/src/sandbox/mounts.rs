//! The file system inside: a small read-only root with the programs of the machine, the skill and
//! the workspace, and nothing else of the machine.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use rustix::fs::{CWD, fstat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, mount_remount, move_mount, open_tree, unmount,
};

use super::spec::{Bind, Spec};

/// Folders of programs and libraries: links stay links, folders appear read-only.
const PROGRAMS: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// Files and folders of `/etc` that programs need to start.
const ETC: &[&str] = &["ld.so.cache", "alternatives"];
/// What they need besides to speak to the network.
const ETC_NETWORK: &[&str] = &["resolv.conf", "ssl", "ca-certificates", "pki"];
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

const READ_ONLY: u64 = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
const READ_WRITE: u64 = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

/// A step that failed.
pub type StepResult<T> = Result<T, (&'static str, io::Error)>;

/// Names the step in which an error came up.
pub fn step<T, E: Into<io::Error>>(name: &'static str, result: Result<T, E>) -> StepResult<T> {
    result.map_err(|error| (name, error.into()))
}

/// Builds the root on the staging directory and makes it the root of this mount namespace.
pub fn enter(spec: &Spec) -> StepResult<()> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    step("making mounts private", mount_change("/", private))?;
    step(
        "mounting the root",
        mount_tmpfs(&spec.staging, "8m", "0755", 0),
    )?;
    step(
        "entering the root",
        std::env::set_current_dir(&spec.staging),
    )?;
    step("binding programs", bind_programs())?;
    step("filling /etc", fill_etc(spec.network))?;
    step("filling /dev", fill_dev())?;
    let tmp = spec.limits.tmp_bytes.to_string();
    step("mounting /tmp", make_tmpfs("tmp", &tmp))?;
    step(
        "mounting /out",
        make_tmpfs("out", &spec.limits.out_bytes.to_string()),
    )?;
    step(
        "binding the skill",
        bind_folder("skill", spec.skill.as_ref()),
    )?;
    step(
        "binding the workspace",
        bind_folder("work", spec.workspace.as_ref()),
    )?;
    if spec
        .workspace
        .as_ref()
        .is_some_and(|workspace| workspace.writable)
    {
        step("protecting .git", protect_git())?;
    }
    step("mounting /proc", mount_proc())?;
    step("changing the root", change_root())
}

fn bind_programs() -> io::Result<()> {
    bind(Path::new("/usr"), "usr", READ_ONLY, Kind::Folder)?;
    for name in PROGRAMS {
        let from = Path::new("/").join(name);
        match fs::symlink_metadata(&from) {
            Ok(metadata) if metadata.is_symlink() => symlink(fs::read_link(&from)?, name)?,
            Ok(_) => bind(&from, name, READ_ONLY, Kind::Folder)?,
            Err(_) => {}
        }
    }
    Ok(())
}

fn fill_etc(network: bool) -> io::Result<()> {
    fs::create_dir("etc")?;
    fs::write(
        "etc/passwd",
        "agent:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    )?;
    fs::write("etc/group", "agent:x:1000:\nnogroup:x:65534:\n")?;
    fs::write("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    fs::write(
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    )?;
    let network_files = if network { ETC_NETWORK } else { &[] };
    for name in ETC.iter().chain(network_files) {
        let from = Path::new("/etc").join(name);
        // Follows links: `/etc/resolv.conf` is often one to somewhere in `/run`.
        if let Ok(metadata) = fs::metadata(&from) {
            let kind = if metadata.is_dir() {
                Kind::Folder
            } else {
                Kind::File
            };
            bind(&from, &format!("etc/{name}"), READ_ONLY, kind)?;
        }
    }
    Ok(())
}

fn fill_dev() -> io::Result<()> {
    fs::create_dir("dev")?;
    for name in DEVICES {
        let attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
        bind(
            &Path::new("/dev").join(name),
            &format!("dev/{name}"),
            attributes,
            Kind::File,
        )?;
    }
    symlink("/proc/self/fd", "dev/fd")?;
    symlink("/proc/self/fd/0", "dev/stdin")?;
    symlink("/proc/self/fd/1", "dev/stdout")?;
    symlink("/proc/self/fd/2", "dev/stderr")?;
    symlink("/tmp", "dev/shm")
}

fn make_tmpfs(name: &str, bytes: &str) -> io::Result<()> {
    fs::create_dir(name)?;
    mount_tmpfs(Path::new(name), bytes, "1777", READ_WRITE)
}

fn mount_tmpfs(at: &Path, size: &str, mode: &str, attributes: u64) -> io::Result<()> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "size", size)?;
    fsconfig_set_string(&context, "mode", mode)?;
    fsconfig_set_string(&context, "nr_inodes", "16384")?;
    fsconfig_create(&context)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, flags)?;
    if attributes != 0 {
        super::sys::set_mount_attributes(&mount, attributes)?;
    }
    attach(&mount, at)
}

/// A folder that the node opened before: checked to be the same one, so that nothing that was put
/// in its place since is let in.
fn bind_folder(name: &str, from: Option<&Bind>) -> io::Result<()> {
    fs::create_dir(name)?;
    let Some(from) = from else { return Ok(()) };
    let tree = clone_tree(&from.path)?;
    let found = fstat(&tree)?;
    if (found.st_dev, found.st_ino) != (from.device, from.inode) {
        return Err(io::Error::from_raw_os_error(libc::ESTALE));
    }
    let attributes = if from.writable { READ_WRITE } else { READ_ONLY };
    super::sys::set_mount_attributes(&tree, attributes)?;
    attach(&tree, Path::new(name))
}

/// Puts a read-only view over the workspace's `.git`. A link there is refused: the folder behind it
/// could not be protected from being reached by another name.
fn protect_git() -> io::Result<()> {
    match fs::symlink_metadata("work/.git") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_symlink() => Err(io::Error::from_raw_os_error(libc::ELOOP)),
        Ok(_) => {
            let tree = clone_tree(Path::new("work/.git"))?;
            super::sys::set_mount_attributes(&tree, READ_ONLY)?;
            attach(&tree, Path::new("work/.git"))
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Folder,
}

fn bind(from: &Path, to: &str, attributes: u64, kind: Kind) -> io::Result<()> {
    match kind {
        Kind::Folder => fs::create_dir(to)?,
        Kind::File => fs::write(to, "")?,
    }
    let tree = clone_tree(from)?;
    super::sys::set_mount_attributes(&tree, attributes)?;
    attach(&tree, Path::new(to))
}

fn clone_tree(from: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, from, flags)?)
}

fn attach(mount: &OwnedFd, at: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(mount, "", CWD, at, flags)?)
}

/// The process file system of the new PID namespace, read-only and showing processes alone; with
/// everything on kernels that don't know how; none where the machine hides parts of its own.
fn mount_proc() -> io::Result<()> {
    fs::create_dir("proc")?;
    for only_processes in [true, false] {
        if let Ok(mount) = new_proc(only_processes) {
            super::sys::set_mount_attributes(&mount, READ_ONLY | MOUNT_ATTR_NOEXEC)?;
            return attach(&mount, Path::new("proc"));
        }
    }
    Ok(())
}

fn new_proc(only_processes: bool) -> io::Result<OwnedFd> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    if only_processes {
        fsconfig_set_string(&context, "subset", "pid")?;
    }
    fsconfig_create(&context)?;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?)
}

fn change_root() -> io::Result<()> {
    fs::set_permissions(".", fs::Permissions::from_mode(0o755))?;
    rustix::process::pivot_root(".", ".")?;
    // The old root lies over the new one now; taking it away leaves the new one alone.
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")?;
    // Only the root itself: `/tmp`, `/out` and a granted workspace are mounts of their own.
    let read_only = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount_remount("/", MountFlags::BIND | read_only, "")?)
}

/// What the node notes of a folder when it opens it.
pub fn bind_of(path: &Path, writable: bool) -> io::Result<Bind> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let (device, inode) = (metadata.dev(), metadata.ino());
    Ok(Bind {
        path: path.to_owned(),
        device,
        inode,
        writable,
    })
}
