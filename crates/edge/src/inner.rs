//! The inner layer: who asks, how often, for how long, where it is answered, and whether it was asked
//! before.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Problem;
use crate::edge::Passage;
use crate::identity::{Identity, Shown};
use crate::rate::{self, ClientAddress, Left, Who};
use crate::relay;
use crate::sse::Guard;

/// The routes on which callers are not known yet.
const AUTH_ROUTES: &str = "/v1/auth/";

pub(crate) async fn pass(
    State(passage): State<Arc<Passage>>,
    mut request: Request,
    next: Next,
) -> Response {
    let left = match admit(&passage, &mut request).await {
        Ok(left) => left,
        Err(problem) => return problem.into_response(),
    };
    let mut response = in_time(&passage, request, next).await;
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response
}

/// Identifies the caller and counts the request.
async fn admit(passage: &Passage, request: &mut Request) -> Result<Option<Left>, Problem> {
    let ip = rate::address(request, passage.config.proxies);
    request.extensions_mut().insert(ClientAddress(ip));
    let address = Who::Address(ip);
    let on_auth = request.uri().path().starts_with(AUTH_ROUTES);
    let mut left = None;
    // Before anything is looked up, let alone hashed.
    if on_auth && let Some(limit) = &passage.auth_limit {
        left = Some(limit.check(&address)?);
    }
    let shown = Shown::of(request);
    let is_get = request.method() == http::Method::GET;
    let identity = shown.identify(&*passage.authenticator).await;
    if !on_auth && let Some(limit) = &passage.api_limit {
        let who = match &identity {
            Identity::Known(caller) => Who::caller(caller),
            Identity::Anonymous | Identity::Refused(_) => address,
        };
        left = Some(limit.check(&who)?);
    }
    if is_get {
        let authenticator = Arc::clone(&passage.authenticator);
        let changes = authenticator.changes();
        request.extensions_mut().insert(Guard {
            shown,
            authenticator,
            changes,
        });
    }
    request.extensions_mut().insert(identity);
    Ok(left)
}

async fn in_time(passage: &Passage, request: Request, next: Next) -> Response {
    let identity = request.extensions().get::<Identity>();
    let caller = identity
        .and_then(|identity| identity.caller().ok())
        .map(Arc::clone);
    let relay = passage.relay.as_deref();
    let answer = relay::pass(
        relay,
        &passage.idempotency,
        caller.as_deref(),
        request,
        next,
    );
    match tokio::time::timeout(passage.config.request_timeout, answer).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "the request took too long; whether it took effect is not known";
            Problem::unavailable("TIMEOUT", detail)
                .fix("look whether it took effect; or repeat it with the same Idempotency-Key, if it had one")
                .into_response()
        }
    }
}
