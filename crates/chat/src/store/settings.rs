//! What an organisation says about the lives of its sessions.

use db::{Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::Timestamp;

use super::{json, written};
use crate::model::ChatSettings;

/// The settings and their version; the usual ones at version 0 if nobody said anything.
pub(crate) async fn settings(tx: &mut impl Query) -> Result<(ChatSettings, u32), StoreError> {
    let sql = "SELECT settings, version FROM chat_settings WHERE org_id = $1";
    match tx.first(Sql::Both(sql), &[]).await? {
        Some(row) => Ok((json(&row, 0, "settings")?, row.get(1)?)),
        None => Ok((ChatSettings::default(), 0)),
    }
}

/// Puts settings in the place of others; answers their version.
pub(crate) async fn set_settings(
    tx: &mut WriteTx,
    settings: &ChatSettings,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let sql = "INSERT INTO chat_settings (org_id, settings, version, updated_at_us) \
        VALUES ($1, $2, 1, $3) ON CONFLICT (org_id) DO UPDATE SET settings = excluded.settings, \
        version = chat_settings.version + 1, updated_at_us = excluded.updated_at_us \
        RETURNING version";
    let row = params![written(settings)?, now];
    tx.one(sql, &row).await?.get(0)
}
