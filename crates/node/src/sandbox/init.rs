//! The process that becomes the sandbox (`chancery-node sandbox-init`).
//!
//! Three processes, each with one thread:
//!
//! 1. the *outer* one enters new namespaces, watches the clock and the socket to the node, and kills;
//! 2. the *first* process of the PID namespace builds the file system, starts the command, reaps
//!    what is left behind, and gathers `/out`; when it ends, the kernel kills everything inside;
//! 3. the *payload* takes the last restrictions upon itself and executes the command.
//!
//! Any step that fails ends it all before the command runs.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, SeekFrom, memfd_create, openat, seek};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open, pidfd_send_signal,
    set_dumpable_behavior, set_parent_process_death_signal, setrlimit, setsid,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::mounts::{StepResult, step};
use super::spec::{self, Ended, Exited, Failed, Payload, Report, Spec, Why};
use super::sys::{self, Forked};
use super::{checks, collect, confine, mounts, seccomp};

/// Who foreign code is inside.
const INNER_ID: u32 = 1000;
/// How much longer than its time limit a command may use processors, in seconds.
const CPU_GRACE_SECONDS: u64 = 2;

/// Runs the outer process. Standard input is the socket to the node; standard output and error are
/// the command's.
#[must_use]
pub fn main() -> ExitCode {
    let Ok(mut node) = node_socket() else {
        return ExitCode::FAILURE;
    };
    let Ok(spec) = spec::read::<Spec>(&mut node) else {
        return ExitCode::FAILURE;
    };
    match outer(&node, &spec) {
        Ok(ended) => report(&node, &Report::Ended(ended)),
        Err(failed) => report(&node, &setup_failed(failed)),
    }
}

/// Moves the socket away from standard input, where the command will have its own.
fn node_socket() -> io::Result<UnixStream> {
    let socket = fcntl_dupfd_cloexec(rustix::stdio::stdin(), 10)?;
    Ok(UnixStream::from(socket))
}

fn report(mut node: &UnixStream, report: &Report) -> ExitCode {
    match spec::write(&mut node, report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn setup_failed((name, error): (&'static str, io::Error)) -> Report {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    Report::SetupFailed(Failed {
        step: name.to_owned(),
        errno,
    })
}

fn outer(node: &UnixStream, spec: &Spec) -> StepResult<Ended> {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let mut namespaces = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if !spec.network {
        namespaces |= UnshareFlags::NEWNET;
    }
    if spec.identity.is_none() {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        step(
            "entering a user namespace",
            sys::unshare(UnshareFlags::NEWUSER),
        )?;
        let own = step("opening /proc/self", own_proc())?;
        step("mapping the user", map_identity(&own, user, group))?;
    }
    step("entering namespaces", sys::unshare(namespaces))?;
    // The read end tells the child that this process has gone, even before it asked to be told.
    let (alive, held) = step(
        "making a pipe",
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC),
    )?;
    match step("forking", sys::fork())? {
        Forked::Child => {
            drop(held);
            first(node, spec, &alive)
        }
        Forked::Parent(child) => {
            let ended = supervise(node, child, spec.limits.timeout_ms);
            drop(held);
            ended
        }
    }
}

/// Waits for the first process to end, and ends it when the time is up or the node has gone.
fn supervise(node: &UnixStream, child: Pid, timeout_ms: u64) -> StepResult<Ended> {
    let child = step("watching", pidfd_open(child, PidfdFlags::empty()))?;
    let deadline = Instant::now() + Duration::from_millis(timeout_ms);
    let why = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break Why::TimedOut;
        }
        let mut watched = [
            PollFd::new(&child, PollFlags::IN),
            PollFd::new(node, PollFlags::IN),
        ];
        let wait = Timespec::try_from(left).ok();
        match poll(&mut watched, wait.as_ref()) {
            Err(rustix::io::Errno::INTR) | Ok(0) => {}
            Err(error) => return Err(("watching", error.into())),
            Ok(_) if !watched[0].revents().is_empty() => break Why::Exited,
            // The node says nothing after the spec, so this is the end of the socket.
            Ok(_) => break Why::Stopped,
        }
    };
    if why != Why::Exited {
        step("killing", pidfd_send_signal(&child, Signal::KILL))?;
    }
    step("waiting", sys::wait_any())?;
    let usage = sys::child_usage();
    Ok(Ended {
        why,
        cpu_ms: usage.cpu_ms,
        memory_bytes_max: usage.memory_bytes_max,
    })
}

