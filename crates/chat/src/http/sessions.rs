//! `/v1/sessions` and their members

use ::http::StatusCode;
use axum::extract::State;
use edge::{
    Json, Key, Member, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Query, Viewer,
    routes,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocab::{AgentId, SessionId, UserId};

use super::{SessionMemberView, SessionView};
use crate::model::{NewSession, Session, SessionChange, SessionStatus};
use crate::{Because, Chat};

/// A new session.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct NewSessionBody {
    #[serde(default)]
    title: String,
    /// For policies, which see them as `context.labels`, and for finding it again.
    #[serde(default)]
    labels: Vec<String>,
    /// Its agents (`agt_…`); the first answers unless a message names another.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    agent_ids: Vec<AgentId>,
    /// The workspace of its files; that of its first agent unless it is given.
    workspace: Option<String>,
}

impl From<NewSessionBody> for NewSession {
    fn from(body: NewSessionBody) -> Self {
        Self {
            title: body.title,
            labels: body.labels,
            agents: body.agent_ids,
            workspace: body.workspace,
        }
    }
}

/// A change of a session. What is left out stays as it is.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct SessionChangeBody {
    title: Option<String>,
    labels: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<String>>)]
    agent_ids: Option<Vec<AgentId>>,
    workspace: Option<String>,
}

impl From<SessionChangeBody> for SessionChange {
    fn from(body: SessionChangeBody) -> Self {
        Self {
            title: body.title,
            labels: body.labels,
            agents: body.agent_ids,
            workspace: body.workspace,
        }
    }
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct SessionFilter {
    /// Only sessions in this status.
    #[param(inline)]
    status: Option<SessionStatus>,
}

/// Make a session.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", operation_id = "session_create",
    request_body = NewSessionBody,
    responses((status = 201, body = SessionView), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn create(
    State(chat): State<Chat>,
    Member(ctx): Member,
    key: Key,
    Json(new): Json<NewSessionBody>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    let mut tx = ctx.write().await?;
    let view = SessionView::from(chat.create(&ctx, &mut tx, new.into()).await?);
    key.claim(&mut tx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// List sessions, the newest first.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions", operation_id = "session_list",
    params(PageParams, SessionFilter),
    responses((status = 200, body = Page<SessionView>), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Query(filter): Query<SessionFilter>,
    paging: Paging,
) -> Result<Json<Page<SessionView>>, Problem> {
    let found = chat
        .list(&ctx, filter.status, paging.after()?, paging.fetch())
        .await?;
    Ok(Json(
        Page::cut(found, &paging, |session| session.id).map(SessionView::from),
    ))
}

/// Read a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}", tag = "sessions", operation_id = "session_get",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses((status = 200, body = SessionView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn get(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    let session = chat.get(&ctx, id).await?;
    view(&chat, &ctx, session).await
}

/// Change a session.
#[utoipa::path(
    patch, path = "/v1/sessions/{session_id}", tag = "sessions", operation_id = "session_update",
    params(("session_id" = String, Path, description = "`ses_…`")),
    request_body = SessionChangeBody,
    responses(
        (status = 200, body = SessionView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "changed by somebody else at the same time"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["member"])),
)]
async fn update(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
    Json(change): Json<SessionChangeBody>,
) -> Result<Json<SessionView>, Problem> {
    let mut tx = ctx.write().await?;
    let before = chat.get_in(&mut tx, id).await?;
    let session = chat.update(&ctx, &mut tx, id, change.into()).await?;
    if session != before {
        tx.commit().await?;
    }
    Ok(Json(session.into()))
}

/// Archive a session.
///
/// Its messages, with everything that stands beside them, move into one compressed and sealed object;
/// `session.archived` in the record carries its digest. Reading messages answers 409
/// `SESSION_ARCHIVED` until the session is restored; the next message restores it by itself. A session
/// whose runs are not over is not archived.
#[utoipa::path(
    post, path = "/v1/sessions/{session_id}/archive", tag = "sessions",
    operation_id = "session_archive",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 200, body = SessionView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "busy, in use at this moment, or too large"),
    ),
    security(("bearer" = ["member"])),
)]
async fn archive(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    let session = chat.archive(&ctx, id, Because::Asked).await?;
    view(&chat, &ctx, session).await
}

/// Restore an archived session: everything is where it was.
#[utoipa::path(
    post, path = "/v1/sessions/{session_id}/restore", tag = "sessions",
    operation_id = "session_restore",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 200, body = SessionView),
        (status = 404, body = Problem),
        (status = 500, body = Problem, description = "`ARCHIVE_DAMAGED`: nothing was changed"),
    ),
    security(("bearer" = ["member"])),
)]
async fn restore(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    let session = chat.restore(&ctx, id).await?;
    view(&chat, &ctx, session).await
}

/// A session with its archive, if it has one.
async fn view(
    chat: &Chat,
    ctx: &db::OrgContext,
    session: Session,
) -> Result<Json<SessionView>, Problem> {
    let archive = match session.status {
        SessionStatus::Archived => chat.archive_of(ctx, session.id).await?,
        SessionStatus::Active | SessionStatus::Idle => None,
    };
    Ok(Json(SessionView::with(session, archive)))
}

/// Who to add.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct NewMember {
    /// `usr_…`, of a member of the organisation
    #[schema(value_type = String)]
    user_id: UserId,
}

/// The members of a session.
#[derive(Serialize, ToSchema)]
struct Members {
    items: Vec<SessionMemberView>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// List the members of a session, the first ones first.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/members", tag = "sessions",
    operation_id = "session_member_list",
    params(("session_id" = String, Path, description = "`ses_…`")),
    responses((status = 200, body = Members), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn members(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
) -> Result<Json<Members>, Problem> {
    let members = chat.members(&ctx, id).await?;
    let items = members.into_iter().map(SessionMemberView::from).collect();
    Ok(Json(Members {
        items,
        next_cursor: None,
    }))
}

/// Add a member to a session.
///
/// Adding a member again changes nothing.
#[utoipa::path(
    post, path = "/v1/sessions/{session_id}/members", tag = "sessions",
    operation_id = "session_member_add",
    params(("session_id" = String, Path, description = "`ses_…`")),
    request_body = NewMember,
    responses(
        (status = 204),
        (status = 404, body = Problem),
        (status = 422, body = Problem, description = "no member of the organisation"),
    ),
    security(("bearer" = ["member"])),
)]
async fn add_member(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
    Json(new): Json<NewMember>,
) -> Result<StatusCode, Problem> {
    // Not within the write transaction: somebody else's table is asked.
    chat.get(&ctx, id).await?;
    chat.check_person(&ctx, new.user_id).await?;
    let mut tx = ctx.write().await?;
    if chat.add_member(&ctx, &mut tx, id, new.user_id).await? {
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a member from a session.
#[utoipa::path(
    delete, path = "/v1/sessions/{session_id}/members/{user_id}", tag = "sessions",
    operation_id = "session_member_remove",
    params(
        ("session_id" = String, Path, description = "`ses_…`"),
        ("user_id" = String, Path, description = "`usr_…`"),
    ),
    responses(
        (status = 204),
        (status = 404, body = Problem),
    ),
    security(("bearer" = ["member"])),
)]
async fn remove_member(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path((id, user)): Path<(SessionId, UserId)>,
) -> Result<StatusCode, Problem> {
    let mut tx = ctx.write().await?;
    chat.remove_member(&ctx, &mut tx, id, user).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update))
        .routes(routes!(archive))
        .routes(routes!(restore))
        .routes(routes!(members, add_member))
        .routes(routes!(remove_member))
        .with_state(chat)
}
