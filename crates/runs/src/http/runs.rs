//! `/v1/runs` and `/v1/tools/{name}/invoke`

use axum::extract::State;
use edge::{
    Json, Key, Member, OpenApiRouter, OptionalJson, Page, PageParams, Paging, Path, Problem, Query,
    Viewer, routes,
};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use vocab::{AgentId, ArtifactId, RunId, SessionId, Timestamp, limits};

use super::queue_problem;
use crate::{
    Failure, Input, NewRun, Resolution, Run, RunFilter, RunUsage, Runs, State as RunState,
};

/// The routes.
pub(crate) fn routes(runs: Runs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(resolve))
        .routes(routes!(signal))
        .routes(routes!(invoke))
        .with_state(runs)
}

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunView {
    /// `run_…`
    #[schema(value_type = String)]
    pub id: RunId,
    /// `agent_turn`, `tool`, `replay` or `summary`
    pub kind: String,
    /// `queued`, `dispatching`, `running`, `waiting`, `succeeded`, `failed` or `cancelled`
    pub state: &'static str,
    /// What a waiting run waits for: `approval`, `timer`, `signal`, `child`, `node` or `decision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<&'static str>,
    /// More of what it waits for, such as the approval's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub waiting: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub failure: Option<Failure>,
    /// What it gave: any JSON; only where one run is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub answer: Option<Value>,
    /// The answer again, where its agent has an `output_schema`: JSON that fits it; only where one run
    /// is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub output: Option<Value>,
    /// What the tool of a `tool` run gave; only where one run is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultView>,
    /// `ses_…`
    #[schema(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
    /// `agt_…`
    #[schema(value_type = Option<String>)]
    pub agent_id: Option<AgentId>,
    /// The version of the agent that it began with, and keeps; only where one run is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<u32>,
    /// The run that started it.
    #[schema(value_type = Option<String>)]
    pub parent_run_id: Option<RunId>,
    /// The workspace of its files.
    pub workspace: String,
    /// How many entries its journal has.
    pub entries: u32,
    /// What it has taken of models so far, if it asked any; what runs that it started took is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<RunUsage>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let state = run.state.as_str();
        let (waiting, failure) = match run.state {
            RunState::Waiting { waiting_for } => (Some(waiting_for), None),
            RunState::Failed { failure } => (None, Some(failure)),
            RunState::Queued
            | RunState::Dispatching
            | RunState::Running
            | RunState::Succeeded
            | RunState::Cancelled => (None, None),
        };
        Self {
            id: run.id,
            kind: run.kind,
            state,
            waiting_for: waiting.as_ref().map(crate::WaitingFor::as_str),
            waiting: waiting.and_then(|it| serde_json::to_value(it).ok()),
            failure,
            answer: None,
            output: None,
            result: None,
            session_id: run.session,
            agent_id: run.agent,
            agent_version: None,
            parent_run_id: run.parent.map(|(parent, _)| parent),
            workspace: run.workspace,
            entries: run.entries,
            usage: run.usage,
            cancel_requested: run.cancel_requested,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
        }
    }
}

/// What a tool gave, or why it did not.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ResultView {
    /// It did what was asked.
    Gave {
        /// True.
        ok: bool,
        /// What it gave: any JSON.
        #[schema(value_type = Value)]
        output: Value,
        /// Whether the output was cut to its limit.
        truncated: bool,
        /// `art_…`, of what it made.
        #[schema(value_type = Vec<String>)]
        artifact_ids: Vec<ArtifactId>,
        /// How long it took.
        duration_ms: u64,
    },
    /// It did not.
    Failed {
        /// False.
        ok: bool,
        /// Why: `code`, `message`, `retryable`, and perhaps a `suggested_fix`.
        #[schema(value_type = Object)]
        error: tools::ToolError,
    },
}

impl From<tools::ToolResult> for ResultView {
    fn from(result: tools::ToolResult) -> Self {
        match result.error {
            Some(error) => Self::Failed { ok: false, error },
            None => Self::Gave {
                ok: true,
                output: result.output.unwrap_or(Value::Null),
                truncated: result.truncated,
                artifact_ids: result.artifact_ids,
                duration_ms: result.duration_ms,
            },
        }
    }
}

/// What a list of runs is narrowed to.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `ses_…`
    #[param(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// A run's state.
    state: Option<String>,
    /// Only runs that this run started.
    #[param(value_type = Option<String>)]
    parent_run_id: Option<RunId>,
    /// `agt_…`
    #[param(value_type = Option<String>)]
    agent_id: Option<AgentId>,
}

