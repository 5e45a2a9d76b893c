//! The SQL of placements. Instants are the database's own: processes whose clocks differ still agree
//! on whose lease is over.

use std::time::Duration;

use db::{Authority, Sql, StoreError, WriteTx, params};
use vocab::{Actor, OrgId, SessionId};

use super::{Held, LEASE};

/// Statements that differ in how the present instant is asked for, in microseconds.
macro_rules! at_present {
    (@ $now:literal, $before:literal NOW $after:literal) => { concat!($before, $now, $after) };
    (@ $now:literal, $before:literal NOW $between:literal NOW $after:literal) => {
        concat!($before, $now, $between, $now, $after)
    };
    ($($part:tt)+) => {
        Sql::Each {
            sqlite: at_present!(@ "CAST(unixepoch('subsec') * 1000000 AS INTEGER)", $($part)+),
            postgres: at_present!(
                @ "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", $($part)+
            ),
        }
    };
}

fn system() -> Actor {
    Actor::system("placements")
}

fn micros(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)
}

/// Makes a holder with a lease from now, and forgets holders that are long gone.
pub(super) async fn join(
    authority: &Authority,
    (id, address): (&str, &str),
    lease: Duration,
) -> Result<(), StoreError> {
    const JOIN: Sql = at_present!(
        "INSERT INTO chat_holders (id, address, expires_at_us) VALUES ($1, $2, $3 + " NOW ")"
    );
    const SWEEP: Sql = at_present!(
        "DELETE FROM chat_holders WHERE expires_at_us < " NOW " - 3600000000"
    );
    let mut tx = authority.system_write(system()).await?;
    tx.execute(JOIN, &params![id, address, micros(lease)])
        .await?;
    tx.execute(SWEEP, &[]).await?;
    tx.commit_unrecorded("a holder of chats").await
}

/// Extends the lease of a holder. False if it is over, and then nothing brings it back.
pub(super) async fn extend(
    authority: &Authority,
    id: &str,
    lease: Duration,
) -> Result<bool, StoreError> {
    const EXTEND: Sql = at_present!(
        "UPDATE chat_holders SET expires_at_us = $2 + " NOW
        " WHERE id = $1 AND expires_at_us > " NOW ""
    );
    let mut tx = authority.system_write(system()).await?;
    let extended = tx.execute(EXTEND, &params![id, micros(lease)]).await? == 1;
    tx.commit_unrecorded("the lease of a holder of chats")
        .await?;
    Ok(extended)
}

/// Gives back everything that a holder has, and the holder itself.
pub(super) async fn leave(authority: &Authority, id: &str) -> Result<u64, StoreError> {
    let mut tx = authority.system_write(system()).await?;
    let sql = "UPDATE chat_placements SET holder = NULL WHERE holder = $1";
    let given_back = tx.execute(sql, &params![id]).await?;
    tx.execute("DELETE FROM chat_holders WHERE id = $1", &params![id])
        .await?;
    tx.commit_unrecorded("chats that are given back").await?;
    Ok(given_back)
}

/// Gives back one chat.
pub(super) async fn release(
    authority: &Authority,
    (org, session): (OrgId, SessionId),
    (holder, epoch): (&str, i64),
) -> Result<(), StoreError> {
    let mut tx = authority.system_write(system()).await?;
    let sql = "UPDATE chat_placements SET holder = NULL \
        WHERE org_id = $1 AND session_id = $2 AND holder = $3 AND epoch = $4";
    tx.execute(sql, &params![org, session, holder, epoch])
        .await?;
    tx.commit_unrecorded("a chat that is given back").await
}

/// Who holds a chat, if its lease is not over.
pub(super) async fn holder(
    authority: &Authority,
    (org, session): (OrgId, SessionId),
) -> Result<Option<Held>, StoreError> {
    const HOLDER: Sql = at_present!(
        "SELECT p.holder, p.epoch, h.address FROM chat_placements p JOIN chat_holders h \
         ON h.id = p.holder WHERE p.org_id = $1 AND p.session_id = $2 AND h.expires_at_us > " NOW ""
    );
    let mut tx = authority.system_read().await?;
    let row = tx.optional(HOLDER, &params![org, session]).await?;
    let held = |row: db::Row| {
        Ok(Held {
            holder: row.get(0)?,
            epoch: row.get(1)?,
            address: row.get(2)?,
        })
    };
    row.map(held).transpose()
}

/// Takes a chat that nobody holds whose lease is not over. Answers its epoch; nothing if somebody
/// does, or if the lease of this holder is over itself.
pub(super) async fn claim(
    authority: &Authority,
    (org, session): (OrgId, SessionId),
    holder: &str,
) -> Result<Option<i64>, StoreError> {
    const CLAIM: Sql = at_present!(
        "INSERT INTO chat_placements (org_id, session_id, holder, epoch) \
         SELECT $1, $2, me.id, 1 FROM chat_holders me WHERE me.id = $3 AND me.expires_at_us > " NOW
        " ON CONFLICT (org_id, session_id) DO UPDATE SET holder = excluded.holder, \
         epoch = chat_placements.epoch + 1 WHERE chat_placements.holder IS NULL OR NOT EXISTS \
         (SELECT 1 FROM chat_holders h WHERE h.id = chat_placements.holder \
         AND h.expires_at_us > " NOW ") RETURNING epoch"
    );
    let mut tx = authority.system_write(system()).await?;
    let row = tx.optional(CLAIM, &params![org, session, holder]).await?;
    let epoch = row.map(|row| row.get(0)).transpose()?;
    tx.commit_unrecorded("who holds a chat").await?;
    Ok(epoch)
}

/// Whether this holder still has the chat in this epoch; if it does, nobody takes it before the
/// transaction is over. Should this process fall silent in the middle of it, the server ends the
/// transaction about when the lease is over, so that nobody waits for longer.
pub(super) async fn fence(
    tx: &mut WriteTx,
    session: SessionId,
    (holder, epoch): (&str, i64),
) -> Result<bool, StoreError> {
    const FENCE: Sql = Sql::Each {
        sqlite: "SELECT $5 FROM chat_placements \
             WHERE org_id = $1 AND session_id = $2 AND holder = $3 AND epoch = $4",
        postgres: "SELECT set_config('idle_in_transaction_session_timeout', $5, true) \
             FROM chat_placements \
             WHERE org_id = $1 AND session_id = $2 AND holder = $3 AND epoch = $4 FOR SHARE",
    };
    let patience = LEASE.as_millis().to_string();
    let row = params![session, holder, epoch, patience];
    Ok(tx.optional(FENCE, &row).await?.is_some())
}
