//! `/v1/sessions/{session_id}/events`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use edge::sse::{self, Frame, Guard, Resume};
use edge::{OpenApiRouter, Path, Problem, Viewer, routes};
use futures::future::Either;
use futures::stream::{self, PollNext};
use futures::{Stream, StreamExt as _};
use journal::{Filter, Hub, SealedEvent, StreamEnd, Subscription};
use vocab::SessionId;

use crate::Chat;
use crate::live::{Delta, Listener};

/// Stream a session's events.
///
/// Each sealed event of the session, its runs' among them, with `id: <seq>`, `event: <kind>` and the
/// event as data: first those after `Last-Event-ID` or `?after=`, or all there are, then each as it is
/// sealed. The stream ends with the reader.
///
/// Once all that is sealed has been told, also, without an `id`, what happens at this moment and is not kept: `message.delta`
/// (`{run_id, agent_id, text, reset}`, what an agent writes; with `reset` the text stands for all of it
/// so far), `presence` (`{present, gone, reset}`, who streams the session), `typing` (`{user_id}`) and
/// `read` (`{user_id, position}`). First comes how these stand. A text ends with the message of
/// its run, or with the run.
#[utoipa::path(
    get, path = "/v1/sessions/{session_id}/events", tag = "sessions",
    operation_id = "session_events",
    params(
        ("session_id" = String, Path, description = "`ses_…`"),
        ("after" = Option<u64>, Query, description = "the `seq` after which to begin"),
        ("Last-Event-ID" = Option<u64>, Header, description = "the same, as browsers send it"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 404, body = Problem),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn events(
    State((chat, hub)): State<(Chat, Hub)>,
    Viewer(ctx): Viewer,
    Path(id): Path<SessionId>,
    Resume(after): Resume,
    guard: Guard,
) -> Result<Response, Problem> {
    chat.get(&ctx, id).await?;
    let filter = Filter {
        session: Some(id),
        ..Filter::default()
    };
    let sealed = hub.subscribe(&ctx, after.unwrap_or(0), filter);
    let live = chat.live().listen((ctx.org(), id), ctx.actor().user);
    Ok(sse::respond(guard, frames(sealed, live)))
}

/// What a stream of a session comes to next.
enum Step {
    Frame(Frame),
    /// Everything that was sealed has been told: from here on both sides are listened to.
    UpToDate(Box<(Subscription, Listener)>),
}

/// First what is sealed already, then events and what is live as they come.
fn frames(sealed: Subscription, live: Listener) -> impl Stream<Item = Frame> + Send + 'static {
    let steps = stream::unfold(Some((sealed, live)), |both| async move {
        let (mut sealed, live) = both?;
        match sealed.next_sealed().await {
            Ok(Some(event)) => Some((Step::Frame(frame(&event)), Some((sealed, live)))),
            Ok(None) => Some((Step::UpToDate(Box::new((sealed, live))), None)),
            Err(end) => Some((Step::Frame(end_frame(end)?), None)),
        }
    });
    steps.flat_map(|step| match step {
        Step::Frame(frame) => Either::Left(stream::once(std::future::ready(frame))),
        Step::UpToDate(sides) => Either::Right(both(*sides)),
    })
}

/// Events and what is live as they come, until the events end. What is durable goes first: a message
/// ends what was live of it.
fn both((sealed, live): (Subscription, Listener)) -> impl Stream<Item = Frame> + Send + 'static {
    let sealed = stream::unfold(Some(sealed), |sealed| async move {
        let mut sealed = sealed?;
        match sealed.next().await {
            Ok(event) => Some((Some(frame(&event)), Some(sealed))),
            Err(end) => Some((Some(end_frame(end)?), None)),
        }
    });
    let end = stream::once(std::future::ready(None));
    let live = stream::unfold(live, |mut live| async move {
        let delta = live.next().await;
        Some((Some(live_frame(delta)), live))
    });
    stream::select_with_strategy(sealed.chain(end), live, |()| PollNext::Left)
        .take_while(|frame| std::future::ready(frame.is_some()))
        .filter_map(std::future::ready)
}

/// The frame that says why a stream ended, if anything is to be said.
fn end_frame(end: StreamEnd) -> Option<Frame> {
    match end {
        StreamEnd::SlowReader => Some(Frame::Lagged),
        StreamEnd::Closed => None,
        StreamEnd::Journal(error) => {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::error!(error, "a stream of events can't be read");
            Some(Frame::End {
                kind: "stream.failed".into(),
                data: "{\"retryable\":true}".into(),
            })
        }
    }
}

fn live_frame(delta: Delta) -> Frame {
    Frame::Delta {
        kind: delta.kind.into(),
        data: delta.data,
    }
}

fn frame(event: &SealedEvent) -> Frame {
    let data = Arc::from(event.json.as_str());
    Frame::Event {
        seq: event.seq,
        kind: event.kind.clone().into(),
        data,
    }
}

pub(super) fn routes(chat: Chat, hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(events))
        .with_state((chat, hub))
}
