//! Run tokens, as their digests.

use db::{StoreError, SystemRead, SystemWrite, WriteTx, params};
use vocab::{Digest, OrgId, RunId, Timestamp};

use super::stored;
use crate::gateway::Spender;
use crate::public::StoredToken;

pub(crate) async fn insert(
    tx: &mut WriteTx,
    it: &StoredToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO model_run_tokens (org_id, digest, run_id, agent_id, user_id, session_id, \
        project_id, budget_usd_micros, created_at_us, expires_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let of = &it.spender;
    let row = params![
        it.digest,
        it.run,
        of.agent,
        of.user,
        of.session,
        of.project,
        of.run_budget_usd_micros.map(stored),
        now,
        it.expires_at
    ];
    tx.execute(sql, &row).await.map(drop)
}

/// The token of a digest, whosever it is, if it has not expired.
pub(crate) async fn find(
    tx: &mut SystemRead,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<(OrgId, StoredToken)>, StoreError> {
    let sql = "SELECT org_id, run_id, agent_id, user_id, session_id, project_id, \
        budget_usd_micros, expires_at_us FROM model_run_tokens \
        WHERE digest = $1 AND expires_at_us > $2";
    let Some(row) = tx.optional(sql, &params![digest, now]).await? else {
        return Ok(None);
    };
    let run: RunId = row.get(1)?;
    let spender = Spender {
        agent: row.get(2)?,
        user: row.get(3)?,
        key: None,
        run: Some(run),
        session: row.get(4)?,
        project: row.get(5)?,
        run_budget_usd_micros: row.get(6)?,
    };
    let expires_at = row.get(7)?;
    Ok(Some((
        row.get(0)?,
        StoredToken {
            digest,
            run,
            spender,
            expires_at,
        },
    )))
}

pub(crate) async fn sweep(tx: &mut SystemWrite, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM model_run_tokens WHERE expires_at_us <= $1";
    tx.execute(sql, &params![now]).await
}
