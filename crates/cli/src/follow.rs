//! Following a run: its events as they are recorded, over every interruption.
//!
//! A task reads the stream and hands the events on. When the connection breaks it opens another one
//! after the last event that it has seen, with growing pauses and for as long as it takes: a server
//! that restarts goes on with the run, and so does whoever watches it.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::failure::Failure;
use crate::sse;

/// Without so much as a heartbeat (every 15 s) for this long, the connection is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(45);
const PAUSE_MIN: Duration = Duration::from_millis(300);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How many events wait for a slow terminal before the stream is read no further.
const AHEAD_MAX: usize = 256;

/// One event of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its kind.
    pub kind: String,
    /// The whole event, as the server sent it.
    pub whole: Value,
}

impl Event {
    /// One of its facts.
    pub fn fact(&self, name: &str) -> &Value {
        &self.whole["data"][name]
    }

    /// One of its facts, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fact(name).as_str()
    }

    /// The number of the step that it is about.
    pub fn step(&self) -> Option<u64> {
        self.fact("step").as_u64()
    }
}

/// What there is to say.
#[derive(Debug)]
pub enum Update {
    /// Something happened in the run.
    Event(Event),
    /// The connection broke; the next attempt is under way.
    Reconnecting(String),
    /// It is there again.
    Reconnected,
    /// It can't go on.
    Failed(Failure),
}

/// Follows a run from its beginning. Dropping the receiver ends it; the run goes on.
pub fn start(client: std::sync::Arc<Client>, run: &str) -> mpsc::Receiver<Update> {
    let (sender, receiver) = mpsc::channel(AHEAD_MAX);
    let path = format!("/v1/runs/{}/events", crate::client::address::segment(run));
    tokio::spawn(async move {
        let mut follower = Follower {
            client,
            path,
            sender,
            last: None,
            troubled: false,
        };
        // An error here is a receiver that went away.
        let _ = follower.run().await;
    });
    receiver
}

struct Gone;

struct Follower {
    client: std::sync::Arc<Client>,
    path: String,
    sender: mpsc::Sender<Update>,
    /// The id of the last event.
    last: Option<String>,
    /// Somebody was told that the connection is broken.
    troubled: bool,
}

enum Ended {
    /// The run is over.
    Over,
    /// The connection is; why.
    Broken(String),
}

impl Follower {
    async fn run(&mut self) -> Result<(), Gone> {
        let mut pause = PAUSE_MIN;
        loop {
            let before = self.last.clone();
            let why = match self.client.events(&self.path, self.last.as_deref()).await {
                Ok(response) => {
                    if std::mem::take(&mut self.troubled) {
                        self.tell(Update::Reconnected).await?;
                    }
                    match self.read(response).await? {
                        Ended::Over => return Ok(()),
                        Ended::Broken(why) => why,
                    }
                }
                Err(failure) if is_final(&failure) => {
                    return self.tell(Update::Failed(failure)).await;
                }
                Err(failure) => failure.message,
            };
            if before != self.last {
                pause = PAUSE_MIN;
            }
            if !std::mem::replace(&mut self.troubled, true) {
                self.tell(Update::Reconnecting(why)).await?;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.sender.closed() => return Err(Gone),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn tell(&self, update: Update) -> Result<(), Gone> {
        self.sender.send(update).await.map_err(|_| Gone)
    }

    async fn read(&mut self, response: reqwest::Response) -> Result<Ended, Gone> {
        let mut parser = sse::Parser::default();
        let mut pieces = response.bytes_stream();
        loop {
            let piece = tokio::select! {
                piece = tokio::time::timeout(SILENCE_MAX, pieces.next()) => piece,
                () = self.sender.closed() => return Err(Gone),
            };
            let bytes = match piece {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(_))) => return Ok(Ended::Broken("the connection broke".to_owned())),
                Ok(None) => return Ok(Ended::Broken("the server closed the stream".to_owned())),
                Err(_) => return Ok(Ended::Broken("the server fell silent".to_owned())),
            };
            let Ok(events) = parser.feed(&bytes) else {
                return Ok(Ended::Broken("the stream is damaged".to_owned()));
            };
            for event in events {
                if let Some(ended) = self.take(event).await? {
                    return Ok(ended);
                }
            }
        }
    }

    async fn take(&mut self, event: sse::Event) -> Result<Option<Ended>, Gone> {
        if event.kind == "stream.lagged" {
            return Ok(Some(Ended::Broken("this reader was too slow".to_owned())));
        }
        if event.kind == "stream.revoked" {
            let failure = Failure::new("the right to watch this run has ended");
            self.tell(Update::Failed(failure.fix("run `chancery login`")))
                .await?;
            return Err(Gone);
        }
        if let Some(id) = event.id {
            self.last = Some(id);
        }
        let over = is_last(&event.kind);
        let whole = serde_json::from_str(&event.data).unwrap_or(Value::Null);
        self.tell(Update::Event(Event {
            kind: event.kind,
            whole,
        }))
        .await?;
        Ok(over.then_some(Ended::Over))
    }
}

/// Whether asking again would be answered the same.
fn is_final(failure: &Failure) -> bool {
    failure
        .status()
        .is_some_and(|status| status < 500 && !matches!(status, 408 | 409 | 429))
}

/// Whether nothing comes after an event of this kind.
pub fn is_last(kind: &str) -> bool {
    matches!(kind, "run.succeeded" | "run.failed" | "run.cancelled")
}
