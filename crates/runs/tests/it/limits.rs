//! Limits on tools: no call passes one, whoever makes it and from how many processes; what is refused
//! is in the record; and what is counted is what was done.

use std::time::Duration;

use db::{OrgContext, on_both_databases};
use runs::{Changes, NewRun, Run, State};
use serde_json::{Value, json};
use tools::plans::{self, Bounds, Limit, LimitsError, OwnBounds, Plan, Plans, SetBy, Turnstile};
use tools::policies::NewPolicy;
use vocab::{Clock, Timestamp, limits};

use crate::world::{Life, POLICY, Setting, World, tool, turn};

/// The one plan of an installation.
fn plans(limits: Value) -> Plans {
    let plan = |name: &str, limits| Plan {
        name: name.to_owned(),
        description: String::new(),
        limits,
    };
    let limits: Bounds = serde_json::from_value(limits).unwrap();
    let all = vec![plan("small", limits), plan("unlimited", Bounds::default())];
    Plans::of(all, "small").unwrap()
}

/// A moment in the middle of a day.
fn noon() -> Clock {
    Clock::manual("2026-11-21T12:00:00Z".parse().unwrap())
}

fn advance(clock: &Clock, by: Duration) {
    assert!(clock.advance_micros(i64::try_from(by.as_micros()).unwrap()));
}

async fn limited(world: &World, limits: Value) -> Life {
    world
        .live_as(Setting {
            plans: plans(limits),
            alone: false,
            ..Setting::default()
        })
        .await
}

fn noop() -> NewRun {
    tool("noop", json!({}))
}

fn fetch(url: String) -> NewRun {
    tool("http.fetch", json!({ "url": url }))
}

/// The code with which a run failed; `ok` if it did not.
fn code(run: &Run) -> &str {
    match &run.state {
        State::Failed { failure } => &failure.code,
        State::Succeeded => "ok",
        other => panic!("{other:?}"),
    }
}

impl World {
    /// Has a server carry out a call, and says how it ended.
    async fn call(&self, life: &Life, new: NewRun) -> Run {
        let run = life.runs.start(&life.ctx, new).await.unwrap();
        self.end(life, run.id).await
    }

    async fn codes(&self, life: &Life, calls: Vec<NewRun>) -> Vec<String> {
        let mut codes = Vec::new();
        for new in calls {
            codes.push(code(&self.call(life, new).await).to_owned());
        }
        codes
    }

    /// How much of a limit is used, as an organisation sees it.
    async fn used(&self, life: &Life, limit: Limit) -> u64 {
        self.used_by(life, &life.ctx, limit).await
    }

    async fn used_by(&self, life: &Life, ctx: &OrgContext, limit: Limit) -> u64 {
        let standing = turnstile(life).standing(ctx).await.unwrap();
        let mut readings = standing.readings.iter();
        let reading = readings.find(|it| it.limit == limit).unwrap();
        reading.used.unwrap()
    }

    /// What is stored of what this organisation has used.
    async fn rows(&self) -> usize {
        let sql = "SELECT 1 FROM tool_use WHERE org_id = $1";
        let mut tx = self.ctx.read().await.unwrap();
        tx.all(sql, &[]).await.unwrap().len()
    }
}

fn turnstile(life: &Life) -> Turnstile {
    life.runs.engine().road().turnstile().clone()
}

/// What the record says of a call that was refused: the facts of the denial, and the result.
async fn refused(world: &World, run: &Run) -> (Value, Value) {
    let journal = world.journal(run.id).await;
    let denials: Vec<&Value> = journal
        .iter()
        .filter(|(kind, _)| kind == "tool.denied")
        .map(|(_, data)| data)
        .collect();
    assert_eq!(denials.len(), 1, "{journal:?}");
    let result = world.people.result(&world.ctx, run).await.unwrap();
    (
        denials[0].clone(),
        serde_json::to_value(result.unwrap().error).unwrap(),
    )
}

