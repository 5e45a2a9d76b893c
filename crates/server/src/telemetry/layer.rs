//! From spans of `tracing` to those of OpenTelemetry.

use std::fmt::Debug;

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use vocab::Clock;

use super::wire::{Kind, Span, Value};

/// The longest text in an attribute, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// Attributes that are lists; their texts come as one, parted by commas.
const LISTS: &[&str] = &["gen_ai.response.finish_reasons"];

/// Makes a span of each that closes, and puts it into the queue. It must be given those of the target
/// [`vocab::trace::TARGET`] alone.
pub(crate) struct Spans {
    queue: mpsc::Sender<Span>,
    clock: Clock,
}

impl Spans {
    pub(super) fn new(queue: mpsc::Sender<Span>, clock: Clock) -> Self {
        Self { queue, clock }
    }

    fn now(&self) -> u64 {
        nanos(self.clock.now().as_micros())
    }
}

impl<S> Layer<S> for Spans
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut made = Span {
            trace_id: Vec::new(),
            span_id: Vec::new(),
            parent_id: Vec::new(),
            name: attributes.metadata().name().to_owned(),
            kind: Kind::Internal,
            start: self.now(),
            end: 0,
            attributes: Vec::with_capacity(16),
            failed: false,
        };
        attributes.record(&mut Fields(&mut made));
        span.extensions_mut().insert(made);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(made) = span.extensions_mut().get_mut::<Span>() {
            values.record(&mut Fields(made));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let Some(mut made) = span.extensions_mut().remove::<Span>() else {
            return;
        };
        if made.end == 0 {
            made.end = self.now();
        }
        // Nobody waits for whoever receives spans.
        if self.queue.try_send(made).is_err() {
            metrics::counter!("chancery_spans_dropped_total").increment(1);
        }
    }
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)
}

/// Takes fields into a span.
struct Fields<'a>(&'a mut Span);

impl Fields<'_> {
    fn put(&mut self, name: &'static str, value: Value) {
        let attributes = &mut self.0.attributes;
        match attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => attributes.push((name, value)),
        }
    }

    fn text(&mut self, name: &'static str, text: &str) {
        match name {
            "otel.name" => self.0.name = shortened(text),
            "otel.kind" => {
                self.0.kind = match text {
                    "client" => Kind::Client,
                    "server" => Kind::Server,
                    _ => Kind::Internal,
                };
            }
            "otel.trace_id" => self.0.trace_id = bytes(text),
            "otel.span_id" => self.0.span_id = bytes(text),
            "otel.parent_id" => self.0.parent_id = bytes(text),
            list if LISTS.contains(&list) => {
                let items = shortened(text);
                let items = items.split(',').map(str::to_owned).collect();
                self.put(name, Value::Texts(items));
            }
            _ => {
                self.0.failed |= name == "error.type";
                self.put(name, Value::Text(shortened(text)));
            }
        }
    }

    fn number(&mut self, name: &'static str, value: i64) {
        match name {
            "otel.start_us" => self.0.start = nanos(value),
            "otel.end_us" => self.0.end = nanos(value),
            _ => self.put(name, Value::Int(value)),
        }
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map_while(byte).collect()
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field.name(), i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), Value::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), Value::Bool(value));
    }
}
