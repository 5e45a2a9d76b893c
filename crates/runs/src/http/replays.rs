//! `POST /v1/runs/{id}/replay` and `POST /v1/policies/simulate`

use std::collections::BTreeMap;

use axum::extract::State;
use edge::{Json, Key, Member, OpenApiRouter, OptionalJson, Path, Problem, routes};
use garde::Validate;
use policy::PolicySource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{Draft, EventKind, RunId, Timestamp};

use crate::simulate::{self, Flip};
use crate::{Changes, Report, Runs, ToolResult};

/// The routes.
pub(crate) fn routes(runs: Runs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(replay))
        .routes(routes!(simulate_policies))
        .with_state(runs)
}

/// A policy that is not in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Candidate {
    name: String,
    cedar: String,
    #[serde(default)]
    managed: bool,
}

impl From<Candidate> for PolicySource {
    fn from(it: Candidate) -> Self {
        Self {
            name: it.name,
            cedar: it.cedar,
            managed: it.managed,
        }
    }
}

/// What is to be other than it was.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangesBody {
    /// The whole set of policies that decides instead.
    policies: Option<Vec<Candidate>>,
    /// The agent's instructions.
    instructions: Option<String>,
    /// Results of tools, by the step's number.
    #[schema(value_type = Option<Object>)]
    tool_results: Option<BTreeMap<u32, ToolResult>>,
}

/// A replay.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct ReplayRequest {
    changes: Option<ChangesBody>,
    /// The entry of the run's journal from which on the changes hold.
    from_seq: Option<u32>,
}

/// Repeat a run from its record, without any outside effect.
///
/// Without changes, everything that does not come from outside is computed again and compared byte
/// for byte. With changes, the first entry that would have been another is named.
#[utoipa::path(
    post, path = "/v1/runs/{id}/replay", tag = "runs", operation_id = "run_replay",
    params(("id" = String, Path, description = "`run_…`")),
    request_body = ReplayRequest,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn replay(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
    _key: Key,
    OptionalJson(request): OptionalJson<ReplayRequest>,
) -> Result<Json<Report>, Problem> {
    let request = request.unwrap_or_default();
    let changes = request.changes.unwrap_or_default();
    let changes = Changes {
        policies: changes
            .policies
            .map(|all| all.into_iter().map(PolicySource::from).collect()),
        instructions: changes.instructions,
        tool_results: changes.tool_results.unwrap_or_default(),
    };
    let run = runs.get(&ctx, id).await?;
    let report = runs
        .engine()
        .replay(&ctx, &run, &changes, request.from_seq.unwrap_or(1))
        .await?;
    let mut tx = ctx.write().await?;
    tx.record(
        Draft::new(EventKind::RunReplayed, id)
            .about_run(id)
            .in_session(run.session)
            .fact("identical", report.identical)
            .fact(
                "with_changes",
                changes.policies.is_some() || changes.instructions.is_some(),
            )
            .fact_if(
                "diverged_at",
                report.first_divergence.as_ref().map(|it| it.run_seq),
            ),
    );
    tx.commit().await?;
    Ok(Json(report))
}

/// A simulation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct SimulateRequest {
    /// The whole set of policies to be tried.
    policies: Vec<Candidate>,
    /// Only decisions from this instant on.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only decisions before this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// What would have been decided otherwise.
#[derive(Serialize, ToSchema)]
struct Simulation {
    /// How many recorded decisions were taken again.
    decisions: u64,
    /// Those that would have been others, the oldest first; at most 1,000 are listed.
    #[schema(value_type = Vec<Object>)]
    flips: Vec<Flip>,
    /// How many they are.
    flip_count: u64,
    /// Whether there are more decisions in the time asked for than one simulation takes.
    truncated: bool,
}

/// Put every recorded decision to other policies, and list those that would change.
#[utoipa::path(
    post, path = "/v1/policies/simulate", tag = "policies", operation_id = "policy_simulate",
    request_body = SimulateRequest,
    responses((status = 200, body = Simulation), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn simulate_policies(
    Member(ctx): Member,
    _key: Key,
    Json(request): Json<SimulateRequest>,
) -> Result<Json<Simulation>, Problem> {
    let sources: Vec<PolicySource> = request
        .policies
        .into_iter()
        .map(PolicySource::from)
        .collect();
    let found = simulate::simulate(&ctx, &sources, request.from, request.to).await?;
    Ok(Json(Simulation {
        decisions: found.decisions,
        flips: found.flips,
        flip_count: found.flip_count,
        truncated: found.truncated,
    }))
}
