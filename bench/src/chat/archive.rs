//! Archiving and restoring a chat with 10,000 messages: each round another one.
//!
//! Measured from the request to its answer: all rows read and opened, packed, sealed, put into the blob
//! store, and taken out of the tables in one transaction; and the other way round. The bare figure is
//! what the bytes alone cost: the same texts compressed at the same level, sealed with AES-256-GCM,
//! written to a file and synced; and read back.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::many::said;
use crate::client::{Client, Request, text};
use crate::figures::{Figure, Limit};
use crate::place::Place;
use crate::wire::{self, Wire};

const MESSAGES: usize = 10_000;
const ROUNDS: usize = 3;
/// How many people write at once while the chat is made.
const MAKING: usize = 16;

pub(super) async fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for place in [Place::sqlite()?, Place::postgres("bench_archive").await?] {
        let (archive, restore) = product(&place).await?;
        let engine = place.engine;
        let limit = || Limit::AtMost(1_000.0);
        let named = |what| format!("{what}, {engine}");
        figures.push(Figure::new(named("archive"), "ms", archive, limit()));
        figures.push(Figure::new(named("restore"), "ms", restore, limit()));
    }
    let folder = tempfile::tempdir()?;
    let (mut put, mut got) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let round = plain(&folder.path().join("object"))?;
        put.push(round.0);
        got.push(round.1);
    }
    let named = |what| format!("{what}, bare");
    figures.push(Figure::new(
        named("pack, seal, write"),
        "ms",
        put,
        Limit::Open,
    ));
    figures.push(Figure::new(
        named("read, open, unpack"),
        "ms",
        got,
        Limit::Open,
    ));
    Ok(figures)
}

/// How long each archive and each restore took, in milliseconds.
async fn product(place: &Place) -> Result<(Vec<f64>, Vec<f64>)> {
    let (launch, server, client) = place.serve().await?;
    let (mut archive, mut restore) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let path = make(&client, launch.address()).await?;
        for (verb, status, took) in [
            ("archive", "archived", &mut archive),
            ("restore", "active", &mut restore),
        ] {
            let ask = Request::send(Method::POST, format!("{path}/{verb}"), json!({}));
            let begun = Instant::now();
            let answer = client.once(&ask).await?.good()?;
            took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            ensure!(text(&answer, "/status")? == status, "{answer}");
        }
        let shown = client.once(&Request::get(path)).await?.good()?;
        ensure!(shown["message_count"] == MESSAGES, "{shown}");
    }
    server.kill()?;
    Ok((archive, restore))
}

/// Makes a chat; answers its path.
async fn make(client: &Client, address: SocketAddr) -> Result<String> {
    let new = Request::send(Method::POST, "/v1/sessions", json!({ "title": "bench" }));
    let session = client.once(&new).await?.good()?;
    let path = format!("/v1/sessions/{}", text(&session, "/id")?);
    let headers = client.headers().await;
    let mut making = JoinSet::new();
    for line in 0..MAKING {
        let (headers, path) = (headers.clone(), format!("{path}/messages"));
        making.spawn(async move {
            let mut wire = Wire::open(address).await?;
            for number in (line..MESSAGES).step_by(MAKING) {
                let body = json!({ "content": said(number) }).to_string();
                let say = wire::request("POST", &path, &headers, &body);
                let answer = wire.ask(&say).await?;
                ensure!(answer.status == 202, "{}", answer.status);
            }
            anyhow::Ok(())
        });
    }
    let made: Result<()> = making.join_all().await.into_iter().collect();
    made.map(|()| path)
}

/// How long it takes to put the bytes away and to get them back, in milliseconds.
fn plain(file: &Path) -> Result<(f64, f64)> {
    let lines: String = (0..MESSAGES)
        .map(|number| json!({ "position": number, "text": said(number) }).to_string() + "\n")
        .collect();
    let key = RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).context("no key")?;
    let begun = Instant::now();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(4));
    encoder.write_all(lines.as_bytes())?;
    let mut object = encoder.finish()?;
    let sealed = key.seal_in_place_append_tag(Aad::empty(), &mut object);
    let nonce = sealed.context("not sealed")?;
    let mut out = std::fs::File::create(file)?;
    out.write_all(&object)?;
    out.sync_all()?;
    let put = begun.elapsed().as_secs_f64() * 1_000.0;
    let begun = Instant::now();
    let mut object = std::fs::read(file)?;
    let opened = key.open_in_place(nonce, Aad::empty(), &mut object);
    let opened = opened.context("not opened")?;
    let mut back = String::new();
    ZlibDecoder::new(&*opened).read_to_string(&mut back)?;
    ensure!(back == lines, "not what was put away");
    Ok((put, begun.elapsed().as_secs_f64() * 1_000.0))
}
