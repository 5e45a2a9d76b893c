//! The worker: claims due runs, fairly between organisations, and drives each until it is parked or
//! over.
//!
//! A claim is a lease with an epoch; every append checks both, so a worker that was too slow finds
//! out before it does anything. Losing the wake-up costs a second at most, because the queue is a
//! column of the runs' table and is looked at anyway.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::{OrgId, RunId, limits};

use crate::engine::{Engine, Work};
use crate::error::RunError;
use crate::program::{FailedAt, Failure, Finish};
use crate::store::{self, Stored};

/// How long the queue goes unlooked at when nothing rings.
const POLL: Duration = Duration::from_secs(1);

/// Works on runs. Cheap to clone.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    engine: Engine,
    slots: Arc<Semaphore>,
    busy: Mutex<Busy>,
    /// Whether something was left lying because there was no room for it.
    crowded: AtomicBool,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

#[derive(Default)]
struct Busy {
    per_org: HashMap<OrgId, usize>,
    runs: HashMap<RunId, InFlight>,
    /// The organisation that was served last: the next round begins after it.
    last: Option<OrgId>,
}

struct InFlight {
    org: OrgId,
    epoch: i64,
    cancelled: Arc<Notify>,
}

/// Room for one run of one organisation; given back when it is dropped.
pub(crate) struct Slot {
    worker: Worker,
    org: OrgId,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut busy = self.worker.busy();
        if let Some(count) = busy.per_org.get_mut(&self.org) {
            *count -= 1;
            if *count == 0 {
                busy.per_org.remove(&self.org);
            }
        }
        drop(busy);
        drop(self.permit.take());
        if self.worker.0.crowded.swap(false, Ordering::SeqCst) {
            self.worker.0.engine.0.wake.notify_one();
        }
    }
}

