//! `/v1/agents`

use edge::{
    Admin, Change, Json, Key, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Query,
    Viewer, routes,
};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use vocab::{AgentId, ModelProfileId};

use crate::model::{
    Agent, AgentState, Definition, Engine, Planner, STEPS_DEFAULT, Turn, WORKSPACE_DEFAULT,
};
use crate::service;

/// A new agent.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct NewAgent {
    /// By which it is called; unique in the organisation.
    name: String,
    #[serde(default)]
    description: String,
    /// What it is told to be.
    #[serde(default)]
    instructions: String,
    #[serde(default = "builtin")]
    engine: Engine,
    #[serde(default = "rules")]
    planner: Planner,
    /// `mdl_…`
    #[schema(value_type = Option<String>)]
    model_profile_id: Option<ModelProfileId>,
    /// The tools that it may ask for; policy decides on each use besides.
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default = "steps")]
    max_steps: u32,
    budget_usd_micros: Option<u64>,
    /// The JSON schema that its answers fit; for agents whose planner is `model`.
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Value>,
    #[serde(default)]
    labels: Vec<String>,
    /// The workspace of its files, in runs that belong to no session.
    #[serde(default = "workspace")]
    workspace: String,
}

const fn builtin() -> Engine {
    Engine::Builtin
}

const fn rules() -> Planner {
    Planner::Rules
}

const fn steps() -> u32 {
    STEPS_DEFAULT
}

fn workspace() -> String {
    WORKSPACE_DEFAULT.to_owned()
}

impl From<NewAgent> for Definition {
    fn from(new: NewAgent) -> Self {
        Self {
            name: new.name,
            description: new.description,
            instructions: new.instructions,
            engine: new.engine,
            planner: new.planner,
            model_profile_id: new.model_profile_id,
            tools: new.tools,
            max_steps: new.max_steps,
            budget_usd_micros: new.budget_usd_micros,
            output_schema: new.output_schema,
            labels: new.labels,
            workspace: new.workspace,
        }
    }
}

/// A change of an agent. What is left out stays as it is.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct AgentChange {
    name: Option<String>,
    description: Option<String>,
    instructions: Option<String>,
    engine: Option<Engine>,
    planner: Option<Planner>,
    /// `mdl_…`, or null for none
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    model_profile_id: Change<ModelProfileId>,
    tools: Option<Vec<String>>,
    max_steps: Option<u32>,
    /// Null for none.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    budget_usd_micros: Change<u64>,
    /// Null for none.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    output_schema: Change<Value>,
    labels: Option<Vec<String>>,
    workspace: Option<String>,
}

impl AgentChange {
    fn apply(self, to: Definition) -> Definition {
        let mut changed = Definition {
            name: self.name.unwrap_or(to.name),
            description: self.description.unwrap_or(to.description),
            instructions: self.instructions.unwrap_or(to.instructions),
            engine: self.engine.unwrap_or(to.engine),
            planner: self.planner.unwrap_or(to.planner),
            model_profile_id: to.model_profile_id,
            tools: self.tools.unwrap_or(to.tools),
            max_steps: self.max_steps.unwrap_or(to.max_steps),
            budget_usd_micros: to.budget_usd_micros,
            output_schema: to.output_schema,
            labels: self.labels.unwrap_or(to.labels),
            workspace: self.workspace.unwrap_or(to.workspace),
        };
        self.model_profile_id.apply(&mut changed.model_profile_id);
        self.budget_usd_micros.apply(&mut changed.budget_usd_micros);
        self.output_schema.apply(&mut changed.output_schema);
        changed
    }
}

/// An agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentView {
    /// `agt_…`
    #[schema(value_type = String)]
    id: AgentId,
    state: AgentState,
    version: u32,
    #[serde(flatten)]
    definition: DefinitionView,
    #[schema(value_type = String, format = DateTime)]
    created_at: vocab::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: vocab::Timestamp,
}

/// What an agent is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct DefinitionView {
    name: String,
    description: String,
    instructions: String,
    engine: Engine,
    planner: Planner,
    #[schema(value_type = Option<String>)]
    model_profile_id: Option<ModelProfileId>,
    tools: Vec<String>,
    max_steps: u32,
    budget_usd_micros: Option<u64>,
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Value>,
    labels: Vec<String>,
    workspace: String,
}

impl From<Definition> for DefinitionView {
    fn from(it: Definition) -> Self {
        Self {
            name: it.name,
            description: it.description,
            instructions: it.instructions,
            engine: it.engine,
            planner: it.planner,
            model_profile_id: it.model_profile_id,
            tools: it.tools,
            max_steps: it.max_steps,
            budget_usd_micros: it.budget_usd_micros,
            output_schema: it.output_schema,
            labels: it.labels,
            workspace: it.workspace,
        }
    }
}

