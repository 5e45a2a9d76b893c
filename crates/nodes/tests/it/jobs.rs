//! Jobs and their outcomes, through broken connections and restarts.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use nodes::{Fate, JobLedger, JobStep, SkillSource, Timing};
use protocol::frame::{JobRef, SkillRef};
use protocol::{Failure, FailureCode, GatewayFrame, Hello, NodeFrame, Outcome};
use vocab::{Digest, OrgId};

use crate::fake::{Fake, Heard, ended, hello, outcome};
use crate::world::{TIMING, World, dispatching, inquiring, job, rows, skill_job};

/// Waits until the rows of acknowledged jobs are gone.
async fn no_rows(ctx: &db::OrgContext) {
    for _ in 0..100 {
        if rows(ctx).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a row stays");
}

struct Everything;

impl JobLedger for Everything {
    fn is_settled(&self, _: OrgId, _: JobStep) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }
}

struct OneSkill(OrgId, Digest);

impl SkillSource for OneSkill {
    fn package(&self, org: OrgId, digest: Digest) -> BoxFuture<'_, Option<Vec<u8>>> {
        let found = (org == self.0 && digest == self.1).then(|| b"package".to_vec());
        Box::pin(async { found })
    }
}

db::on_both_databases! {
    /// Sent, done, waited for, acknowledged, forgotten.
    async fn a_job_is_done(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        assert_eq!(world.nodes.node_for(ctx.org(), "default").unwrap().node, fake.id);
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        let sent = fake.dispatched().await;
        assert_eq!(sent.intent, job.intent);
        assert_eq!(rows(&ctx).await, 1);
        fake.running(job.job).await;
        fake.result(job.job, "done").await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
        // Whoever asks again before it is acknowledged hears the same, and the node hears nothing.
        assert_eq!(ended(world.nodes.inquire(ctx.org(), fake.id, job.job).await), "done");
        assert_eq!(ended(world.nodes.dispatch(ctx.org(), fake.id, job.clone()).await), "done");
        world.nodes.acknowledge(ctx.org(), fake.id, job.job);
        assert_eq!(fake.acknowledged().await, job.job);
        no_rows(&ctx).await;
        // A node that did not hear it says it again, and hears it again.
        fake.result(job.job, "done").await;
        assert_eq!(fake.acknowledged().await, job.job);
        world.nodes.cancel(ctx.org(), fake.id, job.job);
        let heard = fake.hear().await;
        assert!(matches!(heard, Heard::Frame(GatewayFrame::Cancel(JobRef { job: it })) if it == job.job));
    }

    /// A refusal leaves nothing behind: the same job may be sent again.
    async fn a_refused_job_can_be_sent_again(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        let busy = Failure::refused(FailureCode::NodeBusy, "all slots are taken");
        let refused = Outcome { ok: false, output: None, error: Some(busy), ..outcome("") };
        fake.result_under(job.job, fake.epoch, refused).await;
        let Fate::Ended(ended_busy) = waiting.await.unwrap() else { panic!("it ended") };
        assert_eq!(ended_busy.error.unwrap().code, FailureCode::NodeBusy);
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        fake.result(job.job, "at last").await;
        assert_eq!(ended(waiting.await.unwrap()), "at last");
    }

    /// The connection breaks and comes back while somebody waits: the node is asked.
    async fn a_short_absence_is_waited_over(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut first = Fake::welcomed(world.address, &credential).await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&world, &ctx, first.id, job.clone());
        let sent = first.dispatched().await;
        first.vanish(&world).await;
        let mut second = Fake::welcomed(world.address, &credential).await;
        assert_eq!(second.inquired().await, job.job);
        second.running(job.job).await;
        second.result_under(job.job, sent.epoch, outcome("done")).await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
    }

    /// The node does not come back in time; later it does, and is asked.
    async fn a_long_absence_is_reported(db: TestDb) {
        let timing = Timing { reconnect: Duration::from_millis(100), ..TIMING };
        let (world, ctx) = (World::start_with(&db, timing).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        let mut first = Fake::welcomed(world.address, &credential).await;
        let (id, job) = (first.id, job(&ctx, "default"));
        let waiting = dispatching(&world, &ctx, id, job.clone());
        first.dispatched().await;
        first.vanish(&world).await;
        assert_eq!(waiting.await.unwrap(), Fate::Away);
        assert_eq!(world.nodes.inquire(ctx.org(), id, job.job).await, Fate::Away);
        // Sent a second time, it might be done a second time: only the node can tell.
        let again = world.nodes.dispatch(ctx.org(), id, job.clone()).await;
        assert_eq!(again, Fate::Away);
        assert!(world.nodes.node_for(ctx.org(), "default").is_none());
        let mut second = Fake::welcomed(world.address, &credential).await;
        let waiting = inquiring(&world, &ctx, id, job.job);
        assert_eq!(second.inquired().await, job.job);
        second.unknown(job.job).await;
        assert!(matches!(waiting.await.unwrap(), Fate::Unknown { .. }));
    }

    /// A node that is not there gets no job, and the job's row does not stay.
    async fn a_job_for_nobody_is_not_sent(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (id, _) = world.enrol(&ctx, "a").await;
        let fate = world.nodes.dispatch(ctx.org(), id, job(&ctx, "default")).await;
        assert!(matches!(fate, Fate::NotSent { .. }));
        assert_eq!(rows(&ctx).await, 0);
        let fake = world.connected(&ctx, "b").await;
        let foreign = job(&db.org().await, "default");
        let fate = world.nodes.dispatch(ctx.org(), fake.id, foreign).await;
        assert!(matches!(fate, Fate::NotSent { .. }));
    }

    /// The server restarts. The node brings the outcome before anybody asks; it is kept for the run
    /// that goes on, by its own organisation alone, and is not acknowledged until the run says so.
    async fn an_outcome_waits_for_its_run(db: TestDb) {
        let ctx = db.org().await;
        let before = World::start(&db).await;
        let mut fake = before.shared().await;
        let (id, job) = (fake.id, job(&ctx, "default"));
        let waiting = dispatching(&before, &ctx, id, job.clone());
        let epoch = fake.dispatched().await.epoch;
        waiting.abort();
        before.stop().await;

        let after = World::start(&db).await;
        let mut fake = after.shared().await;
        fake.result_under(job.job, epoch, outcome("done")).await;
        fake.taken_in().await;
        let stranger = db.org().await;
        let foreign = after.nodes.inquire(stranger.org(), id, job.job).await;
        assert!(matches!(foreign, Fate::Unknown { .. }), "{foreign:?}");
        after.nodes.acknowledge(stranger.org(), id, job.job);
        fake.taken_in().await;
        assert_eq!(ended(after.nodes.inquire(ctx.org(), id, job.job).await), "done");
        after.nodes.acknowledge(ctx.org(), id, job.job);
        assert_eq!(fake.acknowledged().await, job.job);
        no_rows(&ctx).await;
    }

    /// The server dies between the append and the acknowledgement: no run will ask, and the ledger
    /// says so.
    async fn an_outcome_that_is_in_its_journal_is_acknowledged(db: TestDb) {
        let ctx = db.org().await;
        let before = World::start(&db).await;
        let (_, credential) = before.enrol(&ctx, "a").await;
        let mut fake = Fake::welcomed(before.address, &credential).await;
        let job = job(&ctx, "default");
        let waiting = dispatching(&before, &ctx, fake.id, job.clone());
        let epoch = fake.dispatched().await.epoch;
        fake.result(job.job, "done").await;
        ended(waiting.await.unwrap());
        before.stop().await;

        let after = World::start(&db).await;
        after.nodes.set_ledger(Arc::new(Everything));
        let mut fake = Fake::welcomed(after.address, &credential).await;
        fake.result_under(job.job, epoch, outcome("done")).await;
        assert_eq!(fake.acknowledged().await, job.job);
        no_rows(&ctx).await;
        // A job of which nobody knows anything is nobody's either.
        let unheard_of = ctx.new_id();
        fake.result(unheard_of, "what?").await;
        assert_eq!(fake.acknowledged().await, unheard_of);
    }

    /// A recovered run asks before the node has said anything.
    async fn a_recovered_run_asks(db: TestDb) {
        let ctx = db.org().await;
        let before = World::start(&db).await;
        let (_, credential) = before.enrol(&ctx, "a").await;
        let mut fake = Fake::welcomed(before.address, &credential).await;
        let (id, job) = (fake.id, job(&ctx, "default"));
        let waiting = dispatching(&before, &ctx, id, job.clone());
        let epoch = fake.dispatched().await.epoch;
        waiting.abort();
        before.stop().await;

        let after = World::start(&db).await;
        assert_eq!(after.nodes.inquire(ctx.org(), id, job.job).await, Fate::Away);
        let mut fake = Fake::welcomed(after.address, &credential).await;
        let waiting = inquiring(&after, &ctx, id, job.job);
        assert_eq!(fake.inquired().await, job.job);
        fake.running(job.job).await;
        fake.result_under(job.job, epoch, outcome("done")).await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
    }

    /// `absent` is worth something only from the memory to which the job was sent.
    async fn absence_counts_only_with_the_same_memory(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (_, credential) = world.enrol(&ctx, "a").await;
        for (spool, expect_not_sent) in [("spool-1", true), ("spool-2", false)] {
            let mut first = Fake::welcomed(world.address, &credential).await;
            let (id, job) = (first.id, job(&ctx, "default"));
            let waiting = dispatching(&world, &ctx, id, job.clone());
            first.dispatched().await;
            first.vanish(&world).await;
            let other = Hello { spool: spool.into(), ..hello() };
            let mut second = Fake::welcomed_as(world.address, &credential, other).await;
            assert_eq!(second.inquired().await, job.job);
            second.absent(job.job).await;
            let fate = waiting.await.unwrap();
            assert_eq!(matches!(fate, Fate::NotSent { .. }), expect_not_sent, "{fate:?}");
            assert_eq!(matches!(fate, Fate::Unknown { .. }), !expect_not_sent, "{fate:?}");
            second.vanish(&world).await;
        }
    }

    /// A job that is overdue is asked about, a little patience is had, and then a person decides.
    async fn an_overdue_job_is_asked_about(db: TestDb) {
        let timing = Timing { overdue: Duration::from_millis(100), ..TIMING };
        let (world, ctx) = (World::start_with(&db, timing).await, db.org().await);
        let mut fake = world.connected(&ctx, "a").await;
        let mut slow = job(&ctx, "default");
        slow.limits.timeout_ms = 50;
        let waiting = dispatching(&world, &ctx, fake.id, slow.clone());
        fake.dispatched().await;
        for _ in 0..2 {
            assert_eq!(fake.inquired().await, slow.job);
            fake.running(slow.job).await;
        }
        assert!(matches!(waiting.await.unwrap(), Fate::Unknown { .. }));
        let mute = Timing { answer: Duration::from_millis(100), ..timing };
        let world = World::start_with(&db, mute).await;
        let mut fake = world.connected(&ctx, "b").await;
        let mut slow = job(&ctx, "other");
        slow.limits.timeout_ms = 50;
        let waiting = dispatching(&world, &ctx, fake.id, slow.clone());
        fake.dispatched().await;
        assert!(matches!(waiting.await.unwrap(), Fate::Unknown { .. }));
    }

    /// A node is given the packages that its own jobs name, from the organisation of the job.
    async fn a_node_gets_the_skills_of_its_jobs(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let (needed, other) = (Digest::of(b"needed"), Digest::of(b"other"));
        world.nodes.set_skills(Arc::new(OneSkill(ctx.org(), needed)));
        let mut fake = world.shared().await;
        let ask = async |fake: &mut Fake, digest| {
            fake.say(&NodeFrame::NeedSkill(SkillRef { digest })).await;
            let heard = fake.hear().await;
            let Heard::Frame(GatewayFrame::Skill(it)) = heard else { panic!("{heard:?}") };
            assert_eq!(it.digest, digest);
            it.package
        };
        assert_eq!(ask(&mut fake, needed).await, None);
        let job = skill_job(&ctx, needed);
        let waiting = dispatching(&world, &ctx, fake.id, job.clone());
        fake.dispatched().await;
        assert_eq!(ask(&mut fake, needed).await.as_deref(), Some(b"package".as_slice()));
        assert_eq!(ask(&mut fake, other).await, None);
        let stranger = db.org().await;
        let foreign = dispatching(&world, &stranger, fake.id, skill_job(&stranger, other));
        fake.dispatched().await;
        assert_eq!(ask(&mut fake, other).await, None);
        fake.result(job.job, "done").await;
        assert_eq!(ended(waiting.await.unwrap()), "done");
        foreign.abort();
    }
}
