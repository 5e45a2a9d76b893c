//! What a run can meet on its way: signals, other runs, people, nodes that go away, other tenants.

use std::sync::Arc;

use db::on_both_databases;
use policy::approval::Scope;
use runs::{
    Effect, Finish, Input, Next, OneTool, Outcome, Program, Resolution, Run, RunError, State,
    WaitingFor, Wanted,
};
use serde_json::{Value, json};
use tools::{Answer, Status};
use vocab::{ApprovalId, RunId};

use crate::world::{Life, POLICY, Setting, World, tool, turn};

/// A program that waits for one signal and gives what it carried.
struct Listener(Option<Value>);

impl Program for Listener {
    fn apply(&mut self, _: u32, outcome: &Outcome) {
        if let Outcome::Signalled(carried) = outcome {
            self.0 = Some(carried.clone());
        }
    }

    fn next(&self) -> Next {
        match &self.0 {
            Some(answer) => Next::Finish(Finish::Succeeded {
                answer: answer.clone(),
            }),
            None => Next::Perform(vec![Wanted {
                step: 1,
                effect: Effect::Signal {
                    name: "go".to_owned(),
                },
            }]),
        }
    }
}

/// A program that wants the same for ever, whatever comes of it.
struct Stuck(Vec<Wanted>);

impl Program for Stuck {
    fn apply(&mut self, _: u32, _: &Outcome) {}

    fn next(&self) -> Next {
        Next::Perform(self.0.clone())
    }
}

/// Programs of tools, but for one that listens.
fn listening(input: &Input) -> Box<dyn Program> {
    match input {
        Input::Tool { tool, arguments } if tool == "listen" => {
            assert_eq!(*arguments, json!({}));
            Box::new(Listener(None))
        }
        Input::Tool { tool, arguments } => Box::new(OneTool::new(tool, arguments)),
        Input::AgentTurn { .. } | Input::Replay(_) | Input::Summary(_) => agents::programs(input),
    }
}

fn waits_for(name: &'static str) -> impl Fn(&State) -> bool {
    move |state| matches!(state, State::Waiting { waiting_for } if waiting_for.as_str() == name)
}

impl World {
    /// Watches a run without ever answering anything for it.
    async fn until(&self, life: &Life, run: RunId, fits: impl Fn(&State) -> bool) -> Run {
        let fits = |state: &State| state.is_over() || fits(state);
        let seen = self.watch(life, run, Resolution::Fail, fits).await;
        seen.unwrap()
    }

    async fn asked(&self, life: &Life, run: RunId) -> ApprovalId {
        let run = self.until(life, run, waits_for("approval")).await;
        match run.state {
            State::Waiting {
                waiting_for: WaitingFor::Approval { approval },
            } => approval,
            other => panic!("nobody is asked: {other:?}"),
        }
    }

    /// The code with which the only step of a run failed.
    async fn failed_with(&self, run: &Run) -> String {
        match &run.state {
            State::Failed { failure } => failure.code.clone(),
            other => panic!("{other:?}: {}", self.answer_of(run).await),
        }
    }
}

fn write(path: &str) -> runs::NewRun {
    tool("file.write", json!({ "path": path, "content": "x" }))
}

