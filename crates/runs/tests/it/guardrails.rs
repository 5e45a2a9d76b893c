//! Guardrails on the road: what is found in arguments is a fact that policies decide on, and what they
//! mask leaves masked, while the journal keeps what was meant.

use std::sync::{Arc, Mutex};

use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use policy::exchange::Exchange;
use runs::{Changes, Resolution, State};
use serde_json::{Value, json};
use tools::ToolResult;
use tools::model::ModelGateway;
use vocab::{Intent, SessionId};

use crate::models::with_models;
use crate::world::{POLICY, Setting, World, tool, turn};

const CARD: &str = "4111 1111 1111 1111";
const MASKED: &str = "[masked:payment_card]";

/// A model that repeats what it is asked, and remembers it.
#[derive(Default)]
struct Parrot(Mutex<Vec<(Value, String)>>);

impl ModelGateway for Parrot {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        exchange: Box<Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let counted: Vec<String> = exchange
            .masked()
            .iter()
            .map(|(it, n)| format!("{it}: {n}"))
            .collect();
        self.0
            .lock()
            .unwrap()
            .push((intent.arguments.clone(), counted.join(", ")));
        let reply = json!({
            "parts": [{ "type": "text", "text": "fine" }], "stop": "done", "served": "fake/parrot",
            "usage": { "input_tokens": 1, "output_tokens": 1 },
        });
        Box::pin(async move {
            ToolResult {
                masked: exchange.masked().clone(),
                ..ToolResult::success(reply)
            }
        })
    }
}

fn masking() -> String {
    let mask = "@mask(\"payment_card\")\n@id(\"fetch\")";
    POLICY.replace("@id(\"fetch\")", mask)
}

on_both_databases! {
    /// A card that an outward request would take along is seen by policy; without one, it goes.
    async fn what_arguments_hold_decides(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&format!(
            "{POLICY}\n@id(\"no-cards\") @reason(\"cards stay here\") forbid (principal, action == Chancery::Action::\"http.fetch\", resource)\n\
             when {{ context.detected.contains(Chancery::Category::\"payment_card\") }};"
        )).await;
        let life = world.live().await;
        for (body, state) in [(CARD, false), ("nothing to see", true)] {
            let path = format!("/post/{state}");
            let arguments = json!({ "url": world.sink.url(&path), "method": "POST", "body": body });
            let run = life.runs.start(&world.ctx, tool("http.fetch", arguments)).await.unwrap();
            let ended = world.watch(&life, run.id, Resolution::Fail, State::is_over).await.unwrap();
            assert_eq!(ended.state == State::Succeeded, state, "{:?}", ended.state);
            assert_eq!(world.sink.count(&format!("POST {path}")), u32::from(state));
            let journal = world.journal(run.id).await;
            let (_, decided) = journal.iter().find(|(kind, _)| kind == "policy.decided").unwrap();
            let detected = if state { Value::Null } else { json!(["payment_card"]) };
            assert_eq!(decided["question"]["context"]["detected"], detected);
            assert!(!decided.to_string().contains("4111"));
        }
        life.end();
    }

    /// A request leaves with its body masked; the record counts it, and the intent is what it was.
    async fn an_outward_request_leaves_masked(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&masking()).await;
        let life = world.live().await;
        for (body, sent) in [(format!("pay {CARD} now"), format!("pay {MASKED} now")), ("pay now".into(), "pay now".into())] {
            let url = world.sink.url("/pay");
            let arguments = json!({ "url": url, "method": "POST", "body": body, "headers": { "x-note": body } });
            let run = life.runs.start(&world.ctx, tool("http.fetch", arguments)).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(ended.state, State::Succeeded);
            assert_eq!(world.sink.last_body("POST /pay"), sent);
            let journal = world.journal(run.id).await;
            let (_, done) = journal.iter().find(|(kind, _)| kind == "tool.executed").unwrap();
            let counted = if body == sent { Value::Null } else { json!({ "payment_card": 2 }) };
            assert_eq!(done["masked"], counted);
            let engine = world.people.engine();
            let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
            assert!(report.identical, "{:?}", report.first_divergence);
        }
        life.end();
    }

    /// What comes back is masked before the agent has it.
    async fn what_comes_back_is_masked(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        let page = format!("The card is {CARD}, the mail a@example.org.");
        world.sink.put("/page", &page);
        for (policy, shown) in [(masking(), page.replace(CARD, MASKED)), (POLICY.to_owned(), page.clone())] {
            world.publish(&policy).await;
            let arguments = json!({ "url": world.sink.url("/page") });
            let run = life.runs.start(&world.ctx, tool("http.fetch", arguments)).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(ended.state, State::Succeeded);
            let answer = world.answer_of(&ended).await;
            assert!(answer.to_string().contains(&shown), "{answer}");
        }
        life.end();
    }

    /// An address can't be masked: it would lead elsewhere.
    async fn what_is_in_an_address_goes_nowhere(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&masking()).await;
        let life = world.live().await;
        for (path, state) in [("/card/4111111111111111", false), ("/card/4111111111111112", true)] {
            let arguments = json!({ "url": world.sink.url(path) });
            let run = life.runs.start(&world.ctx, tool("http.fetch", arguments)).await.unwrap();
            let ended = world.watch(&life, run.id, Resolution::Fail, State::is_over).await.unwrap();
            assert_eq!(ended.state == State::Succeeded, state, "{:?}", ended.state);
            assert_eq!(world.sink.count(&format!("GET {path}")), u32::from(state));
        }
        life.end();
    }

    /// What an agent asks a model leaves masked, and the replay is the same to the byte.
    async fn a_question_to_a_model_leaves_masked(db: TestDb) {
        let world = World::new(db).await;
        let mask = "@mask(\"payment_card\") @id(\"think\")";
        world.publish(&with_models().replace("@id(\"think\")", mask)).await;
        let agent = world.thinker("clerk").await;
        let parrot = Arc::new(Parrot::default());
        let life = world.live_as(Setting { models: parrot.clone(), ..Setting::default() }).await;
        for (number, (text, counted)) in [(format!("My card is {CARD}."), "payment_card: 1"), ("No card.".into(), "")].into_iter().enumerate() {
            let run = life.runs.start(&world.ctx, turn(&agent, &text)).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(ended.state, State::Succeeded);
            let (asked, noted) = parrot.0.lock().unwrap()[number].clone();
            assert!(asked.to_string().contains(&text.replace(CARD, MASKED)), "{asked}");
            assert_eq!(noted, counted);
            let journal = world.journal(run.id).await;
            let (_, done) = journal.iter().find(|(kind, _)| kind == "tool.executed").unwrap();
            assert_eq!(done["masked"].is_null(), counted.is_empty());
            assert!(!json!(journal).to_string().contains("4111"));
            let engine = world.people.engine();
            let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
            assert!(report.identical, "{:?}", report.first_divergence);
        }
        life.end();
    }
}
