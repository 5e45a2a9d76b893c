//! What is measured, and how it is read: in Prometheus' text format.
//!
//! The parts of the server count by the facade `metrics`, as they log by `tracing`; nothing is kept
//! unless [`install`] was called, and only the programs do that. What stands in the database is
//! counted when somebody reads. No label holds an organisation, a person, an agent or a run: labels
//! are names of routes, states and outcomes, and so few that they can be kept for ever.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use db::{Authority, StoreError};
use http::{HeaderMap, StatusCode, header};
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use nodes::Nodes;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vocab::{Clock, Digest, ExposeSecret as _, SecretString, Timestamp};

use crate::ServerError;

/// What a measure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often each size occurred.
    Histogram,
}

/// Every measure: its name, what it is, and what it says.
pub const MEASURES: &[(&str, Kind, &str)] = &[
    (
        "chancery_build_info",
        Kind::Gauge,
        "1, with the version of this program as a label.",
    ),
    (
        "chancery_database_up",
        Kind::Gauge,
        "1 if the database answered when this was read.",
    ),
    (
        "chancery_runs_open",
        Kind::Gauge,
        "Runs that are not over, by state. Those that wait are parked: they cost a row.",
    ),
    (
        "chancery_runs_due",
        Kind::Gauge,
        "Runs that are due and held by no worker.",
    ),
    (
        "chancery_runs_oldest_due_seconds",
        Kind::Gauge,
        "How long the first of those has been due.",
    ),
    (
        "chancery_runs_ended_total",
        Kind::Counter,
        "Runs that this process brought to an end, by state.",
    ),
    (
        "chancery_run_queue_seconds",
        Kind::Histogram,
        "From the making of a run to the beginning of work on it.",
    ),
    (
        "chancery_run_claims_total",
        Kind::Counter,
        "Runs that this process claimed from the queue.",
    ),
    (
        "chancery_run_leases_lost_total",
        Kind::Counter,
        "Runs that another process took over from this one.",
    ),
    (
        "chancery_chats_held",
        Kind::Gauge,
        "Chats that this process controls. Postgres alone, as the next five.",
    ),
    (
        "chancery_chat_takeovers_total",
        Kind::Counter,
        "Chats that this process took which another one had held.",
    ),
    (
        "chancery_chat_leases_lost_total",
        Kind::Counter,
        "Leases on chats that ran out though this process was alive.",
    ),
    (
        "chancery_chat_writes_fenced_total",
        Kind::Counter,
        "Writes to chats that were refused because another process had taken them over.",
    ),
    (
        "chancery_chat_forwards_total",
        Kind::Counter,
        "Requests that were sent to another process, by outcome.",
    ),
    (
        "chancery_chat_links",
        Kind::Gauge,
        "Sessions whose live side this process follows at another one.",
    ),
    (
        "chancery_approvals_pending",
        Kind::Gauge,
        "Requests that wait for a person.",
    ),
    (
        "chancery_policy_decisions_total",
        Kind::Counter,
        "Decisions on actions, by outcome.",
    ),
    (
        "chancery_seal_lag_seconds",
        Kind::Histogram,
        "From an event to its place in the record; of the oldest of each batch.",
    ),
    (
        "chancery_seal_batch_events",
        Kind::Histogram,
        "Events that were sealed at once.",
    ),
    (
        "chancery_db_commit_seconds",
        Kind::Histogram,
        "A commit, until it is on disk, by outcome.",
    ),
    (
        "chancery_http_requests_total",
        Kind::Counter,
        "Answered requests, by method, route and status.",
    ),
    (
        "chancery_http_request_seconds",
        Kind::Histogram,
        "From a request to the head of its answer, by method and route.",
    ),
    (
        "chancery_model_requests_total",
        Kind::Counter,
        "Answered requests to the model gateway, by family and outcome.",
    ),
    (
        "chancery_model_request_seconds",
        Kind::Histogram,
        "From a request to the model gateway to the head of its answer, by family.",
    ),
    (
        "chancery_spans_sent_total",
        Kind::Counter,
        "Spans that a receiver of traces has taken.",
    ),
    (
        "chancery_spans_dropped_total",
        Kind::Counter,
        "Spans that were not taken, or came faster than they could be sent.",
    ),
    (
        "chancery_sse_subscribers",
        Kind::Gauge,
        "Open streams of events.",
    ),
    (
        "chancery_sse_slow_readers_total",
        Kind::Counter,
        "Streams that were ended because their reader was too slow.",
    ),
    (
        "chancery_nodes_connected",
        Kind::Gauge,
        "Nodes that are connected to this process.",
    ),
    (
        "chancery_node_job_seconds",
        Kind::Histogram,
        "A job on a node, from its dispatch to its outcome, by what became of it.",
    ),
    (
        "chancery_egress_refusals_total",
        Kind::Counter,
        "Outgoing requests that were refused, by reason.",
    ),
    (
        "chancery_tool_limit_refusals_total",
        Kind::Counter,
        "Calls of tools that a limit of their organisation kept out, by limit.",
    ),
    (
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Memory of this process.",
    ),
    (
        "process_open_fds",
        Kind::Gauge,
        "Open files and connections of this process.",
    ),
    (
        "process_start_time_seconds",
        Kind::Gauge,
        "When this process began, in seconds since 1970.",
    ),
];

/// Seconds, from a quick commit to a slow request.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    120.0,
];
const EVENTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0,
];
/// How often what was observed is put into its buckets: it costs memory until then.
const UPKEEP: Duration = Duration::from_secs(5);

