//! What the gateway asks of others.

use futures::future::BoxFuture;
use vocab::{Digest, JobId, OrgId, RunId};

/// Holds the skill packages of organisations.
pub trait SkillSource: Send + Sync {
    /// The package with this digest as an uncompressed tar, if the organisation has it. The node
    /// computes the digest anew, so a wrong answer here is refused there.
    fn package(&self, org: OrgId, digest: Digest) -> BoxFuture<'_, Option<Vec<u8>>>;
}

/// Knows the journals of runs.
pub trait JobLedger: Send + Sync {
    /// Whether the journal of the run holds the end of this step, so that the outcome of the job is
    /// not needed any more. `false` if that can't be found out at present.
    fn is_settled(&self, org: OrgId, job: JobStep) -> BoxFuture<'_, bool>;
}

/// Which step of which run a job belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStep {
    /// The run.
    pub run: RunId,
    /// Which effect of the run, from 1.
    pub step: u32,
    /// The job.
    pub job: JobId,
}
