//! The server dies at every store call and at every effect of a run, and a new one goes on: the run
//! ends as if nothing had happened, and nothing was done twice that must not be.

use db::on_both_databases;
use runs::{NewRun, Resolution, Run, State};
use serde_json::{Value, json};

use crate::models::with_models;
use crate::reruns::again;
use crate::world::{World, tool, turn};

/// A run, and what must be true of the world after it, however often the server died.
struct Case {
    name: &'static str,
    /// How it is started.
    new: NewRun,
    /// What people say about an outcome that nobody knows.
    unknown: Resolution,
    /// Whether the answer is the same after every crash; not so where a crash leaves an outcome that
    /// only a person could decide on.
    same_answer: bool,
}

/// What was seen outside.
#[derive(Debug, PartialEq)]
struct Effects {
    /// Changes that the node made.
    changes: Vec<(String, String)>,
    pages: u32,
    mails: u32,
}

impl World {
    fn effects(&self) -> Effects {
        Effects {
            changes: self.node.memory().changes.clone(),
            pages: self.sink.count("GET /page"),
            mails: self.sink.count("POST /mail"),
        }
    }
}

/// Runs a case to its end; the server dies at that point of its first life. Says whether it did.
async fn run(world: &World, case: &Case, die_at: u64) -> (Option<Run>, bool, u64) {
    let mut life = world.live().await;
    life.db.faults().die_at(die_at);
    let before = newest(world).await;
    let started = life.runs.start(&life.ctx, case.new.clone()).await;
    let id = match started {
        Ok(run) => run.id,
        // Not acknowledged. It may be there all the same, and then it is a run like any other.
        Err(_) => match newest(world).await {
            Some(id) if Some(id) != before => id,
            Some(_) | None => return (None, true, life.db.faults().passed()),
        },
    };
    let mut lives = 1;
    let mut passed = None;
    let ended = loop {
        let found = world.watch(&life, id, case.unknown, State::is_over).await;
        passed.get_or_insert(life.db.faults().passed());
        if let Some(run) = found {
            break run;
        }
        life.end();
        life = world.live().await;
        lives += 1;
    };
    life.end();
    (Some(ended), lives > 1, passed.unwrap_or_default())
}

async fn newest(world: &World) -> Option<vocab::RunId> {
    let filter = runs::RunFilter::default();
    let all = world
        .people
        .list(&world.ctx, &filter, None, 10)
        .await
        .unwrap();
    all.iter()
        .filter(|run| run.parent.is_none())
        .map(|run| run.id)
        .next()
}

/// A result without what differs from run to run by nature: ids, and how long it took.
fn stable(answer: &Value) -> String {
    let text = answer.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("art_") {
        out.push_str(&rest[..at]);
        out.push_str("art_…");
        rest = rest.get(at + 40..).unwrap_or_default();
    }
    out + rest
}

async fn die_everywhere(world: &World, case: &Case) {
    let before = world.effects();
    let (reference, died, points) = run(world, case, u64::MAX).await;
    assert!(!died);
    let reference = reference.unwrap();
    let expected = stable(&world.answer_of(&reference).await);
    let after = world.effects();
    let once = after.changes.len() - before.changes.len();
    let mails = after.mails - before.mails;
    assert!(points > 20, "{}: {points} points", case.name);
    let (mut unknown, mut deaths) = (0, 0);
    for n in 1.. {
        let before = world.effects();
        let (ended, died, _) = run(world, case, n).await;
        let after = world.effects();
        let place = format!("{}, dead at {n} of {points}", case.name);
        if !died {
            break;
        }
        deaths += 1;
        let changed = &after.changes[before.changes.len()..];
        let Some(ended) = ended else {
            // Never acknowledged and not there: then nothing was done either.
            assert_eq!(before, after, "{place}");
            continue;
        };
        let asked = world.count(ended.id, "tool.outcome_unknown").await;
        unknown += asked;
        if case.same_answer {
            assert_eq!(ended.state, reference.state, "{place}");
            assert_eq!(stable(&world.answer_of(&ended).await), expected, "{place}");
            // The node remembers: however often it is asked, it is done once.
            assert_eq!(changed.len(), once, "{place}: {changed:?}");
            assert_eq!(asked, 0, "{place}");
        }
        // What must not be repeated was attempted once, unless a person said otherwise.
        if asked == 0 {
            assert_eq!(after.mails - before.mails, mails, "{place}");
        } else {
            assert!(after.mails - before.mails <= mails, "{place}");
        }
        let none = runs::Changes::default();
        let replayed = world
            .people
            .engine()
            .replay(&world.ctx, &ended, &none, 0)
            .await;
        let replayed = replayed.unwrap();
        assert!(
            replayed.identical,
            "{place}: {:?}",
            replayed.first_divergence
        );
    }
    assert!(deaths > 20, "{}: only {deaths} deaths", case.name);
    assert_eq!(
        world.node.memory().unrecorded,
        [],
        "done before it was recorded"
    );
    eprintln!("{}: {deaths} deaths, {unknown} unknown outcomes", case.name);
}

