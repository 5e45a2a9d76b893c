//! Spans for whoever traces: by OpenTelemetry's conventions, over OTLP/HTTP, to where the standard
//! variables of the environment say. Nothing goes anywhere, and nothing is made, if they say nothing.
//!
//! ```text
//! tracing::info_span!(target: "chancery::spans", …) ─► layer ─► queue ─► batches ─► POST …/v1/traces
//! ```
//!
//! The parts of the server make spans by the facade `tracing`, as they log by it and count by
//! `metrics`; the target sets spans that are exported apart from those that are context for the log.
//! Who makes one names its trace and itself, in fields whose names begin with `otel.`: what a span
//! belongs to is known where it is made and is no matter of threads.
//!
//! A span holds facts: names, ids, numbers, codes. What was asked and answered is never in one, and
//! neither is a credential.

mod export;
mod layer;
mod settings;
mod wire;

pub use settings::{Telemetry, TelemetryError};

pub(crate) use export::Exporter;
pub(crate) use layer::Spans;

use tokio::sync::mpsc;
use vocab::Clock;
use wire::Span;

/// How many spans wait to be sent before more are dropped.
const WAITING_MAX: usize = 8_192;

/// The two ends of the queue: what makes spans of fields, and what sends them.
pub(crate) fn pair(telemetry: Telemetry) -> (Spans, Exporter) {
    let (sender, receiver) = mpsc::channel::<Span>(WAITING_MAX);
    let spans = Spans::new(sender, Clock::system());
    (spans, Exporter::new(telemetry, receiver))
}
