//! Figures of the hot paths, printed if `CHANCERY_FIGURES` is set; they mean something in a release build.

use std::time::Instant;

use db::on_both_databases;
use vault::Masker;
use vocab::SessionId;

use crate::kit::{Kit, commit};

fn print(what: &str, rounds: u32, started: Instant) {
    let each = started.elapsed() / rounds;
    println!("{what}: {:.2} µs", each.as_secs_f64() * 1e6);
}

on_both_databases! {
    async fn sealing_and_opening(db: TestDb) {
        if std::env::var_os("CHANCERY_FIGURES").is_none() {
            return;
        }
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let session: SessionId = ctx.new_id();
        let mut tx = ctx.write().await.unwrap();
        content.seal(&mut tx, session, "text/plain", b"first").await.unwrap();
        let rounds = 5_000;
        let texts: Vec<_> = (0..rounds).map(|number| format!("{number:0>100}")).collect();
        let started = Instant::now();
        let mut digests = Vec::new();
        for text in &texts {
            digests.push(content.seal(&mut tx, session, "text/plain", text.as_bytes()).await.unwrap());
        }
        print("seal 100 bytes with its INSERT", rounds, started);
        let started = Instant::now();
        for digest in &digests {
            content.open_in(&mut tx, *digest).await.unwrap();
        }
        print("open 100 bytes with its SELECT", rounds, started);
        let started = Instant::now();
        for _ in 0..rounds {
            let sql = "SELECT 1 FROM content WHERE org_id = $1 AND digest = $2";
            tx.optional(sql, &db::params![digests[0]]).await.unwrap();
        }
        print("bare SELECT", rounds, started);
        commit(tx).await;
        let keys = content.keys(&ctx, session).await.unwrap();
        let started = Instant::now();
        for text in &texts {
            std::hint::black_box(keys.digest(text.as_bytes()));
        }
        print("digest of 100 bytes", rounds, started);
        let started = Instant::now();
        for text in &texts {
            let text = bytes::Bytes::copy_from_slice(text.as_bytes());
            std::hint::black_box(content.prepare(&ctx, session, "a/b", text).await.unwrap());
        }
        print("prepare 100 bytes, no database", rounds, started);
        let large = bytes::Bytes::from(vec![9; 64 * 1024 * 1024]);
        let started = Instant::now();
        let prepared = content.prepare(&ctx, session, "a/b", large).await.unwrap();
        print("prepare 64 MiB with its blob", 1, started);
        let mut tx = ctx.write().await.unwrap();
        let digest = content.attach(&mut tx, &prepared).await.unwrap();
        commit(tx).await;
        let started = Instant::now();
        content.open(&ctx, digest).await.unwrap();
        print("open 64 MiB from its blob", 1, started);
        kit.secret(&ctx, "s", "some-secret-value").await;
        let started = Instant::now();
        for _ in 0..1_000 {
            drop(kit.vault.secrets.use_secret(&ctx, "s", "tool", None).await);
        }
        print("use of a secret that is not granted", 1_000, started);
    }
}

#[test]
fn masking() {
    if std::env::var_os("CHANCERY_FIGURES").is_none() {
        return;
    }
    let mut masker = Masker::new();
    for number in 0..20 {
        let value = vocab::Digest::of(format!("{number}").as_bytes()).hex();
        masker.add("s", &value.into()).unwrap();
    }
    let text = "The quick brown fox, {\"json\": \"value\\n\"} 1234567890 %20 ".repeat(20_000);
    let started = Instant::now();
    assert_eq!(masker.mask(&text), text);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "mask {} bytes against 20 secrets: {:.0} MB/s",
        text.len(),
        text.len() as f64 / seconds / 1e6
    );
}
