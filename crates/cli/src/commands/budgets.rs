//! `chancery budgets`: what may be spent on models, and how often they may be asked.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cell, missing};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Failure;
use crate::prompt;

const PATH: &str = "/v1/budgets";

/// Limit what is spent on models.
///
/// A scope is `org`, or the id of an agent, a person, a project, an API key, a run or a profile.
#[derive(Debug, Args)]
pub struct Budgets {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List budgets, with what is spent of them.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Set the budget of a scope; what was set before no longer holds.
    Set(Set),
    /// Remove the budget of a scope.
    Remove {
        /// Whose.
        scope: String,
    },
}

#[derive(Debug, Args)]
#[group(skip)]
struct Set {
    /// Whose.
    scope: String,
    /// US dollars a day.
    #[arg(long, value_name = "USD", value_parser = micros)]
    daily: Option<u64>,
    /// US dollars a month.
    #[arg(long, value_name = "USD", value_parser = micros)]
    monthly: Option<u64>,
    /// US dollars for each run.
    #[arg(long, value_name = "USD", value_parser = micros)]
    per_run: Option<u64>,
    /// Calls a minute.
    #[arg(long)]
    requests_per_minute: Option<u32>,
    /// Tokens a minute.
    #[arg(long)]
    tokens_per_minute: Option<u64>,
    /// Only these models: a profile, `provider/model` or `provider/*`; once for each.
    #[arg(long = "model")]
    models: Vec<String>,
}

impl Budgets {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                let heading = [
                    "SCOPE",
                    "DAILY",
                    "TODAY",
                    "MONTHLY",
                    "MONTH",
                    "CALLS/MIN",
                    "MODELS",
                ];
                cx.list(items, &heading, |it| {
                    let usd = |name: &str| it[name].as_u64().map(dollars).unwrap_or_default();
                    vec![
                        cell(it, "scope"),
                        usd("daily_usd_micros"),
                        usd("spent_today_usd_micros"),
                        usd("monthly_usd_micros"),
                        usd("spent_usd_micros"),
                        cell(it, "requests_per_minute"),
                        cell(it, "models"),
                    ]
                })
            }
            Command::Set(set) => {
                let path = format!("{PATH}/{}", segment(&set.scope));
                let answer = cx.client().await?.put(&path, &set.body()).await?;
                cx.done(&answer, &format!("the budget of `{}` is set", set.scope))
            }
            Command::Remove { scope } => {
                let client = cx.client().await?;
                if !prompt::confirm(&format!("Remove the budget of `{scope}`?"))? {
                    return Err(Failure::new("nothing was removed"));
                }
                let answer = client.delete(&format!("{PATH}/{}", segment(&scope))).await;
                let answer = missing(answer, "budget of", &scope, "chancery budgets")?;
                cx.done(&answer, &format!("the budget of `{scope}` is removed"))
            }
        }
    }
}

impl Set {
    fn body(&self) -> Value {
        let mut body = json!({});
        let numbers = [
            ("daily_usd_micros", self.daily),
            ("monthly_usd_micros", self.monthly),
            ("per_run_usd_micros", self.per_run),
            (
                "requests_per_minute",
                self.requests_per_minute.map(u64::from),
            ),
            ("tokens_per_minute", self.tokens_per_minute),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        if !self.models.is_empty() {
            body["models"] = json!(self.models);
        }
        body
    }
}

/// Dollars as people write them, in millionths: `5`, `0.25`.
fn micros(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no amount of dollars, such as `5` or `0.25`");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let whole = whole
        .checked_mul(1_000_000)
        .and_then(|it| it.checked_add(fraction));
    whole.ok_or_else(wrong)
}

/// Millionths as people read them.
pub fn dollars(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let short = text.trim_end_matches('0');
    short.strip_suffix('.').unwrap_or(short).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_go_there_and_back() {
        for (text, value) in [
            ("0", 0),
            ("5", 5_000_000),
            ("0.25", 250_000),
            ("0.000001", 1),
            ("12.5", 12_500_000),
        ] {
            assert_eq!(micros(text), Ok(value));
            assert_eq!(dollars(value), text);
        }
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "1e3",
            "0.0000001",
            "1,5",
            "99999999999999999999",
        ] {
            assert!(micros(text).is_err(), "{text}");
        }
    }
}
