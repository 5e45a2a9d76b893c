//! Legal holds.

use db::{Row, Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::{Actor, SessionId};

use super::{json, written};
use crate::model::Hold;

/// The hold on a session.
pub(crate) async fn hold(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<Option<Hold>, StoreError> {
    let sql = "SELECT held_by, reason, held_at_us FROM session_holds \
        WHERE org_id = $1 AND session_id = $2";
    let row = tx.first(Sql::Both(sql), &params![session]).await?;
    let hold = |row: Row| {
        let by: Actor = json(&row, 0, "an actor")?;
        Ok(Hold {
            by,
            reason: row.get(1)?,
            at: row.get(2)?,
        })
    };
    row.map(hold).transpose()
}

/// False if it is held already.
pub(crate) async fn insert_hold(
    tx: &mut WriteTx,
    session: SessionId,
    it: &Hold,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO session_holds (org_id, session_id, held_by, reason, held_at_us) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let row = params![session, written(&it.by)?, it.reason, it.at];
    Ok(tx.execute(sql, &row).await? == 1)
}

/// False if it is not held.
pub(crate) async fn delete_hold(tx: &mut WriteTx, session: SessionId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM session_holds WHERE org_id = $1 AND session_id = $2";
    Ok(tx.execute(sql, &params![session]).await? == 1)
}
