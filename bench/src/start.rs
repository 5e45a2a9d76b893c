//! Bench `start`: what a user waits for and what an idle installation costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::figures::{self, Figure, Limit};
use crate::program;
use crate::server::{self, Launch};

const ROUNDS: usize = 7;

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

const MEGABYTE: f64 = 1_000_000.0;

pub async fn run() -> Result<bool> {
    let folder = tempfile::tempdir().context("can't make a folder")?;
    let launch = Launch::new(folder.path(), None)?;
    // The first start makes the data; the figures are about existing data.
    let mut first = launch.start()?;
    first.ready().await?;
    first.stop(Duration::from_secs(30)).await?;

    let mut ready = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut server = launch.start()?;
        server.ready().await?;
        ready.push(start.elapsed().as_secs_f64() * 1_000.0);
        server.stop(Duration::from_secs(30)).await?;
    }

    let mut server = launch.start()?;
    server.ready().await?;
    tokio::time::sleep(IDLE).await;
    let memory = server::resident(server.id()).context("can't read the server's memory")?;
    let nodes = server.nodes();
    let node_memory = nodes
        .iter()
        .filter_map(|node| server::resident(*node))
        .max();
    server.stop(Duration::from_secs(30)).await?;

    let figures = [
        figure("existing data to ready", "ms", ready, 300.0),
        figure("idle memory, server", "MB", vec![megabytes(memory)], 60.0),
        figure(
            "idle memory, node",
            "MB",
            node_memory.map(megabytes).into_iter().collect(),
            20.0,
        ),
        figure(
            "binary, chancery",
            "MB",
            vec![size(&program("CHANCERY_BIN")?)?],
            60.0,
        ),
        figure(
            "binary, chancery-node",
            "MB",
            vec![size(&program("CHANCERY_NODE_BIN")?)?],
            15.0,
        ),
    ];
    Ok(figures::print("start", &figures))
}

fn figure(name: &str, unit: &'static str, rounds: Vec<f64>, most: f64) -> Figure {
    Figure {
        name: name.to_owned(),
        unit,
        rounds,
        limit: Limit::AtMost(most),
    }
}

fn size(path: &Path) -> Result<f64> {
    let metadata = path
        .metadata()
        .with_context(|| format!("no `{}`", path.display()))?;
    Ok(megabytes(metadata.len()))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
