//! The far end of every effect: a process of its own that counts requests by key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;

/// How often each key arrived.
pub type Effects = BTreeMap<String, u32>;

/// A running sink; ends with this value.
pub struct Sink {
    process: Child,
    address: String,
    file: PathBuf,
}

impl Sink {
    pub fn start(file: &Path) -> Result<Self> {
        let program = std::env::current_exe().context("can't find this program")?;
        let mut process = Command::new(program)
            .arg("sink")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the sink")?;
        let stdout = process.stdout.take().context("the sink has no output")?;
        let mut address = String::new();
        BufReader::new(stdout)
            .read_line(&mut address)
            .context("the sink said nothing")?;
        Ok(Self {
            process,
            address: address.trim().to_owned(),
            file: file.to_owned(),
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn effects(&self) -> Result<Effects> {
        let text = std::fs::read_to_string(&self.file).context("can't read the sink's file")?;
        Ok(count(&text))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn count(text: &str) -> Effects {
    let mut effects = Effects::new();
    for key in text.lines().filter_map(|line| line.split(' ').nth(1)) {
        *effects.entry(key.to_owned()).or_default() += 1;
    }
    effects
}

/// The sink process: prints its address, then appends `METHOD KEY` for every request, before it
/// answers. Ends when its standard input does, so that it never outlives the loop.
pub async fn serve(file: &Path) -> Result<()> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(file)
        .context("can't open")?;
    let router = Router::new()
        .route("/effect/{key}", any(effect))
        .with_state(Arc::new(file));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("no free port")?;
    println!("{}", listener.local_addr().context("no address")?);
    let (ended, until_ended) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        drop(ended);
    });
    let until_ended = async move {
        until_ended.await.ok();
    };
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served.context("can't serve"),
        () = until_ended => Ok(()),
    }
}

async fn effect(
    State(file): State<Arc<File>>,
    method: Method,
    UrlPath(key): UrlPath<String>,
) -> StatusCode {
    // One write of one line to a file opened for appending: lines never mix.
    match (&*file).write_all(format!("{method} {key}\n").as_bytes()) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INSUFFICIENT_STORAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_key() {
        let effects = count("POST a\nGET b\nGET b\n");
        assert_eq!(effects.get("a"), Some(&1));
        assert_eq!(effects.get("b"), Some(&2));
    }
}
