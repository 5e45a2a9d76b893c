//! Bench `runs`: governed runs a second, and the latency of one.
//!
//! A run is what `POST /v1/tools/noop/invoke` starts, asked for at the service behind the route: it
//! is queued, decided on, permitted by a token that its executor verifies, executed, and recorded in
//! seven events, which are sealed. The installation is the product's own composition in this
//! process; HTTP is measured by `api`. Runs are spread over a few organisations, each with as many
//! callers at once as it may have runs, and each caller waits for the sealed end of a run before it
//! starts another.
//!
//! Every acknowledgement is durable: SQLite with `synchronous = FULL`, Postgres with fsync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::journal::{Filter, Hub};
use ::runs::{Input, NewRun, Runs};
use ::server::Embedded;
use anyhow::{Context, Result, ensure};
use db::OrgContext;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vocab::EventKind;

use crate::figures::{self, Figure, Limit, median, percentile};
use crate::installation;
use crate::place::{BareCommit, Place};

const ROUNDS: usize = 5;
const RUNS: u64 = 6_000;
/// Runs one after the other, in each round.
const SINGLES: usize = 200;
const ORGANISATIONS: usize = 4;
/// As many as one organisation may have at once.
const CALLERS: u32 = vocab::limits::RUNS_CONCURRENT_PER_ORG as u32;
/// queued, started, intended, decided, issued, executed, succeeded.
const EVENTS_OF_RUN: u64 = 7;
/// How long a sealed end may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn run() -> Result<bool> {
    let mut figures = measure(&Place::sqlite()?, 3_000.0).await?;
    figures.extend(measure(&Place::postgres("bench_runs").await?, 1_500.0).await?);
    Ok(figures::print("runs", &figures))
}

async fn measure(place: &Place, least: f64) -> Result<Vec<Figure>> {
    let embedded = installation::start(place, ORGANISATIONS * CALLERS as usize).await?;
    let mut callers = Vec::new();
    for number in 1..=ORGANISATIONS {
        let org = embedded.organisation(&format!("bench {number}")).await?;
        callers.push(Caller::new(&embedded, org).await?);
    }
    let mut bare = BareCommit::open(place).await?;
    // Once for nothing: statements are prepared, caches are filled.
    many(&callers, RUNS / 4).await?;

    let (mut rates, mut commits, mut halves, mut tails) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        rates.push(many(&callers, RUNS).await?);
        let (bare, run) = singles(&callers[0], &mut bare).await?;
        commits.push(median(&bare));
        halves.push(median(&run));
        tails.push(percentile(&run, 0.99));
    }
    for caller in &callers {
        caller.check().await?;
    }
    embedded.stop().await;

    let name = |what: &str| format!("{}: {what}", place.engine);
    let commit = median(&commits);
    Ok(vec![
        Figure::new(
            name("governed runs"),
            "runs/s",
            rates,
            Limit::AtLeast(least),
        ),
        Figure::new(name("one bare durable commit"), "ms", commits, Limit::Open),
        Figure::new(
            name("one run, sealed, p50"),
            "ms",
            halves,
            Limit::AtMost(4.0 * commit),
        ),
        Figure::new(
            name("one run, sealed, p99"),
            "ms",
            tails,
            Limit::AtMost(10.0 * commit),
        ),
    ])
}

/// Somebody in one organisation who starts runs and hears of their ends.
#[derive(Clone)]
struct Caller {
    ctx: OrgContext,
    runs: Runs,
    /// A permit for each run that may be started now.
    room: Arc<Semaphore>,
    /// How many events the record had before the first run, and how many runs there were since.
    sealed_before: u64,
    started: Arc<AtomicU64>,
}

impl Caller {
    async fn new(embedded: &Embedded, ctx: OrgContext) -> Result<Self> {
        installation::allow_noop(embedded, &ctx).await?;
        let room = Arc::new(Semaphore::new(CALLERS as usize));
        let sealed_before = settled(&ctx).await?;
        hear_of_ends(embedded.hub(), &ctx, Arc::clone(&room)).await?;
        Ok(Self {
            ctx,
            runs: embedded.runs().clone(),
            room,
            sealed_before,
            started: Arc::default(),
        })
    }

    async fn take_room(&self, permits: u32) -> Result<()> {
        let room = tokio::time::timeout(PATIENCE, self.room.acquire_many(permits));
        room.await.context("a run did not end")??.forget();
        Ok(())
    }

    /// Starts a run; it is durably queued when this returns.
    async fn start(&self) -> Result<()> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let new = NewRun {
            input: Input::Tool {
                tool: "noop".to_owned(),
                arguments: json!({}),
            },
            workspace: "default".to_owned(),
            session: None,
            agent: None,
            parent: None,
            has_read: ::runs::HasRead::default(),
        };
        self.runs.start(&self.ctx, new).await?;
        Ok(())
    }

    /// Whether the record holds exactly what these runs must have left there.
    async fn check(&self) -> Result<()> {
        let started = self.started.load(Ordering::Relaxed);
        let sealed = settled(&self.ctx).await? - self.sealed_before;
        ensure!(
            sealed == started * EVENTS_OF_RUN,
            "{started} runs left {sealed} events"
        );
        Ok(())
    }
}

/// How many events are sealed, once nothing more comes.
async fn settled(ctx: &OrgContext) -> Result<u64> {
    let mut size = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = ::journal::reader::size(ctx).await?;
        if now == size && now > 0 {
            return Ok(now);
        }
        size = now;
    }
}

/// Gives room back at each sealed end of a run.
async fn hear_of_ends(hub: &Hub, ctx: &OrgContext, room: Arc<Semaphore>) -> Result<()> {
    let ends = Filter {
        kinds: vec![EventKind::RunSucceeded],
        ..Filter::default()
    };
    let mut ends = hub.subscribe_from_now(ctx, ends).await?;
    // Ends with the hub.
    tokio::spawn(async move {
        while ends.next().await.is_ok() {
            room.add_permits(1);
        }
    });
    Ok(())
}

/// So many runs, from the first call to the last sealed end; answers runs a second.
async fn many(callers: &[Caller], count: u64) -> Result<f64> {
    let start = Instant::now();
    let each = count / callers.len() as u64;
    futures::future::try_join_all(callers.iter().map(|caller| some(caller, each))).await?;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = (each * callers.len() as u64) as f64;
    Ok(count / start.elapsed().as_secs_f64())
}

/// As many runs at once as the organisation may have, each call in a task of its own.
async fn some(caller: &Caller, count: u64) -> Result<()> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        caller.take_room(1).await?;
        let caller = caller.clone();
        calls.spawn(async move { caller.start().await });
        while let Some(called) = calls.try_join_next() {
            called??;
        }
    }
    while let Some(called) = calls.join_next().await {
        called??;
    }
    caller.take_room(CALLERS).await?;
    caller.room.add_permits(CALLERS as usize);
    Ok(())
}

/// Bare commits and runs by turns, one at a time on an otherwise idle server; in milliseconds.
async fn singles(caller: &Caller, bare: &mut BareCommit) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut commits, mut runs) = (Vec::new(), Vec::new());
    caller.take_room(CALLERS).await?;
    for _ in 0..SINGLES {
        let start = Instant::now();
        bare.commit().await?;
        commits.push(milliseconds(start));
        let start = Instant::now();
        caller.start().await?;
        caller.take_room(1).await?;
        runs.push(milliseconds(start));
    }
    caller.room.add_permits(CALLERS as usize);
    Ok((commits, runs))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
