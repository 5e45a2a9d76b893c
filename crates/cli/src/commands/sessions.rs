//! `chancery chat list`, `archive`, `restore`, `hold`, `release`, `delete` and `export`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Cx, Done, audit, cells, missing};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::{Exit, Failure};
use crate::terminal;

#[derive(Debug, Subcommand)]
pub enum Sessions {
    /// List sessions, the newest first.
    List {
        #[command(flatten)]
        listing: Listing,
        /// Only those that are `active`, `idle` or `archived`.
        #[arg(long)]
        status: Option<String>,
    },
    /// Put a session's messages into an archive.
    Archive {
        /// `ses_…`
        session: String,
    },
    /// Restore an archived session; its next message does so as well.
    Restore {
        /// `ses_…`
        session: String,
    },
    /// Put a legal hold on a session: nothing and nobody deletes it.
    Hold {
        /// `ses_…`
        session: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Release a session from its legal hold.
    Release {
        /// `ses_…`
        session: String,
    },
    /// Delete a session, with all that was said and done in it. The record remains.
    Delete {
        /// `ses_…`
        session: String,
    },
    /// Write a session to a file: everything as JSON, or its current branch as Markdown.
    Export {
        /// `ses_…`
        session: String,
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
        /// Into this file; to standard output otherwise.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// The form of an export.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// The current branch, for people.
    Markdown,
    /// Everything, for programs.
    Json,
}

impl Sessions {
    pub async fn run(self, cx: &Cx) -> Done {
        match self {
            Self::List { listing, status } => list(cx, &listing, status.as_deref()).await,
            Self::Archive { session } => put(cx, &session, "archive").await,
            Self::Restore { session } => put(cx, &session, "restore").await,
            Self::Hold { session, reason } => {
                let path = format!("/v1/sessions/{}/hold", segment(&session));
                let body = json!({ "reason": reason });
                let held = cx.client().await?.put(&path, &body).await;
                let held = missing(held, "session", &session, LIST)?;
                cx.done(&held, &format!("{session} is held"))
            }
            Self::Release { session } => {
                let path = format!("/v1/sessions/{}/hold", segment(&session));
                let released = cx.client().await?.delete(&path).await;
                missing(released, "held session", &session, LIST)?;
                cx.done(
                    &json!({ "session_id": session }),
                    &format!("{session} is released"),
                )
            }
            Self::Delete { session } => {
                let path = format!("/v1/sessions/{}", segment(&session));
                let deleted = cx.client().await?.delete(&path).await;
                missing(deleted, "session", &session, LIST)?;
                cx.done(
                    &json!({ "session_id": session }),
                    &format!("{session} is deleted"),
                )
            }
            Self::Export {
                session,
                format,
                output,
            } => export(cx, &session, format, output).await,
        }
    }
}

/// What shows the sessions that there are.
const LIST: &str = "chancery chat list";

async fn list(cx: &Cx, listing: &Listing, status: Option<&str>) -> Done {
    let query: Vec<(&str, &str)> = status.map(|it| ("status", it)).into_iter().collect();
    let client = cx.client().await?;
    let items = client.list("/v1/sessions", &query, listing.limit).await?;
    let heading = ["SESSION", "TITLE", "STATUS", "MESSAGES", "UPDATED"];
    let names = ["id", "title", "status", "message_count", "updated_at"];
    cx.list(items, &heading, |it| cells(it, &names))
}

async fn put(cx: &Cx, session: &str, verb: &str) -> Done {
    let path = format!("/v1/sessions/{}/{verb}", segment(session));
    let done = cx.client().await?.post(&path, &json!({})).await;
    let done: Value = missing(done, "session", session, LIST)?;
    let status = done["status"].as_str().unwrap_or(verb).to_owned();
    cx.done(&done, &format!("{session} is {status}"))
}

async fn export(cx: &Cx, session: &str, format: Format, output: Option<PathBuf>) -> Done {
    let name = match format {
        Format::Markdown => "markdown",
        Format::Json => "json",
    };
    let path = format!("/v1/sessions/{}/export?format={name}", segment(session));
    let response = cx.client().await?.download(&path).await;
    let response = missing(response, "session", session, LIST)?;
    match output {
        Some(file) => {
            let bytes = audit::save(response, &file, "exporting").await?;
            let answer = json!({ "file": file, "size_bytes": bytes });
            let size = terminal::bytes(bytes);
            cx.done(&answer, &format!("{} has {size}", file.display()))
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
