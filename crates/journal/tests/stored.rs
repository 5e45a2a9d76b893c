//! The stored record, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

use std::sync::Arc;
use std::time::Duration;

use db::testing::TestDb;
use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use journal::testing::PlainKeys;
use journal::verify::{Reason, Report, Trust, verify_export_with};
use journal::{
    Export, ExportRange, Filter, Hub, JournalError, KeyStore, KeyStoreError, Round, Seed,
    Sequencer, StreamEnd,
};
use vocab::{Draft, EventKind, OrgId, RunId, SessionId};

fn sequencer(db: &TestDb, hub: &Hub) -> Sequencer {
    Sequencer::new(db.authority.clone(), Arc::new(PlainKeys), hub.clone())
}

/// Commits one transaction with these events.
async fn write(ctx: &OrgContext, events: impl IntoIterator<Item = Draft>) {
    let mut tx = ctx.write().await.unwrap();
    events.into_iter().for_each(|event| tx.record(event));
    tx.commit().await.unwrap();
}

fn message(text: &str) -> Draft {
    Draft::new(EventKind::MessagePosted, "msg").fact("text", text)
}

async fn many(ctx: &OrgContext, count: usize) {
    for some in (0..count).collect::<Vec<_>>().chunks(200) {
        write(
            ctx,
            some.iter()
                .map(|number| message(&format!("number {number} \u{1}é"))),
        )
        .await;
    }
}

async fn export(ctx: &OrgContext, range: ExportRange) -> String {
    let mut export = Export::open(ctx, &range).await.unwrap();
    let mut out = String::new();
    while let Some(piece) = export.next_piece().await.unwrap() {
        out.push_str(&piece);
    }
    out
}

async fn vkeys(ctx: &OrgContext) -> Vec<String> {
    journal::reader::keys(ctx)
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.vkey)
        .collect()
}

fn trust(vkeys: &[String]) -> Trust {
    Trust {
        keys: vkeys.iter().map(|key| key.parse().unwrap()).collect(),
        witnesses: Vec::new(),
    }
}

fn verified(export: &str, trust: &Trust) -> Report {
    verify_export_with(export.as_bytes(), trust).unwrap()
}

async fn found(ctx: &OrgContext, filter: Filter) -> Vec<u64> {
    let page = journal::events(ctx, &filter, 0, 200).await.unwrap();
    assert!(!page.more);
    page.events.iter().map(|event| event.seq).collect()
}

/// A page of the newest before a seq, and before which the next one begins.
async fn back(
    ctx: &OrgContext,
    filter: Filter,
    before: Option<u64>,
    limit: u32,
) -> (Vec<u64>, Option<u64>) {
    let page = journal::newest_events(ctx, &filter, before, limit)
        .await
        .unwrap();
    let seqs = page.events.iter().map(|event| event.seq).collect();
    (seqs, page.more.then_some(page.next))
}

/// A key store whose own key has a number, which stands in front of what it seals.
#[derive(Clone, Copy)]
struct Layered(u8);

impl KeyStore for Layered {
    fn seal(&self, _org: OrgId, seed: Seed) -> BoxFuture<'_, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move { Ok([&[self.0], &seed[..]].concat()) })
    }

    fn open(&self, _org: OrgId, sealed: Vec<u8>) -> BoxFuture<'_, Result<Seed, KeyStoreError>> {
        Box::pin(async move {
            let seed: Option<[u8; 32]> = match sealed.split_first() {
                // The newer store still has the older key.
                Some((number, seed)) if *number <= self.0 => seed.try_into().ok(),
                Some(_) | None => None,
            };
            let seed = seed.ok_or_else(|| KeyStoreError("under a key that is not here".into()))?;
            Ok(Seed::new(seed))
        })
    }

    fn is_stale(&self, sealed: &[u8]) -> bool {
        sealed.first() != Some(&self.0)
    }
}

