//! The model gateway of the real program: who has a key asks models, and what that cost is known
//! whatever becomes of the program.

use fakes::{Answer, Fake, Pace, Usage};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;

const CHAT: &str = "/gateway/openai/v1/chat/completions";

/// A provider that is the fake, and an API key of a member.
pub async fn key_to(api: &Api, fake: &Fake) -> String {
    let made = async |path: &str, body: Value| {
        let answer = api.post(path, &body).await;
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.body
    };
    let secret = json!({ "name": "a-key", "value": fakes::KEY });
    let secret = made("/v1/secrets", secret).await;
    let provider = json!({
        "type": "openai", "name": "fake", "base_url": fake.url("/v1"), "secret_id": secret["id"],
    });
    made("/v1/providers", provider).await;
    let key = json!({ "name": "program", "role": "member" });
    let key = made("/v1/api-keys", key).await;
    key["key"].as_str().unwrap().to_owned()
}

fn question() -> Value {
    json!({ "model": "fake/gpt-4o-mini", "max_tokens": 1_000, "messages": [{ "role": "user", "content": "Hello?" }] })
}

async fn usage(api: &Api) -> Value {
    let page = api.get("/v1/usage?group_by=model").await;
    assert_eq!(page.status, 200, "{page:?}");
    page.body["items"].clone()
}

/// What the newest of so many calls has reserved, once that is in the record.
async fn reserved(api: &Api, calls: usize) -> u64 {
    let found = async {
        loop {
            let page = api.get("/v1/audit/events?kind=model.requested").await.body;
            let events = page["items"].as_array().unwrap();
            if events.len() == calls {
                return events[calls - 1]["event"]["data"]["reserved_usd_micros"]
                    .as_u64()
                    .unwrap();
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap()
}

async fn what_was_answered_is_written_down(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let fake = Fake::start().await.unwrap();
    let program = api.holding(&key_to(&api, &fake).await);
    let used = Usage {
        input: 1_000,
        output: 100,
        ..Usage::default()
    };
    fake.script(Answer::text("Yes.").with_usage(used));
    let answer = program.post(CHAT, &question()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["choices"][0]["message"]["content"], "Yes.");
    let nobody = api.holding("chk_unknown").post(CHAT, &question()).await;
    assert_eq!(nobody.status, 401, "{nobody:?}");
    assert_eq!(nobody.body["error"]["code"], "invalid_api_key");

    installation.stop().await;
    let api = installation.up().await;
    let said = usage(&api).await;
    // 1,000 at $0.15 and 100 at $0.60 a million.
    assert_eq!(
        (&said[0]["calls"], &said[0]["cost_usd_micros"]),
        (&json!(1), &json!(210)),
        "{said}"
    );
    installation.stop().await;
}

#[tokio::test]
async fn what_was_answered_is_written_down_on_sqlite() {
    what_was_answered_is_written_down(None).await;
}

#[tokio::test]
async fn what_was_answered_is_written_down_on_postgres() {
    what_was_answered_is_written_down(Some(fresh_database().await)).await;
}

/// A call whose process was killed costs what was reserved for it.
#[tokio::test]
async fn a_call_that_was_killed_is_paid_for() {
    let mut installation = Installation::new(None);
    let api = installation.up().await;
    let fake = Fake::start().await.unwrap();
    let program = api.holding(&key_to(&api, &fake).await);
    fake.script(Answer::text("Never heard.").with_pace(Pace::EVENT_PER_TICK));
    let asking = tokio::spawn(async move { program.try_post(CHAT, &question()).await });
    let reserved = reserved(&api, 1).await;
    // 1,000 tokens of answer are $0.0006, the question is a little more.
    assert!((600..700).contains(&reserved), "{reserved}");
    assert_eq!(usage(&api).await, json!([]));
    installation.kill();
    assert!(asking.await.unwrap().is_err());

    let api = installation.up().await;
    let settled = async {
        loop {
            match usage(&api).await.as_array().unwrap().as_slice() {
                [] => pause().await,
                [said] => return said.clone(),
                more => panic!("{more:?}"),
            }
        }
    };
    let said = tokio::time::timeout(PATIENCE, settled).await.unwrap();
    assert_eq!(
        (&said["calls"], &said["cost_usd_micros"]),
        (&json!(1), &json!(reserved)),
        "{said}"
    );
    installation.stop().await;
}
