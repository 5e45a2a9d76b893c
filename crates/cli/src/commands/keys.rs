//! `chancery keys`: make and revoke API keys.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Cx, Done, cells, find_id};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Exit;
use crate::terminal;

const PATH: &str = "/v1/api-keys";

/// Make and revoke API keys.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List API keys.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Make an API key. It is shown this once.
    Create {
        /// What it is for.
        name: String,
        /// The most that it may do: `viewer`, `member`, `admin` or `owner`; your own role otherwise.
        #[arg(long)]
        role: Option<String>,
        /// Until when it works, such as 2027-01-31T00:00:00Z.
        #[arg(long)]
        expires_at: Option<String>,
    },
    /// Revoke an API key.
    Delete {
        /// Its id or name.
        key: String,
    },
}

impl Keys {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                let heading = ["KEY", "NAME", "ROLE", "BEGINS WITH", "LAST USED", "EXPIRES"];
                let names = ["id", "name", "role", "prefix", "last_used_at", "expires_at"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Command::Create {
                name,
                role,
                expires_at,
            } => {
                let mut body = json!({ "name": name });
                for (member, value) in [("role", role), ("expires_at", expires_at)] {
                    if let Some(value) = value {
                        body[member] = value.into();
                    }
                }
                let answer = cx.client().await?.post(PATH, &body).await?;
                if cx.json {
                    terminal::say_json(&answer);
                } else {
                    // The key alone on standard output, so that it can be piped to where it belongs.
                    terminal::say(&terminal::clean(answer["key"].as_str().unwrap_or_default()));
                    terminal::note("this is the only time that the key is shown");
                }
                Ok(Exit::Success)
            }
            Command::Delete { key } => {
                let client = cx.client().await?;
                let id = find_id(&client, PATH, "API key", &key).await?;
                let answer = client.delete(&format!("{PATH}/{}", segment(&id))).await?;
                cx.done(&answer, &format!("the API key `{key}` is revoked"))
            }
        }
    }
}