/// List runs, the newest first.
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs", operation_id = "run_list",
    params(PageParams, Filter),
    responses((status = 200, body = Page<RunView>)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(runs): State<Runs>,
    Viewer(ctx): Viewer,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<RunView>>, Problem> {
    if let Some(state) = filter
        .state
        .as_deref()
        .filter(|it| !RunState::NAMES.contains(it))
    {
        let message = format!("no run is ever `{state}`");
        return Err(Problem::invalid_field("/state", message));
    }
    let filter = RunFilter {
        session: filter.session_id,
        state: filter.state,
        parent: filter.parent_run_id,
        agent: filter.agent_id,
    };
    let found = runs
        .list(&ctx, &filter, paging.after()?, paging.fetch())
        .await?;
    Ok(Json(
        Page::cut(found, &paging, |run| run.id).map(RunView::from),
    ))
}

/// One run, with its answer.
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs", operation_id = "run_get",
    params(("id" = String, Path, description = "`run_…`")),
    responses((status = 200, body = RunView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn get(
    State(runs): State<Runs>,
    Viewer(ctx): Viewer,
    Path(id): Path<RunId>,
) -> Result<Json<RunView>, Problem> {
    let run = runs.get(&ctx, id).await?;
    let answer = runs.answer(&ctx, &run).await?;
    let agent = runs.agent(&ctx, &run).await?;
    let typed = agent.as_ref().is_some_and(|it| it.output_schema.is_some());
    let output = answer.clone().filter(|_| typed);
    let result = runs.result(&ctx, &run).await?;
    Ok(Json(RunView {
        answer,
        output,
        agent_version: agent.map(|it| it.version),
        result: result.map(ResultView::from),
        ..run.into()
    }))
}

/// Ask for the end of a run and of those it started.
///
/// Idempotent: asking for the end of a run that is over answers 200 with the run as it is.
#[utoipa::path(
    post, path = "/v1/runs/{id}/cancel", tag = "runs", operation_id = "run_cancel",
    params(("id" = String, Path, description = "`run_…`")),
    responses((status = 200, body = RunView), (status = 404, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn cancel(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
) -> Result<Json<RunView>, Problem> {
    Ok(Json(runs.cancel(&ctx, id).await?.into()))
}

/// What a person decides about an outcome that nobody knows.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Decision {
    decision: DecisionKind,
}

/// `repeat` it, `skip` it, or `fail` the run.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DecisionKind {
    Repeat,
    Skip,
    Fail,
}

/// Decide about the unknown outcome that a run waits for.
#[utoipa::path(
    post, path = "/v1/runs/{id}/resolve", tag = "runs", operation_id = "run_resolve",
    params(("id" = String, Path, description = "`run_…`")),
    request_body = Decision,
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn resolve(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
    Json(Decision { decision }): Json<Decision>,
) -> Result<Json<RunView>, Problem> {
    let resolution = match decision {
        DecisionKind::Repeat => Resolution::Repeat,
        DecisionKind::Skip => Resolution::Skip,
        DecisionKind::Fail => Resolution::Fail,
    };
    Ok(Json(runs.resolve(&ctx, id, resolution).await?.into()))
}

/// A signal.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Signal {
    #[garde(length(chars, min = 1, max = limits::NAME_CHARS_MAX))]
    name: String,
    /// What it carries.
    #[serde(default)]
    #[schema(value_type = Object)]
    data: Value,
}

/// Send a signal to a run, which takes it when it waits for one of this name.
#[utoipa::path(
    post, path = "/v1/runs/{id}/signals", tag = "runs", operation_id = "run_signal",
    params(("id" = String, Path, description = "`run_…`")),
    request_body = Signal,
    responses((status = 202), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn signal(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
    _key: Key,
    Json(signal): Json<Signal>,
) -> Result<StatusCode, Problem> {
    runs.signal(&ctx, id, &signal.name, &signal.data).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A call of a tool.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Invocation {
    /// The tool's arguments.
    #[serde(default = "no_arguments")]
    #[schema(value_type = Object)]
    arguments: Value,
    /// The session that the run belongs to (`ses_…`).
    #[schema(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// The workspace of files; `default` unless given.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    workspace: Option<String>,
}

fn no_arguments() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Call a tool directly: a run of one intent, on the same road as everything.
#[utoipa::path(
    post, path = "/v1/tools/{name}/invoke", tag = "tools", operation_id = "tool_invoke",
    params(("name" = String, Path, description = "the tool's name")),
    request_body = Invocation,
    responses(
        (status = 202, body = RunView),
        (status = 402, body = Problem, description = "the plan has no room for it today"),
        (status = 422, body = Problem),
        (status = 429, body = Problem),
        (status = 503, body = Problem),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn invoke(
    State(runs): State<Runs>,
    Member(ctx): Member,
    Path(name): Path<String>,
    key: Key,
    OptionalJson(invocation): OptionalJson<Invocation>,
) -> Result<(StatusCode, Json<RunView>), Problem> {
    let invocation = invocation.unwrap_or_else(|| Invocation {
        arguments: no_arguments(),
        session_id: None,
        workspace: None,
    });
    if tools::builtin(&name).is_none() && tools::http_tools::find(&ctx, &name).await?.is_none() {
        return Err(Problem::not_found("tool"));
    }
    let turnstile = runs.engine().road().turnstile();
    if let Some(refusal) = tools::plans::look(turnstile, &ctx, &name).await? {
        return Err(tools::http::limit_problem(&refusal, ctx.now()));
    }
    vocab::canonical::to_string(&invocation.arguments)
        .map_err(|error| Problem::invalid_field("/arguments", error.to_string()))?;
    let new = NewRun {
        input: Input::Tool {
            tool: name,
            arguments: invocation.arguments,
        },
        workspace: invocation.workspace.unwrap_or_else(|| "default".to_owned()),
        session: invocation.session_id,
        agent: None,
        parent: None,
        has_read: policy::HasRead::default(),
    };
    let mut tx = ctx
        .write()
        .await
        .map_err(|error| queue_problem(error.into()))?;
    let queued = runs
        .enqueue_in(&ctx, &mut tx, new)
        .await
        .map_err(queue_problem)?;
    let view = RunView::from(queued.run.clone());
    key.claim(&mut tx, StatusCode::ACCEPTED, &view).await?;
    tx.commit()
        .await
        .map_err(|error| queue_problem(error.into()))?;
    runs.started(queued);
    Ok((StatusCode::ACCEPTED, Json(view)))
}
