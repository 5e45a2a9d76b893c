//! What an organisation has used of its limits: counted here, stored as one document.
//!
//! A call is reserved before it goes out, with the bytes that it may move at most, and settled after it
//! with those that it moved. A call that nobody settles runs out with its lease, and counts as having
//! moved all of what was reserved for it: nobody knows better.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vocab::limits::{
    EGRESS_OVERHEAD_BYTES_PER_CALL, EGRESS_RECEIVED_BYTES_LEAST, EGRESS_RECEIVED_BYTES_PER_CALL,
    TOOL_CALL_LEASE,
};
use vocab::{Digest, JobId, Timestamp, Window};

use super::Rules;
use super::bounds::Limit;
use super::refusal::Refusal;
use crate::broker::request_bounds;

const DAY_US: i64 = 86_400_000_000;

/// What an organisation has used today and in the last minute, and what is under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// The latest instant that was counted at. Clocks of several processes differ; it never goes back.
    at_us: i64,
    minute: Window,
    calls: u64,
    sent_bytes: u64,
    received_bytes: u64,
    /// Of each host of the day, as much of its digest as tells hosts apart.
    hosts: BTreeSet<u64>,
    open: Vec<Open>,
}

/// A call that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    job: JobId,
    /// When it was let in and counted; earlier versions did not write it down.
    #[serde(default)]
    since: Option<Timestamp>,
    until: Timestamp,
    /// What it may move where that is limited.
    bytes: Bytes,
}

/// How many bytes a call may move; without a number it may move any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grant {
    /// Out.
    pub sent: Option<u64>,
    /// In.
    pub received: Option<u64>,
}

/// How many bytes went out and came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bytes {
    /// Out.
    pub sent: u64,
    /// In.
    pub received: u64,
}

/// A call that wants to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The attempt.
    pub job: JobId,
    /// Where it sends a request, if it is one that does.
    pub leaves: Option<Leaves<'a>>,
}

/// A request to the outside.
#[derive(Debug, Clone, Copy)]
pub struct Leaves<'a> {
    /// The host that it goes to.
    pub host: &'a str,
    /// How large its arguments are.
    pub argument_bytes: u64,
}

impl Leaves<'_> {
    /// How many bytes are reserved for it where the day has as many left.
    pub(super) fn usual(self) -> Bytes {
        // Each redirect may have the arguments sent once more.
        let times = u64::from(request_bounds().redirects_max) + 1;
        Bytes {
            sent: times * self.argument_bytes + EGRESS_OVERHEAD_BYTES_PER_CALL,
            received: EGRESS_RECEIVED_BYTES_PER_CALL,
        }
    }

    /// How many bytes the day must have left for it. With fewer it would break off on its way, and
    /// nobody would know what became of it.
    fn least(argument_bytes: u64) -> Bytes {
        Bytes {
            sent: argument_bytes + EGRESS_OVERHEAD_BYTES_PER_CALL,
            received: EGRESS_RECEIVED_BYTES_LEAST,
        }
    }
}

/// What became of a call that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was attempted, and moved so many bytes.
    Out(Bytes),
    /// It never left: it does not count.
    Back,
}

/// What stands for a host in the set of a day.
pub(super) fn mark(host: &str) -> u64 {
    let digest = Digest::of(host.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first)
}

impl Used {
    /// Lets a call in, with the bytes that it may move, or says which limit keeps it out. Then nothing
    /// has changed that matters.
    pub fn reserve(
        &mut self,
        rules: &Rules,
        want: &Want<'_>,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let now = self.roll(now);
        self.check_calls(rules, now)?;
        let open = self.open.len() as u64;
        if let Some(max) = rules.exceeded(Limit::ToolCallsConcurrent, open + 1) {
            return Err(Refusal::of(max, open, None));
        }
        let grant = match want.leaves {
            Some(leaves) => self.reserve_egress(rules, leaves, now)?,
            None => Grant::default(),
        };
        self.calls += 1;
        self.minute.add(1, now);
        self.open.push(Open {
            job: want.job,
            since: Some(now),
            until: now.plus(TOOL_CALL_LEASE),
            bytes: Bytes {
                sent: grant.sent.unwrap_or(0),
                received: grant.received.unwrap_or(0),
            },
        });
        Ok(grant)
    }

    /// Whether the day or the minute has room for one more call, and the day for the bytes of the least
    /// one if it is a request. Where it goes and what else is under way is not asked.
    pub fn check(&mut self, rules: &Rules, leaves: bool, now: Timestamp) -> Result<(), Refusal> {
        let now = self.roll(now);
        self.check_calls(rules, now)?;
        if leaves {
            self.bytes(rules, Leaves::least(0), now)?;
        }
        Ok(())
    }

