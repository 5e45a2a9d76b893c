//! The log, on standard error: lines for people, or one JSON object a line for programs.

use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::config::{Log, LogFormat};
use crate::telemetry::Spans;

/// Logs from now on, and makes spans if they go somewhere. A process that logs already goes on as it
/// does.
pub(crate) fn install(log: &Log, spans: Option<Spans>) {
    // The configuration has checked it. Notices of Postgres are no news unless somebody asks, and spans
    // for whoever traces are none.
    let level = format!(
        "tokio_postgres=warn,{}=off,{}",
        vocab::trace::TARGET,
        log.level
    );
    let filter = EnvFilter::try_new(level).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(colours).with_filter(filter).boxed()
        }
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let spans = spans.map(|spans| {
        let made_for_it =
            |metadata: &tracing::Metadata<'_>| metadata.target() == vocab::trace::TARGET;
        spans.with_filter(filter_fn(made_for_it))
    });
    let _ = Registry::default().with(lines).with(spans).try_init();
}
