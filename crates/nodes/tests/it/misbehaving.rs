//! Nodes that say what they may not say. Beside each, what an honest node says goes through.

use std::time::Duration;

use nodes::{Fate, Timing};
use protocol::frame::{Heartbeat, JobEpoch};
use protocol::limits::FRAME_BYTES_MAX;
use protocol::{NodeFrame, Outcome, RefusalCode};
use tokio_tungstenite::tungstenite::Message;
use vocab::Digest;

use crate::fake::{Fake, Heard, ended, hello, outcome};
use crate::world::{TIMING, World, dispatching, job};

db::on_both_databases! {
    /// A result counts under an epoch between the sending and the present lease, and no other.
    async fn a_result_under_a_wrong_epoch_does_not_count(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut fake = Fake::welcomed(world.address, &credential).await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        fake.result_under(job.job, fake.epoch - 1, outcome("too old")).await;
        let stale = JobEpoch { job: job.job, epoch: fake.epoch - 1 };
        fake.say(&NodeFrame::Unknown(stale)).await;
        fake.taken_in().await;
        assert!(!waiting.is_finished());
        fake.result_under(job.job, fake.epoch + 1, outcome("from the future")).await;
        fake.dismissed(RefusalCode::Other).await;
        let mut honest = Fake::welcomed(world.address, &credential).await;
        assert_eq!(honest.inquired().await, job.job);
        honest.result_under(job.job, fake.epoch, outcome("done")).await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
    }

    /// What one node says of another's job reaches nobody, in the same organisation or another.
    async fn a_node_can_not_speak_of_anothers_job(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut honest = world.connected(&ctx, "honest").await;
        let mut colleague = world.connected(&ctx, "colleague").await;
        let mut stranger = world.connected(&db.org().await, "stranger").await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, honest.id, job.clone());
        honest.dispatched().await;
        for forger in [&mut colleague, &mut stranger] {
            forger.result(job.job, "forged").await;
            forger.unknown(job.job).await;
            forger.absent(job.job).await;
            forger.running(job.job).await;
            forger.taken_in().await;
        }
        assert!(!waiting.is_finished());
        honest.result(job.job, "done").await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
        // Not in the name of another organisation either.
        let asked = world.nodes.inquire(db.org().await.org(), honest.id, job.job).await;
        assert!(!matches!(asked, Fate::Ended(_)));
    }

    /// Many frames that make no sense end the connection.
    async fn a_node_that_goes_on_forging_is_closed(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut honest = world.connected(&ctx, "honest").await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, honest.id, job.clone());
        honest.dispatched().await;
        let mut forger = world.connected(&ctx, "forger").await;
        for _ in 0..=nodes::limits::STRIKES_MAX {
            forger.result(job.job, "forged").await;
        }
        forger.dismissed(RefusalCode::Other).await;
        honest.result(job.job, "done").await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
    }

    /// Outcomes that contradict themselves are not taken for outcomes; a person decides.
    async fn an_impossible_outcome_is_not_believed(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        let forged = protocol::Artifact {
            path: "out".into(),
            digest: Digest::of(b"another"),
            content: b"one".to_vec(),
        };
        for impossible in [
            Outcome { ok: false, ..outcome("neither") },
            Outcome { artifacts: vec![forged], ..outcome("forged") },
        ] {
            let job = job(&ctx, "default");
            let waiting = dispatching(&world, &ctx, fake.id, job.clone());
            fake.dispatched().await;
            fake.result_under(job.job, fake.epoch, impossible).await;
            assert!(matches!(waiting.await.unwrap(), Fate::Unknown { .. }));
            world.nodes.acknowledge(ctx.org(), fake.id, job.job);
            assert_eq!(fake.acknowledged().await, job.job);
        }
    }

    /// What is no frame of this version ends the connection, with a word; the gateway goes on.
    async fn broken_frames_end_the_connection(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (id, credential) = world.enrol(&ctx, "a").await;
        let deep = format!(r#"{{"type":"result","outcome":{}"#, "[".repeat(100_000));
        let wrong_lease = NodeFrame::Heartbeat(Heartbeat { epoch: 1, running: 0, draining: false });
        for broken in [
            Message::text("not json"),
            Message::text(r#"{"type":"dance"}"#),
            Message::text(r#"{"type":"heartbeat","epoch":-1,"running":0,"draining":false}"#),
            Message::text(deep),
            Message::binary(vec![0, 159, 146, 150]),
            Message::text(NodeFrame::Hello(hello()).encode().unwrap()),
            Message::text(wrong_lease.encode().unwrap()),
        ] {
            let mut fake = Fake::welcomed(world.address, &credential).await;
            fake.raw(broken).await;
            fake.dismissed(RefusalCode::Other).await;
            world.gone(id).await;
        }
        Fake::welcomed(world.address, &credential).await.taken_in().await;
    }

    /// A frame beyond the limit is not read to its end; the largest that is allowed is.
    async fn an_oversized_frame_ends_the_connection(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (id, credential) = world.enrol(&ctx, "a").await;
        let mut fake = Fake::welcomed(world.address, &credential).await;
        fake.text(&"x".repeat(FRAME_BYTES_MAX + 1)).await;
        world.gone(id).await;
        let mut fake = Fake::welcomed(world.address, &credential).await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        let large = "x".repeat(protocol::limits::OUTPUT_BYTES_MAX);
        fake.result(job.job, &large).await;
        assert_eq!(ended(waiting.await.unwrap()).len(), large.len());
    }

    /// A revoked node is cut off at once, in the middle of a job; what it says after that is not
    /// heard, and whoever waits learns that nobody will ever know.
    async fn a_revoked_node_is_cut_off_at_once(db: TestDb) {
        let timing = Timing { reconnect: Duration::from_millis(200), ..TIMING };
        let (world, ctx) = (World::start_with(&db, timing).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        let mut other = world.connected(&ctx, "b").await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        world.nodes.revoke(&ctx, fake.id).await.unwrap();
        assert!(!world.nodes.is_connected(fake.id));
        fake.result(job.job, "too late").await;
        fake.dismissed(RefusalCode::NodeRevoked).await;
        assert!(matches!(waiting.await.unwrap(), Fate::Unknown { .. }));
        let asked = world.nodes.inquire(ctx.org(), fake.id, job.job).await;
        assert!(matches!(asked, Fate::Unknown { .. }));
        other.taken_in().await;
    }

    /// The connection that was taken over is not heard any more, even if it goes on speaking.
    async fn a_connection_that_was_taken_over_is_not_heard(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut thief = Fake::welcomed(world.address, &credential).await;
        let mut honest = Fake::welcomed(world.address, &credential).await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, honest.id, job.clone());
        honest.dispatched().await;
        thief.result(job.job, "forged").await;
        thief.dismissed(RefusalCode::NodeConnected).await;
        honest.result(job.job, "done").await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
    }

    /// A node that does not read is not waited for without end, and does not fill the memory.
    async fn a_node_that_does_not_read_is_let_go(db: TestDb) {
        let timing = Timing {
            lease: Duration::from_millis(1500),
            reconnect: Duration::from_millis(100),
            ..TIMING
        };
        let (world, ctx) = (World::start_with(&db, timing).await, db.org().await);
        let fake = world.connected(&ctx, "deaf").await;
        let waiting: Vec<_> = (0..200)
            .map(|_| {
                let mut large = job(&ctx, "default");
                large.intent.arguments = serde_json::json!({"path": "x".repeat(500_000)});
                dispatching(&world, &ctx, fake.id, large)
            })
            .collect();
        world.gone(fake.id).await;
        for it in waiting {
            let fate = it.await.unwrap();
            assert!(matches!(fate, Fate::Away | Fate::NotSent { .. }), "{fate:?}");
        }
        let mut fake = fake;
        loop {
            if matches!(fake.hear().await, Heard::Closed(_)) {
                break;
            }
        }
    }
}
