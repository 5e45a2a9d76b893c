//! How long calls of models took and how many failed, over time.

use db::OrgContext;

use crate::ModelsError;
use crate::ledger::{Bucket, Hour, Took, percentile};
use crate::store::latency;

/// What one figure is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Hour,
    Day,
}

impl Step {
    pub const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
        }
    }

    /// For how many days one may ask at once.
    pub const fn days_max(self) -> i64 {
        match self {
            Self::Hour => 31,
            Self::Day => 366,
        }
    }
}

/// Which calls are asked for.
#[derive(Debug, Clone)]
pub(crate) struct LatencyFilter {
    /// The first hour.
    pub from: Hour,
    /// The first hour that is no longer asked for.
    pub until: Hour,
    pub step: Step,
    /// Only this one, as usage names it.
    pub model: Option<String>,
}

/// One bucket of a step and a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LatencyRow {
    pub from: Hour,
    pub model: String,
    pub bucket: Bucket,
    pub took: Took,
}

/// How long the calls of a model took in one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latency {
    pub from: Hour,
    pub model: String,
    pub answered: u64,
    pub failed: u64,
    /// From the call to the end of its answer, in milliseconds: p50, p95, p99.
    pub whole_ms: [Option<f64>; 3],
    /// From the call to the first byte of its answer: the same.
    pub first_byte_ms: [Option<f64>; 3],
}

/// What calls took, in the order of time and then of models.
pub(crate) async fn list(
    ctx: &OrgContext,
    filter: &LatencyFilter,
) -> Result<Vec<Latency>, ModelsError> {
    let rows = latency::query(&mut ctx.read().await?, filter).await?;
    let of_one = |a: &LatencyRow, b: &LatencyRow| (a.from, &a.model) == (b.from, &b.model);
    Ok(rows.chunk_by(of_one).filter_map(sum).collect())
}

fn sum(rows: &[LatencyRow]) -> Option<Latency> {
    let first = rows.first()?;
    let counts = |of: fn(&Took) -> u64| -> Vec<(Bucket, u64)> {
        rows.iter().map(|it| (it.bucket, of(&it.took))).collect()
    };
    let percentiles = |counts: &[(Bucket, u64)]| [0.5, 0.95, 0.99].map(|it| percentile(counts, it));
    Some(Latency {
        from: first.from,
        model: first.model.clone(),
        answered: rows.iter().map(|it| it.took.answered).sum(),
        failed: rows.iter().map(|it| it.took.failed).sum(),
        whole_ms: percentiles(&counts(|it| it.answered)),
        first_byte_ms: percentiles(&counts(|it| it.first_byte)),
    })
}
