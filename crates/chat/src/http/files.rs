//! `POST /v1/artifacts`: files that people put into a session

use ::http::{StatusCode, header};
use axum::extract::{FromRequest, Request, State};
use bytes::Bytes;
use edge::{Json, Key, Member, OpenApiRouter, Problem, Query, routes};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vault::Artifact;
use vocab::{ArtifactId, Digest, SessionId, Timestamp, limits};

use crate::Chat;

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct UploadQuery {
    /// `ses_…`: the session that it belongs to.
    #[param(value_type = String)]
    session_id: SessionId,
    /// What it is called.
    name: String,
}

/// The bytes of a file, and what whoever sends it says they are.
struct Upload {
    media: String,
    bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE);
        let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
        // Parameters such as a charset are about sending it.
        let media = media.split(';').next().unwrap_or_default().trim();
        let media = media.to_ascii_lowercase();
        let most = limits::UPLOAD_BYTES_MAX;
        let bytes = axum::body::to_bytes(request.into_body(), most).await;
        let bytes = bytes.map_err(|_| Problem::too_large(most))?;
        Ok(Self { media, bytes })
    }
}

/// A file in a session.
#[derive(Serialize, ToSchema)]
struct FileView {
    /// `art_…`
    #[schema(value_type = String)]
    id: ArtifactId,
    name: String,
    media_type: String,
    size_bytes: u64,
    #[schema(value_type = String)]
    digest: Digest,
    #[schema(value_type = String)]
    session_id: SessionId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl FileView {
    fn new(session_id: SessionId, it: Artifact) -> Self {
        Self {
            id: it.id,
            name: it.name,
            media_type: it.media,
            size_bytes: it.size_bytes,
            digest: it.digest,
            session_id,
            created_at: it.created_at,
        }
    }
}

/// Put a file into a session.
///
/// The body is the file, at most 32 MiB, and `Content-Type` its media type: a claim that is kept with
/// it and never believed. It is served as a download and nothing else. With an `Idempotency-Key` it may
/// have 2 MiB.
#[utoipa::path(
    post, path = "/v1/artifacts", tag = "artifacts", operation_id = "artifact_upload",
    params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = FileView),
        (status = 404, body = Problem),
        (status = 413, body = Problem),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn upload(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Query(asked): Query<UploadQuery>,
    key: Key,
    upload: Upload,
) -> Result<(StatusCode, Json<FileView>), Problem> {
    let id = asked.session_id;
    let file = (upload.media.as_str(), upload.bytes);
    let prepared = chat.prepare_file(&ctx, id, file).await?;
    let mut tx = ctx.write().await?;
    let named = (asked.name.as_str(), &prepared);
    let kept = chat.keep_file(&ctx, &mut tx, id, named).await?;
    let view = FileView::new(id, kept);
    key.claim(&mut tx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(upload))
        .with_state(chat)
}
