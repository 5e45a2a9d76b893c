//! Problems: what a client reads when something did not work (RFC 9457).
//!
//! A problem is made from what the client may know and nothing else: no secret, statement, path or
//! stack ever gets in, because no constructor takes an error's text. What an operator needs is
//! logged where the error becomes a problem, once, with its whole chain of sources.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use db::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use vocab::Role;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What did not work, as the client may know it. One word wide, so that a `Result` with it is as
/// large as its value.
#[derive(Debug, Clone)]
pub struct Problem(Box<Document>);

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Document::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Problem")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Document::schemas(schemas);
    }
}

/// A problem document (RFC 9457) with the members that Chancery adds.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Document {
    /// A URN that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:chancery:problem:not-found")]
    kind: String,
    /// The kind of problem in words; the same for every occurrence.
    #[schema(value_type = String, example = "Not found")]
    title: Cow<'static, str>,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// This occurrence in words.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The kind of problem for programs: stable, in upper snake case.
    #[schema(value_type = String, example = "NOT_FOUND")]
    code: &'static str,
    /// What to search the server's log for.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// Whether the same request may succeed if it is simply sent again.
    retryable: bool,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    suggested_fix: Option<Cow<'static, str>>,
    /// Which parts of the request are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The error code of the OAuth protocols (RFC 6749, RFC 8628), on the routes that speak them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    error: Option<&'static str>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// One part of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; for a query, a slash and the parameter's name.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl FieldError {
    /// A part and what is wrong with it.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

impl Problem {
    /// A problem of a kind of its own. `code` is stable and in upper snake case.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Document {
            kind: format!(
                "urn:chancery:problem:{}",
                code.to_ascii_lowercase().replace('_', "-")
            ),
            title: title(code),
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            code,
            trace_id: None,
            retryable: false,
            suggested_fix: None,
            errors: Vec::new(),
            error: None,
            retry_after: None,
        }))
    }

    /// 401: no identity, or none that is valid any more.
    #[must_use]
    pub fn unauthenticated() -> Self {
        let detail = "the request carries no valid identity";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
            .fix("send `Authorization: Bearer` with an access token or an API key")
    }

    /// 403: known, and not allowed with this role.
    #[must_use]
    pub fn forbidden(least: Role) -> Self {
        let detail = format!("this needs the role `{least}` in the organisation");
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail)
    }

    /// 404: not there, or not the caller's to see.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            format!("the {what} was not found"),
        )
    }

    /// 409: the state does not allow it.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 410: it was there, and will not be again.
    #[must_use]
    pub fn gone(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, code, detail)
    }

    /// 413: the body is larger than this many bytes.
    #[must_use]
    pub fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("the body is larger than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail)
    }

    /// 415: the body is not JSON by its content type.
    #[must_use]
    pub fn unsupported_media() -> Self {
        let detail = "the body must be `application/json`";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            detail,
        )
        .fix("send `Content-Type: application/json`")
    }

    /// 422: values that are wrong, each with its place.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => only.message.clone(),
            [only] => format!("`{}`: {}", only.pointer, only.message),
            several => format!("{} values are not valid", several.len()),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID", detail);
        problem.0.errors = errors;
        problem
    }

    /// 422: one value that is wrong.
    #[must_use]
    pub fn invalid_field(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, message)])
    }

    /// 422: well formed, and still not to be done.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: too many requests; the next one may come after this long.
    #[must_use]
    pub fn too_many(after: Duration) -> Self {
        let detail = "too many requests";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail).retry_after(after)
    }

    /// 402: a limit of the organisation's plan.
    #[must_use]
    pub fn plan_limit(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "PLAN_LIMIT", detail)
    }

    /// 503: the work can't be taken now.
    #[must_use]
    pub fn queue_unavailable() -> Self {
        Self::unavailable(
            "QUEUE_UNAVAILABLE",
            "the queue does not take work at the moment",
        )
    }

    /// 503: something that is needed is out of order; nothing was done.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(2))
    }

    /// 500: our fault.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "something went wrong on our side; it has been logged";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn fix(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.suggested_fix = Some(text.into());
        self
    }

    /// Says that the same request may succeed later, and when.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self.retryable()
    }

    /// Says that the same request may succeed if it is sent again.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Adds the error code of the OAuth protocols.
    #[must_use]
    pub fn oauth(mut self, error: &'static str) -> Self {
        self.0.error = Some(error);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The kind of problem for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// This occurrence in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Whether the same request may succeed if it is sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Names the request that it happened to.
    pub(crate) fn at(&mut self, instance: &str, trace_id: &str) {
        self.0.instance = Some(instance.to_owned());
        self.0.trace_id = Some(trace_id.to_owned());
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        // Strings, numbers and booleans under fixed names: this can't fail.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }
}

/// `NOT_FOUND` → `Not found`.
fn title(code: &'static str) -> Cow<'static, str> {
    let words = code.to_ascii_lowercase().replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect::<String>().into()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = HeaderValue::from_static(CONTENT_TYPE);
        let head = (self.status(), [(header::CONTENT_TYPE, content_type)]);
        let mut response = (head.0, head.1, self.body()).into_response();
        if let Some(after) = self.0.retry_after {
            // Rounded up: a client that comes back at the very second must not be too early.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.0.status == StatusCode::UNAUTHORIZED.as_u16() {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        // For the outermost layer, which knows the request.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::NotFound => return Self::not_found("thing"),
            StoreError::Conflict { .. } => {
                return Self::conflict("CONFLICT", "it is in conflict with what is there already");
            }
            StoreError::Event(_) => {
                return Self::unprocessable("NO_CANONICAL_FORM", "a value has no canonical form")
                    .fix("write integers beyond 2^53 as strings and nest less deeply");
            }
            StoreError::CommitUnknown(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "OUTCOME_UNKNOWN",
                "the connection to the database broke while the change was being committed: it may have happened",
            )
            .fix("look whether it happened; or repeat the request with the same Idempotency-Key, if it had one"),
            StoreError::Full(_) | StoreError::ReadOnly(_) => {
                Self::unavailable("STORAGE_READ_ONLY", "the database takes no writes at the moment")
                    .retry_after(Duration::from_secs(10))
            }
            StoreError::Busy(_) => {
                Self::unavailable("STORAGE_BUSY", "another change was in the way; nothing was done")
                    .retry_after(Duration::from_secs(1))
            }
            StoreError::Unavailable(_) => {
                Self::unavailable("STORAGE_UNAVAILABLE", "the database is unavailable; nothing was done")
            }
            StoreError::NoEvent
            | StoreError::NotScoped(_)
            | StoreError::Decode { .. }
            | StoreError::Schema(_)
            | StoreError::Statement(_) => Self::internal(),
        };
        tracing::error!(
            error = &error as &(dyn Error + 'static),
            code = problem.code(),
            "storage failed"
        );
        problem
    }
}

/// The problem that an answer was made from.
pub(crate) fn of(response: &Response) -> Option<&Problem> {
    response.extensions().get::<Problem>()
}
