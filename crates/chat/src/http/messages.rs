//! `/v1/sessions/{session_id}/messages`

use ::http::StatusCode;
use axum::extract::State;
use db::WriteTx;
use edge::{
    Json, Key, Member, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Query, Viewer,
    routes,
};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vocab::{AgentId, ArtifactId, MessageId, SessionId};

use super::{MessageView, PostedView};
use crate::model::{Addressed, NewMessage, OnBusy};
use crate::service::{Posted, Reading, Which};
use crate::{Chat, ChatError};

/// A message to post.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct NewMessageBody {
    /// The text. For an agent whose planner is `rules` it is the plan.
    pub(super) content: String,
    /// What to do if a run of the session is not over; `enqueue` unless it is given.
    #[serde(default)]
    on_busy: OnBusy,
    /// Which of the session's agents answers (`agt_…`), whomever the text mentions.
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    /// Artifacts of the session that go with it (`art_…`, at most 16). A model that answers is shown
    /// texts and pictures, and told of the others.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    attachments: Vec<ArtifactId>,
}

impl From<NewMessageBody> for NewMessage {
    fn from(body: NewMessageBody) -> Self {
        Self {
            text: body.content,
            on_busy: body.on_busy,
            agent: body.agent_id,
            addressed: Addressed::default(),
            attachments: body.attachments,
        }
    }
}

/// In which order messages are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct MessageFilter {
    /// `asc` (the oldest first) unless it is `desc`.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// `msg_…`: along the branch that this message is on, instead of the current one.
    #[param(value_type = Option<String>)]
    through: Option<MessageId>,
    /// `msg_…`: this message and those that stand in its place on other branches.
    #[param(value_type = Option<String>)]
    siblings_of: Option<MessageId>,
    /// Messages of every branch.
    #[serde(default)]
    #[param(inline)]
    all: bool,
}

impl MessageFilter {
    fn which(&self) -> Result<Which, Problem> {
        match (self.through, self.siblings_of, self.all) {
            (None, None, false) => Ok(Which::Current),
            (Some(message), None, false) => Ok(Which::Through(message)),
            (None, Some(message), false) => Ok(Which::SiblingsOf(message)),
            (None, None, true) => Ok(Which::All),
            _ => {
                let message = "expected at most one of `through`, `siblings_of`, `all`";
                Err(Problem::invalid_field("/all", message))
            }
        }
    }
}

/// Post a message.
///
/// The message and the runs that answer it are committed together; the answer comes when they are on
/// disk. The agents that the text mentions as `@name` answer, or else the session's first; a message
/// that mentions members of the session and no agent starts no run. Runs of one session go one after
/// the other. A session that is archived is restored first.
#[utoipa::path(
    post, path = "/v1/sessions/{session_id}/messages", tag = "sessions",
    operation_id = "message_post",
    params(("session_id" = String, Path, description = "`ses_…`")),
    request_body = NewMessageBody,
    responses(
        (status = 202, body = PostedView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "busy, or no agent that can answer"),
        (status = 413, body = Problem),
        (status = 422, body = Problem),
        (status = 503, body = Problem, description = "`QUEUE_UNAVAILABLE`: nothing was taken"),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn post(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
    key: Key,
    Json(body): Json<NewMessageBody>,
) -> Result<(StatusCode, Json<PostedView>), Problem> {
    let text = body.content.clone();
    chat.awake(&ctx, id).await.map_err(queue)?;
    let new = NewMessage {
        addressed: chat.addressed(&ctx, id, &text).await.map_err(queue)?,
        ..body.into()
    };
    let mut tx = ctx.write().await.map_err(queue)?;
    let posted = chat.post(&ctx, &mut tx, id, new).await.map_err(queue)?;
    accept(&chat, (tx, posted), key, text).await
}

/// A message for the turn that is under way.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct SteeringBody {
    /// The text.
    content: String,
}

/// Steer the turn that is under way.
///
/// The message is posted, and handed to the run as a signal named `steer`. A run whose program does
/// not take that signal answers it when it ends, as the next message. If no agent's turn is under
/// way, it is posted like any other.
#[utoipa::path(
    post, path = "/v1/sessions/{session_id}/steer", tag = "sessions",
    operation_id = "session_steer",
    params(("session_id" = String, Path, description = "`ses_…`")),
    request_body = SteeringBody,
    responses(
        (status = 202, body = PostedView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "no agent that can answer"),
        (status = 413, body = Problem),
        (status = 422, body = Problem),
        (status = 503, body = Problem, description = "`QUEUE_UNAVAILABLE`: nothing was taken"),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn steer(
    State(chat): State<Chat>,
    Member(ctx): Member,
    Path(id): Path<SessionId>,
    key: Key,
    Json(body): Json<SteeringBody>,
) -> Result<(StatusCode, Json<PostedView>), Problem> {
    let text = body.content;
    chat.awake(&ctx, id).await.map_err(queue)?;
    let addressed = chat.addressed(&ctx, id, &text).await.map_err(queue)?;
    let mut tx = ctx.write().await.map_err(queue)?;
    let said = (text.clone(), addressed);
    let posted = chat.steer(&ctx, &mut tx, id, said).await.map_err(queue)?;
    accept(&chat, (tx, posted), key, text).await
}

/// Commits a message with its answer, and sets its runs going.
pub(super) async fn accept(
    chat: &Chat,
    (mut tx, posted): (WriteTx, Posted),
    key: Key,
    text: String,
) -> Result<(StatusCode, Json<PostedView>), Problem> {
    let view = PostedView::new(&posted, text);
    key.claim(&mut tx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await.map_err(queue)?;
    chat.posted(posted);
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// A database that can't take the job says so at once.
pub(super) fn queue(error: impl Into<ChatError>) -> Problem {
    let error = error.into();
    let store = match &error {
        ChatError::Store(store)
        | ChatError::Agent(agents::AgentError::Store(store))
        | ChatError::Run(runs::RunError::Store(store))
        | ChatError::Run(runs::RunError::Content(vault::ContentError::Store(store)))
        | ChatError::Content(vault::ContentError::Store(store)) => Some(store),
        _ => None,
    };
    let undone = |store: &&db::StoreError| {
        // A commit whose outcome is unknown may have taken the message.
        store.is_outage() && !matches!(store, db::StoreError::CommitUnknown(_))
    };
    match store.filter(undone) {
        Some(store) => {
            let error = store as &(dyn std::error::Error + 'static);
            tracing::error!(error, "a message can't be queued");
            Problem::queue_unavailable()
        }
        None => error.into(),
    }
}

/// List the messages of a session: those along its current branch, unless others are asked for.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/messages", tag = "sessions",
    operation_id = "message_list",
    params(("session_id" = String, Path, description = "`ses_…`"), PageParams, MessageFilter),
    responses(
        (status = 200, body = Page<MessageView>),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`SESSION_ARCHIVED`"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
    Query(filter): Query<MessageFilter>,
    paging: Paging,
) -> Result<Json<Page<MessageView>>, Problem> {
    let from = match filter.order {
        Order::Asc => Reading::Oldest(paging.after()?.unwrap_or(0)),
        Order::Desc => Reading::Newest(paging.after()?),
    };
    let which = (id, filter.which()?);
    let found = chat.messages(&ctx, which, from, paging.fetch()).await?;
    let page = Page::cut(found, &paging, |it| it.message.position);
    Ok(Json(page.map(MessageView::from)))
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, post))
        .routes(routes!(steer))
        .with_state(chat)
}
