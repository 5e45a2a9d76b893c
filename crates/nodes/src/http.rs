//! The routes of nodes: enrolling, seeing and revoking them, and where they come in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use edge::{Admin, Json, Key, OpenApiRouter, Page, Paging, Path, Problem, Viewer, routes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{ExposeSecret, NodeId, Timestamp, limits};

use crate::connect::connect;
use crate::error::NodesError;
use crate::model::Node;
use crate::service::Nodes;

/// A node to be enrolled.
#[derive(Debug, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    /// What people call it; no other node of the organisation has this name.
    #[garde(length(chars, min = 1, max = limits::NAME_CHARS_MAX))]
    #[schema(min_length = 1, max_length = 128)]
    name: String,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeView {
    /// `nod_…`
    #[schema(value_type = String)]
    id: NodeId,
    /// What people call it.
    name: String,
    /// Whether it belongs to the installation and serves every organisation.
    shared: bool,
    /// `enrolled`, `connected`, `disconnected` or `revoked`.
    status: &'static str,
    /// The version of its program, as it said when it last connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// How many jobs it works on at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<u32>,
    /// What it probed that it can enforce: the level, and each driver with its gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    enforcement: Option<serde_json::Value>,
    /// When it was enrolled.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last known to be alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// A node that was enrolled just now.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolledNode {
    /// The node.
    node: NodeView,
    /// What the node shows to be let in (`chn_…`). It is shown this once.
    credential: String,
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
        let (version, slots, enforcement) = match node.introduction {
            Some(about) => {
                let enforcement = serde_json::to_value(about.enforcement).ok();
                (Some(about.version), Some(about.slots), enforcement)
            }
            None => (None, None, None),
        };
        Self {
            id: node.id,
            name: node.name,
            shared: node.org.is_none(),
            status: node.status.as_str(),
            version,
            slots,
            enforcement,
            created_at: node.created_at,
            last_seen_at: node.last_seen_at,
            revoked_at: node.revoked_at,
        }
    }
}

impl From<NodesError> for Problem {
    fn from(error: NodesError) -> Self {
        match error {
            NodesError::NotFound(_) => Self::not_found("node"),
            NodesError::Shared(_) => {
                let detail = "the node belongs to the installation; only who runs it can remove it";
                Self::new(StatusCode::FORBIDDEN, "NODE_SHARED", detail)
            }
            NodesError::NameTaken(name) => {
                Self::conflict("NAME_TAKEN", format!("a node is called `{name}` already"))
            }
            NodesError::NameInvalid => {
                Self::invalid_field("/name", "no control characters, and no space at its ends")
            }
            NodesError::TooMany { limit } => {
                let detail = format!("the organisation has {limit} nodes, as many as it may have");
                Self::conflict("NODES_LIMIT", detail)
            }
            NodesError::Store(source) => Self::from(source),
        }
    }
}

/// Enrol a node.
///
/// The answer holds the node's credential, which is shown this once. Start `chancery-node` with it.
#[utoipa::path(
    post, path = "/v1/nodes", tag = "nodes", operation_id = "node_create",
    request_body = NewNode,
    responses(
        (status = 201, body = EnrolledNode),
        (status = 409, body = Problem, description = "the name is taken, or there are too many"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
    extensions(("x-idempotency" = json!("atomic-secret"))),
)]
async fn create(
    State(nodes): State<Nodes>,
    Admin(ctx): Admin,
    key: Key,
    Json(new): Json<NewNode>,
) -> Result<(StatusCode, Json<EnrolledNode>), Problem> {
    let mut enrolment = nodes.enrol(&ctx, &new.name).await?;
    let answer = EnrolledNode {
        node: enrolment.node.clone().into(),
        credential: enrolment.credential.expose_secret().to_owned(),
    };
    key.claim(enrolment.tx(), StatusCode::CREATED, &answer)
        .await?;
    enrolment.commit().await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// List the nodes that may work for the organisation: its own and the installation's.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "nodes", operation_id = "node_list",
    params(edge::PageParams),
    responses((status = 200, body = Page<NodeView>)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(nodes): State<Nodes>,
    Viewer(ctx): Viewer,
    paging: Paging,
) -> Result<Json<Page<NodeView>>, Problem> {
    let found = nodes.list(&ctx, paging.after()?, paging.fetch()).await?;
    Ok(Json(
        Page::cut(found, &paging, |node| node.id).map(NodeView::from),
    ))
}

/// Read a node.
#[utoipa::path(
    get, path = "/v1/nodes/{node_id}", tag = "nodes", operation_id = "node_get",
    params(("node_id" = String, Path, description = "`nod_…`")),
    responses((status = 200, body = NodeView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn read(
    State(nodes): State<Nodes>,
    Viewer(ctx): Viewer,
    Path(id): Path<NodeId>,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes.get(&ctx, id).await?.into()))
}

/// Revoke a node. Its connection is cut at once, and its credential opens nothing any more.
///
/// The files of its workspaces stay on its machine; the workspaces begin anew on another node.
/// Revoking a revoked node changes nothing and answers the same.
#[utoipa::path(
    delete, path = "/v1/nodes/{node_id}", tag = "nodes", operation_id = "node_revoke",
    params(("node_id" = String, Path, description = "`nod_…`")),
    responses(
        (status = 204, description = "it is revoked"),
        (status = 403, body = Problem, description = "the node is the installation's"),
        (status = 404, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn revoke(
    State(nodes): State<Nodes>,
    Admin(ctx): Admin,
    Path(id): Path<NodeId>,
) -> Result<StatusCode, Problem> {
    nodes.revoke(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes. `/v1/nodes/connect` is not in the document: it is no operation of a caller's, and
/// OpenAPI has no words for a WebSocket.
pub fn routes(nodes: Nodes) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, revoke))
        .route("/v1/nodes/connect", get(connect))
        .with_state(nodes)
}
