//! Coming in, holding a lease, and going.

use std::time::Duration;

use nodes::Timing;
use protocol::frame::Heartbeat;
use protocol::{GatewayFrame, Hello, NodeFrame, RefusalCode};
use serde_json::json;
use vocab::ExposeSecret;

use crate::fake::{Fake, Heard, hello};
use crate::world::{TIMING, World, events};

db::on_both_databases! {
    /// A node that is let in has a lease, its place in the record, and the keys.
    async fn a_node_is_let_in(db: TestDb) {
        let ctx = db.org().await;
        let address = "127.0.0.1:0".parse().unwrap();
        let world = World::start_at(&db, TIMING, address, vec!["key".into()]).await;
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let telling = std::sync::Arc::clone(&told);
        world.nodes.on_connected(move |node, org| telling.lock().unwrap().push((node, org)));
        let fake = world.connected(&ctx, "a").await;
        assert_eq!(fake.keys, ["key"]);
        assert!(world.nodes.is_connected(fake.id));
        assert_eq!(*told.lock().unwrap(), [(fake.id, Some(ctx.org()))]);
        let (count, data) = events(&ctx, "node.connected").await;
        let expected = json!({
            "name": "a", "epoch": fake.epoch, "version": "9.9.9", "enforcement": "enforced"
        });
        assert_eq!((count, data), (1, expected));
        let (id, epoch) = (fake.id, fake.epoch);
        fake.vanish(&world).await;
        for _ in 0..500 {
            if events(&ctx, "node.disconnected").await.0 == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (count, data) = events(&ctx, "node.disconnected").await;
        assert_eq!((count, data), (1, json!({"epoch": epoch, "reason": "lost"})));
        let status = world.nodes.get(&ctx, id).await.unwrap().status;
        assert_eq!(status, nodes::NodeStatus::Disconnected);
    }

    /// Whoever shows nothing, or nothing valid, does not get as far as a connection.
    async fn strangers_are_not_let_in(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (id, credential) = world.enrol(&ctx, "a").await;
        let text = credential.expose_secret();
        let other = format!("chn_{}", "A".repeat(43));
        for wrong in ["", "chn_", &other, &text[..46], &format!("{text}A"), &text.to_uppercase()] {
            assert_eq!(Fake::refused_with(world.address, wrong).await, 401, "{wrong}");
        }
        let client = edge::testing::Client::new(world.router.clone());
        client.get("/v1/nodes/connect").await.problem(401, "UNAUTHENTICATED");
        client.bearer(text).get("/v1/nodes/connect").await.problem(426, "UPGRADE_REQUIRED");
        world.nodes.revoke(&ctx, id).await.unwrap();
        let mut fake = Fake::open(world.address, text).await.unwrap();
        fake.dismissed(RefusalCode::NodeRevoked).await;
    }

    /// The first frame is a hello of this version, in time.
    async fn the_first_frame_is_a_hello(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (id, credential) = world.enrol(&ctx, "a").await;
        let text = credential.expose_secret();
        let newer = Hello { protocol: 2, ..hello() };
        let (_, heard) = Fake::greet(world.address, &credential, newer).await;
        let Heard::Frame(GatewayFrame::Refused(refused)) = heard else { panic!("{heard:?}") };
        assert_eq!(refused.code, RefusalCode::ProtocolUnsupported);
        let early = NodeFrame::Heartbeat(Heartbeat { epoch: 1, running: 0, draining: false });
        let mut fake = Fake::open(world.address, text).await.unwrap();
        fake.say(&early).await;
        fake.dismissed(RefusalCode::Other).await;
        let mut silent = Fake::open(world.address, text).await.unwrap();
        silent.dismissed(RefusalCode::Other).await;
        assert!(!world.nodes.is_connected(id));
        assert_eq!(events(&ctx, "node.connected").await.0, 0);
        Fake::welcomed(world.address, &credential).await;
    }

    /// The later connection has the place and the higher epoch; the earlier one is told and closed.
    async fn a_second_connection_takes_over(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut first = Fake::welcomed(world.address, &credential).await;
        let mut second = Fake::welcomed(world.address, &credential).await;
        assert!(second.epoch > first.epoch);
        first.dismissed(RefusalCode::NodeConnected).await;
        second.taken_in().await;
        assert!(world.nodes.is_connected(second.id));
        let before = i64::try_from(first.epoch).unwrap();
        let now = db.db.clock().now().as_seconds();
        assert!((now - 60..=now).contains(&before), "{before} is of {now}");
    }

    /// A node that says nothing for its lease is gone; one that sends heartbeats is not.
    async fn a_lease_runs_out_in_silence(db: TestDb) {
        let timing = Timing { lease: Duration::from_millis(1200), ..TIMING };
        let (world, ctx) = (World::start_with(&db, timing).await, db.org().await);
        let mut silent = world.connected(&ctx, "silent").await;
        let mut lively = world.connected(&ctx, "lively").await;
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            lively.taken_in().await;
        }
        let heard = silent.hear().await;
        assert!(matches!(heard, Heard::Closed(Some(1008))), "{heard:?}");
        world.gone(silent.id).await;
        assert!(world.nodes.is_connected(lively.id));
    }

    /// Two processes of the control plane: the later lease counts, and the earlier process lets go
    /// of the node at its next heartbeat. The same with a node that another process revoked.
    async fn another_process_takes_the_lease(db: TestDb) {
        let ctx = db.org().await;
        let timing = Timing { heartbeat: Duration::from_millis(2), ..TIMING };
        let here = World::start_with(&db, timing).await;
        let there = World::start_with(&db, timing).await;
        let (_, credential) = here.enrol(&ctx, "a").await;
        let mut first = Fake::welcomed(here.address, &credential).await;
        let mut second = Fake::welcomed(there.address, &credential).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        first.beat().await;
        first.dismissed(RefusalCode::NodeConnected).await;
        second.taken_in().await;
        here.nodes.revoke(&ctx, second.id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        second.beat().await;
        second.dismissed(RefusalCode::NodeRevoked).await;
    }

    /// A node that reconnects in a storm is slowed down, and is let in again afterwards; others are
    /// not touched.
    async fn a_storm_is_slowed_down(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut refused = 0;
        for _ in 0..40 {
            let (_, heard) = Fake::greet(world.address, &credential, hello()).await;
            match heard {
                Heard::Frame(GatewayFrame::Welcome(_)) => {}
                Heard::Frame(GatewayFrame::Refused(it)) => {
                    assert_eq!(it.code, RefusalCode::Unavailable);
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(refused > 0);
        world.connected(&ctx, "b").await;
        tokio::time::sleep(nodes::limits::CONNECTS_REFILL).await;
        Fake::welcomed(world.address, &credential).await;
    }

    /// When the gateway stops, its nodes are told, and nobody is let in any more.
    async fn a_gateway_that_stops_says_so(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        let (_, credential) = world.enrol(&ctx, "b").await;
        let (nodes, address) = (world.nodes.clone(), world.address);
        nodes.shutdown(Duration::from_secs(10)).await;
        fake.dismissed(RefusalCode::Unavailable).await;
        let (_, data) = events(&ctx, "node.disconnected").await;
        assert_eq!(data["reason"], "shutdown");
        let mut late = Fake::open(address, credential.expose_secret()).await.unwrap();
        late.say(&NodeFrame::Hello(hello())).await;
        late.dismissed(RefusalCode::Unavailable).await;
    }
}
