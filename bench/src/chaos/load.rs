//! The load: pieces of work, each with one effect under a key of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chaos::refused;
use crate::chaos::settle::State;
use crate::chaos::setup::Target;
use crate::client::{Client, Request, text};
use crate::dice::Dice;

/// How long a worker follows a run before it goes on to the next piece of work. The loop is closed
/// by this: there is never much more in the queue than there are workers.
const FOLLOWED_FOR: Duration = Duration::from_secs(5);

/// How an effect is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tool that is not idempotent: at most one attempt.
    Post,
    /// A tool that is idempotent: attempted again after a crash.
    Get,
    /// A message to an agent: a file written on the node, then an idempotent request.
    Message,
}

/// An acknowledged piece of work.
#[derive(Clone)]
pub struct Work {
    pub key: String,
    pub kind: Kind,
    pub run: String,
    pub request: Request,
}

pub struct Load {
    pub client: Client,
    target: Target,
    finishing: AtomicBool,
    next: AtomicU64,
}

impl Load {
    pub fn new(client: Client, target: Target) -> Self {
        Self {
            client,
            target,
            finishing: AtomicBool::new(false),
            next: AtomicU64::new(1),
        }
    }

    /// Lets every worker end what it has begun and begin nothing new.
    pub fn finish(&self) {
        self.finishing.store(true, Ordering::Relaxed);
    }

    fn request(&self, kind: Kind, key: &str, dice: &mut Dice) -> Request {
        let url = format!("http://{}/effect/{key}", self.target.sink);
        let invoke = |method: &str| {
            let body = json!({"arguments": {"url": url, "method": method}});
            Request::send(Method::POST, "/v1/tools/http.fetch/invoke", body)
        };
        let request = match kind {
            Kind::Post => invoke("POST"),
            Kind::Get => invoke("GET"),
            Kind::Message => {
                let count = u64::try_from(self.target.sessions.len()).unwrap_or(1);
                let index = usize::try_from(dice.below(count)).unwrap_or(0);
                let session = &self.target.sessions[index];
                let content = format!("write chaos/{key}.txt: {key}\nfetch {url}");
                let body = json!({"content": content, "on_busy": "enqueue"});
                Request::send(
                    Method::POST,
                    format!("/v1/sessions/{session}/messages"),
                    body,
                )
            }
        };
        request.keyed(key)
    }

    /// Posts one piece of work until it is acknowledged.
    async fn one(&self, dice: &mut Dice) -> Result<Work> {
        let key = format!("k{}", self.next.fetch_add(1, Ordering::Relaxed));
        let kind = match dice.below(3) {
            0 => Kind::Post,
            1 => Kind::Get,
            _ => Kind::Message,
        };
        let request = self.request(kind, &key, dice);
        let answer = self.client.until_answered(&request).await?;
        if !answer.status.is_success() {
            refused(&request.path, answer.status, &answer.text)?;
        }
        let run = run_id(&answer.json()?)?;
        Ok(Work {
            key,
            kind,
            run,
            request,
        })
    }

    /// Asks for a run until it has settled. An outage is waited out; it ends with the loop.
    async fn follow(&self, run: &str) {
        let start = Instant::now();
        while start.elapsed() < FOLLOWED_FOR && !self.finishing.load(Ordering::Relaxed) {
            if let Ok(answer) = self
                .client
                .once(&Request::get(format!("/v1/runs/{run}")))
                .await
            {
                let gone = answer.status == StatusCode::NOT_FOUND;
                let settled = answer.json().is_ok_and(|run| State::read(&run).settled());
                if gone || settled {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// The run in an acknowledgement: the answer itself, or its member `run`.
pub fn run_id(answer: &Value) -> Result<String> {
    let id = text(answer, "/run/id").or_else(|_| text(answer, "/id"))?;
    Ok(id.to_owned())
}

/// Starts the workers. Each has its own dice, so that their order among each other does not matter.
pub fn spawn(load: &Arc<Load>, workers: usize, seed: u64) -> JoinSet<Result<Vec<Work>>> {
    let mut set = JoinSet::new();
    for worker in 1..=workers {
        let load = Arc::clone(load);
        let worker = u64::try_from(worker).unwrap_or(u64::MAX);
        let mut dice = Dice::new(seed.wrapping_add(worker << 32));
        set.spawn(async move {
            let mut done = Vec::new();
            while !load.finishing.load(Ordering::Relaxed) {
                let work = load.one(&mut dice).await?;
                load.follow(&work.run).await;
                done.push(work);
            }
            Ok(done)
        });
    }
    set
}

/// Everything that was acknowledged.
pub async fn collect(mut workers: JoinSet<Result<Vec<Work>>>) -> Result<Vec<Work>> {
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        all.extend(worker.context("a worker panicked")??);
    }
    Ok(all)
}
