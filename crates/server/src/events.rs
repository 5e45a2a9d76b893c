//! The record as it is read: pages, streams, proofs, exports.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::{Authority, OrgContext};
use edge::sse::{self, Frame, Guard, Resume};
use edge::{
    Json, Key, Member, OpenApiRouter, Owner, Page, PageParams, Paging, Path, Problem, Query,
    Viewer, routes,
};
use futures::stream;
use garde::Validate;
use http::{HeaderMap, StatusCode, header};
use journal::{Filter, Hub, JournalError, KeyStore, SealedEvent, StreamEnd};
use runs::{Run, Runs, State as RunState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use vocab::{EventKind, RunId, SessionId, Timestamp};

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Record {
    pub hub: Hub,
    pub runs: Runs,
    pub authority: Authority,
    pub keys: Arc<dyn KeyStore>,
}

/// The routes under `/v1/audit`, and the events of runs.
pub(crate) fn routes(record: Record) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(audit_events))
        .routes(routes!(checkpoint))
        .routes(routes!(proof))
        .routes(routes!(consistency))
        .routes(routes!(export))
        .routes(routes!(verify))
        .routes(routes!(rotate_key))
        .routes(routes!(run_events))
        .with_state(record)
}

fn problem(error: JournalError) -> Problem {
    let text = error.to_string();
    match error {
        JournalError::Store(source) => source.into(),
        JournalError::NothingSealed => Problem::conflict("NOTHING_SEALED", text),
        JournalError::OutOfRange { .. } => Problem::unprocessable("OUT_OF_RANGE", text),
        other @ (JournalError::Keys(_)
        | JournalError::Damaged(_)
        | JournalError::LeaseLost
        | JournalError::Interrupted) => {
            tracing::error!(
                error = &other as &dyn std::error::Error,
                "the record can't be read"
            );
            Problem::internal()
        }
    }
}

/// An event of the record.
#[derive(Serialize, ToSchema)]
struct EventView {
    /// Its place in the organisation's record, from 1.
    seq: u64,
    /// SHA-256 of the event's canonical form.
    hash: String,
    /// The event itself, in its canonical form; see the specification of the record.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

impl EventView {
    fn of(event: &SealedEvent) -> Result<Self, Problem> {
        let raw = RawValue::from_string(event.json.clone()).map_err(|_| Problem::internal())?;
        Ok(Self {
            seq: event.seq,
            hash: event.hash.to_string(),
            event: raw,
        })
    }
}

/// Which events.
#[derive(Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct EventFilter {
    /// `ses_…`
    #[param(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// `run_…`
    #[param(value_type = Option<String>)]
    run_id: Option<RunId>,
    /// A tool's name.
    tool: Option<String>,
    /// A kind, such as `policy.decided`, or several with commas between them.
    kind: Option<String>,
    /// An id anywhere in the chain of who acted.
    actor: Option<String>,
    /// Not before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Which comes first on a page: the oldest, unless said otherwise. A stream has no other order.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Read by [`Resume`].
    #[serde(rename = "after")]
    #[param(ignore)]
    _after: Option<String>,
}

/// Which of two events comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// The older one.
    #[default]
    Asc,
    /// The newer one.
    Desc,
}

impl EventFilter {
    fn filter(self) -> Result<Filter, Problem> {
        let kind = |name: &str| {
            EventKind::parse(name).ok_or_else(|| {
                Problem::invalid_field("/kind", format!("no event is of the kind `{name}`"))
            })
        };
        let named = self.kind.as_deref().map(|it| it.split(','));
        let kinds: Result<Vec<EventKind>, Problem> =
            named.into_iter().flatten().map(kind).collect();
        Ok(Filter {
            session: self.session_id,
            run: self.run_id,
            tool: self.tool,
            kinds: kinds?,
            actor: self.actor,
            from: self.from,
            to: self.to,
        })
    }
}

/// A page after a cursor, or else after this `seq`, the oldest event first.
async fn page(
    ctx: &OrgContext,
    filter: &Filter,
    paging: &Paging,
    after: u64,
) -> Result<Page<EventView>, Problem> {
    let after = paging.after::<u64>()?.unwrap_or(after);
    let found = journal::events(ctx, filter, after, paging.limit())
        .await
        .map_err(problem)?;
    views(&found)
}

