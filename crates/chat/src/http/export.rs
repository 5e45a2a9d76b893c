//! `/v1/sessions/{session_id}/export`

mod markdown;

use ::http::header;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::OrgContext;
use edge::{OpenApiRouter, Path, Problem, Query, Viewer, routes};
use futures::Stream;
use futures::stream;
use garde::Validate;
use runs::http::RunView;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use vocab::{RunId, SessionId};

use super::{CitationView, SessionView};
use crate::service::{Export, ExportedMessage, Messages, Step};
use crate::{Chat, ChatError};

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Everything, for programs.
    #[default]
    Json,
    /// The current branch, for people.
    Markdown,
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct ExportQuery {
    /// `json` unless it is `markdown`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Export a session, archived or not.
///
/// `json` is all of it: messages of every branch with reactions and attachments, members, reading
/// marks, runs, artifacts, and what the runs did and were asked about as sealed events with their
/// `seq` in the record. `markdown` is the current branch, to be read: what somebody said is quoted, so
/// that no text can pass for another speaker's. The body is streamed; if it breaks off, the connection
/// does.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/export", tag = "sessions",
    operation_id = "session_export",
    params(("session_id" = String, Path, description = "`ses_…`"), ExportQuery),
    responses(
        (status = 200, content((String = "application/json"), (String = "text/markdown"))),
        (status = 404, body = Problem),
        (status = 422, body = Problem),
        (status = 500, body = Problem, description = "`ARCHIVE_DAMAGED`"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn export(
    State(chat): State<Chat>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
    Query(asked): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let (export, messages) = chat.export(&ctx, id).await?;
    let (media, ending, body) = match asked.format {
        Format::Json => {
            let pieces = as_json((chat, ctx), (export, messages));
            ("application/json", "json", Body::from_stream(pieces))
        }
        Format::Markdown => {
            let pieces = markdown::pieces((chat, ctx), (export, messages));
            (
                "text/markdown; charset=utf-8",
                "md",
                Body::from_stream(pieces),
            )
        }
    };
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{id}.{ending}\""),
        ),
    ];
    Ok((headers, body).into_response())
}

/// Whom an export is made for.
type Asker = (Chat, OrgContext);

/// What comes next of an export as JSON.
enum Next {
    Head,
    Messages,
    Runs(Option<RunId>),
    Steps(i64),
    End,
}

struct Writing {
    asker: Asker,
    export: Export,
    messages: Messages,
    next: Next,
    /// Whether the list that is being written has an item already.
    begun: bool,
}

fn as_json(
    asker: Asker,
    (export, messages): (Export, Messages),
) -> impl Stream<Item = Result<String, std::io::Error>> + Send + 'static {
    let writing = Writing {
        asker,
        export,
        messages,
        next: Next::Head,
        begun: false,
    };
    stream::try_unfold(writing, |mut writing| async move {
        let piece = writing.piece().await.map_err(broken_off)?;
        Ok(piece.map(|piece| (piece, writing)))
    })
}