on_both_databases! {
    /// What several organisations do at once ends in one verifiable record each.
    async fn every_organisation_has_its_own_record(db: TestDb) {
        let mut sequencer = sequencer(&db, &Hub::new());
        let (ours, theirs) = (db.org().await, db.org().await);
        for _ in 0..3 {
            tokio::join!(many(&ours, 150), many(&theirs, 60));
            sequencer.drain().await.unwrap();
        }
        assert_eq!(sequencer.round().await.unwrap(), Round::Idle);
        for (ctx, count) in [(&ours, 451), (&theirs, 181)] {
            assert_eq!(journal::reader::size(ctx).await.unwrap(), count);
            let report = verified(&export(ctx, ExportRange::default()).await, &trust(&vkeys(ctx).await));
            assert!(report.ok && report.complete, "{report:?}");
            assert_eq!((report.events, report.org), (count, Some(ctx.org())));
            let stored = journal::verify_stored(ctx, &Trust::default()).await.unwrap();
            assert!(stored.ok && stored.complete, "{stored:?}");
        }
        let foreign = verified(&export(&ours, ExportRange::default()).await, &trust(&vkeys(&theirs).await));
        assert_eq!(foreign.first_bad.unwrap().reason, Reason::UnknownKey);
    }

    /// Parts of the record verify by themselves, and against what a witness kept.
    async fn a_part_is_proved_by_its_ends(db: TestDb) {
        let mut sequencer = sequencer(&db, &Hub::new());
        let ctx = db.org().await;
        many(&ctx, 700).await;
        sequencer.drain().await.unwrap();
        let (seen, _) = journal::newest_checkpoint(&ctx).await.unwrap();
        many(&ctx, 600).await;
        sequencer.drain().await.unwrap();
        let range = ExportRange { from_seq: Some(900), to_seq: Some(1_000), witnessed: vec![seen.size] };
        let part = export(&ctx, range.clone()).await;
        let mut trust = trust(&vkeys(&ctx).await);
        assert!(verified(&part, &trust).ok);
        trust.witnesses.push(seen.clone());
        let report = verified(&part, &trust);
        assert!(report.ok && !report.complete, "{report:?}");
        assert_eq!(report.events, 101);
        let unproved = export(&ctx, ExportRange { witnessed: Vec::new(), ..range }).await;
        assert_eq!(verified(&unproved, &trust).first_bad.unwrap().reason, Reason::BadProof);
        assert!(journal::verify_stored(&ctx, &trust).await.unwrap().ok);
        trust.witnesses[0].root[0] ^= 1;
        assert_eq!(verified(&part, &trust).first_bad.unwrap().reason, Reason::Forked);
        let stored = journal::verify_stored(&ctx, &trust).await.unwrap();
        assert_eq!(stored.first_bad.unwrap().reason, Reason::Forked);
    }

    /// Proofs come out of the tiles, whatever the size, and nothing is proved that is not there.
    async fn proofs_hold_against_the_roots(db: TestDb) {
        let mut sequencer = sequencer(&db, &Hub::new());
        let ctx = db.org().await;
        let mut roots = Vec::new();
        for count in [1, 254, 3, 300, 700] {
            many(&ctx, count).await;
            sequencer.drain().await.unwrap();
            roots.push(journal::newest_checkpoint(&ctx).await.unwrap().0);
        }
        let events = journal::events(&ctx, &Filter::default(), 0, 2_000).await.unwrap().events;
        for checkpoint in &roots {
            for seq in [1, 2, 255, 256, 257, 512, checkpoint.size] {
                if seq > checkpoint.size {
                    continue;
                }
                let proof = journal::inclusion_proof(&ctx, seq, checkpoint.size).await.unwrap();
                let leaf = journal::merkle::leaf(&events[usize::try_from(seq - 1).unwrap()].hash);
                let (size, root) = (checkpoint.size, &checkpoint.root);
                assert!(journal::merkle::verify_inclusion(&leaf, seq - 1, size, &proof, root));
            }
        }
        for (old, new) in roots.iter().zip(&roots[1..]) {
            let proof = journal::consistency_proof(&ctx, old.size, new.size).await.unwrap();
            let (old, new) = ((old.size, &old.root), (new.size, &new.root));
            assert!(journal::merkle::verify_consistency(old, new, &proof));
        }
        let beyond = journal::inclusion_proof(&ctx, 1, 5_000).await;
        assert!(matches!(beyond, Err(JournalError::OutOfRange { .. })));
    }

    /// A new key is trusted because the old one signed the checkpoint over its announcement.
    async fn a_key_hands_over_to_the_next(db: TestDb) {
        let mut sequencer = sequencer(&db, &Hub::new());
        let ctx = db.org().await;
        let actor = ctx.actor().clone();
        let rotate = || journal::rotate_key(&db.authority, &PlainKeys, ctx.org(), actor.clone());
        assert!(matches!(rotate().await, Err(JournalError::NothingSealed)));
        many(&ctx, 5).await;
        sequencer.drain().await.unwrap();
        let first = vkeys(&ctx).await;
        let before = export(&ctx, ExportRange::default()).await;
        rotate().await.unwrap();
        // Announced and not yet sealed: the old key is the only one that counts.
        assert!(verified(&export(&ctx, ExportRange::default()).await, &trust(&first)).ok);
        sequencer.drain().await.unwrap();
        many(&ctx, 5).await;
        sequencer.drain().await.unwrap();
        // Two at once.
        rotate().await.unwrap();
        rotate().await.unwrap();
        sequencer.drain().await.unwrap();
        many(&ctx, 5).await;
        // Another process takes over with nothing in memory.
        let mut sequencer = self::sequencer(&db, &Hub::new());
        if db.db.engine() == db::Engine::Sqlite {
            sequencer.drain().await.unwrap();
        }
        let all = vkeys(&ctx).await;
        assert_eq!(all.len(), 4);
        let whole = export(&ctx, ExportRange::default()).await;
        let report = verified(&whole, &trust(&first));
        assert!(report.ok, "{report:?}");
        let part = export(&ctx, ExportRange { from_seq: Some(9), ..ExportRange::default() }).await;
        for known in &all {
            assert!(verified(&part, &trust(std::slice::from_ref(known))).ok, "{known}");
        }
        assert!(verified(&before, &trust(&first)).ok);
        assert_eq!(verified(&before, &trust(&all[3..])).first_bad.unwrap().reason, Reason::UnknownKey);
        let stored = journal::verify_stored(&ctx, &trust(&first)).await.unwrap();
        assert!(stored.ok, "{stored:?}");
    }

    /// Another key above the private keys changes how they are kept, and nothing of the record.
    async fn private_keys_move_under_a_new_key_above_them(db: TestDb) {
        let (old, new) = (Layered(1), Layered(2));
        let ctx = db.org().await;
        let mut sequencer = Sequencer::new(db.authority.clone(), Arc::new(old), Hub::new());
        many(&ctx, 3).await;
        sequencer.drain().await.unwrap();
        let actor = ctx.actor().clone();
        journal::rotate_key(&db.authority, &old, ctx.org(), actor.clone()).await.unwrap();
        sequencer.drain().await.unwrap();
        let first = vkeys(&ctx).await;
        drop(sequencer);
        assert_eq!(journal::reseal_keys(&db.authority, &old).await.unwrap(), 0);
        assert_eq!(journal::reseal_keys(&db.authority, &new).await.unwrap(), 2);
        assert_eq!(journal::reseal_keys(&db.authority, &new).await.unwrap(), 0);
        // Only the new key opens them now, and the same keys go on signing.
        let rotated = journal::rotate_key(&db.authority, &new, ctx.org(), actor).await;
        rotated.unwrap();
        let mut sequencer = Sequencer::new(db.authority.clone(), Arc::new(new), Hub::new());
        if db.db.engine() == db::Engine::Sqlite {
            sequencer.drain().await.unwrap();
            let mut late = Sequencer::new(db.authority.clone(), Arc::new(old), Hub::new());
            many(&ctx, 1).await;
            assert!(matches!(late.drain().await, Err(JournalError::Keys(_))));
        }
        let whole = export(&ctx, ExportRange::default()).await;
        assert!(verified(&whole, &trust(&first)).ok);
    }

    /// Each filter finds what it names.
    async fn filters_find_what_they_name(db: TestDb) {
        let mut sequencer = sequencer(&db, &Hub::new());
        let ctx = db.org().await;
        let (run, session): (RunId, SessionId) = (ctx.new_id(), ctx.new_id());
        let intended = Draft::new(EventKind::ToolIntended, run).fact("tool", "file.read");
        write(&ctx, [message("2")]).await;
        write(&ctx, [intended.clone().in_journal(run, 1).in_session(Some(session))]).await;
        write(&ctx, [intended.in_journal(ctx.new_id(), 1)]).await;
        let middle = ctx.now();
        tokio::time::sleep(Duration::from_millis(2)).await;
        write(&ctx, [message("5").about_run(run), message("6").in_session(Some(session))]).await;
        sequencer.drain().await.unwrap();
        let any = Filter::default;
        assert_eq!(found(&ctx, any()).await, [1, 2, 3, 4, 5, 6]);
        assert_eq!(found(&ctx, Filter { run: Some(run), ..any() }).await, [3, 5]);
        assert_eq!(found(&ctx, Filter { session: Some(session), ..any() }).await, [3, 6]);
        assert_eq!(found(&ctx, Filter { session: Some(session), run: Some(run), ..any() }).await, [3]);
        assert_eq!(found(&ctx, Filter { tool: Some("file.read".into()), ..any() }).await, [3, 4]);
        assert_eq!(found(&ctx, Filter { kinds: vec![EventKind::MessagePosted], ..any() }).await, [2, 5, 6]);
        let two = vec![EventKind::MessagePosted, EventKind::ToolIntended];
        assert_eq!(found(&ctx, Filter { kinds: two, ..any() }).await, [2, 3, 4, 5, 6]);
        let user = ctx.actor().user.unwrap().to_string();
        assert_eq!(found(&ctx, Filter { actor: Some(user), ..any() }).await, [1, 2, 3, 4, 5, 6]);
        assert!(found(&ctx, Filter { actor: Some("usr_' OR 1=1".into()), ..any() }).await.is_empty());
        assert_eq!(found(&ctx, Filter { from: Some(middle), ..any() }).await, [5, 6]);
        assert_eq!(found(&ctx, Filter { to: Some(middle), ..any() }).await, [1, 2, 3, 4]);
        let page = journal::events(&ctx, &any(), 2, 3).await.unwrap();
        assert_eq!(page.events.iter().map(|it| it.seq).collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!((page.next, page.more), (5, true));
        assert_eq!(back(&ctx, any(), None, 2).await, ([6, 5].to_vec(), Some(5)));
        assert_eq!(back(&ctx, any(), Some(5), 200).await, ([4, 3, 2, 1].to_vec(), None));
        assert_eq!(back(&ctx, any(), Some(1), 2).await, (Vec::new(), None));
        assert_eq!(back(&ctx, Filter { run: Some(run), ..any() }, None, 1).await, ([5].to_vec(), Some(5)));
        assert_eq!(back(&ctx, Filter { session: Some(session), ..any() }, Some(6), 9).await, ([3].to_vec(), None));
        for event in page.events {
            assert_eq!(journal::entry::hash(event.json.as_bytes()), event.hash);
            let json: serde_json::Value = serde_json::from_str(&event.json).unwrap();
            assert_eq!(json["seq"], event.seq);
        }
    }

    /// A stream gives what is there, then what comes, without a gap and without a repetition.
    async fn a_stream_goes_from_the_past_into_the_present(db: TestDb) {
        let hub = Hub::new();
        let sequencer = sequencer(&db, &hub);
        let ctx = db.org().await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let sealing = tokio::spawn(sequencer.run(async { drop(stopped.await) }));
        let writing = {
            let ctx = ctx.clone();
            tokio::spawn(async move {
                for _ in 0..30 {
                    many(&ctx, 40).await;
                }
            })
        };
        let mut streams = Vec::new();
        for number in 0..5_u64 {
            let (hub, ctx) = (hub.clone(), ctx.clone());
            streams.push(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(number * 20)).await;
                let mut stream = hub.subscribe(&ctx, number * 3, Filter::default());
                for seq in number * 3 + 1..=1_201 {
                    assert_eq!(stream.next().await.unwrap().seq, seq);
                }
            }));
        }
        writing.await.unwrap();
        for stream in streams {
            tokio::time::timeout(Duration::from_secs(30), stream).await.unwrap().unwrap();
        }
        drop(stop);
        sealing.await.unwrap();
        let mut late = hub.subscribe_from_now(&ctx, Filter::default()).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(50), late.next()).await;
        assert!(waited.is_err());
    }

    /// Whoever does not read is told so, and can resume.
    async fn a_slow_reader_is_ended_and_resumes(db: TestDb) {
        let hub = Hub::new();
        let mut sequencer = sequencer(&db, &hub);
        let ctx = db.org().await;
        sequencer.drain().await.unwrap();
        let mut quick = hub.subscribe(&ctx, 0, Filter { kinds: vec![EventKind::OrgCreated], ..Filter::default() });
        let mut slow = hub.subscribe(&ctx, 0, Filter::default());
        assert_eq!(slow.next().await.unwrap().seq, 1);
        assert_eq!(quick.next().await.unwrap().seq, 1);
        many(&ctx, 6_000).await;
        sequencer.drain().await.unwrap();
        let mut last = 1;
        let end = loop {
            match slow.next().await {
                Ok(event) => {
                    assert_eq!(event.seq, last + 1);
                    last = event.seq;
                }
                Err(end) => break end,
            }
        };
        assert!(matches!(end, StreamEnd::SlowReader), "{end}");
        let mut resumed = hub.subscribe(&ctx, last, Filter::default());
        assert_eq!(resumed.next().await.unwrap().seq, last + 1);
        // What one does not ask for makes nobody slow.
        write(&ctx, [Draft::new(EventKind::OrgCreated, ctx.org())]).await;
        sequencer.drain().await.unwrap();
        assert_eq!(quick.next().await.unwrap().seq, 6_002);
    }

    /// A sequencer that lost its lease without knowing writes nothing.
    async fn two_sequencers_never_seal_twice(db: TestDb) {
        let hub = Hub::new();
        let (mut one, mut other) = (sequencer(&db, &hub), sequencer(&db, &hub));
        let ctx = db.org().await;
        many(&ctx, 10).await;
        assert_eq!(one.drain().await.unwrap(), 11);
        expire_lease(&db).await;
        many(&ctx, 10).await;
        assert_eq!(other.drain().await.unwrap(), 10);
        many(&ctx, 10).await;
        // It believes that it holds the lease; its epoch is the old one.
        assert_eq!(one.round().await.unwrap(), Round::Standby);
        other.drain().await.unwrap();
        expire_lease(&db).await;
        many(&ctx, 10).await;
        one.drain().await.unwrap();
        assert_eq!(journal::reader::size(&ctx).await.unwrap(), 41);
        assert!(journal::verify_stored(&ctx, &Trust::default()).await.unwrap().ok);
    }

    /// An organisation that has sealed nothing has no checkpoint and no export.
    async fn before_the_first_sealing_there_is_nothing(db: TestDb) {
        let ctx = db.org().await;
        assert!(matches!(journal::newest_checkpoint(&ctx).await, Err(JournalError::NothingSealed)));
        assert!(matches!(Export::open(&ctx, &ExportRange::default()).await, Err(JournalError::NothingSealed)));
        assert!(found(&ctx, Filter::default()).await.is_empty());
        sequencer(&db, &Hub::new()).drain().await.unwrap();
        for (from, to) in [(0, 1), (2, 1), (1, 2), (2, 2)] {
            let range = ExportRange { from_seq: Some(from), to_seq: Some(to), witnessed: Vec::new() };
            let refused = Export::open(&ctx, &range).await;
            assert!(matches!(refused, Err(JournalError::OutOfRange { .. })), "{from} to {to}");
        }
    }
}

