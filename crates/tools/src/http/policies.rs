//! `/v1/policies`

use axum::extract::State;
use edge::{
    Admin, Json, Key, Member, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Viewer,
    routes,
};
use garde::Validate;
use http::StatusCode;
use policy::HasRead;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vocab::{AgentId, PolicyId, Timestamp, limits};

use crate::call::{CallError, Surroundings};
use crate::policies::{NewPolicy, Policy, PolicyVersion};
use crate::road::{Asker, Road, detected};

/// The routes.
pub(crate) fn routes(road: Road) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(publish, delete))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(schema))
        .routes(routes!(check))
        .with_state(road)
}

/// A policy in force.
#[derive(Serialize, ToSchema)]
struct PolicyView {
    /// `pol_…`
    #[schema(value_type = String)]
    id: PolicyId,
    name: String,
    /// Whether it is the ceiling that other policies can only narrow.
    managed: bool,
    version: u32,
    cedar: String,
    comment: String,
    #[schema(value_type = String, format = DateTime)]
    published_at: Timestamp,
}

impl From<Policy> for PolicyView {
    fn from(it: Policy) -> Self {
        Self {
            id: it.id,
            name: it.name,
            managed: it.managed,
            version: it.version,
            cedar: it.cedar,
            comment: it.comment,
            published_at: it.published_at,
        }
    }
}

/// All policies in force.
#[derive(Serialize, ToSchema)]
struct PolicyList {
    items: Vec<PolicyView>,
    /// Always null: an organisation has few enough policies for one page.
    next_cursor: Option<String>,
}

/// A policy to be published.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct PolicyDraft {
    /// One or more Cedar rules; see `GET /v1/policies/schema`.
    #[garde(length(bytes, max = limits::POLICY_BYTES_MAX))]
    cedar: String,
    /// What changed and why.
    #[serde(default)]
    #[garde(length(chars, max = limits::TEXT_CHARS_MAX))]
    comment: String,
    /// Whether it is the ceiling that other policies can only narrow.
    #[serde(default)]
    managed: bool,
}

/// List the policies in force.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies", operation_id = "policy_list",
    responses((status = 200, body = PolicyList)),
    security(("bearer" = ["viewer"])),
)]
async fn list(State(road): State<Road>, Viewer(ctx): Viewer) -> Result<Json<PolicyList>, Problem> {
    let items = road
        .policies()
        .list(&ctx)
        .await?
        .into_iter()
        .map(PolicyView::from)
        .collect();
    Ok(Json(PolicyList {
        items,
        next_cursor: None,
    }))
}

/// A policy as it was published once.
#[derive(Serialize, ToSchema)]
struct PolicyVersionView {
    version: u32,
    /// Whether it was the ceiling that other policies can only narrow.
    managed: bool,
    cedar: String,
    comment: String,
    /// The chain of who published it.
    #[schema(value_type = Object)]
    published_by: Value,
    #[schema(value_type = String, format = DateTime)]
    published_at: Timestamp,
}

impl From<PolicyVersion> for PolicyVersionView {
    fn from(it: PolicyVersion) -> Self {
        Self {
            version: it.version,
            managed: it.managed,
            cedar: it.cedar,
            comment: it.comment,
            published_by: serde_json::from_str(&it.published_by).unwrap_or_default(),
            published_at: it.published_at,
        }
    }
}

