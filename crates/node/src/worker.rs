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
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
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
    in_hand: Mutex<HashMap<JobId, InHand>>,
    connection: Mutex<Option<Replies>>,
    slots: Arc<Semaphore>,
    slots_total: usize,
    draining: AtomicBool,
    tasks: TaskTracker,
}

/// Where what is to be said on a connection goes.
pub type Replies = mpsc::Sender<NodeFrame>;

/// A job from the moment it arrives until its outcome is kept or it is refused.
#[derive(Debug)]
struct InHand {
    epoch: u64,
    stop: CancellationToken,
}

/// Lets go of a job, however its task ends.
struct Hand<'a> {
    worker: &'a Worker,
    job: JobId,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.worker.lock().remove(&self.job);
        self.worker.finished.notify_one();
    }
}

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
            in_hand: Mutex::default(),
            connection: Mutex::default(),
            slots: Arc::new(Semaphore::new(slots)),
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

    /// From now on, what is to be said goes there; nowhere if there is no connection.
    pub fn speak_to(&self, connection: Option<Replies>) {
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// How many jobs are in hand.
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

    /// Stops a job that is in hand. Whether there was one.
    #[must_use]
    pub fn cancel(&self, job: JobId) -> bool {
        let in_hand = self.lock();
        let found = in_hand.get(&job);
        if let Some(found) = found {
            found.stop.cancel();
        }
        found.is_some()
    }

    /// Stops every job that is in hand.
    pub fn cancel_all(&self) {
        for in_hand in self.lock().values() {
            in_hand.stop.cancel();
        }
    }

    /// Waits until no job is in hand.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// Takes a job in hand, or says at once what is known of it. From here on the job is known:
    /// whatever comes after it on the connection finds it. The work is in a task of its own.
    ///
    /// # Errors
    /// Why it is not taken in hand.
    pub fn dispatch(
        self: &Arc<Self>,
        dispatch: Dispatch,
        authority: Arc<Authority>,
    ) -> Result<Option<NodeFrame>, ToolError> {
        let (job, epoch) = (dispatch.job, dispatch.epoch);
        let stop = CancellationToken::new();
        let slot = {
            let mut in_hand = self.lock();
            if let Some(same) = in_hand.get(&job) {
                return Ok(Some(NodeFrame::Running(JobEpoch {
                    job,
                    epoch: same.epoch,
                })));
            }
            if let Some(entry) = self.spool.get(job) {
                return repeated(&dispatch, &entry).map(Some);
            }
            let slot = self.admit(epoch)?;
            in_hand.insert(
                job,
                InHand {
                    epoch,
                    stop: stop.clone(),
                },
            );
            slot
        };
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            let result = {
                let _hand = Hand {
                    worker: &worker,
                    job,
                    _slot: slot,
                };
                worker.take(dispatch, &authority, &stop).await
            };
            if let Err(error) = result {
                worker.say(refusal(job, epoch, error)).await;
            }
        });
        Ok(None)
    }

    /// A slot, if the node takes new work of this lease.
    fn admit(&self, epoch: u64) -> Result<OwnedSemaphorePermit, ToolError> {
        if self.is_draining() {
            return Err(ToolError::new(
                FailureCode::Draining,
                "the node takes nothing new",
            ));
        }
        self.check_lease(epoch)?;
        Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_| ToolError::new(FailureCode::NodeBusy, "all slots of the node are taken"))
    }

    /// What is to be said about a job that the gateway asks about. `Absent` is said only of a job
    /// that is nowhere on its way to being begun.
    #[must_use]
    pub fn inquire(&self, job: JobId) -> NodeFrame {
        let in_hand = self.lock();
        match (in_hand.get(&job), self.spool.get(job)) {
            (Some(in_hand), _) => NodeFrame::Running(JobEpoch {
                job,
                epoch: in_hand.epoch,
            }),
            (None, Some(entry)) => known(job, &entry),
            (None, None) => NodeFrame::Absent(JobRef { job }),
        }
    }

    /// Says something on whatever connection there is. If there is none, the gateway will ask.
    async fn say(&self, frame: NodeFrame) {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(connection) = connection {
            let _ = connection.send(frame).await;
        }
    }

    /// From a dispatch to a kept outcome, which is sent by whoever watches the spool.
    async fn take(
        self: &Arc<Self>,
        dispatch: Dispatch,
        authority: &Authority,
        stop: &CancellationToken,
    ) -> Result<(), ToolError> {
        let plan = Plan::of(&dispatch)?;
        authority.permit(&dispatch, self.spool.now())?;
        let ready = tokio::select! {
            ready = self.prepare(&dispatch, plan) => ready?,
            () = stop.cancelled() => return Err(cancelled()),
        };
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
        if stop.is_cancelled() {
            return Err(cancelled());
        }
        self.accept(new).await?;
        let outcome = self.act(&dispatch, ready, stop).await;
        self.keep(dispatch.job, outcome).await;
        Ok(())
    }

    async fn accept(&self, new: NewJob) -> Result<(), ToolError> {
        match self.spool.accept(new).await {
            Ok(Acceptance::New) => Ok(()),
            Ok(Acceptance::TokenSpent) => Err(ToolError::new(
                FailureCode::TokenSpent,
                "the token was spent before",
            )),
            // It was not known when it was taken in hand, and one job is in hand once.
            Ok(Acceptance::Known(_)) => Err(ToolError::new(
                FailureCode::JobMismatch,
                "the job is known already",
            )),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a job was not accepted"
                );
                Err(ToolError::new(
                    FailureCode::SpoolUnavailable,
                    error.to_string(),
                ))
            }
        }
    }

    async fn prepare(
        self: &Arc<Self>,
        dispatch: &Dispatch,
        plan: Plan,
    ) -> Result<Ready, ToolError> {
        let skill = match &plan {
            Plan::Skill(call) => {
                let need = NodeFrame::NeedSkill(SkillRef {
                    digest: call.digest,
                });
                Some(
                    self.skills
                        .get(call.digest, async || self.say(need).await)
                        .await?,
                )
            }
            Plan::File(_) | Plan::Shell(_) => None,
        };
        let (worker, dispatch) = (Arc::clone(self), dispatch.clone());
        // Opens and makes folders, and may walk through a workspace.
        let prepare =
            move || execute::prepare(&dispatch, plan, skill, &worker.workspaces, &worker.drivers);
        let failed = |_| ToolError::new(FailureCode::Internal, "the job could not be prepared");
        tokio::task::spawn_blocking(prepare).await.map_err(failed)?
    }

    async fn act(&self, dispatch: &Dispatch, ready: Ready, stop: &CancellationToken) -> Outcome {
        // The disk may have taken its time.
        let outcome = match self.check_lease(dispatch.epoch) {
            Err(error) => Outcome::failure(Failure::refused(error.code, error.message)),
            Ok(()) if stop.is_cancelled() => {
                let error = cancelled();
                Outcome::failure(Failure::refused(error.code, error.message))
            }
            Ok(()) => execute::execute(ready, &self.drivers, stop).await,
        };
        fit(dispatch.job, dispatch.epoch, outcome)
    }

    async fn keep(&self, job: JobId, outcome: Outcome) {
        if let Err(error) = self.spool.finish(job, outcome).await {
            // It is in memory, and the gateway's record is worth more than the node's.
            tracing::error!(error = &error as &dyn std::error::Error, %job, "an outcome was not kept");
        }
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

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, InHand>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
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

fn cancelled() -> ToolError {
    ToolError::new(FailureCode::Cancelled, "it was stopped before it began")
}

/// That a job is not done, and why.
#[must_use]
pub fn refusal(job: JobId, epoch: u64, error: ToolError) -> NodeFrame {
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
