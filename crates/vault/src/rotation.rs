//! Replacing keys: new data keys, everything moved to the newest, old ones retired; and the same
//! one level up, for master keys.

use std::time::Duration;

use db::{Authority, OrgContext, Row, StoreError, SystemWrite, Value, WriteTx, params};
use vocab::{Actor, Draft, EventKind, OrgId, Role};

use crate::crypto::{AeadKey, BoundTo};
use crate::keyring::{DataKey, KeyError, Keyring, Purpose, data_key_bound_to};
use crate::{secret_store, subject, values};

/// How long a data key that nothing uses any more is kept, for transactions that had read it as
/// the newest just before.
const RETIRED_AFTER: Duration = Duration::from_secs(3600);
/// How many wrapped keys one transaction moves to another master key.
const REWRAPPED_AT_ONCE: u32 = 500;

/// What one batch of re-encryption did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// How many ciphertexts are under the newest data key now that weren't before.
    pub moved: u64,
    /// Whether there may be more.
    pub left: bool,
}

const VERSIONS: &str = "SELECT max(version), min(version) FROM data_keys WHERE org_id = $1";
const RETIRE: &str = "DELETE FROM data_keys WHERE org_id = $1 AND version < (SELECT max(n.version) \
    FROM data_keys n WHERE n.org_id = $1) AND (SELECT max(n.created_at_us) FROM data_keys n WHERE \
    n.org_id = $1) < $2 \
    AND NOT EXISTS (SELECT 1 FROM subjects s WHERE s.org_id = $1 AND s.data_key_version = data_keys.version) \
    AND NOT EXISTS (SELECT 1 FROM secret_versions s WHERE s.org_id = $1 AND s.data_key_version = data_keys.version) \
    AND NOT EXISTS (SELECT 1 FROM sealed_values s WHERE s.org_id = $1 AND s.data_key_version = data_keys.version)";

impl Keyring {
    /// Gives the organisation a new data key. New ciphertexts are under it from the commit on;
    /// [`Keyring::reseal`] moves the others. Answers the new version.
    ///
    /// # Errors
    /// [`KeyError::RoleTooLow`] for anybody but an admin, and outages.
    pub async fn rotate_data_key(&self, ctx: &OrgContext) -> Result<u32, KeyError> {
        if ctx.role() < Role::Admin {
            return Err(KeyError::RoleTooLow);
        }
        let mut tx = ctx.write().await?;
        let newest = tx
            .one(VERSIONS, &[])
            .await?
            .get::<Option<u32>>(0)?
            .unwrap_or(0);
        let version = newest + 1;
        if !self.insert(&mut tx, version).await? {
            return Err(StoreError::Busy("another rotation was faster".into()).into());
        }
        tx.record(Draft::new(EventKind::DataKeyRotated, ctx.org()).fact("version", version));
        tx.commit().await?;
        Ok(version)
    }

    /// Moves at most that many ciphertexts from older data keys to the newest. Stopping between two
    /// batches loses nothing.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] if a ciphertext doesn't open, and outages.
    pub async fn reseal(&self, ctx: &OrgContext, rows: u32) -> Result<Resealed, KeyError> {
        // Most of the time there is one key and nothing to do: that costs no write transaction.
        let versions = ctx.read().await?.one(VERSIONS, &[]).await?;
        if versions.get::<Option<u32>>(0)? == versions.get::<Option<u32>>(1)? {
            return Ok(Resealed {
                moved: 0,
                left: false,
            });
        }
        let mut tx = ctx.write().await?;
        let newest = self.newest(&mut tx).await?;
        let (mut moved, mut found) = (0, 0);
        for table in TABLES {
            let limit = rows.saturating_sub(found);
            let (seen, changed) = self.reseal_table(&mut tx, table, &newest, limit).await?;
            found += seen;
            moved += changed;
        }
        if moved > 0 {
            let event = Draft::new(EventKind::DataKeyRotated, ctx.org());
            tx.record(
                event
                    .fact("version", newest.version)
                    .fact("resealed", moved),
            );
            tx.commit().await?;
        }
        Ok(Resealed {
            moved,
            left: found >= rows,
        })
    }

