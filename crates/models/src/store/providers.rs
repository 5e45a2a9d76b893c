//! Providers.

use db::{Row, Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::ProviderId;

use super::decode;
use crate::model::{Provider, ProviderDefinition, ProviderKind};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, version, created_at_us, updated_at_us, name, kind, base_url, secret_id, ",
            "region, api_version, private_network, script FROM model_providers WHERE org_id = $1 ",
            $rest
        )
    };
}

const LIST: Sql = Sql::Each {
    sqlite: select!("AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"),
    postgres: select!("AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"),
};

fn provider(row: &Row) -> Result<Provider, StoreError> {
    let kind: String = row.get(5)?;
    let script: Option<String> = row.get(11)?;
    let script = script.map(|text| serde_json::from_str(&text)).transpose();
    let definition = ProviderDefinition {
        name: row.get(4)?,
        kind: ProviderKind::parse(&kind).ok_or_else(|| decode(5, "a provider's type"))?,
        base_url: row.get(6)?,
        secret: row.get(7)?,
        region: row.get(8)?,
        api_version: row.get(9)?,
        private_network: row.get(10)?,
        script: script.map_err(|_| decode(11, "a script"))?,
    };
    Ok(Provider {
        id: row.get(0)?,
        version: row.get(1)?,
        definition,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
    })
}

fn written(definition: &ProviderDefinition) -> Result<Option<String>, StoreError> {
    let script = definition.script.as_ref().map(serde_json::to_string);
    script.transpose().map_err(|_| decode(11, "a script"))
}

pub(crate) async fn get(
    tx: &mut impl Query,
    id: ProviderId,
) -> Result<Option<Provider>, StoreError> {
    let row = tx
        .first(select!("AND id = $2").into(), &params![id])
        .await?;
    row.as_ref().map(provider).transpose()
}

pub(crate) async fn by_name(
    tx: &mut impl Query,
    name: &str,
) -> Result<Option<Provider>, StoreError> {
    let row = tx
        .first(select!("AND name = $2").into(), &params![name])
        .await?;
    row.as_ref().map(provider).transpose()
}

/// Providers in the order in which they were made.
pub(crate) async fn list(
    tx: &mut impl Query,
    after: Option<ProviderId>,
    limit: u32,
) -> Result<Vec<Provider>, StoreError> {
    let rows = tx.rows(LIST, &params![after, limit]).await?;
    rows.iter().map(provider).collect()
}

pub(crate) async fn count(tx: &mut WriteTx) -> Result<u32, StoreError> {
    tx.one(
        "SELECT count(*) FROM model_providers WHERE org_id = $1",
        &[],
    )
    .await?
    .get(0)
}

pub(crate) async fn insert(tx: &mut WriteTx, it: &Provider) -> Result<(), StoreError> {
    let sql = "INSERT INTO model_providers (org_id, id, version, created_at_us, updated_at_us, \
        name, kind, base_url, secret_id, region, api_version, private_network, script) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let Provider {
        id,
        version,
        created_at,
        updated_at,
        definition,
    } = it;
    let row = params![
        *id,
        *version,
        *created_at,
        *updated_at,
        &definition.name,
        definition.kind.as_str(),
        definition.base_url.clone(),
        definition.secret,
        definition.region.clone(),
        definition.api_version.clone(),
        definition.private_network,
        written(definition)?
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

/// Puts a new version in the place of the one before it. False if that is no longer the current one.
pub(crate) async fn update(tx: &mut WriteTx, it: &Provider) -> Result<bool, StoreError> {
    let sql = "UPDATE model_providers SET version = $3, updated_at_us = $4, name = $5, \
        base_url = $6, secret_id = $7, region = $8, api_version = $9, private_network = $10, \
        script = $11 \
        WHERE org_id = $1 AND id = $2 AND version = $3 - 1";
    let Provider {
        id,
        version,
        updated_at,
        definition,
        ..
    } = it;
    let row = params![
        *id,
        *version,
        *updated_at,
        &definition.name,
        definition.base_url.clone(),
        definition.secret,
        definition.region.clone(),
        definition.api_version.clone(),
        definition.private_network,
        written(definition)?
    ];
    Ok(tx.execute(sql, &row).await? == 1)
}

pub(crate) async fn delete(tx: &mut WriteTx, id: ProviderId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM model_providers WHERE org_id = $1 AND id = $2";
    Ok(tx.execute(sql, &params![id]).await? == 1)
}
