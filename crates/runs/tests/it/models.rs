//! Agents that plan by a model: the model is asked on the same road as everything else, and what it
//! wants done takes that road too.

use std::sync::Arc;

use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use runs::{Changes, FailedAt, Resolution, State};
use serde_json::{Value, json};
use tools::ToolResult;
use tools::model::ModelGateway;
use vocab::{Intent, SessionId};

use crate::world::{POLICY, Setting, World, turn};

/// A model that reads, writes a copy, and then says what it heard of both.
pub struct Copyist;

impl ModelGateway for Copyist {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let reply = reply(&intent.arguments);
        Box::pin(async { ToolResult::success(reply) })
    }
}

/// What the copyist says to a question.
pub fn reply(question: &Value) -> Value {
    let last = question["messages"].as_array().and_then(|it| it.last());
    let parts = last.and_then(|it| it["parts"].as_array()).unwrap();
    let heard: Vec<&str> = parts
        .iter()
        .filter(|part| part["type"] == "tool_result")
        .filter_map(|part| part["text"].as_str())
        .collect();
    let call = |id: &str, name: &str, arguments: Value| {
        let arguments = arguments.to_string();
        json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments })
    };
    let (stop, parts) = if heard.is_empty() {
        let calls = json!([
            call("1", "file_read", json!({ "path": "notes/todo.md" })),
            call(
                "2",
                "file_write",
                json!({ "path": "notes/copy.md", "content": "milk" })
            ),
        ]);
        ("tool_use", calls)
    } else {
        let text = format!("I heard: {}", heard.join(" | "));
        ("done", json!([{ "type": "text", "text": text }]))
    };
    json!({
        "parts": parts, "stop": stop, "served": "fake/one", "cost_usd_micros": 7,
        "usage": { "input_tokens": 10, "output_tokens": 5 },
    })
}

/// A model that fetches a page twice in one answer.
struct Twice(String);

impl ModelGateway for Twice {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let asked = intent.arguments["messages"].as_array().unwrap().len() > 1;
        let arguments = json!({ "url": self.0 }).to_string();
        let call = |id: &str| json!({ "type": "tool_call", "id": id, "name": "http_fetch", "arguments": arguments });
        let (stop, parts) = if asked {
            ("done", json!([{ "type": "text", "text": "done" }]))
        } else {
            ("tool_use", json!([call("1"), call("2")]))
        };
        let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
        let reply = json!({ "parts": parts, "stop": stop, "served": "fake/one", "usage": usage });
        Box::pin(async { ToolResult::success(reply) })
    }
}

/// A model that writes what agents are to know, and answers with what it was told of it.
struct Guided;

impl ModelGateway for Guided {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let last = intent.arguments["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap();
        let note = last["parts"]
            .as_array()
            .unwrap()
            .iter()
            .rfind(|it| it["type"] == "text")
            .unwrap();
        let note = note["text"].as_str().unwrap();
        let written = json!({ "path": "notes/AGENTS.md", "content": "Use tabs." });
        let (stop, parts) = if note.contains("Use tabs.") {
            ("done", json!([{ "type": "text", "text": note }]))
        } else {
            let call = json!({
                "type": "tool_call", "id": "1", "name": "file_write", "arguments": written.to_string(),
            });
            ("tool_use", json!([call]))
        };
        let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
        let reply = json!({ "parts": parts, "stop": stop, "served": "fake/one", "usage": usage });
        Box::pin(async { ToolResult::success(reply) })
    }
}

/// The usual policies, under which models may be asked.
pub fn with_models() -> String {
    format!(
        "{POLICY}\n@id(\"think\") permit (principal, action == Chancery::Action::\"model.call\", resource);"
    )
}