on_both_databases! {
    /// A day has so many calls; the next day has as many again, and a restart does not.
    async fn calls_of_a_day(db: TestDb) {
        let clock = noon();
        let world = World::at(db, clock.clone()).await;
        let limits = json!({ "tool_calls_per_day": 3 });
        let life = limited(&world, limits.clone()).await;
        let page = world.sink.url("/page");
        let codes = world.codes(&life, vec![noop(), fetch(page.clone())]).await;
        assert_eq!(codes, ["ok", "ok"]);
        life.finished().await;
        let life = limited(&world, limits).await;
        let codes = world.codes(&life, vec![fetch(page.clone()), fetch(page.clone()), noop()]).await;
        assert_eq!(codes, ["ok", "PLAN_LIMIT", "PLAN_LIMIT"]);
        assert_eq!(world.sink.count("GET /page"), 2);
        assert_eq!(world.used(&life, Limit::ToolCallsPerDay).await, 3);
        // One second before midnight, and at midnight.
        advance(&clock, Duration::from_secs(12 * 3600 - 1));
        assert_eq!(world.codes(&life, vec![noop()]).await, ["PLAN_LIMIT"]);
        advance(&clock, Duration::from_secs(1));
        assert_eq!(world.used(&life, Limit::ToolCallsPerDay).await, 0);
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        life.end();
    }

    /// A call that a limit keeps out is a denied one in the record, which says by which limit, and what
    /// the agent hears says as much. A replay serves it and counts nothing.
    async fn a_refusal_is_recorded_and_replayed(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = limited(&world, json!({ "tool_calls_per_day": 1 })).await;
        let agent = world.agent("clerk").await;
        let message = format!("fetch {0}; fetch {0}", world.sink.url("/page"));
        let run = world.call(&life, turn(&agent, &message)).await;
        assert_eq!(code(&run), "STEP_FAILED");
        let State::Failed { failure } = &run.state else { panic!("{:?}", run.state) };
        assert!(failure.message.contains("1 of 2"), "{}", failure.message);
        assert_eq!(world.sink.count("GET /page"), 1);
        let alone = world.call(&life, noop()).await;
        let (facts, error) = refused(&world, &alone).await;
        let limit = json!({
            "name": "tool_calls_per_day", "set_by": "plan", "max": 1, "used": 1,
            "resets_at": "2026-11-22T00:00:00.000000Z",
        });
        assert_eq!(facts["code"], "PLAN_LIMIT");
        assert_eq!(facts["limit"], limit);
        assert_eq!(error["limit"], limit);
        assert_eq!(error["retryable"], false);
        let said = error["message"].as_str().unwrap();
        for part in ["plan", "`tool_calls_per_day`", "2026-11-22T00:00:00"] {
            assert!(said.contains(part), "{said}");
        }
        for run in [&run, &alone] {
            let engine = world.people.engine();
            let report = engine.replay(&world.ctx, run, &Changes::default(), 0).await.unwrap();
            assert!(report.identical, "{:?}", report.first_divergence);
        }
        assert_eq!(world.used(&life, Limit::ToolCallsPerDay).await, 1);
        life.end();
    }

    /// A minute has so many calls, and there is room again when it is over.
    async fn calls_of_a_minute(db: TestDb) {
        let clock = noon();
        let world = World::at(db, clock.clone()).await;
        let life = limited(&world, json!({ "tool_calls_per_minute": 2 })).await;
        assert_eq!(world.codes(&life, vec![noop(), noop()]).await, ["ok", "ok"]);
        let run = world.call(&life, noop()).await;
        let (facts, error) = refused(&world, &run).await;
        assert_eq!(code(&run), "RATE_LIMITED");
        assert_eq!(facts["limit"]["name"], "tool_calls_per_minute");
        assert_eq!(error["retryable"], true);
        let at: Timestamp = error["limit"]["resets_at"].as_str().unwrap().parse().unwrap();
        let wait = at.since(clock.now());
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(120), "{wait:?}");
        advance(&clock, wait);
        // What it says is when to look again: in the worst case the minute before fades a while longer.
        advance(&clock, Duration::from_secs(60));
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        life.end();
    }

    /// So many calls are under way at once, and one that ends makes room.
    async fn calls_at_once(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = limited(&world, json!({ "tool_calls_concurrent": 2 })).await;
        let gate = world.sink.url("/gate");
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(life.runs.start(&world.ctx, fetch(gate.clone())).await.unwrap());
        }
        world.sink.at_gate(2).await;
        assert_eq!(world.used(&life, Limit::ToolCallsConcurrent).await, 2);
        let run = world.call(&life, fetch(gate.clone())).await;
        let (facts, error) = refused(&world, &run).await;
        assert_eq!(facts["limit"]["name"], "tool_calls_concurrent");
        assert_eq!((&error["code"], &error["retryable"]), (&json!("RATE_LIMITED"), &json!(true)));
        assert_eq!(world.sink.count("GET /gate"), 2);
        world.sink.open();
        for run in held {
            assert_eq!(code(&world.end(&life, run.id).await), "ok");
        }
        assert_eq!(world.used(&life, Limit::ToolCallsConcurrent).await, 0);
        assert_eq!(world.codes(&life, vec![fetch(gate), noop()]).await, ["ok", "ok"]);
        life.end();
    }

    /// What a process held that died comes back with its lease, and not before.
    async fn the_place_of_a_dead_process_comes_back(db: TestDb) {
        let clock = noon();
        let world = World::at(db, clock.clone()).await;
        let limits = json!({ "tool_calls_concurrent": 1 });
        let dying = limited(&world, limits.clone()).await;
        let held = dying.runs.start(&world.ctx, fetch(world.sink.url("/gate"))).await.unwrap();
        world.sink.at_gate(1).await;
        dying.db.faults().die_at(0);
        dying.end();
        let life = limited(&world, limits).await;
        assert_eq!(world.codes(&life, vec![noop()]).await, ["RATE_LIMITED"]);
        advance(&clock, limits::TOOL_CALL_LEASE.saturating_sub(Duration::from_secs(1)));
        assert_eq!(world.codes(&life, vec![noop()]).await, ["RATE_LIMITED"]);
        advance(&clock, Duration::from_secs(2));
        world.sink.open();
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        life.wake.notify_one();
        assert_eq!(code(&world.end(&life, held.id).await), "ok");
        life.end();
    }

    /// A burst over two processes is let in exactly as far as the limit goes.
    async fn a_burst_over_two_processes_never_passes(db: TestDb) {
        const ALLOWED: u32 = 7;
        let world = World::at(db, noon()).await;
        let limits = json!({ "tool_calls_per_day": ALLOWED });
        let lives = [limited(&world, limits.clone()).await, limited(&world, limits).await];
        let page = world.sink.url("/page");
        let mut runs = Vec::new();
        for life in lives.iter().cycle().take(30) {
            let run = life.runs.start(&life.ctx, fetch(page.clone())).await.unwrap();
            runs.push((life, run.id));
        }
        let mut passed = 0;
        for (life, run) in runs {
            match code(&world.end(life, run).await) {
                "ok" => passed += 1,
                other => assert_eq!(other, "PLAN_LIMIT"),
            }
        }
        assert_eq!((passed, world.sink.count("GET /page")), (ALLOWED, ALLOWED));
        for life in lives {
            assert_eq!(world.used(&life, Limit::ToolCallsPerDay).await, u64::from(ALLOWED));
            life.end();
        }
    }

    /// A day has so many bytes in: a call is cut off where they end, and none begins without one.
    async fn bytes_that_come_in(db: TestDb) {
        let world = World::at(db, noon()).await;
        let limit = 100_000;
        let life = limited(&world, json!({ "egress_received_bytes_per_day": limit })).await;
        world.sink.put("/small", &"s".repeat(30_000));
        world.sink.put("/large", &"l".repeat(200_000));
        let [small, large] = ["/small", "/large"].map(|path| fetch(world.sink.url(path)));
        let whole = world.call(&life, small).await;
        let whole = world.people.result(&world.ctx, &whole).await.unwrap().unwrap();
        assert!(whole.ok && !whole.truncated);
        let used = world.used(&life, Limit::EgressReceivedBytesPerDay).await;
        assert!((30_000..31_000).contains(&used), "a head and a body: {used}");
        let cut = world.call(&life, large.clone()).await;
        let cut = world.people.result(&world.ctx, &cut).await.unwrap().unwrap();
        assert!(cut.ok && cut.truncated, "{cut:?}");
        let output = cut.output.unwrap();
        assert_eq!(output["cut_by_limit"], "egress_received_bytes_per_day");
        let body = output["body"].as_str().unwrap().len();
        assert!((69_000..70_000).contains(&body), "{body}");
        assert_eq!(world.used(&life, Limit::EgressReceivedBytesPerDay).await, limit);
        let none = world.call(&life, large.clone()).await;
        let (facts, _) = refused(&world, &none).await;
        assert_eq!(facts["limit"]["name"], "egress_received_bytes_per_day");
        assert_eq!(world.sink.count("GET /large"), 1);
        // What does not go out is not concerned.
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        advance(&world.clock, Duration::from_secs(12 * 3600));
        assert_eq!(world.codes(&life, vec![large]).await, ["ok"]);
        life.end();
    }

    /// A day has so many bytes out. A call that failed has sent what it sent.
    async fn bytes_that_go_out(db: TestDb) {
        let world = World::at(db, noon()).await;
        let limit = limits::EGRESS_OVERHEAD_BYTES_PER_CALL + 6_000;
        let life = limited(&world, json!({ "egress_sent_bytes_per_day": limit })).await;
        let post = |path: &str| {
            let body = "b".repeat(2_000);
            tool("http.fetch", json!({ "url": world.sink.url(path), "method": "PUT", "body": body }))
        };
        assert_eq!(world.codes(&life, vec![post("/one")]).await, ["ok"]);
        let used = world.used(&life, Limit::EgressSentBytesPerDay).await;
        assert!((2_000..2_400).contains(&used), "{used}");
        let failed = world.call(&life, fetch(world.sink.deaf())).await;
        assert_ne!(code(&failed), "ok");
        let more = world.used(&life, Limit::EgressSentBytesPerDay).await;
        assert!((used + 50..used + 400).contains(&more), "{used} {more}");
        assert_eq!(world.codes(&life, vec![post("/two"), post("/three")]).await, ["ok", "PLAN_LIMIT"]);
        assert_eq!((world.sink.count("PUT /two"), world.sink.count("PUT /three")), (1, 0));
        life.end();
    }

    /// A request that can't be sent to its end is refused before it is begun. One that is led on until
    /// the day has nothing left may have been carried out, and whoever decides is told why nobody knows.
    async fn what_ends_a_request_on_its_way_is_said(db: TestDb) {
        let world = World::at(db, noon()).await;
        let limit = limits::EGRESS_OVERHEAD_BYTES_PER_CALL + 150_000;
        let life = limited(&world, json!({ "egress_sent_bytes_per_day": limit })).await;
        world.sink.lead("/on", &world.sink.url("/end"));
        let post = tool("http.fetch", json!({
            "url": world.sink.url("/on"), "method": "POST", "body": "b".repeat(120_000),
        }));
        let run = world.call(&life, post.clone()).await;
        assert_eq!(code(&run), "OUTCOME_UNKNOWN");
        let journal = world.journal(run.id).await;
        let (_, facts) = journal.iter().find(|(kind, _)| kind == "tool.outcome_unknown").unwrap();
        assert_eq!(facts["limit"], "egress_sent_bytes_per_day", "{facts}");
        let next = world.call(&life, post).await;
        let (facts, _) = refused(&world, &next).await;
        assert_eq!(facts["limit"]["name"], "egress_sent_bytes_per_day");
        assert_eq!((world.sink.count("POST /on"), world.sink.last_body("POST /end")), (1, String::new()));
        life.end();
    }

    /// Requests go to the hosts that the plan and the organisation both allow, and to no more than so
    /// many a day, however they are led there.
    async fn hosts(db: TestDb) {
        let world = World::at(db, noon()).await;
        world.publish(&format!(
            r#"{POLICY} @id("there") permit (principal, action == Chancery::Action::"http.fetch",
            resource in Chancery::Host::"localhost");"#
        )).await;
        let here = world.sink.url("/page");
        let there = here.replace("127.0.0.1", "localhost");
        let calls = || vec![fetch(here.clone()), fetch(there.clone()), fetch(here.clone())];
        for (limits, codes) in [
            (json!({}), ["ok", "ok", "ok"]),
            (json!({ "egress_hosts_denied": ["localhost"] }), ["ok", "PLAN_LIMIT", "ok"]),
            (json!({ "egress_hosts_allowed": ["localhost"] }), ["PLAN_LIMIT", "ok", "PLAN_LIMIT"]),
            (json!({ "egress_hosts_per_day": 1 }), ["ok", "PLAN_LIMIT", "ok"]),
        ] {
            let life = limited(&world, limits.clone()).await;
            assert_eq!(world.codes(&life, calls()).await, codes, "{limits}");
            life.end();
        }
        // Nor are they led elsewhere.
        world.sink.lead("/away", &there);
        let away = fetch(world.sink.url("/away"));
        for (limits, expected) in [
            (json!({ "tool_calls_per_day": 1_000 }), "ok"),
            (json!({ "egress_hosts_per_day": 1 }), "EGRESS_REFUSED_BY_POLICY"),
            (json!({ "egress_hosts_denied": ["localhost"] }), "EGRESS_REFUSED_BY_POLICY"),
        ] {
            let life = limited(&world, limits.clone()).await;
            assert_eq!(world.codes(&life, vec![away.clone()]).await, [expected], "{limits}");
            life.end();
        }
        // A number of hosts is of a day.
        advance(&world.clock, Duration::from_secs(12 * 3600));
        let life = limited(&world, json!({ "egress_hosts_per_day": 1 })).await;
        let reversed = vec![fetch(there), fetch(here)];
        assert_eq!(world.codes(&life, reversed).await, ["ok", "PLAN_LIMIT"]);
        life.end();
    }

    /// What is not counted on its way is not turned away before it begins either.
    async fn what_is_not_counted_is_never_turned_away(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = limited(&world, json!({ "tool_calls_per_day": 0 })).await;
        for (tool, is_turned_away) in [
            ("model.call", false),
            ("agent.call", false),
            ("noop", true),
            ("http.fetch", true),
            ("configured", true),
        ] {
            let found = plans::look(&turnstile(&life), &life.ctx, tool).await.unwrap();
            assert_eq!(found.is_some(), is_turned_away, "{tool}");
        }
        life.end();
        // There is room for calls, and for no request.
        let bytes = limits::EGRESS_RECEIVED_BYTES_LEAST - 1;
        let life = limited(&world, json!({ "egress_received_bytes_per_day": bytes })).await;
        for (tool, is_turned_away) in [("noop", false), ("http.fetch", true), ("configured", true)] {
            let found = plans::look(&turnstile(&life), &life.ctx, tool).await.unwrap();
            assert_eq!(found.is_some(), is_turned_away, "{tool}");
        }
        life.end();
    }

    /// What one organisation uses is nobody else's.
    async fn organisations_are_counted_apart(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = limited(&world, json!({ "tool_calls_per_day": 1 })).await;
        let other = world.db.org().await;
        let other = world.authority.context(other.org(), other.actor().clone(), other.role());
        let policy = NewPolicy {
            name: "all".into(),
            cedar: POLICY.into(),
            comment: String::new(),
            managed: false,
        };
        world.policies.publish(&other, policy).await.unwrap();
        assert_eq!(world.codes(&life, vec![noop(), noop()]).await, ["ok", "PLAN_LIMIT"]);
        let theirs = life.runs.start(&other, noop()).await.unwrap();
        let mut commits = life.db.commits();
        let over = async {
            loop {
                let run = world.people.get(&other, theirs.id).await.unwrap();
                if run.state.is_over() {
                    return run;
                }
                commits.changed().await.unwrap();
            }
        };
        let over = tokio::time::timeout(Duration::from_secs(60), over).await.unwrap();
        assert_eq!(code(&over), "ok");
        assert_eq!(world.used_by(&life, &other, Limit::ToolCallsPerDay).await, 1);
        let stricter = OwnBounds {
            tool_calls_per_minute: edge::Change::Set(0),
            ..OwnBounds::default()
        };
        plans::update(&turnstile(&life), &other, stricter).await.unwrap();
        let theirs = turnstile(&life).rules(&other).await.unwrap();
        let mine = turnstile(&life).rules(&life.ctx).await.unwrap();
        assert_eq!((theirs.own.is_empty(), mine.own.is_empty()), (false, true));
        life.end();
    }

    /// An admin can set tighter limits than the plan's, and not wider ones; whose limit it was is said.
    async fn own_limits_are_tighter(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = limited(&world, json!({ "tool_calls_per_day": 5 })).await;
        let calls = |most| OwnBounds {
            tool_calls_per_day: edge::Change::Set(most),
            ..OwnBounds::default()
        };
        let wider = plans::update(&turnstile(&life), &life.ctx, calls(6)).await;
        assert!(matches!(wider, Err(LimitsError::Bounds(it)) if it.limit == Limit::ToolCallsPerDay));
        plans::update(&turnstile(&life), &life.ctx, calls(1)).await.unwrap();
        let codes = world.codes(&life, vec![noop(), noop()]).await;
        assert_eq!(codes, ["ok", "ORGANISATION_LIMIT"]);
        let holds = turnstile(&life).rules(&life.ctx).await.unwrap();
        let holds = holds.limit(Limit::ToolCallsPerDay).unwrap();
        assert_eq!((holds.value, holds.set_by), (1, SetBy::Organisation));
        // Without it the plan's holds again.
        let cleared = OwnBounds {
            tool_calls_per_day: edge::Change::Clear,
            ..OwnBounds::default()
        };
        plans::update(&turnstile(&life), &life.ctx, cleared).await.unwrap();
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        life.end();
    }

    /// Once the plan has become tighter than what an admin had set, the plan's limit holds, and the
    /// other limits can be changed all the same.
    async fn a_tighter_plan_stands_in_the_way_of_no_change(db: TestDb) {
        let world = World::at(db, noon()).await;
        let before = limited(&world, json!({ "tool_calls_per_day": 5 })).await;
        let calls = |most| OwnBounds {
            tool_calls_per_day: edge::Change::Set(most),
            ..OwnBounds::default()
        };
        plans::update(&turnstile(&before), &before.ctx, calls(5)).await.unwrap();
        before.end();
        let life = limited(&world, json!({ "tool_calls_per_day": 2 })).await;
        let other = OwnBounds {
            tool_calls_per_minute: edge::Change::Set(60),
            ..OwnBounds::default()
        };
        plans::update(&turnstile(&life), &life.ctx, other).await.unwrap();
        let holds = turnstile(&life).rules(&life.ctx).await.unwrap();
        let holds = holds.limit(Limit::ToolCallsPerDay).unwrap();
        assert_eq!((holds.value, holds.set_by), (2, SetBy::Plan));
        let wider = plans::update(&turnstile(&life), &life.ctx, calls(3)).await;
        assert!(matches!(wider, Err(LimitsError::Bounds(it)) if it.limit == Limit::ToolCallsPerDay));
        plans::update(&turnstile(&life), &life.ctx, calls(1)).await.unwrap();
        life.end();
    }

    /// The operator gives another plan, and a server that runs follows within a second. The
    /// organisation itself has no way to.
    async fn the_operator_gives_plans(db: TestDb) {
        let world = World::at(db, noon()).await;
        let limits = json!({ "tool_calls_per_day": 0 });
        let life = limited(&world, limits.clone()).await;
        assert_eq!(world.codes(&life, vec![noop()]).await, ["PLAN_LIMIT"]);
        let (authority, org) = (&world.authority, world.ctx.org());
        let all = plans(limits);
        let none = plans::assign(authority, &all, org, Some("gold")).await;
        assert!(matches!(none, Err(LimitsError::NoPlan(_))));
        plans::assign(authority, &all, org, Some("unlimited")).await.unwrap();
        assert_eq!(world.codes(&life, vec![noop()]).await, ["PLAN_LIMIT"]);
        advance(&world.clock, limits::TOOL_LIMITS_FRESH_FOR);
        assert_eq!(world.codes(&life, vec![noop()]).await, ["ok"]);
        if world.ctx.engine() == db::Engine::Postgres {
            for sql in [
                "UPDATE org_plans SET plan = 'unlimited' WHERE org_id = $1",
                "DELETE FROM org_plans WHERE org_id = $1",
                "UPDATE tool_use SET version = 1 WHERE org_id = $1",
            ] {
                let mut tx = world.ctx.write().await.unwrap();
                tx.execute(sql, &[]).await.unwrap_err();
            }
        }
        plans::assign(authority, &all, org, None).await.unwrap();
        advance(&world.clock, limits::TOOL_LIMITS_FRESH_FOR);
        assert_eq!(world.codes(&life, vec![noop()]).await, ["PLAN_LIMIT"]);
        life.end();
    }

    /// Where nothing is limited nothing is written.
    async fn without_limits_nothing_is_counted(db: TestDb) {
        let world = World::at(db, noon()).await;
        let life = world.live().await;
        let page = world.sink.url("/page");
        assert_eq!(world.codes(&life, vec![noop(), fetch(page.clone())]).await, ["ok", "ok"]);
        assert_eq!(world.rows().await, 0);
        life.finished().await;
        let life = limited(&world, json!({ "egress_hosts_denied": ["example.com"] })).await;
        assert_eq!(world.codes(&life, vec![fetch(page)]).await, ["ok"]);
        assert_eq!(world.rows().await, 1);
        life.end();
    }
}
