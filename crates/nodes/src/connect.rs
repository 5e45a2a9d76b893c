//! `GET /v1/nodes/connect`: where a node comes in.
//!
//! The route is a node's, not a person's: it authenticates the node's own credential and takes no
//! part in the organisation's sessions and keys. A browser can't open it, since a page can't set
//! the `Authorization` header of a WebSocket.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use edge::Problem;
use protocol::limits::FRAME_BYTES_MAX;

use crate::service::Nodes;
use crate::store::Admitted;
use crate::{connection, credential, registry};

/// Lets a node in and serves its connection.
pub(crate) async fn connect(
    State(nodes): State<Nodes>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match admit(&nodes, &headers, upgrade).await {
        Ok((upgrade, admitted)) => upgrade
            .max_message_size(FRAME_BYTES_MAX)
            .max_frame_size(FRAME_BYTES_MAX)
            .on_upgrade(move |socket| {
                let tasks = nodes.0.tasks.clone();
                tasks.track_future(connection::serve(nodes, socket, admitted))
            }),
        Err(problem) => problem.into_response(),
    }
}

async fn admit(
    nodes: &Nodes,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<(WebSocketUpgrade, Admitted), Problem> {
    let digest = bearer(headers).and_then(credential::digest);
    let digest = digest.ok_or_else(Problem::unauthenticated)?;
    let found = registry::admit(nodes, digest).await?;
    let admitted = found.ok_or_else(Problem::unauthenticated)?;
    let upgrade = upgrade.map_err(|_| {
        let detail = "nodes speak WebSocket here";
        Problem::new(StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED", detail)
    })?;
    Ok((upgrade, admitted))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}
