//! `chancery agents`: see agents, and steer their lives.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cells, find, find_id};
use crate::args::Listing;
use crate::client::address::segment;
use crate::commands::profiles;
use crate::failure::Exit;
use crate::terminal::{self, Tone};

const PATH: &str = "/v1/agents";

/// See and make agents.
#[derive(Debug, Args)]
pub struct Agents {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List agents.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show an agent.
    Show {
        /// Its name or id.
        agent: String,
    },
    /// Make an agent that plans by a model.
    Create(Create),
    /// List the versions of an agent, the newest first.
    Versions {
        /// Its name or id.
        agent: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show what differs between two versions of an agent.
    Diff {
        /// Its name or id.
        agent: String,
        /// A version.
        from: u32,
        /// Another; the newest unless given.
        to: Option<u32>,
    },
    /// Make an earlier version of an agent its next one.
    Rollback {
        /// Its name or id.
        agent: String,
        /// The version that it is to be again.
        #[arg(value_name = "VERSION")]
        back_to: u32,
    },
    /// Let an agent start no runs for now.
    Pause {
        /// Its name or id.
        agent: String,
    },
    /// Let a paused agent start runs again.
    Activate {
        /// Its name or id.
        agent: String,
    },
    /// Let an agent never start a run again.
    Retire {
        /// Its name or id.
        agent: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Its name.
    name: String,
    /// The model profile that it asks, by name or id; without one, the usual one.
    #[arg(long)]
    profile: Option<String>,
    /// What it is told to be.
    #[arg(long, default_value = "")]
    instructions: String,
    /// A tool that it may ask for; once for each. Policy decides on each use besides.
    #[arg(long = "tool")]
    tools: Vec<String>,
}

impl Create {
    async fn run(self, cx: &Cx) -> Done {
        let client = cx.client().await?;
        let mut body = json!({
            "name": self.name,
            "planner": "model",
            "instructions": self.instructions,
            "tools": self.tools,
        });
        if let Some(profile) = &self.profile {
            let id = find_id(&client, profiles::PATH, "profile", profile).await?;
            body["model_profile_id"] = json!(id);
        }
        let answer = client.post(PATH, &body).await?;
        let name = &self.name;
        let next = format!("talk to it with `chancery chat --agent {name}`");
        cx.done(&answer, &format!("the agent `{name}` is made; {next}"))
    }
}

impl Agents {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                let heading = ["AGENT", "NAME", "STATE", "PLANNER", "WORKSPACE", "TOOLS"];
                let names = ["id", "name", "state", "planner", "workspace", "tools"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Command::Show { agent } => show(cx, &agent).await,
            Command::Create(create) => create.run(cx).await,
            Command::Versions { agent, listing } => versions(cx, &agent, &listing).await,
            Command::Diff { agent, from, to } => diff(cx, &agent, from, to).await,
            Command::Rollback { agent, back_to } => roll_back(cx, &agent, back_to).await,
            Command::Pause { agent } => turn(cx, &agent, "pause").await,
            Command::Activate { agent } => turn(cx, &agent, "activate").await,
            Command::Retire { agent } => turn(cx, &agent, "retire").await,
        }
    }
}

async fn show(cx: &Cx, agent: &str) -> Done {
    let found = find(&*cx.client().await?, PATH, "agent", agent).await?;
    if cx.json {
        terminal::say_json(&found);
        return Ok(Exit::Success);
    }
    for (name, value) in found
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, it)| !it.is_null())
    {
        let text = match value {
            Value::String(text) => terminal::clean(text),
            other => terminal::clean(&other.to_string()),
        };
        terminal::say(&format!("{name:<18} {text}"));
    }
    Ok(Exit::Success)
}

async fn versions(cx: &Cx, agent: &str, listing: &Listing) -> Done {
    let client = cx.client().await?;
    let id = find_id(&client, PATH, "agent", agent).await?;
    let path = format!("{PATH}/{}/versions", segment(&id));
    let items = client.list(&path, &[], listing.limit).await?;
    let names = ["version", "name", "planner", "max_steps", "created_at"];
    let heading = ["VERSION", "NAME", "PLANNER", "MAX STEPS", "SINCE"];
    cx.list(items, &heading, |it| cells(it, &names))
}

async fn diff(cx: &Cx, agent: &str, from: u32, to: Option<u32>) -> Done {
    let client = cx.client().await?;
    let id = find_id(&client, PATH, "agent", agent).await?;
    let to = to.map_or_else(String::new, |to| format!("&to={to}"));
    let path = format!("{PATH}/{}/diff?from={from}{to}", segment(&id));
    let found = client.get(&path).await?;
    if cx.json {
        terminal::say_json(&found);
        return Ok(Exit::Success);
    }
    let changes = found["changes"].as_array().map_or(&[][..], Vec::as_slice);
    if changes.is_empty() {
        terminal::note("nothing differs");
    }
    for change in changes {
        terminal::say(&terminal::clean(
            change["member"].as_str().unwrap_or_default(),
        ));
        for (sign, tone, side) in [("-", Tone::Bad, "from"), ("+", Tone::Good, "to")] {
            for line in lines(&change[side]) {
                terminal::say(&cx.style.paint(tone, &format!("  {sign} {line}")));
            }
        }
    }
    Ok(Exit::Success)
}

/// A value as lines: a text is its own, a list is an item a line, and what is not there is none.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.lines().map(terminal::clean).collect(),
        Value::Array(items) => items.iter().flat_map(lines).collect(),
        other => vec![terminal::clean(&other.to_string())],
    }
}

async fn roll_back(cx: &Cx, agent: &str, version: u32) -> Done {
    let client = cx.client().await?;
    let id = find_id(&client, PATH, "agent", agent).await?;
    let path = format!("{PATH}/{}/rollback", segment(&id));
    let answer = client.post(&path, &json!({ "version": version })).await?;
    let now = &answer["version"];
    cx.done(
        &answer,
        &format!("the agent `{agent}` is as in version {version} again, as its version {now}"),
    )
}

async fn turn(cx: &Cx, agent: &str, verb: &str) -> Done {
    let client = cx.client().await?;
    let id = find_id(&client, PATH, "agent", agent).await?;
    let answer = client
        .post(&format!("{PATH}/{}/{verb}", segment(&id)), &Value::Null)
        .await?;
    let state = answer["state"].as_str().unwrap_or(verb);
    cx.done(&answer, &format!("the agent `{agent}` is {state}"))
}