    fn check_calls(&mut self, rules: &Rules, now: Timestamp) -> Result<(), Refusal> {
        if let Some(max) = rules.exceeded(Limit::ToolCallsPerDay, self.calls + 1) {
            return Err(Refusal::of(max, self.calls, Some(next_day(now))));
        }
        if let Some(max) = rules.limit(Limit::ToolCallsPerMinute)
            && let Some(wait_ms) = self.minute.wait_ms(1, max.value, now)
        {
            let at = now.plus(Duration::from_millis(wait_ms));
            return Err(Refusal::of(max, self.minute.reading(now), Some(at)));
        }
        Ok(())
    }

    fn reserve_egress(
        &mut self,
        rules: &Rules,
        leaves: Leaves<'_>,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        if let Some(refusal) = rules.bars(leaves.host) {
            return Err(refusal);
        }
        let host = mark(leaves.host);
        let hosts = self.hosts.len() as u64;
        let new = !self.hosts.contains(&host);
        if new && let Some(max) = rules.exceeded(Limit::EgressHostsPerDay, hosts + 1) {
            return Err(Refusal::of(max, hosts, Some(next_day(now))));
        }
        let usual = leaves.usual();
        let left = self.bytes(rules, Leaves::least(leaves.argument_bytes), now)?;
        if rules.limit(Limit::EgressHostsPerDay).is_some() {
            self.hosts.insert(host);
        }
        Ok(Grant {
            sent: left.sent.map(|room| room.min(usual.sent)),
            received: left.received.map(|room| room.min(usual.received)),
        })
    }

    /// How many bytes are left for one more call, at least so many.
    fn bytes(&self, rules: &Rules, least: Bytes, now: Timestamp) -> Result<Grant, Refusal> {
        Ok(Grant {
            sent: self.room(rules, Limit::EgressSentBytesPerDay, least.sent, now)?,
            received: self.room(rules, Limit::EgressReceivedBytesPerDay, least.received, now)?,
        })
    }

    /// How many bytes of a limit are left for one more call, at least so many.
    fn room(
        &self,
        rules: &Rules,
        limit: Limit,
        least: u64,
        now: Timestamp,
    ) -> Result<Option<u64>, Refusal> {
        let Some(max) = rules.limit(limit) else {
            return Ok(None);
        };
        let used = self.reading(limit, now);
        match max.value.saturating_sub(used) {
            left if left >= least => Ok(Some(left)),
            _ => Err(Refusal {
                needs: Some(least),
                ..Refusal::of(max, used, Some(next_day(now)))
            }),
        }
    }

    /// Writes down what became of a call at that instant. One that has run out was counted then.
    pub fn settle(&mut self, job: JobId, came: Came, at: Timestamp) {
        // Before its lease is looked at: what it did is known better than what it may have done.
        let place = self.open.iter().position(|it| it.job == job);
        let open = place.map(|place| self.open.swap_remove(place));
        let at = self.roll(at);
        let Some(open) = open else {
            return;
        };
        match came {
            Came::Out(bytes) => self.count(bytes),
            Came::Back => {
                let since = open.since.unwrap_or(at);
                if day(since) == day(at) {
                    self.calls = self.calls.saturating_sub(1);
                }
                self.minute.take_back(1, since, at);
            }
        }
    }

    /// Says that these calls are still under way. Those that have run out stay lost.
    pub fn renew(&mut self, jobs: &BTreeSet<JobId>, now: Timestamp) {
        let until = self.at().max(now).plus(TOOL_CALL_LEASE);
        for open in &mut self.open {
            if jobs.contains(&open.job) {
                open.until = until;
            }
        }
    }

    /// How much of a limit is used, with what is reserved.
    #[must_use]
    pub fn reading(&self, limit: Limit, now: Timestamp) -> u64 {
        let open = |of: fn(&Bytes) -> u64| self.open.iter().map(|it| of(&it.bytes)).sum::<u64>();
        match limit {
            Limit::ToolCallsPerMinute => self.minute.reading(self.at().max(now)),
            Limit::ToolCallsPerDay => self.calls,
            Limit::ToolCallsConcurrent => self.open.len() as u64,
            Limit::EgressSentBytesPerDay => self.sent_bytes.saturating_add(open(|it| it.sent)),
            Limit::EgressReceivedBytesPerDay => {
                self.received_bytes.saturating_add(open(|it| it.received))
            }
            Limit::EgressHostsPerDay => self.hosts.len() as u64,
            Limit::EgressHostsAllowed | Limit::EgressHostsDenied => 0,
        }
    }

    /// The hosts of today.
    pub(super) fn hosts(&self) -> &BTreeSet<u64> {
        &self.hosts
    }

    /// Comes to an instant: a new day begins with nothing, and calls run out.
    pub fn roll(&mut self, now: Timestamp) -> Timestamp {
        let now = self.at().max(now);
        if day(now) != day(self.at()) {
            self.calls = 0;
            self.sent_bytes = 0;
            self.received_bytes = 0;
            self.hosts.clear();
        }
        self.at_us = now.as_micros();
        let (open, lost): (Vec<Open>, _) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|it| it.until > now);
        self.open = open;
        lost.iter().for_each(|it| self.count(it.bytes));
        now
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.at_us)
    }

    fn count(&mut self, bytes: Bytes) {
        self.sent_bytes = self.sent_bytes.saturating_add(bytes.sent);
        self.received_bytes = self.received_bytes.saturating_add(bytes.received);
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_US)
}

