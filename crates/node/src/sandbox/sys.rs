//! The few system calls that no crate wraps. All unsafe code of the node is here.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use rustix::process::Pid;

/// Which side of a fork this is.
pub enum Forked {
    /// The new process.
    Child,
    /// The old process, and who the new one is.
    Parent(Pid),
}

/// How a child ended.
#[derive(Debug, Clone, Copy)]
pub struct ExitStatus {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that ended it otherwise.
    pub signal: Option<i32>,
}

/// What all waited-for children used.
#[derive(Debug, Clone, Copy)]
pub struct ChildUsage {
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// The largest resident size of one of them, in bytes.
    pub memory_bytes_max: u64,
}

/// Forks a process that has one thread.
pub fn fork() -> io::Result<Forked> {
    #[expect(unsafe_code, reason = "no crate wraps fork")]
    // SAFETY: called only in `sandbox-init`, which never starts a second thread, so no lock can be
    // held by a thread that does not exist in the child.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid)
            .map(Forked::Parent)
            .ok_or_else(|| io::ErrorKind::Other.into()),
    }
}

/// Waits for any child, or `None` when there is none left.
pub fn wait_any() -> io::Result<Option<(i32, ExitStatus)>> {
    let mut status = 0;
    loop {
        #[expect(
            unsafe_code,
            reason = "rustix's wait can't name a process of pid namespaces by -1"
        )]
        // SAFETY: `status` outlives the call and is the only memory that it writes.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if pid > 0 {
            return Ok(Some((pid, decode(status))));
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

fn decode(status: i32) -> ExitStatus {
    ExitStatus {
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
    }
}

/// Kills every process that this one may signal, itself excepted. As the first process of a PID
/// namespace: everything else in it.
pub fn kill_all_others() {
    #[expect(unsafe_code, reason = "rustix can't name all processes")]
    // SAFETY: `kill` touches no memory of this process.
    unsafe {
        libc::kill(-1, libc::SIGKILL);
    }
}

/// What all children that were waited for used.
pub fn child_usage() -> ChildUsage {
    #[expect(unsafe_code, reason = "no crate wraps getrusage of children")]
    // SAFETY: a zeroed `rusage` is a valid value, and the call writes nothing else.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let millis = |time: libc::timeval| {
        u64::try_from(time.tv_sec * 1_000 + time.tv_usec / 1_000).unwrap_or(0)
    };
    ChildUsage {
        cpu_ms: millis(usage.ru_utime) + millis(usage.ru_stime),
        memory_bytes_max: u64::try_from(usage.ru_maxrss)
            .unwrap_or(0)
            .saturating_mul(1024),
    }
}

/// Sets attributes of a mount and of every mount below it (`mount_setattr`, Linux 5.12).
pub fn set_mount_attributes(mount: impl AsFd, set: u64) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    #[expect(unsafe_code, reason = "no crate wraps mount_setattr")]
    // SAFETY: the path is an empty C string, `attributes` outlives the call, and its size is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Marks every descriptor from `first` on to be closed when another program is executed.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    #[expect(unsafe_code, reason = "no crate wraps close_range")]
    // SAFETY: descriptors stay open; only a flag of theirs is set.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Leaves namespaces and enters new ones.
pub fn unshare(flags: rustix::thread::UnshareFlags) -> io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "unsharing descriptors would break the safety of others"
    )]
    // SAFETY: `FILES` is never among the flags, and the process has one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(Into::into)
}

/// Makes a system call with small integers for arguments, for the checks.
pub fn probe_syscall(number: libc::c_long, arguments: [libc::c_long; 3]) -> Result<(), i32> {
    #[expect(unsafe_code, reason = "the checks make calls that must be refused")]
    // SAFETY: the checks pass integers and null pointers only, which every call they name answers
    // with an error or takes without touching memory of this process.
    let result =
        unsafe { libc::syscall(number, arguments[0], arguments[1], arguments[2], 0, 0, 0) };
    if result >= 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}
