//! Which plan an organisation has, what limits it set, and what it has used.

use db::{Authority, OrgContext, Row, Sql, StoreError, SystemRead, SystemWrite, WriteTx, params};
use serde::de::DeserializeOwned;
use vocab::{Actor, OrgId, Timestamp};

use super::bounds::Bounds;
use super::used::Used;

/// What is stored of the limits of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The plan that the operator gave it.
    pub plan: Option<String>,
    /// Its own limits.
    pub own: Bounds,
}

fn document<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Decode {
        column,
        expected: "limits",
    })
}

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

/// An organisation's plan and limits.
pub async fn stored(ctx: &OrgContext) -> Result<Stored, StoreError> {
    let mut tx = ctx.read().await?;
    let plan = tx
        .optional("SELECT plan FROM org_plans WHERE org_id = $1", &[])
        .await?;
    let own = tx
        .optional("SELECT limits FROM tool_limits WHERE org_id = $1", &[])
        .await?;
    Ok(Stored {
        plan: plan.map(|row| row.get(0)).transpose()?,
        own: own.map_or_else(|| Ok(Bounds::default()), |row| document(&row, 0))?,
    })
}

/// An organisation's own limits within a transaction that is about to change them: nobody else does
/// until it is over.
pub async fn own(tx: &mut WriteTx, now: Timestamp) -> Result<Bounds, StoreError> {
    let sql = "INSERT INTO tool_limits (org_id, limits, updated_at_us) VALUES ($1, '{}', $2) \
        ON CONFLICT (org_id) DO NOTHING";
    tx.execute(sql, &params![now]).await?;
    let sql = Sql::Each {
        sqlite: "SELECT limits FROM tool_limits WHERE org_id = $1",
        postgres: "SELECT limits FROM tool_limits WHERE org_id = $1 FOR UPDATE",
    };
    document(&tx.one(sql, &[]).await?, 0)
}

/// Sets an organisation's own limits, which were read before.
pub async fn put_own(tx: &mut WriteTx, own: &Bounds, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE tool_limits SET limits = $2, updated_at_us = $3 WHERE org_id = $1";
    tx.execute(sql, &params![written(own)?, now])
        .await
        .map(drop)
}

/// Gives an organisation a plan, or the default again.
pub async fn put_plan(
    tx: &mut SystemWrite,
    org: OrgId,
    plan: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(plan) = plan else {
        let sql = "DELETE FROM org_plans WHERE org_id = $1";
        return tx.execute(sql, &params![org]).await.map(drop);
    };
    let sql = "INSERT INTO org_plans (org_id, plan, updated_at_us) VALUES ($1, $2, $3) \
        ON CONFLICT (org_id) DO UPDATE SET plan = excluded.plan, \
        updated_at_us = excluded.updated_at_us";
    tx.execute(sql, &params![org, plan, now]).await.map(drop)
}

/// Every organisation with its name and the plan that it was given, in the order in which they came.
pub async fn plans(
    tx: &mut SystemRead,
) -> Result<Vec<(OrgId, String, Option<String>)>, StoreError> {
    let sql = "SELECT o.org_id, o.name, p.plan FROM organisations o \
        LEFT JOIN org_plans p ON p.org_id = o.org_id \
        WHERE o.deleted_at_us IS NULL ORDER BY o.org_id";
    let rows = tx.all(sql, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// What an organisation has used, and the version of it; version 0 is nothing yet.
pub async fn used(ctx: &OrgContext) -> Result<(Used, i64), StoreError> {
    let sql = "SELECT used, version FROM tool_use WHERE org_id = $1";
    match ctx.read().await?.optional(sql, &[]).await? {
        Some(row) => Ok((document(&row, 0)?, row.get(1)?)),
        None => Ok((Used::default(), 0)),
    }
}

/// Writes what an organisation has used in the place of the version that was read; false if that is
/// not the version any more.
pub async fn put_used(
    authority: &Authority,
    org: OrgId,
    used: &Used,
    version: i64,
) -> Result<bool, StoreError> {
    let mut tx = authority.system_write(Actor::system("tool limits")).await?;
    let document = written(used)?;
    let changed = match version {
        0 => {
            let sql = "INSERT INTO tool_use (org_id, version, used) VALUES ($1, 1, $2) \
                ON CONFLICT (org_id) DO NOTHING";
            tx.execute(sql, &params![org, document]).await?
        }
        version => {
            let sql = "UPDATE tool_use SET used = $3, version = version + 1 \
                WHERE org_id = $1 AND version = $2";
            tx.execute(sql, &params![org, version, document]).await?
        }
    };
    if changed == 0 {
        return Ok(false);
    }
    tx.commit_unrecorded("what tools took; their runs have each call")
        .await?;
    Ok(true)
}
