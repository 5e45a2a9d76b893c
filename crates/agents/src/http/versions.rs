//! `/v1/agents/{agent_id}/versions`, what differs between two, and the way back.

use edge::{
    Admin, Json, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Query, Viewer, routes,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use vocab::AgentId;

use super::agents::{AgentView, DefinitionView};
use crate::diff::{self, Difference};
use crate::model::AgentVersion;
use crate::service;

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(difference))
        .routes(routes!(roll_back))
}

/// A version of an agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionView {
    version: u32,
    #[serde(flatten)]
    definition: DefinitionView,
    #[schema(value_type = String, format = DateTime)]
    created_at: vocab::Timestamp,
}

impl From<AgentVersion> for VersionView {
    fn from(it: AgentVersion) -> Self {
        Self {
            version: it.version,
            definition: it.definition.into(),
            created_at: it.created_at,
        }
    }
}

/// List the versions of an agent, the newest first.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/versions", tag = "agents", operation_id = "agent_versions",
    params(("agent_id" = String, Path, description = "`agt_…`"), PageParams),
    responses((status = 200, body = Page<VersionView>), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn versions(
    Viewer(ctx): Viewer,
    Path(id): Path<AgentId>,
    paging: Paging,
) -> Result<Json<Page<VersionView>>, Problem> {
    let versions = service::versions(&ctx, id, paging.after()?, paging.fetch()).await?;
    Ok(Json(
        Page::cut(versions, &paging, |it| it.version).map(VersionView::from),
    ))
}

/// Read one version of an agent; also of one that was deleted.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/versions/{version}", tag = "agents", operation_id = "agent_version",
    params(("agent_id" = String, Path, description = "`agt_…`"), ("version" = u32, Path, description = "from 1")),
    responses((status = 200, body = VersionView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn version(
    Viewer(ctx): Viewer,
    Path((id, version)): Path<(AgentId, u32)>,
) -> Result<Json<VersionView>, Problem> {
    Ok(Json(service::version(&ctx, id, version).await?.into()))
}

/// Two versions.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct Between {
    /// A version.
    from: u32,
    /// Another; the newest if it is left out.
    to: Option<u32>,
}

/// What differs between two versions.
#[derive(Serialize, ToSchema)]
struct DiffView {
    from: u32,
    to: u32,
    /// By the names of the members.
    changes: Vec<ChangeView>,
}

/// A member that differs.
#[derive(Serialize, ToSchema)]
struct ChangeView {
    member: String,
    /// What it was.
    #[schema(value_type = Value)]
    from: Value,
    /// What it is.
    #[schema(value_type = Value)]
    to: Value,
}

impl From<Difference> for ChangeView {
    fn from(it: Difference) -> Self {
        Self {
            member: it.member,
            from: it.from,
            to: it.to,
        }
    }
}

/// What differs between two versions of an agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/diff", tag = "agents", operation_id = "agent_diff",
    params(("agent_id" = String, Path, description = "`agt_…`"), Between),
    responses((status = 200, body = DiffView), (status = 404, body = Problem), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn difference(
    Viewer(ctx): Viewer,
    Path(id): Path<AgentId>,
    Query(between): Query<Between>,
) -> Result<Json<DiffView>, Problem> {
    let from = service::version(&ctx, id, between.from).await?;
    let to = match between.to {
        Some(to) => service::version(&ctx, id, to).await?,
        None => {
            let newest = service::versions(&ctx, id, None, 1).await?;
            newest
                .into_iter()
                .next()
                .ok_or_else(|| Problem::not_found("agent"))?
        }
    };
    let changes = diff::diff(&from.definition, &to.definition);
    Ok(Json(DiffView {
        from: from.version,
        to: to.version,
        changes: changes.into_iter().map(ChangeView::from).collect(),
    }))
}

/// Which version an agent is to be again.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct RollBack {
    version: u32,
}

/// Make an earlier version of an agent its next one.
///
/// Versions only ever come after one another: going back is a version, too. Runs that are under way
/// keep theirs. Going back to what it is already changes nothing.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/rollback", tag = "agents", operation_id = "agent_rollback",
    params(("agent_id" = String, Path, description = "`agt_…`")),
    request_body = RollBack,
    responses(
        (status = 200, body = AgentView),
        (status = 404, body = Problem, description = "no such agent, or no such version of it"),
        (status = 409, body = Problem, description = "its name is taken, or the agent is retired"),
        (status = 422, body = Problem, description = "the version does not fit any more"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn roll_back(
    Admin(ctx): Admin,
    Path(id): Path<AgentId>,
    Json(RollBack { version }): Json<RollBack>,
) -> Result<Json<AgentView>, Problem> {
    let known = service::known_tools(&ctx).await?;
    let mut tx = ctx.write().await?;
    let before = service::get_in(&mut tx, id).await?;
    let agent = service::roll_back(&ctx, &mut tx, id, version, &known).await?;
    if agent != before {
        tx.commit().await?;
    }
    Ok(Json(agent.into()))
}
