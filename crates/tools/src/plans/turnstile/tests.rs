use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use db::testing::TestDb;
use db::{Authority, Db, OrgContext, on_both_databases};
use serde_json::json;
use vocab::limits::TOOL_CALL_LEASE;
use vocab::{Clock, HttpMethod, Intent, JobId, Random, Target};

use super::{Entered, GATES_SWEPT_EVERY, Ticket, Turnstile, store};
use crate::broker::Attempted;
use crate::plans::{Bounds, Limit, Plan, Plans};

/// One organisation and one process, at a clock that a test moves.
struct World {
    // The database is gone with it.
    db: TestDb,
    clock: Clock,
    database: Db,
    authority: Authority,
    ctx: OrgContext,
}

impl World {
    async fn new(db: TestDb) -> Self {
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().unwrap());
        let opened = Db::open(&db.config, clock.clone(), Random::system()).await;
        let (database, authority) = opened.unwrap();
        let owner = db.org().await;
        let ctx = authority.context(owner.org(), owner.actor().clone(), owner.role());
        Self {
            db,
            clock,
            database,
            authority,
            ctx,
        }
    }

    /// A process in which every organisation has these limits.
    fn turnstile(&self, limits: Bounds) -> Turnstile {
        let plan = Plan {
            name: "small".to_owned(),
            description: String::new(),
            limits,
        };
        Turnstile::new(
            self.authority.clone(),
            Plans::of(vec![plan], "small").unwrap(),
        )
    }

    fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        assert!(self.clock.advance_micros(by));
    }

    fn intent(&self) -> Intent {
        Intent {
            org: self.ctx.org(),
            run: self.ctx.new_id(),
            step: 1,
            agent: None,
            tool: "http.fetch".to_owned(),
            arguments: json!({ "url": "https://example.com/" }),
            target: Target::Http {
                host: "example.com".to_owned(),
                scheme: "https".to_owned(),
                port: 443,
                method: HttpMethod::Get,
                path: "/".to_owned(),
            },
        }
    }

    async fn enter(&self, turnstile: &Turnstile) -> Result<Ticket, &'static str> {
        let job: JobId = self.ctx.new_id();
        match turnstile.enter(&self.ctx, &self.intent(), job).await {
            Ok(Entered::In(ticket)) => Ok(ticket),
            Ok(Entered::Refused(refusal)) => Err(refusal.limit.as_str()),
            Ok(Entered::Free(_)) => Err("free"),
            Err(_) => Err("failed"),
        }
    }

    /// Another organisation.
    async fn other(&self) -> OrgContext {
        let other = self.db.org().await;
        self.authority
            .context(other.org(), other.actor().clone(), other.role())
    }

    async fn used(&self, turnstile: &Turnstile, limit: Limit) -> u64 {
        let standing = turnstile.standing(&self.ctx).await.unwrap();
        let reading = standing.readings.iter().find(|it| it.limit == limit);
        reading.unwrap().used.unwrap()
    }

    /// Waits until so much of a limit is used.
    async fn until(&self, turnstile: &Turnstile, limit: Limit, used: u64) {
        let reached = async {
            while self.used(turnstile, limit).await != used {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
        reached.expect("it is written");
    }
}

/// Gives a future so many turns, and drops it if it is not over then.
async fn turns<T>(mut turns: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match turns.checked_sub(1) {
        None => Poll::Ready(None),
        Some(left) => {
            turns = left;
            future.as_mut().poll(cx).map(Some)
        }
    })
    .await
}

fn one_at_once() -> Bounds {
    Bounds {
        tool_calls_concurrent: Some(1),
        tool_calls_per_day: Some(1_000),
        egress_received_bytes_per_day: Some(1_000_000_000),
        ..Bounds::default()
    }
}

