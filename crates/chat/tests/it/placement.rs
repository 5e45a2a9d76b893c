//! Which process controls which chat: two of them, on one database.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chat::Live;
use chat::live::{LINK_BACKLOG, Link, Listener, Peers};
use chat::placement::{Place, Placements};
use db::on_both_databases;
use db::testing::TestDb;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use vocab::{AgentId, OrgId, RunId, SessionId, UserId};

use crate::world::World;

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
