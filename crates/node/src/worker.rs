//! Jobs, from a dispatch to a kept outcome. Lives across connections.
//!
//! The order is the promise: read and hold against the target → the token is good → everything that
//! is required is there → the lease is held → *written down* → the lease is still held → done →
//! *written down* → sent. What fails before it is written down is a refusal: nothing was done, and
//! the token is unspent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::frame::{JobEpoch, JobRef, JobResult, SkillRef};
use protocol::{Dispatch, Failure, FailureCode, NodeFrame, Outcome};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::JobId;

use crate::authorise::Authority;
use crate::drivers::Drivers;
use crate::error::ToolError;
use crate::execute::{self, Ready};
use crate::lease::{Lease, NotHeld};
use crate::plan::Plan;
use crate::skills::Skills;
use crate::spool::{Acceptance, Entry, NewJob, Spool, Stage};
use crate::workspace::Workspaces;

/// Everything that jobs need.
#[derive(Debug)]
pub struct Worker {
    /// What must not be forgotten.
    pub spool: Spool,
    /// Where files are.
    pub workspaces: Workspaces,
    /// Packages.
    pub skills: Skills,
    /// Boundaries.
    pub drivers: Drivers,
    /// Whether work may begin.
    pub lease: Lease,
    /// Rung when an outcome was kept.
    pub finished: Notify,
    running: Mutex<HashMap<JobId, CancellationToken>>,
    slots: Semaphore,
    slots_total: usize,
    draining: AtomicBool,
    tasks: TaskTracker,
}

/// Where the answers of one connection go.
pub type Replies = mpsc::Sender<NodeFrame>;

impl Worker {
    /// A worker with that many slots.
    #[must_use]
    pub fn new(
        spool: Spool,
        workspaces: Workspaces,
        skills: Skills,
        drivers: Drivers,
        slots: usize,
    ) -> Self {
        Self {
            spool,
            workspaces,
            skills,
            drivers,
            lease: Lease::default(),
            finished: Notify::new(),
            running: Mutex::default(),
            slots: Semaphore::new(slots),
            slots_total: slots,
            draining: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        }
    }

    /// How many jobs it works on at once.
    #[must_use]
    pub fn slots(&self) -> u32 {
        u32::try_from(self.slots_total).unwrap_or(u32::MAX)
    }

    /// How many jobs it is working on.
    #[must_use]
    pub fn running(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    /// Takes nothing new from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.finished.notify_one();
    }

