//! `GET /v1/nodes/connect`: where a node comes in.
//!
//! The route is a node's, not a person's: it authenticates the node's own credential and takes no
//! part in the organisation's sessions and keys. A browser can't open it, since a page can't set
//! the `Authorization` header of a WebSocket.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::limits::FRAME_BYTES_MAX;

use crate::service::Nodes;
use crate::{connection, credential, registry};

/// Lets a node in and serves its connection.
pub(crate) async fn connect(
    State(nodes): State<Nodes>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(digest) = bearer(&headers).and_then(credential::digest) else {
        return unauthenticated();
    };
    let admitted = match registry::admit(&nodes, digest).await {
        Ok(Some(admitted)) => admitted,
        Ok(None) => return unauthenticated(),
        Err(error) => return unavailable(error),
    };
    upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| {
            let tasks = nodes.0.tasks.clone();
            tasks.track_future(connection::serve(nodes, socket, admitted))
        })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn unauthenticated() -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
}

fn unavailable(error: db::StoreError) -> Response {
    tracing::warn!(error = &error as &dyn std::error::Error, "a node was not let in");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
