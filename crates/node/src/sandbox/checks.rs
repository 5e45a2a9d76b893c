//! What the node tries from inside its own sandbox before it claims to have one.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sys::probe_syscall;

/// One thing that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// What should hold.
    pub name: String,
    /// Whether it does.
    pub holds: bool,
}

/// Tries everything. Runs where a command would: after every restriction was put in force.
pub fn run(landlock: bool) -> Vec<Check> {
    let holds = [
        ("seccomp", filter_holds()),
        ("no-network", no_network()),
        ("landlock", landlock),
        (
            "no-new-privileges",
            rustix::thread::no_new_privs().is_ok_and(|set| set),
        ),
        ("no-capabilities", no_capabilities()),
        (
            "read-only-root",
            ["/probe", "/usr/probe", "/etc/probe"]
                .into_iter()
                .all(is_refused),
        ),
        ("own-files", own_files()),
        (
            "own-processes",
            rustix::process::getpid().as_raw_nonzero().get() < 10,
        ),
        ("private-tmp", fs::write("/tmp/probe", "x").is_ok()),
        ("proc", fs::read_to_string("/proc/self/status").is_ok()),
    ];
    holds
        .map(|(name, holds)| Check {
            name: name.to_owned(),
            holds,
        })
        .into()
}

/// Whether the filter refuses calls that nothing else would refuse in the same way, and lets an
/// ordinary one pass. (A call that fails for want of privilege anyway is no evidence of the filter.)
fn filter_holds() -> bool {
    let denied = |call, arguments| probe_syscall(call, arguments) == Err(libc::EPERM);
    let absent = |call| probe_syscall(call, [0; 3]) == Err(libc::ENOSYS);
    let session_keyring = [0, -3, 0]; // KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING
    let unix = [libc::AF_UNIX, libc::SOCK_STREAM, 0].map(i64::from);
    denied(libc::SYS_keyctl, session_keyring)
        && denied(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUSER), 0, 0])
        && denied(libc::SYS_io_uring_setup, [1, 0, 0])
        && denied(libc::SYS_userfaultfd, [1, 0, 0]) // UFFD_USER_MODE_ONLY: needs no privilege
        && denied(libc::SYS_bpf, [0; 3])
        && denied(libc::SYS_perf_event_open, [0; 3])
        && denied(libc::SYS_fsopen, [0; 3])
        && denied(libc::SYS_fchmod, [0, 0o4755, 0])
        && absent(libc::SYS_clone3)
        && absent(libc::SYS_openat2)
        && x32_is_absent()
        && [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK, libc::AF_NETLINK]
            .into_iter()
            .all(filters_socket)
        && probe_syscall(libc::SYS_socket, unix).is_ok()
}

/// `getpid` by its x32 number: `EPERM` or `ENOSYS`, but never a process id.
fn x32_is_absent() -> bool {
    const X32_GETPID: i64 = 0x4000_0000 | 39;
    !cfg!(target_arch = "x86_64") || probe_syscall(X32_GETPID, [0; 3]) == Err(libc::ENOSYS)
}

fn filters_socket(family: i32) -> bool {
    let arguments = [family, libc::SOCK_RAW, 0].map(i64::from);
    probe_syscall(libc::SYS_socket, arguments) == Err(libc::EPERM)
}

/// No family of the network, no interface but the loopback of a namespace of its own, nobody to be
/// reached. (Without a process file system the interfaces can't be counted.)
fn no_network() -> bool {
    let interfaces = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let only_loopback = interfaces
        .lines()
        .skip(2)
        .all(|line| line.trim_start().starts_with("lo:"));
    filters_socket(libc::AF_INET) && only_loopback && !connects()
}

fn connects() -> bool {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    match TcpStream::connect_timeout(&nowhere, Duration::from_millis(50)) {
        Ok(_) => true,
        // Refused by a peer means that there was a network to be refused on.
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
    }
}

fn no_capabilities() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.is_empty() && sets.permitted.is_empty())
}

fn is_refused(path: &str) -> bool {
    fs::write(path, "x").is_err()
}

/// Nothing of the machine's files but what was put here.
fn own_files() -> bool {
    let absent = [
        "/etc/shadow",
        "/root",
        "/home",
        "/var",
        "/sys",
        "/proc/sys/kernel/core_pattern",
    ];
    !absent.iter().any(|path| Path::new(path).exists())
}
