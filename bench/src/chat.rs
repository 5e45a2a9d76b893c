//! Bench `chat`: a chat with many listeners, and many chats in two processes.

mod crowd;
mod many;

use anyhow::Result;

use crate::figures;

pub async fn run() -> Result<bool> {
    let mut figures = Box::pin(crowd::measure()).await?;
    figures.extend(Box::pin(many::measure()).await?);
    Ok(figures::print("chat", &figures))
}
