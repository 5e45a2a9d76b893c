//! `chancery approvals`: answer what agents ask for.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Cx, Done, cells};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Exit;
use crate::prompt::Interrupts;
use crate::render::approval::{self, Show};
use crate::render::target;
use crate::terminal;

/// How often the inbox is looked at while it is watched.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Answer what agents ask for.
#[derive(Debug, Args)]
pub struct Approvals {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List requests for approval.
    List {
        #[command(flatten)]
        listing: Listing,
        /// `pending`, `granted`, `denied`, `expired` or `withdrawn`.
        #[arg(long, default_value = "pending")]
        status: String,
    },
    /// Show a request with exactly what would run.
    Show {
        /// `apr_…`
        approval: String,
    },
    /// Say yes.
    Approve {
        /// `apr_…`
        approval: String,
        /// How far it reaches.
        #[arg(long, default_value = "once")]
        scope: Scope,
        /// Kept with the answer.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say no.
    Deny {
        /// `apr_…`
        approval: String,
        /// Kept with the answer; the agent reads it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Show each request as it comes, until interrupted.
    Watch,
}

/// How far an approval reaches.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// This one action.
    Once,
    /// Actions like it in this run.
    Run,
    /// Actions like it from now on.
    Standing,
}

impl Scope {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Run => "run",
            Self::Standing => "standing",
        }
    }
}

impl Approvals {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
            status: "pending".to_owned(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing, status } => {
                let client = cx.client().await?;
                let query = [("status", status.as_str())];
                let items = client.list("/v1/approvals", &query, listing.limit).await?;
                cx.list(
                    items,
                    &["APPROVAL", "STATUS", "TOOL", "TARGET", "RUN", "EXPIRES"],
                    |it| {
                        let mut row = cells(
                            it,
                            &["id", "status", "tool", "target", "run_id", "expires_at"],
                        );
                        row[3] = terminal::short(&target::line(&it["target"]), 46);
                        row
                    },
                )
            }
            Command::Show { approval } => {
                let client = cx.client().await?;
                let found = client
                    .get(&format!("/v1/approvals/{}", segment(&approval)))
                    .await?;
                cx.done(&found, &approval::view(cx.style, &found, Show::All))
            }
            Command::Approve {
                approval,
                scope,
                comment,
            } => {
                let mut body = json!({ "scope": scope.as_str() });
                add_comment(&mut body, comment);
                decide(cx, &approval, "approve", &body, "approved").await
            }
            Command::Deny { approval, comment } => {
                let mut body = json!({});
                add_comment(&mut body, comment);
                decide(cx, &approval, "deny", &body, "denied").await
            }
            Command::Watch => inbox(cx).await,
        }
    }
}

fn add_comment(body: &mut Value, comment: Option<String>) {
    if let Some(comment) = comment {
        body["comment"] = comment.into();
    }
}

async fn decide(cx: &Cx, id: &str, verb: &str, body: &Value, word: &str) -> Done {
    let path = format!("/v1/approvals/{}/{verb}", segment(id));
    let answer = cx.client().await?.post(&path, body).await?;
    cx.done(&answer, &format!("{id} is {word}"))
}

async fn inbox(cx: &Cx) -> Done {
    let client = cx.client().await?;
    let mut seen = BTreeSet::new();
    terminal::note("waiting for requests; Ctrl-C ends this");
    let mut interrupts = Interrupts::listen();
    loop {
        let query = [("status", "pending")];
        let pending = client.list("/v1/approvals", &query, usize::MAX).await?;
        for item in pending {
            let id = item["id"].as_str().unwrap_or_default().to_owned();
            if !seen.insert(id.clone()) {
                continue;
            }
            // The list may leave the arguments out.
            let whole = client
                .get(&format!("/v1/approvals/{}", segment(&id)))
                .await?;
            if cx.json {
                terminal::say(&whole.to_string());
            } else {
                terminal::say(&approval::view(cx.style, &whole, Show::All));
                terminal::say(&format!(
                    "    `chancery approvals approve {id}` or `… deny {id}`\n"
                ));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = interrupts.next() => return Ok(Exit::Interrupted),
        }
    }
}
