//! What the sweep over sessions needs beside them: its lease, and which organisations there are.

use std::time::Duration;

use db::{Authority, StoreError, params};
use vocab::{Actor, OrgId};

/// The name of the lease.
const LEASE: &str = "chat/lifecycle";
/// How long a process that died keeps the others waiting. It is renewed with each page of sessions.
const LEASE_FOR: Duration = Duration::from_secs(120);

/// Takes or renews the lease; false if another process has it.
pub(crate) async fn claim(authority: &Authority, holder: &str) -> Result<bool, StoreError> {
    let sql = "INSERT INTO leases (name, holder, epoch, expires_at_us) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = leases.epoch + 1, \
        expires_at_us = excluded.expires_at_us \
        WHERE leases.holder = excluded.holder OR leases.expires_at_us < $4";
    let now = authority.db().clock().now();
    let mut tx = authority.system_write(Actor::system("sweeper")).await?;
    let row = params![LEASE, holder, now.plus(LEASE_FOR), now];
    let held = tx.execute(sql, &row).await? == 1;
    tx.commit_unrecorded("the lease of the sweep over sessions")
        .await?;
    Ok(held)
}

/// Every organisation.
pub(crate) async fn organisations(authority: &Authority) -> Result<Vec<OrgId>, StoreError> {
    let sql = "SELECT org_id FROM organisations ORDER BY org_id";
    let rows = authority.system_read().await?.all(sql, &[]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
