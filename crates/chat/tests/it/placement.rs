//! Which process controls which chat: two of them, on one database.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chat::live::{LINK_BACKLOG, Link, Listener, Peers};
use chat::placement::{LEASE, Place, Placements};
use chat::{ChatError, Live, NewMessage, Reading, Which};
use db::testing::TestDb;
use db::{WriteTx, on_both_databases, params};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use vocab::{Actor, AgentId, OrgId, RunId, SessionId, UserId};

use crate::world::{Beside, World};

/// Nobody here is too slow for it.
const LONG: Duration = Duration::from_secs(3_600);

struct Two {
    world: World,
    one: Placements,
    two: Placements,
    org: OrgId,
    session: SessionId,
}

impl Two {
    async fn new(db: TestDb) -> Self {
        let world = World::new(db).await;
        let process = |address: &str| {
            Placements::new(world.db.authority.clone(), address.into()).with_lease(LONG)
        };
        let (one, two) = (process("one:1"), process("two:2"));
        one.join().await.unwrap();
        two.join().await.unwrap();
        let (org, session) = (world.ctx.org(), world.session(&[]).await.id);
        Self {
            world,
            one,
            two,
            org,
            session,
        }
    }

    async fn at(&self, process: &Placements) -> Place {
        process.place(self.org, self.session).await.unwrap()
    }
}

/// The way between processes, without a network.
#[derive(Default)]
struct Direct(OnceLock<HashMap<&'static str, Live>>);

impl Peers for Direct {
    fn link<'a>(
        &'a self,
        address: &'a str,
        org: OrgId,
        session: SessionId,
    ) -> BoxFuture<'a, io::Result<Link>> {
        let live = self.0.get().and_then(|all| all.get(address)).cloned();
        Box::pin(async move {
            let live = live.ok_or(io::ErrorKind::ConnectionRefused)?;
            let (up, from_there) = mpsc::channel(LINK_BACKLOG);
            let (to_there, down) = mpsc::channel(1);
            tokio::spawn(async move { live.attend((org, session), from_there, to_there).await });
            Ok(Link { up, down })
        })
    }
}

