//! Sending spans, a batch at a time (OTLP/HTTP, protobuf).

use std::time::Duration;

use egress::{Allowance, Endpoint, Limits, Request, Trust};
use http::Method;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Telemetry;
use super::wire::{self, Span};

/// The most spans of one request.
const BATCH_MAX: usize = 512;
/// How many times a batch is sent before it is dropped, and how long the first wait is.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_millis(500);

/// Takes spans out of the queue and sends them.
pub(crate) struct Exporter {
    telemetry: Telemetry,
    queue: mpsc::Receiver<Span>,
}

/// Why a batch was not taken.
enum Refused {
    /// It may be taken later.
    NotNow(String),
    /// It will not be taken.
    Never(String),
}

impl Exporter {
    pub(super) fn new(telemetry: Telemetry, queue: mpsc::Receiver<Span>) -> Self {
        Self { telemetry, queue }
    }

    /// Sends until `stopping`, and then what is left.
    pub async fn run(mut self, stopping: CancellationToken) {
        let client = match egress::Client::new(Trust::System) {
            Ok(client) => client,
            Err(error) => return tracing::error!(%error, "spans can't be sent"),
        };
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            let stopped = self.gather(&mut batch, &stopping).await;
            if !batch.is_empty() {
                self.deliver(&client, std::mem::take(&mut batch), &stopping)
                    .await;
            }
            if stopped && self.queue.is_empty() {
                return;
            }
        }
    }

    /// Waits for a full batch, or for as long as spans gather; answers whether it is time to stop.
    async fn gather(&mut self, batch: &mut Vec<Span>, stopping: &CancellationToken) -> bool {
        let until = tokio::time::sleep(self.telemetry.gather);
        tokio::pin!(until);
        while batch.len() < BATCH_MAX {
            let left = BATCH_MAX - batch.len();
            tokio::select! {
                biased;
                _ = self.queue.recv_many(batch, left) => {}
                () = stopping.cancelled() => return true,
                () = &mut until => return false,
            }
        }
        stopping.is_cancelled()
    }

    async fn deliver(
        &self,
        client: &egress::Client,
        spans: Vec<Span>,
        stopping: &CancellationToken,
    ) {
        let count = spans.len() as u64;
        let resource = &self.telemetry.resource;
        let body = wire::request(resource, env!("CARGO_PKG_VERSION"), &spans);
        let body = bytes::Bytes::from(body);
        let mut wait = WAIT;
        for tried in 1..=TRIES {
            let why = match self.send(client, body.clone()).await {
                Ok(()) => return metrics::counter!("chancery_spans_sent_total").increment(count),
                Err(Refused::NotNow(why)) if tried < TRIES && !stopping.is_cancelled() => {
                    tracing::debug!(why, "spans are sent again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    continue;
                }
                Err(Refused::NotNow(why) | Refused::Never(why)) => why,
            };
            metrics::counter!("chancery_spans_dropped_total").increment(count);
            return tracing::warn!(why, count, "spans were not taken and are dropped");
        }
    }

    async fn send(&self, client: &egress::Client, body: bytes::Bytes) -> Result<(), Refused> {
        let telemetry = &self.telemetry;
        let never = |error: &dyn ToString| Refused::Never(error.to_string());
        let mut request = Request::new(Method::POST, telemetry.target.clone())
            .header("content-type", "application/x-protobuf")
            .map_err(|error| never(&error))?;
        for (name, value) in &telemetry.headers {
            let with = request.secret_header(name, value);
            request = with.map_err(|error| never(&error))?;
        }
        let limits = Limits {
            total_timeout: telemetry.timeout,
            redirects_max: 0,
            ..Limits::default()
        };
        // Whoever runs this process has named the place.
        let named = Allowance::public().and_endpoint(Endpoint::of(&telemetry.target));
        let gate = move |_: &egress::Hop<'_>| Ok(named.clone());
        let sent = client.fetch(request.body(body), &limits, &gate).await;
        let answer = sent.map_err(|error| Refused::NotNow(error.to_string()))?;
        match answer.status.as_u16() {
            200..300 => Ok(()),
            status @ (429 | 502..=504) => Err(Refused::NotNow(format!("answered {status}"))),
            status => Err(Refused::Never(format!("answered {status}"))),
        }
    }
}
