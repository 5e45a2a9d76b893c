//! A gateway as it is used: a key that is checked, budgets that hold, a profile with one target and a
//! price, and a record of every call.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::load::Target;
use super::upstream::HOLD;
use crate::client::{Client, Request, text};

/// How long calls may take to be written down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(30);
/// Of an organisation, of a key, of a profile: high enough that nobody is refused.
const BUDGET_USD_MICROS: u64 = 1_000_000_000_000;

/// Sets everything up; answers how programs ask from now on.
pub async fn set_up(client: &Client, gateway: SocketAddr, upstream: SocketAddr) -> Result<Target> {
    let secret = json!({ "name": "bench", "value": "sk-bench-0123456789abcdef" });
    let secret = create(client, "/v1/secrets", secret).await?;
    let provider = json!({
        "type": "openai_compatible", "name": "bench", "base_url": format!("http://{upstream}/v1"),
        "secret_id": text(&secret, "/id")?,
    });
    let provider = create(client, "/v1/providers", provider).await?;
    let mut scopes = vec!["org".to_owned()];
    for (profile, model) in [("bench", "quick"), ("bench-hold", HOLD)] {
        let profile = json!({
            "name": profile, "strategy": "priority",
            "targets": [{ "provider_id": text(&provider, "/id")?, "model": model }],
            "price": { "input_usd_micros": 150_000, "output_usd_micros": 600_000 },
        });
        let profile = create(client, "/v1/model-profiles", profile).await?;
        scopes.push(text(&profile, "/id")?.to_owned());
    }
    let key = json!({ "name": "bench", "role": "member" });
    let key = create(client, "/v1/api-keys", key).await?;
    scopes.push(text(&key, "/id")?.to_owned());
    let limits = json!({
        "daily_usd_micros": BUDGET_USD_MICROS, "monthly_usd_micros": BUDGET_USD_MICROS,
        "requests_per_minute": 100_000_000,
    });
    for scope in scopes {
        let set = Request::send(Method::PUT, format!("/v1/budgets/{scope}"), limits.clone());
        client.once(&set).await?.good().context("no budget")?;
    }
    let path = "/gateway/openai/v1/chat/completions";
    Ok(Target::new(gateway, path, text(&key, "/key")?, "bench"))
}

/// Says what is recorded of contents from now on.
pub async fn record(client: &Client, recording: &str) -> Result<()> {
    let body = json!({ "recording": recording });
    let set = Request::send(Method::PATCH, "/v1/model-settings", body);
    client.once(&set).await?.good().context("no recording")?;
    Ok(())
}

async fn create(client: &Client, path: &str, body: Value) -> Result<Value> {
    let new = Request::send(Method::POST, path, body);
    client.once(&new).await?.good().context(path.to_owned())
}

/// Waits until so many calls are written down, and looks whether the last one's answer is in the record.
pub async fn written(client: &Client, calls: u64) -> Result<()> {
    let all = async {
        loop {
            let usage = Request::get("/v1/usage?group_by=model");
            let usage = client.once(&usage).await?.good()?;
            let items = usage["items"].as_array().context("no usage")?;
            let written: u64 = items.iter().filter_map(|it| it["calls"].as_u64()).sum();
            ensure!(
                written <= calls,
                "{written} calls are written down, of {calls}"
            );
            if written == calls {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WRITTEN_WITHIN, all)
        .await
        .context("calls are not written down")??;
    let events = Request::get("/v1/audit/events?kind=model.answered&limit=1");
    let events = client.once(&events).await?.good()?;
    let answer = events.pointer("/items/0/event/data/answer");
    let answer = answer.and_then(Value::as_str);
    ensure!(answer.is_some(), "the record has no answer: {events}");
    Ok(())
}
