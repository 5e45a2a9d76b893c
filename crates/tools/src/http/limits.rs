//! `/v1/limits`

use axum::extract::State;
use edge::{Admin, Change, Json, OpenApiRouter, Problem, Viewer, routes};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::Timestamp;

use crate::plans::{self, HostPattern, Limit, LimitsError, OwnBounds, Refusal, SetBy, Standing};
use crate::road::Road;

pub(super) fn routes(road: Road) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get, update))
        .with_state(road)
}

/// How much the organisation may do with tools, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitsView {
    /// The plan that the operator gave the organisation.
    plan: String,
    /// Each limit that is a number.
    items: Vec<LimitView>,
    /// The hosts that requests may and may not go to.
    hosts: HostsView,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct LimitView {
    /// Such as `tool_calls_per_day`.
    limit: &'static str,
    /// What holds: the tighter one of the two below. Null for no limit.
    max: Option<u64>,
    /// What the plan allows.
    plan_max: Option<u64>,
    /// What the organisation's admins allow.
    own_max: Option<u64>,
    /// How much is used, with what is reserved for calls under way. Null where it is not counted.
    used: Option<u64>,
    /// When the count begins anew; null for what does not begin anew at one instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

/// Lists of hosts: `example.com`, or `*.example.com` for all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct HostsView {
    /// The only ones that the plan allows; null for all.
    #[schema(value_type = Option<Vec<String>>)]
    plan_allowed: Option<Vec<HostPattern>>,
    /// Those that the plan denies.
    #[schema(value_type = Vec<String>)]
    plan_denied: Vec<HostPattern>,
    /// The only ones that the organisation's admins allow; null for all.
    #[schema(value_type = Option<Vec<String>>)]
    own_allowed: Option<Vec<HostPattern>>,
    /// Those that the organisation's admins deny.
    #[schema(value_type = Vec<String>)]
    own_denied: Vec<HostPattern>,
}

impl From<Standing> for LimitsView {
    fn from(Standing { rules, readings }: Standing) -> Self {
        let (plan, own) = (&rules.plan.limits, &rules.own);
        let items = readings.into_iter().map(|reading| LimitView {
            limit: reading.limit.as_str(),
            max: reading.max.map(|it| it.value),
            plan_max: plan.number(reading.limit),
            own_max: own.number(reading.limit),
            used: reading.used,
            resets_at: reading.resets_at,
        });
        Self {
            plan: rules.plan.name.clone(),
            items: items.collect(),
            hosts: HostsView {
                plan_allowed: plan.egress_hosts_allowed.clone(),
                plan_denied: plan.egress_hosts_denied.clone().unwrap_or_default(),
                own_allowed: own.egress_hosts_allowed.clone(),
                own_denied: own.egress_hosts_denied.clone().unwrap_or_default(),
            },
        }
    }
}

/// The organisation's own limits. What is left out stays; null takes a limit of its own away, and
/// leaves the plan's.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct OwnLimits {
    /// Calls of tools in any minute.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    tool_calls_per_minute: Change<u64>,
    /// Calls of tools in a day of UTC.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    tool_calls_per_day: Change<u64>,
    /// Calls of tools that are under way at once.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    tool_calls_concurrent: Change<u64>,
    /// Bytes that requests send in a day of UTC.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    egress_sent_bytes_per_day: Change<u64>,
    /// Bytes that requests receive in a day of UTC.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    egress_received_bytes_per_day: Change<u64>,
    /// Hosts that requests go to in a day of UTC, each counted once; at most 1000.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    egress_hosts_per_day: Change<u64>,
    /// The only hosts that requests may go to: `example.com`, or `*.example.com` for all below it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    egress_hosts_allowed: Change<Vec<String>>,
    /// Hosts that no request may go to.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    egress_hosts_denied: Change<Vec<String>>,
}

/// How much the organisation may do with tools, and how much of it is used.
#[utoipa::path(
    get, path = "/v1/limits", tag = "tools", operation_id = "limits_get",
    responses((status = 200, body = LimitsView)),
    security(("bearer" = ["viewer"])),
)]
async fn get(State(road): State<Road>, Viewer(ctx): Viewer) -> Result<Json<LimitsView>, Problem> {
    Ok(Json(road.turnstile().standing(&ctx).await?.into()))
}

/// Change the organisation's own limits. They can be tighter than the plan's, and not wider.
///
/// They hold within a second.
#[utoipa::path(
    patch, path = "/v1/limits", tag = "tools", operation_id = "limits_update",
    request_body = OwnLimits,
    responses((status = 200, body = LimitsView), (status = 422, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn update(
    State(road): State<Road>,
    Admin(ctx): Admin,
    Json(body): Json<OwnLimits>,
) -> Result<Json<LimitsView>, Problem> {
    let change = OwnBounds {
        tool_calls_per_minute: body.tool_calls_per_minute,
        tool_calls_per_day: body.tool_calls_per_day,
        tool_calls_concurrent: body.tool_calls_concurrent,
        egress_sent_bytes_per_day: body.egress_sent_bytes_per_day,
        egress_received_bytes_per_day: body.egress_received_bytes_per_day,
        egress_hosts_per_day: body.egress_hosts_per_day,
        egress_hosts_allowed: hosts(Limit::EgressHostsAllowed, body.egress_hosts_allowed)?,
        egress_hosts_denied: hosts(Limit::EgressHostsDenied, body.egress_hosts_denied)?,
    };
    plans::update(road.turnstile(), &ctx, change).await?;
    Ok(Json(road.turnstile().standing(&ctx).await?.into()))
}

fn hosts(limit: Limit, list: Change<Vec<String>>) -> Result<Change<Vec<HostPattern>>, Problem> {
    let list = match list {
        Change::Keep => return Ok(Change::Keep),
        Change::Clear => return Ok(Change::Clear),
        Change::Set(list) => list,
    };
    let parsed = list.into_iter().enumerate().map(|(at, text)| {
        HostPattern::try_from(text)
            .map_err(|error| Problem::invalid_field(format!("/{limit}/{at}"), error.to_string()))
    });
    Ok(Change::Set(parsed.collect::<Result<_, _>>()?))
}

impl From<LimitsError> for Problem {
    fn from(error: LimitsError) -> Self {
        match error {
            LimitsError::Bounds(error) => {
                Self::invalid_field(format!("/{}", error.limit), error.why)
            }
            LimitsError::NoPlan(_) => Self::not_found("plan"),
            LimitsError::NoOrganisation(_) => Self::not_found("organisation"),
            LimitsError::Store(source) => source.into(),
        }
    }
}

/// A call that was turned away before it began.
#[must_use]
pub fn limit_problem(refusal: &Refusal, now: Timestamp) -> Problem {
    let message = refusal.message();
    let wait = refusal.resets_at.map(|at| at.since(now));
    let too_many = |message| {
        Problem::new(http::StatusCode::TOO_MANY_REQUESTS, refusal.code(), message)
            .retry_after(wait.unwrap_or_default())
    };
    match (refusal.set_by, refusal.passes_soon()) {
        (SetBy::Plan, false) => Problem::plan_limit(message)
            .fix("`GET /v1/limits` has every limit; the operator of the installation gives plans"),
        (SetBy::Organisation, false) => {
            too_many(message).fix("an admin of the organisation changes it with `PATCH /v1/limits`")
        }
        (SetBy::Plan | SetBy::Organisation, true) => too_many(message),
    }
}
