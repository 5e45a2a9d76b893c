//! The system calls that foreign code may not make.
//!
//! A list of what is denied, not of what is allowed: skills bring their own interpreters, and a call
//! that is new to this list reaches a kernel in which the process has no capability, no device, no
//! network and no mount of the machine. Denied are the calls that widen the kernel's surface or
//! leave what a file system can hold (set-user-id bits). `clone3` and `openat2` answer `ENOSYS`:
//! their flags lie in memory, where a filter can't look, and C libraries fall back to `clone` and
//! `openat`.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Never, whatever the arguments.
const DENIED: &[c_long] = &[
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Namespaces.
    libc::SYS_unshare,
    libc::SYS_setns,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Parts of the kernel with a record of their own.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_lookup_dcookie,
    libc::SYS_memfd_secret,
    libc::SYS_vhangup,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_mbind,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_nfsservctl,
    // Newer than the constants of the C library bindings: `open_tree_attr`.
    467,
];

/// Only on the architecture that has them.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[c_long] = &[];

/// As if this kernel did not have them.
const ABSENT: &[c_long] = &[libc::SYS_clone3, libc::SYS_openat2];

const SET_ID_BITS: [u64; 2] = [libc::S_ISUID as u64, libc::S_ISGID as u64];

/// The programs to be loaded, in this order.
pub fn programs(network: bool) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let absent: Rules = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    let mut programs = vec![
        program(absent, libc::ENOSYS)?,
        program(denied(network)?, libc::EPERM)?,
    ];
    if cfg!(target_arch = "x86_64") {
        programs.push(no_x32());
    }
    Ok(programs)
}

/// Loads the programs. The process must have given up new privileges before.
pub fn load(programs: &[BpfProgram]) -> Result<(), seccompiler::Error> {
    programs
        .iter()
        .try_for_each(|program| seccompiler::apply_filter(program))
}

fn program(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let errno = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, errno, arch)?.try_into()
}

fn denied(network: bool) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = DENIED
        .iter()
        .chain(DENIED_HERE)
        .map(|call| (*call, Vec::new()))
        .collect();
    rules.insert(libc::SYS_clone, new_namespaces()?);
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        rules.insert(call, vec![SeccompRule::new(foreign_families(network)?)?]);
    }
    rules.insert(libc::SYS_ioctl, terminal_injection()?);
    for (call, argument) in mode_arguments() {
        rules.insert(call, set_id(argument)?);
    }
    for (call, flags, mode) in creating_calls() {
        rules.insert(call, set_id_when_created(flags, mode)?);
    }
    Ok(rules)
}

fn new_namespaces() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let flags = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    flags
        .iter()
        .map(|flag| has_bit(0, u64::from(flag.unsigned_abs())))
        .collect()
}

/// All conditions at once: none of the families that are allowed.
fn foreign_families(network: bool) -> Result<Vec<SeccompCondition>, seccompiler::BackendError> {
    let with_network = [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
    ];
    let allowed = if network {
        &with_network[..]
    } else {
        &with_network[..1]
    };
    allowed
        .iter()
        .map(|family| {
            let family = u64::from(family.unsigned_abs());
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
        })
        .collect()
}

/// `TIOCSTI` and `TIOCLINUX` put input into a terminal.
fn terminal_injection() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    [libc::TIOCSTI, libc::TIOCLINUX]
        .into_iter()
        .map(|request| {
            let equal =
                SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request)?;
            SeccompRule::new(vec![equal])
        })
        .collect()
}

/// Which argument of which call is the mode of a file.
fn mode_arguments() -> Vec<(c_long, u8)> {
    let mut calls = vec![
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (libc::SYS_fchmodat2, 2),
        (libc::SYS_mkdirat, 2),
        (libc::SYS_mknodat, 2),
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        (libc::SYS_chmod, 1),
        (libc::SYS_mkdir, 1),
        (libc::SYS_mknod, 1),
        (libc::SYS_creat, 1),
    ]);
    calls
}

/// Which arguments of which call are the flags and, if they create a file, the mode.
fn creating_calls() -> Vec<(c_long, u8, u8)> {
    let mut calls = vec![(libc::SYS_openat, 2, 3)];
    #[cfg(target_arch = "x86_64")]
    calls.push((libc::SYS_open, 1, 2));
    calls
}

fn set_id_when_created(flags: u8, mode: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    // `O_TMPFILE` holds `O_DIRECTORY` too; its own bit is what is left.
    let own_bit = u64::from((libc::O_TMPFILE & !libc::O_DIRECTORY).unsigned_abs());
    let mut rules = Vec::new();
    for creates in [u64::from(libc::O_CREAT.unsigned_abs()), own_bit] {
        for bit in SET_ID_BITS {
            rules.push(SeccompRule::new(vec![
                bit_set(flags, creates)?,
                bit_set(mode, bit)?,
            ])?);
        }
    }
    Ok(rules)
}

fn set_id(argument: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    SET_ID_BITS
        .iter()
        .map(|bit| has_bit(argument, *bit))
        .collect()
}

fn has_bit(argument: u8, bit: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![bit_set(argument, bit)?])
}

fn bit_set(argument: u8, bit: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(bit),
        bit,
    )
}

/// Refuses the x32 calls, which carry other numbers under the same architecture and would pass by
/// the lists above.
fn no_x32() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const JUMP_GE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const X32_BIT: u32 = 0x4000_0000;
    let errno = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        // Offset 0 of `seccomp_data` is the number of the call.
        sock_filter {
            code: LOAD_WORD,
            jt: 0,
            jf: 0,
            k: 0,
        },
        sock_filter {
            code: JUMP_GE,
            jt: 0,
            jf: 1,
            k: X32_BIT,
        },
        sock_filter {
            code: RETURN,
            jt: 0,
            jf: 0,
            k: errno,
        },
        sock_filter {
            code: RETURN,
            jt: 0,
            jf: 0,
            k: libc::SECCOMP_RET_ALLOW,
        },
    ]
}