async fn expire_lease(db: &TestDb) {
    let mut tx = db
        .authority
        .system_write(vocab::Actor::system("test"))
        .await
        .unwrap();
    let sql = "UPDATE sequencer SET expires_at_us = $1 WHERE name = 'sequencer'";
    tx.execute(sql, &db::params![0_i64]).await.unwrap();
    tx.commit_unrecorded("test").await.unwrap();
}

/// Somebody with the database file changes it behind the product's back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_in_the_file_are_located() {
    let cases: [(&str, Option<u64>, Reason); 6] = [
        (
            "UPDATE events SET data = '{}' WHERE ord = 40",
            Some(40),
            Reason::HashMismatch,
        ),
        ("DELETE FROM events WHERE ord = 300", Some(300), Reason::Gap),
        ("DELETE FROM seals WHERE seq = 7", Some(7), Reason::Gap),
        (
            "DELETE FROM seals WHERE seq > 590",
            Some(591),
            Reason::Truncated,
        ),
        (
            "UPDATE merkle_tiles SET hashes = zeroblob(64)",
            None,
            Reason::WrongRoot,
        ),
        (
            "UPDATE log_heads SET checkpoint = replace(checkpoint, '601', '600')",
            None,
            Reason::WrongRoot,
        ),
    ];
    for (change, seq, reason) in cases {
        let db = TestDb::sqlite().await;
        let ctx = db.org().await;
        many(&ctx, 600).await;
        sequencer(&db, &Hub::new()).drain().await.unwrap();
        assert!(
            journal::verify_stored(&ctx, &Trust::default())
                .await
                .unwrap()
                .ok
        );
        let mut tx = db
            .authority
            .system_write(vocab::Actor::system("attacker"))
            .await
            .unwrap();
        for trigger in [
            "events_are_not_updated",
            "events_are_not_deleted",
            "seals_are_not_deleted",
        ] {
            let drop: &'static str = format!("DROP TRIGGER {trigger}").leak();
            tx.execute(drop, &[]).await.unwrap();
        }
        tx.execute(change, &[]).await.unwrap();
        tx.commit_unrecorded("an attack").await.unwrap();
        let report = journal::verify_stored(&ctx, &Trust::default())
            .await
            .unwrap();
        let fault = report
            .first_bad
            .unwrap_or_else(|| panic!("{change} went unseen"));
        assert_eq!(
            (fault.seq, fault.reason),
            (seq, reason),
            "{change}: {fault:?}"
        );
    }
}

