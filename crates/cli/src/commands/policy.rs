//! `chancery policy`: see, try and publish policies.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cell, cells, find, read_text};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::{Exit, Failure};
use crate::render::target;
use crate::terminal::{self, Style, Tone};

/// See, try and publish policies.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// List the policies in force.
    List,
    /// Print a policy's text.
    Show {
        /// Its name.
        name: String,
        /// Not as it is in force, but as it was in this version.
        #[arg(long, value_name = "VERSION")]
        as_of: Option<u32>,
    },
    /// List the versions of a policy, the newest first.
    Versions {
        /// Its name.
        name: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Ask what the policies in force would say about an action, without doing it.
    Check(Check),
    /// List the decisions of the past that other policies would have taken differently.
    Simulate(Simulate),
    /// Publish a policy: a new one, or the next version of one.
    Publish(Publish),
    /// Take a policy out of force.
    Delete {
        /// Its name.
        name: String,
    },
    /// Print the schema that policies are written against.
    Schema {
        /// A policy to begin with instead.
        #[arg(long)]
        example: bool,
    },
}

/// Ask what the policies in force would say about an action, without doing it.
#[derive(Debug, Args)]
pub struct Check {
    /// The tool, such as `file.read`.
    tool: String,
    /// Its arguments as JSON, such as '{"path": "notes/todo.md"}'.
    #[arg(default_value = "{}")]
    arguments: String,
    /// The agent that would ask, by its name or id; you otherwise.
    #[arg(long)]
    agent: Option<String>,
    /// The workspace; the agent's, or else `default`.
    #[arg(long)]
    workspace: Option<String>,
}

/// List the decisions of the past that other policies would have taken differently.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The policies, which would be the only ones. Each is named after its file.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// From this instant on, such as 2026-01-31T00:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Until this instant.
    #[arg(long)]
    to: Option<String>,
}

/// Publish a policy: a new one, or the next version of one.
#[derive(Debug, Args)]
pub struct Publish {
    /// The file with one or more Cedar rules.
    file: PathBuf,
    /// Its name; the file's without its ending otherwise.
    #[arg(long)]
    name: Option<String>,
    /// What changed and why.
    #[arg(long, default_value = "")]
    comment: String,
    /// Make it a ceiling that other policies can only narrow.
    #[arg(long)]
    managed: bool,
}

