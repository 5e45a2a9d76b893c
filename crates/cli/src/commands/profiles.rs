//! `chancery profiles`: names for models, which agents and clients ask by.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Cx, Done, cell, cells, find, find_id};
use crate::args::Listing;
use crate::client::Client;
use crate::client::address::segment;
use crate::commands::providers;
use crate::failure::Failure;
use crate::prompt;
use crate::terminal;

pub const PATH: &str = "/v1/model-profiles";

/// Give names to models, and say which of several is asked.
#[derive(Debug, Args)]
pub struct Profiles {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List profiles.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a profile.
    Show {
        /// Its name or id.
        profile: String,
    },
    /// Make a profile, or change one: what isn't given stays as it is.
    #[command(visible_alias = "add")]
    Set(Set),
    /// Remove a profile.
    Remove {
        /// Its name or id.
        profile: String,
    },
}

/// Which target is asked.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Strategy {
    /// The first that works.
    Priority,
    /// By chance, in proportion to the weights.
    Weighted,
    /// The one that began to answer soonest of late.
    LeastLatency,
    /// The one that costs least for the call.
    Cheapest,
}

#[derive(Debug, Args)]
struct Set {
    /// Its name.
    name: String,
    /// A provider, by name, and a model of it; once for each target. `=N` is its weight.
    #[arg(long = "target", value_name = "PROVIDER/MODEL[=WEIGHT]")]
    targets: Vec<String>,
    /// Which target is asked.
    #[arg(long, value_enum)]
    strategy: Option<Strategy>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// The most tokens of an answer.
    #[arg(long)]
    max_output_tokens: Option<u64>,
    /// How freely it answers.
    #[arg(long)]
    temperature: Option<f64>,
}

impl Profiles {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let client = cx.client().await?;
                let items = client.list(PATH, &[], listing.limit).await?;
                let known = client.list(providers::PATH, &[], usize::MAX).await?;
                let known: Vec<Value> = known.into_iter().collect();
                let heading = ["PROFILE", "NAME", "STRATEGY", "TARGETS", "UPDATED"];
                cx.list(items, &heading, |it| {
                    let mut row = cells(it, &["id", "name", "strategy"]);
                    row.push(targets(it, &known));
                    row.push(cell(it, "updated_at"));
                    row
                })
            }
            Command::Show { profile } => {
                let client = cx.client().await?;
                let found = find(&client, PATH, "profile", &profile).await?;
                let known = client.list(providers::PATH, &[], usize::MAX).await?;
                let known: Vec<Value> = known.into_iter().collect();
                let lines = format!(
                    "profile   {}\nname      {}\nstrategy  {}\ntargets   {}\nparams    {}",
                    cell(&found, "id"),
                    cell(&found, "name"),
                    cell(&found, "strategy"),
                    targets(&found, &known),
                    found["params"],
                );
                cx.done(&found, &terminal::clean(&lines))
            }
            Command::Set(set) => set.run(cx).await,
            Command::Remove { profile } => {
                let client = cx.client().await?;
                let id = find_id(&client, PATH, "profile", &profile).await?;
                if !prompt::confirm(&format!("Remove the profile `{profile}`?"))? {
                    return Err(Failure::new("nothing was removed"));
                }
                let answer = client.delete(&format!("{PATH}/{}", segment(&id))).await?;
                cx.done(&answer, &format!("the profile `{profile}` is removed"))
            }
        }
    }
}

impl Set {
    async fn run(self, cx: &Cx) -> Done {
        let client = cx.client().await?;
        let mut body = json!({});
        if !self.targets.is_empty() {
            let mut all = Vec::new();
            for target in &self.targets {
                all.push(resolved(&client, target).await?);
            }
            body["targets"] = json!(all);
        }
        if let Some(strategy) = self.strategy.and_then(|it| it.to_possible_value()) {
            body["strategy"] = json!(strategy.get_name());
        }
        if let Some(description) = &self.description {
            body["description"] = json!(description);
        }
        let items = client.list(PATH, &[], usize::MAX).await?;
        let before = items
            .into_iter()
            .find(|it| it["name"] == self.name.as_str());
        let mut params = before
            .as_ref()
            .map_or(Value::Null, |it| it["params"].clone());
        if !params.is_object() {
            params = json!({});
        }
        if let Some(most) = self.max_output_tokens {
            params["max_output_tokens"] = json!(most);
        }
        if let Some(temperature) = self.temperature {
            params["temperature"] = json!(temperature);
        }
        body["params"] = params;
        let (answer, what) = match before {
            Some(before) => {
                let path = format!("{PATH}/{}", segment(&cell(&before, "id")));
                (client.patch(&path, &body).await?, "changed")
            }
            None if self.targets.is_empty() => {
                let message = format!("there is no profile `{}` to change", self.name);
                return Err(Failure::usage(message).fix("a new one needs a `--target`"));
            }
            None => {
                body["name"] = json!(self.name);
                (client.post(PATH, &body).await?, "made")
            }
        };
        cx.done(&answer, &format!("the profile `{}` is {what}", self.name))
    }
}

/// A target as it is written, for the server. A model's name may have slashes and `=` in it, so the
/// provider is what stands before the first slash, and a weight only digits behind the last `=`.
async fn resolved(client: &Client, target: &str) -> Result<Value, Failure> {
    let (name, weight) = match target.rsplit_once('=') {
        Some((name, weight))
            if !weight.is_empty() && weight.bytes().all(|it| it.is_ascii_digit()) =>
        {
            (name, weight.parse::<u32>().ok())
        }
        Some(_) | None => (target, None),
    };
    let Some((provider, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty())
    else {
        return Err(Failure::usage(format!(
            "`{target}` is not `PROVIDER/MODEL`"
        )));
    };
    let id = find_id(client, providers::PATH, "provider", provider).await?;
    let mut target = json!({ "provider_id": id, "model": model });
    if let Some(weight) = weight {
        target["weight"] = json!(weight);
    }
    Ok(target)
}

/// The targets of a profile as they are written.
fn targets(profile: &Value, known: &[Value]) -> String {
    let one = |target: &Value| {
        let id = &target["provider_id"];
        let provider = known.iter().find(|it| it["id"] == *id);
        let provider = provider.map_or_else(|| cell(target, "provider_id"), |it| cell(it, "name"));
        format!("{provider}/{}", cell(target, "model"))
    };
    let all = profile["targets"].as_array().map(Vec::as_slice);
    let all: Vec<String> = all.unwrap_or_default().iter().map(one).collect();
    all.join(", ")
}