on_both_databases! {
    /// Nobody waits for a call any more: that is written soon, by itself, with what it moved.
    async fn a_call_that_is_dropped_is_written_soon(db: TestDb) {
        let world = World::new(db).await;
        let turnstile = world.turnstile(one_at_once());
        let ticket = world.enter(&turnstile).await.unwrap();
        assert_eq!(world.used(&turnstile, Limit::ToolCallsConcurrent).await, 1);
        let attempt = pending::<Result<Attempted, Infallible>>();
        drop(turns(1, ticket.hold(attempt)).await);
        world.until(&turnstile, Limit::ToolCallsConcurrent, 0).await;
        assert_eq!(world.used(&turnstile, Limit::EgressReceivedBytesPerDay).await, 0);
        assert_eq!(world.used(&turnstile, Limit::ToolCallsPerDay).await, 1);
    }

    /// What came to an end counts from then, however late it is written.
    async fn a_call_that_ended_before_its_lease_did_does_not_run_out(db: TestDb) {
        let world = World::new(db).await;
        let turnstile = world.turnstile(one_at_once());
        let ticket = world.enter(&turnstile).await.unwrap();
        world.database.faults().die_at(0);
        let attempt = pending::<Result<Attempted, Infallible>>();
        drop(turns(1, ticket.hold(attempt)).await);
        world.advance(TOOL_CALL_LEASE * 2);
        world.database.faults().heal();
        let next = world.enter(&turnstile).await.unwrap();
        drop(turns(1, next.hold(pending::<Result<Attempted, Infallible>>())).await);
        world.until(&turnstile, Limit::ToolCallsConcurrent, 0).await;
        assert_eq!(world.used(&turnstile, Limit::EgressReceivedBytesPerDay).await, 0);
    }

    /// Wherever a call is given up while it enters, it leaves nothing behind.
    async fn a_call_that_is_given_up_while_it_enters_holds_no_place(db: TestDb) {
        let world = World::new(db).await;
        let turnstile = world.turnstile(one_at_once());
        let mut given_up = 0;
        loop {
            let entered = turns(given_up, Box::pin(world.enter(&turnstile))).await;
            let over = entered.is_some();
            drop(entered);
            assert_eq!(world.enter(&turnstile).await.map(drop), Ok(()), "after {given_up} turns");
            world.until(&turnstile, Limit::ToolCallsConcurrent, 0).await;
            if over {
                break;
            }
            given_up += 1;
        }
        assert!(given_up > 1, "{given_up}");
    }

    /// Wherever the database fails while a call enters, the call leaves nothing behind.
    async fn a_call_that_fails_to_enter_holds_no_place(db: TestDb) {
        let world = World::new(db).await;
        let turnstile = world.turnstile(one_at_once());
        let mut point = 1;
        loop {
            world.database.faults().die_at(point);
            let entered = world.enter(&turnstile).await;
            world.database.faults().heal();
            let over = entered.is_ok();
            drop(entered);
            assert_eq!(world.enter(&turnstile).await.map(drop), Ok(()), "at {point}");
            world.until(&turnstile, Limit::ToolCallsConcurrent, 0).await;
            if over {
                break;
            }
            point += 1;
            // What is known of limits has to be read anew.
            world.advance(Duration::from_secs(1));
        }
        assert!(point > 1, "{point}");
        let used = world.used(&turnstile, Limit::ToolCallsPerDay).await;
        assert_eq!(used, 0, "none was attempted");
    }

    /// However many calls are under way, one write says so of all of them, and each other write does.
    async fn calls_are_renewed_together(db: TestDb) {
        const CALLS: usize = 10;
        let world = World::new(db).await;
        let limits = Bounds { tool_calls_concurrent: Some(100), ..Bounds::default() };
        let [turnstile, other] = [world.turnstile(limits.clone()), world.turnstile(limits)];
        let nearly = TOOL_CALL_LEASE.saturating_sub(Duration::from_secs(1));
        let mut tickets = Vec::new();
        for _ in 0..CALLS {
            tickets.push(world.enter(&turnstile).await.unwrap());
        }
        // Longer ago than a lease: nobody else has said that they ran out.
        world.advance(TOOL_CALL_LEASE);
        let gate = Arc::clone(&tickets[0].gate);
        gate.row.lock().await.written = None;
        let (_, before) = store::used(&world.ctx).await.unwrap();
        futures::future::join_all(tickets.iter().map(|it| turnstile.renew(&it.ctx, &it.gate))).await;
        let (_, after) = store::used(&world.ctx).await.unwrap();
        assert!((1..5).contains(&(after - before)), "{before} {after}");
        world.advance(nearly);
        assert_eq!(world.used(&other, Limit::ToolCallsConcurrent).await, CALLS as u64);
        let last = world.enter(&turnstile).await.unwrap();
        world.advance(nearly);
        assert_eq!(world.used(&other, Limit::ToolCallsConcurrent).await, CALLS as u64 + 1);
        world.advance(TOOL_CALL_LEASE);
        assert_eq!(world.used(&other, Limit::ToolCallsConcurrent).await, 0);
        drop((tickets, last));
    }

    /// An organisation that does nothing any more takes no room, and one of which a call is under way
    /// is not forgotten.
    async fn organisations_that_do_nothing_are_forgotten(db: TestDb) {
        let world = World::new(db).await;
        let turnstile = world.turnstile(one_at_once());
        let known = || turnstile.0.orgs.read().unwrap().gates.len();
        let ticket = world.enter(&turnstile).await.unwrap();
        for _ in 0..3 {
            turnstile.rules(&world.other().await).await.unwrap();
        }
        assert_eq!(known(), 4);
        world.advance(GATES_SWEPT_EVERY);
        turnstile.rules(&world.other().await).await.unwrap();
        assert_eq!(known(), 2, "the one that calls, and the one that came");
        drop(ticket);
        world.until(&turnstile, Limit::ToolCallsConcurrent, 0).await;
        let forgotten = async {
            while known() > 1 {
                world.advance(GATES_SWEPT_EVERY);
                turnstile.rules(&world.other().await).await.unwrap();
            }
        };
        let forgotten = tokio::time::timeout(Duration::from_secs(20), forgotten).await;
        forgotten.expect("nothing is under way");
    }
}
