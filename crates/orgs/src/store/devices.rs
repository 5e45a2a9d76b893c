//! Device codes (RFC 8628).

use db::{Row, StoreError, SystemWrite, params};
use vocab::{DeviceCodeId, Digest, OrgId, Timestamp, UserId};

/// A device code in progress.
pub(crate) struct DeviceCode {
    pub id: DeviceCodeId,
    pub expires_at: Timestamp,
    pub interval_s: u32,
    pub polled_at: Option<Timestamp>,
    pub decision: Option<String>,
    pub user: Option<UserId>,
    pub org: Option<OrgId>,
    pub redeemed: bool,
    pub client: Option<String>,
}

fn code(row: &Row) -> Result<DeviceCode, StoreError> {
    Ok(DeviceCode {
        id: row.get(0)?,
        expires_at: row.get(1)?,
        interval_s: row.get(2)?,
        polled_at: row.get(3)?,
        decision: row.get(4)?,
        user: row.get(5)?,
        org: row.get(6)?,
        redeemed: row.get::<Option<Timestamp>>(7)?.is_some(),
        client: row.get(8)?,
    })
}

/// What is stored when a device asks.
pub(crate) struct NewCode<'a> {
    pub id: DeviceCodeId,
    pub device: Digest,
    pub user: Digest,
    pub client: Option<&'a str>,
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub interval_s: u32,
}

pub(crate) async fn insert(tx: &mut SystemWrite, new: &NewCode<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO device_codes
          (id, device_digest, user_digest, client, created_at_us, expires_at_us, interval_s)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let NewCode {
        id,
        device,
        user,
        client,
        now,
        expires_at,
        interval_s,
    } = new;
    tx.execute(
        sql,
        &params![*id, *device, *user, *client, *now, *expires_at, *interval_s],
    )
    .await?;
    Ok(())
}

const COLUMNS_BY_DEVICE: db::Sql = db::Sql::Each {
    sqlite: "SELECT id, expires_at_us, interval_s, polled_at_us, decision, user_id, org_id, redeemed_at_us, client
        FROM device_codes WHERE device_digest = $1",
    postgres: "SELECT id, expires_at_us, interval_s, polled_at_us, decision, user_id, org_id, redeemed_at_us, client
        FROM device_codes WHERE device_digest = $1 FOR UPDATE",
};

/// The code of a device, held until the transaction ends.
pub(crate) async fn by_device(
    tx: &mut SystemWrite,
    digest: Digest,
) -> Result<Option<DeviceCode>, StoreError> {
    tx.optional(COLUMNS_BY_DEVICE, &params![digest])
        .await?
        .as_ref()
        .map(code)
        .transpose()
}

pub(crate) async fn polled(
    tx: &mut SystemWrite,
    id: DeviceCodeId,
    now: Timestamp,
    interval_s: u32,
) -> Result<(), StoreError> {
    let sql = "UPDATE device_codes SET polled_at_us = $2, interval_s = $3 WHERE id = $1";
    tx.execute(sql, &params![id, now, interval_s]).await?;
    Ok(())
}

pub(crate) async fn redeem(
    tx: &mut SystemWrite,
    id: DeviceCodeId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE device_codes SET redeemed_at_us = $2 WHERE id = $1";
    tx.execute(sql, &params![id, now]).await?;
    Ok(())
}

/// A person's decision about a code that waits for one.
pub(crate) struct Decision {
    pub code: Digest,
    pub approved: bool,
    pub user: UserId,
    pub org: Option<OrgId>,
    pub now: Timestamp,
}

/// Stores a decision, if the code waits for one; answers which code, and its client.
pub(crate) async fn decide(
    tx: &mut SystemWrite,
    it: &Decision,
) -> Result<Option<(DeviceCodeId, Option<String>)>, StoreError> {
    let sql = "UPDATE device_codes SET decision = $2, user_id = $3, org_id = $4
        WHERE user_digest = $1 AND decision IS NULL AND expires_at_us > $5 RETURNING id, client";
    let decision = if it.approved { "approved" } else { "denied" };
    let row = tx
        .optional(sql, &params![it.code, decision, it.user, it.org, it.now])
        .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}
