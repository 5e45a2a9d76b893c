//! `/v1/runs/{id}/steps`: a run as it is looked at.

use axum::extract::State;
use edge::{Json, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Viewer, routes};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use vocab::{RunId, Timestamp};

use super::runs::ResultView;
use crate::{RunStep, Runs};

/// The routes.
pub(crate) fn routes(runs: Runs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .with_state(runs)
}

/// One step of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// Its number, from 1.
    step: u32,
    /// `intended`, `asked`, `underway`, `waiting`, `unknown`, `succeeded`, `failed` or `denied`
    state: &'static str,
    /// The tool; null for a step that waits, or assembles what an agent is told.
    tool: Option<String>,
    /// What it acts on.
    #[schema(value_type = Option<Object>)]
    target: Option<Value>,
    /// The exact arguments: any JSON. Those of `model.call` repeat everything that was said before, and
    /// are there only where one step is asked for.
    #[schema(value_type = Value)]
    arguments: Option<Value>,
    /// What the policies decided: `verdict`, `reason`, `determining`, `risk`, as the record has it.
    #[schema(value_type = Option<Object>)]
    decision: Option<Value>,
    /// The last request for approval and what became of it, as the record has it.
    #[schema(value_type = Option<Object>)]
    approval: Option<Value>,
    /// How often it was attempted.
    attempts: u32,
    /// The node of the last attempt, if it was on one.
    node_id: Option<String>,
    /// What came of it.
    result: Option<ResultView>,
    /// What guardrails masked in it, by kind.
    #[schema(value_type = Option<Object>)]
    masked: Option<Value>,
    /// The run that does it, if it is another run.
    child_run_id: Option<String>,
    /// When its first entry was written.
    #[schema(value_type = String, format = DateTime)]
    began_at: Timestamp,
    /// When its last entry was written, once it is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<RunStep> for StepView {
    fn from(it: RunStep) -> Self {
        let masked = it.result.as_ref().filter(|it| !it.masked.is_empty());
        let masked = masked.and_then(|it| serde_json::to_value(&it.masked).ok());
        Self {
            step: it.number,
            state: it.state.as_str(),
            tool: it.tool,
            target: it.target,
            arguments: it.arguments,
            decision: it.decision,
            approval: it.approval,
            attempts: it.attempts,
            node_id: it.node,
            result: it.result.map(ResultView::from),
            masked,
            child_run_id: it.child,
            began_at: it.began_at,
            ended_at: it.ended_at,
        }
    }
}

/// The steps of a run, in order: what was asked, decided and done.
#[utoipa::path(
    get, path = "/v1/runs/{id}/steps", tag = "runs", operation_id = "run_steps",
    params(("id" = String, Path, description = "`run_…`"), PageParams),
    responses(
        (status = 200, body = Page<StepView>), (status = 404, body = Problem),
        (status = 410, body = Problem, description = "its contents were erased"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(runs): State<Runs>,
    Viewer(ctx): Viewer,
    Path(id): Path<RunId>,
    paging: Paging,
) -> Result<Json<Page<StepView>>, Problem> {
    let run = runs.get(&ctx, id).await?;
    let after = paging.after::<u32>()?.unwrap_or(0);
    let limit = paging.fetch() as usize;
    let steps = runs.steps(&ctx, &run, after, limit).await?.into_iter();
    let steps = steps.map(|step| RunStep {
        arguments: step.arguments.clone().filter(|_| !step.asks_a_model()),
        ..step
    });
    let rows = steps.collect();
    let page = Page::cut(rows, &paging, |step: &RunStep| step.number);
    Ok(Json(page.map(StepView::from)))
}

/// One step of a run, with all of its arguments.
#[utoipa::path(
    get, path = "/v1/runs/{id}/steps/{step}", tag = "runs", operation_id = "run_step",
    params(
        ("id" = String, Path, description = "`run_…`"),
        ("step" = u32, Path, description = "its number, from 1"),
    ),
    responses(
        (status = 200, body = StepView), (status = 404, body = Problem),
        (status = 410, body = Problem, description = "its contents were erased"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn get(
    State(runs): State<Runs>,
    Viewer(ctx): Viewer,
    Path((id, number)): Path<(RunId, u32)>,
) -> Result<Json<StepView>, Problem> {
    let run = runs.get(&ctx, id).await?;
    let before = number
        .checked_sub(1)
        .ok_or_else(|| Problem::not_found("step"))?;
    let found = runs.steps(&ctx, &run, before, 1).await?;
    let step = found.into_iter().find(|step| step.number == number);
    let step = step.ok_or_else(|| Problem::not_found("step"))?;
    Ok(Json(step.into()))
}
