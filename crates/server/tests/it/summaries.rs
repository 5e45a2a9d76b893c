//! Rolling summaries, through the whole house: when one begins, what it covers, who uses it, and what
//! becomes of it when the server dies.

use fakes::{Answer, Fake, Pace};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;
use crate::thinking::{say, thinker_reading};

/// What the model reads: half of it is for the chat, which is a thousand tokens.
const READS: u64 = 2_000;

/// A message of about 300 tokens that can be told from others.
fn long(name: &str) -> String {
    format!("{name}: {}", "all work and no play ".repeat(56))
}

async fn summaries(api: &Api, session: &str) -> Vec<Value> {
    let path = format!("/v1/sessions/{session}/summaries");
    let answer = api.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["items"].as_array().unwrap().clone()
}

/// The newest summary, once it is over.
async fn summarised(api: &Api, session: &str) -> Value {
    let over = async {
        loop {
            let newest = summaries(api, session).await.into_iter().next();
            if let Some(newest) = newest.filter(|it| !it["ended_at"].is_null()) {
                return newest;
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap()
}

/// The texts of all that models were asked, as they came.
fn asked(fake: &Fake) -> Vec<String> {
    let seen = fake.seen().into_iter();
    seen.map(|it| String::from_utf8(it.body.to_vec()).unwrap())
        .collect()
}

/// What the last turn asked; summaries are asked for in other words.
fn last_turn(fake: &Fake) -> String {
    let turns = asked(fake).into_iter();
    let mut turns = turns.filter(|it| !it.contains("You keep the memory of a conversation"));
    turns.next_back().unwrap()
}

/// The facts of the entry of a run with this kind.
async fn entry(api: &Api, run: &Value, kind: &str) -> Value {
    let path = format!("/v1/runs/{}/events", run["id"].as_str().unwrap());
    let found = async {
        loop {
            let events = api.get(&path).await.body;
            let items = events["items"].as_array().unwrap().iter();
            let mut found = items.filter(|it| it["event"]["kind"] == kind);
            if let Some(found) = found.next() {
                return found["event"]["data"].clone();
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap()
}

async fn messages(api: &Api, session: &str) -> Vec<Value> {
    let path = format!("/v1/sessions/{session}/messages");
    let all = api.get(&path).await.body;
    all["items"].as_array().unwrap().clone()
}

/// Waits for the end of the run that an answer of the API names.
async fn ended(api: &Api, posted: &Value) -> Value {
    let run = format!("/v1/runs/{}", posted["run"]["id"].as_str().unwrap());
    api.ended(posted["run"]["id"].as_str().unwrap()).await;
    api.get(&run).await.body
}

async fn what_no_longer_fits_is_summarised(database: Option<String>) {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let model = ("anthropic", "", "claude-sonnet-4-5");
    let session = thinker_reading(&api, &fake, model, Some(READS)).await;
    // Turns and summaries ask at the same time: each answer can be told from the others.
    for n in 0..16 {
        fake.script(Answer::text(format!("Noted as {n}.")));
    }
    for name in ["first", "second", "third"] {
        let run = say(&api, &session, &long(name)).await;
        assert_eq!(run["state"], "succeeded", "{run}");
    }
    assert_eq!(summaries(&api, &session).await, Vec::<Value>::new());

    // The fourth turn has room for all of it, and most of the room is taken: a summary begins beside it.
    let fourth = say(&api, &session, &long("fourth")).await;
    assert_eq!(fourth["state"], "succeeded", "{fourth}");
    assert!(last_turn(&fake).contains("first: all work"));
    assert_eq!(
        entry(&api, &fourth, "context.assembled").await["left_out"],
        Value::Null
    );
    let summary = summarised(&api, &session).await;
    assert_eq!(summary["state"], "ready", "{summary:#}");
    let said = messages(&api, &session).await;
    let place = |at: u64| said[usize::try_from(at).unwrap() - 1]["id"].clone();
    assert_eq!(
        (&summary["from_position"], &summary["from_message_id"]),
        (&json!(1), &place(1))
    );
    let upto = summary["upto_position"].as_u64().unwrap();
    assert!((3..6).contains(&upto), "{summary:#}");
    assert_eq!(summary["upto_message_id"], place(upto));
    assert_eq!(
        (&summary["branch"], &summary["previous_run_id"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(summary["model"], "anthropic/claude-sonnet-4-5");
    assert!(
        summary["cost_usd_micros"].as_u64().unwrap() > 0,
        "{summary:#}"
    );
    let text = summary["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Noted as "), "{text}");

    // It is a run like any other: one question, decided on, and the same when it is replayed.
    let id = summary["run_id"].as_str().unwrap();
    let run = api.get(&format!("/v1/runs/{id}")).await.body;
    assert_eq!(
        (&run["kind"], &run["state"]),
        (&json!("summary"), &json!("succeeded"))
    );
    assert_eq!(run["session_id"], session.as_str());
    assert_eq!(
        entry(&api, &run, "policy.decided").await["question"]["context"]["run_kind"],
        "summary"
    );
    let replay = api.post(&format!("/v1/runs/{id}/replay"), &json!({})).await;
    assert_eq!(replay.body["identical"], true, "{replay:?}");
    let question = asked(&fake)
        .into_iter()
        .find(|it| it.contains("You keep the memory"));
    let question: Value = serde_json::from_str(&question.unwrap()).unwrap();
    assert!(
        !question["system"].to_string().contains("first: all work"),
        "data among instructions"
    );
    assert!(question["messages"].to_string().contains("first: all work"));

    // The next turn is told the summary and what came after it, and nothing is posted by it.
    let before = said.len();
    let fifth = say(&api, &session, "What did I say?").await;
    let turn = last_turn(&fake);
    assert!(
        turn.contains(&text) && turn.contains("fourth: all work"),
        "{turn}"
    );
    assert!(!turn.contains("first: all work"), "{turn}");
    assert_eq!(
        entry(&api, &fifth, "context.assembled").await["summary"],
        id
    );
    assert_eq!(messages(&api, &session).await.len(), before + 2);

    branches(&api, (&session, &said), (&fake, &text)).await;
    incremental(&api, &session, &fake).await;
    assert_eq!(fake.violations(), []);
    installation.stop().await;
}

/// A branch that leaves the path behind the summary keeps it; one that leaves it before has none.
async fn branches(api: &Api, (session, said): (&str, &[Value]), (fake, text): (&Fake, &str)) {
    let edit = async |message: &Value, content: &str| {
        let path = format!("/v1/messages/{}/edit", message["id"].as_str().unwrap());
        let posted = api.post(&path, &json!({ "content": content })).await;
        assert_eq!(posted.status, 202, "{posted:?}");
        let run = ended(api, &posted.body).await;
        assert_eq!(run["state"], "succeeded", "{run}");
        last_turn(fake)
    };
    let behind = edit(&said[6], "Something else, fourthly.").await;
    assert!(
        behind.contains(text) && behind.contains("third: all work"),
        "{behind}"
    );
    let inside = edit(&said[2], "Something else, secondly.").await;
    assert!(
        !inside.contains(text) && inside.contains("first: all work"),
        "{inside}"
    );
    let anew = edit(&said[0], "Something else altogether.").await;
    assert!(!anew.contains(text) && !anew.contains("all work"), "{anew}");
    // Back to where it was.
    let path = format!("/v1/sessions/{session}/branch");
    let body = json!({ "message_id": said[7]["id"] });
    let chosen = api.put(&path, &body).await;
    assert!(chosen.status.is_success(), "{chosen:?}");
}

/// The next summary goes on from the one before.
async fn incremental(api: &Api, session: &str, fake: &Fake) {
    let first = summarised(api, session).await;
    for name in ["sixth", "seventh"] {
        say(api, session, &long(name)).await;
    }
    let newest = async {
        loop {
            let newest = summarised(api, session).await;
            if newest["run_id"] != first["run_id"] {
                return newest;
            }
            say(api, session, &long("more")).await;
        }
    };
    let second = tokio::time::timeout(PATIENCE, newest).await.unwrap();
    assert_eq!(second["state"], "ready", "{second:#}");
    assert_eq!(second["previous_run_id"], first["run_id"]);
    assert!(second["from_position"].as_u64() > first["upto_position"].as_u64());
    let text = first["text"].as_str().unwrap();
    let questions = asked(fake).into_iter();
    let questions: Vec<String> = questions
        .filter(|it| it.contains("You keep the memory"))
        .collect();
    let last = questions.last().unwrap();
    assert!(
        last.contains(text) && !last.contains("first: all work"),
        "{last}"
    );
}

#[tokio::test]
async fn what_no_longer_fits_is_summarised_on_sqlite() {
    what_no_longer_fits_is_summarised(None).await;
}

#[tokio::test]
async fn what_no_longer_fits_is_summarised_on_postgres() {
    what_no_longer_fits_is_summarised(Some(fresh_database().await)).await;
}

/// What does not fit and is in no summary yet is left out, and the record and the model are told. A
/// summary that may not be made is no failure of the turn.
#[tokio::test]
async fn what_does_not_fit_is_left_out_visibly() {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(None);
    let api = installation.up().await;
    let model = ("anthropic", "", "claude-sonnet-4-5");
    let session = thinker_reading(&api, &fake, model, Some(READS)).await;
    let none = json!({ "cedar": "@id(\"no-summaries\") forbid (principal, \
        action == Chancery::Action::\"model.call\", resource) when { context.run_kind == \"summary\" };" });
    let set = api.put("/v1/policies/no-summaries", &none).await;
    assert_eq!(set.status, 200, "{set:?}");
    fake.script(Answer::text("Noted.").times(3));
    say(&api, &session, &long("far too much").repeat(5)).await;
    let second = say(&api, &session, "And now?").await;
    assert_eq!(second["state"], "succeeded", "{second}");
    assert_eq!(
        entry(&api, &second, "context.assembled").await["left_out"],
        1
    );
    let turn = last_turn(&fake);
    assert!(turn.contains("1 earlier messages are left out"), "{turn}");
    assert!(!turn.contains("far too much"), "{turn}");
    let failed = summarised(&api, &session).await;
    assert_eq!(
        (&failed["state"], &failed["text"]),
        (&json!("failed"), &Value::Null)
    );
    let run = api
        .get(&format!("/v1/runs/{}", failed["run_id"].as_str().unwrap()))
        .await
        .body;
    assert_eq!(run["failure"]["code"], "POLICY_DENIED", "{run}");

    // Once they are allowed, a later turn tries again, and the one after that knows.
    let lifted = json!({ "cedar": "permit (principal, action, resource);" });
    api.put("/v1/policies/no-summaries", &lifted).await;
    fake.script(Answer::text("They said far too much.").times(4));
    say(&api, &session, "Once more?").await;
    let ready = summarised(&api, &session).await;
    assert_eq!(
        (&ready["state"], &ready["from_position"]),
        (&json!("ready"), &json!(1))
    );
    let last = say(&api, &session, "Do you know?").await;
    assert_eq!(
        entry(&api, &last, "context.assembled").await["left_out"],
        Value::Null
    );
    assert!(last_turn(&fake).contains(ready["text"].as_str().unwrap()));
    installation.stop().await;
}

/// The server dies while a model summarises: the run goes on with the next one, and there is one
/// summary, and one event of it.
async fn a_summary_survives_a_crash(database: Option<String>) {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let model = ("anthropic", "", "claude-sonnet-4-5");
    let session = thinker_reading(&api, &fake, model, Some(READS)).await;
    fake.script(Answer::text("Noted."));
    say(&api, &session, &long("far too much").repeat(4)).await;
    // From here on only summaries ask, so that the one that hangs is known.
    let quiet = json!({ "cedar": "@id(\"quiet\") forbid (principal, \
        action == Chancery::Action::\"model.call\", resource) when { context.run_kind == \"agent_turn\" };" });
    let set = api.put("/v1/policies/quiet", &quiet).await;
    assert_eq!(set.status, 200, "{set:?}");
    fake.script(Answer {
        pace: Some(Pace::EVENT_PER_TICK),
        ..Answer::text("Lost.")
    });
    say(&api, &session, "And now?").await;
    fake.arrived(2).await;
    installation.kill();
    fake.script(Answer::text("They said far too much."));
    let api = installation.up().await;
    let ready = summarised(&api, &session).await;
    assert_eq!(
        (&ready["state"], &ready["text"]),
        (&json!("ready"), &json!("They said far too much."))
    );
    assert_eq!(summaries(&api, &session).await.len(), 1);
    let path = format!("/v1/audit/events?session_id={session}&kind=session.summarised");
    let sealed = async {
        loop {
            let events = api.get(&path).await.body;
            let count = events["items"].as_array().unwrap().len();
            if count > 0 {
                return count;
            }
            pause().await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, sealed).await.unwrap(), 1);
    installation.stop().await;
}

#[tokio::test]
async fn a_summary_survives_a_crash_on_sqlite() {
    a_summary_survives_a_crash(None).await;
}

#[tokio::test]
async fn a_summary_survives_a_crash_on_postgres() {
    a_summary_survives_a_crash(Some(fresh_database().await)).await;
}

/// A summary has read what those had who wrote what it is made of, and makes whoever is told it have read
/// that, even where nothing else that they are told does; it is spent by the agent it is made for.
async fn a_summary_carries_labels_and_costs(database: Option<String>) {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let model = ("anthropic", "", "claude-sonnet-4-5");
    let session = thinker_reading(&api, &fake, model, Some(READS)).await;
    let agent = api.get(&format!("/v1/sessions/{session}")).await.body["agent_ids"][0].clone();
    let here = json!({ "cedar": "permit (principal, action == Chancery::Action::\"http.fetch\", \
        resource in Chancery::Host::\"127.0.0.1\");" });
    let set = api.put("/v1/policies/here", &here).await;
    assert_eq!(set.status, 200, "{set:?}");
    let page = json!({ "url": format!("{}/livez", installation.url()) });
    fake.script(Answer::tool_call("http_fetch", page));
    for n in 0..16 {
        fake.script(Answer::text(format!("Noted as {n}.")));
    }
    // The first turn reads what a stranger may have written; those after it are long.
    say(&api, &session, "Look.").await;
    for name in ["first", "second", "third", "fourth"] {
        say(&api, &session, &long(name)).await;
    }
    let summary = summarised(&api, &session).await;
    assert_eq!(summary["state"], "ready", "{summary:#}");
    assert_eq!(summary["from_position"], 1);
    let labels = json!({ "private": false, "untrusted": true });
    assert_eq!(summary["has_read"], labels, "{summary:#}");
    let run = json!({ "id": summary["run_id"] });
    assert_eq!(
        entry(&api, &run, "context.assembled").await["has_read"]["untrusted"],
        true
    );
    // Behind the summary a branch begins in which nobody has read anything: what the turn there is told
    // that has, is the summary.
    let upto = summary["upto_position"].as_u64().unwrap();
    let said = messages(&api, &session).await;
    let next = said
        .iter()
        .find(|it| it["position"].as_u64() > Some(upto) && it["author"]["kind"] == "user")
        .unwrap();
    let between = said.iter().filter(|it| {
        let position = it["position"].as_u64();
        position > Some(upto) && position < next["position"].as_u64()
    });
    assert_eq!(between.count(), usize::from(upto % 2 == 1), "{said:#?}");
    let path = format!("/v1/messages/{}/edit", next["id"].as_str().unwrap());
    let posted = api
        .post(&path, &json!({ "content": "Something else." }))
        .await;
    assert_eq!(posted.status, 202, "{posted:?}");
    let run = ended(&api, &posted.body).await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let told = entry(&api, &run, "context.assembled").await;
    assert_eq!(told["summary"], summary["run_id"], "{told}");
    assert_eq!(told["has_read"]["untrusted"], true, "{told}");

    // All that was spent is the agent's and the session's, the summary's part too.
    let usage = api.get("/v1/usage?group_by=agent").await.body;
    let items = usage["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{usage:#}");
    assert_eq!(items[0]["agent_id"], agent);
    let calls = u64::try_from(asked(&fake).len()).unwrap();
    assert_eq!(items[0]["calls"].as_u64(), Some(calls), "{usage:#}");
    let spent = &api.get(&format!("/v1/sessions/{session}")).await.body["usage"];
    assert_eq!(
        spent["cost_usd_micros"], items[0]["cost_usd_micros"],
        "{usage:#}"
    );
    installation.stop().await;
}

#[tokio::test]
async fn a_summary_carries_labels_and_costs_on_sqlite() {
    a_summary_carries_labels_and_costs(None).await;
}

#[tokio::test]
async fn a_summary_carries_labels_and_costs_on_postgres() {
    a_summary_carries_labels_and_costs(Some(fresh_database().await)).await;
}
