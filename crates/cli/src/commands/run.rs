//! `chancery run`: one message, one run, watched to its end.

use std::io::Read as _;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::watch::watch;
use super::{Cx, Done};
use crate::client::Client;
use crate::client::address::segment;
use crate::failure::{Exit, Failure};
use crate::prompt::Lines;
use crate::terminal::{self, Style, Tone};

/// Give an agent something to do, and watch it.
///
/// Each step is shown with what the policies decided. At a step that somebody has to approve it asks
/// here, or says how to answer from elsewhere. Ctrl-C detaches: the run goes on.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
    0  the run succeeded
    1  the run failed
    3  the run waits for somebody (--no-wait)
    4  the run was cancelled
  130  interrupted; the run goes on")]
pub struct Run {
    /// What to do, or `-` to read it from standard input.
    ///
    /// The demo agent plans by rules: one step a line or parted by `;`, such as
    /// `read notes/todo.md; run skill word-count on notes/todo.md; write out.md: TEXT`.
    message: String,
    /// Which agent, by its name or id; the first active one otherwise.
    #[arg(long)]
    agent: Option<String>,
    /// In which workspace; the agent's otherwise.
    #[arg(long)]
    workspace: Option<String>,
    /// Give the new session a label, for policies to see. Can be given several times.
    #[arg(long)]
    label: Vec<String>,
    /// In this session instead of a new one.
    #[arg(long, conflicts_with_all = ["agent", "workspace", "label"])]
    session: Option<String>,
    /// Exit with 3 when the run waits for somebody, instead of waiting as well.
    #[arg(long)]
    no_wait: bool,
}

impl Run {
    pub async fn run(self, cx: &Cx) -> Done {
        let message = message(self.message)?;
        let client = cx.client().await?;
        let session = match self.session {
            Some(session) => session,
            None => {
                let (agent, workspace) = (self.agent.as_slice(), self.workspace.as_deref());
                open(&client, agent, workspace, &self.label).await?.id
            }
        };
        let runs = post(&client, &session, &message).await?;
        let mut lines = Lines::default();
        for run in &runs {
            if !cx.json {
                let about = format!("{run} in {session}\n");
                terminal::note(&Style::stderr().paint(Tone::Dim, &about));
            }
            let exit = watch(cx, &client, run, !self.no_wait, &mut lines).await?;
            if exit != Exit::Success {
                return Ok(exit);
            }
        }
        if runs.is_empty() && !cx.json {
            terminal::note(FOR_PEOPLE);
        }
        Ok(Exit::Success)
    }
}

/// What is said of a message that starts no run.
pub const FOR_PEOPLE: &str = "posted; it mentions people and no agent, so no run answers it";

fn message(given: String) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given);
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| Failure::io("read standard input", &error))?;
    Ok(text)
}

/// A session that was opened.
pub struct Opened {
    pub id: String,
    /// The names of its agents.
    pub agents: String,
}

/// Opens a session with these agents, or with the first active one.
pub async fn open(
    client: &Arc<Client>,
    agents: &[String],
    workspace: Option<&str>,
    labels: &[String],
) -> Result<Opened, Failure> {
    let agents = choose(client, agents).await?;
    let ids: Vec<&Value> = agents.iter().map(|agent| &agent["id"]).collect();
    let mut body = json!({ "agent_ids": ids, "labels": labels });
    if let Some(workspace) = workspace {
        body["workspace"] = workspace.into();
    }
    let session = client.post("/v1/sessions", &body).await?;
    let names: Vec<&str> = agents.iter().filter_map(name).collect();
    Ok(Opened {
        id: id_in(&session, "session")?,
        agents: names.join(", "),
    })
}

fn name(agent: &Value) -> Option<&str> {
    agent["name"].as_str()
}

async fn choose(client: &Client, wanted: &[String]) -> Result<Vec<Value>, Failure> {
    let agents = client.list("/v1/agents", &[], usize::MAX).await?.items;
    if wanted.is_empty() {
        let active = agents.into_iter().find(|agent| agent["state"] == "active");
        return active.map(|agent| vec![agent]).ok_or_else(no_agent);
    }
    let find = |wanted: &String| {
        let fits = |agent: &&Value| agent["id"] == **wanted || agent["name"] == **wanted;
        agents.iter().find(fits).cloned().ok_or_else(|| {
            let names: Vec<&str> = agents.iter().filter_map(name).collect();
            if names.is_empty() {
                return no_agent();
            }
            Failure::new(format!("no agent is called `{wanted}`"))
                .fix(format!("there are {}", names.join(", ")))
        })
    };
    wanted.iter().map(find).collect()
}

fn no_agent() -> Failure {
    Failure::new("the organisation has no active agent")
        .fix("make one by `POST /v1/agents`, or activate one; `chancery agents` lists them")
}

/// Posts a message; the runs that answer it.
pub async fn post(client: &Client, session: &str, message: &str) -> Result<Vec<String>, Failure> {
    let path = format!("/v1/sessions/{}/messages", segment(session));
    let answer = client.post(&path, &json!({ "content": message })).await?;
    let runs = answer["runs"].as_array().map_or(&[][..], Vec::as_slice);
    runs.iter().map(|run| id_in(run, "run")).collect()
}

/// The id of a thing in an answer, whether the thing is a member of it or the whole.
pub fn id_in(answer: &Value, name: &str) -> Result<String, Failure> {
    let thing = &answer[name];
    let id = thing["id"]
        .as_str()
        .or_else(|| thing.as_str())
        .or_else(|| answer["id"].as_str());
    id.map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("the server's answer names no {name}")))
}
