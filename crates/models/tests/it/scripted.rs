//! Providers that are played from a script: usable by everybody, without a key and a host.

use db::on_both_databases;
use models::{Asked, Spender};
use serde_json::{Value, json};

use crate::complete::ask;
use crate::world::World;

const CHAT: &str = "/gateway/openai/v1/chat/completions";
const RESPONSES: &str = "/gateway/openai/v1/responses";
const MESSAGES: &str = "/gateway/anthropic/v1/messages";
const EMBEDDINGS: &str = "/gateway/openai/v1/embeddings";

fn script() -> Value {
    json!({"rules": [
        {"when": "weather in (?<city>[a-z]+)", "steps": [
            {"call": [{"tool": "weather", "arguments": {"city": "{city}"}}]},
            {"say": "In {city}: {result}."},
        ]},
        {"steps": [{"say": "Good day to you."}]},
    ]})
}

fn new(name: &str) -> Value {
    json!({"type": "scripted", "name": name, "script": script()})
}

async fn make(world: &World) -> String {
    let admin = world.as_role("admin");
    let made = admin.post("/v1/providers", new("play")).await.expect(201);
    assert_eq!(made["script"], script());
    made["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    /// Clients of each dialect are answered, streamed and not, and what it took is counted and free.
    async fn every_dialect_is_answered(db: TestDb) {
        let world = World::new(db).await;
        make(&world).await;
        let guest = world.as_role("chk_member");
        let hello = json!([{"role": "user", "content": "Hello?"}]);
        let bodies = [
            (CHAT, json!({"model": "play/any", "messages": hello})),
            (RESPONSES, json!({"model": "play/any", "input": "Hello?"})),
            (MESSAGES, json!({"model": "play/any", "max_tokens": 300, "messages": hello})),
        ];
        for (path, mut body) in bodies {
            let whole = guest.post(path, body.clone()).await;
            assert_eq!(whole.headers["x-chancery-served-model"], "play/any");
            let whole = whole.expect(200);
            assert!(whole.to_string().contains("Good day to you."), "{whole}");
            body["stream"] = json!(true);
            let events = guest.post(path, body).await;
            assert_eq!(events.status, 200);
            let text = events.text();
            let last = if path == MESSAGES { "message_stop" } else if path == CHAT { "[DONE]" } else { "response.completed" };
            assert!(text.contains("Good ") && text.contains("day "), "{text}");
            assert!(text.contains(last), "{text}");
        }
        assert!(world.gateway.write_down().await);
        let used = world.as_role("member").get("/v1/usage?group_by=model").await.expect(200);
        assert_eq!(used["items"][0]["calls"], 6, "{used}");
        assert_eq!(used["items"][0]["cost_usd_micros"], 0, "{used}");
        assert_eq!(used["items"][0]["unpriced"], 0, "{used}");
    }

    /// Tools are called, and their results are answered.
    async fn tools_are_called(db: TestDb) {
        let world = World::new(db).await;
        make(&world).await;
        let guest = world.as_role("chk_member");
        let tools = json!([{"name": "weather", "input_schema": {"type": "object"}}]);
        let mut messages = vec![json!({"role": "user", "content": "What is the weather in Oslo?"})];
        let body = |messages: &[Value]| json!({"model": "play/any", "max_tokens": 300, "tools": tools, "messages": messages});
        let called = guest.post(MESSAGES, body(&messages)).await.expect(200);
        assert_eq!(called["stop_reason"], "tool_use");
        let call = &called["content"][0];
        assert_eq!((&call["name"], &call["input"]), (&json!("weather"), &json!({"city": "Oslo"})));
        let result = json!({"type": "tool_result", "tool_use_id": call["id"], "content": "rain"});
        messages.push(json!({"role": "assistant", "content": called["content"]}));
        messages.push(json!({"role": "user", "content": [result]}));
        let said = guest.post(MESSAGES, body(&messages)).await.expect(200);
        assert_eq!(said["content"][0]["text"], "In Oslo: rain.");
    }

    /// Calls from within this process are answered too, and a changed script is in force at once.
    async fn a_script_can_be_changed(db: TestDb) {
        let world = World::new(db).await;
        let id = make(&world).await;
        let path = format!("/v1/providers/{id}");
        let say = async |text: &str| {
            let asked = Asked::Named("play/any".to_owned());
            let done = world.gateway.complete(&world.ctx, &Spender::default(), asked, ask("Hi"), |_| {}).await;
            assert_eq!(done.unwrap().answer.text(), text);
        };
        say("Good day to you.").await;
        let admin = world.as_role("admin");
        let other = json!({"rules": [{"steps": [{"say": "Bye."}]}]});
        admin.patch(&path, json!({"script": other})).await.expect(200);
        say("Bye.").await;
        assert_eq!(admin.get(&path).await.expect(200)["script"], other);
        for body in [json!({}), json!({"model": "any"})] {
            let tested = admin.post(&format!("{path}/test"), body).await.expect(200);
            assert_eq!(tested["ok"], true, "{tested}");
        }
        // A change of something else leaves the script as it is.
        admin.patch(&path, json!({"name": "stage"})).await.expect(200);
        assert_eq!(admin.get(&path).await.expect(200)["script"], other);
    }

    /// What a script can't do, and what is no script, is said.
    async fn what_does_not_fit_is_refused(db: TestDb) {
        let world = World::new(db).await;
        make(&world).await;
        let admin = world.as_role("admin");
        let mut elsewhere = new("b");
        elsewhere["base_url"] = json!("https://models.example/v1");
        let mut calling = new("b");
        calling["script"]["rules"][1]["steps"][0] = json!({"call": [{"tool": "weather"}]});
        let mut pattern = new("b");
        pattern["script"]["rules"][0]["when"] = json!("(");
        let local = json!({"type": "openai_compatible", "name": "b", "base_url": "http://127.0.0.1:9/v1", "script": script()});
        for (new, pointer) in [
            (elsewhere, "/base_url"),
            (calling, "/script/rules/1/steps/0/call"),
            (pattern, "/script/rules/0/when"),
            (json!({"type": "scripted", "name": "b"}), "/script"),
            (local, "/script"),
        ] {
            let refused = admin.post("/v1/providers", new).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
        admin.post("/v1/providers", new("b")).await.expect(201);
        let vectors = json!({"model": "play/any", "input": "Hello?"});
        let refused = world.as_role("chk_member").post(EMBEDDINGS, vectors).await.expect(400);
        assert!(refused["error"]["message"].as_str().unwrap().contains("embeddings"), "{refused}");
    }
}