/// A page before a cursor, the newest event first.
async fn page_back(
    ctx: &OrgContext,
    filter: &Filter,
    paging: &Paging,
) -> Result<Page<EventView>, Problem> {
    let before = paging.after::<u64>()?;
    let found = journal::newest_events(ctx, filter, before, paging.limit())
        .await
        .map_err(problem)?;
    views(&found)
}

fn views(found: &journal::Page) -> Result<Page<EventView>, Problem> {
    let items: Result<Vec<EventView>, Problem> = found.events.iter().map(EventView::of).collect();
    Ok(Page::with_next(items?, found.more.then_some(found.next)))
}

/// Read the record: a page of JSON, the oldest event first unless `order` says otherwise, or a
/// stream for whoever accepts `text/event-stream`.
///
/// A stream that is not told where to go on begins with what is sealed next.
#[utoipa::path(
    get, path = "/v1/audit/events", tag = "audit", operation_id = "audit_events",
    params(
        ("after" = Option<u64>, Query, description = "go on after the event with this `seq`"),
        ("Last-Event-ID" = Option<u64>, Header, description = "the same, for streams"),
        PageParams, EventFilter,
    ),
    responses((status = 200, content(
        (Page<EventView> = "application/json"), (String = "text/event-stream"),
    ))),
    security(("bearer" = ["viewer"])),
)]
async fn audit_events(
    State(record): State<Record>,
    Viewer(ctx): Viewer,
    Resume(after): Resume,
    guard: Guard,
    headers: HeaderMap,
    Query(asked): Query<EventFilter>,
    paging: Paging,
) -> Result<Response, Problem> {
    let order = asked.order;
    let filter = asked.filter()?;
    if !wants_stream(&headers) {
        let page = match order {
            Order::Asc => page(&ctx, &filter, &paging, after.unwrap_or(0)).await?,
            Order::Desc if after.is_none() => page_back(&ctx, &filter, &paging).await?,
            Order::Desc => return Err(only_onwards("`after` goes with the oldest event first")),
        };
        return Ok(Json(page).into_response());
    }
    if order == Order::Desc {
        return Err(only_onwards(
            "a stream has no other order than that of the record",
        ));
    }
    let subscription = match after {
        Some(after) => record.hub.subscribe(&ctx, after, filter),
        None => record
            .hub
            .subscribe_from_now(&ctx, filter)
            .await
            .map_err(problem)?,
    };
    Ok(sse::respond(guard, frames(subscription, None)))
}

fn only_onwards(why: &str) -> Problem {
    Problem::invalid_field("/order", why.to_owned())
}

/// A checkpoint.
#[derive(Serialize, ToSchema)]
struct CheckpointView {
    /// The signed note (C2SP tlog-checkpoint).
    note: String,
    /// How many events it covers.
    size: u64,
    /// The public keys of the log, as C2SP vkeys, the oldest first.
    keys: Vec<String>,
}

