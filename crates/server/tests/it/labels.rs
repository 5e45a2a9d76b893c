//! What one turn of a chat has read is known in the next: a policy that keeps private and untrusted
//! material from going out together holds across the turns of a chat.

use fakes::{Answer, Fake, Part};
use serde_json::{Value, json};

use crate::installation::{Api, Installation};
use crate::ledger::fresh_database;
use crate::thinking::{say, thinker};

const APART: &str = "@id(\"apart\") forbid (principal, action == Chancery::Action::\"http.fetch\", resource) \
    when { context.has_read.private && context.has_read.untrusted };";

/// What the steps of a run came to: the kinds of what ended them.
async fn ends(api: &Api, run: &Value, tool: &str) -> Vec<String> {
    let path = format!("/v1/runs/{}/replay", run["id"].as_str().unwrap());
    let report = api.post(&path, &json!({})).await.body;
    assert_eq!(report["identical"], true, "{report:#}");
    let steps = report["steps"].as_array().unwrap().iter();
    let steps = steps.filter(|it| it["tool"] == tool);
    steps
        .map(|it| it["recorded"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// A turn in which the model makes these calls, one after the other.
async fn turn(api: &Api, (session, fake): (&str, &Fake), calls: &[(&str, Value)]) -> Value {
    for (name, arguments) in calls {
        fake.script(Answer::of([Part::tool_call(*name, arguments.clone())]));
    }
    fake.script(Answer::text("Done."));
    let run = say(api, session, "Go on.").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    run
}

async fn what_a_chat_has_read_stays_read(database: Option<String>) {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let session = thinker(&api, &fake, ("anthropic", "", "claude-sonnet-4-5")).await;
    let helper =
        json!({ "name": "helper", "planner": "rules", "instructions": "", "tools": ["noop"] });
    assert_eq!(api.post("/v1/agents", &helper).await.status, 201);
    let here = "permit (principal, action == Chancery::Action::\"http.fetch\", \
        resource in Chancery::Host::\"127.0.0.1\");";
    let set = api
        .put("/v1/policies/here", &json!({ "cedar": here }))
        .await;
    assert_eq!(set.status, 200, "{set:?}");
    let set = api
        .put("/v1/policies/apart", &json!({ "cedar": APART }))
        .await;
    assert_eq!(set.status, 200, "{set:?}");
    let agent = api.get(&format!("/v1/sessions/{session}")).await.body["agent_ids"].clone();
    let fetch = (
        "http_fetch",
        json!({ "url": format!("{}/livez", installation.url()) }),
    );
    let ask = (
        "agent_call",
        json!({ "agent": "helper", "message": "noop" }),
    );

    // One turn reads what anybody may have written, the next what is private; then nothing goes out.
    let first = turn(&api, (&session, &fake), std::slice::from_ref(&fetch)).await;
    assert_eq!(ends(&api, &first, "http.fetch").await, ["allow"]);
    turn(&api, (&session, &fake), &[ask]).await;
    let third = turn(&api, (&session, &fake), std::slice::from_ref(&fetch)).await;
    assert_eq!(ends(&api, &third, "http.fetch").await, ["deny"]);

    // A chat that has read one of them alone may.
    let other = api
        .post("/v1/sessions", &json!({ "agent_ids": agent }))
        .await
        .body;
    let other = other["id"].as_str().unwrap();
    for _ in 0..3 {
        let run = turn(&api, (other, &fake), std::slice::from_ref(&fetch)).await;
        assert_eq!(ends(&api, &run, "http.fetch").await, ["allow"]);
    }
    // So may a branch that begins before what was read.
    let said = api
        .get(&format!("/v1/sessions/{session}/messages"))
        .await
        .body;
    let path = format!(
        "/v1/messages/{}/edit",
        said["items"][2]["id"].as_str().unwrap()
    );
    for answer in [
        Answer::of([Part::tool_call(fetch.0, fetch.1)]),
        Answer::text("Done."),
    ] {
        fake.script(answer);
    }
    let edited = api
        .post(&path, &json!({ "content": "Go another way." }))
        .await
        .body;
    assert_eq!(
        api.ended(edited["run"]["id"].as_str().unwrap()).await,
        "succeeded"
    );
    assert_eq!(ends(&api, &edited["run"], "http.fetch").await, ["allow"]);
    installation.stop().await;
}

#[tokio::test]
async fn what_a_chat_has_read_stays_read_on_sqlite() {
    what_a_chat_has_read_stays_read(None).await;
}

#[tokio::test]
async fn what_a_chat_has_read_stays_read_on_postgres() {
    what_a_chat_has_read_stays_read(Some(fresh_database().await)).await;
}
