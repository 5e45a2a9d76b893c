use db::{on_both_databases, params};
use vault::ValueError;
use vocab::Actor;
use zeroize::Zeroizing;

use crate::kit::{Kit, column, commit, key_text, meddle, vault_with};

on_both_databases! {
    async fn values_have_versions_and_belong_to_one_organisation(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let stranger = db.org().await;
        let values = &kit.vault.values;
        let mut tx = ctx.write().await.unwrap();
        assert_eq!(values.put(&mut tx, "log-key", b"first").await.unwrap(), 1);
        assert_eq!(values.put(&mut tx, "log-key", b"second").await.unwrap(), 2);
        assert_eq!(values.put(&mut tx, "other", b"").await.unwrap(), 1);
        let found = values.get(&mut tx, "log-key").await.unwrap().unwrap();
        assert_eq!((found.version, found.bytes.as_slice()), (2, &b"second"[..]));
        commit(tx).await;
        let mut tx = ctx.read().await.unwrap();
        let found = values.get_version(&mut tx, "log-key", 1).await.unwrap().unwrap();
        assert_eq!(found.bytes.as_slice(), b"first");
        assert!(values.get_version(&mut tx, "log-key", 3).await.unwrap().is_none());
        assert!(values.get(&mut tx, "missing").await.unwrap().is_none());
        drop(tx);
        assert!(values.get(&mut stranger.read().await.unwrap(), "log-key").await.unwrap().is_none());
        let mut tx = ctx.write().await.unwrap();
        assert!(matches!(values.put(&mut tx, "", b"x").await, Err(ValueError::Name)));
        assert!(matches!(values.put(&mut tx, "a\0", b"x").await, Err(ValueError::Name)));
        let huge = vec![0; 64 * 1024 + 1];
        assert!(matches!(values.put(&mut tx, "huge", &huge).await, Err(ValueError::TooLarge)));
        assert_eq!(values.delete(&mut tx, "log-key").await.unwrap(), 2);
        assert!(values.get(&mut tx, "log-key").await.unwrap().is_none());
    }

    async fn a_value_in_another_place_does_not_open(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let values = &kit.vault.values;
        let mut tx = ctx.write().await.unwrap();
        values.put(&mut tx, "one", b"first").await.unwrap();
        values.put(&mut tx, "one", b"second").await.unwrap();
        values.put(&mut tx, "two", b"third").await.unwrap();
        commit(tx).await;
        let sealed = "SELECT sealed FROM sealed_values WHERE org_id = $1 AND name = $2 AND version = $3";
        let write = "UPDATE sealed_values SET sealed = $2 WHERE org_id = $1 AND name = 'one' AND version = 2";
        let original: Vec<u8> = column(&ctx, sealed, &params!["one", 2]).await;
        for (name, version) in [("one", 1), ("two", 1)] {
            let moved: Vec<u8> = column(&ctx, sealed, &params![name, version]).await;
            meddle(&ctx, write, &params![moved]).await;
            let found = values.get(&mut ctx.read().await.unwrap(), "one").await;
            assert!(matches!(found, Err(ValueError::Damaged)));
        }
        meddle(&ctx, write, &params![original.clone()]).await;
        assert!(values.get(&mut ctx.read().await.unwrap(), "one").await.is_ok());
        let thief = db.org().await;
        let mut tx = thief.write().await.unwrap();
        values.put(&mut tx, "one", b"bait").await.unwrap();
        values.put(&mut tx, "one", b"bait").await.unwrap();
        commit(tx).await;
        meddle(&thief, write, &params![original]).await;
        let found = values.get(&mut thief.read().await.unwrap(), "one").await;
        assert!(matches!(found, Err(ValueError::Damaged)));
    }

    async fn every_process_gets_the_installations_same_value(db: TestDb) {
        let kit = Kit::new(&db);
        let tasks: Vec<_> = (0..6_u8).map(|number| {
            let (vault, authority) = (kit.restarted(&db), db.authority.clone());
            tokio::spawn(async move {
                let make = || Zeroizing::new(vec![number; 32]);
                let value = vault.values.installation_get_or_create(&authority, "signer", make).await;
                value.unwrap().bytes.to_vec()
            })
        }).collect();
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.unwrap());
        }
        seen.dedup();
        assert_eq!(seen.len(), 1);
        let mut tx = db.authority.system_write(Actor::system("test")).await.unwrap();
        let put = kit.vault.values.installation_put(&mut tx, "signer", b"next").await;
        assert_eq!(put.unwrap(), 2);
        tx.commit_unrecorded("test").await.unwrap();
        let found = kit.vault.values.installation_get(&db.authority, "signer").await.unwrap().unwrap();
        assert_eq!((found.version, found.bytes.as_slice()), (2, &b"next"[..]));
        // Another installation's master key doesn't open it, and neither does another name.
        let foreign = vault_with(&db, &kit.blobs, &key_text(3));
        assert!(foreign.values.installation_get(&db.authority, "signer").await.is_err());
        let mut tx = db.authority.system_write(Actor::system("test")).await.unwrap();
        tx.execute("UPDATE installation_values SET name = $1", &params!["renamed"]).await.unwrap();
        tx.commit_unrecorded("test").await.unwrap();
        let found = kit.vault.values.installation_get(&db.authority, "renamed").await;
        assert!(matches!(found, Err(ValueError::Damaged)));
    }
}
