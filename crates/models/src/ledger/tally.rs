//! Many calls as a few sums.

use std::collections::BTreeMap;

use vocab::{AgentId, KeyId, ProjectId, UserId};

use super::day::Day;
use super::latency::Latencies;
use super::record::{Call, End, Outcome};
use super::scope::Scope;

/// What usage is kept by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UsageKey {
    pub day: Day,
    /// `provider/model` that served, or what was asked for if nobody did.
    pub model: String,
    /// The profile's name; empty without one.
    pub profile: String,
    pub user: Option<UserId>,
    pub key: Option<KeyId>,
    pub agent: Option<AgentId>,
    pub project: Option<ProjectId>,
}

/// Sums over calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub calls: u64,
    /// Of these, without an answer.
    pub failed: u64,
    /// Of these, to models that nobody prices.
    pub unpriced: u64,
    /// Of these, with tokens that were counted here.
    pub estimated: u64,
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub cache_write_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_tokens: u64,
    pub usd_micros: u64,
}

/// What a group of calls adds up to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub spent: BTreeMap<(Scope, Day), u64>,
    pub used: BTreeMap<UsageKey, Totals>,
    pub took: Latencies,
    pub all: Totals,
}

impl Tally {
    /// Adds a call that has ended.
    pub fn add(&mut self, call: &Call, outcome: &Outcome) {
        let day = Day::of(call.at);
        let totals = Totals::of(outcome);
        // A row that says nothing is not worth writing.
        if outcome.cost > 0 {
            for scope in &call.scopes {
                *self.spent.entry((*scope, day)).or_default() += outcome.cost;
            }
        }
        let served = outcome.served.clone().unwrap_or_else(|| call.model.clone());
        self.took.add(call, &served, outcome);
        let key = UsageKey {
            day,
            model: served,
            profile: if call.profile.is_some() {
                call.model.clone()
            } else {
                String::new()
            },
            user: call.spender.user,
            key: call.spender.key,
            agent: call.spender.agent,
            project: call.spender.project,
        };
        self.used.entry(key).or_default().add(&totals);
        self.all.add(&totals);
    }
}

impl Totals {
    fn of(outcome: &Outcome) -> Self {
        let failed = match outcome.end {
            End::Failed(_) => 1,
            End::Answered | End::Cut | End::Abandoned | End::Lost => 0,
        };
        let usage = outcome.usage;
        Self {
            calls: 1,
            failed,
            unpriced: u64::from(!outcome.priced),
            estimated: u64::from(outcome.estimated),
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            usd_micros: outcome.cost,
        }
    }

    pub fn add(&mut self, it: &Self) {
        let sums = [
            (&mut self.calls, it.calls),
            (&mut self.failed, it.failed),
            (&mut self.unpriced, it.unpriced),
            (&mut self.estimated, it.estimated),
            (&mut self.input_tokens, it.input_tokens),
            (&mut self.cached_input_tokens, it.cached_input_tokens),
            (&mut self.cache_write_tokens, it.cache_write_tokens),
            (&mut self.output_tokens, it.output_tokens),
            (&mut self.reasoning_tokens, it.reasoning_tokens),
            (&mut self.usd_micros, it.usd_micros),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}
