//! A run's token: the only key of a program that works for a run.

use fakes::{Answer, Fake};
use serde_json::{Value, json};

use crate::installation::{Answer as Said, Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;

const MESSAGES: &str = "/gateway/anthropic/v1/messages";

async fn made(api: &Api, path: &str, body: Value) -> Value {
    let answer = api.post(path, &body).await;
    assert_eq!(answer.status, 201, "{path}: {answer:?}");
    answer.body
}

/// Two profiles of a provider that is the fake; answers the first one's id.
async fn profiles(api: &Api, fake: &Fake) -> Value {
    let secret = json!({ "name": "a-key", "value": fakes::KEY });
    let secret = made(api, "/v1/secrets", secret).await;
    let provider = json!({
        "type": "anthropic", "name": "fake", "base_url": fake.url(""), "secret_id": secret["id"],
    });
    let provider = made(api, "/v1/providers", provider).await;
    let profile = async |name: &str| {
        let target = json!({ "provider_id": provider["id"], "model": "claude-haiku-4-5" });
        let profile = json!({ "name": name, "strategy": "priority", "targets": [target] });
        made(api, "/v1/model-profiles", profile).await["id"].clone()
    };
    profile("other").await;
    profile("coder").await
}

/// A run of an agent with these tools that waits, and is open until somebody ends it.
async fn open_run(api: &Api, name: &str, profile: &Value, tools: &[&str]) -> String {
    let agent = json!({ "name": name, "model_profile_id": profile, "tools": tools });
    let agent = made(api, "/v1/agents", agent).await;
    let session = json!({ "agent_ids": [agent["id"]] });
    let session = made(api, "/v1/sessions", session).await;
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let posted = api.post(&path, &json!({ "content": "wait 60m" })).await;
    assert_eq!(posted.status, 202, "{posted:?}");
    let run = posted.body["run"]["id"].as_str().unwrap().to_owned();
    let waits = async {
        while api.get(&format!("/v1/runs/{run}")).await.body["state"] != "waiting" {
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.unwrap();
    run
}

async fn token(api: &Api, run: &str) -> Said {
    api.post(&format!("/v1/runs/{run}/token"), &json!({})).await
}

async fn ask(holder: &Api, model: &str) -> Said {
    let body = json!({
        "model": model, "max_tokens": 100, "messages": [{ "role": "user", "content": "Hello?" }],
    });
    holder.post(MESSAGES, &body).await
}

#[track_caller]
fn refused(said: &Said, status: u16, why: &str) {
    assert_eq!(said.status, status, "{said:?}");
    let message = said.body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(why), "{said:?}");
}

/// The kinds of what is recorded of a run, once the last of these is among them.
async fn kinds(api: &Api, run: &str, last: &str) -> Vec<String> {
    let reading = async {
        loop {
            let events = api.get(&format!("/v1/runs/{run}/events")).await.body;
            let items = events["items"].as_array().unwrap().iter();
            let kinds: Vec<String> = items
                .map(|it| it["event"]["kind"].as_str().unwrap().to_owned())
                .collect();
            if kinds.iter().any(|it| it == last) {
                return kinds;
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

async fn a_runs_token(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let fake = Fake::start().await.unwrap();
    let profile = profiles(&api, &fake).await;
    let run = open_run(&api, "coder", &profile, &["model.call"]).await;

    let issued = token(&api, &run).await;
    assert_eq!(issued.status, 201, "{issued:?}");
    let secret = issued.body["token"].as_str().unwrap().to_owned();
    let program = api.holding(&secret);
    fake.script(Answer::text("Yes."));
    let said = ask(&program, "coder").await;
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(said.body["content"][0]["text"], "Yes.");
    // It is a key to models and to nothing else, and to the agent's own profile alone.
    let list = program.get("/gateway/openai/v1/models").await.body;
    let names: Vec<&Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(names, ["coder"]);
    refused(&ask(&program, "other").await, 403, "its own model profile");
    refused(
        &ask(&program, "fake/claude-haiku-4-5").await,
        403,
        "its own model profile",
    );
    assert_eq!(program.get("/v1/runs").await.status, 401);
    assert_eq!(token(&program, &run).await.status, 401);

    // What was asked is recorded under the run, and the token nowhere.
    let kinds = kinds(&api, &run, "model.answered").await;
    assert!(kinds.contains(&"run_token.issued".to_owned()), "{kinds:?}");
    let events = api.get(&format!("/v1/runs/{run}/events")).await.body;
    assert!(
        !events.to_string().contains(&secret[4..]),
        "the token is in the record"
    );
    let usage = api.get("/v1/usage?group_by=agent").await.body;
    assert!(usage["items"][0]["agent_id"].is_string(), "{usage}");

    // Policies decide on each call, as on a step of the run.
    let forbid = json!({ "cedar": "forbid (principal, action == Chancery::Action::\"model.call\", resource) \
        when { resource.name == \"coder\" };" });
    let put = api.put("/v1/policies/no-models", &forbid).await;
    assert_eq!(put.status, 200, "{put:?}");
    refused(&ask(&program, "coder").await, 403, "may not ask");
    assert_eq!(api.delete("/v1/policies/no-models").await.status, 204);
    // The public routes hear of policies within a second.
    fake.script(Answer::text("Again."));
    while ask(&program, "coder").await.status != 200 {
        pause().await;
    }

    // An agent that may not ask models has no program that may.
    let without = open_run(&api, "clerk", &profile, &["noop"]).await;
    let issued = token(&api, &without).await;
    let secret = issued.body["token"].as_str().unwrap().to_owned();
    refused(
        &ask(&api.holding(&secret), "coder").await,
        403,
        "does not have the tool",
    );

    // It ends with its run.
    assert_eq!(
        api.post(&format!("/v1/runs/{run}/cancel"), &json!({}))
            .await
            .status,
        200
    );
    refused(&ask(&program, "coder").await, 401, "is over");
    assert_eq!(api.ended(&run).await, "cancelled");
    refused(&ask(&program, "coder").await, 401, "is over");
    let late = token(&api, &run).await;
    assert_eq!(
        (late.status.as_u16(), late.code()),
        (409, "RUN_OVER"),
        "{late:?}"
    );
    assert_eq!(fake.violations(), []);
    assert_eq!(fake.seen().len(), 2);
    installation.stop().await;
}

#[tokio::test]
async fn a_runs_token_on_sqlite() {
    a_runs_token(None).await;
}

#[tokio::test]
async fn a_runs_token_on_postgres() {
    a_runs_token(Some(fresh_database().await)).await;
}

async fn a_run_is_somebodys(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let run = open_run(&api, "waiter", &Value::Null, &["model.call"]).await;
    let stranger = json!({
        "email": "ada@example.org", "name": "Ada", "password": "correct horse battery", "org_name": "Elsewhere",
    });
    let ada = api.anonymous().post("/v1/auth/register", &stranger).await;
    assert_eq!(ada.status, 201, "{ada:?}");
    let ada = api.holding(ada.body["access_token"].as_str().unwrap());
    // Another's organisation is as if it were not there.
    assert_eq!(token(&ada, &run).await.status, 404);
    let invited = json!({ "email": "ada@example.org", "role": "member" });
    let invited = made(&api, "/v1/invitations", invited).await;
    let accept = format!(
        "/v1/invitations/{}/accept",
        invited["token"].as_str().unwrap()
    );
    assert_eq!(ada.post(&accept, &json!({})).await.status, 200);
    let said = token(&ada, &run).await;
    assert_eq!(
        (said.status.as_u16(), said.code()),
        (403, "FORBIDDEN"),
        "{said:?}"
    );
    // Her own run gives her its token; for an admin, any run of the organisation does.
    let agents = api.get("/v1/agents").await.body;
    let session = json!({ "agent_ids": [agents["items"][0]["id"]] });
    let session = made(&ada, "/v1/sessions", session).await;
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let posted = ada.post(&path, &json!({ "content": "wait 60m" })).await;
    let own = posted.body["run"]["id"].as_str().unwrap();
    assert_eq!(token(&ada, own).await.status, 201);
    assert_eq!(token(&api, own).await.status, 201);
    let forever = json!({ "ttl_s": 3_601 });
    let path = format!("/v1/runs/{run}/token");
    assert_eq!(api.post(&path, &forever).await.status, 422);
    assert_eq!(
        api.post(&path, &json!({ "ttl_s": 3_600 })).await.status,
        201
    );
    installation.stop().await;
}

#[tokio::test]
async fn a_run_is_somebodys_on_sqlite() {
    a_run_is_somebodys(None).await;
}

#[tokio::test]
async fn a_run_is_somebodys_on_postgres() {
    a_run_is_somebodys(Some(fresh_database().await)).await;
}