/// Listens until it is told something that fits.
async fn told(listener: &mut Listener, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let listening = async {
        loop {
            let delta = listener.next().await;
            let data = serde_json::from_str(&delta.data).unwrap();
            if delta.kind == kind && fits(&data) {
                return data;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(60), listening);
    told.await
        .unwrap_or_else(|_| panic!("nothing that fits was told of {kind}"))
}

fn epoch(place: &Place) -> Option<i64> {
    match place {
        Place::Here { epoch, .. } => Some(*epoch),
        Place::There { .. } | Place::Nowhere => None,
    }
}

on_both_databases! {
    async fn who_comes_first_holds_a_chat(db: TestDb) {
        let it = Two::new(db).await;
        assert_eq!(epoch(&it.at(&it.one).await), Some(1));
        let there = Place::There { address: "one:1".into() };
        assert_eq!(it.at(&it.two).await, there);
        // And keeps it, however often it is asked and whoever forgets.
        it.one.forget(it.session);
        assert_eq!(epoch(&it.at(&it.one).await), Some(1));
        it.two.forget(it.session);
        assert_eq!(it.at(&it.two).await, there);
        assert_eq!((it.one.held(), it.two.held()), (1, 0));
    }

    async fn who_leaves_gives_everything_back(db: TestDb) {
        let it = Two::new(db).await;
        assert_eq!(epoch(&it.at(&it.one).await), Some(1));
        it.one.clone().run(std::future::ready(())).await;
        assert_eq!(it.one.held(), 0);
        // It takes nothing any more, though nobody else has it.
        assert_eq!(it.at(&it.one).await, Place::Nowhere);
        it.two.forget(it.session);
        assert_eq!(epoch(&it.at(&it.two).await), Some(2));
        let there = Place::There { address: "two:2".into() };
        assert_eq!(it.at(&it.one).await, there);
    }

    /// What is live is one for both, and goes on when its controller gives the chat away.
    async fn what_is_live_follows_its_controller(db: TestDb) {
        let it = Two::new(db).await;
        let chat = (it.org, it.session);
        let direct = Arc::new(Direct::default());
        let live = |placements: &Placements| Live::among(placements.clone(), direct.clone());
        let (one, two) = (live(&it.one), live(&it.two));
        assert!(direct.0.set([("one:1", one.clone()), ("two:2", two.clone())].into()).is_ok());
        assert_eq!(epoch(&it.at(&it.one).await), Some(1));
        let (ada, bob): (UserId, UserId) = (it.world.ctx.new_id(), it.world.ctx.new_id());
        let (run, agent): (RunId, AgentId) = (it.world.ctx.new_id(), it.world.ctx.new_id());
        let mut at_one = one.listen(chat, Some(ada));
        let mut at_two = two.listen(chat, Some(bob));
        let came = json!({ "present": [bob], "gone": [], "reset": false });
        told(&mut at_one, "presence", |it| *it == came).await;
        let there = |it: &Value| it["present"].as_array().unwrap().contains(&json!(ada));
        told(&mut at_two, "presence", there).await;

        // Written at either end, read at both.
        for (writer, text) in [(&one, "here "), (&two, "there ")] {
            let mut writing = writer.write(chat, run, agent);
            writing.push(text);
            for listener in [&mut at_one, &mut at_two] {
                told(listener, "message.delta", |it| it["text"] == text).await;
            }
        }
        let mut writing = one.write(chat, run, agent);
        writing.push("begun ");
        told(&mut at_two, "message.delta", |it| it["text"] == "begun ").await;

        // The controller gives it away; what it writes goes on, and who comes then is told all of it.
        it.one.clone().run(std::future::ready(())).await;
        let again = |it: &Value| it["text"] == "begun " && it["reset"] == true;
        told(&mut at_two, "message.delta", again).await;
        assert_eq!(epoch(&it.at(&it.two).await), Some(2));
        writing.push("and done");
        for listener in [&mut at_one, &mut at_two] {
            told(listener, "message.delta", |it| it["text"] == "and done").await;
        }
        let so_far = told(&mut two.listen(chat, None), "message.delta", |_| true).await;
        assert_eq!(so_far["text"], "begun and done");

        // Who goes is gone everywhere.
        drop(at_one);
        told(&mut at_two, "presence", |it| it["gone"] == json!([ada])).await;
        drop((at_two, writing));
        let empty = async {
            while one.rooms_open() + two.rooms_open() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), empty).await.unwrap();
    }

    async fn nobody_holds_what_is_not_there(db: TestDb) {
        let it = Two::new(db).await;
        let theirs = it.world.db.org().await.org();
        let nowhere = it.one.place(theirs, it.session).await.unwrap();
        assert_eq!(nowhere, Place::Nowhere);
        let (clock, random) = (it.world.db.db.clock(), it.world.db.db.random());
        let none = it.one.place(it.org, SessionId::generate(clock, random)).await.unwrap();
        assert_eq!(none, Place::Nowhere);
        assert_eq!(it.one.held(), 0);
    }
}

/// Posts in a transaction that is not over yet.
async fn posting(process: &Beside, session: SessionId, text: &str) -> Result<WriteTx, ChatError> {
    let mut tx = process.ctx.write().await?;
    let new = NewMessage {
        text: text.into(),
        ..NewMessage::default()
    };
    let posted = process.chat.post(&process.ctx, &mut tx, session, new);
    drop(posted.await?);
    Ok(tx)
}

/// A process that stops in the middle of a transaction, as by `SIGSTOP` or with its machine, holds its
/// chat's row. The database ends that transaction about when the lease is over; then another process has
/// the chat and writes to it. What the first one wakes up with is refused, and so is what it begins anew.
#[tokio::test]
async fn a_process_that_stops_in_a_transaction_loses_its_chat() {
    let world = World::new(TestDb::postgres().await).await;
    let clerk = world.agent("clerk").await;
    let (org, session) = (world.ctx.org(), world.session(&[&clerk]).await.id);
    let one = world.beside_as(Some("one:1")).await;
    let two = world.beside_as(Some("two:2")).await;
    let (of_one, of_two) = (
        one.placements.as_ref().unwrap(),
        two.placements.as_ref().unwrap(),
    );
    assert_eq!(epoch(&of_one.place(org, session).await.unwrap()), Some(1));

    // It has written, and never gets to its commit; its signs of life stopped as well.
    let stopped = posting(&one, session, "say lost").await.unwrap();
    let mut tx = world
        .db
        .authority
        .system_write(Actor::system("test"))
        .await
        .unwrap();
    let over = "UPDATE chat_holders SET expires_at_us = 0 WHERE address = $1";
    assert_eq!(tx.execute(over, &params!["one:1"]).await.unwrap(), 1);
    tx.commit_unrecorded("a lease that ran out").await.unwrap();

    let begun = Instant::now();
    assert_eq!(epoch(&of_two.place(org, session).await.unwrap()), Some(2));
    let waited = begun.elapsed();
    // The row was locked until the database gave up on the first process.
    assert!(waited > LEASE / 2 && waited < LEASE * 4, "{waited:?}");
    let written = posting(&two, session, "say found").await.unwrap();
    written.commit().await.unwrap();

    // It wakes up.
    let late = stopped.commit().await;
    assert!(late.is_err(), "{late:?}");
    let again = posting(&one, session, "say it again").await;
    assert!(
        matches!(again, Err(ChatError::Moved)),
        "{:?}",
        again.map(drop)
    );
    let all = (session, Which::All);
    let said = world
        .chat
        .messages(&world.ctx, all, Reading::Oldest(0), 9)
        .await
        .unwrap();
    let texts: Vec<_> = said.iter().filter_map(|it| it.text.clone()).collect();
    assert_eq!(texts[0], "say found");
    assert!(
        !texts
            .iter()
            .any(|it| it.contains("lost") || it.contains("again")),
        "{texts:?}"
    );
}
