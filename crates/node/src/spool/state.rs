//! What the log says, folded.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::Outcome;
use vocab::{Digest, JobId, Timestamp};

use super::NewJob;
use super::log::Record;

/// How long after its token has expired a job is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// What is known of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The lease under which it was sent.
    pub epoch: u64,
    /// The digest of its intent.
    pub intent: Digest,
    /// The id of its token.
    pub token: String,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// How far it got.
    pub stage: Stage,
    /// When it was accepted, in the order of acceptance.
    order: u64,
}

/// How far a job got.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// It is being worked on by this process.
    Running,
    /// It was begun by a process that is no more.
    Unknown,
    /// It ended.
    Finished(Box<Outcome>),
    /// It ended, and the gateway has recorded how.
    Acknowledged,
}

/// All jobs that are remembered.
#[derive(Debug)]
pub struct State {
    jobs: HashMap<JobId, Entry>,
    tokens: HashMap<String, JobId>,
    unacknowledged: BTreeMap<u64, JobId>,
    next_order: u64,
    /// The latest instant that was seen.
    pub floor: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self {
            jobs: HashMap::new(),
            tokens: HashMap::new(),
            unacknowledged: BTreeMap::new(),
            next_order: 0,
            floor: Timestamp::from_micros(0),
        }
    }
}

impl State {
    /// Takes one record in. Records of jobs that are not known are of jobs long forgotten.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Accepted {
                job,
                epoch,
                intent,
                token,
                expires_at,
                at,
            } => {
                self.floor = self.floor.max(*at);
                self.insert(&NewJob {
                    job: *job,
                    epoch: *epoch,
                    intent: *intent,
                    token: token.clone(),
                    expires_at: *expires_at,
                });
            }
            Record::Finished { job, outcome } => {
                if let Some(entry) = self.jobs.get_mut(job) {
                    entry.stage = Stage::Finished(outcome.clone());
                    self.unacknowledged.insert(entry.order, *job);
                }
            }
            Record::Acknowledged { job } => {
                if let Some(entry) = self.jobs.get_mut(job) {
                    entry.stage = Stage::Acknowledged;
                    self.unacknowledged.remove(&entry.order);
                }
            }
            Record::Floor { at } => self.floor = self.floor.max(*at),
        }
    }

    /// A job that is being worked on from now.
    pub fn insert(&mut self, new: &NewJob) {
        let order = self.next_order;
        self.next_order += 1;
        self.tokens.insert(new.token.clone(), new.job);
        let entry = Entry {
            epoch: new.epoch,
            intent: new.intent,
            token: new.token.clone(),
            expires_at: new.expires_at,
            stage: Stage::Running,
            order,
        };
        self.jobs.insert(new.job, entry);
    }

    /// Takes back a job that could not be written down.
    pub fn remove(&mut self, job: JobId) {
        if let Some(entry) = self.jobs.remove(&job) {
            self.tokens.remove(&entry.token);
            self.unacknowledged.remove(&entry.order);
        }
    }

    /// What the log leaves open was cut off by a crash.
    pub fn forget_unfinished(&mut self) {
        for (job, entry) in &mut self.jobs {
            if entry.stage == Stage::Running {
                entry.stage = Stage::Unknown;
                self.unacknowledged.insert(entry.order, *job);
            }
        }
    }

    /// What is known of a job.
    pub fn get(&self, job: JobId) -> Option<&Entry> {
        self.jobs.get(&job)
    }

    /// Whether some job has spent this token.
    pub fn is_token_spent(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// The jobs that wait for an acknowledgement, oldest first.
    pub fn unacknowledged(&self) -> impl Iterator<Item = JobId> {
        self.unacknowledged.values().copied()
    }

    /// The records that tell all of this again, without what is too old to matter.
    pub fn records(&self, now: Timestamp) -> Vec<Record> {
        let now = now.max(self.floor);
        let mut jobs: Vec<_> = self.jobs.iter().collect();
        jobs.sort_unstable_by_key(|(_, entry)| entry.order);
        let mut records = vec![Record::Floor { at: now }];
        for (job, entry) in jobs {
            let old = entry.stage == Stage::Acknowledged && entry.expires_at.plus(REMEMBERED) < now;
            if old {
                continue;
            }
            records.push(Record::Accepted {
                job: *job,
                epoch: entry.epoch,
                intent: entry.intent,
                token: entry.token.clone(),
                expires_at: entry.expires_at,
                at: now,
            });
            match &entry.stage {
                Stage::Running | Stage::Unknown => {}
                Stage::Finished(outcome) => {
                    records.push(Record::Finished {
                        job: *job,
                        outcome: outcome.clone(),
                    });
                }
                Stage::Acknowledged => records.push(Record::Acknowledged { job: *job }),
            }
        }
        records
    }
}
