//! Which node gets the work.

use nodes::Fate;
use protocol::NodeFrame;
use protocol::frame::Heartbeat;

use crate::fake::{Fake, ended};
use crate::world::{World, dispatching, job};

/// Sends a job to a workspace's node and has it done.
async fn work(world: &World, ctx: &db::OrgContext, fake: &mut Fake, workspace: &str) {
    let job = job(ctx, workspace);
    let waiting = dispatching(world, ctx, fake.id, job.clone());
    fake.dispatched().await;
    fake.result(job.job, "done").await;
    assert_eq!(ended(waiting.await.unwrap()), "done");
    world.nodes.acknowledge(ctx.org(), fake.id, job.job);
    assert_eq!(fake.acknowledged().await, job.job);
}

db::on_both_databases! {
    /// An organisation's own node comes before the shared one, but a workspace stays where it is.
    async fn workspaces_stay_where_they_are(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let place = |workspace: &str| {
            world.nodes.node_for(ctx.org(), workspace).map(|report| report.node)
        };
        assert_eq!(place("old"), None);
        let mut shared = world.shared().await;
        assert_eq!(place("old"), Some(shared.id));
        work(&world, &ctx, &mut shared, "old").await;
        let mut own = world.connected(&ctx, "own").await;
        assert_eq!((place("old"), place("new")), (Some(shared.id), Some(own.id)));
        work(&world, &ctx, &mut own, "new").await;
        // Sent elsewhere, a job does not leave.
        let stray = world.nodes.dispatch(ctx.org(), own.id, job(&ctx, "old")).await;
        assert!(matches!(stray, Fate::NotSent { .. }));
        // Another organisation has the shared node alone.
        let other = db.org().await;
        let theirs = world.nodes.node_for(other.org(), "new").unwrap().node;
        assert_eq!(theirs, shared.id);
        let foreign = world.nodes.dispatch(other.org(), own.id, job(&other, "new")).await;
        assert!(matches!(foreign, Fate::NotSent { .. }));

        // While a workspace's node is away, nobody else takes its work: not after a restart either.
        let id = own.id;
        own.vanish(&world).await;
        assert_eq!((place("new"), place("fresh")), (None, Some(shared.id)));
        let restarted = World::start(&db).await;
        let again = restarted.shared().await;
        assert_eq!(restarted.nodes.node_for(ctx.org(), "new").map(|it| it.node), None);
        assert_eq!(restarted.nodes.node_for(ctx.org(), "old").map(|it| it.node), Some(again.id));
        // With the node, its workspaces go.
        restarted.nodes.revoke(&ctx, id).await.unwrap();
        let place = restarted.nodes.node_for(ctx.org(), "new").map(|it| it.node);
        assert_eq!(place, Some(again.id));
    }

    /// A node that finishes takes nothing new; the least busy of several is chosen.
    async fn the_least_busy_node_is_chosen(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut first = world.connected(&ctx, "first").await;
        let mut second = world.connected(&ctx, "second").await;
        let place = || world.nodes.node_for(ctx.org(), "any").map(|report| report.node);
        for (busy, idle) in [(true, false), (false, true)] {
            for (fake, is_busy) in [(&mut first, busy), (&mut second, idle)] {
                let running = if is_busy { 3 } else { 0 };
                let epoch = fake.epoch;
                fake.say(&NodeFrame::Heartbeat(Heartbeat { epoch, running, draining: false })).await;
                fake.hear().await;
            }
            assert_eq!(place(), Some(if busy { second.id } else { first.id }));
        }
        for fake in [&mut first, &mut second] {
            let epoch = fake.epoch;
            fake.say(&NodeFrame::Heartbeat(Heartbeat { epoch, running: 0, draining: true })).await;
            fake.hear().await;
        }
        assert_eq!(place(), None);
    }
}
