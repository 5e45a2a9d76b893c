//! The outer layer: a name for the request, a span for its log, and what every answer says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::Instrument as _;
use tracing::Span;
use tracing::field::Empty;
use vocab::limits::URL_BYTES_MAX;
use vocab::trace::TARGET;
use vocab::{HttpMethod, Random, TraceParent};

use crate::Problem;
use crate::edge::Passage;

/// The header of an answer that names its request in the log.
pub const TRACE_HEADER: &str = "x-trace-id";

/// The name of a request: 32 hexadecimal digits, as in the W3C Trace Context.
#[derive(Debug, Clone)]
pub struct TraceId(Arc<str>);

impl TraceId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The caller's own, if it sends a valid `traceparent`; or else a new one.
    fn of(parent: Option<TraceParent>, random: &Random) -> Self {
        let trace = parent.map_or_else(|| TraceParent::new(random).trace, |it| it.trace);
        Self(format!("{trace:032x}").into())
    }
}

/// The caller's trace, if it sends a valid `traceparent`.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get(TraceParent::HEADER)?.to_str().ok()?)
}

/// The span of a request, for whoever traces, by OpenTelemetry's conventions for HTTP.
fn span(
    trace: &TraceId,
    parent: Option<TraceParent>,
    random: &Random,
    (method, route): (&str, &str),
) -> Span {
    if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return Span::none();
    }
    let own = TraceParent::new(random).span;
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.name = %format_args!("{method} {route}"),
        otel.trace_id = trace.as_str(),
        otel.span_id = %format_args!("{own:016x}"),
        otel.parent_id = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        error.type = Empty,
    );
    if let Some(parent) = parent {
        let id = format_args!("{:016x}", parent.span);
        span.record("otel.parent_id", tracing::field::display(id));
    }
    span
}

pub(crate) async fn pass(
    State(passage): State<Arc<Passage>>,
    mut request: Request,
    next: Next,
) -> Response {
    let random = passage.authority.db().random();
    let parent = parent(request.headers());
    let trace = TraceId::of(parent, random);
    request.extensions_mut().insert(trace.clone());
    let path = request.uri().path().to_owned();
    // The route, not the path: paths may hold tokens.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let route = route.unwrap_or("none").to_owned();
    let method = known(request.method());
    let begun = Instant::now();
    let traced = self::span(&trace, parent, random, (method, &route));
    let span = tracing::info_span!("request", trace_id = trace.as_str(), method, route);
    let response = guarded(request, next).instrument(span.clone()).await;
    let mut response = finish(response, &path, &trace);
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, "answered"));
    traced.record("http.response.status_code", status);
    if status >= 500 {
        traced.record("error.type", status.to_string());
    }
    drop(traced);
    metrics::counter!("chancery_http_requests_total", "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("chancery_http_request_seconds", "method" => method, "route" => route)
        .record(begun.elapsed().as_secs_f64());
    head(response.headers_mut(), &trace, passage.config.https);
    response
}

/// The method, if it is one that the API has: what a client makes up must not become a label.
fn known(method: &Method) -> &'static str {
    HttpMethod::parse(method.as_str()).map_or("other", HttpMethod::as_str)
}

/// The handler's answer, or a problem where there is none.
async fn guarded(request: Request, next: Next) -> Response {
    let uri = request
        .uri()
        .path_and_query()
        .map_or(0, |it| it.as_str().len());
    if uri > URL_BYTES_MAX {
        let detail = format!("the URL is longer than {URL_BYTES_MAX} bytes");
        return Problem::new(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", detail).into_response();
    }
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            tracing::error!(
                panic = text.unwrap_or("of another type"),
                "a handler panicked"
            );
            Problem::internal().into_response()
        }
    }
}

/// Tells a problem which request it belongs to.
fn finish(mut response: Response, path: &str, trace: &TraceId) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    problem.at(&redacted(path), trace.as_str());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(problem.body());
    response
}

/// The path without what may be a token in it.
fn redacted(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.split_once('_') {
        Some((prefix, _)) if prefix.len() == 3 && prefix.starts_with('c') => format!("{prefix}_…"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What every answer says, unless it says otherwise itself.
fn head(headers: &mut HeaderMap, trace: &TraceId, https: bool) {
    const DEFAULTS: [(HeaderName, &str); 8] = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("x-permitted-cross-domain-policies"),
            "none",
        ),
    ];
    for (name, value) in DEFAULTS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if https {
        let always = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(always);
    }
    if let Ok(id) = HeaderValue::from_str(trace.as_str()) {
        headers.insert(HeaderName::from_static(TRACE_HEADER), id);
    }
}