impl Policy {
    pub async fn run(self, cx: &Cx) -> Done {
        match self {
            Self::List => {
                let items = cx
                    .client()
                    .await?
                    .list("/v1/policies", &[], usize::MAX)
                    .await?;
                let heading = ["NAME", "VERSION", "MANAGED", "PUBLISHED", "COMMENT"];
                let names = ["name", "version", "managed", "published_at", "comment"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Self::Show { name, as_of } => {
                let client = cx.client().await?;
                let found = match as_of {
                    None => find(&client, "/v1/policies", "policy", &name).await?,
                    Some(version) => {
                        let path = format!("/v1/policies/{}/versions/{version}", segment(&name));
                        client.get(&path).await?
                    }
                };
                let text = terminal::clean(found["cedar"].as_str().unwrap_or_default());
                cx.done(&found, text.trim_end())
            }
            Self::Versions { name, listing } => {
                let path = format!("/v1/policies/{}/versions", segment(&name));
                let items = cx.client().await?.list(&path, &[], listing.limit).await?;
                let heading = ["VERSION", "MANAGED", "PUBLISHED", "COMMENT"];
                let names = ["version", "managed", "published_at", "comment"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Self::Check(check) => check.run(cx).await,
            Self::Simulate(simulate) => simulate.run(cx).await,
            Self::Publish(publish) => publish.run(cx).await,
            Self::Delete { name } => {
                let path = format!("/v1/policies/{}", segment(&name));
                let answer = cx.client().await?.delete(&path).await?;
                cx.done(&answer, &format!("the policy `{name}` is out of force"))
            }
            Self::Schema { example } => {
                let schema = cx.client().await?.get("/v1/policies/schema").await?;
                let name = if example { "example" } else { "cedarschema" };
                let text = schema[name].as_str().unwrap_or_default();
                cx.done(&schema, text.trim_end())
            }
        }
    }
}

/// A policy as the API takes it, named after its file.
pub fn from_file(path: &Path) -> Result<Value, Failure> {
    let cedar = read_text(path)?;
    Ok(json!({ "name": name_of(path)?, "cedar": cedar }))
}

fn name_of(path: &Path) -> Result<String, Failure> {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| Failure::usage(format!("`{}` has no name", path.display())))
}

impl Check {
    async fn run(self, cx: &Cx) -> Done {
        let arguments: Value = serde_json::from_str(&self.arguments).map_err(|error| {
            Failure::usage(format!("the arguments are not JSON: {error}"))
                .fix("give an object such as '{\"path\": \"notes/todo.md\"}'")
        })?;
        let client = cx.client().await?;
        let mut intent = json!({ "tool": self.tool, "arguments": arguments });
        if let Some(agent) = &self.agent {
            let found = find(&client, "/v1/agents", "agent", agent).await?;
            intent["agent_id"] = found["id"].clone();
            intent["agent_name"] = found["name"].clone();
            intent["workspace"] = found["workspace"].clone();
        }
        if let Some(workspace) = self.workspace {
            intent["workspace"] = workspace.into();
        }
        let decision = client
            .post("/v1/policies/check", &json!({ "intent": intent }))
            .await?;
        cx.done(&decision, &decided(cx.style, &decision))
    }
}

/// The decision first, then why, by which rules, and what would change it.
fn decided(style: Style, decision: &Value) -> String {
    let text = |name: &str| decision[name].as_str().unwrap_or_default();
    let (tone, word) = match text("decision") {
        "allow" => (Tone::Good, "✓ allowed"),
        "require_approval" => (Tone::Ask, "? asks a person"),
        _ => (Tone::Bad, "✗ denied"),
    };
    let mut out = style.paint(tone, word);
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = style.paint(Tone::Dim, &format!("{name:<5}"));
            out.push_str(&format!("\n  {name} {value}"));
        }
    };
    row("why", &terminal::short(text("reason"), 400));
    row(
        "rules",
        &terminal::short(&cell(decision, "determining"), 400),
    );
    let fix = terminal::clean(text("suggested_fix"));
    row("fix", &fix.trim_end().replace('\n', "\n        "));
    out
}

impl Simulate {
    async fn run(self, cx: &Cx) -> Done {
        let policies: Result<Vec<Value>, Failure> =
            self.files.iter().map(|it| from_file(it)).collect();
        let mut body = json!({ "policies": policies? });
        for (name, instant) in [("from", self.from), ("to", self.to)] {
            if let Some(instant) = instant {
                body[name] = instant.into();
            }
        }
        let report = cx
            .client()
            .await?
            .post("/v1/policies/simulate", &body)
            .await?;
        cx.done(&report, &flips(cx.style, &report))
    }
}

fn flips(style: Style, report: &Value) -> String {
    let flips = report["flips"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let row = |flip: &Value| {
        let change = format!("{} → {}", cell(flip, "recorded"), cell(flip, "simulated"));
        let [run, step, tool, reason] =
            ["run_id", "step", "tool", "reason"].map(|it| cell(flip, it));
        vec![
            run,
            step,
            tool,
            target::line(&flip["target"]),
            change,
            reason,
        ]
    };
    let decisions = report["decisions"].as_u64().unwrap_or(0);
    if flips.is_empty() {
        let mark = style.paint(Tone::Good, "✓ no flips");
        return format!("{mark}: all of {decisions} decisions would be the same");
    }
    let mut rows: Vec<Vec<String>> = flips.iter().map(row).collect();
    let listed = rows.len();
    // An approved step is decided twice: when it is asked about, and before it is carried out.
    rows.dedup();
    let heading = ["RUN", "STEP", "TOOL", "TARGET", "DECISION", "REASON"];
    let table = terminal::table(style, &heading, &rows);
    let count = report["flip_count"].as_u64().unwrap_or(rows.len() as u64);
    let shown = match report["truncated"] == true {
        true => format!(" (the first {listed} are listed)"),
        false => String::new(),
    };
    format!("{table}\n{count} of {decisions} recorded decisions would be others{shown}")
}

impl Publish {
    async fn run(self, cx: &Cx) -> Done {
        let cedar = read_text(&self.file)?;
        let name = match self.name {
            Some(name) => name,
            None => name_of(&self.file)?,
        };
        let body = json!({ "cedar": cedar, "comment": self.comment, "managed": self.managed });
        let path = format!("/v1/policies/{}", segment(&name));
        match cx.client().await?.put(&path, &body).await {
            Ok(answer) => {
                let version = answer["version"].as_u64().unwrap_or(1);
                cx.done(
                    &answer,
                    &format!("the policy `{name}` is in force, version {version}"),
                )
            }
            Err(failure) if !cx.json => {
                // Each problem of the text on its own line, before the one line that ends it.
                for problem in failure
                    .problem
                    .iter()
                    .flat_map(|it| it["errors"].as_array())
                    .flatten()
                {
                    let message = problem["message"].as_str().unwrap_or_default();
                    terminal::note(&format!("  {}", terminal::short(message, 400)));
                }
                let failure = Failure {
                    message: format!(
                        "`{}` was not published, and nothing changed",
                        self.file.display()
                    ),
                    ..failure
                };
                Err(Failure {
                    exit: Exit::Failed,
                    ..failure
                })
            }
            Err(failure) => Err(failure),
        }
    }
}