    /// Destroys older data keys that nothing is sealed under any more; answers how many.
    pub(crate) async fn retire(&self, ctx: &OrgContext) -> Result<u64, KeyError> {
        let versions = ctx.read().await?.one(VERSIONS, &[]).await?;
        let newest: Option<u32> = versions.get(0)?;
        if newest == versions.get(1)? {
            return Ok(0);
        }
        let mut tx = ctx.write().await?;
        let before = ctx.now().minus(RETIRED_AFTER);
        let retired = tx.execute(RETIRE, &params![before]).await?;
        if retired > 0 {
            let event = Draft::new(EventKind::DataKeyRotated, ctx.org());
            tx.record(event.fact_if("version", newest).fact("retired", retired));
            tx.commit().await?;
        }
        Ok(retired)
    }

    async fn reseal_table(
        &self,
        tx: &mut WriteTx,
        table: &Table,
        newest: &DataKey,
        limit: u32,
    ) -> Result<(u32, u64), KeyError> {
        let older = tx.all(table.older, &params![newest.version, limit]).await?;
        let new_key = newest.key_for(table.purpose)?;
        let mut changed = 0;
        for row in &older {
            // The last three columns are the data key's.
            let old_key = self.unwrap_row(tx.org(), row, table.columns)?;
            let (bound_to, key) = (table.bound_to)(tx.org(), row)?;
            let sealed: Vec<u8> = row.get(table.columns - 1)?;
            let sealed = reseal(
                &old_key.key_for(table.purpose)?,
                &new_key,
                &bound_to,
                &sealed,
            )?;
            let mut values = params![newest.version, sealed, old_key.version].to_vec();
            values.extend(key);
            changed += tx.execute(table.update, &values).await?;
        }
        Ok((u32::try_from(older.len()).unwrap_or(u32::MAX), changed))
    }

    /// Puts everything that is wrapped under an older master key under the newest. When this
    /// returns, the older ones are needed for backups alone. Answers how much it moved.
    ///
    /// Every process must have loaded the newest key before: one that doesn't have it can open
    /// nothing afterwards. So a rotation is: add a key, restart everything, rewrap.
    ///
    /// # Errors
    /// [`KeyError::MasterKeyMissing`], [`KeyError::Damaged`], and outages.
    pub async fn rewrap(&self, authority: &Authority) -> Result<u64, KeyError> {
        let mut moved = 0;
        loop {
            let mut tx = authority.system_write(Actor::system("keyring")).await?;
            let in_this_batch = self.rewrap_data_keys(&mut tx).await?
                + self.rewrap_installation_values(&mut tx).await?;
            if in_this_batch == 0 {
                return Ok(moved);
            }
            tx.commit_unrecorded("wrapped under another master key")
                .await?;
            moved += in_this_batch;
        }
    }

    async fn rewrap_data_keys(&self, tx: &mut SystemWrite) -> Result<u64, KeyError> {
        let newest = self.newest_master()?;
        let older = "SELECT org_id, version, master_key_id, wrapped FROM data_keys \
                     WHERE master_key_id <> $1 LIMIT $2";
        let update = "UPDATE data_keys SET master_key_id = $3, wrapped = $4 \
                      WHERE org_id = $1 AND version = $2 AND master_key_id = $5";
        let mut moved = 0;
        for row in tx
            .all(older, &params![&newest.id, REWRAPPED_AT_ONCE])
            .await?
        {
            let (org, version): (OrgId, u32) = (row.get(0)?, row.get(1)?);
            let (was, wrapped): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let key = self
                .master(&was)?
                .wrapping
                .open(&data_key_bound_to(org, version, &was), &wrapped)
                .map_err(|_| KeyError::Damaged)?;
            let bound_to = data_key_bound_to(org, version, &newest.id);
            let wrapped = newest.wrapping.seal(&bound_to, &key)?;
            moved += tx
                .execute(update, &params![org, version, &newest.id, wrapped, was])
                .await?;
        }
        Ok(moved)
    }

