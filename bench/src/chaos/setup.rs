//! What the load needs: policies that allow it, an agent and a session.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, Request, text};

/// Where work goes.
pub struct Target {
    /// Host and port of the sink.
    pub sink: String,
    pub sessions: Vec<String>,
}

const AGENT: &str = "chaos";

/// One session would queue all messages behind each other.
const SESSIONS: usize = 4;

pub async fn prepare(client: &Client, sink: &str) -> Result<Target> {
    client.sign_in().await?;
    let policy = json!({"cedar": policy(sink)?, "comment": "what the kill loop does"});
    put(client, Method::PUT, "/v1/policies/chaos", policy).await?;
    let agent = json!({
        "name": AGENT,
        "description": "does what the kill loop says",
        "instructions": "",
        "engine": "builtin",
        "planner": "rules",
        "tools": ["http.fetch", "file.write"],
        "max_steps": 10,
    });
    let agent = put(client, Method::POST, "/v1/agents", agent).await?;
    let agent = text(&agent, "/id")?;
    put(
        client,
        Method::POST,
        &format!("/v1/agents/{agent}/activate"),
        json!({}),
    )
    .await?;
    let mut sessions = Vec::new();
    for number in 1..=SESSIONS {
        let session = json!({"title": format!("chaos {number}"), "agent_ids": [agent]});
        let session = put(client, Method::POST, "/v1/sessions", session).await?;
        sessions.push(text(&session, "/id")?.to_owned());
    }
    Ok(Target {
        sink: sink.to_owned(),
        sessions,
    })
}

async fn put(
    client: &Client,
    method: Method,
    path: &str,
    body: serde_json::Value,
) -> Result<serde_json::Value> {
    let request = Request::send(method, path, body);
    client
        .once(&request)
        .await?
        .good()
        .with_context(|| format!("can't set up `{path}`"))
}

/// Allows requests to the sink, which is on a loopback address and so has to be named.
fn policy(sink: &str) -> Result<String> {
    let (host, port) = sink.split_once(':').context("the sink has no port")?;
    Ok(format!(
        "permit (principal, action == Chancery::Action::\"http.fetch\", \
         resource in Chancery::Host::\"{host}\") when {{ resource.port == {port} }};\n\
         permit (principal, action == Chancery::Action::\"file.write\", resource);\n"
    ))
}
