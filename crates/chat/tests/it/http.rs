//! The same by HTTP.

use db::on_both_databases;
use edge::testing::Client;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::people::STRANGER;
use crate::world::World;

async fn agent(client: &Client) -> String {
    let new = json!({"name": "clerk", "planner": "rules", "tools": ["noop", "http.fetch"], "max_steps": 5});
    let agent = client.post("/v1/agents", new).await.expect(201);
    agent["id"].as_str().unwrap().to_owned()
}

async fn session(client: &Client, agent: &str) -> String {
    let new = json!({"title": "Trial", "labels": ["demo"], "agent_ids": [agent]});
    let session = client.post("/v1/sessions", new).await.expect(201);
    assert_eq!(session["status"], "active");
    session["id"].as_str().unwrap().to_owned()
}

/// Reads a stream until an event of this kind, and answers the frames so far.
async fn until(client: &Client, path: &str, last: &str) -> String {
    let mut stream = client.stream(path).await;
    let mut text = String::new();
    let reading = async {
        while let Some(chunk) = stream.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
            if text.contains(&format!("event: {last}\n")) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), reading)
        .await
        .expect("the event comes");
    text
}

on_both_databases! {
    /// From an agent over a session to an answered message, and the stream of what happened.
    async fn a_message_is_answered(db: TestDb) {
        let world = World::new(db).await;
        let client = world.client.clone().bearer("owner");
        let agent = agent(&client).await;
        let session = session(&client, &agent).await;
        let path = format!("/v1/sessions/{session}/messages");
        let member = world.client.clone().bearer("member");
        let body = json!({"content": "noop"});
        let keyed = member.clone().key("k-1");
        let posted = keyed.post(&path, body.clone()).await.expect(202);
        assert_eq!(posted["message"]["content"], "noop");
        assert_eq!(posted["message"]["author"]["kind"], "user");
        assert_eq!(posted["message"]["run_id"], posted["run"]["id"]);
        assert_eq!(posted["run"]["state"], "queued");
        // The same request again is the same message.
        let again = keyed.post(&path, body).await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        assert_eq!(again.expect(202)["message"]["id"], posted["message"]["id"]);

        let events = format!("/v1/sessions/{session}/events");
        let frames = until(&member, &events, "run.succeeded").await;
        let kinds: Vec<&str> =
            frames.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "presence").collect();
        assert_eq!(kinds[..3], ["session.created", "message.posted", "run.queued"], "{frames}");
        let (_, created) = frames.split_once("event: session.created\ndata: ").unwrap();
        let first: Value = serde_json::from_str(created.lines().next().unwrap()).unwrap();
        assert_eq!((&first["kind"], &first["session"]), (&json!("session.created"), &json!(session)));
        // Resumed after the third event, it does not begin anew.
        let seq = frames.lines().filter_map(|line| line.strip_prefix("id: ")).nth(2).unwrap();
        let rest = until(&member, &format!("{events}?after={seq}"), "run.succeeded").await;
        assert!(!rest.contains("event: run.queued\n"), "{rest}");

        let page = member.get(&path).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(page["next_cursor"], Value::Null);
        assert_eq!(page["items"][1]["author"]["agent_id"], agent);
        let newest = member.get(&format!("{path}?order=desc&limit=1")).await.expect(200);
        assert_eq!(newest["items"][0]["position"], 2);
        let cursor = newest["next_cursor"].as_str().unwrap();
        let next = member.get(&format!("{path}?order=desc&limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!(next["items"][0]["position"], 1);
    }

    /// Mentions and steering, as they look from outside.
    async fn several_take_part(db: TestDb) {
        let world = World::new(db).await;
        let (owner, member) = (world.client.clone().bearer("owner"), world.client.clone().bearer("member"));
        let clerk = agent(&owner).await;
        let scribe = world.agent("scribe").await.id.to_string();
        let new = json!({"agent_ids": [clerk, scribe]});
        let session = member.post("/v1/sessions", new).await.expect(201);
        let session = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
        let me = world.ctx.actor().user.unwrap();
        world.people.call(me, "Me Myself");

        let path = format!("{session}/messages");
        let posted = member.post(&path, json!({"content": "@scribe @clerk hold"})).await.expect(202);
        assert_eq!(posted["message"]["mentions"], json!([scribe, clerk]));
        let runs = posted["runs"].as_array().unwrap();
        let agents: Vec<&Value> = runs.iter().map(|run| &run["agent_id"]).collect();
        assert_eq!(agents, [&json!(scribe), &json!(clerk)]);
        assert_eq!((&posted["run"], &posted["steers"]), (&runs[0], &json!(false)));

        let alone = member.post(&path, json!({"content": "@me-myself, look"})).await.expect(202);
        assert_eq!((&alone["run"], &alone["runs"]), (&Value::Null, &json!([])));
        assert_eq!(alone["message"]["run_id"], Value::Null);

        let steer = format!("{session}/steer");
        let keyed = member.clone().key("s-1");
        let steered = keyed.post(&steer, json!({"content": "shorter"})).await.expect(202);
        assert_eq!((&steered["steers"], &steered["runs"]), (&json!(true), &json!([])));
        assert_eq!(steered["run"]["id"], posted["run"]["id"]);
        let again = keyed.post(&steer, json!({"content": "shorter"})).await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        assert_eq!(again.expect(202)["message"]["id"], steered["message"]["id"]);

        let viewer = world.client.clone().bearer("viewer");
        viewer.post(&steer, json!({"content": "x"})).await.problem(403, "FORBIDDEN");
        member.post(&steer, json!({"content": ""})).await.problem(422, "INVALID");
        member.post(&steer, json!({"content": "x", "on_busy": "reject"})).await.problem(422, "INVALID");
        let unknown = "/v1/sessions/ses_01890000-0000-7000-8000-000000000000/steer";
        member.post(unknown, json!({"content": "@clerk x"})).await.problem(404, "NOT_FOUND");
    }

    /// Editing, regenerating and branches, as they look from outside.
    async fn messages_grow_branches(db: TestDb) {
        let world = World::new(db).await;
        let (owner, member) = (world.client.clone().bearer("owner"), world.client.clone().bearer("member"));
        let agent = agent(&owner).await;
        let session = session(&owner, &agent).await;
        let path = format!("/v1/sessions/{session}");
        let messages = format!("{path}/messages");
        let asked = member.post(&messages, json!({"content": "say a"})).await.expect(202);
        let asked = asked["message"]["id"].as_str().unwrap().to_owned();
        let id = session.parse().unwrap();
        world.until_quiet(id).await;
        let list = async |query: &str| {
            let page = member.get(&format!("{messages}{query}")).await.expect(200);
            let text = |it: &Value| it["content"].as_str().unwrap().to_owned();
            page["items"].as_array().unwrap().iter().map(text).collect::<Vec<_>>()
        };
        let keyed = member.clone().key("e-1");
        let edit = format!("/v1/messages/{asked}/edit");
        let edited = keyed.post(&edit, json!({"content": "say b"})).await.expect(202);
        assert_eq!((&edited["message"]["siblings"], &edited["message"]["parent_id"]), (&json!(2), &Value::Null));
        let again = keyed.post(&edit, json!({"content": "say b"})).await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        world.until_quiet(id).await;
        assert_eq!(list("").await, ["say b", "b"]);
        assert_eq!(list(&format!("?through={asked}")).await, ["say a", "a"]);
        assert_eq!(list(&format!("?siblings_of={asked}")).await, ["say a", "say b"]);
        assert_eq!(list("?all=true").await.len(), 4);
        assert_eq!(list("?order=desc&limit=1").await, ["b"]);
        assert_eq!(member.get(&format!("{messages}?all=true&through={asked}")).await.status, 422);

        let answer = member.get(&messages).await.expect(200)["items"][1].clone();
        let regenerate = format!("/v1/messages/{}/regenerate", answer["id"].as_str().unwrap());
        let again = member.raw("POST", &regenerate, "").await.expect(202);
        assert_eq!((&again["reply_to"], &again["parent_id"]), (&answer["reply_to"], &answer["parent_id"]));
        assert_eq!(again["run"]["state"], "queued");
        world.until_quiet(id).await;
        let newest = member.get(&format!("{messages}?order=desc&limit=1")).await.expect(200);
        assert_eq!(newest["items"][0]["run_id"], again["run"]["id"]);
        assert_eq!(newest["items"][0]["siblings"], 2);

        let branch = format!("{path}/branch");
        for _ in 0..2 {
            let chosen = member.put(&branch, json!({"message_id": asked})).await.expect(200);
            assert_eq!(chosen["branches"], 3);
        }
        assert_eq!(list("").await, ["say a", "a"]);

        let viewer = world.client.clone().bearer("viewer");
        viewer.put(&branch, json!({"message_id": asked})).await.problem(403, "FORBIDDEN");
        member.put(&branch, json!({"message_id": "msg_x"})).await.problem(422, "INVALID");
        let missing = "msg_01890000-0000-7000-8000-000000000000";
        member.put(&branch, json!({"message_id": missing})).await.problem(404, "NOT_FOUND");
        member.get(&format!("{messages}?through={missing}")).await.problem(404, "NOT_FOUND");
        for verb in ["edit", "regenerate"] {
            let body = json!({"content": "x"});
            let body = if verb == "edit" { body } else { json!({}) };
            viewer.post(&format!("/v1/messages/{asked}/{verb}"), body.clone()).await.problem(403, "FORBIDDEN");
            member.post(&format!("/v1/messages/{missing}/{verb}"), body.clone()).await.problem(404, "NOT_FOUND");
        }
        let answer = answer["id"].as_str().unwrap();
        let edit = format!("/v1/messages/{answer}/edit");
        member.post(&edit, json!({"content": "x"})).await.problem(403, "NOT_THE_AUTHOR");
        let regenerate = format!("/v1/messages/{asked}/regenerate");
        member.post(&regenerate, json!({})).await.problem(409, "MESSAGE_NO_ANSWER");
        let busy = json!({"content": "hold"});
        member.post(&messages, busy).await.expect(202);
        let regenerate = format!("/v1/messages/{answer}/regenerate");
        let refused = member.post(&regenerate, json!({"on_busy": "reject"})).await;
        refused.problem(409, "SESSION_BUSY");
    }

    /// What does not fit is a problem with a name.
    async fn refusals_have_names(db: TestDb) {
        let world = World::new(db).await;
        let client = world.client.clone().bearer("owner");
        let agent = agent(&client).await;
        let session = session(&client, &agent).await;
        let path = format!("/v1/sessions/{session}/messages");
        let (viewer, member) = (world.client.clone().bearer("viewer"), world.client.clone().bearer("member"));
        let message = || json!({"content": "noop"});
        viewer.post(&path, message()).await.problem(403, "FORBIDDEN");
        world.client.post(&path, message()).await.problem(401, "UNAUTHENTICATED");
        member.post("/v1/sessions/nonsense/messages", message()).await.problem(404, "NOT_FOUND");
        let unknown = "/v1/sessions/ses_01890000-0000-7000-8000-000000000000";
        member.post(&format!("{unknown}/messages"), message()).await.problem(404, "NOT_FOUND");
        member.get(&format!("{unknown}/events")).await.problem(404, "NOT_FOUND");
        for body in [json!({}), json!({"content": 1}), json!({"content": ""}), json!({"content": "a\u{0}"}),
            json!({"content": "noop", "on_busy": "shout"}), json!({"content": "noop", "x": 1}), json!([])]
        {
            let answer = member.post(&path, body.clone()).await;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        }
        let long = json!({"content": "x".repeat(100_000)});
        assert_eq!(member.post(&path, long).await.status, 413);
        let wait = json!({"content": "wait 1h"});
        member.post(&path, wait).await.expect(202);
        let reject = json!({"content": "noop", "on_busy": "reject"});
        member.post(&path, reject).await.problem(409, "SESSION_BUSY");
        let archive = format!("/v1/sessions/{session}/archive");
        member.post(&archive, json!({})).await.problem(409, "SESSION_BUSY");
        client.post(&format!("/v1/agents/{agent}/pause"), json!({})).await.expect(200);
        member.post(&path, message()).await.problem(409, "AGENT_PAUSED");
        let members = format!("/v1/sessions/{session}/members");
        let stranger = json!({"user_id": STRANGER});
        assert_eq!(member.post(&members, stranger).await.status, 422);
    }

    /// Agents and skills by HTTP.
    async fn agents_and_skills(db: TestDb) {
        let world = World::new(db).await;
        let client = world.client.clone().bearer("admin");
        let member = world.client.clone().bearer("member");
        let id = agent(&client).await;
        client.post("/v1/agents", json!({"name": "clerk"})).await.problem(409, "AGENT_NAME_TAKEN");
        member.post("/v1/agents", json!({"name": "x"})).await.problem(403, "FORBIDDEN");
        let wrong = json!({"name": "x", "tools": ["rm"]});
        let problem = client.post("/v1/agents", wrong).await;
        assert_eq!(problem.status, 422);
        assert_eq!(problem.json["errors"][0]["pointer"], "/tools");
        let path = format!("/v1/agents/{id}");
        let changed = client.patch(&path, json!({"budget_usd_micros": 5_000_000})).await.expect(200);
        assert_eq!((&changed["version"], &changed["budget_usd_micros"]), (&json!(2), &json!(5_000_000)));
        let same = client.patch(&path, json!({"name": "clerk"})).await.expect(200);
        assert_eq!((&same["version"], &same["budget_usd_micros"]), (&json!(2), &json!(5_000_000)));
        let cleared = client.patch(&path, json!({"budget_usd_micros": null})).await.expect(200);
        assert_eq!((&cleared["version"], &cleared["budget_usd_micros"]), (&json!(3), &Value::Null));
        let versions = member.get(&format!("{path}/versions?limit=2")).await.expect(200);
        assert_eq!(versions["items"].as_array().unwrap().len(), 2);
        assert!(versions["next_cursor"].is_string());
        for (verb, state) in [("pause", "paused"), ("activate", "active"), ("retire", "retired")] {
            let agent = client.post(&format!("{path}/{verb}"), json!({})).await.expect(200);
            assert_eq!(agent["state"], state);
        }
        client.post(&format!("{path}/activate"), json!({})).await.problem(409, "AGENT_RETIRED");
        let retired = member.get("/v1/agents?state=retired").await.expect(200);
        assert_eq!(retired["items"][0]["id"], id);
        assert_eq!(member.get("/v1/agents?state=asleep").await.status, 422);
        assert_eq!(client.delete(&path).await.status, 204);
        client.get(&path).await.problem(404, "NOT_FOUND");

        // "---\nname: hello\ndescription: Says hello.\n---\n"
        let text = "LS0tCm5hbWU6IGhlbGxvCmRlc2NyaXB0aW9uOiBTYXlzIGhlbGxvLgotLS0K";
        let skill = json!({"files": [{"path": "SKILL.md", "content_base64": text}]});
        let published = client.post("/v1/skills", skill.clone()).await.expect(201);
        assert_eq!((&published["name"], &published["version"]), (&json!("hello"), &json!(1)));
        assert_eq!(published["runnable"], false);
        assert_eq!(client.post("/v1/skills", skill).await.expect(201)["version"], 1);
        let escape = json!({"files": [{"path": "../SKILL.md", "content_base64": text}]});
        client.post("/v1/skills", escape).await.problem(422, "SKILL_PACKAGE_INVALID");
        client.post("/v1/skills", json!({"files": []})).await.problem(422, "SKILL_INVALID");
        let tar = client.clone().header("content-type", "application/x-tar");
        tar.raw("POST", "/v1/skills", vec![1_u8; 700]).await.problem(422, "SKILL_PACKAGE_INVALID");
        let listed = member.get("/v1/skills").await.expect(200);
        let skill = format!("/v1/skills/{}", listed["items"][0]["id"].as_str().unwrap());
        member.delete(&skill).await.problem(403, "FORBIDDEN");
        assert_eq!(client.delete(&skill).await.status, 204);
        member.get(&skill).await.problem(404, "NOT_FOUND");
    }
}
