//! Which process controls which chat: two of them, on one database.

use chat::placement::{Place, Placements};
use db::on_both_databases;
use db::testing::TestDb;
use vocab::{OrgId, SessionId};

use crate::world::World;

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
        let process = |address: &str| Placements::new(world.db.authority.clone(), address.into());
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
