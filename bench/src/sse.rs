//! Bench `sse`: memory of idle subscribers, and delivery to many, beside the bare framework.
//!
//! Subscribers listen to one session's events over connections of their own. What is delivered are
//! changes of the session's title: each is committed, sealed in the record by a second durable
//! commit, and only then told. Delivery is measured twice: from the moment at which the one who
//! changed it was answered, which is what a listener waits for, and from the moment of the request.
//! The bare server tells what it is told, and stores nothing.
//!
//! Both servers are processes of their own; every subscriber is in this one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::bare;
use crate::client::{Request, text};
use crate::figures::{self, Figure, Limit, percentile};
use crate::place::Place;
use crate::server;
use crate::wire::{self, Wire};

const ROUNDS: usize = 3;
const IDLE: usize = 5_000;
const LISTENING: usize = 1_000;
const EVENTS: usize = 200;
const EVERY: Duration = Duration::from_millis(50);
/// How long the last event may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many connections are opened at the same time.
const OPENING: usize = 50;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

pub async fn run() -> Result<bool> {
    raise_open_files()?;
    let place = Place::sqlite()?;
    let (mut ours, mut bare) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        product_round(&place, &mut ours).await?;
        bare_round(&place, &mut bare).await?;
    }
    let figures = [
        Figure::new(
            "memory of an idle subscriber",
            "KiB",
            ours.memory,
            Limit::AtMost(12.0),
        ),
        Figure::new("the same, bare", "KiB", bare.memory, Limit::Open),
        Figure::new(
            "delivery after the answer, p99",
            "ms",
            ours.after_answer,
            Limit::AtMost(20.0),
        ),
        Figure::new(
            "delivery after the request, p99",
            "ms",
            ours.after_request,
            Limit::Open,
        ),
        Figure::new(
            "delivery after the request, p99, bare",
            "ms",
            bare.after_request,
            Limit::Open,
        ),
    ];
    Ok(figures::print("sse", &figures))
}

/// One number of each kind for each round.
#[derive(Default)]
struct Measured {
    memory: Vec<f64>,
    after_answer: Vec<f64>,
    after_request: Vec<f64>,
}

async fn product_round(place: &Place, into: &mut Measured) -> Result<()> {
    let (launch, server, client) = place.serve().await?;
    let new = Request::send(Method::POST, "/v1/sessions", json!({ "title": "bench" }));
    let session = client.once(&new).await?.good()?;
    let path = format!("/v1/sessions/{}", text(&session, "/id")?);
    let headers = client.headers().await;
    let listen = wire::request("GET", &format!("{path}/events"), &headers, "");
    let change = |number| {
        let body = json!({ "title": format!("title {number}") }).to_string();
        wire::request("PATCH", &path, &headers, &body)
    };
    let streams = Streams {
        process: server.id(),
        address: launch.address(),
        listen,
    };
    measure(&streams, change, into).await?;
    server.kill()
}

async fn bare_round(place: &Place, into: &mut Measured) -> Result<()> {
    let server = bare::start(place)?;
    let listen = wire::request("GET", "/stream", &[], "");
    // As long as an event of the record.
    let tell = |number: usize| wire::request("POST", "/stream", &[], &format!("{number:0>700}"));
    let streams = Streams {
        process: server.id(),
        address: server.address(),
        listen,
    };
    measure(&streams, tell, into).await
}

/// Where one listens, and whose memory it costs.
pub struct Streams {
    pub process: u32,
    pub address: SocketAddr,
    pub listen: Vec<u8>,
}

async fn measure(
    streams: &Streams,
    event: impl Fn(usize) -> Vec<u8>,
    into: &mut Measured,
) -> Result<()> {
    // What a first stream costs is not what each costs.
    drop(streams.open(OPENING).await?);
    tokio::time::sleep(REST).await;
    let before = server::resident(streams.process).context("can't read the server's memory")?;
    let idle = streams.open(IDLE).await?;
    tokio::time::sleep(REST).await;
    let after = server::resident(streams.process).context("can't read the server's memory")?;
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    into.memory
        .push(after.saturating_sub(before) as f64 / IDLE as f64 / 1_024.0);
    drop(idle);
    tokio::time::sleep(REST).await;

    let delivered = streams.deliver(event).await?;
    into.after_answer
        .push(percentile(&delivered.after_answer, 0.99));
    into.after_request
        .push(percentile(&delivered.after_request, 0.99));
    Ok(())
}

