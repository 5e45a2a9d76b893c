//! Control groups: limits on all processes of one job together, where this machine lets the node
//! make groups. Version 1 and version 2, each controller where it is found.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::JobLimits;

/// The processes of the sandbox itself: the outer and the first one.
const KEEPERS: u32 = 2;
/// The period over which processor time is shared out, in microseconds.
const PERIOD_US: u64 = 100_000;

/// How many groups this process has made; part of their names.
static MADE: AtomicU64 = AtomicU64::new(0);

/// What can be limited by groups here.
#[derive(Debug, Default)]
pub struct Cgroups {
    memory: Option<Controller>,
    pids: Option<Controller>,
    cpu: Option<Controller>,
}

#[derive(Debug, Clone)]
struct Controller {
    base: PathBuf,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The groups of one job. They are removed when everything in them is dead.
#[derive(Debug)]
pub struct Group {
    memory: Option<Made>,
    pids: Option<Made>,
    cpu: Option<Made>,
    all: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Made {
    at: PathBuf,
    version: Version,
}

impl Cgroups {
    /// Looks for groups below the node's own, and tries each.
    #[must_use]
    pub fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let unified = locate(&own, &mounts, None).and_then(enable_unified);
        let find = |name: &str| {
            let one = || locate(&own, &mounts, Some(name));
            let two = unified
                .as_ref()
                .filter(|base| has_controller(base, name))
                .cloned();
            let two = two.map(|base| Controller {
                base,
                version: Version::Two,
            });
            let found = two.or_else(|| {
                Some(Controller {
                    base: one()?,
                    version: Version::One,
                })
            })?;
            works(&found, name).then_some(found)
        };
        let (memory, pids, cpu) = (find("memory"), find("pids"), find("cpu"));
        let groups = Self { memory, pids, cpu };
        groups.sweep();
        groups
    }

    /// Whether the memory of a job can be limited as a whole.
    #[must_use]
    pub fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether the number of processes of a job can be limited as a whole.
    #[must_use]
    pub fn limits_processes(&self) -> bool {
        self.pids.is_some()
    }

    /// What is limited, by name.
    #[must_use]
    pub fn mechanisms(&self) -> Vec<String> {
        let named = [
            ("memory", &self.memory),
            ("pids", &self.pids),
            ("cpu", &self.cpu),
        ];
        named
            .iter()
            .filter_map(|(name, controller)| {
                let version = match controller.as_ref()?.version {
                    Version::One => 1,
                    Version::Two => 2,
                };
                Some(format!("cgroup-v{version}-{name}"))
            })
            .collect()
    }

    /// Makes the groups of a job. They limit nothing before [`limit`](Group::limit).
    ///
    /// # Errors
    /// A group that can't be made.
    pub fn make(&self) -> io::Result<Group> {
        let serial = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("chancery-{}-{serial}", std::process::id());
        let mut group = Group {
            memory: None,
            pids: None,
            cpu: None,
            all: BTreeSet::new(),
        };
        group.memory = self
            .memory
            .as_ref()
            .map(|c| group.make(c, &name))
            .transpose()?;
        group.pids = self
            .pids
            .as_ref()
            .map(|c| group.make(c, &name))
            .transpose()?;
        group.cpu = self
            .cpu
            .as_ref()
            .map(|c| group.make(c, &name))
            .transpose()?;
        Ok(group)
    }

