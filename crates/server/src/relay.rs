//! Requests to a session go to its controller, whichever process that is.
//!
//! A request that another process has to answer is sent there with a key, its client's own or one that
//! is made here, so that it happens once however often it has to be sent: if the other process dies in
//! the middle of it, whoever is the controller next knows by the key whether it was done. So a client
//! waits for a takeover, and need not know of it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chat::Chat;
use chat::http::MOVED;
use chat::placement::{Place, Placements};
use db::OrgContext;
use edge::{Held, Here, Problem, Relay, RelayKey};
use futures::future::BoxFuture;
use tokio::time::Instant;
use vocab::ids::Job;
use vocab::{MessageId, SessionId};

use crate::peers::{FromPeer, Peers};

/// For how long a controller is looked for: twice what a takeover takes.
const PATIENCE: Duration = Duration::from_secs(12);
/// How soon it is looked for again.
const AGAIN: Duration = Duration::from_millis(50);
/// The code of a problem that says that the same request is still under way.
const IN_FLIGHT: &str = "IDEMPOTENCY_IN_FLIGHT";

/// Sends requests to the controllers of their sessions.
pub(crate) struct ToControllers {
    pub placements: Placements,
    pub peers: Peers,
    pub chat: Chat,
}

/// How a request names its session, and whether it must not happen twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// By its id, and it writes a message or a run.
    Writes,
    /// By its id, and nothing is lost if it happens twice.
    Tells,
    /// By a message of it, and it writes.
    WritesAt,
}

impl Route {
    fn of(method: &Method, route: &str) -> Option<Self> {
        match (method.as_str(), route) {
            ("POST", "/v1/sessions/{session_id}/messages" | "/v1/sessions/{session_id}/steer") => {
                Some(Self::Writes)
            }
            ("POST", "/v1/messages/{message_id}/edit" | "/v1/messages/{message_id}/regenerate") => {
                Some(Self::WritesAt)
            }
            ("POST", "/v1/sessions/{session_id}/typing")
            | ("PUT", "/v1/sessions/{session_id}/read" | "/v1/sessions/{session_id}/branch") => {
                Some(Self::Tells)
            }
            _ => None,
        }
    }
}

/// What came of one attempt.
enum Attempt {
    Answered(Response),
    /// Who the controller is has changed, or can't be known yet.
    Again,
}

impl ToControllers {
    /// The session of a request; nothing if there is none, which the handler then says.
    async fn session(&self, ctx: &OrgContext, route: Route, path: &str) -> Option<SessionId> {
        let id = path.split('/').nth(3)?;
        match route {
            Route::Writes | Route::Tells => id.parse().ok(),
            Route::WritesAt => {
                let id: MessageId = id.parse().ok()?;
                let mut tx = ctx.read().await.ok()?;
                Some(self.chat.message_in(&mut tx, id).await.ok()?.session)
            }
        }
    }

    async fn answer(&self, ctx: &OrgContext, mut held: Held, here: &Here<'_>) -> Response {
        let route = held.parts.extensions.get::<axum::extract::MatchedPath>();
        let route = route.and_then(|route| Route::of(&held.parts.method, route.as_str()));
        let session = match route {
            Some(route) => self.session(ctx, route, held.parts.uri.path()).await,
            None => None,
        };
        let (Some(route), Some(session)) = (route, session) else {
            return here.answer(held.request()).await.0;
        };
        let until = Instant::now() + PATIENCE;
        loop {
            match self.attempt(ctx, (route, session), &mut held, here).await {
                Attempt::Answered(response) => return response,
                Attempt::Again if Instant::now() > until => {
                    let detail = "the process that holds the session can't be reached";
                    return Problem::unavailable(MOVED, detail).into_response();
                }
                Attempt::Again => {
                    self.placements.forget(session);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        ctx: &OrgContext,
        (route, session): (Route, SessionId),
        held: &mut Held,
        here: &Here<'_>,
    ) -> Attempt {
        let from_peer = held.parts.extensions.get::<FromPeer>().is_some();
        let place = self.placements.place(ctx.org(), session).await;
        match place {
            Ok(Place::There { .. } | Place::Nowhere) if from_peer => {
                self.placements.forget(session);
                Attempt::Answered(StatusCode::MISDIRECTED_REQUEST.into_response())
            }
            Ok(Place::There { address }) => self.elsewhere(ctx, &address, (route, held)).await,
            // If the database is out of reach, the handler knows best how to say so.
            Ok(Place::Here { .. } | Place::Nowhere) | Err(_) => {
                let turn = match route {
                    Route::Writes | Route::WritesAt => self.placements.turn(session).await,
                    Route::Tells => None,
                };
                let handling = self.placements.handling().await;
                let (response, code) = here.answer(held.request()).await;
                drop((handling, turn));
                match code {
                    Some(MOVED) if from_peer => {
                        Attempt::Answered(StatusCode::MISDIRECTED_REQUEST.into_response())
                    }
                    Some(MOVED) => Attempt::Again,
                    Some(_) | None => Attempt::Answered(response),
                }
            }
        }
    }

    async fn elsewhere(
        &self,
        ctx: &OrgContext,
        address: &str,
        (route, held): (Route, &mut Held),
    ) -> Attempt {
        let extensions = &mut held.parts.extensions;
        let key = extensions.get::<RelayKey>().cloned();
        // Sent before: then it may be under way still where it was sent to.
        let again = key.is_some();
        let key = key.unwrap_or_else(|| RelayKey(ctx.new_id::<Job>().to_string()));
        if route != Route::Tells {
            extensions.insert(key.clone());
        }
        let key = (route != Route::Tells).then_some(&key);
        let called = self.peers.call(address, held, key).await;
        let outcome = match &called {
            Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => "moved",
            Ok(_) => "answered",
            Err(_) => "failed",
        };
        metrics::counter!("chancery_chat_forwards_total", "outcome" => outcome).increment(1);
        match called {
            Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => Attempt::Again,
            Ok(answer) if again && says(answer.body(), IN_FLIGHT) => Attempt::Again,
            Ok(answer) => Attempt::Answered(answer.map(Into::into)),
            Err(error) => {
                tracing::info!(%error, %address, "a session's controller did not answer");
                Attempt::Again
            }
        }
    }
}

/// Whether an answer is the problem with this code.
fn says(body: &[u8], code: &str) -> bool {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    body.is_some_and(|body| body["code"] == code)
}

impl Relay for ToControllers {
    fn concerns(&self, method: &Method, route: &str) -> bool {
        Route::of(method, route).is_some()
    }

    fn relay<'a>(
        &'a self,
        ctx: &'a OrgContext,
        request: Held,
        here: Here<'a>,
    ) -> BoxFuture<'a, Response> {
        Box::pin(async move { self.answer(ctx, request, &here).await })
    }
}
