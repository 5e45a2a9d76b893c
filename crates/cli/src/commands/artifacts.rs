//! `chancery artifacts`: see and fetch what is kept, and put files into sessions.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Cx, Done, audit, cells, missing};
use crate::args::Listing;
use crate::client::address::{segment, with_query};
use crate::failure::{Exit, Failure};
use crate::terminal;

/// See, fetch and upload artifacts.
#[derive(Debug, Args)]
pub struct Artifacts {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List artifacts, the newest first.
    List {
        #[command(flatten)]
        listing: Listing,
        /// Of this run.
        #[arg(long)]
        run: Option<String>,
        /// Of this session.
        #[arg(long)]
        session: Option<String>,
    },
    /// Fetch an artifact.
    Get {
        /// `art_…`
        artifact: String,
        /// Into this file; to standard output otherwise.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Put a file into a session.
    Upload {
        /// The file.
        file: PathBuf,
        /// The session.
        #[arg(long)]
        session: String,
        /// What it is called there; as the file otherwise.
        #[arg(long)]
        name: Option<String>,
        /// Its media type; what its ending says otherwise.
        #[arg(long = "type", value_name = "TYPE")]
        media: Option<String>,
    },
}

impl Artifacts {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
            run: None,
            session: None,
        };
        match self.command.unwrap_or(list) {
            Command::List {
                listing,
                run,
                session,
            } => {
                let named = [("run_id", run), ("session_id", session)];
                let query: Vec<(&str, &str)> = named
                    .iter()
                    .filter_map(|(name, it)| Some((*name, it.as_deref()?)))
                    .collect();
                let items = cx
                    .client()
                    .await?
                    .list("/v1/artifacts", &query, listing.limit)
                    .await?;
                let heading = ["ARTIFACT", "NAME", "BYTES", "RUN", "CREATED"];
                let names = ["id", "name", "size_bytes", "run_id", "created_at"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Command::Get { artifact, output } => get(cx, &artifact, output).await,
            Command::Upload {
                file,
                session,
                name,
                media,
            } => upload(cx, &file, &session, (name, media)).await,
        }
    }
}

async fn get(cx: &Cx, id: &str, output: Option<PathBuf>) -> Done {
    let path = format!("/v1/artifacts/{}/content", segment(id));
    let response = cx.client().await?.download(&path).await;
    let response = missing(response, "artifact", id, "chancery artifacts")?;
    match output {
        Some(file) => {
            let bytes = audit::save(response, &file, "fetching").await?;
            let answer = json!({ "file": file, "size_bytes": bytes });
            cx.done(
                &answer,
                &format!("{} has {}", file.display(), terminal::bytes(bytes)),
            )
        }
        None => {
            let bytes = response.bytes().await;
            let bytes =
                bytes.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
            terminal::say_bytes(&bytes)?;
            Ok(Exit::Success)
        }
    }
}

async fn upload(
    cx: &Cx,
    file: &Path,
    session: &str,
    (name, media): (Option<String>, Option<String>),
) -> Done {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::io(&format!("read `{}`", file.display()), &error))?;
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.unwrap_or_else(|| own.into_owned());
    let media = media.unwrap_or_else(|| media_of(file).to_owned());
    let query = [("session_id", session), ("name", name.as_str())];
    let path = with_query("/v1/artifacts", &query);
    let kept = cx.client().await?.upload(&path, (&media, &bytes)).await;
    let kept = missing(kept, "session", session, "chancery chat list")?;
    let id = kept["id"].as_str().unwrap_or_default().to_owned();
    cx.done(&kept, &format!("{id} is {}", terminal::short(&name, 60)))
}

/// What the ending of a file says of its type.
fn media_of(file: &Path) -> &'static str {
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str().unwrap_or_default() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "md" => "text/markdown",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "json" => "application/json",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