fn first(node: &UnixStream, spec: &Spec, alive: &OwnedFd) -> ! {
    let code = match inside(spec, alive) {
        Ok(message) => report(node, &message),
        Err(failed) => report(node, &setup_failed(failed)),
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the forked child must not return into `main`"
    )]
    std::process::exit(i32::from(code != ExitCode::SUCCESS))
}

fn inside(spec: &Spec, alive: &OwnedFd) -> StepResult<Report> {
    step(
        "dying with the parent",
        set_parent_process_death_signal(Some(Signal::KILL)),
    )?;
    step("dying with the parent", parent_is_alive(alive))?;
    step(
        "naming the machine",
        rustix::system::sethostname(b"sandbox"),
    )?;
    let host_proc = step("opening /proc/self", own_proc())?;
    mounts::enter(spec)?;
    if let Some(identity) = spec.identity {
        take_identity(identity, &host_proc)?;
    }
    let everybody = step("opening the process files", process_files(&host_proc));
    drop(host_proc);
    drop_capabilities()?;
    step(
        "hiding",
        set_dumpable_behavior(DumpableBehavior::NotDumpable),
    )?;

    let (exec_failed, tell) = step(
        "making a pipe",
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC),
    )?;
    match step("forking", sys::fork())? {
        Forked::Child => payload(spec, tell, everybody.ok()),
        Forked::Parent(child) => {
            drop(tell);
            drop(everybody);
            tend(child, exec_failed)
        }
    }
}

/// Waits for the command and gathers what it leaves.
fn tend(child: Pid, exec_failed: OwnedFd) -> StepResult<Report> {
    let told = fs::File::from(exec_failed);
    if let Some(message) = step("starting the command", read_told(told))? {
        return Ok(message);
    }
    let mut ended = None;
    while ended.is_none() {
        match step("waiting", sys::wait_any())? {
            Some((pid, status)) if pid == child.as_raw_nonzero().get() => ended = Some(status),
            Some(_) => {}
            None => return Err(("waiting", io::ErrorKind::NotFound.into())),
        }
    }
    sys::kill_all_others();
    while step("waiting", sys::wait_any())?.is_some() {}
    let (files, files_cut) = collect::gather("/out".as_ref());
    let status = ended.unwrap_or(sys::ExitStatus {
        code: None,
        signal: None,
    });
    Ok(Report::Exited(Exited {
        code: status.code,
        signal: status.signal,
        files,
        files_cut,
    }))
}

/// What the payload says before it becomes the command; nothing if it became it.
fn read_told(mut told: fs::File) -> io::Result<Option<Report>> {
    match spec::read::<Report>(&mut told) {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn payload(spec: &Spec, tell: OwnedFd, everybody: Option<OwnedFd>) -> ! {
    let message = match become_command(spec, everybody) {
        Ok(report) => report,
        Err(failed) => setup_failed(failed),
    };
    let mut tell = fs::File::from(tell);
    let _ = spec::write(&mut tell, &message).and_then(|()| tell.flush());
    #[expect(
        clippy::disallowed_methods,
        reason = "the forked child must not return into `main`"
    )]
    std::process::exit(1)
}

/// Takes the last restrictions and executes. Returns only if it did not become a command.
fn become_command(spec: &Spec, everybody: Option<OwnedFd>) -> StepResult<Report> {
    let programs = seccomp::programs(spec.network).map_err(io::Error::other);
    let programs = step("compiling the filter", programs)?;
    if let Some(files) = everybody {
        // Out of memory, the command goes before its keepers. A hidden process can't say so of itself.
        step("showing", set_dumpable_behavior(DumpableBehavior::Dumpable))?;
        let _ = write_at(&files, "self/oom_score_adj", "1000");
    }
    step("starting a session", setsid())?;
    step("limiting", set_limits(spec))?;
    step("preparing input", put_input(&spec.input))?;
    let writable = spec
        .workspace
        .as_ref()
        .is_some_and(|workspace| workspace.writable);
    let landlock = confine::confine(writable, spec.network).map_err(io::Error::other);
    let landlock = step("confining", landlock)?;
    step("entering the folder", std::env::set_current_dir(&spec.cwd))?;
    step("closing descriptors", sys::close_on_exec_from(3))?;
    step(
        "filtering",
        seccomp::load(&programs).map_err(io::Error::other),
    )?;
    match &spec.payload {
        Payload::Checks => Ok(Report::Checked(checks::run(landlock))),
        Payload::Command(command) => {
            let (program, arguments) = command.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
            let environment = spec.env.iter().map(|(name, value)| (name, value));
            let mut command = Command::new(program);
            let error = command.args(arguments).env_clear().envs(environment).exec();
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            Ok(Report::ExecFailed(Failed {
                step: "executing".to_owned(),
                errno,
            }))
        }
    }
}