impl Worker {
    /// A worker for this many runs at once. It does nothing until it is [`run`](Self::run).
    #[must_use]
    pub fn new(engine: Engine, concurrency: usize, stopping: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            engine,
            slots: Arc::new(Semaphore::new(concurrency)),
            busy: Mutex::default(),
            crowded: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stopping,
        }))
    }

    fn busy(&self) -> MutexGuard<'_, Busy> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims and works until it is told to stop; then waits for what is under way, as long as a
    /// lease lasts.
    ///
    /// `alone` says that no other process works on this database: then whatever an earlier life of
    /// this process held is due at once.
    pub async fn run(&self, alone: bool) {
        let authority = &self.0.engine.0.authority;
        if alone && let Err(error) = store::release_all(authority, self.0.engine.now()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "leases can't be released"
            );
        }
        tokio::select! {
            () = self.claim_and_drain() => {}
            () = self.keep_extending() => {}
        }
    }

    async fn claim_and_drain(&self) {
        self.keep_claiming().await;
        self.0.tasks.close();
        if tokio::time::timeout(limits::RUN_LEASE, self.0.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("runs are still under way; they go on after the next start");
        }
    }

    async fn keep_claiming(&self) {
        let mut more = true;
        while !self.0.stopping.is_cancelled() {
            if !more {
                tokio::select! {
                    () = self.0.engine.0.wake.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                    () = self.0.stopping.cancelled() => break,
                }
            }
            more = match self.claim().await {
                Ok(claimed) => claimed > 0,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "nothing is claimed"
                    );
                    tokio::time::sleep(POLL).await;
                    false
                }
            };
        }
    }

    /// Keeps the leases of what is under way, however much there is to claim meanwhile. Does not
    /// end.
    async fn keep_extending(&self) {
        let period = limits::RUN_LEASE / 3;
        let mut due = tokio::time::interval_at(Instant::now() + period, period);
        loop {
            due.tick().await;
            self.extend().await;
        }
    }

    async fn extend(&self) {
        let leases: Vec<(OrgId, RunId, i64)> = self
            .busy()
            .runs
            .iter()
            .map(|(run, it)| (it.org, *run, it.epoch))
            .collect();
        if leases.is_empty() {
            return;
        }
        let engine = &self.0.engine;
        // From now, and not from when the transaction gets its turn.
        let until = engine.lease_end();
        let extended = async {
            let actor = vocab::Actor::system("worker");
            let mut tx = engine.0.authority.system_write(actor).await?;
            store::extend(&mut tx, &engine.0.holder, &leases, until).await?;
            tx.commit_unrecorded("leases").await
        };
        if let Err(error) = extended.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "leases can't be extended"
            );
        }
    }

    /// One round: every organisation that has something due gets a share.
    async fn claim(&self) -> Result<usize, RunError> {
        if self.0.slots.available_permits() == 0 {
            self.0.crowded.store(true, Ordering::SeqCst);
            if self.0.slots.available_permits() == 0 {
                return Ok(0);
            }
        }
        let engine = &self.0.engine;
        let mut due = store::organisations_due(&engine.0.authority, engine.now()).await?;
        if due.is_empty() {
            return Ok(0);
        }
        if let Some(last) = self.busy().last {
            let after = due.iter().position(|org| *org > last).unwrap_or(0);
            due.rotate_left(after);
        }
        let share = (self.0.slots.available_permits() / due.len()).max(1);
        let actor = vocab::Actor::system("worker");
        let mut tx = engine.0.authority.system_write(actor).await?;
        let mut claimed: Vec<(Slot, Stored)> = Vec::new();
        for org in due {
            let mut slots: Vec<Slot> = std::iter::from_fn(|| self.reserve(org))
                .take(share)
                .collect();
            let Ok(room) = u32::try_from(slots.len()) else {
                continue;
            };
            if room == 0 {
                continue;
            }
            self.busy().last = Some(org);
            let lease = (engine.0.holder.as_str(), engine.now(), engine.lease_end());
            for stored in store::claim(&mut tx, org, room, lease).await? {
                if let Some(slot) = slots.pop() {
                    claimed.push((slot, stored));
                }
            }
        }
        tx.commit_unrecorded("leases").await?;
        let count = claimed.len();
        metrics::counter!("chancery_run_claims_total").increment(count as u64);
        for (slot, stored) in claimed {
            self.spawn_loading(slot, stored);
        }
        Ok(count)
    }

    /// Room for one more run of this organisation, if there is any.
    pub(crate) fn reserve(&self, org: OrgId) -> Option<Slot> {
        self.try_reserve(org).or_else(|| {
            // Said before the second look: whoever gives room back after that look rings.
            self.0.crowded.store(true, Ordering::SeqCst);
            self.try_reserve(org)
        })
    }

    fn try_reserve(&self, org: OrgId) -> Option<Slot> {
        if self.0.stopping.is_cancelled() {
            return None;
        }
        let mut busy = self.busy();
        if busy.per_org.get(&org).copied().unwrap_or(0) >= limits::RUNS_CONCURRENT_PER_ORG {
            return None;
        }
        let permit = Arc::clone(&self.0.slots).try_acquire_owned().ok()?;
        *busy.per_org.entry(org).or_default() += 1;
        drop(busy);
        Some(Slot {
            worker: self.clone(),
            org,
            permit: Some(permit),
        })
    }

    fn spawn_loading(&self, slot: Slot, stored: Stored) {
        let worker = self.clone();
        // Owned by the tracker, which `run` waits for.
        self.0.tasks.spawn(async move {
            let run = stored.run.id;
            match worker.0.engine.load(stored.clone()).await {
                Ok(work) => Box::pin(worker.drive(slot, work)).await,
                Err(error) => {
                    drop(slot);
                    worker.failed(run, &error);
                    worker.bury(stored, &error).await;
                }
            }
        });
    }

    /// Works on a run that this process holds already.
    pub(crate) fn spawn(&self, slot: Slot, work: Work) {
        let worker = self.clone();
        self.0
            .tasks
            .spawn(async move { Box::pin(worker.drive(slot, work)).await });
    }

    async fn drive(&self, slot: Slot, mut work: Work) {
        let run = work.run.id;
        if work.run.started_at.is_none() {
            let waited = self.0.engine.now().since(work.run.created_at);
            metrics::histogram!("chancery_run_queue_seconds").record(waited.as_secs_f64());
        }
        let in_flight = InFlight {
            org: work.run.org,
            epoch: work.epoch,
            cancelled: Arc::clone(&work.cancelled),
        };
        self.busy().runs.insert(run, in_flight);
        let driven = self.0.engine.drive(&mut work).await;
        self.busy().runs.remove(&run);
        self.wake_in_time(&work);
        drop(slot);
        if driven.is_err() || !work.run.state.is_over() {
            // What it waits for may have come while it was being parked; then it is due already.
            self.0.engine.0.wake.notify_one();
        }
        if let Err(error) = driven {
            self.failed(run, &error);
            // What was committed still stands, whatever was staged on top of it.
            if let Ok(Some(stored)) = store::get(&work.ctx, run).await
                && stored.epoch == work.epoch
            {
                self.bury(stored, &error).await;
            }
        }
    }

    /// A timer that ends before the next look at the queue rings by itself.
    fn wake_in_time(&self, work: &Work) {
        let crate::State::Waiting {
            waiting_for: crate::WaitingFor::Timer { until },
        } = &work.run.state
        else {
            return;
        };
        let wait = until.since(self.0.engine.now());
        if wait < POLL * 2 {
            let wake = Arc::clone(&self.0.engine.0.wake);
            self.0.tasks.spawn(async move {
                tokio::time::sleep(wait).await;
                wake.notify_one();
            });
        }
    }

    fn failed(&self, run: RunId, error: &RunError) {
        match error {
            RunError::Over => {}
            // Another worker has it: that is what leases are for.
            RunError::LeaseLost => {
                metrics::counter!("chancery_run_leases_lost_total").increment(1);
                tracing::info!(%run, "the lease of a run was lost");
            }
            // The lease runs out, and the run is folded anew from what was committed.
            error => {
                tracing::error!(%run, error = error as &dyn std::error::Error, "a run was let go");
            }
        }
    }

    /// A run whose journal can't be folded can't go on: it fails visibly instead of coming back
    /// for ever.
    async fn bury(&self, stored: Stored, error: &RunError) {
        let code = match error {
            RunError::Fold(_) => "JOURNAL_DAMAGED",
            RunError::Erased => "CONTENT_ERASED",
            RunError::NotFound(_)
            | RunError::Over
            | RunError::NothingToResolve
            | RunError::TooDeep
            | RunError::NotOver
            | RunError::LeaseLost
            | RunError::Content(_)
            | RunError::Road(_)
            | RunError::Policies(_)
            | RunError::Store(_) => return,
        };
        let engine = &self.0.engine;
        let failure = Failure {
            code: code.to_owned(),
            message: error.to_string(),
            retryable: false,
            at: FailedAt::Platform,
        };
        let Stored { run, epoch, pokes } = stored;
        let ctx = engine.context(&run);
        let input = crate::Input::Tool {
            tool: String::new(),
            arguments: serde_json::Value::Null,
        };
        let mut fold = crate::fold::Fold::new(Box::new(crate::OneTool::new("", &input_null())));
        fold.skip_to(run.entries);
        let mut work = engine.work(run, (epoch, pokes), ctx, input, fold);
        if let Err(error) = engine.finish(&mut work, Finish::Failed(failure)).await {
            self.failed(work.run.id, &error);
        }
    }

    /// Rings the run's worker, if it is this process, because somebody wants it to end.
    pub(crate) fn cancel(&self, run: RunId) {
        if let Some(in_flight) = self.busy().runs.get(&run) {
            in_flight.cancelled.notify_one();
        }
    }
}

fn input_null() -> serde_json::Value {
    serde_json::Value::Null
}
