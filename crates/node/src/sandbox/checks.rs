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
    let eperm = Err(libc::EPERM);
    let newuser = i64::from(libc::CLONE_NEWUSER);
    let inet = [i64::from(libc::AF_INET), i64::from(libc::SOCK_STREAM), 0];
    let packet = [i64::from(libc::AF_PACKET), i64::from(libc::SOCK_RAW), 0];
    let unix = [i64::from(libc::AF_UNIX), i64::from(libc::SOCK_STREAM), 0];
    // Calls that fail for want of privilege too are no evidence of the filter; `keyctl` is.
    let session_keyring = [0, -3, 0]; // KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING
    let seccomp = probe_syscall(libc::SYS_keyctl, session_keyring) == eperm
        && probe_syscall(libc::SYS_unshare, [newuser, 0, 0]) == eperm
        && probe_syscall(libc::SYS_socket, packet) == eperm
        && probe_syscall(libc::SYS_socket, unix).is_ok();
    let checks = [
        ("seccomp", seccomp),
        (
            "no-network",
            probe_syscall(libc::SYS_socket, inet) == eperm && !connects(),
        ),
        ("landlock", landlock),
        ("no-new-privileges", status_says("NoNewPrivs:\t1")),
        ("no-capabilities", no_capabilities()),
        (
            "read-only-root",
            is_refused("/probe") && is_refused("/usr/probe") && is_refused("/etc/probe"),
        ),
        ("own-files", own_files()),
        (
            "own-processes",
            rustix::process::getpid().as_raw_nonzero().get() < 10,
        ),
        ("private-tmp", fs::write("/tmp/probe", "x").is_ok()),
        ("proc", fs::read_to_string("/proc/self/status").is_ok()),
    ];
    checks
        .map(|(name, holds)| Check {
            name: name.to_owned(),
            holds,
        })
        .into()
}

fn connects() -> bool {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    match TcpStream::connect_timeout(&nowhere, Duration::from_millis(50)) {
        Ok(_) => true,
        // Refused by a peer means that there was a network to be refused on.
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
    }
}

fn status_says(line: &str) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| status.lines().any(|l| l == line))
        // Without a process file system the bit is asked for directly.
        || rustix::thread::no_new_privs().is_ok_and(|set| set)
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
