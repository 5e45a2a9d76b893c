//! The rows of skills.

use db::{Row, Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::{Actor, Digest, SkillId};

use super::Skill;
use crate::store::{decode, written};

const BY_ID: &str = "SELECT s.id, s.version, v.digest, v.manifest, v.size_bytes, s.created_at_us, \
    s.updated_at_us FROM skills s JOIN skill_versions v \
    ON v.org_id = s.org_id AND v.skill_id = s.id AND v.version = s.version \
    WHERE s.org_id = $1 AND s.id = $2";
const BY_NAME: &str = "SELECT s.id, s.version, v.digest, v.manifest, v.size_bytes, s.created_at_us, \
    s.updated_at_us FROM skills s JOIN skill_versions v \
    ON v.org_id = s.org_id AND v.skill_id = s.id AND v.version = s.version \
    WHERE s.org_id = $1 AND s.name = $2";
const LIST: &str = "SELECT s.id, s.version, v.digest, v.manifest, v.size_bytes, s.created_at_us, \
    s.updated_at_us FROM skills s JOIN skill_versions v \
    ON v.org_id = s.org_id AND v.skill_id = s.id AND v.version = s.version \
    WHERE s.org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR s.name > $2) ORDER BY s.name LIMIT $3";
const PACKAGE: &str = "SELECT package FROM skill_versions WHERE org_id = $1 AND digest = $2 \
    ORDER BY created_at_us DESC LIMIT 1";

pub(super) async fn get(tx: &mut impl Query, id: SkillId) -> Result<Option<Skill>, StoreError> {
    tx.first(Sql::Both(BY_ID), &params![id])
        .await?
        .as_ref()
        .map(skill)
        .transpose()
}

pub(super) async fn by_name(tx: &mut impl Query, name: &str) -> Result<Option<Skill>, StoreError> {
    tx.first(Sql::Both(BY_NAME), &params![name])
        .await?
        .as_ref()
        .map(skill)
        .transpose()
}

pub(super) async fn list(
    tx: &mut impl Query,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Skill>, StoreError> {
    let rows = tx.rows(Sql::Both(LIST), &params![after, limit]).await?;
    rows.iter().map(skill).collect()
}

/// The content that is the package with this digest.
pub(super) async fn package(
    tx: &mut impl Query,
    digest: Digest,
) -> Result<Option<Digest>, StoreError> {
    let row = tx.first(Sql::Both(PACKAGE), &params![digest]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Stores a version as the current one. False if it is not the next one any more.
pub(super) async fn publish(
    tx: &mut WriteTx,
    skill: &Skill,
    content: Digest,
    by: &Actor,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO skills (org_id, id, name, version, created_at_us, updated_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, name) DO UPDATE \
        SET version = excluded.version, updated_at_us = excluded.updated_at_us \
        WHERE skills.id = excluded.id AND skills.version = excluded.version - 1";
    let Skill {
        id,
        version,
        manifest,
        created_at,
        updated_at,
        ..
    } = skill;
    let row = params![
        *id,
        &manifest.front.name,
        *version,
        *created_at,
        *updated_at
    ];
    if tx.execute(sql, &row).await? != 1 {
        return Ok(false);
    }
    let sql = "INSERT INTO skill_versions (org_id, skill_id, version, digest, manifest, package, \
        size_bytes, published_by, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let size = i64::try_from(skill.size_bytes).unwrap_or(i64::MAX);
    let (manifest, by) = (written(manifest)?, written(by)?);
    let row = params![
        *id,
        *version,
        skill.digest,
        manifest,
        content,
        size,
        by,
        *updated_at
    ];
    tx.execute(sql, &row).await?;
    Ok(true)
}

pub(super) async fn delete(tx: &mut WriteTx, id: SkillId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM skill_versions WHERE org_id = $1 AND skill_id = $2";
    tx.execute(sql, &params![id]).await?;
    let sql = "DELETE FROM skills WHERE org_id = $1 AND id = $2";
    Ok(tx.execute(sql, &params![id]).await? == 1)
}

fn skill(row: &Row) -> Result<Skill, StoreError> {
    let manifest: String = row.get(3)?;
    Ok(Skill {
        id: row.get(0)?,
        version: row.get(1)?,
        digest: row.get(2)?,
        manifest: serde_json::from_str(&manifest).map_err(|_| decode(3, "a skill's manifest"))?,
        size_bytes: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}
