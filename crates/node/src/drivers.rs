//! Which boundary runs what: the drivers, what each gave when it was tried, and the choice.

use protocol::{Driver, DriverReport, Enforcement, FailureCode, Gap, GapCode, Level};
use tokio_util::sync::CancellationToken;

use crate::docker::Docker;
use crate::error::ToolError;
use crate::process::{Process, Ran};
use crate::sandbox::{Namespaces, SandboxError};

/// The drivers of a node, tried out.
#[derive(Debug)]
pub struct Drivers {
    namespaces: Namespaces,
    docker: Docker,
    enforcement: Enforcement,
}

/// What a job demands of the boundary.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// The least level.
    pub level: Level,
    /// This driver and no other, for each who has a say.
    pub only: [Option<Driver>; 2],
    /// Whether the network is to be shared.
    pub network: bool,
}

/// The checks without which the namespaces are no boundary at all.
const ESSENTIAL: &[&str] = &[
    "no-network",
    "no-new-privileges",
    "no-capabilities",
    "read-only-root",
    "own-files",
    "own-processes",
    "private-tmp",
];

impl Drivers {
    /// Tries every driver.
    pub async fn probe(namespaces: Namespaces, docker: Docker) -> Self {
        let (first, second) = tokio::join!(try_namespaces(&namespaces), docker.probe());
        let enforcement = Enforcement::of(vec![first, second, files()]);
        Self {
            namespaces,
            docker,
            enforcement,
        }
    }

    /// What each gave.
    #[must_use]
    pub fn enforcement(&self) -> &Enforcement {
        &self.enforcement
    }

    /// The first driver that meets the demand.
    ///
    /// # Errors
    /// `ENFORCEMENT_UNAVAILABLE`, with what there is instead.
    pub fn choose(&self, demand: &Demand) -> Result<Driver, ToolError> {
        let allowed = |driver| demand.only.iter().flatten().all(|only| *only == driver);
        let runs_code = [Driver::Namespaces, Driver::Docker];
        let reports = || {
            self.enforcement
                .drivers
                .iter()
                .filter(|report| runs_code.contains(&report.driver))
        };
        let level = |report: &DriverReport| match demand.network {
            // Nothing filters a network that is granted.
            true => report.level.min(Level::Partial),
            false => report.level,
        };
        let meets = |report: &&DriverReport| {
            let usable = report.level > Level::Unavailable;
            usable && allowed(report.driver) && level(report) >= demand.level
        };
        reports()
            .find(meets)
            .map(|report| report.driver)
            .ok_or_else(|| {
                let found: Vec<_> = reports()
                    .map(|report| describe(report, level(report)))
                    .collect();
                let message = format!("{:?} is required; {}", demand.level, found.join("; "));
                ToolError::new(FailureCode::EnforcementUnavailable, message)
            })
    }

    /// Whether the file tools meet a level.
    ///
    /// # Errors
    /// `ENFORCEMENT_UNAVAILABLE`.
    pub fn files_meet(&self, level: Level) -> Result<(), ToolError> {
        let has = self
            .enforcement
            .driver(Driver::Files)
            .map(|report| report.level);
        if has.is_some_and(|has| has >= level && has > Level::Unavailable) {
            return Ok(());
        }
        let message = "the kernel can't confine paths (`openat2` is missing)";
        Err(ToolError::new(FailureCode::EnforcementUnavailable, message))
    }

    /// Runs a process under a driver.
    ///
    /// # Errors
    /// What kept it from being run.
    pub async fn run(
        &self,
        driver: Driver,
        process: &Process,
        stop: &CancellationToken,
    ) -> Result<Ran, SandboxError> {
        match driver {
            Driver::Namespaces => self.namespaces.run(process, stop).await,
            Driver::Docker => self.docker.run(process, stop).await,
            Driver::Files => Err(SandboxError::Silent),
        }
    }
}

fn describe(report: &DriverReport, level: Level) -> String {
    let gaps: Vec<_> = report.gaps.iter().map(|gap| gap.detail.as_str()).collect();
    let gaps = if gaps.is_empty() {
        String::new()
    } else {
        format!(" ({})", gaps.join(", "))
    };
    format!("{:?} gives {level:?}{gaps}", report.driver)
}

/// The file tools need `openat2`; without it the node does not start at all.
fn files() -> DriverReport {
    DriverReport {
        driver: Driver::Files,
        level: Level::Enforced,
        mechanisms: vec!["openat2".to_owned()],
        gaps: Vec::new(),
    }
}

async fn try_namespaces(namespaces: &Namespaces) -> DriverReport {
    let checks = match namespaces.check().await {
        Ok(checks) => checks,
        Err(error) => return DriverReport::unavailable(Driver::Namespaces, error.to_string()),
    };
    let holds = |name: &str| checks.iter().any(|check| check.name == name && check.holds);
    if let Some(missing) = ESSENTIAL.iter().find(|name| !holds(name)) {
        let detail = format!("the check `{missing}` does not hold inside");
        return DriverReport::unavailable(Driver::Namespaces, detail);
    }
    let mut gaps = Vec::new();
    let mut gap = |code, detail: &str| {
        gaps.push(Gap {
            code,
            detail: detail.to_owned(),
        });
    };
    if !holds("seccomp") {
        gap(
            GapCode::Seccomp,
            "the filter of system calls is not in force",
        );
    }
    if !holds("landlock") {
        gap(GapCode::Landlock, "the kernel has no Landlock");
    }
    if !holds("proc") {
        gap(GapCode::Proc, "there is no process file system inside");
    }
    if !namespaces.cgroups().limits_memory() {
        gap(
            GapCode::MemoryPerProcess,
            "no memory control group can be made, so memory is limited for each process",
        );
    }
    if !namespaces.cgroups().limits_processes() {
        gap(
            GapCode::ProcessesPerUser,
            "no control group for processes can be made, so a resource limit counts them",
        );
    }
    let mut mechanisms: Vec<_> = ["user", "mount", "pid", "ipc", "uts", "cgroup", "network"]
        .map(|name| format!("{name}-namespace"))
        .into();
    mechanisms.extend(
        checks
            .iter()
            .filter(|check| check.holds)
            .map(|check| check.name.clone()),
    );
    mechanisms.extend(namespaces.cgroups().mechanisms());
    mechanisms.push("rlimits".to_owned());
    let level = if gaps.is_empty() {
        Level::Enforced
    } else {
        Level::Partial
    };
    DriverReport {
        driver: Driver::Namespaces,
        level,
        mechanisms,
        gaps,
    }
}
