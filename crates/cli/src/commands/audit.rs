//! `chancery audit`: prove, export and search the record.

mod verify;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Cx, Done, cell, cells};
use crate::args::Listing;
use crate::client::address::with_query;
use crate::failure::{Exit, Failure};
use crate::terminal;

pub use verify::Verify;

/// Prove, export and search the record.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Prove that nothing of the record was changed, added or removed.
    Verify(Verify),
    /// Write the record as NDJSON, with what it takes to verify it offline.
    Export(Export),
    /// List events.
    Events(Events),
    /// Print the proof that an event is in the record.
    Proof {
        /// The event's seq.
        seq: u64,
        /// In the record as it was at this size; as it is now otherwise.
        #[arg(long)]
        size: Option<u64>,
    },
    /// Give the record a new signing key. What older keys signed verifies as before.
    RotateKey,
    /// Print the signed checkpoint. Keep it outside: who has one can tell if the record is rewritten.
    Checkpoint,
}

/// Write the record as NDJSON, with what it takes to verify it offline.
#[derive(Debug, Args)]
pub struct Export {
    /// Into this file; to standard output otherwise.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// From this seq on.
    #[arg(long)]
    from_seq: Option<u64>,
    /// Up to this seq.
    #[arg(long)]
    to_seq: Option<u64>,
}

/// List events.
#[derive(Debug, Args)]
pub struct Events {
    #[command(flatten)]
    listing: Listing,
    /// Of this run.
    #[arg(long)]
    run: Option<String>,
    /// Of this session.
    #[arg(long)]
    session: Option<String>,
    /// Of this kind, such as `policy.decided`, or of several with commas between them.
    #[arg(long)]
    kind: Option<String>,
    /// About this tool.
    #[arg(long)]
    tool: Option<String>,
    /// By this actor: a person, a key, an agent, a node.
    #[arg(long)]
    actor: Option<String>,
    /// From this instant on.
    #[arg(long)]
    from: Option<String>,
    /// Until this instant.
    #[arg(long)]
    to: Option<String>,
    /// The newest first.
    #[arg(long)]
    newest: bool,
}

impl Audit {
    pub async fn run(self, cx: &Cx) -> Done {
        match self {
            Self::Verify(args) => args.run(cx).await,
            Self::Export(args) => args.run(cx).await,
            Self::Events(args) => args.run(cx).await,
            Self::Proof { seq, size } => {
                let (seq, size) = (seq.to_string(), size.map(|size| size.to_string()));
                let mut query = vec![("seq", seq.as_str())];
                query.extend(size.as_deref().map(|size| ("size", size)));
                let proof = cx
                    .client()
                    .await?
                    .get(&with_query("/v1/audit/proof", &query))
                    .await?;
                cx.done(&proof, &path(&seq, &proof))
            }
            Self::RotateKey => {
                let client = cx.client().await?;
                let answer = client
                    .post("/v1/audit/keys/rotate", &serde_json::Value::Null)
                    .await?;
                let key = terminal::short(answer["key"].as_str().unwrap_or_default(), 300);
                let line = format!(
                    "the record has a new signing key; the old one signs its announcement\n  {key}"
                );
                cx.done(&answer, &line)
            }
            Self::Checkpoint => {
                let answer = cx.client().await?.get("/v1/audit/checkpoint").await?;
                let note = ["note", "checkpoint"]
                    .iter()
                    .find_map(|name| answer[*name].as_str());
                match note {
                    Some(note) if !cx.json => terminal::say(terminal::clean(note).trim_end()),
                    Some(_) | None => terminal::say_json(&answer),
                }
                Ok(Exit::Success)
            }
        }
    }
}