/// The newest signed checkpoint. Kept outside, it is what a rollback can be proved with.
#[utoipa::path(
    get, path = "/v1/audit/checkpoint", tag = "audit", operation_id = "audit_checkpoint",
    responses((status = 200, body = CheckpointView), (status = 409, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn checkpoint(Viewer(ctx): Viewer) -> Result<Json<CheckpointView>, Problem> {
    let (checkpoint, note) = journal::newest_checkpoint(&ctx).await.map_err(problem)?;
    let keys = journal::reader::keys(&ctx).await.map_err(problem)?;
    Ok(Json(CheckpointView {
        note: note.to_string(),
        size: checkpoint.size,
        keys: keys.into_iter().map(|key| key.vkey).collect(),
    }))
}

/// What is to be proved.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct ProofQuery {
    /// The event, from 1.
    seq: u64,
    /// The size of the tree; the newest checkpoint's unless given.
    size: Option<u64>,
}

/// A proof.
#[derive(Serialize, ToSchema)]
struct ProofView {
    /// The hashes of the path (RFC 6962), in base64.
    #[schema(value_type = Vec<String>)]
    proof: Vec<journal::export::Step>,
    /// The size of the tree that it leads to.
    size: u64,
}

/// Prove that an event is in the tree of a size.
#[utoipa::path(
    get, path = "/v1/audit/proof", tag = "audit", operation_id = "audit_proof",
    params(ProofQuery),
    responses((status = 200, body = ProofView), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn proof(
    Viewer(ctx): Viewer,
    Query(asked): Query<ProofQuery>,
) -> Result<Json<ProofView>, Problem> {
    let size = match asked.size {
        Some(size) => size,
        None => {
            journal::newest_checkpoint(&ctx)
                .await
                .map_err(problem)?
                .0
                .size
        }
    };
    let path = journal::inclusion_proof(&ctx, asked.seq, size)
        .await
        .map_err(problem)?;
    Ok(Json(ProofView {
        proof: journal::export::steps(&path),
        size,
    }))
}

/// Which two trees.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct ConsistencyQuery {
    /// The size of the older tree.
    from_size: u64,
    /// The size of the newer tree.
    to_size: u64,
}

/// Prove that a newer tree only added to an older one.
#[utoipa::path(
    get, path = "/v1/audit/consistency", tag = "audit", operation_id = "audit_consistency",
    params(ConsistencyQuery),
    responses((status = 200, body = ProofView), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn consistency(
    Viewer(ctx): Viewer,
    Query(asked): Query<ConsistencyQuery>,
) -> Result<Json<ProofView>, Problem> {
    let (from, to) = (asked.from_size, asked.to_size);
    let path = journal::consistency_proof(&ctx, from, to)
        .await
        .map_err(problem)?;
    Ok(Json(ProofView {
        proof: journal::export::steps(&path),
        size: to,
    }))
}

/// Which part of the record.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// The first event; 1 unless given.
    from_seq: Option<u64>,
    /// The last event; the newest sealed one unless given.
    to_seq: Option<u64>,
}

/// Export the record as NDJSON that verifies offline with the public key alone.
#[utoipa::path(
    get, path = "/v1/audit/export", tag = "audit", operation_id = "audit_export",
    params(ExportQuery),
    responses((status = 200, content_type = "application/x-ndjson"), (status = 409, body = Problem), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn export(
    Viewer(ctx): Viewer,
    Query(asked): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let range = journal::ExportRange {
        from_seq: asked.from_seq,
        to_seq: asked.to_seq,
        witnessed: Vec::new(),
    };
    let export = journal::Export::open(&ctx, &range).await.map_err(problem)?;
    let pieces = stream::try_unfold(export, |mut export| async move {
        let piece = export.next_piece().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"chancery-record.ndjson\"",
        ),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Verify the stored record: every hash, the chain, the tree, and the newest checkpoint.
#[utoipa::path(
    post, path = "/v1/audit/verify", tag = "audit", operation_id = "audit_verify",
    responses((status = 200, body = Object), (status = 409, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn verify(Member(ctx): Member, _key: Key) -> Result<Json<journal::verify::Report>, Problem> {
    let trust = journal::verify::Trust::default();
    Ok(Json(
        journal::verify_stored(&ctx, &trust)
            .await
            .map_err(problem)?,
    ))
}

/// A key of the log that was made just now.
#[derive(Serialize, ToSchema)]
struct NewLogKey {
    /// The key as a C2SP vkey. Its predecessor signs the checkpoint over the event that announces it.
    key: String,
}

/// Give the record a new signing key. What older keys signed verifies as before: each key is
/// announced in the record, under the signature of the one before it.
#[utoipa::path(
    post, path = "/v1/audit/keys/rotate", tag = "audit", operation_id = "audit_key_rotate",
    responses((status = 200, body = NewLogKey), (status = 409, body = Problem)),
    security(("bearer" = ["owner"])),
)]
async fn rotate_key(
    State(record): State<Record>,
    Owner(ctx): Owner,
    _key: Key,
) -> Result<Json<NewLogKey>, Problem> {
    let (org, actor) = (ctx.org(), ctx.actor().clone());
    let key = journal::rotate_key(&record.authority, &*record.keys, org, actor)
        .await
        .map_err(problem)?;
    Ok(Json(NewLogKey {
        key: key.to_string(),
    }))
}

/// The events of a run: a page of JSON, or a stream for whoever accepts `text/event-stream`.
///
/// The stream ends with the event that ends the run.
#[utoipa::path(
    get, path = "/v1/runs/{id}/events", tag = "runs", operation_id = "run_events",
    params(
        ("id" = String, Path, description = "`run_…`"),
        ("after" = Option<u64>, Query, description = "go on after the event with this `seq`"),
        ("Last-Event-ID" = Option<u64>, Header, description = "the same, for streams"),
        PageParams,
    ),
    responses((status = 200, content(
        (Page<EventView> = "application/json"), (String = "text/event-stream"),
    )), (status = 204, description = "a stream after the run's end has nothing to say"), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn run_events(
    State(record): State<Record>,
    Viewer(ctx): Viewer,
    Path(id): Path<RunId>,
    Resume(after): Resume,
    guard: Guard,
    headers: HeaderMap,
    paging: Paging,
) -> Result<Response, Problem> {
    let run = record.runs.get(&ctx, id).await?;
    let after = after.unwrap_or(0);
    let filter = Filter {
        run: Some(id),
        ..Filter::default()
    };
    if !wants_stream(&headers) {
        let after = paging.after::<u64>()?.unwrap_or(after);
        record
            .await_seals(&ctx, &run, after, paging.limit())
            .await?;
        return Ok(Json(page(&ctx, &filter, &paging, after).await?).into_response());
    }
    if ended_by(&ctx, &run, after).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let subscription = record.hub.subscribe(&ctx, after, filter);
    Ok(sse::respond(guard, frames(subscription, Some(id))))
}

/// Whether a reader who is at this `seq` has seen the end of a run: there is nothing to stream any
/// more, and an `EventSource` that came back takes 204 as the word to stop coming.
async fn ended_by(ctx: &OrgContext, run: &Run, after: u64) -> Result<bool, Problem> {
    let kind = match run.state {
        RunState::Succeeded => EventKind::RunSucceeded,
        RunState::Failed { .. } => EventKind::RunFailed,
        RunState::Cancelled => EventKind::RunCancelled,
        RunState::Queued | RunState::Dispatching | RunState::Running | RunState::Waiting { .. } => {
            return Ok(false);
        }
    };
    if after == 0 {
        return Ok(false);
    }
    let filter = Filter {
        run: Some(run.id),
        kinds: vec![kind],
        ..Filter::default()
    };
    let found = journal::events(ctx, &filter, 0, 1).await.map_err(problem)?;
    Ok(found.events.first().is_some_and(|it| it.seq <= after))
}

/// How long a page of a run's events waits for entries that are committed and not sealed yet.
const SEALING_PATIENCE: Duration = Duration::from_secs(1);

impl Record {
    /// Waits until every entry that a run's journal has by now is sealed, so that who saw its end
    /// also finds its last entry. Not for ever: while sealing is behind, a page has what there is.
    async fn await_seals(
        &self,
        ctx: &OrgContext,
        run: &Run,
        after: u64,
        limit: u32,
    ) -> Result<(), Problem> {
        let filter = Filter {
            run: Some(run.id),
            ..Filter::default()
        };
        let found = journal::events(ctx, &filter, after, limit).await;
        let found = found.map_err(problem)?;
        let seen = found.events.iter().filter_map(|it| it.run_seq).max();
        // Past the beginning, a page without entries says nothing about those before it.
        let unknown = after > 0 && seen.is_none();
        if found.more || unknown || seen.is_some_and(|it| it >= run.entries) {
            return Ok(());
        }
        let from = found.events.last().map_or(after, |it| it.seq);
        let mut coming = self.hub.subscribe(ctx, from, filter);
        let last = async {
            while let Ok(event) = coming.next().await {
                if event.run_seq.is_some_and(|it| it >= run.entries) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(SEALING_PATIENCE, last).await;
        Ok(())
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    accept.is_some_and(|it| it.contains("text/event-stream"))
}

/// A subscription as frames; one to a run ends with it.
fn frames(
    subscription: journal::Subscription,
    run: Option<RunId>,
) -> impl futures::Stream<Item = Frame> + Send {
    stream::unfold(Some(subscription), move |subscription| async move {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(event) => {
                let over = run.is_some() && event.run == run && is_end(&event);
                let frame = Frame::Event {
                    seq: event.seq,
                    kind: event.kind.clone().into(),
                    data: event.json.as_str().into(),
                };
                Some((frame, (!over).then_some(subscription)))
            }
            Err(StreamEnd::SlowReader) => Some((Frame::Lagged, None)),
            Err(StreamEnd::Closed) => None,
            Err(StreamEnd::Journal(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a stream was cut");
                None
            }
        }
    })
}

fn is_end(event: &SealedEvent) -> bool {
    let ends = [
        EventKind::RunSucceeded,
        EventKind::RunFailed,
        EventKind::RunCancelled,
    ];
    event.run_seq.is_some() && ends.iter().any(|kind| kind.as_str() == event.kind)
}
