//! Edge: the HTTP kit that every area of the API is built with.
//!
//! An area writes handlers whose signatures say what they take ([`Json`], [`Path`], [`Query`],
//! [`Paging`]) and who may call them ([`Viewer`], [`Member`], [`Admin`], [`Owner`], [`Person`],
//! [`Caller`]), and hands back an [`OpenApiRouter`]. [`Edge::finish`] merges the areas and puts two
//! layers around them. From outside inwards a request meets:
//!
//! 1. `outer`: a trace id and a span; the URL's length; panics; the answer's security headers;
//!    and the request's name in every problem.
//! 2. CORS, for origins that were listed. Nothing is, by default.
//! 3. `inner`: the limit by address on `/v1/auth/`; the caller ([`Authenticator`], once for each
//!    request); the limit by caller elsewhere; the time-out; the process that answers ([`Relay`]);
//!    the idempotency key.
//! 4. The handler's extractors, and the handler.
//!
//! Invariants
//! - Whatever is not an answer is a [`Problem`], and no problem holds a secret, a statement, a path
//!   of this machine or a stack.
//! - A handler gets an organisation only as a [`db::OrgContext`], and only by an extractor that
//!   names the least role. What a caller may not see answers exactly as what is not there.
//! - No body, URL, list, nesting or stream is without a bound.
//! - A POST with an idempotency key happens at most once, and exactly once where its route says
//!   `atomic` ([`idempotency`]).
//!
//! Deliberately absent: what a token is and who holds it (see `orgs`), wire types of any area,
//! WebSocket (see `nodes`), TLS (a proxy's or the server's), and compression, which has no place
//! beside secrets and streams.

mod change;
mod docs;
mod edge;
mod fallback;
pub mod idempotency;
mod identity;
mod inner;
mod json;
pub mod openapi;
mod outer;
mod page;
mod params;
mod problem;
mod rate;
mod relay;
pub mod sse;
mod strict;
#[cfg(feature = "testing")]
pub mod testing;

pub use change::Change;
pub use edge::{Edge, EdgeConfig, Pages};
pub use idempotency::{ClaimError, Key};
pub use identity::{
    Admin, AuthError, Authenticator, Caller, Credential, Member, ORG_HEADER, Owner, Person,
    Standing, Viewer,
};
pub use json::{FormOrJson, Json, OptionalJson};
pub use outer::{TRACE_HEADER, TraceId};
pub use page::{Page, PageParams, Paging};
pub use params::{Path, Query};
pub use problem::{CONTENT_TYPE as PROBLEM_CONTENT_TYPE, FieldError, Problem};
pub use rate::{ClientAddress, Left, Limit, Quota};
pub use relay::{Held, Here, Relay, RelayKey};
pub use utoipa_axum::router::OpenApiRouter;
pub use utoipa_axum::routes;
