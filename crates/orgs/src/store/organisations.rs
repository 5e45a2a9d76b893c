//! Organisations themselves.

use db::{ReadTx, Row, StoreError, SystemWrite, WriteTx, params};
use vocab::{OrgId, Role, Timestamp, UserId};

use crate::model::Organisation;

fn organisation(row: &Row) -> Result<Organisation, StoreError> {
    Ok(Organisation {
        id: row.get(0)?,
        name: row.get(1)?,
        created_at: row.get(2)?,
    })
}

/// Makes an organisation with its first owner.
pub(crate) async fn insert(
    tx: &mut SystemWrite,
    org: &Organisation,
    owner: UserId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO organisations (org_id, name, created_at_us) VALUES ($1, $2, $3)";
    tx.execute(sql, &params![org.id, &org.name, org.created_at])
        .await?;
    join(tx, org.id, owner, Role::Owner, org.created_at).await
}

pub(crate) async fn join(
    tx: &mut SystemWrite,
    org: OrgId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO memberships (org_id, user_id, role, created_at_us) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &params![org, user, role.as_str(), now])
        .await?;
    Ok(())
}

pub(crate) async fn find(tx: &mut ReadTx) -> Result<Organisation, StoreError> {
    let sql = "SELECT org_id, name, created_at_us FROM organisations
        WHERE org_id = $1 AND deleted_at_us IS NULL";
    organisation(&tx.one(sql, &[]).await?)
}

pub(crate) async fn rename(tx: &mut WriteTx, name: &str) -> Result<Organisation, StoreError> {
    let sql = "UPDATE organisations SET name = $2, version = version + 1
        WHERE org_id = $1 AND deleted_at_us IS NULL RETURNING org_id, name, created_at_us";
    organisation(&tx.one(sql, &params![name]).await?)
}

pub(crate) async fn delete(tx: &mut WriteTx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE organisations SET deleted_at_us = $2, version = version + 1
        WHERE org_id = $1 AND deleted_at_us IS NULL";
    Ok(tx.execute(sql, &params![now]).await? == 1)
}

pub(crate) async fn find_system(
    tx: &mut SystemWrite,
    org: OrgId,
) -> Result<Organisation, StoreError> {
    let sql = "SELECT org_id, name, created_at_us FROM organisations WHERE org_id = $1";
    organisation(&tx.one(sql, &params![org]).await?)
}