    /// Whether it takes nothing new.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Whether there is nothing left to do and nothing left to send.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running() == 0 && self.spool.unacknowledged().is_empty()
    }

    /// Stops a job that is being worked on.
    #[must_use]
    pub fn cancel(&self, job: JobId) -> bool {
        self.lock()
            .get(&job)
            .inspect(|stop| stop.cancel())
            .is_some()
    }

    /// Stops every job, and waits until their outcomes are kept.
    pub async fn stop_all(&self) {
        for stop in self.lock().values() {
            stop.cancel();
        }
        self.wait().await;
    }

    /// Waits until no job is being worked on.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// Takes a job in; answers and works in a task of its own.
    pub fn dispatch(
        self: &Arc<Self>,
        dispatch: Dispatch,
        authority: Arc<Authority>,
        replies: Replies,
    ) {
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            let (job, epoch) = (dispatch.job, dispatch.epoch);
            let answer = match worker.take(dispatch, &authority, &replies).await {
                Ok(answer) => answer,
                Err(error) => Some(refusal(job, epoch, error)),
            };
            if let Some(answer) = answer {
                // The connection may be gone; the gateway will ask on the next one.
                let _ = replies.send(answer).await;
            }
        });
    }

    /// What is to be said about a job that the gateway asks about.
    #[must_use]
    pub fn inquire(&self, job: JobId) -> NodeFrame {
        match self.spool.get(job) {
            Some(entry) => known(job, &entry),
            None => NodeFrame::Absent(JobRef { job }),
        }
    }

    /// From a dispatch to a kept outcome. The answer is what to send at once, if anything: outcomes
    /// are sent by whoever watches the spool.
    async fn take(
        &self,
        dispatch: Dispatch,
        authority: &Authority,
        replies: &Replies,
    ) -> Result<Option<NodeFrame>, ToolError> {
        if let Some(entry) = self.spool.get(dispatch.job) {
            return repeated(&dispatch, &entry).map(Some);
        }
        if self.is_draining() {
            return Err(ToolError::new(
                FailureCode::Draining,
                "the node takes nothing new",
            ));
        }
        self.check_lease(dispatch.epoch)?;
        let _slot = self.slots.try_acquire().map_err(|_| {
            ToolError::new(FailureCode::NodeBusy, "all slots of the node are taken")
        })?;
        let plan = Plan::of(&dispatch)?;
        authority.permit(&dispatch, self.spool.now())?;
        let ready = self.prepare(&dispatch, plan, replies).await?;
        // Time has passed if a package was fetched.
        let permit = authority.permit(&dispatch, self.spool.now())?;
        let new = NewJob {
            job: dispatch.job,
            epoch: dispatch.epoch,
            intent: permit.intent,
            token: permit.token,
            expires_at: permit.expires_at,
        };
        self.check_lease(dispatch.epoch)?;
        match self.spool.accept(new).await {
            Ok(Acceptance::New) => {}
            Ok(Acceptance::Known(entry)) => return repeated(&dispatch, &entry).map(Some),
            Ok(Acceptance::TokenSpent) => {
                return Err(ToolError::new(
                    FailureCode::TokenSpent,
                    "the token was spent before",
                ));
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a job was not accepted"
                );
                return Err(ToolError::new(
                    FailureCode::SpoolUnavailable,
                    error.to_string(),
                ));
            }
        }
        let outcome = self.act(&dispatch, ready).await;
        self.keep(dispatch.job, outcome).await;
        Ok(None)
    }

    async fn prepare(
        &self,
        dispatch: &Dispatch,
        plan: Plan,
        replies: &Replies,
    ) -> Result<Ready, ToolError> {
        let skill = match &plan {
            Plan::Skill(call) => {
                let need = NodeFrame::NeedSkill(SkillRef {
                    digest: call.digest,
                });
                let ask = async || {
                    let _ = replies.send(need).await;
                };
                Some(self.skills.get(call.digest, ask).await?)
            }
            Plan::File(_) | Plan::Shell(_) => None,
        };
        execute::prepare(dispatch, plan, skill, &self.workspaces, &self.drivers)
    }

    async fn act(&self, dispatch: &Dispatch, ready: Ready) -> Outcome {
        let stop = CancellationToken::new();
        self.lock().insert(dispatch.job, stop.clone());
        // The disk may have taken its time.
        let outcome = match self.check_lease(dispatch.epoch) {
            Ok(()) => execute::execute(ready, &self.drivers, &stop).await,
            Err(error) => Outcome::failure(Failure::refused(error.code, error.message)),
        };
        self.lock().remove(&dispatch.job);
        fit(dispatch.job, dispatch.epoch, outcome)
    }

    async fn keep(&self, job: JobId, outcome: Outcome) {
        if let Err(error) = self.spool.finish(job, outcome).await {
            // It is in memory, and the gateway's record is worth more than the node's.
            tracing::error!(error = &error as &dyn std::error::Error, %job, "an outcome was not kept");
        }
        self.finished.notify_one();
    }

    fn check_lease(&self, epoch: u64) -> Result<(), ToolError> {
        self.lease.check(epoch).map_err(|why| match why {
            NotHeld::OtherEpoch => ToolError::new(
                FailureCode::StaleEpoch,
                "the job was sent under another lease",
            ),
            NotHeld::Lost => ToolError::new(FailureCode::LeaseLost, "the node's lease has run out"),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a job that was sent twice: what is known of it, if it is the same job.
fn repeated(dispatch: &Dispatch, entry: &Entry) -> Result<NodeFrame, ToolError> {
    if dispatch.intent.digest().ok() != Some(entry.intent) {
        let message = "the job's id was used for another intent";
        return Err(ToolError::new(FailureCode::JobMismatch, message));
    }
    Ok(known(dispatch.job, entry))
}

/// What is known of a job, as a frame.
#[must_use]
pub fn known(job: JobId, entry: &Entry) -> NodeFrame {
    let epoch = entry.epoch;
    match &entry.stage {
        Stage::Running => NodeFrame::Running(JobEpoch { job, epoch }),
        Stage::Unknown => NodeFrame::Unknown(JobEpoch { job, epoch }),
        Stage::Finished(outcome) => NodeFrame::Result(JobResult {
            job,
            epoch,
            outcome: outcome.clone(),
        }),
        Stage::Acknowledged => {
            let message = "the job was done and acknowledged; its outcome is no longer kept";
            let failure = Failure::executed(FailureCode::JobForgotten, message);
            NodeFrame::Result(JobResult {
                job,
                epoch,
                outcome: Box::new(Outcome::failure(failure)),
            })
        }
    }
}

fn refusal(job: JobId, epoch: u64, error: ToolError) -> NodeFrame {
    tracing::info!(%job, code = error.code.as_str(), "a job was refused");
    let outcome = Box::new(Outcome::failure(Failure::refused(
        error.code,
        error.message,
    )));
    NodeFrame::Result(JobResult {
        job,
        epoch,
        outcome,
    })
}

/// An outcome that goes into a frame. Limits see to it that every one does; if one does not after
/// all, what is left of it says so.
fn fit(job: JobId, epoch: u64, outcome: Outcome) -> Outcome {
    let frame = NodeFrame::Result(JobResult {
        job,
        epoch,
        outcome: Box::new(outcome),
    });
    let fits = frame.encode().is_ok();
    match frame {
        NodeFrame::Result(result) if fits => *result.outcome,
        _ => {
            let message = "the outcome is larger than a frame";
            Outcome::failure(Failure::executed(FailureCode::ResultTooLarge, message))
        }
    }
}