/// List the versions of a policy, the newest first. They stay when the policy is taken out of force.
#[utoipa::path(
    get, path = "/v1/policies/{name}/versions", tag = "policies", operation_id = "policy_versions",
    params(("name" = String, Path, description = "the policy's name"), PageParams),
    responses((status = 200, body = Page<PolicyVersionView>), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn versions(
    State(road): State<Road>,
    Viewer(ctx): Viewer,
    Path(name): Path<String>,
    paging: Paging,
) -> Result<Json<Page<PolicyVersionView>>, Problem> {
    let before = paging.after::<u32>()?;
    let found = road
        .policies()
        .versions(&ctx, &name, before, paging.fetch())
        .await?;
    let views = found.into_iter().map(PolicyVersionView::from).collect();
    Ok(Json(Page::cut(views, &paging, |it| it.version)))
}

/// Read one version of a policy.
#[utoipa::path(
    get, path = "/v1/policies/{name}/versions/{version}", tag = "policies",
    operation_id = "policy_version",
    params(
        ("name" = String, Path, description = "the policy's name"),
        ("version" = u32, Path, description = "from 1"),
    ),
    responses((status = 200, body = PolicyVersionView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn version(
    State(road): State<Road>,
    Viewer(ctx): Viewer,
    Path((name, version)): Path<(String, u32)>,
) -> Result<Json<PolicyVersionView>, Problem> {
    Ok(Json(
        road.policies().version(&ctx, &name, version).await?.into(),
    ))
}

/// Publish a policy: a new one, or the next version of one that is in force.
///
/// The whole set must compile; otherwise nothing changes and every problem is named.
#[utoipa::path(
    put, path = "/v1/policies/{name}", tag = "policies", operation_id = "policy_publish",
    params(("name" = String, Path, description = "letters, digits, `.`, `_`, `-`")),
    request_body = PolicyDraft,
    responses((status = 200, body = PolicyView), (status = 422, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn publish(
    State(road): State<Road>,
    Admin(ctx): Admin,
    Path(name): Path<String>,
    Json(draft): Json<PolicyDraft>,
) -> Result<Json<PolicyView>, Problem> {
    let PolicyDraft {
        cedar,
        comment,
        managed,
    } = draft;
    let published = road
        .policies()
        .publish(
            &ctx,
            NewPolicy {
                name,
                cedar,
                comment,
                managed,
            },
        )
        .await?;
    Ok(Json(published.into()))
}

/// Take a policy out of force.
#[utoipa::path(
    delete, path = "/v1/policies/{name}", tag = "policies", operation_id = "policy_delete",
    params(("name" = String, Path, description = "the policy's name")),
    responses((status = 204), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn delete(
    State(road): State<Road>,
    Admin(ctx): Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    road.policies().delete(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The schema that policies are checked against.
#[derive(Serialize, ToSchema)]
struct SchemaView {
    /// In Cedar's human-readable schema format.
    cedarschema: &'static str,
    /// A policy to begin with.
    example: &'static str,
}

/// The schema that policies are written against.
#[utoipa::path(
    get, path = "/v1/policies/schema", tag = "policies", operation_id = "policy_schema",
    responses((status = 200, body = SchemaView)),
    security(("bearer" = ["viewer"])),
)]
async fn schema(_viewer: Viewer) -> Json<SchemaView> {
    Json(SchemaView {
        cedarschema: policy::schema_text(),
        example: policy::example_policy(),
    })
}

/// An action to be checked, without doing it.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct CheckRequest {
    intent: IntentDraft,
}

/// What would be done.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct IntentDraft {
    /// The tool's name.
    tool: String,
    /// Its arguments.
    #[schema(value_type = Object)]
    arguments: Value,
    /// The agent that would ask (`agt_…`), and its name; without one, the caller asks.
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    agent_name: Option<String>,
    /// The labels of that agent.
    #[serde(default)]
    agent_labels: Vec<String>,
    /// The labels of the session in which it would ask.
    #[serde(default)]
    session_labels: Vec<String>,
    /// The workspace of files.
    workspace: Option<String>,
}

/// What the policies in force say.
#[derive(Serialize, ToSchema)]
struct DecisionView {
    /// `allow`, `deny` or `require_approval`
    decision: &'static str,
    /// The rules that made it so.
    determining: Vec<String>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_fix: Option<String>,
    /// From 0 to 100.
    risk: u8,
    /// The revision of the policies that said so.
    revision: String,
}

/// Ask what the policies in force would say about an action, as it would be decided now.
#[utoipa::path(
    post, path = "/v1/policies/check", tag = "policies", operation_id = "policy_check",
    request_body = CheckRequest,
    responses((status = 200, body = DecisionView), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn check(
    State(road): State<Road>,
    Member(ctx): Member,
    _key: Key,
    Json(CheckRequest { intent }): Json<CheckRequest>,
) -> Result<Json<DecisionView>, Problem> {
    let workspace = intent.workspace.as_deref().unwrap_or("default");
    let around = Surroundings {
        workspace,
        skill: None,
    };
    let call = road.intend(&ctx, &intent.tool, &intent.arguments, around);
    let call = call.await?.map_err(|error| match &error {
        CallError::UnknownTool(_) => Problem::invalid_field("/intent/tool", error.to_string()),
        CallError::Arguments(_) => Problem::invalid_field("/intent/arguments", error.to_string()),
    })?;
    if intent.agent_id.is_none() && ctx.actor().user.is_none() {
        let message = "nobody would ask";
        return Err(Problem::invalid_field("/intent/agent_id", message));
    }
    let name = intent.agent_name.as_deref().unwrap_or_default();
    let asker = Asker {
        agent: intent.agent_id.map(|id| (id, name)),
        agent_labels: &intent.agent_labels,
        run_kind: match intent.agent_id {
            Some(_) => "agent_turn",
            None => "tool",
        },
        session_labels: &intent.session_labels,
        has_read: HasRead::default(),
        spent_usd_micros: 0,
        detected: detected(&intent.arguments),
    };
    let place = road.place(&ctx, &call, workspace);
    let rulings = road.decide(&ctx, &call, &asker, place.as_ref()).await?;
    let ruling = rulings.strictest();
    let revision = ruling.revision().to_string();
    let decision = ruling.decision;
    Ok(Json(DecisionView {
        decision: decision.verdict.as_str(),
        determining: decision
            .determining
            .iter()
            .map(ToString::to_string)
            .collect(),
        reason: decision.reason,
        suggested_fix: decision.suggested_fix,
        risk: decision.risk,
        revision,
    }))
}