/// When the next day of UTC begins.
pub(super) fn next_day(now: Timestamp) -> Timestamp {
    Timestamp::from_micros((day(now) + 1) * DAY_US)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vocab::Random;

    use super::super::Plan;
    use super::super::bounds::Bounds;
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn rules(limits: Bounds) -> Rules {
        let plan = Plan {
            name: "x".to_owned(),
            description: String::new(),
            limits,
        };
        Rules {
            plan: Arc::new(plan),
            own: Bounds::default(),
        }
    }

    fn request(job: u128) -> Want<'static> {
        Want {
            job: JobId::from_uuid(uuid::Uuid::from_u128(job)),
            leaves: Some(Leaves {
                host: "example.com",
                argument_bytes: 1_000,
            }),
        }
    }

    /// Whatever calls do, and whatever becomes of them, the day never sees more than its limits: not
    /// by those that end, nor by those that run out, nor with a clock that goes back.
    #[test]
    fn no_order_of_calls_passes_a_limit() {
        let seed = u64::from_be_bytes(Random::system().bytes());
        println!("seed {seed}");
        let random = Random::seeded(seed);
        let limits = Bounds {
            tool_calls_per_day: Some(200),
            tool_calls_concurrent: Some(5),
            egress_sent_bytes_per_day: Some(1_000_000),
            egress_received_bytes_per_day: Some(20_000_000),
            ..Bounds::default()
        };
        let rules = rules(limits.clone());
        let mut used = Used::default();
        let mut now = 12 * 3_600 * SECOND;
        let (mut open, mut moved, mut refusals) = (Vec::new(), Bytes::default(), 0);
        for job in 0..2_000 {
            now += SECOND * i64::try_from(random.below(5)).unwrap() - SECOND;
            let at = Timestamp::from_micros(now);
            let want = request(job);
            match used.reserve(&rules, &want, at) {
                Ok(grant) => open.push((want.job, grant)),
                Err(_) => refusals += 1,
            }
            if !open.is_empty() && random.below(3) > 0 {
                let at_place = usize::try_from(random.below(open.len() as u64)).unwrap();
                let (job, grant) = open.swap_remove(at_place);
                let bytes = Bytes {
                    sent: random.below(grant.sent.unwrap() + 1),
                    received: random.below(grant.received.unwrap() + 1),
                };
                // What has run out was counted in full: it may not have moved more than that.
                let came = match random.below(4) {
                    0 => Came::Back,
                    _ => {
                        moved.sent += bytes.sent;
                        moved.received += bytes.received;
                        Came::Out(bytes)
                    }
                };
                used.settle(job, came, at);
            }
            for limit in Limit::NUMBERS {
                let Some(max) = limits.number(limit) else {
                    continue;
                };
                assert!(used.reading(limit, at) <= max, "{limit}: {used:?}");
            }
        }
        assert!(
            moved.sent <= 1_000_000 && moved.received <= 20_000_000,
            "{moved:?}"
        );
        assert!(refusals > 0 && used.calls > 0);
        assert!(now < DAY_US, "all in one day");
    }

    /// Over minutes and midnights, with a clock that goes back at times: of each minute and day as many
    /// calls count as were let in in it, without those that came back.
    #[test]
    fn what_comes_back_comes_off_when_it_was_counted() {
        let seed = u64::from_be_bytes(Random::system().bytes());
        println!("seed {seed}");
        let random = Random::seeded(seed);
        let rules = rules(Bounds {
            tool_calls_per_minute: Some(1_000),
            ..Bounds::default()
        });
        let minute = |at: Timestamp| at.as_micros().div_euclid(60 * SECOND);
        let (mut used, mut now) = (Used::default(), DAY_US - 1_000 * SECOND);
        let (mut open, mut counted) = (Vec::new(), Vec::new());
        for job in 0..2_000 {
            now += SECOND * (i64::try_from(random.below(5)).unwrap() - 1);
            let want = request(job);
            used.reserve(&rules, &want, Timestamp::from_micros(now))
                .unwrap();
            open.push((want.job, used.at()));
            counted.push(used.at());
            if random.below(4) > 0 {
                let place = usize::try_from(random.below(open.len() as u64)).unwrap();
                let (job, since) = open.swap_remove(place);
                let lasts = used.open.iter().any(|it| it.job == job);
                match random.below(2) {
                    0 => used.settle(job, Came::Out(Bytes::default()), used.at()),
                    _ => {
                        used.settle(job, Came::Back, used.at());
                        if lasts {
                            let place = counted.iter().position(|at| *at == since).unwrap();
                            counted.swap_remove(place);
                        }
                    }
                }
            }
            let at = used.at();
            let of = |within: &dyn Fn(Timestamp) -> bool| {
                counted.iter().filter(|it| within(**it)).count() as u64
            };
            let today = of(&|it| day(it) == day(at));
            assert_eq!(used.reading(Limit::ToolCallsPerDay, at), today);
            let this = of(&|it| minute(it) == minute(at));
            let before = of(&|it| minute(it) + 1 == minute(at));
            let covered = u64::try_from((minute(at) + 1) * 60 * SECOND - at.as_micros()).unwrap();
            let expected = this + (before * covered).div_ceil(60_000_000);
            assert_eq!(used.reading(Limit::ToolCallsPerMinute, at), expected);
        }
        assert!(day(Timestamp::from_micros(now)) == 1, "over midnight");
    }

    #[test]
    fn a_request_begins_only_where_there_is_room_to_send_it_once_and_to_hear_of_it() {
        let (least_sent, least_received) = (1_000 + 64 * 1024, 64 * 1024);
        let try_with = |sent, received| {
            let rules = rules(Bounds {
                egress_sent_bytes_per_day: Some(sent),
                egress_received_bytes_per_day: Some(received),
                ..Bounds::default()
            });
            let granted = Used::default().reserve(&rules, &request(1), Timestamp::from_micros(0));
            granted.map_err(|it| it.limit)
        };
        let granted = try_with(least_sent, least_received).unwrap();
        assert_eq!(granted.sent, Some(least_sent));
        assert_eq!(granted.received, Some(least_received));
        let sent = Err(Limit::EgressSentBytesPerDay);
        assert_eq!(try_with(least_sent - 1, least_received), sent);
        let received = Err(Limit::EgressReceivedBytesPerDay);
        assert_eq!(try_with(least_sent, least_received - 1), received);
        // The first request, and five redirects that have all of it sent again.
        let granted = try_with(1 << 40, 1 << 40).unwrap();
        assert_eq!(granted.sent, Some(6 * 1_000 + 64 * 1024));
    }

    #[test]
    fn a_call_that_never_left_does_not_count() {
        let rules = rules(Bounds {
            tool_calls_per_day: Some(1),
            tool_calls_per_minute: Some(1),
            ..Bounds::default()
        });
        let (mut used, now) = (Used::default(), Timestamp::from_micros(SECOND));
        for job in 0..3 {
            used.reserve(&rules, &request(job), now).unwrap();
            used.reserve(&rules, &request(9), now).unwrap_err();
            used.settle(request(job).job, Came::Back, now);
        }
        used.reserve(&rules, &request(4), now).unwrap();
    }

    #[test]
    fn a_call_that_is_heard_of_keeps_its_place_and_one_that_is_not_counts_in_full() {
        let rules = rules(Bounds {
            tool_calls_concurrent: Some(1),
            egress_received_bytes_per_day: Some(10_000_000),
            ..Bounds::default()
        });
        let mut used = Used::default();
        let at = |seconds: i64| Timestamp::from_micros(seconds * SECOND);
        let granted = used.reserve(&rules, &request(1), at(0)).unwrap();
        assert_eq!(granted.sent, None, "what is not limited is not bounded");
        used.renew(&BTreeSet::from([request(1).job]), at(9));
        used.reserve(&rules, &request(2), at(18)).unwrap_err();
        used.reserve(&rules, &request(2), at(19)).unwrap();
        let lost = granted.received.unwrap();
        assert_eq!(used.received_bytes, lost);
        // It comes back after all: it was counted.
        let all = Bytes {
            sent: 0,
            received: lost,
        };
        used.settle(request(1).job, Came::Out(all), at(20));
        assert_eq!(used.received_bytes, lost);
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        let rules = rules(Bounds {
            egress_hosts_per_day: Some(5),
            ..Bounds::default()
        });
        let mut used = Used::default();
        used.reserve(&rules, &request(1), Timestamp::from_micros(SECOND))
            .unwrap();
        let text = serde_json::to_string(&used).unwrap();
        assert_eq!(serde_json::from_str::<Used>(&text).unwrap(), used);
        assert!(!text.contains("example.com"), "{text}");
    }
}
