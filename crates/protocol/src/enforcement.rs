//! What a node can really enforce, as it found out by trying.

use serde::{Deserialize, Serialize};

/// How far a boundary holds. Ordered: a requirement is met by the same level or a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It can't be had here at all.
    Unavailable,
    /// It is asked of the code and not imposed on it.
    Advisory,
    /// It is imposed, but for the gaps that are named.
    Partial,
    /// It is imposed by the kernel, with no known gap.
    Enforced,
}

/// What imposes a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Directory handles (`openat2`), for the file tools.
    Files,
    /// Namespaces, seccomp, Landlock and control groups, set up by the node itself.
    Namespaces,
    /// A container of the Docker Engine.
    Docker,
}

/// What a boundary lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCode {
    /// Memory is bounded for each process, not for all together.
    MemoryPerProcess,
    /// The number of processes is bounded by user, not by job.
    ProcessesPerUser,
    /// The number of processes is not bounded.
    Processes,
    /// No Landlock behind the mount namespace.
    Landlock,
    /// No seccomp filter.
    Seccomp,
    /// No process file system of its own.
    Proc,
    /// A granted network reaches whatever the machine reaches.
    NetworkUnfiltered,
    /// The disk space of a writable workspace is bounded for each file, not in total.
    DiskPerFile,
    /// The driver does not work here; the detail says why.
    Unusable,
}

/// One thing that a boundary lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// What is missing.
    pub code: GapCode,
    /// Why, for the operator.
    pub detail: String,
}

/// What one driver gave when it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverReport {
    /// Which one.
    pub driver: Driver,
    /// How far it holds.
    pub level: Level,
    /// What it is made of here, such as `seccomp` or `cgroup-v2-memory`.
    pub mechanisms: Vec<String>,
    /// What it lacks.
    pub gaps: Vec<Gap>,
}

/// What a node can enforce: the report of each driver that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enforcement {
    /// The level of the best driver that runs foreign code.
    pub level: Level,
    /// Every driver, the preferred one first.
    pub drivers: Vec<DriverReport>,
    /// What the best driver lacks.
    pub gaps: Vec<Gap>,
}

impl Enforcement {
    /// Sums the reports up: the best driver of those that run foreign code, the first among equals.
    #[must_use]
    pub fn of(drivers: Vec<DriverReport>) -> Self {
        let runs_code = drivers
            .iter()
            .filter(|report| report.driver != Driver::Files);
        let best = runs_code.reduce(|best, next| if next.level > best.level { next } else { best });
        let (level, gaps) = best.map_or((Level::Unavailable, Vec::new()), |best| {
            (best.level, best.gaps.clone())
        });
        Self {
            level,
            drivers,
            gaps,
        }
    }

    /// What is known of one driver.
    #[must_use]
    pub fn driver(&self, driver: Driver) -> Option<&DriverReport> {
        self.drivers.iter().find(|report| report.driver == driver)
    }
}

impl DriverReport {
    /// A driver that can't be used, and why.
    #[must_use]
    pub fn unavailable(driver: Driver, detail: String) -> Self {
        let gaps = vec![Gap {
            code: GapCode::Unusable,
            detail,
        }];
        Self {
            driver,
            level: Level::Unavailable,
            mechanisms: Vec::new(),
            gaps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(driver: Driver, level: Level) -> DriverReport {
        DriverReport {
            driver,
            level,
            mechanisms: Vec::new(),
            gaps: Vec::new(),
        }
    }

    #[test]
    fn the_sum_is_the_best_driver_that_runs_code() {
        let sum = |drivers: &[(Driver, Level)]| {
            Enforcement::of(drivers.iter().map(|(d, l)| report(*d, *l)).collect()).level
        };
        assert_eq!(sum(&[(Driver::Files, Level::Enforced)]), Level::Unavailable);
        assert_eq!(
            sum(&[
                (Driver::Namespaces, Level::Partial),
                (Driver::Docker, Level::Enforced)
            ]),
            Level::Enforced
        );
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Unavailable < Level::Advisory);
        assert!(Level::Advisory < Level::Partial);
        assert!(Level::Partial < Level::Enforced);
    }
}