/// What breaks off after its beginning can only be told to the operator.
fn broken_off(error: ChatError) -> std::io::Error {
    let shown = &error as &(dyn std::error::Error + 'static);
    tracing::error!(error = shown, "an export broke off");
    std::io::Error::other(error)
}

impl Writing {
    async fn piece(&mut self) -> Result<Option<String>, ChatError> {
        let (chat, ctx) = &self.asker;
        let id = self.export.session.id;
        let (items, next) = match self.next {
            Next::Head => {
                self.next = Next::Messages;
                return Ok(Some(head(&self.export)));
            }
            Next::Messages => {
                let page = chat.next_exported(ctx, &mut self.messages).await?;
                let next = (!page.is_empty()).then_some(Next::Messages);
                (page.iter().map(message).collect(), next)
            }
            Next::Runs(before) => {
                let page = chat.next_runs(ctx, id, before).await?;
                let next = page.last().map(|run| Next::Runs(Some(run.id)));
                let view = |run: runs::Run| json!(RunView::from(run));
                (page.into_iter().map(view).collect(), next)
            }
            Next::Steps(after) => {
                let page = chat.next_steps(ctx, id, after).await?;
                let next = page.last().map(|step| Next::Steps(step.place));
                (page.iter().map(step).collect::<Vec<Value>>(), next)
            }
            Next::End => return Ok(None),
        };
        let mut piece = String::new();
        for item in items {
            if std::mem::replace(&mut self.begun, true) {
                piece.push(',');
            }
            piece.push('\n');
            piece.push_str(&item.to_string());
        }
        if let Some(next) = next {
            self.next = next;
            return Ok(Some(piece));
        }
        self.begun = false;
        let (close, next) = match self.next {
            Next::Head | Next::Messages => ("],\n\"runs\":[", Next::Runs(None)),
            Next::Runs(_) => ("],\n\"steps\":[", Next::Steps(0)),
            Next::Steps(_) | Next::End => ("]}\n", Next::End),
        };
        piece.push_str(close);
        self.next = next;
        Ok(Some(piece))
    }
}

/// The beginning: everything that is short, and the list of messages opened.
fn head(export: &Export) -> String {
    let it = &export.session;
    let member = |member: &crate::archive::KeptMember| {
        json!({ "user_id": member.user, "name": export.names.get(&member.user.to_string()),
            "added_at": at(member.at_us) })
    };
    let read = |read: &crate::archive::KeptRead| json!({ "user_id": read.user, "position": read.position, "read_at": at(read.at_us) });
    let branch = |branch: &crate::archive::KeptBranch| json!({ "number": branch.number, "forked_from": branch.from, "forked_at": branch.at });
    let agent =
        |id: &vocab::AgentId| json!({ "agent_id": id, "name": export.names.get(&id.to_string()) });
    let artifact = |it: &vault::Artifact| {
        json!({ "id": it.id, "name": it.name, "media_type": it.media, "size_bytes": it.size_bytes,
            "digest": it.digest, "run_id": it.run, "created_at": it.created_at })
    };
    let mut members = Map::new();
    members.insert("format".into(), "chancery.session".into());
    members.insert("version".into(), 1.into());
    members.insert("exported_at".into(), json!(export.made_at));
    members.insert("session".into(), json!(SessionView::from(it.clone())));
    members.insert("branch".into(), it.branch.into());
    members.insert(
        "branches".into(),
        export.branches.iter().map(branch).collect(),
    );
    members.insert("agents".into(), it.agents.iter().map(agent).collect());
    members.insert(
        "members".into(),
        export.members.iter().map(member).collect(),
    );
    members.insert("reads".into(), export.reads.iter().map(read).collect());
    members.insert(
        "artifacts".into(),
        export.artifacts.iter().map(artifact).collect(),
    );
    let mut head = Value::Object(members).to_string();
    head.pop();
    head.push_str(",\n\"messages\":[");
    head
}

fn message(it: &ExportedMessage) -> Value {
    let message = &it.message;
    let reaction = |it: &crate::archive::KeptReaction| json!({ "emoji": it.emoji, "user_id": it.user, "created_at": at(it.at_us) });
    json!({
        "id": message.id,
        "position": message.position,
        "branch": message.branch,
        "parent_position": message.parent.unwrap_or(message.position - 1),
        "author": author(message),
        "run_id": message.run,
        "answered_by": it.answered_by,
        "reply_to": message.reply_to,
        "mentions": message.mentions,
        "attachments": message.attachments,
        "usage": message.account.as_ref().and_then(runs::Account::usage),
        "sources": message.account.as_ref().map_or(&[][..], |it| &it.sources[..]),
        "citations": message.citations.iter().map(CitationView::from).collect::<Vec<_>>(),
        "content": it.text,
        "digest": message.digest,
        "failed": message.failed,
        "reactions": it.reactions.iter().map(reaction).collect::<Vec<Value>>(),
        "created_at": at(message.at_us),
    })
}

fn author(message: &crate::archive::KeptMessage) -> Value {
    match (message.user, message.agent) {
        (Some(user), _) => json!({ "kind": "user", "user_id": user }),
        (None, Some(agent)) => json!({ "kind": "agent", "agent_id": agent }),
        (None, None) => json!({ "kind": "system" }),
    }
}

fn step(it: &Step) -> Value {
    json!({ "seq": it.seq, "kind": it.kind, "run_id": it.run, "subject": it.subject, "at": it.at,
        "data": it.facts })
}

fn at(micros: i64) -> vocab::Timestamp {
    vocab::Timestamp::from_micros(micros)
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(export))
        .with_state(chat)
}
