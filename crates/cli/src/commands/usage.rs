//! `chancery usage`: what was used of models, and what it cost.

use clap::Args;

use super::budgets::dollars;
use super::{Cx, Done, cell};
use crate::args::Listing;
use crate::client::address::with_query;
use crate::failure::{Exit, Failure};
use crate::terminal;

const PATH: &str = "/v1/usage";

/// See what was used of models, and what it cost.
#[derive(Debug, Args)]
pub struct Usage {
    /// By what: some of day, model, profile, user, key, agent, project, with commas between.
    #[arg(long, default_value = "day")]
    by: String,
    /// From this day on, such as 2026-01-31; thirty days ago if not given.
    #[arg(long)]
    from: Option<String>,
    /// Up to this day.
    #[arg(long)]
    to: Option<String>,
    /// Print comma-separated values, all of them.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    listing: Listing,
}

impl Usage {
    pub async fn run(self, cx: &Cx) -> Done {
        let client = cx.client().await?;
        let mut query = vec![("group_by", self.by.as_str())];
        query.extend(self.from.as_deref().map(|from| ("from", from)));
        query.extend(self.to.as_deref().map(|to| ("to", to)));
        if self.csv {
            query.push(("format", "csv"));
            let response = client.download(&with_query(PATH, &query)).await?;
            let bytes = response.bytes().await;
            let bytes =
                bytes.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
            terminal::say_bytes(&bytes)?;
            return Ok(Exit::Success);
        }
        let items = client.list(PATH, &query, self.listing.limit).await?;
        let by: Vec<&str> = self.by.split(',').filter(|it| !it.is_empty()).collect();
        let mut heading: Vec<String> = by.iter().map(|it| it.to_uppercase()).collect();
        heading.extend(["CALLS", "FAILED", "INPUT", "OUTPUT", "USD"].map(str::to_owned));
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        cx.list(items, &heading, |it| {
            let name = |by: &&str| match *by {
                "user" | "key" | "agent" | "project" => cell(it, &format!("{by}_id")),
                other => cell(it, other),
            };
            let mut row: Vec<String> = by.iter().map(name).collect();
            row.extend(
                ["calls", "failed", "input_tokens", "output_tokens"].map(|name| cell(it, name)),
            );
            row.push(dollars(it["cost_usd_micros"].as_u64().unwrap_or(0)));
            row
        })
    }
}
