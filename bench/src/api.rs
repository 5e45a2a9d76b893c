//! Bench `api`: authenticated requests a second, beside a bare handler of the same framework.
//!
//! `GET` reads a session; the bare handler reads a row of the same width through the bare driver
//! and answers with the same kind of JSON. `POST` makes a session with an Idempotency-Key and the
//! events of it; the bare handler runs one INSERT, committed by itself. Both servers are processes
//! of their own and durable at every answer; the load comes from this one, by turns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use crate::bare;
use crate::client::{Client, Request, text};
use crate::figures::{self, Figure, Limit, median};
use crate::place::Place;
use crate::wire::{self, Wire};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 64;

pub async fn run() -> Result<bool> {
    let mut figures = measure(&Place::sqlite()?).await?;
    figures.extend(measure(&Place::postgres("bench_api").await?).await?);
    Ok(figures::print("api", &figures))
}

async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let (launch, server, client) = place.serve().await?;
    let ours = product(&client, launch.address()).await?;
    let bare = bare::start(place)?;
    let bare = plain(bare.address()).await.map(|targets| (bare, targets))?;

    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let turns = [&ours.get, &bare.1.get, &ours.post, &bare.1.post];
        for (rates, target) in rates.iter_mut().zip(turns) {
            rates.push(load(target).await?);
        }
    }
    server.stop(Duration::from_secs(30)).await?;

    let [get, bare_get, post, bare_post] = rates;
    let name = |what: &str| format!("{}: {what}", place.engine);
    let share = |of: &[f64], share: f64| Limit::AtLeast(median(of) * share);
    let (get_least, post_least) = (share(&bare_get, 0.6), share(&bare_post, 0.4));
    Ok(vec![
        Figure::new(name("bare GET"), "/s", bare_get, Limit::Open),
        Figure::new(name("GET /v1/sessions/{id}"), "/s", get, get_least),
        Figure::new(name("bare POST, durable"), "/s", bare_post, Limit::Open),
        Figure::new(name("POST /v1/sessions, durable"), "/s", post, post_least),
    ])
}

/// The two things that one server is asked.
struct Targets {
    get: Target,
    post: Target,
}

#[derive(Clone)]
struct Target {
    address: SocketAddr,
    status: u16,
    /// The request for a number that is used once.
    request: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>,
    next: Arc<AtomicU64>,
}

impl Target {
    fn new(
        address: SocketAddr,
        status: u16,
        request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self {
            address,
            status,
            request: Arc::new(request),
            next: Arc::default(),
        }
    }
}

async fn product(client: &Client, address: SocketAddr) -> Result<Targets> {
    let new =
        json!({ "title": "A title of some length", "labels": ["a", "b"], "workspace": "main" });
    let first = Request::send(Method::POST, "/v1/sessions", new.clone());
    let first = client.once(&first).await?.good()?;
    let path = format!("/v1/sessions/{}", text(&first, "/id")?);
    let headers = client.headers().await;
    let read = wire::request("GET", &path, &headers, "");
    let body = new.to_string();
    let insert = move |number| {
        let mut headers = headers.clone();
        headers.push(format!("idempotency-key: bench-{number}"));
        wire::request("POST", "/v1/sessions", &headers, &body)
    };
    Ok(Targets {
        get: Target::new(address, 200, move |_| read.clone()),
        post: Target::new(address, 201, insert),
    })
}

async fn plain(address: SocketAddr) -> Result<Targets> {
    let body = |number: u64| {
        let id = format!("ses_{number:032}");
        json!({ "id": id, "title": "A title of some length", "labels": ["a", "b"], "workspace": "main" })
    };
    let insert = move |number| wire::request("POST", "/rows", &[], &body(number).to_string());
    let first = Wire::open(address).await?.ask(&insert(u64::MAX)).await?;
    ensure!(first.status == 201, "the bare server does not insert");
    let read = wire::request("GET", &format!("/rows/ses_{:032}", u64::MAX), &[], "");
    Ok(Targets {
        get: Target::new(address, 200, move |_| read.clone()),
        post: Target::new(address, 201, insert),
    })
}

/// Asks over every connection, one request after the other, for as long as a round lasts; answers
/// how many good answers came a second.
async fn load(target: &Target) -> Result<f64> {
    let start = Instant::now();
    let connections = (0..CONNECTIONS).map(|_| tokio::spawn(ask(target.clone(), start)));
    let mut answers = 0.0;
    for asked in futures::future::join_all(connections).await {
        answers += asked.context("a connection was lost")??;
    }
    Ok(answers / start.elapsed().as_secs_f64())
}

async fn ask(target: Target, start: Instant) -> Result<f64> {
    let mut wire = Wire::open(target.address).await?;
    let mut answers = 0.0;
    while start.elapsed() < ROUND {
        let number = target.next.fetch_add(1, Ordering::Relaxed);
        let answer = wire.ask(&(target.request)(number)).await?;
        let body = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == target.status, "{}: {body}", answer.status);
        answers += 1.0;
    }
    Ok(answers)
}