/// Measures from now on. Called again, it gives what it gave before.
///
/// # Errors
/// Another part of this process measures already.
pub(crate) fn install() -> Result<PrometheusHandle, ServerError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = builder().map_err(ServerError::Metrics)?.build_recorder();
    let handle = recorder.handle();
    let installed = metrics::set_global_recorder(recorder).is_ok();
    if installed {
        describe();
        gauge!("chancery_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let began = Clock::system().now().since(Timestamp::from_micros(0));
        gauge!("process_start_time_seconds").set(began.as_secs_f64());
    }
    Ok(HANDLE.get_or_init(|| handle).clone())
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    use metrics_exporter_prometheus::Matcher;
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), EVENTS)
}

/// Says what each measure is. Counters and gauges that nothing has touched stand at 0, so that an
/// alert can tell "never" from "not measured".
fn describe() {
    for (name, kind, help) in MEASURES {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
    for outcome in ["allow", "deny", "require_approval"] {
        counter!("chancery_policy_decisions_total", "outcome" => outcome).absolute(0);
    }
    for state in ["succeeded", "failed", "cancelled"] {
        counter!("chancery_runs_ended_total", "state" => state).absolute(0);
    }
    for reason in ["url", "request", "policy", "port", "address", "redirect"] {
        counter!("chancery_egress_refusals_total", "reason" => reason).absolute(0);
    }
    for name in [
        "chancery_run_claims_total",
        "chancery_run_leases_lost_total",
        "chancery_sse_slow_readers_total",
    ] {
        counter!(name).absolute(0);
    }
    gauge!("chancery_sse_subscribers").set(0.0);
}

/// Everything that is counted when somebody reads, and who may.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    handle: PrometheusHandle,
    authority: Authority,
    nodes: Nodes,
    token: Option<SecretString>,
}

impl Metrics {
    pub(crate) fn new(
        handle: PrometheusHandle,
        authority: Authority,
        nodes: Nodes,
        token: Option<SecretString>,
    ) -> Self {
        Self(Arc::new(Inner {
            handle,
            authority,
            nodes,
            token,
        }))
    }

    /// `/metrics`, for a listener of its own or beside the API.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/metrics", get(read))
            .with_state(self.clone())
    }

    /// Answers on a listener of its own until the server stops.
    pub(crate) async fn serve(self, listener: TcpListener, stopping: CancellationToken) {
        let served = axum::serve(listener, self.router())
            .with_graceful_shutdown(stopping.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "metrics are served no more");
        }
    }

    /// Keeps what was observed small until the server stops.
    pub(crate) async fn upkeep(self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.0.handle.run_upkeep(),
                () = stopping.cancelled() => return,
            }
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.0.token else {
            return true;
        };
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.strip_prefix("Bearer "));
        // Of digests, so that how long it takes says nothing of the token.
        let digest = |text: &str| Digest::of(text.as_bytes());
        given.is_some_and(|given| digest(given) == digest(token.expose_secret()))
    }

    async fn count(&self) -> Result<(), StoreError> {
        let Inner { authority, .. } = &*self.0;
        let census = runs::census(authority).await?;
        for state in ["queued", "dispatching", "running", "waiting"] {
            let here = census.open.iter().find(|(name, _)| name == state);
            gauge!("chancery_runs_open", "state" => state).set(amount(here.map_or(0, |it| it.1)));
        }
        gauge!("chancery_runs_due").set(amount(census.due));
        let now = authority.db().clock().now();
        let oldest = census.oldest_due.map_or(Duration::ZERO, |it| now.since(it));
        gauge!("chancery_runs_oldest_due_seconds").set(oldest.as_secs_f64());
        let pending = tools::pending_approvals(authority).await?;
        gauge!("chancery_approvals_pending").set(amount(pending));
        Ok(())
    }
}

fn amount(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

async fn read(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    if !metrics.admits(&headers) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let detail = "reading metrics needs the token of the setting `metrics_token`\n";
        return (StatusCode::UNAUTHORIZED, challenge, detail).into_response();
    }
    // What the process knows by itself is most wanted when the database does not answer.
    let counted = metrics.count().await;
    if let Err(error) = &counted {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "open runs can't be counted"
        );
    }
    gauge!("chancery_database_up").set(if counted.is_ok() { 1.0 } else { 0.0 });
    gauge!("chancery_nodes_connected").set(amount(metrics.0.nodes.connected() as u64));
    process();
    let text = metrics.0.handle.render();
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

/// What the system says of this process.
fn process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u32>().ok());
    if let Some(kib) = kib {
        gauge!("process_resident_memory_bytes").set(f64::from(kib) * 1024.0);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(amount(files.count() as u64));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every name of ours in the source of the crates.
    fn used(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, names);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for call in ["counter!(", "gauge!(", "histogram!("] {
                    let after = text.split(call).skip(1);
                    names.extend(after.filter_map(|rest| {
                        let rest = rest.trim_start().strip_prefix('"')?;
                        let name = rest.split_once('"')?.0;
                        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                        is_name.then(|| name.to_owned())
                    }));
                }
            }
        }
    }

    #[test]
    fn every_measure_is_described_and_documented() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut names = BTreeSet::new();
        for folder in std::fs::read_dir(root.join("crates")).unwrap() {
            let source = folder.unwrap().path().join("src");
            if source.is_dir() {
                used(&source, &mut names);
            }
        }
        assert!(names.len() > 15, "{names:?}");
        let described: BTreeSet<String> = MEASURES.iter().map(|it| it.0.to_owned()).collect();
        assert_eq!(names, described);
        let guide = std::fs::read_to_string(root.join("docs/guides/operations.md")).unwrap();
        for (name, _, help) in MEASURES {
            assert!(
                guide.contains(&format!("`{name}`")),
                "{name} is not in the guide"
            );
            assert!(help.ends_with('.'), "{name}");
        }
    }
}
