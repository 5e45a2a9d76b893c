//! What the operator and an organisation's admins say about limits, and what anyone of it may see.

use db::{Authority, OrgContext, StoreError};
use edge::Change;
use serde_json::Value;
use vocab::{Action, Actor, Draft, EventKind, OrgId, Timestamp};

use super::bounds::{Bounds, BoundsError, HostPattern, Limit};
use super::refusal::{Max, Refusal};
use super::used::next_day;
use super::{Plans, Rules, Turnstile, is_counted, store};
use crate::spec;

/// Why limits were not changed.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// A limit is none, or wider than the plan's.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// No plan has this name.
    #[error("no plan is called `{0}`")]
    NoPlan(String),
    /// No organisation has this id.
    #[error("no organisation has the id `{0}`")]
    NoOrganisation(OrgId),
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

/// How an organisation stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What its calls are held against.
    pub rules: std::sync::Arc<Rules>,
    /// Each limit that is a number.
    pub readings: Vec<Reading>,
}

/// How one limit stands.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Which.
    pub limit: Limit,
    /// What holds.
    pub max: Option<Max>,
    /// How much of it is used; it is not counted where nothing is limited.
    pub used: Option<u64>,
    /// When the count begins anew, if it does at one instant.
    pub resets_at: Option<Timestamp>,
}

/// What an admin changes of an organisation's own limits.
#[derive(Debug, Clone, Default)]
pub struct OwnBounds {
    /// [`Limit::ToolCallsPerMinute`].
    pub tool_calls_per_minute: Change<u64>,
    /// [`Limit::ToolCallsPerDay`].
    pub tool_calls_per_day: Change<u64>,
    /// [`Limit::ToolCallsConcurrent`].
    pub tool_calls_concurrent: Change<u64>,
    /// [`Limit::EgressSentBytesPerDay`].
    pub egress_sent_bytes_per_day: Change<u64>,
    /// [`Limit::EgressReceivedBytesPerDay`].
    pub egress_received_bytes_per_day: Change<u64>,
    /// [`Limit::EgressHostsPerDay`].
    pub egress_hosts_per_day: Change<u64>,
    /// [`Limit::EgressHostsAllowed`].
    pub egress_hosts_allowed: Change<Vec<HostPattern>>,
    /// [`Limit::EgressHostsDenied`].
    pub egress_hosts_denied: Change<Vec<HostPattern>>,
}

impl OwnBounds {
    fn apply(self, to: &mut Bounds) {
        self.tool_calls_per_minute
            .apply(&mut to.tool_calls_per_minute);
        self.tool_calls_per_day.apply(&mut to.tool_calls_per_day);
        self.tool_calls_concurrent
            .apply(&mut to.tool_calls_concurrent);
        self.egress_sent_bytes_per_day
            .apply(&mut to.egress_sent_bytes_per_day);
        self.egress_received_bytes_per_day
            .apply(&mut to.egress_received_bytes_per_day);
        self.egress_hosts_per_day
            .apply(&mut to.egress_hosts_per_day);
        self.egress_hosts_allowed
            .apply(&mut to.egress_hosts_allowed);
        self.egress_hosts_denied.apply(&mut to.egress_hosts_denied);
    }
}

/// Changes an organisation's own limits. They hold within a second. What was set before stays as it
/// is, also where the plan is tighter by now: then the plan's holds.
///
/// # Errors
/// A limit that is set is wider than the plan's.
pub async fn update(
    turnstile: &Turnstile,
    ctx: &OrgContext,
    change: OwnBounds,
) -> Result<(), LimitsError> {
    let now = ctx.now();
    // Not what is known from a moment ago: the operator may have changed the plan.
    let stored = store::stored(ctx).await?;
    let plan = turnstile.plans().of_organisation(stored.plan.as_deref());
    let mut tx = ctx.write().await?;
    let mut own = store::own(&mut tx, now).await?;
    let mut set = Bounds::default();
    change.clone().apply(&mut set);
    set.check()?;
    set.within(&plan.limits)?;
    change.apply(&mut own);
    store::put_own(&mut tx, &own, now).await?;
    let mut event = Draft::new(EventKind::LimitsUpdated, ctx.org());
    if let Ok(Value::Object(facts)) = serde_json::to_value(&own) {
        event.data.extend(facts);
    }
    tx.record(event);
    tx.commit().await?;
    turnstile.forget(ctx.org());
    Ok(())
}

