//! The commands, one module each.

pub mod agents;
pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod budgets;
pub mod chat;
pub mod keys;
pub mod limits;
pub mod login;
pub mod members;
pub mod nodes;
pub mod plans;
pub mod policy;
pub mod profiles;
pub mod providers;
pub mod replay;
pub mod run;
pub mod runs;
pub mod secrets;
pub mod server;
pub mod sessions;
pub mod skills;
pub mod tools;
pub mod usage;
mod watch;

use std::sync::Arc;

use clap::CommandFactory as _;
use serde_json::{Value, json};
use vocab::SecretString;

use crate::args::{Cli, Command, Global};
use crate::client::{Client, Connection, Listed};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, Style};

/// How a command ended.
pub type Done = Result<Exit, Failure>;

/// What every command works with.
#[derive(Debug, Clone)]
pub struct Cx {
    /// Where the server is, and as whom to speak to it.
    pub connection: Connection,
    /// Whether to print JSON.
    pub json: bool,
    /// How to print.
    pub style: Style,
}

impl Cx {
    fn new(global: Global) -> Self {
        let key = std::env::var("CHANCERY_API_KEY")
            .ok()
            .filter(|key| !key.is_empty());
        let org = global.org.filter(|org| !org.is_empty());
        let connection = Connection {
            url: global.url,
            org,
            api_key: key.map(SecretString::from),
        };
        Self {
            connection,
            json: global.json,
            style: Style::stdout(),
        }
    }

    /// Speaks to the server.
    pub async fn client(&self) -> Result<Arc<Client>, Failure> {
        Ok(Arc::new(Client::connect(&self.connection).await?))
    }

    /// Prints a list: as it is for programs, or as a table.
    pub fn list(
        &self,
        listed: impl Into<Listed>,
        heading: &[&str],
        row: impl Fn(&Value) -> Vec<String>,
    ) -> Done {
        let Listed { items, more } = listed.into();
        if self.json {
            terminal::say_json(&json!({ "items": items }));
        } else if items.is_empty() {
            terminal::note("there are none");
        } else {
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            terminal::say(&terminal::table(self.style, heading, &rows));
        }
        if more {
            let count = items.len();
            terminal::note(&format!(
                "there are more than these {count}; `--limit` shows them"
            ));
        }
        Ok(Exit::Success)
    }

    /// Prints what was done: the answer for programs, or a line.
    pub fn done(&self, answer: &Value, line: &str) -> Done {
        if self.json {
            terminal::say_json(answer);
        } else {
            terminal::say(line);
        }
        Ok(Exit::Success)
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Done {
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "chancery", &mut script);
        terminal::say_bytes(&script)?;
        return Ok(Exit::Success);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::io("start", &error))?;
    let done = runtime.block_on(dispatch(cli));
    // Nothing that still runs in the background is worth waiting for.
    runtime.shutdown_background();
    done
}

async fn dispatch(cli: Cli) -> Done {
    let cx = Cx::new(cli.global);
    match cli.command {
        Command::Up(args) => Box::pin(args.run(&cx)).await,
        Command::Serve(args) => Box::pin(args.run(&cx)).await,
        Command::Migrate(args) => Box::pin(server::migrate(&cx, args)).await,
        Command::Doctor(args) => Box::pin(server::doctor(&cx, args)).await,
        Command::Config(command) => command.run(&cx),
        Command::Openapi => Box::pin(server::openapi()).await,
        Command::Backup(args) => Box::pin(args.run(&cx)).await,
        Command::Restore(args) => Box::pin(args.run(&cx)).await,
        Command::MasterKey(command) => Box::pin(command.run(&cx)).await,
        Command::Login(args) => args.run(&cx).await,
        Command::Logout => login::logout(&cx).await,
        Command::Whoami => login::whoami(&cx).await,
        Command::Run(args) => args.run(&cx).await,
        Command::Chat(args) => args.run(&cx).await,
        Command::Runs(args) => args.run(&cx).await,
        Command::Approvals(args) => args.run(&cx).await,
        Command::Policy(command) => command.run(&cx).await,
        Command::Audit(command) => command.run(&cx).await,
        Command::Replay(args) => args.run(&cx).await,
        Command::Secrets(args) => args.run(&cx).await,
        Command::Providers(args) => args.run(&cx).await,
        Command::Profiles(args) => args.run(&cx).await,
        Command::Budgets(args) => args.run(&cx).await,
        Command::Usage(args) => args.run(&cx).await,
        Command::Limits(args) => args.run(&cx).await,
        Command::Plans(command) => Box::pin(command.run(&cx)).await,
        Command::Keys(args) => args.run(&cx).await,
        Command::Agents(args) => args.run(&cx).await,
        Command::Skills(args) => args.run(&cx).await,
        Command::Tools(args) => args.run(&cx).await,
        Command::Artifacts(args) => args.run(&cx).await,
        Command::Nodes(args) => args.run(&cx).await,
        Command::Members(args) => args.run(&cx).await,
        // Handled before there is a runtime.
        Command::Completions { .. } => Ok(Exit::Success),
    }
}

/// A member of a value as text for a cell of a table.
pub fn cell(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::Null => String::new(),
        Value::String(text) if name.ends_with("_at") => terminal::instant(text),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts = items
                .iter()
                .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            texts.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Cells of these members.
pub fn cells(value: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| cell(value, name)).collect()
}

/// The one of a list that has this id or this name.
pub async fn find(
    client: &Client,
    path: &str,
    what: &str,
    id_or_name: &str,
) -> Result<Value, Failure> {
    let all = client.list(path, &[], usize::MAX).await?;
    let found = all
        .into_iter()
        .find(|it| it["id"] == id_or_name || it["name"] == id_or_name);
    found.ok_or_else(|| Failure::new(format!("there is no {what} `{id_or_name}`")))
}

/// The id of the one of a list that has this id or this name.
pub async fn find_id(
    client: &Client,
    path: &str,
    what: &str,
    id_or_name: &str,
) -> Result<String, Failure> {
    let found = find(client, path, what, id_or_name).await?;
    Ok(found["id"].as_str().unwrap_or(id_or_name).to_owned())
}

/// What is not there is named, and where to look for what is.
pub fn missing<T>(
    answer: Result<T, Failure>,
    what: &str,
    id: &str,
    list: &str,
) -> Result<T, Failure> {
    answer.map_err(|failure| match failure.status() {
        Some(404) => Failure {
            message: format!("there is no {what} `{id}`"),
            ..failure.fix(format!("`{list}` lists them"))
        },
        Some(_) | None => failure,
    })
}

/// Reads a file that the person named.
pub fn read_text(path: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::io(&format!("read `{}`", path.display()), &error))
}
