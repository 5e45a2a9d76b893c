//! `/v1/sessions/{session_id}/hold`, and deleting a session

use ::http::StatusCode;
use axum::extract::State;
use edge::{Admin, Json, OpenApiRouter, Path, Problem, routes};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{SessionId, Timestamp, UserId};

use crate::Chat;
use crate::model::Hold;

/// Why a session is held.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct HoldBody {
    /// Whoever reads the hold sees it; the record keeps its digest.
    reason: String,
}

/// A legal hold on a session.
#[derive(Serialize, ToSchema)]
struct HoldView {
    #[schema(value_type = String)]
    session_id: SessionId,
    reason: String,
    /// `usr_…`: who put it there; null if it was an API key.
    #[schema(value_type = Option<String>)]
    held_by: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    held_at: Timestamp,
}

impl HoldView {
    fn new(session_id: SessionId, it: &Hold, reason: String) -> Self {
        Self {
            session_id,
            reason,
            held_by: it.by.user,
            held_at: it.at,
        }
    }
}

/// Put a legal hold on a session.
///
/// Until it is released, nobody deletes the session and no rule of retention touches it.
#[utoipa::path(
    put, path = "/v1/sessions/{session_id}/hold", tag = "sessions", operation_id = "session_hold",
    params(("session_id" = String, Path, description = "`ses_…`")),
    request_body = HoldBody,
    responses(
        (status = 200, body = HoldView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`SESSION_HELD`: it is held already"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn hold(
    State(chat): State<Chat>,
    Admin(ctx): Admin,
    Path(id): Path<SessionId>,
    Json(body): Json<HoldBody>,
) -> Result<Json<HoldView>, Problem> {
    let mut tx = ctx.write().await?;
    let hold = chat.hold(&ctx, &mut tx, id, &body.reason).await?;
    tx.commit().await?;
    Ok(Json(HoldView::new(id, &hold, body.reason)))
}

/// Read the legal hold on a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/hold", tag = "sessions", operation_id = "session_hold_get",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 200, body = HoldView),
        (status = 404, body = Problem, description = "no such session, or it is not held"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn held(
    State(chat): State<Chat>,
    Admin(ctx): Admin,
    Path(id): Path<SessionId>,
) -> Result<Json<HoldView>, Problem> {
    let (hold, reason) = chat.held(&ctx, id).await?;
    Ok(Json(HoldView::new(id, &hold, reason)))
}

/// Release a session from its legal hold.
#[utoipa::path(
    delete, path = "/v1/sessions/{session_id}/hold", tag = "sessions",
    operation_id = "session_release",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 204),
        (status = 404, body = Problem, description = "no such session, or it is not held"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn release(
    State(chat): State<Chat>,
    Admin(ctx): Admin,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let mut tx = ctx.write().await?;
    chat.release(&ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a session.
///
/// Its messages, its archive and its artifacts go, and the key under which everything was sealed that
/// was said and done in it: nothing of that can be read any more, wherever a copy may be. The record
/// remains, with digests.
#[utoipa::path(
    delete, path = "/v1/sessions/{session_id}", tag = "sessions", operation_id = "session_delete",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 204),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`SESSION_HELD`, or `SESSION_BUSY`"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn delete(
    State(chat): State<Chat>,
    Admin(ctx): Admin,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    chat.delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(hold, held, release))
        .routes(routes!(delete))
        .with_state(chat)
}
