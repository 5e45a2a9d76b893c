//! A chat with 1,000 listeners, in which people say 20 messages a second.
//!
//! A message is sealed under its session's key, committed with its event and the digests of its words,
//! put into its place in the record by a second durable commit, and then told. A listener waits for it
//! from the moment at which whoever wrote it was answered. The bare server tells what it is told and
//! stores nothing.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use crate::bare;
use crate::client::{Request, text};
use crate::figures::{Figure, Limit, percentile};
use crate::place::Place;
use crate::sse::{self, Delivered, Streams};
use crate::wire;

const ROUNDS: usize = 3;

pub(super) async fn measure() -> Result<Vec<Figure>> {
    sse::raise_open_files()?;
    let place = Place::sqlite()?;
    let (mut ours, mut bare) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        ours.take(&product(&place).await?);
        bare.take(&plain(&place).await?);
    }
    let named = |what: &str, rounds, limit| Figure::new(what, "ms", rounds, limit);
    Ok(vec![
        named("after the answer, p50", ours.answer.0, Limit::Open),
        named("after the answer, p99", ours.answer.1, Limit::AtMost(20.0)),
        named("after the request, p50", ours.request.0, Limit::Open),
        named("after the request, p99", ours.request.1, Limit::Open),
        named("bare, p50", bare.request.0, Limit::Open),
        named("bare, p99", bare.request.1, Limit::Open),
    ])
}

/// The middle and the tail of each round.
#[derive(Default)]
struct Measured {
    answer: (Vec<f64>, Vec<f64>),
    request: (Vec<f64>, Vec<f64>),
}

impl Measured {
    fn take(&mut self, delivered: &Delivered) {
        for (into, all) in [
            (&mut self.answer, &delivered.after_answer),
            (&mut self.request, &delivered.after_request),
        ] {
            into.0.push(percentile(all, 0.5));
            into.1.push(percentile(all, 0.99));
        }
    }
}

async fn product(place: &Place) -> Result<Delivered> {
    let (launch, server, client) = place.serve().await?;
    let new = Request::send(Method::POST, "/v1/sessions", json!({ "title": "bench" }));
    let session = client.once(&new).await?.good()?;
    let path = format!("/v1/sessions/{}", text(&session, "/id")?);
    let headers = client.headers().await;
    let streams = Streams {
        process: server.id(),
        address: launch.address(),
        listen: wire::request("GET", &format!("{path}/events"), &headers, ""),
    };
    let say = |number| {
        let body = json!({ "content": super::many::said(number) }).to_string();
        wire::request("POST", &format!("{path}/messages"), &headers, &body)
    };
    let delivered = streams.deliver(say).await?;
    server.kill()?;
    Ok(delivered)
}

async fn plain(place: &Place) -> Result<Delivered> {
    let server = bare::start(place)?;
    let streams = Streams {
        process: server.id(),
        address: server.address(),
        listen: wire::request("GET", "/stream", &[], ""),
    };
    // As long as an event of the record.
    let tell = |number: usize| wire::request("POST", "/stream", &[], &format!("{number:0>700}"));
    streams.deliver(tell).await
}
