//! Bench `chat`: a chat with many listeners, many chats in two processes, and a long chat that is put
//! away and brought back.

mod archive;
mod crowd;
mod many;

use anyhow::Result;

use crate::figures;

/// A part of the bench.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Part {
    /// A chat with 1,000 listeners.
    Crowd,
    /// 10,000 chats in two processes.
    Many,
    /// A chat with 10,000 messages, archived and restored.
    Archive,
}

/// Measures all parts, or the one that is named.
pub async fn run(only: Option<Part>) -> Result<bool> {
    let all = vec![Part::Crowd, Part::Many, Part::Archive];
    let mut kept = true;
    for part in only.map_or(all, |one| vec![one]) {
        let (name, figures) = match part {
            Part::Crowd => (
                "a chat with 1,000 listeners",
                Box::pin(crowd::measure()).await?,
            ),
            Part::Many => ("10,000 chats", Box::pin(many::measure()).await?),
            Part::Archive => (
                "a chat of 10,000 messages",
                Box::pin(archive::measure()).await?,
            ),
        };
        kept &= figures::print(&format!("chat: {name}"), &figures);
    }
    Ok(kept)
}
