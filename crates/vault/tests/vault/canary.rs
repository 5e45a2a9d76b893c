//! A planted value is looked for wherever something is printed or stored.

use db::{DatabaseConfig, on_both_databases};
use vault::{Grants, Masker};
use vocab::ExposeSecret as _;

use crate::kit::Kit;

const CANARY: &str = "canary-7d1f3a90c2b84e56";

fn clean(what: &str, text: &str) {
    let mut masker = Masker::new();
    masker.add("canary", &CANARY.into()).unwrap();
    let masked = masker.mask(text);
    assert_eq!(masked, text, "{what}");
}

#[test]
#[should_panic(expected = "a planted leak")]
fn the_search_finds_what_is_planted() {
    clean(
        "a planted leak",
        &format!("token={}", CANARY.replace('-', "%2D")),
    );
}

on_both_databases! {
    async fn nothing_that_prints_or_stores_has_the_value(db: TestDb) {
        let (kit, ctx) = (Kit::new(&db), db.org().await);
        let secrets = &kit.vault.secrets;
        let made = kit.secret(&ctx, "canary", CANARY).await;
        let mut tx = ctx.write().await.unwrap();
        let grants = Grants { tools: vec!["tool".to_owned()], ..Grants::default() };
        secrets.set_grants(&ctx, &mut tx, made.id, &grants).await.unwrap();
        secrets.rotate(&ctx, &mut tx, made.id, &format!("{CANARY}-2").into()).await.unwrap();
        kit.vault.content.seal(&mut tx, None, "a/b", CANARY.as_bytes()).await.unwrap();
        kit.vault.values.put(&mut tx, "key", CANARY.as_bytes()).await.unwrap();
        tx.commit().await.unwrap();
        let used = secrets.use_secret(&ctx, "canary", "tool", None).await.unwrap();
        let masker = secrets.masker(&ctx, None).await.unwrap();
        let value = kit.vault.values.get(&mut ctx.read().await.unwrap(), "key").await.unwrap().unwrap();
        let keys = kit.vault.content.keys(&ctx, None).await.unwrap();
        let prepared = kit.vault.content.prepare(&ctx, None, "a/b", CANARY.into()).await.unwrap();
        clean("debug", &format!("{made:?} {used:?} {masker:?} {value:?} {keys:?} {prepared:?}"));
        clean("json", &serde_json::to_string(&made).unwrap());
        assert_eq!(used.value.expose_secret(), format!("{CANARY}-2"), "the positive twin");

        let mut tx = ctx.write().await.unwrap();
        let long = CANARY.repeat(5_000);
        let errors = [
            secrets.create(&ctx, &mut tx, "canary", &CANARY.into()).await.unwrap_err(),
            secrets.create(&ctx, &mut tx, CANARY.repeat(9).as_str(), &CANARY.into()).await.unwrap_err(),
            secrets.create(&ctx, &mut tx, "long", &long.as_str().into()).await.unwrap_err(),
            secrets.rotate(&ctx, &mut tx, ctx.new_id(), &CANARY.into()).await.unwrap_err(),
            secrets.use_secret(&ctx, &format!("{CANARY} "), "tool", None).await.unwrap_err(),
        ];
        for error in errors {
            clean("error", &format!("{error} {error:?}"));
        }
        drop(tx);
        for table in [
            "SELECT kind || subject || actor || data FROM events WHERE org_id = $1",
            "SELECT name FROM secrets WHERE org_id = $1",
            "SELECT kind || grantee FROM secret_grants WHERE org_id = $1",
        ] {
            for row in ctx.read().await.unwrap().all(table, &[]).await.unwrap() {
                clean(table, &row.get::<String>(0).unwrap());
            }
        }
        if let DatabaseConfig::Sqlite { path } = &db.config {
            for name in ["chancery.db", "chancery.db-wal"] {
                let bytes = std::fs::read(path.with_file_name(name)).unwrap_or_default();
                clean(name, &String::from_utf8_lossy(&bytes));
            }
        }
    }
}
