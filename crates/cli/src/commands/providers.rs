//! `chancery providers`: accounts at vendors of models, and servers of one's own.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use serde_json::{Value, json};
use vocab::{ExposeSecret as _, SecretString};

use super::{Cx, Done, cell, cells, find_id, read_text};
use crate::args::Listing;
use crate::client::Client;
use crate::client::address::segment;
use crate::failure::{Exit, Failure};
use crate::prompt;
use crate::terminal;

pub const PATH: &str = "/v1/providers";
const SECRETS: &str = "/v1/secrets";

/// Keep the accounts at vendors of models, and servers of your own.
#[derive(Debug, Args)]
pub struct Providers {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List providers.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Add a provider. Its key is typed unseen, or comes from standard input or a variable.
    Add(Add),
    /// Try a provider with one small call, and say precisely what is wrong.
    Test {
        /// Its name or id.
        provider: String,
        /// A model that is to say a few tokens; without one, the provider is asked what it has.
        #[arg(long)]
        model: Option<String>,
    },
    /// Remove a provider. The secret with its key stays until it is deleted.
    Remove {
        /// Its name or id.
        provider: String,
    },
}

/// What speaks there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Anthropic,
    Openai,
    Gemini,
    Bedrock,
    AzureOpenai,
    Openrouter,
    /// Ollama, vLLM, llama.cpp and others.
    OpenaiCompatible,
    /// Nobody: a script answers, to try things out.
    Scripted,
}

impl Kind {
    fn as_str(self) -> String {
        let value = self.to_possible_value();
        value.map(|it| it.get_name().to_owned()).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
struct Add {
    /// Its name, as in `name/model`.
    name: String,
    /// What speaks there.
    #[arg(long = "type", value_enum)]
    kind: Kind,
    /// Where it is, if not at its type's usual place.
    #[arg(long, value_hint = ValueHint::Url)]
    base_url: Option<String>,
    /// Read the key from this variable of the environment.
    #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["secret", "no_key"])]
    key_env: Option<String>,
    /// Use a secret that is stored already, by its name or id.
    #[arg(long, conflicts_with = "no_key")]
    secret: Option<String>,
    /// The script of a scripted provider, as JSON.
    #[arg(long, value_hint = ValueHint::FilePath, required_if_eq("kind", "scripted"))]
    script: Option<PathBuf>,
    /// It takes no key.
    #[arg(long)]
    no_key: bool,
    /// The AWS region, of bedrock alone.
    #[arg(long)]
    region: Option<String>,
    /// An `api-version` older than v1, of azure_openai alone.
    #[arg(long)]
    api_version: Option<String>,
    /// The host's name may lead to an address inside this network.
    #[arg(long)]
    private_network: bool,
}

impl Providers {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                let names = ["id", "name", "type", "base_url", "secret_id", "updated_at"];
                let heading = ["PROVIDER", "NAME", "TYPE", "BASE URL", "SECRET", "UPDATED"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Command::Add(add) => add.run(cx).await,
            Command::Test { provider, model } => test(cx, &provider, model.as_deref()).await,
            Command::Remove { provider } => {
                let client = cx.client().await?;
                let id = find_id(&client, PATH, "provider", &provider).await?;
                if !prompt::confirm(&format!("Remove the provider `{provider}`?"))? {
                    return Err(Failure::new("nothing was removed"));
                }
                let answer = client.delete(&format!("{PATH}/{}", segment(&id))).await?;
                cx.done(&answer, &format!("the provider `{provider}` is removed"))
            }
        }
    }
}

impl Add {
    async fn run(self, cx: &Cx) -> Done {
        let client = cx.client().await?;
        let mut body = json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "private_network": self.private_network,
        });
        let given = [
            ("base_url", &self.base_url),
            ("region", &self.region),
            ("api_version", &self.api_version),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        if let Some(path) = &self.script {
            let script: Value = serde_json::from_str(&read_text(path)?).map_err(|error| {
                Failure::usage(format!("`{}` is no JSON: {error}", path.display()))
            })?;
            body["script"] = script;
        }
        let stored = match &self.secret {
            Some(secret) => {
                body["secret_id"] = json!(find_id(&client, SECRETS, "secret", secret).await?);
                None
            }
            None => match self.key()? {
                Some(key) => {
                    let id = store(&client, &self.name, &key).await?;
                    body["secret_id"] = json!(id);
                    Some(id)
                }
                None => None,
            },
        };
        match client.post(PATH, &body).await {
            Ok(answer) => {
                let name = &self.name;
                let next = format!("try it with `chancery providers test {name}`");
                cx.done(&answer, &format!("the provider `{name}` is added; {next}"))
            }
            Err(failure) => {
                // A key without its provider would be in the way of the next attempt.
                if let Some(id) = stored {
                    let path = format!("{SECRETS}/{}", segment(&id));
                    if client.delete(&path).await.is_err() {
                        let secret = secret_name(&self.name);
                        terminal::note(&format!("the secret `{secret}` is left over"));
                    }
                }
                Err(failure)
            }
        }
    }

    /// The key, if there is to be one.
    fn key(&self) -> Result<Option<SecretString>, Failure> {
        if self.no_key || self.kind == Kind::Scripted {
            return Ok(None);
        }
        match &self.key_env {
            None => prompt::secret("Key").map(Some),
            Some(name) => match std::env::var(name) {
                Ok(key) if !key.trim().is_empty() => Ok(Some(key.into())),
                Ok(_) | Err(_) => Err(Failure::usage(format!(
                    "the variable `{name}` is not set to a key"
                ))),
            },
        }
    }
}

/// What the secret of a provider is called that was added here.
fn secret_name(provider: &str) -> String {
    format!("{provider}-key")
}

async fn store(client: &Client, provider: &str, key: &SecretString) -> Result<String, Failure> {
    let name = secret_name(provider);
    let body = json!({ "name": name, "value": key.expose_secret() });
    let answer = client.post(SECRETS, &body).await;
    let answer = answer.map_err(|failure| match failure.status() {
        Some(409) => failure.fix(format!(
            "there is a secret `{name}`: use it with `--secret {name}`, or delete it"
        )),
        Some(_) | None => failure,
    })?;
    Ok(cell(&answer, "id"))
}

async fn test(cx: &Cx, provider: &str, model: Option<&str>) -> Done {
    let client = cx.client().await?;
    let id = find_id(&client, PATH, "provider", provider).await?;
    let body = model.map_or_else(|| json!({}), |model| json!({ "model": model }));
    let path = format!("{PATH}/{}/test", segment(&id));
    let found = client.post(&path, &body).await?;
    if cx.json {
        terminal::say_json(&found);
    } else {
        say(provider, &found);
    }
    match found["ok"].as_bool() {
        Some(true) => Ok(Exit::Success),
        Some(false) | None => Ok(Exit::Failed),
    }
}

fn say(provider: &str, found: &Value) {
    let took = found["latency_ms"].as_u64().unwrap_or(0);
    let problem = &found["problem"];
    if problem.is_null() {
        terminal::say(&format!("`{provider}` answers, in {took} ms"));
    } else {
        let text = |name| terminal::clean(&cell(problem, name));
        let (code, message, fix) = (text("code"), text("message"), text("suggested_fix"));
        terminal::say(&format!(
            "`{provider}` can't be used: {code}: {message}\n{fix}"
        ));
    }
    let models = cell(found, "models");
    if !models.is_empty() {
        terminal::say(&terminal::clean(&models));
    }
}
