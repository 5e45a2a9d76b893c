//! 10,000 chats with a message each a minute, in two processes on one Postgres database.
//!
//! Messages come at a steady rate, whatever became of those before, each to a chat of its own and to
//! either process by turns; about half of them are forwarded to the other one, which holds the chat.
//! Acceptance is measured from the moment at which a message was due to its 202. It is measured twice:
//! where people talk to people, and where an agent answers each message, which costs a run. The bare
//! server is asked at the same rate for one INSERT, committed by itself by the bare driver.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bare;
use crate::client::{Client, Request, text};
use crate::dice::Dice;
use crate::figures::{Figure, Limit, percentile};
use crate::place::Place;
use crate::wire::{self, Wire};

const CHATS: usize = 10_000;
/// How many messages a second come if each chat has one a minute.
const A_SECOND: usize = CHATS / 60;
const ROUNDS: usize = 3;
/// How long a round is, in seconds.
const ROUND: usize = 20;
/// How many requests are under way at once while the chats are made.
const MAKING: usize = 32;

/// A message of usual length, to a person: it starts no run.
pub(super) fn said(number: usize) -> String {
    format!("@owner what do you think of number {number}, shall we go on with it as it is?")
}

pub(super) async fn measure() -> Result<Vec<Figure>> {
    let place = Place::postgres("bench_chat").await?;
    let mut servers = Vec::new();
    let mut doors = Vec::new();
    for _ in 0..2 {
        let (launch, server, client) = place.serve().await?;
        let headers = client.headers().await;
        doors.push(Arc::new(Door::new(launch.address(), headers)));
        servers.push((server, client));
    }
    let agent = agent(&servers[0].1).await?;
    let chats = make(&doors, &agent).await?;
    let bare = bare::start(&place)?;
    let bare_door = [Arc::new(Door::new(bare.address(), Vec::new()))];

    let (mut people, mut agents, mut plain) = (
        Measured::default(),
        Measured::default(),
        Measured::default(),
    );
    let mut dice = Dice::new(ROUNDS as u64);
    for _ in 0..ROUNDS {
        let chat = |dice: &mut Dice| chats[dice.below(chats.len() as u64) as usize].clone();
        let path = |chat: &str| format!("/v1/sessions/{chat}/messages");
        let say = |number| {
            let body = json!({ "content": said(number) });
            (path(&chat(&mut dice)), body)
        };
        people.take(steady(&doors, say, 202).await?);
        let ask = |_| (path(&chat(&mut dice)), json!({ "content": "noop" }));
        agents.take(steady(&doors, ask, 202).await?);
        let mut next = || format!("{:032x}", dice.below(u64::MAX));
        let row = |_| {
            let body = json!({ "id": next(), "title": said(0), "labels": [], "workspace": "main" });
            ("/rows".to_owned(), body)
        };
        plain.take(steady(&bare_door, row, 201).await?);
    }
    for (server, _) in servers {
        server.stop(Duration::from_secs(30)).await?;
    }
    let named = |what: &str, rounds, limit| Figure::new(what, "ms", rounds, limit);
    Ok(vec![
        named("accepted, p50", people.half, Limit::Open),
        named("accepted, p99", people.tail, Limit::AtMost(50.0)),
        named("and answered, p50", agents.half, Limit::Open),
        named("and answered, p99", agents.tail, Limit::AtMost(50.0)),
        named("bare insert, p50", plain.half, Limit::Open),
        named("bare insert, p99", plain.tail, Limit::Open),
    ])
}

/// Percentiles of acceptance, one of each for each round.
#[derive(Default)]
struct Measured {
    half: Vec<f64>,
    tail: Vec<f64>,
}

impl Measured {
    fn take(&mut self, milliseconds: Vec<f64>) {
        self.half.push(percentile(&milliseconds, 0.5));
        self.tail.push(percentile(&milliseconds, 0.99));
    }
}

/// An agent that does nothing, as quickly as it may.
async fn agent(client: &Client) -> Result<String> {
    let policy =
        json!({ "cedar": "permit (principal, action == Chancery::Action::\"noop\", resource);" });
    let policy = Request::send(Method::PUT, "/v1/policies/bench", policy);
    client.once(&policy).await?.good()?;
    let agent =
        json!({ "name": "clerk", "instructions": "", "planner": "rules", "tools": ["noop"] });
    let agent = Request::send(Method::POST, "/v1/agents", agent);
    Ok(text(&client.once(&agent).await?.good()?, "/id")?.to_owned())
}

/// Makes the chats, and says something in each, so that one of the processes holds it.
async fn make(doors: &[Arc<Door>], agent: &str) -> Result<Vec<String>> {
    let mut making = JoinSet::new();
    for line in 0..MAKING {
        let (door, agent) = (Arc::clone(&doors[line % doors.len()]), agent.to_owned());
        making.spawn(async move {
            let mut made = Vec::new();
            for number in (line..CHATS).step_by(MAKING) {
                let new = json!({ "title": format!("chat {number}"), "agent_ids": [agent] });
                let answer = door.ask("/v1/sessions", &new, 201).await?;
                let chat: Value = serde_json::from_slice(&answer)?;
                let chat = text(&chat, "/id")?.to_owned();
                let path = format!("/v1/sessions/{chat}/messages");
                door.ask(&path, &json!({ "content": said(number) }), 202)
                    .await?;
                made.push(chat);
            }
            Ok::<_, anyhow::Error>(made)
        });
    }
    let made: Result<Vec<_>> = making.join_all().await.into_iter().collect();
    Ok(made?.concat())
}

/// A server, and the connections to it that nobody uses just now.
struct Door {
    address: SocketAddr,
    headers: Vec<String>,
    free: Mutex<Vec<Wire>>,
}

impl Door {
    fn new(address: SocketAddr, headers: Vec<String>) -> Self {
        Self {
            address,
            headers,
            free: Mutex::default(),
        }
    }

    async fn ask(&self, path: &str, body: &Value, status: u16) -> Result<Vec<u8>> {
        let request = wire::request("POST", path, &self.headers, &body.to_string());
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let mut wire = match taken {
            Some(wire) => wire,
            None => Wire::open(self.address).await?,
        };
        let answer = wire.ask(&request).await?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == status, "{}: {said}", answer.status);
        free().push(wire);
        Ok(answer.body)
    }
}

/// One round at a steady rate, through these doors by turns; answers how long each request took from
/// the moment at which it was due, in milliseconds.
async fn steady(
    doors: &[Arc<Door>],
    mut next: impl FnMut(usize) -> (String, Value),
    status: u16,
) -> Result<Vec<f64>> {
    let every = Duration::from_secs(1) / u32::try_from(A_SECOND)?;
    let begun = Instant::now();
    let mut asking = JoinSet::new();
    for number in 0..A_SECOND * ROUND {
        let due = begun + every * u32::try_from(number)?;
        tokio::time::sleep_until(due.into()).await;
        let (door, (path, body)) = (Arc::clone(&doors[number % doors.len()]), next(number));
        asking.spawn(async move {
            door.ask(&path, &body, status).await?;
            Ok::<_, anyhow::Error>(due.elapsed().as_secs_f64() * 1_000.0)
        });
    }
    let asked: Result<Vec<f64>> = asking.join_all().await.into_iter().collect();
    asked.context("a message was not accepted")
}
