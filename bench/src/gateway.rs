//! Bench `gateway`: calls of models through the gateway, beside a bare reverse proxy and beside the
//! provider itself.
//!
//! The gateway is used as it is meant to be: a key is checked, budgets of the organisation, the key and
//! the profile hold, each call is priced and recorded, with digests of what was said. At the end of a
//! round everything that was answered must be in the database, or the round fails.
//!
//! Who asks, the gateway and the provider are three processes that share the machine, over loopback.
//! The provider is one of the bench's own (see `upstream.rs`), and the bare proxy is measured on the
//! same terms: by the same who asks, before the same provider, by turns.

mod load;
pub mod proxy;
mod setup;
pub mod upstream;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::client::Client;
use crate::figures::{self, Figure, Limit, median, percentile};
use crate::place::{Engine, Place};
use crate::server::{self, Server};
use crate::sse;
use load::Target;

const ROUNDS: usize = 5;
/// Questions a second at which added latency is measured.
const STEADY: [u32; 2] = [50, 200];
/// How many streams are held open while memory is read.
const HELD: usize = 1_000;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// Measures on both databases, or on the one that is named.
pub async fn run(only: Option<Engine>) -> Result<bool> {
    sse::raise_open_files()?;
    let mut kept = true;
    for engine in Engine::all(only) {
        let place = engine.place("bench_gateway").await?;
        let figures = Box::pin(measure(&place)).await?;
        kept &= figures::print(&format!("gateway on {}", place.engine), &figures);
    }
    Ok(kept)
}

/// What is asked, by turns.
struct Targets {
    gateway: Target,
    proxy: Target,
    direct: Target,
}

/// One number for each round and way.
#[derive(Default)]
struct Ways {
    gateway: Vec<f64>,
    proxy: Vec<f64>,
}

/// A gateway under test and those around it.
struct Stage {
    server: Server,
    client: Client,
    targets: Targets,
    _upstream: Child,
    _proxy: Child,
}

async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let stage = Stage::open(place).await?;
    let targets = &stage.targets;
    let idle = stage.warm_memory().await?;
    let program = stage.program()?;
    let per_stream = stage.memory_of_streams().await?;

    let (mut questions, mut streams) = (Ways::default(), Ways::default());
    let mut full = Vec::new();
    for _ in 0..ROUNDS {
        for (rates, target) in [
            (&mut questions.gateway, &targets.gateway),
            (&mut questions.proxy, &targets.proxy),
        ] {
            rates.push(load::questions_a_second(target).await?);
        }
        for (rates, target) in [
            (&mut streams.gateway, &targets.gateway),
            (&mut streams.proxy, &targets.proxy),
        ] {
            rates.push(load::streams_a_second(target).await?);
        }
        setup::record(&stage.client, "full").await?;
        full.push(load::questions_a_second(&targets.gateway).await?);
        setup::record(&stage.client, "digests").await?;
    }
    let mut added = Vec::new();
    for per_second in STEADY {
        added.extend(targets.added_latency(per_second).await?);
    }
    let first = targets.added_to_first_token().await?;
    tokio::time::sleep(REST).await;
    let after = stage.memory()?;
    // The streams that were held were asked, too, and their listeners went away.
    let calls = targets.gateway.answered() + held_calls();
    setup::written(&stage.client, calls).await?;
    stage.server.stop(Duration::from_secs(30)).await?;

    let least = (median(&questions.proxy) * 0.3).max(12_000.0);
    let mut figures = vec![
        Figure::new("questions, bare proxy", "/s", questions.proxy, Limit::Open),
        Figure::new("questions", "/s", questions.gateway, Limit::AtLeast(least)),
        Figure::new("questions, recorded in full", "/s", full, Limit::Open),
    ];
    figures.extend(added);
    figures.extend([
        Figure::new(
            "first token, added, bare proxy",
            "ms",
            first.proxy,
            Limit::Open,
        ),
        Figure::new(
            "first token, added",
            "ms",
            first.gateway,
            Limit::AtMost(0.5),
        ),
        Figure::new("streams, bare proxy", "/s", streams.proxy, Limit::Open),
        Figure::new(
            "streams of 50 chunks",
            "/s",
            streams.gateway,
            Limit::AtLeast(2_000.0),
        ),
        Figure::new(
            "memory, warm and idle",
            "MiB",
            vec![idle],
            Limit::AtMost(60.0),
        ),
        Figure::new("of it the program", "MiB", vec![program], Limit::Open),
        Figure::new("memory after the load", "MiB", vec![after], Limit::Open),
        Figure::new(
            "memory of an open stream",
            "KiB",
            per_stream,
            Limit::AtMost(40.0),
        ),
    ]);
    Ok(figures)
}