fn parent_is_alive(alive: &OwnedFd) -> io::Result<()> {
    let mut watched = [PollFd::new(alive, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match poll(&mut watched, Some(&now))? {
        0 => Ok(()),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// This process in the process file system of the machine.
fn own_proc() -> io::Result<OwnedFd> {
    Ok(openat(
        CWD,
        "/proc/self",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

fn process_files(own: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(openat(
        own,
        "..",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

fn write_at(folder: &OwnedFd, name: &str, text: &str) -> io::Result<()> {
    let file = openat(
        folder,
        name,
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    fs::File::from(file).write_all(text.as_bytes())
}

fn map_identity(own: &OwnedFd, user: u32, group: u32) -> io::Result<()> {
    write_at(own, "setgroups", "deny")?;
    write_at(own, "uid_map", &format!("{INNER_ID} {user} 1"))?;
    write_at(own, "gid_map", &format!("{INNER_ID} {group} 1"))
}

/// As root: becomes somebody without rights, and then enters a user namespace of its own.
fn take_identity(identity: u32, own: &OwnedFd) -> StepResult<()> {
    let (user, group) = (
        rustix::process::Uid::from_raw(identity),
        rustix::process::Gid::from_raw(identity),
    );
    step("leaving groups", set_thread_groups(&[]))?;
    step(
        "changing the group",
        set_thread_res_gid(group, group, group),
    )?;
    step("changing the user", set_thread_res_uid(user, user, user))?;
    // The kernel clears both when the user changes.
    step(
        "dying with the parent",
        set_parent_process_death_signal(Some(Signal::KILL)),
    )?;
    step("showing", set_dumpable_behavior(DumpableBehavior::Dumpable))?;
    step(
        "entering a user namespace",
        sys::unshare(UnshareFlags::NEWUSER),
    )?;
    step("mapping the user", map_identity(own, identity, identity))
}

fn drop_capabilities() -> StepResult<()> {
    for capability in CapabilitySet::all().iter() {
        // Those that this kernel does not know are not there to be dropped.
        match remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(("dropping capabilities", error.into())),
        }
    }
    let none = CapabilitySet::empty();
    step("dropping capabilities", clear_ambient_capability_set())?;
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    step("dropping capabilities", set_capabilities(None, sets))?;
    step("giving up privileges", set_no_new_privs(true))
}

fn set_limits(spec: &Spec) -> io::Result<()> {
    let limits = &spec.limits;
    let cpu_seconds = limits.timeout_ms.div_ceil(1_000) + CPU_GRACE_SECONDS;
    let mut wanted = vec![
        (Resource::Core, 0),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, 1_024),
        (Resource::Nproc, u64::from(limits.processes)),
        (Resource::Memlock, 64 * 1024),
        (Resource::Msgqueue, 64 * 1024),
        (Resource::Sigpending, 1_024),
    ];
    if let Some(bytes) = limits.address_space_bytes {
        wanted.push((Resource::As, bytes));
    }
    for (resource, bound) in wanted {
        // A limit that is lower already can't be raised without privilege, and need not be.
        let present = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX);
        let bound = Some(bound.min(present));
        setrlimit(
            resource,
            Rlimit {
                current: bound,
                maximum: bound,
            },
        )?;
    }
    Ok(())
}

/// Standard input becomes a file in memory that holds the input.
fn put_input(input: &[u8]) -> io::Result<()> {
    let memory = memfd_create("input", MemfdFlags::CLOEXEC)?;
    let mut file = fs::File::from(memory);
    file.write_all(input)?;
    seek(&file, SeekFrom::Start(0))?;
    rustix::stdio::dup2_stdin(file.as_fd())?;
    Ok(())
}
