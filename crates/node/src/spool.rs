//! The spool: what the node must not forget, on disk before it acts.
//!
//! An append-only log of three records for each job: that it was accepted, how it ended, that the
//! gateway has recorded the end. A record is on the disk before the step that it stands for: a job
//! is accepted before it is begun, and its outcome is kept before it is sent. Writers share one
//! flush of the disk.
//!
//! Reading the log again after a crash tells what became of each job: one with an outcome is sent
//! again; one that was accepted and has none is *unknown*, is reported as such, and is never run
//! again by this node.
//!
//! Invariants
//! - A job is accepted once, and so is a token: both are remembered until long after the token has
//!   expired.
//! - The node's time never goes back: the latest instant in the log is a floor under the clock, so a
//!   clock that is set back brings no expired token to life.
//! - A damaged log is refused; only its very end may be torn, as a crash while writing leaves it.
//!
//! Deliberately absent: the content of jobs. The log holds digests, and outcomes until they are
//! acknowledged.

mod log;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::Outcome;
use tokio::sync::oneshot;
use vocab::{Clock, Digest, JobId, Random, Timestamp};

pub use log::SpoolError;
use log::{Log, Record};
use state::State;
pub use state::{Entry, Stage};

/// How many jobs may wait for the gateway's acknowledgement before no more are taken.
const UNACKNOWLEDGED_MAX: usize = 1_000;
/// How many appends wait for the disk.
const QUEUE_MAX: usize = 1_024;

/// The node's memory of its jobs. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Spool {
    id: String,
    state: Arc<Mutex<State>>,
    queue: std::sync::mpsc::SyncSender<Append>,
    clock: Clock,
}

/// A job to be accepted.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The job.
    pub job: JobId,
    /// The lease under which it was sent.
    pub epoch: u64,
    /// The digest of its intent.
    pub intent: Digest,
    /// The id of its token.
    pub token: String,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Whether a job was accepted.
#[derive(Debug, Clone)]
pub enum Acceptance {
    /// It was, and is on the disk.
    New,
    /// It was before.
    Known(Entry),
    /// Its token was spent by another job.
    TokenSpent,
}

struct Append {
    record: Record,
    done: oneshot::Sender<Result<(), SpoolError>>,
}

impl Spool {
    /// Opens the spool in a folder, which is made if it is not there, and reads what it remembers.
    ///
    /// # Errors
    /// A folder that another node uses, that can't be written, or a damaged log.
    pub fn open(folder: &Path, clock: Clock, random: &Random) -> Result<Self, SpoolError> {
        let (log, records) = Log::open(folder)?;
        let id = log::spool_id(folder, random)?;
        let mut state = State::default();
        for record in &records {
            state.apply(record);
        }
        state.forget_unfinished();
        let state = Arc::new(Mutex::new(state));
        let (queue, appends) = std::sync::mpsc::sync_channel(QUEUE_MAX);
        let spool = Self {
            id,
            state: Arc::clone(&state),
            queue,
            clock,
        };
        let mut log = log;
        log.rewrite(&spool.lock().records(spool.clock.now()))?;
        std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || write_all(log, &appends, &state))
            .map_err(SpoolError::Io)?;
        Ok(spool)
    }

    /// Names this spool for as long as its folder lives.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The present instant, never before one that the spool has seen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let mut state = self.lock();
        state.floor = state.floor.max(self.clock.now());
        state.floor
    }

    /// Accepts a job, unless it or its token is known.
    ///
    /// # Errors
    /// A disk that does not take the record, or too many outcomes that nobody has taken.
    pub async fn accept(&self, new: NewJob) -> Result<Acceptance, SpoolError> {
        let at = self.now();
        {
            let mut state = self.lock();
            if let Some(entry) = state.get(new.job) {
                return Ok(Acceptance::Known(entry.clone()));
            }
            if state.is_token_spent(&new.token) {
                return Ok(Acceptance::TokenSpent);
            }
            if state.unacknowledged().count() >= UNACKNOWLEDGED_MAX {
                return Err(SpoolError::Full);
            }
            // Taken before it is on the disk, so that the same job sent twice finds itself here.
            state.insert(&new);
        }
        let job = new.job;
        let record = Record::Accepted {
            job,
            epoch: new.epoch,
            intent: new.intent,
            token: new.token,
            expires_at: new.expires_at,
            at,
        };
        let written = self.append(record).await;
        if written.is_err() {
            self.lock().remove(job);
        }
        written.map(|()| Acceptance::New)
    }

    /// Keeps a job's outcome.
    ///
    /// # Errors
    /// A disk that does not take it. The outcome is kept in memory then, and can still be sent.
    pub async fn finish(&self, job: JobId, outcome: Outcome) -> Result<(), SpoolError> {
        let record = Record::Finished {
            job,
            outcome: Box::new(outcome),
        };
        // Known to be finished only when it is on the disk, or when the disk has refused it.
        let written = self.append(record.clone()).await;
        self.lock().apply(&record);
        written
    }

    /// Lets go of an outcome that the gateway has recorded.
    ///
    /// # Errors
    /// A disk that does not take the record: the outcome would be sent again after a crash.
    pub async fn acknowledge(&self, job: JobId) -> Result<(), SpoolError> {
        let record = Record::Acknowledged { job };
        match self.lock().get(job).map(|entry| &entry.stage) {
            Some(Stage::Finished(_) | Stage::Unknown) => {}
            Some(Stage::Running | Stage::Acknowledged) | None => return Ok(()),
        }
        self.append(record.clone()).await?;
        self.lock().apply(&record);
        Ok(())
    }

    /// What is known of a job.
    #[must_use]
    pub fn get(&self, job: JobId) -> Option<Entry> {
        self.lock().get(job).cloned()
    }

    /// The jobs whose outcome, or whose fate, was not acknowledged; oldest first.
    #[must_use]
    pub fn unacknowledged(&self) -> Vec<JobId> {
        self.lock().unacknowledged().collect()
    }

    async fn append(&self, record: Record) -> Result<(), SpoolError> {
        let (done, written) = oneshot::channel();
        self.queue
            .try_send(Append { record, done })
            .map_err(|_| SpoolError::Full)?;
        written.await.map_err(|_| SpoolError::Full)?
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; a poisoned one would still hold true state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is waiting, flushes once, answers everybody; until the last [`Spool`] is gone.
fn write_all(mut log: Log, appends: &std::sync::mpsc::Receiver<Append>, state: &Mutex<State>) {
    while let Ok(first) = appends.recv() {
        let batch: Vec<_> = std::iter::once(first)
            .chain(appends.try_iter().take(QUEUE_MAX))
            .collect();
        if log.wants_rewrite() {
            let records = {
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.records(state.floor)
            };
            if let Err(error) = log.rewrite(&records) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "spool not rewritten"
                );
            }
        }
        let result = log.append(batch.iter().map(|append| &append.record));
        for append in batch {
            // A caller that has gone does not want to know.
            let _ = append
                .done
                .send(result.as_ref().copied().map_err(SpoolError::same));
        }
    }
}
