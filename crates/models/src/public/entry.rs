//! The span of a request to a public route, for whoever traces, by OpenTelemetry's conventions for HTTP:
//! what the span of the call stands in. A request that never became a call has one as well.

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method};
use tracing::Span;
use tracing::field::Empty;
use vocab::trace::TARGET;
use vocab::{HttpMethod, Random, RunId, TraceParent};

use super::door::Guest;

/// A request on its way through. Its span ends with the last clone of it, so that of an answer that is
/// streamed with the stream.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    span: Span,
    /// The trace that the caller says, or, where somebody traces, that of the span.
    parent: Option<TraceParent>,
    /// Whether the caller said it.
    theirs: bool,
}

/// Why a request was refused, beside the answer that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused(pub &'static str);

impl Entry {
    /// Begins with a request.
    pub(super) fn begin(
        method: &Method,
        route: &str,
        headers: &HeaderMap,
        random: &Random,
    ) -> Self {
        let said = headers
            .get(TraceParent::HEADER)
            .and_then(|it| it.to_str().ok());
        let theirs = said.and_then(TraceParent::parse);
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return Self {
                span: Span::none(),
                parent: theirs,
                theirs: theirs.is_some(),
            };
        }
        let own = theirs.map_or_else(|| TraceParent::new(random), |it| it.child(random));
        let method = HttpMethod::parse(method.as_str()).map_or("other", HttpMethod::as_str);
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.kind = "server",
            otel.name = %format_args!("{method} {route}"),
            otel.trace_id = %format_args!("{:032x}", own.trace),
            otel.span_id = %format_args!("{:016x}", own.span),
            otel.parent_id = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            error.type = Empty,
        );
        let entry = Self {
            span,
            parent: Some(own),
            theirs: theirs.is_some(),
        };
        if let Some(caller) = theirs {
            entry.caused_by(caller);
        }
        entry
    }

    fn caused_by(&self, parent: TraceParent) {
        let id = format_args!("{:016x}", parent.span);
        self.span
            .record("otel.parent_id", tracing::field::display(id));
    }

    /// The caller holds this run's token: without a word of theirs, the request is a part of its trace.
    pub(super) fn of_run(&mut self, run: RunId) {
        let Some(own) = self.parent.filter(|_| !self.theirs) else {
            return;
        };
        let run = TraceParent::of(run.uuid());
        self.parent = Some(TraceParent {
            trace: run.trace,
            ..own
        });
        let trace = format_args!("{:032x}", run.trace);
        self.span
            .record("otel.trace_id", tracing::field::display(trace));
        self.caused_by(run);
    }

    /// What a call of this request is caused by.
    pub(crate) fn parent(&self) -> Option<TraceParent> {
        self.parent
    }

    /// What was answered; the body may go on.
    pub(super) fn answered(&self, response: &Response) {
        let status = response.status();
        self.span
            .record("http.response.status_code", status.as_u16());
        if status.is_client_error() || status.is_server_error() {
            match response.extensions().get::<Refused>() {
                Some(Refused(code)) => self.span.record("error.type", code),
                None => self.span.record("error.type", status.as_str()),
            };
        }
    }
}

/// The entry of a request, once it is known who asks.
pub(super) fn entry_of(parts: &Parts, guest: &Guest) -> Option<Entry> {
    let mut entry = parts.extensions.get::<Entry>()?.clone();
    if let Some(run) = guest.spender.run {
        entry.of_run(run);
    }
    Some(entry)
}
