//! A run's journal, as its organisation's events hold it.

use db::{OrgContext, StoreError, params};
use policy::HasRead;
use serde::Deserialize as _;
use vocab::{Digest, EventKind, RunId, Timestamp};

/// One entry of a journal as it is stored.
pub(crate) struct StoredEntry {
    pub kind: EventKind,
    pub at: Timestamp,
    pub data: serde_json::Map<String, serde_json::Value>,
    pub content: Vec<Digest>,
}

/// The journal of a run, in order.
pub(crate) async fn journal(ctx: &OrgContext, run: RunId) -> Result<Vec<StoredEntry>, StoreError> {
    let sql = "SELECT run_seq, kind, at_us, data, content FROM events \
        WHERE org_id = $1 AND run_id = $2 AND run_seq IS NOT NULL ORDER BY run_seq";
    let rows = ctx.read().await?.all(sql, &params![run]).await?;
    rows.iter()
        .map(|row| {
            let decode = |column, expected| StoreError::Decode { column, expected };
            let (kind, data): (String, String) = (row.get(1)?, row.get(3)?);
            let content: Option<String> = row.get(4)?;
            let content = content.map(|text| serde_json::from_str(&text)).transpose();
            Ok(StoredEntry {
                kind: EventKind::parse(&kind).ok_or_else(|| decode(1, "an event kind"))?,
                at: row.get(2)?,
                data: serde_json::from_str(&data).map_err(|_| decode(3, "an object"))?,
                content: content
                    .map_err(|_| decode(4, "digests"))?
                    .unwrap_or_default(),
            })
        })
        .collect()
}

/// What a run that succeeded had read, as its journal says; one that did not has nothing to tell.
pub(crate) async fn read_by(ctx: &OrgContext, run: RunId) -> Result<HasRead, StoreError> {
    let sql = "SELECT data FROM events WHERE org_id = $1 AND run_id = $2 AND run_seq IS NOT NULL \
        AND kind = 'run.succeeded'";
    let row = ctx.read().await?.optional(sql, &params![run]).await?;
    let Some(row) = row else {
        return Ok(HasRead::default());
    };
    let data: String = row.get(0)?;
    let data: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&data).map_err(|_| StoreError::Decode {
            column: 0,
            expected: "an object",
        })?;
    let read = data.get("has_read").map(HasRead::deserialize);
    Ok(read.and_then(Result::ok).unwrap_or_default())
}

/// Whether the journal names an attempt in the event of its outcome.
pub(crate) async fn has_outcome(
    ctx: &OrgContext,
    run: RunId,
    job: vocab::JobId,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM events WHERE org_id = $1 AND run_id = $2 AND run_seq IS NOT NULL \
        AND kind IN ('tool.executed', 'tool.failed', 'tool.outcome_unknown') AND data LIKE $3";
    let named = format!("%\"job\":\"{job}\"%");
    Ok(ctx
        .read()
        .await?
        .optional(sql, &params![run, named])
        .await?
        .is_some())
}
