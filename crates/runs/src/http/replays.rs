//! `POST /v1/runs/{id}/replay` and `POST /v1/policies/simulate`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::OrgContext;
use edge::{Json, Key, Member, OpenApiRouter, OptionalJson, Path, Problem, routes};
use garde::Validate;
use http::StatusCode;
use policy::PolicySource;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vocab::{ModelProfileId, RunId, Timestamp, limits};

use super::{RunView, queue_problem};
use crate::service::replayed;
use crate::simulate::{self, Flip};
use crate::{Again, Changes, Input, Run, RunError, Runs, State as RunState, ToolResult};

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
    /// The agent's instructions. Where a model plans, it is asked anew.
    instructions: Option<String>,
    /// `mdl_…`: the profile of the model that is asked instead of the one that was.
    #[schema(value_type = Option<String>)]
    model_profile_id: Option<ModelProfileId>,
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

/// Repeat a run from its record.
///
/// Without changes, everything that does not come from outside is computed again and compared byte
/// for byte. With other policies or results, the first entry that would have been another is named.
/// Neither has any outside effect.
///
/// With another model, or other instructions for an agent that plans by one, the model is really
/// asked, from `from_seq` on: by a run of its own of the kind `replay`, in the caller's name, on the
/// road of every action. Tools are served from the record; what it has no result for is not carried
/// out, and the replay stops there. The answer of that run is the report; if it takes longer than a
/// request may, the run itself is answered with 202.
#[utoipa::path(
    post, path = "/v1/runs/{id}/replay", tag = "runs", operation_id = "run_replay",
    params(("id" = String, Path, description = "`run_…`")),
    request_body = ReplayRequest,
    responses(
        (status = 200, body = Object),
        (status = 202, body = RunView, description = "the run that asks the model anew is under way"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the run is not over, or its replay came to no report"),
        (status = 410, body = Problem),
        (status = 422, body = Problem),
        (status = 503, body = Problem),
    ),
    security(("bearer" = ["member"])),
)]
async fn replay(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
    _key: Key,
    OptionalJson(request): OptionalJson<ReplayRequest>,
) -> Result<Response, Problem> {
    let request = request.unwrap_or_default();
    let changes = request.changes.unwrap_or_default();
    let from_seq = request.from_seq.unwrap_or(1);
    let run = runs.get(&ctx, id).await?;
    if let Some(asked) = anew(&runs, &ctx, &run, &changes).await? {
        let again = Again {
            run: id,
            from_seq,
            model: asked.model,
            instructions: changes.instructions,
            tool_results: changes.tool_results.into_iter().flatten().collect(),
        };
        let begun = runs.replay_anew(&ctx, &run, again).await;
        let begun = begun.map_err(queue_problem)?;
        return reported(&runs, &ctx, begun.id).await;
    }
    let changes = Changes {
        policies: changes
            .policies
            .map(|all| all.into_iter().map(PolicySource::from).collect()),
        instructions: changes.instructions,
        tool_results: changes.tool_results.unwrap_or_default(),
    };
    let report = runs.engine().replay(&ctx, &run, &changes, from_seq).await?;
    let mut tx = ctx.write().await?;
    tx.record(
        replayed(&run)
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
    Ok(Json(report).into_response())
}

/// A model is to be asked anew.
struct AskedAnew {
    /// By the profile of this name; by the one of the record without one.
    model: Option<String>,
}

/// Whether the changes need a model to be asked anew, and which.
async fn anew(
    runs: &Runs,
    ctx: &OrgContext,
    run: &Run,
    changes: &ChangesBody,
) -> Result<Option<AskedAnew>, Problem> {
    if changes.model_profile_id.is_none() && changes.instructions.is_none() {
        return Ok(None);
    }
    let planned = matches!(
        runs.engine().input(ctx, run).await?,
        Input::AgentTurn { agent, .. } if agent.planner == "model"
    );
    let model = match changes.model_profile_id {
        // Rules read no instructions: what they change is found without a model.
        None if !planned => return Ok(None),
        None => None,
        Some(_) if !planned => {
            let message = "no model planned this run";
            return Err(Problem::invalid_field("/changes/model_profile_id", message));
        }
        Some(id) => {
            let found = runs.engine().0.briefing.model(ctx, id).await?;
            let missing = || {
                let message = format!("there is no model profile `{id}`");
                Problem::invalid_field("/changes/model_profile_id", message)
            };
            Some(found.ok_or_else(missing)?)
        }
    };
    if changes.policies.is_some() {
        let message = "a model is asked under the policies in force; replay under others by itself";
        return Err(Problem::invalid_field("/changes/policies", message));
    }
    if !run.state.is_over() {
        return Err(RunError::NotOver.into());
    }
    Ok(Some(AskedAnew { model }))
}

/// The report of a run that goes through another one again, once it is over; else that run.
async fn reported(runs: &Runs, ctx: &OrgContext, id: RunId) -> Result<Response, Problem> {
    let run = runs.settled(ctx, id, limits::REPLAY_WAIT).await?;
    match &run.state {
        RunState::Succeeded => {
            let mut report = runs.answer(ctx, &run).await?.unwrap_or_default();
            if let Some(members) = report.as_object_mut() {
                members.insert("replay_run_id".to_owned(), json!(id));
            }
            Ok(Json(report).into_response())
        }
        RunState::Failed { failure } => {
            let message = format!("the replay `{id}` failed: {}", failure.message);
            Err(Problem::conflict("REPLAY_FAILED", message))
        }
        RunState::Cancelled => {
            let message = format!("the replay `{id}` was cancelled");
            Err(Problem::conflict("REPLAY_CANCELLED", message))
        }
        RunState::Queued | RunState::Dispatching | RunState::Running | RunState::Waiting { .. } => {
            Ok((StatusCode::ACCEPTED, Json(RunView::from(run))).into_response())
        }
    }
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
