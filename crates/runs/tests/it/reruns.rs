//! Replays that ask a model anew: what the record serves, what is asked, and where they stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use runs::{Again, Changes, Input, Run, State};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tools::ToolResult;
use tools::model::ModelGateway;
use vocab::{Intent, RunId, SessionId};

use crate::models::{reply, with_models};
use crate::world::{Life, Setting, World, turn};

/// The model `other`, beside the copyist.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Other {
    /// It says what the copyist says, under ids of its own, after some thought.
    Agrees,
    /// It reads the list and says something else.
    Differs,
    /// It wants to read what nobody has read.
    Wanders,
    /// It wants to read the list twice, and nothing else.
    ReadsTwice,
    /// Its provider fails.
    Fails,
    /// It never answers.
    Hangs,
}

struct Two {
    other: Other,
    asked: AtomicUsize,
    hanging: Notify,
}

impl Two {
    fn new(other: Other) -> Arc<Self> {
        Arc::new(Self {
            other,
            asked: AtomicUsize::new(0),
            hanging: Notify::new(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn call(id: &str, name: &str, arguments: &Value) -> Value {
    json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments.to_string() })
}

fn said(parts: Value, stop: &str) -> Value {
    json!({
        "parts": parts, "stop": stop, "served": "fake/two", "cost_usd_micros": 3,
        "usage": { "input_tokens": 4, "output_tokens": 2 },
    })
}

impl Other {
    fn answer(self, question: &Value) -> Value {
        let first = question["messages"].as_array().unwrap().len() == 1;
        let list = json!({ "path": "notes/todo.md" });
        match self {
            Self::Agrees => {
                let mut same = reply(question);
                for part in same["parts"].as_array_mut().unwrap() {
                    if part["type"] == "tool_call" {
                        part["id"] = json!(format!("other-{}", part["id"]));
                    }
                }
                let thought = json!({ "type": "thinking", "text": "Let me see." });
                same["parts"].as_array_mut().unwrap().insert(0, thought);
                same["served"] = json!("fake/two");
                same["cost_usd_micros"] = json!(3);
                same
            }
            Self::Differs if first => said(json!([call("a", "file_read", &list)]), "tool_use"),
            Self::Wanders if first => {
                let path = json!({ "path": "notes/other.md" });
                said(json!([call("a", "file_read", &path)]), "tool_use")
            }
            Self::ReadsTwice if first => {
                let twice = json!([call("a", "file_read", &list), call("b", "file_read", &list)]);
                said(twice, "tool_use")
            }
            Self::Differs | Self::Wanders | Self::ReadsTwice | Self::Fails | Self::Hangs => {
                said(json!([{ "type": "text", "text": "Milk." }]), "done")
            }
        }
    }
}

impl ModelGateway for Two {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        Box::pin(async {
            let question = &intent.arguments;
            if question["model"] != "other" {
                return ToolResult::success(reply(question));
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            match self.other {
                Other::Fails => ToolResult::failure("MODEL_PROVIDER_ERROR", "it is out", true),
                Other::Hangs => {
                    self.hanging.notify_one();
                    std::future::pending().await
                }
                other => ToolResult::success(other.answer(question)),
            }
        })
    }
}

/// The input of a run that goes through this one again with the model `other`.
pub fn again(run: &Run) -> Input {
    Input::Replay(Box::new(from(run, 1)))
}

fn from(run: &Run, from_seq: u32) -> Again {
    Again {
        run: run.id,
        from_seq,
        model: Some("other".to_owned()),
        instructions: None,
        tool_results: Vec::new(),
    }
}

/// A run that a model planned: it has read the list and written a copy, which a person allowed.
async fn copied(world: &World, other: Other) -> (Life, Arc<Two>, Run) {
    world.publish(&with_models()).await;
    let agent = world.thinker("clerk").await;
    let models = Two::new(other);
    let setting = Setting {
        models: Arc::clone(&models) as Arc<dyn ModelGateway>,
        ..Setting::default()
    };
    let life = world.live_as(setting).await;
    let run = life.runs.start(&world.ctx, turn(&agent, "copy the list"));
    let run = world.end(&life, run.await.unwrap().id).await;
    assert_eq!(run.state, State::Succeeded);
    (life, models, run)
}

/// The report of a replay, and the run that made it.
async fn report(world: &World, life: &Life, of: &Run, again: Again) -> (Value, RunId) {
    let begun = life.runs.replay_anew(&world.ctx, of, again).await.unwrap();
    let run = world.end(life, begun.id).await;
    assert_eq!(run.state, State::Succeeded, "{run:?}");
    assert_eq!((run.kind.as_str(), run.agent), ("replay", None));
    (world.answer_of(&run).await, run.id)
}

fn outcomes(report: &Value) -> Vec<(&str, &str, bool)> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|it| {
            (
                it["tool"].as_str().unwrap(),
                it["outcome"].as_str().unwrap(),
                it["same"].as_bool().unwrap(),
            )
        })
        .collect()
}

on_both_databases! {
    /// Ids and thoughts differ by nature. What counts is the same, and only the model was asked.
    async fn another_model_that_agrees(db: TestDb) {
        let world = World::new(db).await;
        let (life, models, run) = copied(&world, Other::Agrees).await;
        let before = world.journal(run.id).await;
        let (report, replay) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!(report["identical"], true, "{report:#}");
        assert_eq!(report["first_divergence"], Value::Null);
        assert_eq!(outcomes(&report), [
            ("model.call", "asked", true),
            ("file.read", "recorded", true),
            ("file.write", "recorded", true),
            ("model.call", "asked", true),
        ]);
        assert_eq!((models.asked(), &report["outside_effects"]), (2, &json!(2)));
        assert_eq!(world.node.memory().changes.len(), 1);
        let spending = &report["models"];
        assert_eq!(spending["recorded"]["served"], json!(["fake/one"]));
        assert_eq!(spending["asked"]["served"], json!(["fake/two"]));
        assert_eq!((&spending["recorded"]["cost_usd_micros"], &spending["asked"]["cost_usd_micros"]),
            (&json!(14), &json!(6)));
        assert_eq!(spending["difference"]["cost_usd_micros"], -8);
        // Each question was decided on and permitted in a journal of its own; that of the run stands.
        assert_eq!(world.count(replay, "policy.decided").await, 2);
        assert_eq!(world.count(replay, "capability.issued").await, 2);
        assert_eq!(world.journal(run.id).await, before);
        life.end();
        // The replay is a run: it can be repeated without asking anybody.
        let replay = world.people.get(&world.ctx, replay).await.unwrap();
        let plain = world.people.engine().replay(&world.ctx, &replay, &Changes::default(), 0).await;
        let plain = plain.unwrap();
        assert!(plain.identical, "{:?}", plain.first_divergence);
        assert_eq!(models.asked(), 2);
    }

    async fn another_model_that_differs(db: TestDb) {
        let world = World::new(db).await;
        let (life, _, run) = copied(&world, Other::Differs).await;
        let (report, _) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!(report["identical"], false);
        let parted = &report["first_divergence"];
        let journal = world.journal(run.id).await;
        let first = journal.iter().position(|(kind, _)| kind == "tool.executed").unwrap() + 1;
        assert_eq!((&parted["run_seq"], &parted["kind"], &parted["step"]),
            (&json!(first), &json!("tool.executed"), &json!(3)), "{report:#}");
        assert_eq!(parted["recorded"]["said"]["calls"].as_array().unwrap().len(), 2);
        assert_eq!(parted["replayed"]["said"]["calls"].as_array().unwrap().len(), 1);
        assert_eq!(report["end"]["replayed"]["answer"], "Milk.");
        assert_eq!(world.node.memory().changes.len(), 1);
        life.end();
    }

    /// What nobody has done is not done now; with a result to stand in, it goes on.
    async fn an_intent_that_the_record_does_not_have(db: TestDb) {
        let world = World::new(db).await;
        let (life, models, run) = copied(&world, Other::Wanders).await;
        let jobs = world.node.memory().jobs;
        let (stopped, _) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!((&stopped["end"]["replayed"]["state"], &stopped["end"]["replayed"]["code"]),
            (&json!("stopped"), &json!("NOT_IN_RECORD")), "{stopped:#}");
        let last = stopped["steps"].as_array().unwrap().iter().find(|it| it["outcome"] == "missing");
        let last = last.unwrap();
        assert_eq!(last["replayed"]["arguments"], json!({ "path": "notes/other.md" }));
        assert_eq!(models.asked(), 1);
        let step = u32::try_from(last["step"].as_u64().unwrap()).unwrap();
        let given = (step, ToolResult::success(json!("nothing")));
        let changes = Again { tool_results: vec![given], ..from(&run, 1) };
        let (went_on, _) = report(&world, &life, &run, changes).await;
        assert_eq!(went_on["end"]["replayed"]["state"], "succeeded", "{went_on:#}");
        assert!(outcomes(&went_on).contains(&("file.read", "stand_in", false)), "{went_on:#}");
        assert_eq!(world.node.memory().jobs, jobs, "a replay has carried something out");
        life.end();
    }

    /// A result is served again where asking again is harmless.
    async fn an_intent_that_comes_again(db: TestDb) {
        let world = World::new(db).await;
        let (life, _, run) = copied(&world, Other::ReadsTwice).await;
        let jobs = world.node.memory().jobs;
        let (read, _) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!(read["end"]["replayed"]["state"], "succeeded", "{read:#}");
        assert_eq!(world.node.memory().jobs, jobs);
        life.end();
    }

    /// What is before the entry comes from the record; what is after it is asked.
    async fn a_replay_from_the_middle(db: TestDb) {
        let world = World::new(db).await;
        let (life, models, run) = copied(&world, Other::Agrees).await;
        let journal = world.journal(run.id).await;
        let asks = |(kind, data): &(String, Value)| kind == "tool.intended" && data["tool"] == "model.call";
        let second = journal.iter().rposition(asks).unwrap() + 1;
        let second = u32::try_from(second).unwrap();
        let (report, _) = report(&world, &life, &run, from(&run, second)).await;
        assert_eq!(report["identical"], true, "{report:#}");
        let how: Vec<&str> = outcomes(&report).iter().map(|(_, how, _)| *how).collect();
        assert_eq!(how, ["recorded", "recorded", "recorded", "asked"]);
        assert_eq!((models.asked(), &report["models"]["asked"]["questions"]), (1, &json!(1)));
        // Behind the end there is nothing to ask.
        let again = from(&run, run.entries + 1);
        let begun = life.runs.replay_anew(&world.ctx, &run, again).await.unwrap();
        let ended = world.end(&life, begun.id).await;
        assert_eq!(world.answer_of(&ended).await["identical"], true);
        assert_eq!(models.asked(), 1);
        life.end();
    }

    /// A model that can't be asked ends the replay as it would have ended the turn.
    async fn a_provider_that_fails(db: TestDb) {
        let world = World::new(db).await;
        let (life, _, run) = copied(&world, Other::Fails).await;
        let (report, _) = report(&world, &life, &run, from(&run, 1)).await;
        let end = &report["end"]["replayed"];
        assert_eq!((&end["state"], &end["code"]), (&json!("failed"), &json!("MODEL_PROVIDER_ERROR")));
        assert_eq!(report["first_divergence"]["replayed"]["error"], "MODEL_PROVIDER_ERROR");
        assert_eq!(report["models"]["asked"]["questions"], 1);
        life.end();
    }

    /// What the run had read, its replay has read: a policy that keeps it from a model holds.
    async fn a_policy_that_keeps_what_was_read_from_other_models(db: TestDb) {
        let world = World::new(db).await;
        let (life, models, run) = copied(&world, Other::Agrees).await;
        let strict = format!("{}\n{}", with_models(), r#"@id("ours") @reason("private stays here")
            forbid (principal, action == Chancery::Action::"model.call", resource)
            when { context.has_read.private && resource.name == "other" };"#);
        world.publish(&strict).await;
        let (denied, _) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!(denied["end"]["replayed"]["code"], "POLICY_DENIED", "{denied:#}");
        assert_eq!(models.asked(), 0);
        // Nothing else stands in its way.
        world.publish(&with_models()).await;
        let (asked, _) = report(&world, &life, &run, from(&run, 1)).await;
        assert_eq!(asked["identical"], true, "{asked:#}");
        life.end();
    }

    async fn a_replay_that_is_cancelled(db: TestDb) {
        let world = World::new(db).await;
        let (life, models, run) = copied(&world, Other::Hangs).await;
        let begun = life.runs.replay_anew(&world.ctx, &run, from(&run, 1)).await.unwrap();
        models.hanging.notified().await;
        life.runs.cancel(&world.ctx, begun.id).await.unwrap();
        let ended = world.end(&life, begun.id).await;
        assert_eq!(ended.state, State::Cancelled);
        life.end();
    }
}
