//! Invitations.

use db::{ReadTx, Row, StoreError, SystemWrite, WriteTx, params};
use vocab::{Digest, InvitationId, OrgId, Role, Timestamp, UserId};

use crate::model::Invitation;

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.get(0)?,
        email: row.get(1)?,
        role: super::role(row, 2)?,
        invited_by: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

pub(crate) async fn insert(
    tx: &mut WriteTx,
    new: &Invitation,
    digest: Digest,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invitations
          (org_id, id, email, role, digest, invited_by, created_at_us, expires_at_us)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Invitation {
        id,
        email,
        role,
        invited_by,
        created_at,
        expires_at,
    } = new;
    let row = params![
        *id,
        email,
        role.as_str(),
        digest,
        *invited_by,
        *created_at,
        *expires_at
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

pub(crate) async fn count_open(tx: &mut WriteTx, now: Timestamp) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM invitations
        WHERE org_id = $1 AND accepted_at_us IS NULL AND revoked_at_us IS NULL AND expires_at_us > $2";
    tx.one(sql, &params![now]).await?.get(0)
}

/// A page of the invitations that can still be accepted, the oldest first.
pub(crate) async fn list_open(
    tx: &mut ReadTx,
    after: Option<InvitationId>,
    fetch: u32,
    now: Timestamp,
) -> Result<Vec<Invitation>, StoreError> {
    let sql = "SELECT id, email, role, invited_by, created_at_us, expires_at_us FROM invitations
        WHERE org_id = $1 AND id > $2
          AND accepted_at_us IS NULL AND revoked_at_us IS NULL AND expires_at_us > $3
        ORDER BY id LIMIT $4";
    let after = after.unwrap_or(InvitationId::from_uuid(uuid::Uuid::nil()));
    tx.all(sql, &params![after, now, fetch])
        .await?
        .iter()
        .map(invitation)
        .collect()
}

pub(crate) async fn revoke(
    tx: &mut WriteTx,
    id: InvitationId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE invitations SET revoked_at_us = $3
        WHERE org_id = $1 AND id = $2 AND accepted_at_us IS NULL AND revoked_at_us IS NULL";
    Ok(tx.execute(sql, &params![id, now]).await? == 1)
}

/// The open invitations that somebody made.
pub(crate) async fn made_by(
    tx: &mut WriteTx,
    user: UserId,
) -> Result<Vec<(InvitationId, Role)>, StoreError> {
    let sql = "SELECT id, role FROM invitations
        WHERE org_id = $1 AND invited_by = $2 AND accepted_at_us IS NULL AND revoked_at_us IS NULL";
    let rows = tx.all(sql, &params![user]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, super::role(row, 1)?)))
        .collect()
}

/// Spends an invitation, if it can be; answers where it leads.
pub(crate) async fn accept(
    tx: &mut SystemWrite,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<(OrgId, Invitation)>, StoreError> {
    let sql = "UPDATE invitations SET accepted_at_us = $2
        WHERE digest = $1 AND accepted_at_us IS NULL AND revoked_at_us IS NULL
          AND expires_at_us > $2
          AND EXISTS (SELECT 1 FROM organisations o
                      WHERE o.org_id = invitations.org_id AND o.deleted_at_us IS NULL)
        RETURNING id, email, role, invited_by, created_at_us, expires_at_us, org_id";
    let row = tx.optional(sql, &params![digest, now]).await?;
    row.map(|row| Ok((row.get(6)?, invitation(&row)?)))
        .transpose()
}
