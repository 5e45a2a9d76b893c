//! Stages that run one after the other, all of them, and the line that sums them up.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many checks passed and failed. A stage that counts nothing itself is one check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl Counts {
    pub const ONE: Self = Self {
        passed: 1,
        failed: 0,
    };

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The closing line, alone on it.
impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

struct Stage {
    name: &'static str,
    counts: Counts,
    took: Duration,
    error: Option<String>,
}

/// What has run so far. A failed stage does not stop the next one.
#[derive(Default)]
pub struct Report {
    stages: Vec<Stage>,
}

impl Report {
    /// Runs one stage; an error makes it failed, and is shown at once and again at the end.
    ///
    /// Returns whether it passed.
    pub fn stage(&mut self, name: &'static str, run: impl FnOnce() -> Result<Counts>) -> bool {
        eprintln!(
            "\n── {name} {}",
            "─".repeat(72_usize.saturating_sub(name.len()))
        );
        let start = Instant::now();
        let (counts, error) = match run() {
            Ok(counts) if counts.failed == 0 => (counts, None),
            Ok(counts) => (counts, Some(format!("{} failed", counts.failed))),
            Err(error) => (
                Counts {
                    passed: 0,
                    failed: 1,
                },
                Some(format!("{error:#}")),
            ),
        };
        if let Some(error) = &error {
            eprintln!("{name}: {error}");
        }
        let passed = error.is_none();
        self.stages.push(Stage {
            name,
            counts,
            took: start.elapsed(),
            error,
        });
        passed
    }

    pub fn failed_stages(&self) -> usize {
        self.stages
            .iter()
            .filter(|stage| stage.error.is_some())
            .count()
    }

    /// Prints one line per stage and returns the sum.
    pub fn print(&self) -> Counts {
        let mut sum = Counts::default();
        eprintln!("\n── summary {}", "─".repeat(65));
        for stage in &self.stages {
            let outcome = stage.error.as_deref().map_or_else(
                || "ok".to_owned(),
                |error| format!("FAILED: {}", error.lines().next().unwrap_or_default()),
            );
            eprintln!(
                "{:<10} {:>5} s  {outcome}",
                stage.name,
                stage.took.as_secs()
            );
            sum.add(stage.counts);
        }
        eprintln!();
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_stage_is_counted_and_does_not_stop_the_next() {
        let mut report = Report::default();
        assert!(report.stage("one", || Ok(Counts {
            passed: 7,
            failed: 0
        })));
        assert!(!report.stage("two", || anyhow::bail!("no")));
        assert!(!report.stage("three", || Ok(Counts {
            passed: 2,
            failed: 3
        })));
        assert_eq!(report.failed_stages(), 2);
        assert_eq!(report.print().to_string(), "9 passed, 4 failed");
    }
}
