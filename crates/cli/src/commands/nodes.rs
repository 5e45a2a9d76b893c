//! `chancery nodes`: enrol and revoke nodes.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cells, find_id};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Exit;
use crate::terminal;

const PATH: &str = "/v1/nodes";

/// Enrol and revoke nodes.
#[derive(Debug, Args)]
pub struct Nodes {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List nodes, and what each can really enforce.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Enrol a node. Its credential is shown this once.
    Create {
        /// What to call it.
        name: String,
    },
    /// Revoke a node: it is let in no more.
    Revoke {
        /// Its name or id.
        node: String,
    },
}

impl Nodes {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                cx.list(
                    items,
                    &["NODE", "NAME", "STATUS", "ENFORCEMENT", "LAST SEEN"],
                    |node| {
                        let names = ["id", "name", "status", "enforcement", "last_seen_at"];
                        let mut row = cells(node, &names);
                        row[3] = level(&node["enforcement"]);
                        row
                    },
                )
            }
            Command::Create { name } => {
                let answer = cx
                    .client()
                    .await?
                    .post(PATH, &json!({ "name": name }))
                    .await?;
                if cx.json {
                    terminal::say_json(&answer);
                } else {
                    terminal::say(&terminal::clean(
                        answer["credential"].as_str().unwrap_or_default(),
                    ));
                    terminal::note(
                        "this is the only time that the credential is shown; start `chancery-node` with it",
                    );
                }
                Ok(Exit::Success)
            }
            Command::Revoke { node } => {
                let client = cx.client().await?;
                let id = find_id(&client, PATH, "node", &node).await?;
                let answer = client.delete(&format!("{PATH}/{}", segment(&id))).await?;
                cx.done(&answer, &format!("the node `{node}` is revoked"))
            }
        }
    }
}

fn level(enforcement: &Value) -> String {
    let level = enforcement["level"]
        .as_str()
        .or_else(|| enforcement.as_str());
    level.unwrap_or_default().to_owned()
}
