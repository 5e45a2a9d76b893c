//! What the tests share: a vault over a test's own database and blob folder.

use db::testing::TestDb;
use db::{Blobs, OrgContext, Value, WriteTx};
use tempfile::TempDir;
use vault::{MasterKeys, StoredSecret, Vault};
use vocab::{Draft, EventKind, Random, SecretString};

pub struct Kit {
    pub vault: Vault,
    pub blobs: Blobs,
    pub folder: TempDir,
    pub key: SecretString,
}

/// A master key as text, so that a test can open a second vault with it.
pub fn key_text(seed: u8) -> SecretString {
    use std::fmt::Write as _;
    // 43 digits of base64 and padding: 32 bytes, the last of which has its low bits clear.
    let mut text = String::new();
    for at in 0..42 {
        write!(text, "{}", char::from(b'a' + (seed + at) % 26)).unwrap();
    }
    format!("{text}A=").into()
}

impl Kit {
    pub fn new(db: &TestDb) -> Self {
        let folder = TempDir::new().unwrap();
        let blobs = Blobs::local(&folder.path().join("blobs")).unwrap();
        let key = key_text(0);
        let vault = vault_with(db, &blobs, &key);
        Self {
            vault,
            blobs,
            folder,
            key,
        }
    }

    /// A second process over the same data: nothing in memory yet.
    pub fn restarted(&self, db: &TestDb) -> Vault {
        vault_with(db, &self.blobs, &self.key)
    }

    /// Names of the blob files.
    pub fn blob_files(&self) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("blobs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found
    }

    pub async fn secret(&self, ctx: &OrgContext, name: &str, value: &str) -> StoredSecret {
        let mut tx = ctx.write().await.unwrap();
        let made = self
            .vault
            .secrets
            .create(ctx, &mut tx, name, &value.into())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        made
    }
}

pub fn vault_with(db: &TestDb, blobs: &Blobs, key: &SecretString) -> Vault {
    let keys = MasterKeys::parse(key).unwrap();
    Vault::new(keys, blobs.clone(), db.db.clock().clone(), Random::system())
}

/// Commits with some event.
pub async fn commit(mut tx: WriteTx) {
    tx.record(Draft::new(EventKind::OrgUpdated, tx.org()));
    tx.commit().await.unwrap();
}

/// Runs a statement of an intruder, who can write to the database.
pub async fn meddle(ctx: &OrgContext, sql: &'static str, params: &[Value]) -> u64 {
    let mut tx = ctx.write().await.unwrap();
    let changed = tx.execute(sql, params).await.unwrap();
    commit(tx).await;
    changed
}

/// One column of one row.
pub async fn column<T: db::FromColumn>(ctx: &OrgContext, sql: &'static str, params: &[Value]) -> T {
    ctx.read()
        .await
        .unwrap()
        .one(sql, params)
        .await
        .unwrap()
        .get(0)
        .unwrap()
}

/// The kinds and data of the organisation's events, in order.
pub async fn events(ctx: &OrgContext) -> Vec<(String, String)> {
    let sql = "SELECT kind, data FROM events WHERE org_id = $1 ORDER BY ord";
    let rows = ctx.read().await.unwrap().all(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.get(0).unwrap(), row.get(1).unwrap()))
        .collect()
}
