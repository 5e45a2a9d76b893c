//! `/v1/sessions/{session_id}/events`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use edge::sse::{self, Frame, Guard, Resume};
use edge::{OpenApiRouter, Path, Problem, Viewer, routes};
use futures::{Stream, stream};
use journal::{Filter, Hub, SealedEvent, StreamEnd, Subscription};
use vocab::SessionId;

use crate::Chat;

/// Stream a session's events.
///
/// Each sealed event of the session, its runs' among them, with `id: <seq>`, `event: <kind>` and the
/// event as data: first those after `Last-Event-ID` or `?after=`, or all there are, then each as it is
/// sealed. The stream ends with the reader.
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
    let subscription = hub.subscribe(&ctx, after.unwrap_or(0), filter);
    Ok(sse::respond(guard, frames(subscription)))
}

/// A subscription as frames, up to the one that says why it ended.
fn frames(subscription: Subscription) -> impl Stream<Item = Frame> + Send + 'static {
    stream::unfold(Some(subscription), |subscription| async move {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(event) => Some((frame(&event), Some(subscription))),
            Err(StreamEnd::SlowReader) => Some((Frame::Lagged, None)),
            Err(StreamEnd::Closed) => None,
            Err(StreamEnd::Journal(error)) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(error, "a stream of events can't be read");
                let kind = "stream.failed".into();
                Some((
                    Frame::End {
                        kind,
                        data: "{\"retryable\":true}".into(),
                    },
                    None,
                ))
            }
        }
    })
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