const HELD_ROUNDS: usize = 3;

fn held_calls() -> u64 {
    (HELD * HELD_ROUNDS) as u64
}

impl Stage {
    async fn open(place: &Place) -> Result<Self> {
        let upstream = Child::start(["upstream"])?;
        let proxy = Child::start(["proxy".to_owned(), upstream.address().to_string()])?;
        let (launch, server, client) = place.serve().await?;
        let gateway = setup::set_up(&client, launch.address(), upstream.address()).await?;
        let plain = |address| Target::new(address, "/v1/chat/completions", "sk-bench", "quick");
        let targets = Targets {
            gateway,
            proxy: plain(proxy.address()),
            direct: plain(upstream.address()),
        };
        Ok(Self {
            server,
            client,
            targets,
            _upstream: upstream,
            _proxy: proxy,
        })
    }

    /// Resident memory, in MiB.
    fn memory(&self) -> Result<f64> {
        let bytes = server::resident(self.server.id());
        bytes
            .map(mebibytes)
            .context("can't read the server's memory")
    }

    /// As much of it as are pages of the program itself, in MiB.
    fn program(&self) -> Result<f64> {
        let bytes = server::resident_files(self.server.id());
        bytes
            .map(mebibytes)
            .context("can't read the server's memory")
    }

    /// After a second of load and a rest, in MiB.
    async fn warm_memory(&self) -> Result<f64> {
        load::questions_a_second(&self.targets.gateway).await?;
        tokio::time::sleep(REST).await;
        self.memory()
    }

    /// What one stream costs among many, in KiB: of a thousand, of the next thousand, of the third.
    async fn memory_of_streams(&self) -> Result<Vec<f64>> {
        let (mut rounds, mut held) = (Vec::new(), Vec::new());
        for _ in 0..HELD_ROUNDS {
            let before = self.memory()?;
            held.push(load::hold(&self.targets.gateway, HELD).await?);
            tokio::time::sleep(REST).await;
            #[expect(clippy::cast_precision_loss, reason = "a thousand")]
            rounds.push((self.memory()? - before) * 1_024.0 / HELD as f64);
        }
        drop(held);
        tokio::time::sleep(REST).await;
        Ok(rounds)
    }
}

#[expect(clippy::cast_precision_loss, reason = "megabytes")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

impl Targets {
    /// What the gateway and the bare proxy add to the median and to the 99th percentile.
    async fn added_latency(&self, per_second: u32) -> Result<Vec<Figure>> {
        let (mut p50, mut p99) = (Ways::default(), Ways::default());
        for _ in 0..ROUNDS {
            let direct = load::latencies(&self.direct, per_second).await?;
            let proxy = load::latencies(&self.proxy, per_second).await?;
            let gateway = load::latencies(&self.gateway, per_second).await?;
            for (ways, share) in [(&mut p50, 0.5), (&mut p99, 0.99)] {
                let least = percentile(&direct, share);
                ways.gateway.push(percentile(&gateway, share) - least);
                ways.proxy.push(percentile(&proxy, share) - least);
            }
        }
        let figure = |what: &str, rounds, limit| {
            Figure::new(format!("{what} at {per_second}/s"), "ms", rounds, limit)
        };
        Ok(vec![
            figure("added p50, bare proxy,", p50.proxy, Limit::Open),
            figure("added p50", p50.gateway, Limit::AtMost(0.5)),
            figure("added p99, bare proxy,", p99.proxy, Limit::Open),
            figure("added p99", p99.gateway, Limit::AtMost(2.0)),
        ])
    }

    async fn added_to_first_token(&self) -> Result<Ways> {
        let mut added = Ways::default();
        for _ in 0..ROUNDS {
            let direct = median(&load::first_tokens(&self.direct).await?);
            let proxy = median(&load::first_tokens(&self.proxy).await?);
            let gateway = median(&load::first_tokens(&self.gateway).await?);
            added.gateway.push(gateway - direct);
            added.proxy.push(proxy - direct);
        }
        Ok(added)
    }
}
