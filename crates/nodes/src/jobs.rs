//! Jobs that somebody waits for, and outcomes that nobody has asked for yet.
//!
//! An outcome stays here until it is acknowledged, so that a waiter that was dropped, or comes
//! later, finds it. What is kept is bounded; beyond the bound the oldest go, which loses nothing:
//! the node keeps every outcome until it is acknowledged, and sends it when it is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use protocol::Outcome;
use tokio::sync::watch;
use vocab::{JobId, NodeId};

use crate::limits::{KEPT_BYTES_MAX, KEPT_OUTCOMES_MAX};
use crate::store::SentJob;

/// How a job ended, as far as the node can say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Settled {
    /// It came to an end.
    Ended(Arc<Outcome>),
    /// It was begun, or may have been, and nobody knows more.
    Unknown(String),
    /// The node never began it, and its memory goes back far enough to say so.
    Absent,
}

impl Settled {
    /// Whether nothing was done, so that the node forgets the job, and the same job may be sent
    /// again.
    fn is_undone(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Unknown(_) => false,
            Self::Ended(outcome) => outcome.error.as_ref().is_some_and(|error| !error.executed),
        }
    }
}

/// What was last heard of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum News {
    /// Nothing.
    Waiting,
    /// It is being worked on.
    Running,
    /// How it ended.
    Settled(Settled),
}

struct Entry {
    sent: SentJob,
    news: watch::Sender<News>,
    /// What it holds in memory, once settled.
    bytes: usize,
    /// Which settling this was, to tell it from an earlier one of the same job.
    serial: u64,
}

type Key = (NodeId, JobId);

/// The jobs of all nodes. A job is named by its node as well, so that what one node says can never
/// be taken for an answer of another.
#[derive(Default)]
pub(crate) struct Jobs {
    entries: HashMap<Key, Entry>,
    kept: VecDeque<(Key, u64)>,
    kept_bytes: usize,
    serial: u64,
}

impl Jobs {
    /// Listens for news of a job that is about to be sent or asked about.
    pub(crate) fn follow(&mut self, sent: SentJob) -> watch::Receiver<News> {
        let entry = self
            .entries
            .entry((sent.node, sent.job))
            .or_insert_with(|| Entry {
                sent,
                news: watch::Sender::new(News::Waiting),
                bytes: 0,
                serial: 0,
            });
        entry.news.subscribe()
    }

    /// How the job was sent, if somebody waits for it or its outcome is kept.
    pub(crate) fn sent(&self, key: Key) -> Option<&SentJob> {
        self.entries.get(&key).map(|entry| &entry.sent)
    }

    /// How the job ended, if that is kept.
    pub(crate) fn settled(&self, key: Key) -> Option<(&SentJob, Settled)> {
        let entry = self.entries.get(&key)?;
        match &*entry.news.borrow() {
            News::Settled(settled) => Some((&entry.sent, settled.clone())),
            News::Waiting | News::Running => None,
        }
    }

    /// Whether somebody listens for news of it.
    pub(crate) fn is_awaited(&self, key: Key) -> bool {
        self.entries
            .get(&key)
            .is_some_and(|entry| entry.news.receiver_count() > 0)
    }

    /// The node works on it.
    pub(crate) fn running(&mut self, key: Key) {
        if let Some(entry) = self.entries.get(&key) {
            entry.news.send_if_modified(|news| {
                let open = !matches!(news, News::Settled(_));
                if open {
                    *news = News::Running;
                }
                open
            });
        }
    }

    /// Notes how a job ended. The first answer stands: a second one is not heard.
    pub(crate) fn settle(&mut self, sent: SentJob, settled: Settled, bytes: usize) {
        let key = (sent.node, sent.job);
        drop(self.follow(sent));
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if matches!(&*entry.news.borrow(), News::Settled(_)) {
            return;
        }
        let undone = settled.is_undone();
        entry.news.send_replace(News::Settled(settled));
        if undone {
            // Whoever waits has heard it; the job may be sent again.
            self.entries.remove(&key);
            return;
        }
        self.serial += 1;
        (entry.bytes, entry.serial) = (bytes, self.serial);
        self.kept_bytes += bytes;
        self.kept.push_back((key, self.serial));
        self.evict();
    }

