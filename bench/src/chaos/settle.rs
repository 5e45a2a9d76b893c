//! After the last kill: every acknowledged run comes to its end, and every repetition is recognised.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::chaos::load::{Kind, Load, Work, run_id};
use crate::client::{Client, Request};

/// How long the runs that are left may take together.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// How many acknowledged posts are sent once more.
const REPEATED: usize = 500;

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Succeeded,
    /// Failed or cancelled, with what it said.
    Failed(String),
    /// Waits for a person: nobody can know whether its effect happened.
    Unknown,
    /// On its way.
    Under(String),
    /// The server does not know it.
    Missing,
}

impl State {
    /// Reads a run as the API shows it.
    pub fn read(run: &Value) -> Self {
        let waits_for_decision = run["waiting_for"] == "decision"
            || run["waiting_for"]["kind"] == "decision"
            || run["waiting_for"]["type"] == "decision";
        match run["state"].as_str().unwrap_or("") {
            "succeeded" => Self::Succeeded,
            "failed" | "cancelled" => Self::Failed(run["failure"].to_string()),
            "waiting" if waits_for_decision => Self::Unknown,
            other => Self::Under(other.to_owned()),
        }
    }

    pub fn settled(&self) -> bool {
        match self {
            Self::Succeeded | Self::Failed(_) | Self::Unknown | Self::Missing => true,
            Self::Under(_) => false,
        }
    }
}

/// An acknowledged run at the end of the loop.
pub struct Run {
    pub id: String,
    pub key: String,
    pub kind: Kind,
    pub state: State,
}

/// Waits for every run, resolves the unknown ones as a person would, and repeats some posts.
///
/// Returns the runs and what was violated on the way.
pub async fn settle(
    client: &Client,
    load: &Load,
    work: Vec<Work>,
) -> Result<(Vec<Run>, Vec<String>)> {
    let deadline = Instant::now() + SETTLED_WITHIN;
    let mut violations = Vec::new();
    let mut runs = Vec::new();
    for work in &work {
        let state = ended(client, &work.run, deadline).await?;
        if state == State::Unknown {
            violations.extend(resolve(client, &work.run, deadline).await?);
        }
        runs.push(Run {
            id: work.run.clone(),
            key: work.key.clone(),
            kind: work.kind,
            state,
        });
    }
    violations.extend(repeat(load, &work).await?);
    Ok((runs, violations))
}

async fn ended(client: &Client, run: &str, deadline: Instant) -> Result<State> {
    loop {
        let answer = client
            .until_answered(&Request::get(format!("/v1/runs/{run}")))
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(State::Missing);
        }
        let state = State::read(&answer.good()?);
        if state.settled() || Instant::now() > deadline {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A person looks, and says: go on without it.
async fn resolve(client: &Client, run: &str, deadline: Instant) -> Result<Option<String>> {
    let path = format!("/v1/runs/{run}/resolve");
    let request = Request::send(Method::POST, path, json!({"decision": "skip"})).keyed(run);
    let answer = client.until_answered(&request).await?;
    if !answer.status.is_success() {
        let (status, text) = (answer.status, answer.text);
        return Ok(Some(format!("`{run}` can't be resolved: {status} {text}")));
    }
    while Instant::now() < deadline {
        match ended(client, run, deadline).await? {
            State::Succeeded | State::Failed(_) => return Ok(None),
            // The decision may take a moment to be picked up.
            State::Unknown | State::Under(_) | State::Missing => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Some(format!("`{run}` was resolved and did not go on")))
}

/// The same post with the same key must be recognised, and name the same run.
async fn repeat(load: &Load, work: &[Work]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let step = work.len().div_ceil(REPEATED).max(1);
    for work in work.iter().step_by(step) {
        let answer = load.client.until_answered(&work.request).await?;
        let replayed = answer.replayed;
        let same = answer
            .json()
            .and_then(|body| run_id(&body))
            .is_ok_and(|run| run == work.run);
        if !replayed || !same {
            violations.push(format!("repeating `{}` was not recognised", work.key));
        }
    }
    let runs: BTreeSet<&str> = work.iter().map(|work| &*work.run).collect();
    if runs.len() != work.len() {
        violations.push("two pieces of work got the same run".to_owned());
    }
    Ok(violations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read() {
        assert_eq!(
            State::read(&json!({"state": "succeeded"})),
            State::Succeeded
        );
        let waiting = json!({"state": "waiting", "waiting_for": "decision"});
        assert_eq!(State::read(&waiting), State::Unknown);
        let waiting = json!({"state": "waiting", "waiting_for": "node"});
        assert!(!State::read(&waiting).settled());
        assert!(!State::read(&json!({"state": "queued"})).settled());
        assert!(State::read(&json!({"state": "cancelled"})).settled());
    }
}
