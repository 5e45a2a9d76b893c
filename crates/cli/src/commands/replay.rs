//! `chancery replay`: repeat a run from its record.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{Cx, Done, find_id, missing, policy, read_text, runs};
use crate::client::Client;
use crate::client::address::segment;
use crate::failure::{Exit, Failure};
use crate::render::replay;
use crate::terminal;

/// Between two looks at a replay that is under way.
const PAUSE: Duration = Duration::from_millis(500);

/// Repeat a run from its record.
///
/// Everything that the run decided is computed again and compared byte for byte. With --policy the
/// decisions are taken by other policies, and the first entry that would differ is named. Neither
/// has any outside effect. With --model or --instructions the model is really asked, by a run of its
/// own in your name; tools are served from the record, and what it has no result for is not carried
/// out. Exits with 1 if a replay without changes differs, and with 0 if one with changes does; with 1
/// also if a replay comes to no report.
#[derive(Debug, Args)]
pub struct Replay {
    /// `run_…`
    run: String,
    /// Decide by these policies instead of those that were in force. Each is named after its file.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Ask this model profile, by its name or id, instead of the one that was asked.
    #[arg(long, value_name = "PROFILE", conflicts_with = "policy")]
    model: Option<String>,
    /// Tell the agent to be this instead. Read from the file.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    instructions: Option<PathBuf>,
    /// The changes hold from this entry of the run on: what came before stays as it was decided.
    #[arg(long, value_name = "SEQ")]
    from: Option<u32>,
}

impl Replay {
    pub async fn run(self, cx: &Cx) -> Done {
        let mut body = json!({});
        if let Some(seq) = self.from {
            body["from_seq"] = seq.into();
        }
        let mut changes = json!({});
        if !self.policy.is_empty() {
            let policies: Result<Vec<Value>, Failure> = self
                .policy
                .iter()
                .map(|path| policy::from_file(path))
                .collect();
            changes["policies"] = policies?.into();
        }
        if let Some(path) = &self.instructions {
            changes["instructions"] = read_text(path)?.into();
        }
        let client = cx.client().await?;
        if let Some(profile) = &self.model {
            let id = find_id(&client, "/v1/model-profiles", "model profile", profile).await?;
            changes["model_profile_id"] = id.into();
        }
        let changed = changes != json!({});
        if changed {
            body["changes"] = changes;
        }
        let path = format!("/v1/runs/{}/replay", segment(&self.run));
        let report = client.post(&path, &body).await;
        let report = missing(report, "run", &self.run, runs::LIST)?;
        let report = match report["kind"].as_str() {
            Some("replay") => finished(&client, &report).await?,
            Some(_) | None => report,
        };
        if cx.json {
            terminal::say_json(&report);
        } else {
            terminal::say(&replay::view(cx.style, &report, changed));
        }
        let fine = changed || replay::is_identical(&report);
        Ok(if fine { Exit::Success } else { Exit::Failed })
    }
}

/// The report of a replay that takes longer than a request may: the answer of its run.
async fn finished(client: &Client, begun: &Value) -> Result<Value, Failure> {
    let id = begun["id"].as_str().unwrap_or_default();
    let path = format!("/v1/runs/{}", segment(id));
    loop {
        let run = client.get(&path).await?;
        match run["state"].as_str() {
            Some("succeeded") => return Ok(run["answer"].clone()),
            Some("failed" | "cancelled") => {
                let state = run["state"].as_str().unwrap_or_default();
                let why = run["failure"]["message"]
                    .as_str()
                    .unwrap_or("somebody ended it");
                return Err(Failure::new(format!("the replay `{id}` {state}: {why}")));
            }
            Some("waiting") if run["waiting_for"] == "approval" => {
                let failure = Failure::new(format!("the replay `{id}` waits for an approval"));
                return Err(failure.fix("`chancery approvals` lists them".to_owned()));
            }
            Some(_) | None => tokio::time::sleep(PAUSE).await,
        }
    }
}
