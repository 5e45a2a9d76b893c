//! Those who ask: as fast as they can, at a steady rate, or listening.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::wire::{self, Wire};

/// How many ask at once.
const CONNECTIONS: usize = 32;
/// For how long a round of load lasts.
const ROUND: Duration = Duration::from_secs(3);
/// How many connections a steady rate is spread over.
const STEADY_CONNECTIONS: u32 = 8;
/// For how long a steady rate is kept.
const STEADY: Duration = Duration::from_secs(4);
/// How many first tokens a round waits for, one after the other.
const FIRSTS: usize = 200;
/// How many connections are opened at the same time.
const OPENING: usize = 50;

/// Whom to ask, and in which words.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    whole: Arc<[u8]>,
    streamed: Arc<[u8]>,
    held: Arc<[u8]>,
    /// How many questions were answered in full.
    answered: Arc<AtomicU64>,
}

impl Target {
    /// A target that takes OpenAI's dialect under this path.
    pub fn new(address: SocketAddr, path: &str, key: &str, model: &str) -> Self {
        let headers = [format!("authorization: Bearer {key}")];
        let request = |model: &str, stream: &str| -> Arc<[u8]> {
            wire::request("POST", path, &headers, &question(model, stream)).into()
        };
        let stream = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
        let hold = if model == "bench" {
            "bench-hold"
        } else {
            "hold"
        };
        Self {
            address,
            whole: request(model, ""),
            streamed: request(model, stream),
            held: request(hold, stream),
            answered: Arc::default(),
        }
    }

    /// How many questions were answered in full since the beginning.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    async fn ask(&self, wire: &mut Wire) -> Result<()> {
        let answer = wire.ask(&self.whole).await?;
        let body = &answer.body;
        ensure!(
            answer.status == 200 && body.ends_with(b"}"),
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(body)
        );
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn listen(&self, wire: &mut Wire) -> Result<()> {
        let bytes = wire.ask_stream(&self.streamed).await?;
        // Whoever leaves something out would be fast.
        ensure!(bytes > 50 * 100, "the stream has only {bytes} bytes");
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// About a kilobyte, as of a short conversation.
fn question(model: &str, stream: &str) -> String {
    let system =
        "You are a patient assistant of a small company. Answer in short sentences. ".repeat(6);
    let said = "What does the gateway do between my question and your answer? ".repeat(6);
    format!(
        "{{\"model\":\"{model}\",\"max_tokens\":200,\"messages\":[{{\"role\":\"system\",\"content\":\"{system}\"}},\
         {{\"role\":\"user\",\"content\":\"{said}\"}}]{stream}}}"
    )
}

/// Questions a second over every connection, one after the other on each.
pub async fn questions_a_second(target: &Target) -> Result<f64> {
    a_second(target, async |target, wire| target.ask(wire).await).await
}

/// Whole streams a second.
pub async fn streams_a_second(target: &Target) -> Result<f64> {
    a_second(target, async |target, wire| target.listen(wire).await).await
}

async fn a_second(
    target: &Target,
    ask: impl AsyncFn(&Target, &mut Wire) -> Result<()> + Copy,
) -> Result<f64> {
    let before = target.answered();
    let begun = Instant::now();
    // In one task: whoever asks must not take more of the machine than needed.
    let asking = (0..CONNECTIONS).map(|_| async move {
        let mut wire = Wire::open(target.address).await?;
        while begun.elapsed() < ROUND {
            ask(target, &mut wire).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(asking).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let answered = (target.answered() - before) as f64;
    Ok(answered / begun.elapsed().as_secs_f64())
}

/// How long answers take, in milliseconds, at so many questions a second, however long each takes. A
/// question that finds its connection busy waits, and the wait counts; that this process is woken late
/// does not.
pub async fn latencies(target: &Target, per_second: u32) -> Result<Vec<f64>> {
    let every = Duration::from_secs(1) / per_second;
    let begun = Instant::now() + Duration::from_millis(100);
    let asking = (0..STEADY_CONNECTIONS).map(|first| {
        let target = target.clone();
        tokio::spawn(async move {
            let mut wire = Wire::open(target.address).await?;
            let mut took = Vec::new();
            let mut slot = first;
            while every * slot < STEADY {
                let due = begun + every * slot;
                let from = if Instant::now() < due {
                    tokio::time::sleep_until(due.into()).await;
                    Instant::now()
                } else {
                    due
                };
                target.ask(&mut wire).await?;
                took.push(milliseconds(from));
                slot += STEADY_CONNECTIONS;
            }
            anyhow::Ok(took)
        })
    });
    let mut all = Vec::new();
    for took in futures::future::join_all(asking).await {
        all.append(&mut took.context("a connection was lost")??);
    }
    Ok(all)
}

/// How long the first piece of a stream takes, in milliseconds, one stream after the other.
pub async fn first_tokens(target: &Target) -> Result<Vec<f64>> {
    let mut wire = Wire::open(target.address).await?;
    let mut took = Vec::with_capacity(FIRSTS);
    for _ in 0..FIRSTS {
        let from = Instant::now();
        wire.open_stream(&target.streamed).await?;
        let first = wire.piece().await?;
        took.push(milliseconds(from));
        wire.end_of_stream(&first).await?;
        target.answered.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(took)
}

/// Streams that have begun and don't end.
pub async fn hold(target: &Target, count: usize) -> Result<Vec<Wire>> {
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let some = (0..OPENING.min(count - held.len())).map(|_| async {
            let mut wire = Wire::open(target.address).await?;
            wire.open_stream(&target.held).await?;
            wire.piece().await?;
            anyhow::Ok(wire)
        });
        held.extend(futures::future::try_join_all(some).await?);
    }
    Ok(held)
}

fn milliseconds(from: Instant) -> f64 {
    from.elapsed().as_secs_f64() * 1_000.0
}