/// Of each event and each listener, in milliseconds.
pub struct Delivered {
    pub after_answer: Vec<f64>,
    pub after_request: Vec<f64>,
}

impl Streams {
    async fn open(&self, count: usize) -> Result<Vec<Wire>> {
        let mut streams = Vec::with_capacity(count);
        while streams.len() < count {
            let some = (0..OPENING.min(count - streams.len())).map(|_| self.open_one());
            streams.extend(futures::future::try_join_all(some).await?);
        }
        Ok(streams)
    }

    async fn open_one(&self) -> Result<Wire> {
        let mut wire = Wire::open(self.address).await?;
        wire.open_stream(&self.listen).await?;
        Ok(wire)
    }

    /// How many events a stream begins with.
    async fn frames_now(&self) -> Result<usize> {
        let (mut wire, mut frames) = (self.open_one().await?, Frames::default());
        let mut count = 0;
        while let Ok(piece) = tokio::time::timeout(REST, wire.piece()).await {
            count += frames.count(&piece?);
        }
        Ok(count)
    }

    /// Tells a thousand listeners twenty events a second.
    pub async fn deliver(&self, event: impl Fn(usize) -> Vec<u8>) -> Result<Delivered> {
        // Whoever listens to the product first gets what is in the record already.
        let before = self.frames_now().await?;
        let mut listeners = JoinSet::new();
        for wire in self.open(LISTENING).await? {
            listeners.spawn(listen(wire, before + EVENTS));
        }
        tokio::time::sleep(REST).await;
        let mut teller = Wire::open(self.address).await?;
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        let mut ticks = tokio::time::interval(EVERY);
        for number in 0..EVENTS {
            ticks.tick().await;
            asked.push(Instant::now());
            let answer = teller.ask(&event(number)).await?;
            answered.push(Instant::now());
            ensure!(answer.status < 300, "the event was refused");
        }
        let (mut after_answer, mut after_request) = (Vec::new(), Vec::new());
        let hearing = tokio::time::timeout(PATIENCE, listeners.join_all());
        for heard in hearing.await.context("an event was not delivered")? {
            let heard = heard?;
            let new = heard.iter().skip(before);
            for (heard, (asked, answered)) in new.zip(asked.iter().zip(&answered)) {
                after_answer.push(milliseconds(*answered, *heard));
                after_request.push(milliseconds(*asked, *heard));
            }
        }
        Ok(Delivered {
            after_answer,
            after_request,
        })
    }
}

/// When each event came.
async fn listen(mut wire: Wire, count: usize) -> Result<Vec<Instant>> {
    let (mut heard, mut frames) = (Vec::with_capacity(count), Frames::default());
    while heard.len() < count {
        let piece = wire.piece().await?;
        let now = Instant::now();
        heard.resize(heard.len() + frames.count(&piece), now);
    }
    Ok(heard)
}

/// Counts events in a stream that comes in pieces.
#[derive(Default)]
struct Frames {
    /// How much of the mark the last piece ended with.
    matched: usize,
}

impl Frames {
    const MARK: &[u8] = b"\ndata: ";

    fn count(&mut self, piece: &[u8]) -> usize {
        let mut count = 0;
        for byte in piece {
            if *byte == Self::MARK[self.matched] {
                self.matched += 1;
            } else {
                // The mark begins with the only newline in it.
                self.matched = usize::from(*byte == Self::MARK[0]);
            }
            if self.matched == Self::MARK.len() {
                count += 1;
                self.matched = 0;
            }
        }
        count
    }
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1_000.0
}

/// Thousands of connections need more open files than most machines allow at first. The servers are
/// this process's children and have the same limit.
pub fn raise_open_files() -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("can't raise the limit of open files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_the_stream_is_cut() {
        let stream = b"retry: 1000\n\nid: 1\nevent: a\ndata: {\"data: \":1}\n\n: alive\n\nid: 2\ndata: {}\n\n";
        for size in 1..stream.len() {
            let mut frames = Frames::default();
            let count: usize = stream.chunks(size).map(|piece| frames.count(piece)).sum();
            assert_eq!(count, 2, "in pieces of {size}");
        }
    }
}