    /// Removes groups that a node left behind when it was killed. Those of a node that lives, and
    /// those in use, stay.
    fn sweep(&self) {
        for controller in [&self.memory, &self.pids, &self.cpu].into_iter().flatten() {
            for entry in fs::read_dir(&controller.base)
                .into_iter()
                .flatten()
                .flatten()
            {
                let name = entry.file_name().to_string_lossy().into_owned();
                let maker = name
                    .strip_prefix("chancery-")
                    .and_then(|rest| rest.split('-').next());
                let is_gone = |pid: u32| !Path::new("/proc").join(pid.to_string()).exists();
                if maker.and_then(|pid| pid.parse().ok()).is_some_and(is_gone) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }
}

impl Group {
    fn make(&mut self, controller: &Controller, name: &str) -> io::Result<Made> {
        let at = controller.base.join(name);
        if self.all.insert(at.clone()) {
            fs::create_dir(&at)?;
        }
        Ok(Made {
            at,
            version: controller.version,
        })
    }

    /// Puts the limits in force.
    ///
    /// # Errors
    /// A limit that does not take.
    pub fn limit(&self, limits: &JobLimits) -> io::Result<()> {
        if let Some(memory) = &self.memory {
            limit_memory(&memory.at, memory.version, limits.memory_bytes)?;
        }
        if let Some(pids) = &self.pids {
            let processes = limits.processes.saturating_add(KEEPERS);
            fs::write(pids.at.join("pids.max"), processes.to_string())?;
        }
        if let Some(cpu) = &self.cpu {
            limit_cpu(&cpu.at, cpu.version, limits.cpu_millis)?;
        }
        Ok(())
    }

    /// Puts a process, and all that it will start, into the groups.
    ///
    /// # Errors
    /// A group that does not take it.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        self.all
            .iter()
            .try_for_each(|at| fs::write(at.join("cgroup.procs"), pid.to_string()))
    }

    /// How many processes the kernel killed for want of memory.
    #[must_use]
    pub fn memory_kills(&self) -> u64 {
        let Some(Made { at, version }) = &self.memory else {
            return 0;
        };
        let file = match version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = fs::read_to_string(at.join(file)).unwrap_or_default();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(0)
    }

    /// The most memory that all held together, in bytes.
    #[must_use]
    pub fn memory_bytes_max(&self) -> Option<u64> {
        let Made { at, version } = self.memory.as_ref()?;
        let file = match version {
            Version::One => "memory.max_usage_in_bytes",
            Version::Two => "memory.peak",
        };
        fs::read_to_string(at.join(file)).ok()?.trim().parse().ok()
    }

    /// Removes the groups once they are empty.
    pub async fn remove(mut self) {
        for _ in 0..50 {
            self.all.retain(|at| {
                fs::remove_dir(at).is_err_and(|e| e.kind() != io::ErrorKind::NotFound)
            });
            if self.all.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tracing::warn!(groups = ?self.all, "control groups could not be removed");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for at in &self.all {
            let _ = fs::remove_dir(at);
        }
    }
}

fn limit_memory(at: &Path, version: Version, bytes: u64) -> io::Result<()> {
    match version {
        Version::One => {
            fs::write(at.join("memory.limit_in_bytes"), bytes.to_string())?;
            // Absent where swap is not accounted for.
            let _ = fs::write(at.join("memory.memsw.limit_in_bytes"), bytes.to_string());
        }
        Version::Two => {
            fs::write(at.join("memory.max"), bytes.to_string())?;
            let _ = fs::write(at.join("memory.swap.max"), "0");
        }
    }
    Ok(())
}

fn limit_cpu(at: &Path, version: Version, millis: u32) -> io::Result<()> {
    let quota = u64::from(millis) * PERIOD_US / 1_000;
    match version {
        Version::One => {
            fs::write(at.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
            fs::write(at.join("cpu.cfs_quota_us"), quota.to_string())
        }
        Version::Two => fs::write(at.join("cpu.max"), format!("{quota} {PERIOD_US}")),
    }
}

/// Whether a group can be made there and takes a limit.
fn works(controller: &Controller, name: &str) -> bool {
    let at = controller
        .base
        .join(format!("chancery-{}-probe-{name}", std::process::id()));
    let tried = fs::create_dir(&at).and_then(|()| match name {
        "memory" => limit_memory(&at, controller.version, 64 * 1024 * 1024),
        "pids" => fs::write(at.join("pids.max"), "16"),
        _ => limit_cpu(&at, controller.version, 1_000),
    });
    let _ = fs::remove_dir(&at);
    tried.is_ok()
}

fn has_controller(base: &Path, name: &str) -> bool {
    let enabled = fs::read_to_string(base.join("cgroup.subtree_control")).unwrap_or_default();
    enabled
        .split_whitespace()
        .any(|controller| controller == name)
}

/// Lets groups below `base` have controllers. A group with controllers for its children may hold no
/// process itself (but for the root), so the node moves into a child, if it is alone there.
fn enable_unified(base: PathBuf) -> Option<PathBuf> {
    let available = fs::read_to_string(base.join("cgroup.controllers")).ok()?;
    let wanted: Vec<_> = ["memory", "pids", "cpu"]
        .into_iter()
        .filter(|name| {
            available
                .split_whitespace()
                .any(|controller| controller == *name)
        })
        .map(|name| format!("+{name}"))
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let enable = || fs::write(base.join("cgroup.subtree_control"), wanted.join(" "));
    if enable().is_ok() {
        return Some(base);
    }
    let inside = fs::read_to_string(base.join("cgroup.procs")).ok()?;
    let own = std::process::id().to_string();
    if inside.split_whitespace().any(|pid| pid != own) {
        return None;
    }
    let leaf = base.join("chancery-node");
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
        Ok(()) | Err(_) => {}
    }
    fs::write(leaf.join("cgroup.procs"), own).ok()?;
    enable().ok()?;
    Some(base)
}

/// Where the node's own group of a controller (version 1) or of the unified hierarchy lies.
fn locate(own: &str, mounts: &str, controller: Option<&str>) -> Option<PathBuf> {
    let group = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let found = match controller {
            Some(name) => controllers.split(',').any(|each| each == name),
            None => controllers.is_empty(),
        };
        found.then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let (mut before, mut after) = (before.split(' ').skip(3), after.split(' '));
        let (root, at) = (before.next()?, before.next()?);
        let (kind, options) = (after.next()?, after.nth(1)?);
        let found = match controller {
            Some(name) => kind == "cgroup" && options.split(',').any(|each| each == name),
            None => kind == "cgroup2",
        };
        let below = group
            .strip_prefix(root.trim_end_matches('/'))
            .filter(|_| found)?;
        Some(Path::new(at).join(below.trim_start_matches('/')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "8:pids:/\n4:memory:/api/9e\n2:cpu,cpuacct:/x\n0::/user.slice/a.scope\n";
    const MOUNTS: &str = "\
31 24 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 24 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
34 24 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
";

    #[test]
    fn each_controller_is_found_where_it_is_mounted() {
        let at = |controller| locate(OWN, MOUNTS, controller).map(|p| p.display().to_string());
        assert_eq!(
            at(Some("memory")).as_deref(),
            Some("/sys/fs/cgroup/memory/api/9e")
        );
        assert_eq!(
            at(Some("cpu")).as_deref(),
            Some("/sys/fs/cgroup/cpu,cpuacct/x")
        );
        assert_eq!(at(Some("pids")).as_deref(), Some("/sys/fs/cgroup/pids/"));
        assert_eq!(
            at(None).as_deref(),
            Some("/sys/fs/cgroup/unified/user.slice/a.scope")
        );
        assert_eq!(at(Some("rdma")), None);
    }

    #[test]
    fn a_group_of_a_container_is_found_below_its_root() {
        let mounts = "32 24 0:28 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let at = locate("0::/docker/ab/job\n", mounts, None);
        assert_eq!(at, Some(PathBuf::from("/sys/fs/cgroup/job")));
        assert_eq!(locate("0::/elsewhere\n", mounts, None), None);
    }
}
