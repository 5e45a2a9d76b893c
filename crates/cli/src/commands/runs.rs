//! `chancery runs`: see, watch and end runs.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::budgets;
use super::watch::watch;
use super::{Cx, Done, cell, cells, missing};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Exit;
use crate::follow::Event;
use crate::prompt::Lines;
use crate::render::steps::Steps;
use crate::terminal::{self, Tone};

/// The command that lists runs.
pub const LIST: &str = "chancery runs";

/// See, watch and end runs.
#[derive(Debug, Args)]
pub struct Runs {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, the newest first.
    List {
        #[command(flatten)]
        listing: Listing,
        /// Only those in this state.
        #[arg(long)]
        state: Option<StateName>,
    },
    /// Show a run: its steps, what it waits for, and what it gave.
    Show {
        /// `run_…`
        run: String,
    },
    /// Watch a run to its end, and answer what it asks.
    Watch {
        /// `run_…`
        run: String,
        /// Exit with 3 when the run waits for somebody.
        #[arg(long)]
        no_wait: bool,
    },
    /// End a run. What it did stays done.
    Cancel {
        /// `run_…`
        run: String,
    },
    /// Make a key to models for a program that works for a run; it ends with the run.
    Token {
        /// `run_…`
        run: String,
        /// For how many seconds it works at most; a quarter of an hour unless given.
        #[arg(long)]
        ttl_s: Option<u64>,
        /// Print what a shell exports for the clients of Anthropic and OpenAI.
        #[arg(long)]
        shell: bool,
    },
    /// Say what to do about a step of which nobody knows whether it happened.
    Resolve {
        /// `run_…`
        run: String,
        /// What to do.
        decision: Decision,
    },
}

/// The states of runs.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StateName {
    Queued,
    Dispatching,
    Running,
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
}

impl StateName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What to do about an unknown outcome.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decision {
    /// Do it again.
    Repeat,
    /// Go on as if it had failed.
    Skip,
    /// End the run.
    Fail,
}

impl Decision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Skip => "skip",
            Self::Fail => "fail",
        }
    }
}

impl Runs {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
            state: None,
        };
        match self.command.unwrap_or(list) {
            Command::List { listing, state } => {
                list_runs(cx, &listing, state.map(StateName::as_str)).await
            }
            Command::Show { run } => show(cx, &run).await,
            Command::Watch { run, no_wait } => {
                let client = cx.client().await?;
                // Asked once before: a server that was never there is said, not waited for.
                let found = client.get(&format!("/v1/runs/{}", segment(&run))).await;
                missing(found, "run", &run, LIST)?;
                watch(cx, &client, &run, !no_wait, &mut Lines::default()).await
            }
            Command::Cancel { run } => {
                let client = cx.client().await?;
                let path = format!("/v1/runs/{}/cancel", segment(&run));
                let answer = client.post(&path, &Value::Null).await;
                let answer = missing(answer, "run", &run, LIST)?;
                let state = answer["state"].as_str().unwrap_or_default();
                let line = match state {
                    "succeeded" | "failed" | "cancelled" => {
                        format!("{run} is over already: {state}")
                    }
                    _ => format!("{run} is asked to end; what it did stays done"),
                };
                cx.done(&answer, &line)
            }
            Command::Token { run, ttl_s, shell } => token(cx, &run, ttl_s, shell).await,
            Command::Resolve { run, decision } => {
                let client = cx.client().await?;
                let path = format!("/v1/runs/{}/resolve", segment(&run));
                let body = json!({ "decision": decision.as_str() });
                let answer = missing(client.post(&path, &body).await, "run", &run, LIST)?;
                cx.done(&answer, &format!("{run} goes on: {}", decision.as_str()))
            }
        }
    }
}

async fn token(cx: &Cx, run: &str, ttl_s: Option<u64>, shell: bool) -> Done {
    let client = cx.client().await?;
    let path = format!("/v1/runs/{}/token", segment(run));
    let body = ttl_s.map_or_else(|| json!({}), |ttl_s| json!({ "ttl_s": ttl_s }));
    let answer = missing(client.post(&path, &body).await, "run", run, LIST)?;
    if cx.json {
        return cx.done(&answer, "");
    }
    let token = terminal::clean(answer["token"].as_str().unwrap_or_default());
    let url = client.url();
    // The token alone on standard output, or what a shell reads: both can be piped.
    if shell {
        for (family, path) in [("ANTHROPIC", "anthropic"), ("OPENAI", "openai/v1")] {
            terminal::say(&format!("export {family}_BASE_URL='{url}/gateway/{path}'"));
            terminal::say(&format!("export {family}_API_KEY='{token}'"));
        }
    } else {
        terminal::say(&token);
    }
    let until = cell(&answer, "expires_at");
    terminal::note(&format!(
        "it works until the run ends, and until {until} at most"
    ));
    Ok(Exit::Success)
}

async fn list_runs(cx: &Cx, listing: &Listing, state: Option<&str>) -> Done {
    let query: Vec<(&str, &str)> = state.map(|state| ("state", state)).into_iter().collect();
    let items = cx
        .client()
        .await?
        .list("/v1/runs", &query, listing.limit)
        .await?;
    cx.list(items, &["RUN", "STATE", "KIND", "USD", "CREATED"], |run| {
        let mut row = cells(run, &["id", "state", "kind", "created_at"]);
        row[1] = state_of(run);
        row.insert(3, cost_of(run));
        row
    })
}

/// What it took of models; nothing, where it asked none or nobody knows a price.
fn cost_of(run: &Value) -> String {
    let used = &run["usage"];
    match (used["cost_usd_micros"].as_u64(), used["unpriced"].as_u64()) {
        (None, _) | (Some(0), Some(1..)) => String::new(),
        (Some(micros), _) => budgets::dollars(micros),
    }
}

fn state_of(run: &Value) -> String {
    let waits = &run["waiting_for"];
    let waits = waits.as_str().or_else(|| waits["kind"].as_str());
    match waits {
        Some(what) => format!("{} ({what})", cell(run, "state")),
        None => cell(run, "state"),
    }
}

async fn show(cx: &Cx, id: &str) -> Done {
    let client = cx.client().await?;
    let path = format!("/v1/runs/{}", segment(id));
    let run = missing(client.get(&path).await, "run", id, LIST)?;
    let events = client
        .list(&format!("{path}/events"), &[], usize::MAX)
        .await?
        .items;
    if cx.json {
        return cx.done(&json!({ "run": run, "events": events }), "");
    }
    let state = state_of(&run);
    terminal::say(&format!(
        "{}  {}",
        cx.style.paint(Tone::Strong, id),
        terminal::short(&state, 60)
    ));
    let mut steps = Steps::new(cx.style);
    for mut item in events {
        let whole = item["event"].take();
        let kind = whole["kind"].as_str().unwrap_or_default().to_owned();
        for line in steps.lines(&Event { kind, whole }) {
            terminal::say(&line);
        }
    }
    let answer = match &run["answer"] {
        Value::Null => run["failure"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if !answer.is_empty() {
        terminal::say(&format!("\n{}", terminal::clean(answer.trim_end())));
    }
    Ok(Exit::Success)
}
