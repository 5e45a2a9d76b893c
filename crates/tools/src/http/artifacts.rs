//! `/v1/artifacts`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use edge::{Json, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Query, Viewer, routes};
use garde::Validate;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vault::{Artifact, ArtifactError, ArtifactFilter, ContentError, Vault};
use vocab::{ArtifactId, Digest, RunId, SessionId, Timestamp};

/// The routes.
pub(crate) fn routes(vault: Vault) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(content))
        .with_state(vault)
}

fn problem(error: ArtifactError) -> Problem {
    match error {
        ArtifactError::NotFound => Problem::not_found("artifact"),
        ArtifactError::Content(ContentError::Erased) => {
            Problem::gone("CONTENT_ERASED", "the artifact's content was erased")
        }
        ArtifactError::Store(source) => source.into(),
        other => {
            tracing::error!(
                error = &other as &dyn std::error::Error,
                "an artifact can't be read"
            );
            Problem::unavailable(
                "CONTENT_UNAVAILABLE",
                "the artifact can't be read at the moment",
            )
        }
    }
}

/// What a list of artifacts is narrowed to.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `ses_…`
    #[param(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// `run_…`
    #[param(value_type = Option<String>)]
    run_id: Option<RunId>,
}

/// An artifact, without its content.
#[derive(Serialize, ToSchema)]
struct ArtifactView {
    /// `art_…`
    #[schema(value_type = String)]
    id: ArtifactId,
    name: String,
    media_type: String,
    size_bytes: u64,
    #[schema(value_type = String)]
    digest: Digest,
    #[schema(value_type = Option<String>)]
    session_id: Option<SessionId>,
    #[schema(value_type = Option<String>)]
    run_id: Option<RunId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Artifact> for ArtifactView {
    fn from(it: Artifact) -> Self {
        Self {
            id: it.id,
            name: it.name,
            media_type: it.media,
            size_bytes: it.size_bytes,
            digest: it.digest,
            session_id: it.session,
            run_id: it.run,
            created_at: it.created_at,
        }
    }
}

/// List artifacts, the newest first.
#[utoipa::path(
    get, path = "/v1/artifacts", tag = "artifacts", operation_id = "artifact_list",
    params(PageParams, Filter),
    responses((status = 200, body = Page<ArtifactView>)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(vault): State<Vault>,
    Viewer(ctx): Viewer,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<ArtifactView>>, Problem> {
    let filter = ArtifactFilter {
        session: filter.session_id,
        run: filter.run_id,
    };
    let before = paging.after()?;
    let found = vault
        .artifacts
        .list(&ctx, &filter, before, paging.fetch())
        .await;
    let page = Page::cut(found.map_err(problem)?, &paging, |it| it.id);
    Ok(Json(page.map(ArtifactView::from)))
}

/// One artifact.
#[utoipa::path(
    get, path = "/v1/artifacts/{id}", tag = "artifacts", operation_id = "artifact_get",
    params(("id" = String, Path, description = "`art_…`")),
    responses((status = 200, body = ArtifactView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn get(
    State(vault): State<Vault>,
    Viewer(ctx): Viewer,
    Path(id): Path<ArtifactId>,
) -> Result<Json<ArtifactView>, Problem> {
    Ok(Json(
        vault.artifacts.get(&ctx, id).await.map_err(problem)?.into(),
    ))
}

/// An artifact's bytes, as a download: a browser never shows what an agent made as a page of ours.
#[utoipa::path(
    get, path = "/v1/artifacts/{id}/content", tag = "artifacts", operation_id = "artifact_content",
    params(("id" = String, Path, description = "`art_…`")),
    responses((status = 200, content_type = "application/octet-stream"), (status = 404, body = Problem), (status = 410, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn content(
    State(vault): State<Vault>,
    Viewer(ctx): Viewer,
    Path(id): Path<ArtifactId>,
) -> Result<Response, Problem> {
    let (_, bytes) = vault.artifacts.content(&ctx, id).await.map_err(problem)?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{id}\""),
        ),
        // Whoever shows it all the same gives it no origin and lets it run nothing.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    Ok((headers, bytes).into_response())
}