/// Whether it is any use to begin with a call of this tool: what keeps it out now, if it is counted and
/// the day or the minute has no room. That is written down, since no run says so; nothing is counted.
///
/// # Errors
/// The database.
pub async fn look(
    turnstile: &Turnstile,
    ctx: &OrgContext,
    tool: &str,
) -> Result<Option<Refusal>, StoreError> {
    if !is_counted(tool) {
        return Ok(None);
    }
    // What is configured is a request, as `http.fetch` is.
    let leaves = spec::builtin_action(tool).is_none_or(|it| it == Action::HttpFetch);
    let rules = turnstile.rules(ctx).await?;
    if rules.is_empty() {
        return Ok(None);
    }
    let (mut used, _) = store::used(ctx).await?;
    let Err(refusal) = used.check(&rules, leaves, ctx.now()) else {
        return Ok(None);
    };
    turned_away(ctx, tool, &refusal).await?;
    Ok(Some(refusal.counted()))
}

async fn turned_away(ctx: &OrgContext, tool: &str, refusal: &Refusal) -> Result<(), StoreError> {
    let mut tx = ctx.write().await?;
    let event = Draft::new(EventKind::LimitReached, ctx.org())
        .fact("tool", tool)
        .fact("limit", refusal.limit.as_str())
        .fact("code", refusal.code())
        .fact("used", refusal.used)
        .fact_if("max", refusal.max);
    tx.record(event);
    tx.commit().await
}

impl Turnstile {
    /// How the caller's organisation stands.
    ///
    /// # Errors
    /// The database.
    pub async fn standing(&self, ctx: &OrgContext) -> Result<Standing, StoreError> {
        let rules = self.rules(ctx).await?;
        let (mut used, _) = store::used(ctx).await?;
        let now = used.roll(ctx.now());
        let reading = |limit| {
            let max = rules.limit(limit);
            let counted = match limit {
                Limit::EgressHostsPerDay => max.is_some(),
                Limit::ToolCallsPerMinute
                | Limit::ToolCallsPerDay
                | Limit::ToolCallsConcurrent
                | Limit::EgressSentBytesPerDay
                | Limit::EgressReceivedBytesPerDay
                | Limit::EgressHostsAllowed
                | Limit::EgressHostsDenied => !rules.is_empty(),
            };
            let resets_at = match limit {
                Limit::ToolCallsPerDay
                | Limit::EgressSentBytesPerDay
                | Limit::EgressReceivedBytesPerDay
                | Limit::EgressHostsPerDay => Some(next_day(now)),
                Limit::ToolCallsPerMinute
                | Limit::ToolCallsConcurrent
                | Limit::EgressHostsAllowed
                | Limit::EgressHostsDenied => None,
            };
            Reading {
                limit,
                max,
                used: counted.then(|| used.reading(limit, now)),
                resets_at,
            }
        };
        let readings = Limit::NUMBERS.map(reading).to_vec();
        Ok(Standing { rules, readings })
    }
}

/// An organisation, and the plan that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Its id.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// The plan that the operator gave it; without one it has the default.
    pub plan: Option<String>,
}

/// Every organisation with its plan.
///
/// # Errors
/// The database.
pub async fn assignments(authority: &Authority) -> Result<Vec<Assigned>, StoreError> {
    let mut tx = authority.system_read().await?;
    let found = store::plans(&mut tx).await?;
    let assigned = |(org, name, plan)| Assigned { org, name, plan };
    Ok(found.into_iter().map(assigned).collect())
}

/// Gives an organisation a plan, or without one the default. For the operator alone: it takes the
/// authority over the whole installation. Servers that run follow within a second.
///
/// # Errors
/// There is no such plan or organisation.
pub async fn assign(
    authority: &Authority,
    plans: &Plans,
    org: OrgId,
    plan: Option<&str>,
) -> Result<(), LimitsError> {
    if let Some(name) = plan.filter(|name| plans.get(name).is_none()) {
        return Err(LimitsError::NoPlan(name.to_owned()));
    }
    let known = assignments(authority).await?;
    if !known.iter().any(|it| it.org == org) {
        return Err(LimitsError::NoOrganisation(org));
    }
    let now = authority.db().clock().now();
    let mut tx = authority.system_write(Actor::system("operator")).await?;
    store::put_plan(&mut tx, org, plan, now).await?;
    let event = Draft::new(EventKind::PlanAssigned, org)
        .fact("plan", plan.unwrap_or(&plans.default_plan().name))
        .fact("is_default", plan.is_none());
    tx.record_for(org, event);
    tx.commit().await?;
    Ok(())
}