on_both_databases! {
    /// A turn with every kind of step whose outcome can be found out or repeated.
    async fn a_turn_ends_the_same(db: TestDb) {
        let world = World::new(db).await;
        world.agent("helper").await;
        let clerk = world.agent("clerk").await;
        let message = format!(
            "read notes/todo.md; write notes/copy.md: {{{{1}}}}; fetch {}; \
             save artifact list from notes/todo.md; wait 1ms; \
             call agent helper: read notes/todo.md; read secrets/key",
            world.sink.url("/page")
        );
        let case = Case {
            name: "a turn",
            new: turn(&clerk, &message),
            unknown: Resolution::Fail,
            same_answer: true,
        };
        die_everywhere(&world, &case).await;
    }

    /// A turn that a model plans: after a crash a question may be asked again, and what it led to is
    /// done once.
    async fn a_model_s_turn_ends_the_same(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let clerk = world.thinker("clerk").await;
        let case = Case {
            name: "a model's turn",
            new: turn(&clerk, "copy the list"),
            unknown: Resolution::Fail,
            same_answer: true,
        };
        die_everywhere(&world, &case).await;
    }

    /// A replay that asks a model anew is a run like any other.
    async fn a_replay_that_asks_anew_ends_the_same(db: TestDb) {
        let world = World::new(db).await;
        world.publish(&with_models()).await;
        let clerk = world.thinker("clerk").await;
        let life = world.live().await;
        let copied = life.runs.start(&world.ctx, turn(&clerk, "copy the list")).await.unwrap();
        let copied = world.end(&life, copied.id).await;
        life.end();
        let case = Case {
            name: "a replay that asks anew",
            new: NewRun { input: again(&copied), session: None, ..tool("noop", json!({})) },
            unknown: Resolution::Fail,
            same_answer: true,
        };
        die_everywhere(&world, &case).await;
        assert_eq!(world.node.memory().changes.len(), 1, "a replay carried something out");
    }

    /// What must not be repeated, at a host that remembers nothing: done at most once, and where
    /// nobody knows, a person is asked.
    async fn a_request_that_must_not_be_repeated(db: TestDb) {
        let world = World::new(db).await;
        let arguments = json!({ "url": world.sink.url("/mail"), "method": "POST", "body": "hello" });
        let case = Case {
            name: "a mail",
            new: tool("http.fetch", arguments),
            unknown: Resolution::Skip,
            same_answer: false,
        };
        die_everywhere(&world, &case).await;
    }

    /// What must not be repeated, on a node: the node knows whether it was done.
    async fn an_edit_happens_once(db: TestDb) {
        let world = World::new(db).await;
        let arguments = json!({ "path": "notes/todo.md", "old": "milk", "new": "milk milk" });
        let case = Case {
            name: "an edit",
            new: tool("file.edit", arguments),
            unknown: Resolution::Fail,
            same_answer: true,
        };
        die_everywhere(&world, &case).await;
    }
}