on_both_databases! {
    /// A signal is taken once, by its name, and kept for a run that does not wait for it yet.
    async fn a_signal_is_heard(db: TestDb) {
        let world = World::new(db).await;
        let programs: runs::Programs = Arc::new(listening);
        let life = world.live_as(Setting { programs: Arc::clone(&programs), ..Setting::default() }).await;
        let run = life.runs.start(&world.ctx, tool("listen", json!({}))).await.unwrap();
        let waiting = world.until(&life, run.id, waits_for("signal")).await;
        assert!(!waiting.state.is_over());
        life.runs.signal(&world.ctx, run.id, "stop", &json!("no")).await.unwrap();
        life.runs.signal(&world.ctx, run.id, "go", &json!({"n": 1})).await.unwrap();
        // The run may be over by now.
        let second = life.runs.signal(&world.ctx, run.id, "go", &json!({"n": 2})).await;
        assert!(matches!(second, Ok(()) | Err(RunError::Over)), "{second:?}");
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.answer_of(&ended).await, json!({"n": 1}));
        assert_eq!(world.count(run.id, "signal.received").await, 1);
        let late = life.runs.signal(&world.ctx, run.id, "go", &json!(3)).await;
        assert!(matches!(late, Err(RunError::Over)), "{late:?}");
        let other = world.db.org().await;
        let foreign = life.runs.signal(&other, run.id, "go", &json!(3)).await;
        assert!(matches!(foreign, Err(RunError::NotFound(_))), "{foreign:?}");
        life.end();

        // Sent while no server is there.
        let early = world.people.start(&world.ctx, tool("listen", json!({}))).await.unwrap();
        world.people.signal(&world.ctx, early.id, "go", &json!("early")).await.unwrap();
        let life = world.live_as(Setting { programs, ..Setting::default() }).await;
        let ended = world.end(&life, early.id).await;
        assert_eq!(world.answer_of(&ended).await, json!("early"));
        life.end();
    }

    /// Whoever ends a run ends what it started, and what people were asked for it.
    async fn a_cancel_reaches_everything_below(db: TestDb) {
        let world = World::new(db).await;
        world.agent("helper").await;
        let clerk = world.agent("clerk").await;
        let life = world.live().await;
        let message = "call agent helper: write notes/a: x";
        let run = life.runs.start(&world.ctx, turn(&clerk, message)).await.unwrap();
        let parent = world.until(&life, run.id, waits_for("child")).await;
        let State::Waiting { waiting_for: WaitingFor::Child { run: child } } = parent.state else {
            panic!("{:?}", parent.state)
        };
        let approval = world.asked(&life, child).await;
        life.runs.cancel(&world.ctx, run.id).await.unwrap();
        assert_eq!(world.end(&life, run.id).await.state, State::Cancelled);
        assert_eq!(world.end(&life, child).await.state, State::Cancelled);
        let asked = tools::find_approval(&world.ctx, approval).await.unwrap().unwrap();
        assert_eq!(asked.status, Status::Withdrawn);
        assert_eq!(world.node.memory().changes, []);
        // Once more changes nothing.
        let journal = world.journal(run.id).await;
        let again = life.runs.cancel(&world.ctx, run.id).await.unwrap();
        assert_eq!(again.state, State::Cancelled);
        assert_eq!(world.journal(run.id).await, journal);
        let other = world.db.org().await;
        assert!(matches!(life.runs.cancel(&other, run.id).await, Err(RunError::NotFound(_))));
        life.end();
    }

    /// Whoever ends a run and whoever answers for one below it never stand in each other's way: the
    /// answer came in time or too late, and both runs are over.
    async fn an_answer_meets_a_cancel(db: TestDb) {
        let world = World::new(db).await;
        world.agent("helper").await;
        let clerk = world.agent("clerk").await;
        let life = world.live().await;
        for round in 0..24 {
            let message = "call agent helper: write notes/a: x";
            let run = life.runs.start(&world.ctx, turn(&clerk, message)).await.unwrap();
            let parent = world.until(&life, run.id, waits_for("child")).await;
            let State::Waiting { waiting_for: WaitingFor::Child { run: child } } = parent.state else {
                panic!("{:?}", parent.state)
            };
            let asked = world.asked(&life, child).await;
            let asked = tools::find_approval(&world.ctx, asked).await.unwrap().unwrap();
            let answering = async {
                let mut tx = world.ctx.write().await.unwrap();
                let yes = Answer::Approve { scope: Scope::Once };
                let said = (&yes, None);
                match life.runs.answer_in(&world.ctx, &mut tx, &asked, said).await {
                    Ok(_) => tx.commit().await.unwrap(),
                    Err(tools::ApprovalError::NotPending(Status::Withdrawn)) => drop(tx),
                    Err(error) => panic!("{error:?}"),
                }
            };
            let cancelling = life.runs.cancel(&world.ctx, run.id);
            if round % 2 == 0 {
                tokio::join!(cancelling, answering).0.unwrap();
            } else {
                // Then the answer meets the worker that takes the request back.
                cancelling.await.unwrap();
                answering.await;
            }
            life.runs.poked();
            assert!(world.end(&life, run.id).await.state.is_over());
            assert!(world.end(&life, child).await.state.is_over());
        }
        life.end();
    }

    /// An answer that was lost on the way is put before a person, and what the person says is done.
    async fn an_unknown_outcome_is_decided_by_a_person(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        let send = || tool("http.fetch", json!({ "url": world.sink.deaf(), "method": "POST" }));
        for (said, attempts, code) in [
            (Resolution::Skip, 1, "OUTCOME_UNKNOWN"),
            (Resolution::Fail, 1, "OUTCOME_UNKNOWN"),
        ] {
            let before = world.sink.count("deaf");
            let run = life.runs.start(&world.ctx, send()).await.unwrap();
            let waiting = world.until(&life, run.id, waits_for("decision")).await;
            assert_eq!(waiting.state, State::Waiting { waiting_for: WaitingFor::Decision { step: 1 } });
            life.runs.resolve(&world.ctx, run.id, said).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(world.failed_with(&ended).await, code);
            assert_eq!(world.sink.count("deaf") - before, attempts, "{said:?}");
            let late = life.runs.resolve(&world.ctx, run.id, said).await;
            assert!(matches!(late, Err(RunError::NothingToResolve)), "{late:?}");
        }
        // Repeated, it is sent once more, and asked about once more.
        let before = world.sink.count("deaf");
        let run = life.runs.start(&world.ctx, send()).await.unwrap();
        world.until(&life, run.id, waits_for("decision")).await;
        life.runs.resolve(&world.ctx, run.id, Resolution::Repeat).await.unwrap();
        let mut commits = life.db.commits();
        let sent_again = async {
            while world.count(run.id, "tool.outcome_unknown").await < 2 {
                commits.changed().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), sent_again).await.unwrap();
        world.until(&life, run.id, waits_for("decision")).await;
        life.runs.resolve(&world.ctx, run.id, Resolution::Skip).await.unwrap();
        world.end(&life, run.id).await;
        assert_eq!(world.sink.count("deaf") - before, 2);
        assert_eq!(world.count(run.id, "capability.issued").await, 2);

        // What is harmless is repeated without a question: as often as a call may be.
        let harmless = tool("http.fetch", json!({ "url": world.sink.deaf() }));
        let run = life.runs.start(&world.ctx, harmless).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert!(matches!(ended.state, State::Failed { .. }), "{:?}", ended.state);
        assert_eq!(world.count(run.id, "tool.outcome_unknown").await, 0);
        life.end();
    }

    /// What a person said counts for exactly what was asked, as far as the scope reaches.
    async fn a_yes_reaches_as_far_as_it_says(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let life = world.live().await;
        let start = async |message: &str| {
            let run = life.runs.start(&world.ctx, turn(&clerk, message)).await.unwrap();
            run.id
        };
        // No.
        let run = start("write a: 1").await;
        let asked = world.asked(&life, run).await;
        world.answer(&life, asked, Answer::Deny).await;
        let ended = world.end(&life, run).await;
        assert_eq!(world.failed_with(&ended).await, "STEP_FAILED");
        assert_eq!(world.count(run, "tool.denied").await, 1);
        assert_eq!(world.node.memory().changes, []);

        // For this run: the second write of the same file asks nobody, another file does.
        let run = start("write a: 1; write a: 2; write b: 3").await;
        let asked = world.asked(&life, run).await;
        world.answer(&life, asked, Answer::Approve { scope: Scope::Run }).await;
        world.end(&life, run).await;
        assert_eq!(world.count(run, "approval.requested").await, 2);
        let run = start("write a: 4").await;
        world.end(&life, run).await;
        assert_eq!(world.count(run, "approval.requested").await, 1);

        // For ever: until it is revoked.
        let run = start("write c: 1").await;
        let asked = world.asked(&life, run).await;
        world.answer(&life, asked, Answer::Approve { scope: Scope::Standing }).await;
        world.end(&life, run).await;
        let run = start("write c: 2").await;
        world.end(&life, run).await;
        assert_eq!(world.count(run, "approval.requested").await, 0);
        let grants = tools::list_grants(&world.ctx).await.unwrap();
        let standing = grants.iter().find(|it| it.run.is_none()).unwrap();
        tools::approvals::revoke(&world.ctx, standing.id).await.unwrap();
        let run = start("write c: 3").await;
        world.end(&life, run).await;
        assert_eq!(world.count(run, "approval.requested").await, 1);
        let paths: Vec<_> = world.node.memory().changes.iter().map(|(_, path)| path.clone()).collect();
        assert_eq!(paths, ["a", "a", "b", "a", "c", "c", "c"]);
        life.end();
    }

    /// A yes is bound to the policies under which it was asked: if they change, it is not spent, and
    /// what they say now counts.
    async fn a_yes_under_other_policies_is_none(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        let run = life.runs.start(&world.ctx, write("a")).await.unwrap();
        let first = world.asked(&life, run.id).await;
        world.publish(&format!("{POLICY}\n// Another revision.\n@id(\"more\") {}",
            r#"permit (principal, action == Chancery::Action::"skill.run", resource);"#)).await;
        world.answer(&life, first, Answer::Approve { scope: Scope::Once }).await;
        // It is asked again, and `end` says yes to that.
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(world.count(run.id, "approval.requested").await, 2);
        assert_eq!(world.count(run.id, "approval.spent").await, 1);
        let unspent = tools::find_approval(&world.ctx, first).await.unwrap().unwrap();
        assert_eq!((unspent.status, unspent.spent_at), (Status::Granted, None));

        let run = life.runs.start(&world.ctx, write("b")).await.unwrap();
        let asked = world.asked(&life, run.id).await;
        world.publish(r#"@id("noop") permit (principal, action == Chancery::Action::"noop", resource);"#).await;
        world.answer(&life, asked, Answer::Approve { scope: Scope::Once }).await;
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.failed_with(&ended).await, "POLICY_DENIED");
        assert_eq!(world.node.memory().changes.len(), 1);
        life.end();
    }

    /// Where a policy wants two people, the one behind the run is not the other one.
    async fn four_eyes_are_two_people(db: TestDb) {
        let world = World::new(db).await;
        world.publish(r#"@id("write") @require_approval("two people") @four_eyes
            permit (principal, action == Chancery::Action::"file.write", resource);"#).await;
        let life = world.live().await;
        let run = life.runs.start(&world.ctx, write("a")).await.unwrap();
        let found = world.asked(&life, run.id).await;
        let yes = Answer::Approve { scope: Scope::Once };
        let mut tx = world.ctx.write().await.unwrap();
        let own = tools::approvals::answer(&world.ctx, &mut tx, found, &yes, None).await;
        assert!(matches!(own, Err(tools::ApprovalError::FourEyes)), "{own:?}");
        drop(tx);
        let second = world.somebody_else();
        let asked = tools::find_approval(&second, found).await.unwrap().unwrap();
        let mut tx = second.write().await.unwrap();
        life.runs.answer_in(&second, &mut tx, &asked, (&yes, None)).await.unwrap();
        tx.commit().await.unwrap();
        life.runs.poked();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        life.end();
    }

    /// A copy of a file is saved only by who may read the file, and the artifact is there with the
    /// word of it.
    async fn a_file_is_saved_by_who_may_read_it(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        let save = |path: &str| tool("artifact.save", json!({ "name": "copy", "path": path }));
        let run = life.runs.start(&world.ctx, save("notes/todo.md")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(world.count(run.id, "policy.decided").await, 2);
        let kept = world.artifacts(run.id).await;
        assert_eq!(kept, [("copy".to_owned(), b"- buy milk\n".to_vec())]);

        let run = life.runs.start(&world.ctx, save("secrets/key")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.failed_with(&ended).await, "POLICY_DENIED");
        let State::Failed { failure } = ended.state else { unreachable!() };
        assert!(failure.message.contains("secrets stay shut"), "{failure:?}");
        assert_eq!(world.count(run.id, "capability.issued").await, 0);
        assert_eq!(world.artifacts(run.id).await, []);
        life.end();
    }

    /// Policies see the labels of the session.
    async fn a_label_of_the_session_counts(db: TestDb) {
        let world = World::new(db).await;
        let closed = r#"@id("confidential") @reason("not in a confidential session")
            forbid (principal, action == Chancery::Action::"http.fetch", resource)
            when { context.labels.contains("confidential") };"#;
        world.publish(&format!("{POLICY}{closed}")).await;
        let session = world.ctx.new_id();
        let fetch = || runs::NewRun {
            session: Some(session),
            ..tool("http.fetch", json!({ "url": world.sink.url("/page") }))
        };
        for (label, fetched) in [("open", 1), ("confidential", 1)] {
            let setting = Setting { labels: vec![label.to_owned()], ..Setting::default() };
            let life = world.live_as(setting).await;
            let run = life.runs.start(&world.ctx, fetch()).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(ended.state == State::Succeeded, label == "open", "{:?}", ended.state);
            assert_eq!(world.sink.count("GET /page"), fetched);
            life.end();
        }
    }

    /// Agents that call each other come to an end.
    async fn runs_do_not_start_runs_for_ever(db: TestDb) {
        let world = World::new(db).await;
        let agent = world.agent("echo").await;
        let life = world.live().await;
        // Each level carries the message of the next one.
        let mut message = "read notes/todo.md".to_owned();
        for _ in 0..vocab::limits::RUN_DEPTH_MAX {
            message = format!("call agent echo: \"{}\"", message.replace('\\', "\\\\").replace('"', "\\\""));
        }
        let run = life.runs.start(&world.ctx, turn(&agent, &message)).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.failed_with(&ended).await, "STEP_FAILED");
        let all = world.people.list(&world.ctx, &runs::RunFilter::default(), None, 100).await.unwrap();
        assert_eq!(all.len(), usize::try_from(vocab::limits::RUN_DEPTH_MAX).unwrap());
        let deepest = all.iter().max_by_key(|run| run.depth).unwrap();
        let refused = world.journal(deepest.id).await;
        assert!(refused.iter().any(|(_, facts)| facts["code"] == "RUN_TOO_DEEP"), "{refused:?}");
        life.end();
    }

    /// A node that is away is waited for; one that turned the job away gets it again, under a new
    /// token.
    async fn a_node_goes_away_and_comes_back(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        let read = || tool("file.read", json!({ "path": "notes/todo.md" }));
        world.node.memory().away = true;
        let run = life.runs.start(&world.ctx, read()).await.unwrap();
        let waiting = world.until(&life, run.id, waits_for("node")).await;
        assert!(!waiting.state.is_over());
        world.node.memory().away = false;
        life.runs.node_is_there().await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.answer_of(&ended).await, json!("- buy milk\n"));

        world.node.memory().refuses = Some(protocol::FailureCode::LeaseLost);
        let run = life.runs.start(&world.ctx, read()).await.unwrap();
        let waiting = world.until(&life, run.id, waits_for("node")).await;
        assert!(!waiting.state.is_over());
        world.node.memory().refuses = None;
        life.runs.node_is_there().await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(world.answer_of(&ended).await, json!("- buy milk\n"));
        assert!(world.count(run.id, "capability.issued").await >= 2);
        assert_eq!(world.node.memory().unrecorded, []);
        life.end();
    }

    /// A program that does not go on is ended: one that wants nothing, and one that wants what it has.
    async fn a_program_that_is_stuck_is_ended(db: TestDb) {
        let world = World::new(db).await;
        let wait = Effect::Timer { wait: std::time::Duration::ZERO };
        for wants in [Vec::new(), vec![Wanted { step: 1, effect: wait }]] {
            let programs: runs::Programs =
                Arc::new(move |_: &Input| Box::new(Stuck(wants.clone())) as Box<dyn Program>);
            let life = world.live_as(Setting { programs, ..Setting::default() }).await;
            let run = life.runs.start(&life.ctx, tool("noop", json!({}))).await.unwrap();
            let ended = world.end(&life, run.id).await;
            assert_eq!(world.failed_with(&ended).await, "PROGRAM_STUCK");
            life.end();
        }
    }

    /// A crowd in one organisation does not keep another one waiting.
    async fn a_crowd_delays_nobody_else(db: TestDb) {
        let world = World::new(db).await;
        let other = world.db.org().await;
                world.policies.publish(&other, tools::policies::NewPolicy {
            name: "all".into(),
            cedar: POLICY.into(),
            comment: String::new(),
            managed: false,
        }).await.unwrap();
        let mut crowd = Vec::new();
        for _ in 0..100 {
            crowd.push(world.people.start(&world.ctx, tool("noop", json!({}))).await.unwrap().id);
        }
        let single = world.people.start(&other, tool("noop", json!({}))).await.unwrap();
        let life = world.live_as(Setting { concurrency: 4, ..Setting::default() }).await;
        let last = crowd[crowd.len() - 1];
        for id in &crowd {
            world.end(&life, *id).await;
        }
        let ended = world.people.get(&other, single.id).await.unwrap();
        assert_eq!(ended.state, State::Succeeded);
        let mut before = 0;
        for id in &crowd {
            let one = world.people.get(&world.ctx, *id).await.unwrap();
            before += usize::from(one.ended_at < ended.ended_at);
        }
        assert!(before <= 8, "{before} of the crowd went first");
        let last = world.people.get(&world.ctx, last).await.unwrap();
        assert!(last.ended_at > ended.ended_at);
        life.end();
    }

    /// One organisation never has more than its share under way at once, and the others have theirs.
    async fn an_organisation_has_its_share_and_no_more(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live_as(Setting { concurrency: 200, ..Setting::default() }).await;
        let share = vocab::limits::RUNS_CONCURRENT_PER_ORG;
        let gate = || tool("http.fetch", json!({ "url": world.sink.url("/gate") }));
        let mut all = Vec::new();
        for _ in 0..share + 6 {
            all.push(life.runs.start(&world.ctx, gate()).await.unwrap().id);
        }
        world.sink.at_gate(u32::try_from(share).unwrap()).await;
        // All places are taken; another organisation is served meanwhile.
        let other = world.db.org().await;
        let denied = life.runs.start(&other, tool("noop", json!({}))).await.unwrap();
        let mut commits = life.db.commits();
        let over = async {
            while !world.people.get(&other, denied.id).await.unwrap().state.is_over() {
                commits.changed().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), over).await.unwrap();
        world.sink.open();
        for id in all {
            assert_eq!(world.end(&life, id).await.state, State::Succeeded);
        }
        assert_eq!(world.sink.at_once(), u32::try_from(share).unwrap());
        life.end();
    }

    /// What can't be queued is not there, and the error says that it is an outage.
    async fn what_can_not_be_queued_is_not_there(db: TestDb) {
        let world = World::new(db).await;
        let life = world.live().await;
        for point in 1..=3 {
            life.db.faults().die_at(point);
            let refused = life.runs.start(&life.ctx, tool("noop", json!({}))).await;
            let Err(error) = refused else { panic!("{:?}", refused.map(|it| it.id)) };
            assert!(error.is_outage(), "{error}");
        }
        life.db.faults().heal();
        let filter = runs::RunFilter::default();
        assert_eq!(world.people.list(&world.ctx, &filter, None, 10).await.unwrap(), []);
        let run = life.runs.start(&life.ctx, tool("noop", json!({}))).await.unwrap();
        assert_eq!(world.end(&life, run.id).await.state, State::Succeeded);
        life.end();
    }
}