    fn evict(&mut self) {
        while self.kept_bytes > KEPT_BYTES_MAX || self.kept.len() > KEPT_OUTCOMES_MAX {
            let Some((key, serial)) = self.kept.pop_front() else {
                return;
            };
            if self
                .entries
                .get(&key)
                .is_some_and(|entry| entry.serial == serial)
            {
                self.remove(key);
            }
        }
    }

    /// The outcome is in the journal.
    pub(crate) fn remove(&mut self, key: Key) {
        if let Some(entry) = self.entries.remove(&key) {
            self.kept_bytes -= entry.bytes;
        }
    }

    /// The connection is gone: whoever waits for an outcome learns it by the end of the news.
    pub(crate) fn disconnect(&mut self, node: NodeId) {
        self.entries.retain(|key, entry| {
            key.0 != node || matches!(&*entry.news.borrow(), News::Settled(_))
        });
    }
}

#[cfg(test)]
mod tests {
    use vocab::{Clock, OrgId, Random, RunId};

    use super::*;

    fn sent(random: &Random) -> SentJob {
        let clock = Clock::system();
        SentJob {
            org: OrgId::generate(&clock, random),
            job: JobId::generate(&clock, random),
            node: NodeId::generate(&clock, random),
            of: Some((RunId::generate(&clock, random), 1)),
            epoch: 1,
            spool: "s".into(),
            timeout_ms: 1,
        }
    }

    fn unknown(text: &str) -> Settled {
        Settled::Unknown(text.into())
    }

    #[test]
    fn the_first_answer_stands_until_it_is_acknowledged() {
        let (mut jobs, job) = (Jobs::default(), sent(&Random::seeded(1)));
        let key = (job.node, job.job);
        let news = jobs.follow(job.clone());
        jobs.running(key);
        assert_eq!(*news.borrow(), News::Running);
        jobs.settle(job.clone(), unknown("first"), 10);
        jobs.settle(job.clone(), unknown("second"), 10);
        jobs.running(key);
        assert_eq!(*news.borrow(), News::Settled(unknown("first")));
        assert_eq!((jobs.kept_bytes, jobs.kept.len()), (10, 1));
        jobs.remove(key);
        assert!(jobs.settled(key).is_none());
        assert_eq!(jobs.kept_bytes, 0);
    }

    #[test]
    fn a_lost_connection_ends_the_waiting_and_keeps_the_outcomes() {
        let mut jobs = Jobs::default();
        let random = Random::seeded(2);
        let node = sent(&random).node;
        let [waiting, settled] = [sent(&random), sent(&random)].map(|it| SentJob { node, ..it });
        let other = sent(&random);
        let news = jobs.follow(waiting.clone());
        let elsewhere = jobs.follow(other);
        jobs.settle(settled.clone(), unknown("kept"), 1);
        jobs.disconnect(node);
        assert!(news.has_changed().is_err());
        assert!(elsewhere.has_changed().is_ok());
        assert!(jobs.settled((node, settled.job)).is_some());
    }

    #[test]
    fn what_is_absent_can_be_sent_again() {
        let (mut jobs, job) = (Jobs::default(), sent(&Random::seeded(3)));
        let news = jobs.follow(job.clone());
        jobs.settle(job.clone(), Settled::Absent, 0);
        assert_eq!(*news.borrow(), News::Settled(Settled::Absent));
        assert_eq!(*jobs.follow(job).borrow(), News::Waiting);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_go_first() {
        let (mut jobs, random) = (Jobs::default(), Random::seeded(4));
        let all: Vec<SentJob> = (0..4).map(|_| sent(&random)).collect();
        for job in &all {
            jobs.settle(job.clone(), unknown("x"), KEPT_BYTES_MAX / 3);
        }
        assert!(jobs.kept_bytes <= KEPT_BYTES_MAX);
        assert!(jobs.settled((all[0].node, all[0].job)).is_none());
        assert!(jobs.settled((all[3].node, all[3].job)).is_some());
        for _ in 0..2 * KEPT_OUTCOMES_MAX {
            jobs.settle(sent(&random), unknown("x"), 0);
        }
        assert!(jobs.entries.len() <= KEPT_OUTCOMES_MAX);
    }
}
