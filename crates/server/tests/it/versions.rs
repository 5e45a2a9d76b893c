//! Versions of agents from outside: each change is one, two can be compared, and an earlier one comes
//! back as the next.

use fakes::{Answer, Fake};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;

async fn made(api: &Api, path: &str, body: Value) -> Value {
    let answer = api.post(path, &body).await;
    assert_eq!(answer.status, 201, "{path}: {answer:?}");
    answer.body
}

async fn waits(api: &Api, run: &str) {
    let waiting = async {
        while api.get(run).await.body["state"] != "waiting" {
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

async fn versions_come_back(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let first = json!({ "name": "clerk", "tools": ["noop"], "instructions": "Be brief." });
    let agent = made(&api, "/v1/agents", first).await;
    let path = format!("/v1/agents/{}", agent["id"].as_str().unwrap());
    let change = json!({ "name": "scribe", "tools": ["file.read", "noop"], "max_steps": 7 });
    let changed = api.patch(&path, &change).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body["version"]),
        (200, &json!(2)),
        "{changed:?}"
    );

    let listed = api.get(&format!("{path}/versions")).await.body;
    let names = |of: &Value| {
        of["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&listed), ["scribe", "clerk"]);
    let one = api.get(&format!("{path}/versions/1")).await.body;
    assert_eq!(
        (&one["name"], &one["instructions"]),
        (&json!("clerk"), &json!("Be brief."))
    );
    assert_eq!(api.get(&format!("{path}/versions/3")).await.status, 404);
    let diff = api.get(&format!("{path}/diff?from=1")).await.body;
    let change =
        |member: &str, from: Value, to: Value| json!({ "member": member, "from": from, "to": to });
    let expected = json!({ "from": 1, "to": 2, "changes": [
        change("max_steps", json!(50), json!(7)),
        change("name", json!("clerk"), json!("scribe")),
        change("tools", json!(["noop"]), json!(["file.read", "noop"])),
    ] });
    assert_eq!(diff, expected);
    assert_eq!(
        api.get(&format!("{path}/diff?from=2&to=2")).await.body["changes"],
        json!([])
    );
    assert_eq!(
        api.get(&format!("{path}/diff?from=0&to=2")).await.status,
        404
    );

    // A run that is under way keeps the version that it began with.
    let session = made(&api, "/v1/sessions", json!({ "agent_ids": [agent["id"]] })).await;
    let messages = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let posted = api.post(&messages, &json!({ "content": "wait 60m" })).await;
    let run = format!("/v1/runs/{}", posted.body["run"]["id"].as_str().unwrap());
    waits(&api, &run).await;
    let rollback = format!("{path}/rollback");
    let back = api.post(&rollback, &json!({ "version": 1 })).await;
    assert_eq!(
        (
            back.status.as_u16(),
            &back.body["version"],
            &back.body["name"]
        ),
        (200, &json!(3), &json!("clerk"))
    );
    assert_eq!(api.get(&run).await.body["agent_version"], 2);
    assert_eq!(
        api.get(&format!("{path}/diff?from=1&to=3")).await.body["changes"],
        json!([])
    );
    // Back to what it is already is no version.
    let again = api.post(&rollback, &json!({ "version": 3 })).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["version"]),
        (200, &json!(3))
    );
    assert_eq!(
        api.post(&rollback, &json!({ "version": 9 })).await.status,
        404
    );

    // What does not fit any more does not come back.
    made(&api, "/v1/agents", json!({ "name": "scribe" })).await;
    let taken = api.post(&rollback, &json!({ "version": 2 })).await;
    assert_eq!(
        (taken.status.as_u16(), taken.code()),
        (409, "AGENT_NAME_TAKEN"),
        "{taken:?}"
    );
    // An agent of another organisation is not there.
    let stranger = json!({
        "email": "ada@example.org", "name": "Ada", "password": "correct horse battery", "org_name": "Elsewhere",
    });
    let ada = api.anonymous().post("/v1/auth/register", &stranger).await;
    let ada = api.holding(ada.body["access_token"].as_str().unwrap());
    assert_eq!(
        ada.post(&rollback, &json!({ "version": 1 })).await.status,
        404
    );
    assert_eq!(ada.get(&format!("{path}/diff?from=1")).await.status, 404);
    // Retired, it stays as it is.
    assert_eq!(
        api.post(&format!("{path}/retire"), &json!({})).await.status,
        200
    );
    let retired = api.post(&rollback, &json!({ "version": 2 })).await;
    assert_eq!(
        (retired.status.as_u16(), retired.code()),
        (409, "AGENT_RETIRED"),
        "{retired:?}"
    );
    let recorded = recorded(&api, "agent.updated", 2).await;
    assert_eq!(
        (
            &recorded[0]["rolled_back_to"],
            &recorded[1]["rolled_back_to"]
        ),
        (&Value::Null, &json!(1))
    );
    installation.stop().await;
}

/// The facts of so many events of a kind.
async fn recorded(api: &Api, kind: &str, count: usize) -> Vec<Value> {
    let reading = async {
        loop {
            let page = api.get(&format!("/v1/audit/events?kind={kind}")).await.body;
            let items = page["items"].as_array().unwrap();
            if items.len() == count {
                return items.iter().map(|it| it["event"]["data"].clone()).collect();
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

#[tokio::test]
async fn versions_come_back_on_sqlite() {
    versions_come_back(None).await;
}

#[tokio::test]
async fn versions_come_back_on_postgres() {
    versions_come_back(Some(fresh_database().await)).await;
}

/// The version is in what a run's journal says of its beginning and of its context.
#[tokio::test]
async fn a_runs_journal_names_the_version() {
    let mut installation = Installation::new(None);
    let api = installation.up().await;
    let fake = Fake::start().await.unwrap();
    let secret = made(
        &api,
        "/v1/secrets",
        json!({ "name": "k", "value": fakes::KEY }),
    )
    .await;
    let provider = json!({
        "type": "anthropic", "name": "fake", "base_url": fake.url(""), "secret_id": secret["id"],
    });
    let provider = made(&api, "/v1/providers", provider).await;
    let target = json!({ "provider_id": provider["id"], "model": "claude-haiku-4-5" });
    made(
        &api,
        "/v1/model-profiles",
        json!({ "name": "main", "targets": [target] }),
    )
    .await;
    let agent = made(
        &api,
        "/v1/agents",
        json!({ "name": "clerk", "planner": "model" }),
    )
    .await;
    let path = format!("/v1/agents/{}", agent["id"].as_str().unwrap());
    api.patch(&path, &json!({ "instructions": "Be brief." }))
        .await;
    let session = made(&api, "/v1/sessions", json!({ "agent_ids": [agent["id"]] })).await;
    fake.script(Answer::text("Yes."));
    let messages = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let posted = api.post(&messages, &json!({ "content": "Well?" })).await;
    let run = posted.body["run"]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.ended(&run).await, "succeeded");
    for kind in ["run.queued", "context.assembled"] {
        assert_eq!(
            recorded(&api, kind, 1).await[0]["agent_version"],
            2,
            "{kind}"
        );
    }
    installation.stop().await;
}
