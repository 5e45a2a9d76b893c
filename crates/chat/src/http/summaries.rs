//! `/v1/sessions/{session_id}/summaries`

use axum::extract::State;
use edge::{Json, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Viewer, routes};
use runs::HasRead;
use serde::Serialize;
use utoipa::ToSchema;
use vocab::{MessageId, RunId, SessionId, Timestamp};

use crate::Chat;
use crate::model::Summary;

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(summaries))
        .with_state(chat)
}

/// A rolling summary: what was said along a path of the session, from its beginning up to a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SummaryView {
    /// The run that writes it.
    #[schema(value_type = String)]
    run_id: RunId,
    /// `running`, `ready` or `failed`.
    state: &'static str,
    /// The branch of the last message that it covers.
    branch: u32,
    /// The first message that the summary before it does not cover.
    #[schema(value_type = Option<String>)]
    from_message_id: Option<MessageId>,
    from_position: u32,
    /// The last message that it covers.
    #[schema(value_type = Option<String>)]
    upto_message_id: Option<MessageId>,
    upto_position: u32,
    /// The run of the summary that it goes on from.
    #[schema(value_type = Option<String>)]
    previous_run_id: Option<RunId>,
    /// What it says; null until it is ready, and once it was erased.
    text: Option<String>,
    /// Who wrote it, as `provider/model`.
    model: Option<String>,
    /// What it cost; null where nobody prices the model.
    cost_usd_micros: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    /// Whether something private, or untrusted, had been read by those who wrote what it is made of.
    has_read: HasReadView,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// What was read.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct HasReadView {
    /// Something that must not leave the organisation.
    private: bool,
    /// Something that anybody may have written.
    untrusted: bool,
}

impl From<HasRead> for HasReadView {
    fn from(it: HasRead) -> Self {
        Self {
            private: it.private,
            untrusted: it.untrusted,
        }
    }
}

impl From<(Summary, Option<String>)> for SummaryView {
    fn from((it, text): (Summary, Option<String>)) -> Self {
        Self {
            run_id: it.run,
            state: it.state.as_str(),
            branch: it.branch,
            from_message_id: it.from_message,
            from_position: it.from,
            upto_message_id: it.upto_message,
            upto_position: it.upto,
            previous_run_id: it.previous,
            text,
            model: it.model,
            cost_usd_micros: it.cost_usd_micros,
            input_tokens: it.input_tokens,
            output_tokens: it.output_tokens,
            has_read: it.has_read.into(),
            created_at: it.created_at,
            ended_at: it.ended_at,
        }
    }
}

/// List the rolling summaries of a session, the newest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/summaries", tag = "sessions",
    operation_id = "session_summary_list",
    params(("session_id" = String, Path, description = "`ses_…`"), PageParams),
    responses(
        (status = 200, body = Page<SummaryView>),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`SESSION_ARCHIVED`"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn summaries(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
    paging: Paging,
) -> Result<Json<Page<SummaryView>>, Problem> {
    let found = chat
        .summaries(&ctx, id, (paging.after()?, paging.fetch()))
        .await?;
    Ok(Json(
        Page::cut(found, &paging, |(it, _)| it.run).map(SummaryView::from),
    ))
}
