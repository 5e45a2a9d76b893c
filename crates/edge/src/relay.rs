//! Requests that another process of the installation may have to answer.
//!
//! Edge knows when a request is ready for it: its caller is known and counted, its body is there, and
//! nothing has been done about its idempotency key. Where it belongs, and how it gets there, is known
//! to who implements [`Relay`]. The other process does with the request whatever is done with one that
//! comes from outside, and asks for itself who the caller is.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use db::OrgContext;
use futures::future::BoxFuture;
use http::Method;
use http::request::Parts;

use crate::idempotency::Idempotency;
use crate::identity::Caller;
use crate::{Problem, json, problem};

/// Decides which process answers. The server implements it.
pub trait Relay: Send + Sync + 'static {
    /// Whether requests of this method to this route may belong elsewhere.
    fn concerns(&self, method: &Method, route: &str) -> bool;

    /// Answers a request: by `here`, as often as it must, or by another process.
    fn relay<'a>(
        &'a self,
        ctx: &'a OrgContext,
        request: Held,
        here: Here<'a>,
    ) -> BoxFuture<'a, Response>;
}

/// A request with all of its body, to be sent as often as it must.
pub struct Held {
    /// Everything but the body.
    pub parts: Parts,
    /// The body.
    pub body: Bytes,
}

impl Held {
    /// The request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), self.body.clone().into())
    }
}

/// An extension of a request that a relay may have to send twice, though its client gave it no
/// idempotency key: this is its key, and it is soon forgotten.
#[derive(Debug, Clone)]
pub struct RelayKey(pub String);

/// This process, as one that may answer.
pub struct Here<'a> {
    idempotency: &'a Arc<Idempotency>,
    caller: Option<&'a Caller>,
    next: Next,
}

impl Here<'_> {
    /// Answers the request in this process, with the code of the problem if it is one.
    pub async fn answer(&self, request: Request) -> (Response, Option<&'static str>) {
        let next = self.next.clone();
        let response = self.idempotency.run(self.caller, request, next).await;
        let code = problem::of(&response).map(Problem::code);
        (response, code)
    }
}

/// Answers a request wherever it belongs.
pub(crate) async fn pass(
    relay: Option<&dyn Relay>,
    idempotency: &Arc<Idempotency>,
    caller: Option<&Caller>,
    request: Request,
    next: Next,
) -> Response {
    let concerned = relay.filter(|relay| {
        let route = request.extensions().get::<MatchedPath>();
        route.is_some_and(|route| relay.concerns(request.method(), route.as_str()))
    });
    let ctx = caller.and_then(|caller| caller.context().ok());
    let (Some(relay), Some(ctx)) = (concerned, ctx) else {
        return idempotency.run(caller, request, next).await;
    };
    let (parts, body) = request.into_parts();
    let body = match json::read(&parts.headers, body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let here = Here {
        idempotency,
        caller,
        next,
    };
    relay.relay(ctx, Held { parts, body }, here).await
}
