//! Replays that ask another model, through the whole house: two providers, the ledger, budgets, the
//! command line.

use fakes::{Answer, Fake};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;
use crate::thinking::{recorded, say, thinker};

/// The id of the profile with this name.
async fn profile(api: &Api, name: &str) -> String {
    let all = api.get("/v1/model-profiles").await.body;
    let found = all["items"].as_array().unwrap().iter();
    let found = found.filter(|it| it["name"] == name).map(|it| &it["id"]);
    found
        .map(|it| it.as_str().unwrap().to_owned())
        .next()
        .unwrap()
}

/// What the caller has spent, once so many calls of it are written down.
async fn spent(api: &Api, user: &str, calls: u64) -> u64 {
    let written = async {
        loop {
            let usage = api.get("/v1/usage?group_by=user,model,agent").await.body;
            let own: Vec<&Value> = usage["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| it["user_id"] == user && it["agent_id"].is_null())
                .collect();
            let sum = |name: &str| own.iter().filter_map(|it| it[name].as_u64()).sum::<u64>();
            if sum("calls") >= calls {
                return sum("cost_usd_micros");
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap()
}

async fn another_model_is_asked(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let (first, second) = (Fake::start().await.unwrap(), Fake::start().await.unwrap());
    let session = thinker(&api, &first, ("anthropic", "", "claude-sonnet-4-5")).await;
    thinker(&api, &second, ("openai", "/v1", "gpt-5.1")).await;
    first.script(Answer::tool_call("noop", json!({})));
    first.script(Answer::text("Nothing was done."));
    let run = say(&api, &session, "Do nothing.").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let id = run["id"].as_str().unwrap();
    recorded(&api, id).await;
    let other = profile(&api, "openai-main").await;
    let path = format!("/v1/runs/{id}/replay");

    // It agrees: the same way, at another price, and the first provider hears nothing of it.
    second.script(Answer::tool_call("noop", json!({})));
    second.script(Answer::text("Nothing was done."));
    let changes = json!({ "changes": { "model_profile_id": other } });
    let agreed = api.post(&path, &changes).await;
    assert_eq!(agreed.status, 200, "{agreed:?}");
    assert_eq!(agreed.body["identical"], true, "{:#}", agreed.body);
    assert_eq!(
        agreed.body["models"]["asked"]["served"],
        json!(["openai/gpt-5.1"])
    );
    assert_eq!(
        agreed.body["models"]["recorded"]["served"],
        json!(["anthropic/claude-sonnet-4-5"])
    );
    let asked = &agreed.body["models"]["asked"];
    let cost = asked["cost_usd_micros"].as_u64().unwrap();
    assert!(cost > 0 && asked["unpriced"] == 0, "{asked}");
    assert_eq!((first.seen().len(), second.seen().len()), (2, 2));
    let replay = agreed.body["replay_run_id"].as_str().unwrap();
    let seen = api.get(&format!("/v1/runs/{replay}")).await.body;
    assert_eq!(
        (&seen["kind"], &seen["agent_id"]),
        (&json!("replay"), &Value::Null),
        "{seen}"
    );
    // Nothing is posted in the session, and it is as free as before.
    let messages = api
        .get(&format!("/v1/sessions/{session}/messages"))
        .await
        .body;
    assert_eq!(messages["items"].as_array().unwrap().len(), 2, "{messages}");

    // Who asked pays, and not the agent.
    let user = api.get("/v1/me").await.body["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(spent(&api, &user, 2).await, cost);

    // It differs: the first answer is named.
    second.script(Answer::text("I would rather not."));
    let differed = api.post(&path, &changes).await.body;
    assert_eq!(
        (
            &differed["identical"],
            &differed["first_divergence"]["step"]
        ),
        (&json!(false), &json!(3))
    );
    assert_eq!(differed["end"]["replayed"]["answer"], "I would rather not.");

    // Other instructions ask the model of the record.
    first.script(Answer::text("Aye."));
    let pirate = json!({ "changes": { "instructions": "Speak like a pirate." } });
    let pirate = api.post(&path, &pirate).await.body;
    assert_eq!(pirate["end"]["replayed"]["answer"], "Aye.", "{pirate:#}");
    let asked = String::from_utf8(first.seen().last().unwrap().body.to_vec()).unwrap();
    assert!(
        asked.contains("Speak like a pirate.") && !asked.contains("Be brief."),
        "{asked}"
    );

    // A provider that fails, then a budget that is spent: the replay ends, and says why.
    refused_budget(&api, (&path, &changes), &user, &second).await;
    bad_requests(&api, &path, &other).await;
    let key = api.post("/v1/api-keys", &json!({ "name": "cli" })).await;
    let key = key.body["key"].as_str().unwrap();
    the_command_line(&installation, (id, key), &second);
    for fake in [first, second] {
        assert_eq!(fake.violations(), []);
    }
    installation.stop().await;
}

async fn refused_budget(api: &Api, (path, changes): (&str, &Value), user: &str, second: &Fake) {
    let before = second.seen().len();
    let budget = json!({ "daily_usd_micros": 1 });
    let set = api.put(&format!("/v1/budgets/{user}"), &budget).await;
    assert!(set.status.is_success(), "{set:?}");
    let refused = api.post(path, changes).await;
    assert_eq!(refused.status, 200, "{refused:?}");
    let end = &refused.body["end"]["replayed"];
    assert_eq!(
        (&end["state"], &end["code"]),
        (&json!("failed"), &json!("BUDGET_EXCEEDED")),
        "{end}"
    );
    assert_eq!(
        second.seen().len(),
        before,
        "a model was asked without a budget"
    );
    let lifted = api.put(&format!("/v1/budgets/{user}"), &json!({})).await;
    assert!(lifted.status.is_success(), "{lifted:?}");
}

async fn bad_requests(api: &Api, path: &str, profile: &str) {
    for (changes, at) in [
        (
            json!({ "model_profile_id": "mdl_01890000-0000-7000-8000-000000000000" }),
            "/changes/model_profile_id",
        ),
        (
            json!({ "model_profile_id": profile, "policies": [] }),
            "/changes/policies",
        ),
    ] {
        let refused = api.post(path, &json!({ "changes": changes })).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.body["errors"][0]["pointer"], at, "{refused:?}");
    }
}

fn the_command_line(installation: &Installation, (run, key): (&str, &str), second: &Fake) {
    second.script(Answer::text("No."));
    let cli = |args: &[&str]| {
        let mut command = installation.command(args);
        command.env("CHANCERY_API_KEY", key).output().unwrap()
    };
    let printed = cli(&["replay", run, "--model", "openai-main"]);
    let out = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.status.success(), "{printed:?}");
    assert!(
        out.contains("✗ it goes another way") && out.contains("openai/gpt-5.1"),
        "{out}"
    );
    let unknown = cli(&["replay", run, "--model", "nowhere"]);
    let err = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && err.contains("there is no model profile `nowhere`"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_is_asked_on_sqlite() {
    another_model_is_asked(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_is_asked_on_postgres() {
    another_model_is_asked(Some(fresh_database().await)).await;
}
