use db::{on_both_databases, params};
use vault::{Grants, KeyError, MasterKeys, SecretError, Vault};
use vocab::{
    Actor, Clock, Draft, EventKind, ExposeSecret as _, Random, Role, SecretString, SessionId,
};

use crate::kit::{Kit, column, commit, events, key_text, meddle, vault_with};

const OLD_ROWS: &str = "SELECT (SELECT count(*) FROM secret_versions WHERE org_id = $1 AND data_key_version < $2) \
    + (SELECT count(*) FROM sealed_values WHERE org_id = $1 AND data_key_version < $2) \
    + (SELECT count(*) FROM subjects WHERE org_id = $1 AND data_key_version < $2)";

async fn furnish(kit: &Kit, ctx: &db::OrgContext) -> vocab::Digest {
    for number in 0..5 {
        let made = kit
            .secret(ctx, &format!("secret-{number}"), &format!("value-{number}"))
            .await;
        let mut tx = ctx.write().await.unwrap();
        let grants = Grants {
            tools: vec!["tool".to_owned()],
            ..Grants::default()
        };
        kit.vault
            .secrets
            .set_grants(ctx, &mut tx, made.id, &grants)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let session: SessionId = ctx.new_id();
    let mut tx = ctx.write().await.unwrap();
    let digest = kit
        .vault
        .content
        .seal(&mut tx, session, "a/b", b"message")
        .await
        .unwrap();
    kit.vault
        .values
        .put(&mut tx, "log-key", b"signing key")
        .await
        .unwrap();
    commit(tx).await;
    digest
}

async fn all_opens(vault: &Vault, ctx: &db::OrgContext, digest: vocab::Digest) {
    for number in 0..5 {
        let used = vault
            .secrets
            .use_secret(ctx, &format!("secret-{number}"), "tool", None)
            .await;
        assert_eq!(
            used.unwrap().value.expose_secret(),
            format!("value-{number}")
        );
    }
    assert_eq!(vault.content.open(ctx, digest).await.unwrap(), "message");
    let value = vault
        .values
        .get(&mut ctx.read().await.unwrap(), "log-key")
        .await
        .unwrap();
    assert_eq!(*value.unwrap().bytes, b"signing key");
}

on_both_databases! {
    async fn a_rotated_data_key_takes_over_batch_by_batch(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let neighbour = db.org().await;
        let digest = furnish(&kit, &ctx).await;
        let theirs = furnish(&kit, &neighbour).await;
        let keyring = &kit.vault.keyring;
        assert_eq!(keyring.reseal(&ctx, 3).await.unwrap().moved, 0);
        assert_eq!(keyring.rotate_data_key(&ctx).await.unwrap(), 2);
        // Old ciphertexts open, new ones are under the new key.
        all_opens(&kit.restarted(&db), &ctx, digest).await;
        kit.secret(&ctx, "new", "new-value").await;
        let version = "SELECT v.data_key_version FROM secret_versions v JOIN secrets s ON s.org_id = v.org_id \
            AND s.id = v.secret_id WHERE v.org_id = $1 AND s.name = $2";
        assert_eq!(column::<i64>(&ctx, version, &params!["new"]).await, 2);
        assert_eq!(column::<i64>(&ctx, OLD_ROWS, &params![2]).await, 7);
        // A batch, an interruption, and the rest by the sweep.
        let batch = keyring.reseal(&ctx, 3).await.unwrap();
        assert_eq!((batch.moved, batch.left), (3, true));
        assert_eq!(column::<i64>(&ctx, OLD_ROWS, &params![2]).await, 4);
        all_opens(&kit.restarted(&db), &ctx, digest).await;
        let swept = kit.vault.sweep(&db.authority).await.unwrap();
        assert_eq!((swept.resealed, swept.keys_retired), (4, 0));
        assert_eq!(column::<i64>(&ctx, OLD_ROWS, &params![2]).await, 0);
        all_opens(&kit.restarted(&db), &ctx, digest).await;
        all_opens(&kit.restarted(&db), &neighbour, theirs).await;
        // An hour later the old key is destroyed.
        meddle(&ctx, "DELETE FROM data_keys WHERE org_id = $1 AND version = 99", &[]).await;
        let later = db.db.clock().now().plus(std::time::Duration::from_secs(3_700));
        let later = later_authority(&db, later).await;
        assert_eq!(kit.vault.sweep(&later).await.unwrap().keys_retired, 1);
        let keys = "SELECT min(version) FROM data_keys WHERE org_id = $1";
        assert_eq!(column::<i64>(&ctx, keys, &[]).await, 2);
        assert_eq!(column::<i64>(&neighbour, keys, &[]).await, 1);
        all_opens(&kit.restarted(&db), &ctx, digest).await;
        let rotations: Vec<_> = events(&ctx).await.into_iter().filter(|it| it.0 == "data_key.rotated").map(|it| it.1).collect();
        assert_eq!(rotations, [
            r#"{"version":2}"#,
            r#"{"resealed":3,"version":2}"#,
            r#"{"resealed":4,"version":2}"#,
            r#"{"retired":1,"version":2}"#,
        ]);
    }

    async fn an_erased_subject_does_not_get_its_key_back(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let session: SessionId = ctx.new_id();
        let mut tx = ctx.write().await.unwrap();
        kit.vault.content.seal(&mut tx, session, "a/b", b"message").await.unwrap();
        commit(tx).await;
        kit.vault.content.erase(&ctx, session).await.unwrap();
        kit.vault.keyring.rotate_data_key(&ctx).await.unwrap();
        assert_eq!(kit.vault.sweep(&db.authority).await.unwrap().resealed, 0);
        let keyed = "SELECT count(*) FROM subjects WHERE org_id = $1 AND wrapped IS NOT NULL";
        assert_eq!(column::<i64>(&ctx, keyed, &[]).await, 0);
    }

    async fn only_admins_rotate(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let weak = db.authority.context(ctx.org(), Actor::default(), Role::Member);
        let rotated = kit.vault.keyring.rotate_data_key(&weak).await;
        assert!(matches!(rotated, Err(KeyError::RoleTooLow)));
        assert!(kit.vault.keyring.rotate_data_key(&ctx).await.is_ok());
    }

    async fn a_new_master_key_takes_over_and_the_old_one_can_go(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let digest = furnish(&kit, &ctx).await;
        kit.vault.keyring.rotate_data_key(&ctx).await.unwrap();
        let values = &kit.vault.values;
        let mut tx = db.authority.system_write(Actor::system("test")).await.unwrap();
        values.installation_put(&mut tx, "signer", b"root").await.unwrap();
        tx.commit_unrecorded("test").await.unwrap();
        let both: SecretString =
            format!("{}\n{}", kit.key.expose_secret(), key_text(7).expose_secret()).into();
        let (both, new) = (vault_with(&db, &kit.blobs, &both), vault_with(&db, &kit.blobs, &key_text(7)));
        // The old vault can't read what is under the new key, and says which key is missing.
        all_opens(&both, &ctx, digest).await;
        let before = new.secrets.use_secret(&ctx, "secret-0", "tool", None).await;
        let Err(SecretError::Keys(KeyError::MasterKeyMissing(id))) = before else { panic!() };
        assert_eq!(vec![id], MasterKeys::parse(&kit.key).unwrap().ids());
        assert!(matches!(new.keyring.rewrap(&db.authority).await, Err(KeyError::MasterKeyMissing(_))));
        // Two data keys of this organisation, and one value of the installation.
        assert_eq!(both.keyring.rewrap(&db.authority).await.unwrap(), 3);
        assert_eq!(both.keyring.rewrap(&db.authority).await.unwrap(), 0);
        all_opens(&new, &ctx, digest).await;
        let value = new.values.installation_get(&db.authority, "signer").await.unwrap();
        assert_eq!(*value.unwrap().bytes, b"root");
        let gone = kit.restarted(&db).secrets.use_secret(&ctx, "secret-0", "tool", None).await;
        assert!(matches!(gone, Err(SecretError::Keys(KeyError::MasterKeyMissing(_)))));
    }
}

/// An authority over the same database whose clock says something else.
async fn later_authority(db: &db::testing::TestDb, at: vocab::Timestamp) -> db::Authority {
    let opened = db::Db::open(&db.config, Clock::manual(at), Random::system()).await;
    opened.unwrap().1
}

#[tokio::test]
async fn an_event_of_a_rotation_names_no_key() {
    let db = db::testing::TestDb::sqlite().await;
    let (kit, ctx) = (Kit::new(&db), db.org().await);
    kit.vault.keyring.rotate_data_key(&ctx).await.unwrap();
    let mut tx = ctx.write().await.unwrap();
    tx.record(Draft::new(EventKind::OrgUpdated, ctx.org()));
    tx.commit().await.unwrap();
    let all = events(&ctx).await;
    assert_eq!(
        all[1],
        ("data_key.rotated".to_owned(), r#"{"version":1}"#.to_owned())
    );
}