/// How fast sealing is. Not a test: `cargo nextest run -p chancery-journal --release
/// --run-ignored only speed --no-capture` prints the figures.
mod speed {
    use std::time::Instant;

    use super::*;

    async fn seal_speed(db: TestDb, organisations: usize, count: usize) {
        let mut contexts = Vec::new();
        for _ in 0..organisations {
            contexts.push(db.org().await);
        }
        sequencer(&db, &Hub::new()).drain().await.unwrap();
        for some in (0..count).collect::<Vec<_>>().chunks(500) {
            let ctx = &contexts[some[0] / 500 % organisations];
            let run: RunId = ctx.new_id();
            let entry = |number: &usize| {
                Draft::new(EventKind::PolicyDecided, run)
                    .fact("action", "file.read")
                    .fact("decision", "allow")
                    .fact("policies", serde_json::json!(["read-notes", "members"]))
                    .in_session(Some(SessionId::from_uuid(run.uuid())))
                    .in_journal(run, u32::try_from(number % 500).unwrap() + 1)
            };
            write(ctx, some.iter().map(entry)).await;
        }
        expire_lease(&db).await;
        let mut sequencer = sequencer(&db, &Hub::new());
        let (start, worked) = (Instant::now(), cpu_seconds());
        let sealed = sequencer.drain().await.unwrap();
        let rate = sealed as f64 / start.elapsed().as_secs_f64();
        let each = (cpu_seconds() - worked) * 1e6 / sealed as f64;
        let engine = db.db.engine();
        println!(
            "{engine:?}, {organisations} organisations: {rate:.0} events sealed/s, {each:.2} µs of processor each"
        );
        let start = Instant::now();
        let report = journal::verify_stored(&contexts[0], &Trust::default())
            .await
            .unwrap();
        assert!(report.ok);
        let rate = report.events as f64 / start.elapsed().as_secs_f64();
        println!("{:?}: {rate:.0} stored events verified/s", db.db.engine());
        let start = Instant::now();
        let length = export(&contexts[0], ExportRange::default()).await.len();
        let rate = report.events as f64 / start.elapsed().as_secs_f64();
        println!(
            "{:?}: {rate:.0} events exported/s, {length} bytes",
            db.db.engine()
        );
    }