on_both_databases! {
    /// Question, calls, approval, question, answer: and a replay of it is the same to the byte.
    async fn a_model_plans_and_a_person_decides(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let agent = world.thinker("clerk").await;
        let life = world.live().await;
        let run = life.runs.start(&world.ctx, turn(&agent, "copy the list")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        let answer = world.answer_of(&ended).await;
        let answer = answer.as_str().unwrap();
        assert!(answer.starts_with("I heard: ") && answer.contains(" | "), "{answer}");
        assert_eq!(world.node.memory().changes.len(), 1);
        for (kind, count) in [
            ("context.assembled", 1),
            // Two questions and two calls.
            ("tool.intended", 4),
            // What a person allowed is decided on once more.
            ("policy.decided", 5),
            ("capability.issued", 4),
            ("approval.requested", 1),
            ("tool.executed", 4),
        ] {
            assert_eq!(world.count(run.id, kind).await, count, "{kind}");
        }
        let used = runs::RunUsage {
            cost_usd_micros: 14,
            unpriced: 0,
            input_tokens: 20,
            cached_input_tokens: 0,
            output_tokens: 10,
            models: vec!["fake/one".into()],
        };
        assert_eq!(ended.usage, Some(used));
        life.end();
        let engine = world.people.engine();
        let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
        assert_eq!(report.outside_effects, 0);
        assert_eq!(world.node.memory().changes.len(), 1);
    }

    /// Whoever may not ask a model does not think, and says so.
    async fn a_model_that_policy_denies_is_not_asked(db: TestDb) {
        let world = World::new(db).await;
        let agent = world.thinker("clerk").await;
        let life = world.live().await;
        let run = life.runs.start(&world.ctx, turn(&agent, "copy the list")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        let State::Failed { failure } = ended.state else { panic!("{:?}", ended.state) };
        assert_eq!((failure.code.as_str(), failure.at), ("POLICY_DENIED", FailedAt::Agent));
        assert_eq!(ended.usage, None, "no model was asked");
        assert_eq!(world.count(run.id, "capability.issued").await, 0);
        life.end();
    }

    /// What a model asks for at once is done at once: both requests are under way before either is
    /// answered.
    async fn calls_of_one_answer_are_made_at_once(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let agent = world.thinker("clerk").await;
        let models = Arc::new(Twice(world.sink.url("/gate")));
        let life = world.live_as(Setting { models, ..Setting::default() }).await;
        let run = life.runs.start(&world.ctx, turn(&agent, "twice")).await.unwrap();
        world.sink.at_gate(2).await;
        assert_eq!(world.sink.at_once(), 2);
        world.sink.open();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(world.count(run.id, "tool.executed").await, 4);
        life.end();
        let engine = world.people.engine();
        let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
    }

    /// What the workspace says to agents is read on the road, with its origin named; where there is
    /// nothing of the kind, nothing is said. A replay is the same to the byte.
    async fn a_workspace_guides_agents(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let agent = world.thinker("guided").await;
        let models = Arc::new(Guided);
        let life = world.live_as(Setting { models, ..Setting::default() }).await;
        let run = life.runs.start(&world.ctx, turn(&agent, "guide them")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        let answer = world.answer_of(&ended).await;
        let answer = answer.as_str().unwrap();
        assert!(answer.starts_with("From the workspace's notes/AGENTS.md."), "{answer}");
        // The one at the top is not there; it was looked for once, on the road.
        assert_eq!(world.count(run.id, "tool.failed").await, 1);
        // Two questions, one file written, two looked for.
        assert_eq!(world.count(run.id, "tool.intended").await, 5);
        life.end();
        let engine = world.people.engine();
        let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
    }

    /// What a run has spent on models is a fact that policies decide on.
    async fn policies_see_what_a_run_has_spent(db: TestDb) {
        let world = World::new(db).await;
        let capped = with_models().replace(
            "\"model.call\", resource);",
            "\"model.call\", resource) when { context.spend_usd_micros < 7 };",
        );
        world.publish(&capped).await;
        let agent = world.thinker("clerk").await;
        let life = world.live().await;
        let run = life.runs.start(&world.ctx, turn(&agent, "copy the list")).await.unwrap();
        let ended = world.watch(&life, run.id, Resolution::Fail, State::is_over).await.unwrap();
        let State::Failed { failure } = ended.state else { panic!("{:?}", ended.state) };
        assert_eq!(failure.code, "POLICY_DENIED");
        // The first question was asked, the second was not.
        assert_eq!(world.count(run.id, "tool.denied").await, 1);
        assert_eq!(world.count(run.id, "tool.executed").await, 3);
        life.end();
    }
}
