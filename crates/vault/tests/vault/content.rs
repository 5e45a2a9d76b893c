use bytes::Bytes;
use db::{on_both_databases, params};
use vault::{ContentError, Subject};
use vocab::{Digest, SessionId, limits};

use crate::kit::{Kit, column, commit, meddle};

const LARGE: usize = limits::CONTENT_INLINE_BYTES_MAX + 1;

on_both_databases! {
    async fn content_reads_back_from_its_digest(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let session: SessionId = ctx.new_id();
        let largest_inline = vec![7; limits::CONTENT_INLINE_BYTES_MAX];
        let cases: [(Subject, &[u8]); 4] = [
            (session.into(), b"hello"),
            (Subject::Organisation, b"hello"),
            (session.into(), b""),
            (session.into(), &largest_inline),
        ];
        let mut digests = Vec::new();
        for (subject, bytes) in cases {
            let mut tx = ctx.write().await.unwrap();
            let digest = content.seal(&mut tx, subject, "text/plain", bytes).await.unwrap();
            // Within the transaction too, and once more without another row.
            assert_eq!(content.open_in(&mut tx, digest).await.unwrap(), bytes);
            assert_eq!(content.seal(&mut tx, subject, "text/plain", bytes).await.unwrap(), digest);
            commit(tx).await;
            assert_eq!(content.open(&ctx, digest).await.unwrap(), bytes);
            assert_eq!(kit.restarted(&db).content.open(&ctx, digest).await.unwrap(), bytes);
            let info = content.describe(&mut ctx.read().await.unwrap(), digest).await.unwrap();
            assert_eq!((info.size_bytes, info.media.as_str()), (bytes.len() as u64, "text/plain"));
            assert!(!info.erased);
            // The digest is the subject's, computed without a database.
            let keys = kit.restarted(&db).content.keys(&ctx, subject).await.unwrap();
            assert_eq!(keys.digest(bytes), digest);
            assert_ne!(Digest::of(bytes), digest);
            digests.push(digest);
        }
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 4, "the same bytes in another subject have another digest");
        let count = "SELECT count(*) FROM content WHERE org_id = $1";
        assert_eq!(column::<i64>(&ctx, count, &[]).await, 4);
        // Nobody else's.
        let stranger = db.org().await;
        let opened = content.open(&stranger, digests[0]).await;
        assert!(matches!(opened, Err(ContentError::NotFound)));
        let keys = content.keys(&stranger, session).await;
        assert!(matches!(keys, Err(ContentError::NotFound)));
        // The same session id in another organisation has other keys.
        let mut tx = stranger.write().await.unwrap();
        let theirs = content.seal(&mut tx, session, "text/plain", b"hello").await.unwrap();
        commit(tx).await;
        assert!(!digests.contains(&theirs));
        assert!(matches!(content.open(&ctx, theirs).await, Err(ContentError::NotFound)));
    }

    async fn large_content_goes_to_the_blob_store_encrypted(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let session: SessionId = ctx.new_id();
        let bytes: Bytes = b"canary-of-the-blob ".repeat(40_000).into();
        let mut tx = ctx.write().await.unwrap();
        let refused = content.seal(&mut tx, session, "text/plain", &bytes[..LARGE]).await;
        assert!(matches!(refused, Err(ContentError::TooLargeToSeal)));
        drop(tx);
        let prepared =
            content.prepare(&ctx, session, "text/plain", bytes.clone()).await.unwrap();
        assert!(matches!(content.open(&ctx, prepared.digest()).await, Err(ContentError::NotFound)));
        let mut tx = ctx.write().await.unwrap();
        let digest = content.attach(&mut tx, &prepared).await.unwrap();
        assert_eq!(content.attach(&mut tx, &prepared).await.unwrap(), digest);
        commit(tx).await;
        assert_eq!(kit.restarted(&db).content.open(&ctx, digest).await.unwrap(), bytes);
        let files = kit.blob_files();
        assert_eq!(files.len(), 1);
        let stored = std::fs::read(&files[0]).unwrap();
        assert_eq!(stored.len(), bytes.len() + 29);
        assert!(!stored.windows(6).any(|window| window == b"canary"));
        // Small ones prepare as well; the same bytes have one digest either way.
        let small = content.prepare(&ctx, session, "text/plain", Bytes::from("hi")).await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let sealed = content.seal(&mut tx, session, "text/plain", b"hi").await.unwrap();
        assert_eq!(content.attach(&mut tx, &small).await.unwrap(), sealed);
        commit(tx).await;
        assert_eq!(kit.blob_files().len(), 1);
        // A cut blob, a missing one.
        std::fs::write(&files[0], &stored[..stored.len() - 1]).unwrap();
        assert!(matches!(content.open(&ctx, digest).await, Err(ContentError::Damaged)));
        std::fs::write(&files[0], &stored).unwrap();
        assert!(content.open(&ctx, digest).await.is_ok());
        std::fs::remove_file(&files[0]).unwrap();
        assert!(matches!(content.open(&ctx, digest).await, Err(ContentError::Damaged)));
    }

    async fn bounds_and_media_types_are_checked(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let huge = Bytes::from(vec![0; limits::CONTENT_BYTES_MAX + 1]);
        let prepared = content.prepare(&ctx, None, "text/plain", huge.clone()).await;
        assert!(matches!(prepared, Err(ContentError::TooLarge)));
        assert!(content.prepare(&ctx, None, "a/b", huge.slice(1..)).await.is_ok());
        let mut tx = ctx.write().await.unwrap();
        for media in ["", "text", "/", "text/", "/plain", "text/pl\0ain", "text/\n", "é/é"] {
            let sealed = content.seal(&mut tx, None, media, b"x").await;
            assert!(matches!(sealed, Err(ContentError::Media)), "{media:?}");
        }
        content.seal(&mut tx, None, "text/plain; charset=utf-8", b"x").await.unwrap();
    }

    /// A key that is in memory but never committed must not seal anything.
    async fn a_rolled_back_subject_leaves_no_key_behind(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let session: SessionId = ctx.new_id();
        let mut tx = ctx.write().await.unwrap();
        content.seal(&mut tx, session, "text/plain", b"never").await.unwrap();
        drop(tx);
        assert!(matches!(content.keys(&ctx, session).await, Err(ContentError::NotFound)));
        // Another process makes the subject's key meanwhile.
        let other = kit.restarted(&db);
        let mut tx = ctx.write().await.unwrap();
        let theirs = other.content.seal(&mut tx, session, "text/plain", b"theirs").await.unwrap();
        commit(tx).await;
        let mut tx = ctx.write().await.unwrap();
        let ours = content.seal(&mut tx, session, "text/plain", b"ours").await.unwrap();
        commit(tx).await;
        for vault in [&kit.vault, &other, &kit.restarted(&db)] {
            assert_eq!(vault.content.open(&ctx, ours).await.unwrap(), "ours");
            assert_eq!(vault.content.open(&ctx, theirs).await.unwrap(), "theirs");
        }
        // The first data key, too, may have been rolled back.
        let ctx = db.org().await;
        let mut tx = ctx.write().await.unwrap();
        content.seal(&mut tx, None, "text/plain", b"never").await.unwrap();
        drop(tx);
        let mut tx = ctx.write().await.unwrap();
        let kept = content.seal(&mut tx, None, "text/plain", b"kept").await.unwrap();
        commit(tx).await;
        assert_eq!(kit.restarted(&db).content.open(&ctx, kept).await.unwrap(), "kept");
    }

    async fn what_was_prepared_under_another_key_is_prepared_again(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let session: SessionId = ctx.new_id();
        let bytes = Bytes::from(vec![1; LARGE]);
        let prepare = async |vault: &vault::Vault| {
            vault.content.prepare(&ctx, session, "a/b", bytes.clone()).await.unwrap()
        };
        let first = prepare(&kit.vault).await;
        let other = kit.restarted(&db);
        let second = prepare(&other).await;
        let mut tx = ctx.write().await.unwrap();
        other.content.attach(&mut tx, &second).await.unwrap();
        commit(tx).await;
        let mut tx = ctx.write().await.unwrap();
        let refused = kit.vault.content.attach(&mut tx, &first).await.unwrap_err();
        assert!(matches!(refused, ContentError::Stale) && refused.is_retryable());
        drop(tx);
        let again = prepare(&kit.vault).await;
        assert_eq!(again.digest(), second.digest());
        let mut tx = ctx.write().await.unwrap();
        assert_eq!(kit.vault.content.attach(&mut tx, &again).await.unwrap(), second.digest());
        commit(tx).await;
    }

    async fn many_at_once_agree_on_one_key(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let session: SessionId = ctx.new_id();
        let tasks: Vec<_> = (0..8).map(|number| {
            let (vault, ctx) = (kit.restarted(&db), ctx.clone());
            tokio::spawn(async move {
                let mut tx = ctx.write().await.unwrap();
                let text = format!("text {number}");
                let digest = vault.content.seal(&mut tx, session, "a/b", text.as_bytes()).await;
                let digest = digest.unwrap();
                commit(tx).await;
                (digest, text)
            })
        }).collect();
        for task in tasks {
            let (digest, text) = task.await.unwrap();
            assert_eq!(kit.vault.content.open(&ctx, digest).await.unwrap(), text);
        }
    }

    async fn a_content_in_another_place_does_not_open(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let session: SessionId = ctx.new_id();
        let mut tx = ctx.write().await.unwrap();
        let one = content.seal(&mut tx, session, "text/plain", b"one").await.unwrap();
        let two = content.seal(&mut tx, session, "text/plain", b"two").await.unwrap();
        let shared = content.seal(&mut tx, None, "text/plain", b"shared").await.unwrap();
        commit(tx).await;
        let sealed = "SELECT sealed FROM content WHERE org_id = $1 AND digest = $2";
        let write = "UPDATE content SET sealed = $3 WHERE org_id = $1 AND digest = $2";
        let original: Vec<u8> = column(&ctx, sealed, &params![one]).await;
        let damaged = async |why: &str| {
            let opened = kit.restarted(&db).content.open(&ctx, one).await;
            assert!(matches!(opened, Err(ContentError::Damaged)), "{why}: {opened:?}");
        };
        for other in [two, shared] {
            let moved: Vec<u8> = column(&ctx, sealed, &params![other]).await;
            meddle(&ctx, write, &params![one, moved]).await;
            damaged("another content").await;
        }
        for at in [0, 5, 20, original.len() - 1] {
            let mut flipped = original.clone();
            flipped[at] ^= 0x80;
            meddle(&ctx, write, &params![one, flipped]).await;
            damaged("a flipped bit").await;
        }
        meddle(&ctx, write, &params![one, Vec::<u8>::new()]).await;
        damaged("nothing").await;
        meddle(&ctx, write, &params![one, original]).await;
        assert_eq!(content.open(&ctx, one).await.unwrap(), "one");
        meddle(&ctx, "UPDATE content SET media = 'text/html' WHERE org_id = $1 AND digest = $2", &params![one]).await;
        damaged("another media type").await;
        meddle(&ctx, "UPDATE content SET media = 'text/plain' WHERE org_id = $1 AND digest = $2", &params![one]).await;
        // The subject's key in another subject's row.
        meddle(&ctx, "UPDATE subjects SET wrapped = (SELECT o.wrapped FROM subjects o WHERE o.org_id = $1 \
            AND o.id = $3), key_id = (SELECT o.key_id FROM subjects o WHERE o.org_id = $1 AND o.id = $3) \
            WHERE org_id = $1 AND id = $2",
            &params![Subject::from(session).id(ctx.org()), Subject::Organisation.id(ctx.org())]).await;
        let opened = kit.restarted(&db).content.open(&ctx, one).await;
        assert!(matches!(opened, Err(ContentError::Keys(vault::KeyError::Damaged))), "{opened:?}");
    }

    async fn the_sweep_deletes_blobs_that_no_content_names(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let content = &kit.vault.content;
        let bytes = Bytes::from(vec![1; LARGE]);
        let kept = content.prepare(&ctx, None, "a/b", bytes.clone()).await.unwrap();
        let lost = content.prepare(&ctx, None, "a/b", bytes.slice(1..)).await;
        lost.unwrap();
        let lost = content.prepare(&ctx, None, "a/b", [bytes.as_ref(), b"x"].concat().into()).await;
        lost.unwrap();
        let mut tx = ctx.write().await.unwrap();
        content.attach(&mut tx, &kept).await.unwrap();
        commit(tx).await;
        assert_eq!(kit.blob_files().len(), 2);
        // Too young to tell.
        assert_eq!(kit.vault.sweep(&db.authority).await.unwrap().blobs_deleted, 0);
        let hour_ago = std::time::Duration::from_secs(3_700);
        for file in kit.blob_files() {
            let file = std::fs::File::options().write(true).open(file).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            file.set_modified(modified - hour_ago).unwrap();
        }
        assert_eq!(kit.vault.sweep(&db.authority).await.unwrap().blobs_deleted, 1);
        assert_eq!(kit.blob_files().len(), 1);
        assert_eq!(content.open(&ctx, kept.digest()).await.unwrap(), bytes);
        assert_eq!(kit.vault.sweep(&db.authority).await.unwrap(), vault::Swept::default());
    }
}

#[tokio::test]
async fn what_was_prepared_long_ago_is_not_attached() {
    use vocab::{Clock, Random, Timestamp};
    let db = db::testing::TestDb::sqlite().await;
    let (kit, ctx) = (Kit::new(&db), db.org().await);
    let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_000_000));
    let keys = vault::MasterKeys::parse(&kit.key).unwrap();
    let vault = vault::Vault::new(keys, kit.blobs.clone(), clock.clone(), Random::system());
    let bytes = Bytes::from(vec![1; LARGE]);
    let prepared = vault
        .content
        .prepare(&ctx, None, "a/b", bytes)
        .await
        .unwrap();
    clock.advance_micros(31 * 60 * 1_000_000);
    let mut tx = ctx.write().await.unwrap();
    let attached = vault.content.attach(&mut tx, &prepared).await;
    assert!(matches!(attached, Err(ContentError::Stale)));
}