    /// What this process has used of the processors; on a busy machine it says more than the clock.
    fn cpu_seconds() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
        (fields[12].parse::<f64>().unwrap() + fields[13].parse::<f64>().unwrap()) / 100.0
    }

    /// From the commit of a lone event to the listener, in microseconds.
    async fn latency(db: TestDb) {
        let hub = Hub::new();
        let ctx = db.org().await;
        let sealing = tokio::spawn(sequencer(&db, &hub).run(std::future::pending()));
        let mut stream = hub.subscribe(&ctx, 0, Filter::default());
        stream.next().await.unwrap();
        let mut took = Vec::new();
        for _ in 0..200 {
            write(&ctx, [message("hello")]).await;
            let committed = Instant::now();
            stream.next().await.unwrap();
            took.push(committed.elapsed().as_micros());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        took.sort_unstable();
        println!(
            "{:?}: sealed and heard after {} µs (p50), {} µs (p99)",
            db.db.engine(),
            took[100],
            took[198]
        );
        sealing.abort();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "a measurement"]
    async fn sqlite() {
        seal_speed(TestDb::sqlite().await, 1, 200_000).await;
        seal_speed(TestDb::sqlite().await, 50, 200_000).await;
        latency(TestDb::sqlite().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "a measurement"]
    async fn postgres() {
        seal_speed(TestDb::postgres().await, 1, 100_000).await;
        latency(TestDb::postgres().await).await;
    }
}
