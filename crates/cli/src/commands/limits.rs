//! `chancery limits`: what the organisation may do with tools, and how much of it is used.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cell};
use crate::failure::{Exit, Failure};
use crate::terminal;

const PATH: &str = "/v1/limits";

/// See what the organisation may do with tools, and set tighter limits.
///
/// The operator of the installation gives an organisation its plan (`chancery plans`); an admin can be
/// stricter than the plan, and not more generous.
#[derive(Debug, Args)]
pub struct Limits {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show each limit, and how much of it is used.
    Show,
    /// Set limits of the organisation's own; those that are not named stay.
    Set(Set),
    /// Take limits of the organisation's own away; the plan's still hold.
    Clear {
        /// Which, such as `tool_calls_per_day`.
        #[arg(required = true)]
        limits: Vec<String>,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Set {
    /// Calls of tools in any minute.
    #[arg(long, value_name = "CALLS")]
    tool_calls_per_minute: Option<u64>,
    /// Calls of tools in a day of UTC.
    #[arg(long, value_name = "CALLS")]
    tool_calls_per_day: Option<u64>,
    /// Calls of tools that are under way at once.
    #[arg(long, value_name = "CALLS")]
    tool_calls_concurrent: Option<u64>,
    /// Bytes that requests send in a day.
    #[arg(long, value_name = "BYTES")]
    egress_sent_bytes_per_day: Option<u64>,
    /// Bytes that requests receive in a day.
    #[arg(long, value_name = "BYTES")]
    egress_received_bytes_per_day: Option<u64>,
    /// Hosts that requests go to in a day, each counted once.
    #[arg(long, value_name = "HOSTS")]
    egress_hosts_per_day: Option<u64>,
    /// The only hosts that requests may go to: `example.com` or `*.example.com`; once for each.
    #[arg(long = "egress-host-allowed", value_name = "HOST")]
    egress_hosts_allowed: Vec<String>,
    /// A host that no request may go to; once for each.
    #[arg(long = "egress-host-denied", value_name = "HOST")]
    egress_hosts_denied: Vec<String>,
}

impl Limits {
    pub async fn run(self, cx: &Cx) -> Done {
        let client = cx.client().await?;
        match self.command.unwrap_or(Command::Show) {
            Command::Show => show(cx, &client.get(PATH).await?),
            Command::Set(set) => {
                let answer = client.patch(PATH, &set.body()).await?;
                cx.done(&answer, "the limits are set")
            }
            Command::Clear { limits } => {
                let named = limits.into_iter().map(|limit| (limit, Value::Null));
                let body: serde_json::Map<String, Value> = named.collect();
                let answer = client.patch(PATH, &Value::Object(body)).await?;
                cx.done(&answer, "the limits are taken away")
            }
        }
    }
}

fn show(cx: &Cx, limits: &Value) -> Result<Exit, Failure> {
    if cx.json {
        terminal::say_json(limits);
        return Ok(Exit::Success);
    }
    terminal::say(&format!("plan  {}\n", cell(limits, "plan")));
    let heading = ["LIMIT", "USED", "MAX", "BY", "RESETS"];
    let rows = limits["items"].as_array().into_iter().flatten().map(row);
    let rows: Vec<Vec<String>> = rows.collect();
    terminal::say(&terminal::table(cx.style, &heading, &rows));
    let hosts = &limits["hosts"];
    for (name, words) in [
        ("plan_allowed", "the plan allows requests only to"),
        ("own_allowed", "the organisation allows requests only to"),
        ("plan_denied", "the plan denies requests to"),
        ("own_denied", "the organisation denies requests to"),
    ] {
        let list = cell(hosts, name);
        let named = hosts[name].is_array() && (!list.is_empty() || name.ends_with("allowed"));
        if named {
            let list = if list.is_empty() { "none" } else { &list };
            terminal::say(&format!("{words} {list}"));
        }
    }
    Ok(Exit::Success)
}

fn row(limit: &Value) -> Vec<String> {
    let max = &limit["max"];
    let by = match (max.is_null(), &limit["own_max"] == max) {
        (true, _) => "",
        (false, true) if limit["plan_max"] != *max => "organisation",
        (false, _) => "plan",
    };
    let is_bytes = limit["limit"]
        .as_str()
        .is_some_and(|name| name.contains("_bytes_"));
    let amount = |name: &str| match limit[name].as_u64() {
        Some(bytes) if is_bytes => terminal::bytes(bytes),
        Some(number) => number.to_string(),
        None => "–".to_owned(),
    };
    let resets = match limit["used"].is_null() {
        true => String::new(),
        false => cell(limit, "resets_at"),
    };
    vec![
        cell(limit, "limit"),
        amount("used"),
        amount("max"),
        by.to_owned(),
        resets,
    ]
}

impl Set {
    fn body(&self) -> Value {
        let mut body = json!({});
        let numbers = [
            ("tool_calls_per_minute", self.tool_calls_per_minute),
            ("tool_calls_per_day", self.tool_calls_per_day),
            ("tool_calls_concurrent", self.tool_calls_concurrent),
            ("egress_sent_bytes_per_day", self.egress_sent_bytes_per_day),
            (
                "egress_received_bytes_per_day",
                self.egress_received_bytes_per_day,
            ),
            ("egress_hosts_per_day", self.egress_hosts_per_day),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                body[name] = json!(number);
            }
        }
        let lists = [
            ("egress_hosts_allowed", &self.egress_hosts_allowed),
            ("egress_hosts_denied", &self.egress_hosts_denied),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                body[name] = json!(list);
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tighter_of_two_limits_is_named() {
        let limit = |plan: Value, own: Value, max: Value| {
            json!({ "limit": "tool_calls_per_day", "plan_max": plan, "own_max": own, "max": max,
                "used": 1, "resets_at": null })
        };
        for (plan, own, max, by) in [
            (json!(5), json!(null), json!(5), "plan"),
            (json!(5), json!(3), json!(3), "organisation"),
            (json!(5), json!(5), json!(5), "plan"),
            (json!(null), json!(3), json!(3), "organisation"),
            (json!(null), json!(null), json!(null), ""),
        ] {
            assert_eq!(row(&limit(plan, own, max))[3], by);
        }
    }
}
