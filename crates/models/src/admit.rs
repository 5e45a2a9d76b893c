//! Letting a call in: which models it may ask, and what it may cost.

use std::time::Duration;

use dialects::neutral::Usage;

use crate::ModelError;
use crate::catalog::OrgModels;
use crate::gateway::{Gateway, Spender};
use crate::ledger::{Budget, Call, Denied, Full, Hold, Outcome, Public, Scope, Spent, Ticket};
use crate::prices::{Price, Tokens};
use crate::route::{Candidate, Need, Plan};
use crate::span::CallSpan;

/// What an answer is thought to have at most where nobody said a limit, when its cost is reserved. One
/// that is longer is paid for all the same.
const OUTPUT_RESERVED: u64 = 4_096;

impl Gateway {
    /// Reserves what a call may cost on everything that it is counted in.
    pub(crate) async fn admit(
        &self,
        ctx: &db::OrgContext,
        spender: &Spender,
        models: &OrgModels,
        plan: &Plan,
        (candidates, need): (&[Candidate], &Need),
        public: Option<Public>,
    ) -> Result<Ticket, ModelError> {
        let profile = plan.profile.as_ref().map(|profile| profile.id);
        let scopes = Scope::of(spender, profile);
        may_ask(spender, models, plan, candidates)?;
        let budgets: Vec<&Budget> = scopes.iter().filter_map(|it| models.budget(*it)).collect();
        let own = plan
            .profile
            .as_ref()
            .and_then(|profile| profile.definition.budget);
        let holds = holds(&budgets, profile.map(Scope::Profile).zip(own), spender);
        let call = Call {
            id: ctx.new_id(),
            ctx: ctx.clone(),
            spender: spender.clone(),
            at: ctx.now(),
            model: plan.name.clone(),
            profile,
            held: holds.iter().map(|hold| hold.scope).collect(),
            scopes,
            reserved: reserved(candidates, need),
            public,
        };
        let span = |call: &Call| CallSpan::begin(call, candidates.first(), self.random());
        self.ledger()
            .admit(call, &holds, span)
            .await
            .map_err(denied)
    }
}

/// Whether every list of models that the caller is held against has this one on it.
pub(crate) fn may_ask(
    spender: &Spender,
    models: &OrgModels,
    plan: &Plan,
    candidates: &[Candidate],
) -> Result<(), ModelError> {
    let profile = plan.profile.as_ref().map(|profile| profile.id);
    let scopes = Scope::of(spender, profile).into_iter();
    let mut budgets = scopes.filter_map(|scope| models.budget(scope));
    budgets.try_for_each(|budget| allowed(budget, plan, candidates))
}

/// What a call may cost, at the dearest of its targets.
fn reserved(candidates: &[Candidate], need: &Need) -> Spent {
    let output = need.max_output_tokens.unwrap_or(OUTPUT_RESERVED);
    let tokens = |it: &Candidate| Tokens {
        input: need.input_tokens,
        output: it.output_limit(output),
        ..Tokens::default()
    };
    let cost = |it: &Candidate| {
        it.price
            .map_or(0, |price| price.cost_usd_micros(&tokens(it)))
    };
    let most = candidates.iter().map(|it| tokens(it).output).max();
    Spent {
        cost: candidates.iter().map(cost).max().unwrap_or(0),
        tokens: need.input_tokens.saturating_add(most.unwrap_or(output)),
    }
}

/// A name is allowed as it stands, by its provider, or because every target that it may lead to is.
fn allowed(budget: &Budget, plan: &Plan, candidates: &[Candidate]) -> Result<(), ModelError> {
    let Some(allowed) = &budget.models else {
        return Ok(());
    };
    let fits = |name: &str| {
        allowed.iter().any(|it| match it.strip_suffix("/*") {
            Some(provider) => name.split_once('/').is_some_and(|(of, _)| of == provider),
            None => it == name,
        })
    };
    if fits(&plan.name) || candidates.iter().all(|it| fits(&it.name())) {
        return Ok(());
    }
    Err(ModelError::NotAllowed {
        model: plan.name.clone(),
        scope: budget.scope,
    })
}

/// The limits that a call is held against. What each run may spend, whoever says so, is held against
/// the run.
fn holds(
    budgets: &[&Budget],
    own: Option<(Scope, crate::model::Limits)>,
    spender: &Spender,
) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut per_run = spender.run_budget_usd_micros;
    let all = budgets.iter().map(|it| (it.scope, it.limits)).chain(own);
    for (scope, mut limits) in all {
        if !matches!(scope, Scope::Run(_)) {
            let each = limits.per_run_usd_micros.take();
            per_run = [per_run, each].into_iter().flatten().min();
        }
        if limits.is_empty() {
            continue;
        }
        match holds.iter_mut().find(|hold| hold.scope == scope) {
            Some(hold) => hold.limits = hold.limits.strictest(&limits),
            None => holds.push(Hold { scope, limits }),
        }
    }
    if let (Some(run), Some(_)) = (spender.run, per_run) {
        let scope = Scope::Run(run);
        let limits = crate::model::Limits {
            per_run_usd_micros: per_run,
            ..Default::default()
        };
        match holds.iter_mut().find(|hold| hold.scope == scope) {
            Some(hold) => hold.limits = hold.limits.strictest(&limits),
            None => holds.push(Hold { scope, limits }),
        }
    }
    holds
}

fn denied(denied: Denied) -> ModelError {
    let wait = |millis| Duration::from_millis(millis);
    match denied {
        Denied::Full(
            scope,
            Full::Budget {
                period,
                limit,
                spent,
            },
        ) => ModelError::OverBudget {
            scope,
            period,
            limit,
            spent,
        },
        Denied::Full(scope, Full::Requests { limit, wait_ms }) => ModelError::TooOften {
            scope,
            limit: format!("{limit} calls"),
            wait: wait(wait_ms),
        },
        Denied::Full(scope, Full::Tokens { limit, wait_ms }) => ModelError::TooOften {
            scope,
            limit: format!("{limit} tokens"),
            wait: wait(wait_ms),
        },
        Denied::Unwritten => ModelError::Unrecorded,
        Denied::Store(error) => ModelError::Catalog(error.into()),
    }
}

/// Puts down what a call has used so far, and what that costs.
pub(crate) fn charge(outcome: &mut Outcome, usage: Usage, exact: bool, price: Option<Price>) {
    outcome.usage = usage;
    outcome.estimated = !exact;
    outcome.priced = price.is_some();
    outcome.cost = price.map_or(0, |price| price.cost_usd_micros(&tokens(&usage)));
}

/// A usage as prices count it.
pub(crate) fn tokens(usage: &Usage) -> Tokens {
    Tokens {
        input: usage.input_tokens,
        cached_input: usage.cached_input_tokens,
        cache_write: usage.cache_write_tokens,
        output: usage.output_tokens,
    }
}