    async fn rewrap_installation_values(&self, tx: &mut SystemWrite) -> Result<u64, KeyError> {
        let newest = self.newest_master()?;
        let older = "SELECT name, version, master_key_id, sealed FROM installation_values \
                     WHERE master_key_id <> $1 LIMIT $2";
        let update = "UPDATE installation_values SET master_key_id = $3, sealed = $4 \
                      WHERE name = $1 AND version = $2 AND master_key_id = $5";
        let mut moved = 0;
        for row in tx
            .all(older, &params![&newest.id, REWRAPPED_AT_ONCE])
            .await?
        {
            let (name, version): (String, u32) = (row.get(0)?, row.get(1)?);
            let (was, sealed): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let bound_to = values::installation_bound_to(&name, version);
            let sealed = reseal(
                &self.master(&was)?.wrapping,
                &newest.wrapping,
                &bound_to,
                &sealed,
            )?;
            moved += tx
                .execute(update, &params![name, version, &newest.id, sealed, was])
                .await?;
        }
        Ok(moved)
    }
}

fn reseal(
    old: &AeadKey,
    new: &AeadKey,
    bound_to: &BoundTo,
    sealed: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let plain = old.open(bound_to, sealed).map_err(|_| KeyError::Damaged)?;
    Ok(new.seal(bound_to, &plain)?)
}

/// A table whose rows are sealed under data keys.
struct Table {
    purpose: Purpose,
    /// Rows under a key older than `$2`, at most `$3`: the row's key, what is sealed, the data key.
    older: &'static str,
    /// How many columns come before the data key's.
    columns: usize,
    /// Puts `$3` under key `$2` if it was under key `$4`; the row's key follows.
    update: &'static str,
    /// Where the row is.
    bound_to: fn(OrgId, &Row) -> Result<Place, StoreError>,
}

/// What a row's ciphertext is bound to, and the row's key as parameters.
type Place = (BoundTo, Vec<Value>);

const TABLES: &[Table] = &[
    Table {
        purpose: Purpose::Secret,
        older: "SELECT t.secret_id, t.version, t.sealed, d.version, d.master_key_id, d.wrapped \
            FROM secret_versions t JOIN data_keys d ON d.org_id = t.org_id AND d.version = \
            t.data_key_version WHERE t.org_id = $1 AND t.data_key_version < $2 LIMIT $3",
        columns: 3,
        update: "UPDATE secret_versions SET data_key_version = $2, sealed = $3 WHERE org_id = $1 \
            AND data_key_version = $4 AND secret_id = $5 AND version = $6",
        bound_to: |org, row| {
            let (id, version) = (row.get(0)?, row.get(1)?);
            Ok((
                secret_store::bound_to(org, id, version),
                params![id, version].to_vec(),
            ))
        },
    },
    Table {
        purpose: Purpose::Value,
        older: "SELECT t.name, t.version, t.sealed, d.version, d.master_key_id, d.wrapped \
            FROM sealed_values t JOIN data_keys d ON d.org_id = t.org_id AND d.version = \
            t.data_key_version WHERE t.org_id = $1 AND t.data_key_version < $2 LIMIT $3",
        columns: 3,
        update: "UPDATE sealed_values SET data_key_version = $2, sealed = $3 WHERE org_id = $1 \
            AND data_key_version = $4 AND name = $5 AND version = $6",
        bound_to: |org, row| {
            let (name, version): (String, u32) = (row.get(0)?, row.get(1)?);
            Ok((
                values::bound_to(org, &name, version),
                params![name, version].to_vec(),
            ))
        },
    },
    Table {
        purpose: Purpose::Subject,
        older: "SELECT t.id, t.key_id, t.wrapped, d.version, d.master_key_id, d.wrapped \
            FROM subjects t JOIN data_keys d ON d.org_id = t.org_id AND d.version = \
            t.data_key_version WHERE t.org_id = $1 AND t.data_key_version < $2 LIMIT $3",
        columns: 3,
        // An erased subject has no key any more, and must not get this one back.
        update: "UPDATE subjects SET data_key_version = $2, wrapped = $3 WHERE org_id = $1 \
            AND data_key_version = $4 AND id = $5 AND key_id = $6 AND erased_at_us IS NULL",
        bound_to: |org, row| {
            let (id, key_id): (_, Vec<u8>) = (row.get(0)?, row.get(1)?);
            Ok((
                subject::bound_to(org, id, &key_id),
                params![id, key_id].to_vec(),
            ))
        },
    },
];