impl Events {
    async fn run(self, cx: &Cx) -> Done {
        let named = [
            ("run_id", self.run),
            ("session_id", self.session),
            ("kind", self.kind),
            ("tool", self.tool),
            ("actor", self.actor),
            ("from", self.from),
            ("to", self.to),
        ];
        let order = self.newest.then_some(("order", "desc"));
        let query: Vec<(&str, &str)> = named
            .iter()
            .filter_map(|(name, it)| Some((*name, it.as_deref()?)))
            .chain(order)
            .collect();
        let items = cx
            .client()
            .await?
            .list("/v1/audit/events", &query, self.listing.limit)
            .await?;
        cx.list(items, &["SEQ", "AT", "KIND", "SUBJECT", "RUN"], |item| {
            let mut row = cells(&item["event"], &["seq", "at", "kind", "subject", "run"]);
            row[1] = terminal::instant(&cell(&item["event"], "at"));
            row
        })
    }
}

/// A proof of inclusion (RFC 6962) for people: the hashes from the event's leaf up to the root.
fn path(seq: &str, proof: &serde_json::Value) -> String {
    let hashes = proof["proof"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let size = proof["size"].as_u64().unwrap_or(0);
    let head = format!(
        "event {seq} in the record of {size} events, by {} hashes up to the root",
        hashes.len()
    );
    let hashes = hashes.iter().filter_map(serde_json::Value::as_str);
    let lines = hashes.map(|hash| format!("  {}", terminal::short(hash, 100)));
    let tail = "`chancery audit checkpoint` has the signed root, `--json` prints this for programs";
    let lines: Vec<String> = std::iter::once(head)
        .chain(lines)
        .chain([tail.to_owned()])
        .collect();
    lines.join("\n")
}

/// The path of an export.
fn export_path(from: Option<u64>, to: Option<u64>) -> String {
    let (from, to) = (from.map(|it| it.to_string()), to.map(|it| it.to_string()));
    let mut query = Vec::new();
    query.extend(from.as_deref().map(|it| ("from_seq", it)));
    query.extend(to.as_deref().map(|it| ("to_seq", it)));
    with_query("/v1/audit/export", &query)
}

/// A line that moves while something long is under way; nothing where nobody looks.
pub fn progress(text: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(text.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

impl Export {
    async fn run(self, cx: &Cx) -> Done {
        let response = cx
            .client()
            .await?
            .download(&export_path(self.from_seq, self.to_seq))
            .await?;
        let Some(path) = self.output else {
            let mut pieces = response.bytes_stream();
            while let Some(piece) = pieces.next().await {
                terminal::say_bytes(&piece.map_err(|error| broke_off(&error))?)?;
            }
            return Ok(Exit::Success);
        };
        let bytes = save(response, &path, "exporting").await?;
        let answer = serde_json::json!({ "file": path, "size_bytes": bytes });
        let size = terminal::bytes(bytes);
        let shown = path.display();
        cx.done(
            &answer,
            &format!("{shown} has {size}; prove it with `chancery audit verify {shown}`"),
        )
    }
}

fn broke_off(error: &reqwest::Error) -> Failure {
    Failure::new(format!("the answer broke off: {error}")).fix("try again")
}

/// Saves an answer as a file, which is whole or not there.
pub async fn save(response: reqwest::Response, path: &Path, doing: &str) -> Result<u64, Failure> {
    let failed = |error| Failure::io(&format!("write `{}`", path.display()), &error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = path.with_file_name(name);
    let mut file = std::fs::File::create(&beside).map_err(failed)?;
    let bar = progress(doing);
    let mut pieces = response.bytes_stream();
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let written = match piece {
            Ok(piece) => {
                bytes += piece.len() as u64;
                bar.set_position(bytes);
                file.write_all(&piece).map_err(failed)
            }
            Err(error) => Err(broke_off(&error)),
        };
        if let Err(failure) = written {
            bar.finish_and_clear();
            let _ = std::fs::remove_file(&beside);
            return Err(failure);
        }
    }
    bar.finish_and_clear();
    file.sync_all()
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(failed)?;
    Ok(bytes)
}