impl From<Agent> for AgentView {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id,
            state: agent.state,
            version: agent.version,
            definition: agent.definition.into(),
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct AgentFilter {
    /// Only agents in this state.
    #[param(inline)]
    state: Option<AgentState>,
}

/// Make an agent.
#[utoipa::path(
    post, path = "/v1/agents", tag = "agents", operation_id = "agent_create",
    request_body = NewAgent,
    responses(
        (status = 201, body = AgentView),
        (status = 409, body = Problem, description = "the name is taken"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn create(
    Admin(ctx): Admin,
    key: Key,
    Json(new): Json<NewAgent>,
) -> Result<(StatusCode, Json<AgentView>), Problem> {
    let known = service::known_tools(&ctx).await?;
    let mut tx = ctx.write().await?;
    let agent = service::create(&ctx, &mut tx, new.into(), &known).await?;
    let view = AgentView::from(agent);
    key.claim(&mut tx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// List agents, in the order in which they were made.
#[utoipa::path(
    get, path = "/v1/agents", tag = "agents", operation_id = "agent_list",
    params(PageParams, AgentFilter),
    responses((status = 200, body = Page<AgentView>), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    Viewer(ctx): Viewer,
    Query(filter): Query<AgentFilter>,
    paging: Paging,
) -> Result<Json<Page<AgentView>>, Problem> {
    let agents = service::list(&ctx, paging.after()?, filter.state, paging.fetch()).await?;
    Ok(Json(
        Page::cut(agents, &paging, |agent| agent.id).map(AgentView::from),
    ))
}

/// Read an agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}", tag = "agents", operation_id = "agent_get",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    responses((status = 200, body = AgentView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn get(Viewer(ctx): Viewer, Path(id): Path<AgentId>) -> Result<Json<AgentView>, Problem> {
    Ok(Json(service::get(&ctx, id).await?.into()))
}

/// Change an agent.
///
/// A change that changes something makes a new version; runs that are under way keep theirs.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}", tag = "agents", operation_id = "agent_update",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    request_body = AgentChange,
    responses(
        (status = 200, body = AgentView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the name is taken, or the agent is retired"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn update(
    Admin(ctx): Admin,
    Path(id): Path<AgentId>,
    Json(change): Json<AgentChange>,
) -> Result<Json<AgentView>, Problem> {
    let known = service::known_tools(&ctx).await?;
    let mut tx = ctx.write().await?;
    let before = service::get_in(&mut tx, id).await?;
    let agent = service::update(&ctx, &mut tx, id, |it| change.apply(it), &known).await?;
    if agent != before {
        tx.commit().await?;
    }
    Ok(Json(agent.into()))
}

/// Delete an agent.
///
/// Its name is free again; its versions stay.
#[utoipa::path(
    delete, path = "/v1/agents/{agent_id}", tag = "agents", operation_id = "agent_delete",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    responses((status = 204), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn delete(Admin(ctx): Admin, Path(id): Path<AgentId>) -> Result<StatusCode, Problem> {
    let mut tx = ctx.write().await?;
    service::delete(&ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause an agent: it starts no runs until it is activated.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/pause", tag = "agents", operation_id = "agent_pause",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    responses(
        (status = 200, body = AgentView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the agent is retired"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn pause(Admin(ctx): Admin, Path(id): Path<AgentId>) -> Result<Json<AgentView>, Problem> {
    turn(&ctx, id, Turn::Pause).await
}

/// Activate a paused agent.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/activate", tag = "agents", operation_id = "agent_activate",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    responses(
        (status = 200, body = AgentView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the agent is retired"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn activate(Admin(ctx): Admin, Path(id): Path<AgentId>) -> Result<Json<AgentView>, Problem> {
    turn(&ctx, id, Turn::Activate).await
}

/// Retire an agent: it never starts a run again.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/retire", tag = "agents", operation_id = "agent_retire",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    responses((status = 200, body = AgentView), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn retire(Admin(ctx): Admin, Path(id): Path<AgentId>) -> Result<Json<AgentView>, Problem> {
    turn(&ctx, id, Turn::Retire).await
}

/// Turning is idempotent by itself: the second time there is nothing to commit.
async fn turn(ctx: &db::OrgContext, id: AgentId, turn: Turn) -> Result<Json<AgentView>, Problem> {
    let mut tx = ctx.write().await?;
    let before = service::get_in(&mut tx, id).await?;
    let agent = service::turn(ctx, &mut tx, id, turn).await?;
    if agent.state != before.state {
        tx.commit().await?;
    }
    Ok(Json(agent.into()))
}

/// What can run an agent.
#[derive(Serialize, ToSchema)]
struct EngineView {
    name: Engine,
    /// How its agents can decide.
    planners: Vec<Planner>,
}

/// The engines of agents.
#[derive(Serialize, ToSchema)]
struct Engines {
    items: Vec<EngineView>,
    /// Always null.
    next_cursor: Option<String>,
}

/// List what can run an agent.
#[utoipa::path(
    get, path = "/v1/agent/engines", tag = "meta", operation_id = "engine_list",
    responses((status = 200, body = Engines)),
    security(("bearer" = ["viewer"])),
)]
async fn engines(_: Viewer) -> Json<Engines> {
    Json(Engines {
        items: vec![EngineView {
            name: Engine::Builtin,
            planners: vec![Planner::Model, Planner::Rules],
        }],
        next_cursor: None,
    })
}

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(pause))
        .routes(routes!(activate))
        .routes(routes!(retire))
        .routes(routes!(engines))
}
