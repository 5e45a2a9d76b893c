//! What the installation says of itself: limits, kinds of events, roles, engines, health.

use axum::extract::State;
use axum::routing::get;
use db::Authority;
use edge::{Caller, Json, OpenApiRouter, Problem, Standing, routes};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tools::http::LimitsView;
use tools::plans::Turnstile;
use utoipa::ToSchema;
use vocab::{EventKind, Role, limits};

/// The routes under `/v1/meta` and `/v1/agent`, and the probes.
pub(crate) fn routes(authority: Authority, turnstile: Turnstile) -> OpenApiRouter {
    let limits = OpenApiRouter::new()
        .routes(routes!(meta_limits))
        .with_state(turnstile);
    OpenApiRouter::new()
        .routes(routes!(event_kinds))
        .routes(routes!(roles))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(authority)
        .merge(limits)
}

/// The limits that requests meet, units last in their names.
///
/// Where the request names an organisation, `organisation` has what its plan and its admins allow its
/// agents to do with tools, as `GET /v1/limits` has it.
#[utoipa::path(
    get, path = "/v1/meta/limits", tag = "meta", operation_id = "meta_limits",
    responses((status = 200, body = Object)),
    security(("bearer" = ["caller"])),
)]
async fn meta_limits(
    State(turnstile): State<Turnstile>,
    caller: Caller,
) -> Result<Json<Map<String, Value>>, Problem> {
    let organisation = match caller.standing() {
        Standing::Member(ctx) => Some(LimitsView::from(turnstile.standing(ctx).await?)),
        Standing::Stranger | Standing::NoOrganisation => None,
    };
    let mut limits = json!({
        "body_bytes_max": limits::BODY_BYTES_MAX,
        "json_depth_max": limits::JSON_DEPTH_MAX,
        "url_bytes_max": limits::URL_BYTES_MAX,
        "request_timeout_ms": u64::try_from(limits::REQUEST_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
        "page_default": limits::PAGE_DEFAULT,
        "page_max": limits::PAGE_MAX,
        "name_chars_max": limits::NAME_CHARS_MAX,
        "message_bytes_max": limits::MESSAGE_BYTES_MAX,
        "arguments_bytes_max": limits::ARGUMENTS_BYTES_MAX,
        "tool_output_bytes_max": limits::TOOL_OUTPUT_BYTES_MAX,
        "policy_bytes_max": limits::POLICY_BYTES_MAX,
        "policies_max": limits::POLICIES_MAX,
        "secret_bytes_max": limits::SECRET_BYTES_MAX,
        "plan_steps_max": limits::PLAN_STEPS_MAX,
        "run_entries_max": limits::RUN_ENTRIES_MAX,
        "run_depth_max": limits::RUN_DEPTH_MAX,
        "runs_concurrent_per_org": limits::RUNS_CONCURRENT_PER_ORG,
        "access_token_ttl_s": limits::ACCESS_TOKEN_TTL.as_secs(),
        "approval_ttl_s": limits::APPROVAL_TTL.as_secs(),
        "idempotency_ttl_s": limits::IDEMPOTENCY_TTL.as_secs(),
    });
    if let Some(organisation) = organisation {
        limits["organisation"] = json!(organisation);
    }
    Ok(Json(limits.as_object().cloned().unwrap_or_default()))
}

/// A list of names.
#[derive(Serialize, ToSchema)]
struct Names {
    items: Vec<&'static str>,
    /// Always null.
    next_cursor: Option<String>,
}

/// Every kind of event.
#[utoipa::path(
    get, path = "/v1/meta/event-kinds", tag = "meta", operation_id = "meta_event_kinds",
    responses((status = 200, body = Names)),
    security(("bearer" = ["caller"])),
)]
async fn event_kinds(_caller: Caller) -> Json<Names> {
    let items = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    Json(Names {
        items,
        next_cursor: None,
    })
}

/// Every role, the weakest first; each may do what those before it may.
#[utoipa::path(
    get, path = "/v1/meta/roles", tag = "meta", operation_id = "meta_roles",
    responses((status = 200, body = Names)),
    security(("bearer" = ["caller"])),
)]
async fn roles(_caller: Caller) -> Json<Names> {
    Json(Names {
        items: Role::ALL.iter().map(|role| role.as_str()).collect(),
        next_cursor: None,
    })
}

/// Ready means: the database answers.
async fn ready(State(authority): State<Authority>) -> Result<&'static str, Problem> {
    match authority.ping().await {
        Ok(()) => Ok("ready"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            Err(Problem::unavailable(
                "NOT_READY",
                "the database does not answer",
            ))
        }
    }
}
