//! The registry's rows. The only SQL about agents.

use db::{Row, Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::{Actor, AgentId, Timestamp};

use crate::model::{Agent, AgentState, AgentVersion, Definition};

const BY_ID: &str = "SELECT id, state, version, definition, created_at_us, updated_at_us \
    FROM agents WHERE org_id = $1 AND id = $2";
const BY_NAME: &str = "SELECT id, state, version, definition, created_at_us, updated_at_us \
    FROM agents WHERE org_id = $1 AND name = $2";
const LIST: Sql = Sql::Each {
    sqlite: "SELECT id, state, version, definition, created_at_us, updated_at_us \
        FROM agents WHERE org_id = $1 AND ($2 IS NULL OR id > $2) AND ($3 IS NULL OR state = $3) \
        ORDER BY id LIMIT $4",
    postgres: "SELECT id, state, version, definition, created_at_us, updated_at_us \
        FROM agents WHERE org_id = $1 AND ($2::uuid IS NULL OR id > $2) \
        AND ($3::text IS NULL OR state = $3) ORDER BY id LIMIT $4",
};
const VERSION: &str = "SELECT version, definition, created_at_us FROM agent_versions \
    WHERE org_id = $1 AND agent_id = $2 AND version = $3";
const VERSIONS: &str = "SELECT version, definition, created_at_us FROM agent_versions \
    WHERE org_id = $1 AND agent_id = $2 AND (CAST($3 AS BIGINT) IS NULL OR version < $3) \
    ORDER BY version DESC LIMIT $4";

pub(crate) async fn get(tx: &mut impl Query, id: AgentId) -> Result<Option<Agent>, StoreError> {
    tx.first(Sql::Both(BY_ID), &params![id])
        .await?
        .as_ref()
        .map(agent)
        .transpose()
}

pub(crate) async fn by_name(tx: &mut impl Query, name: &str) -> Result<Option<Agent>, StoreError> {
    tx.first(Sql::Both(BY_NAME), &params![name])
        .await?
        .as_ref()
        .map(agent)
        .transpose()
}

/// Agents in the order in which they were made.
pub(crate) async fn list(
    tx: &mut impl Query,
    after: Option<AgentId>,
    state: Option<AgentState>,
    limit: u32,
) -> Result<Vec<Agent>, StoreError> {
    let state = state.map(AgentState::as_str);
    let rows = tx.rows(LIST, &params![after, state, limit]).await?;
    rows.iter().map(agent).collect()
}

/// One version.
pub(crate) async fn version(
    tx: &mut impl Query,
    id: AgentId,
    version: u32,
) -> Result<Option<AgentVersion>, StoreError> {
    let found = tx.first(Sql::Both(VERSION), &params![id, version]).await?;
    found.as_ref().map(version_of).transpose()
}

/// Versions, the newest first.
pub(crate) async fn versions(
    tx: &mut impl Query,
    id: AgentId,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<AgentVersion>, StoreError> {
    let rows = tx
        .rows(Sql::Both(VERSIONS), &params![id, before, limit])
        .await?;
    rows.iter().map(version_of).collect()
}

pub(crate) async fn insert(tx: &mut WriteTx, agent: &Agent, by: &Actor) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents \
        (org_id, id, name, state, version, definition, created_at_us, updated_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Agent {
        id,
        state,
        version,
        definition,
        created_at,
        updated_at,
    } = agent;
    let json = written(definition)?;
    let name = &definition.name;
    let row = params![
        *id,
        name,
        state.as_str(),
        *version,
        json,
        *created_at,
        *updated_at
    ];
    tx.execute(sql, &row).await?;
    insert_version(tx, agent, by).await
}

/// Puts a new version in the place of version `seen`. False if that is no longer the current one.
pub(crate) async fn update(
    tx: &mut WriteTx,
    agent: &Agent,
    seen: u32,
    by: &Actor,
) -> Result<bool, StoreError> {
    let sql = "UPDATE agents SET name = $3, version = $4, definition = $5, updated_at_us = $6 \
        WHERE org_id = $1 AND id = $2 AND version = $7 AND state <> 'retired'";
    let Agent {
        id,
        version,
        definition,
        updated_at,
        ..
    } = agent;
    let json = written(definition)?;
    let row = params![*id, &definition.name, *version, json, *updated_at, seen];
    let changed = tx.execute(sql, &row).await? == 1;
    if changed {
        insert_version(tx, agent, by).await?;
    }
    Ok(changed)
}

async fn insert_version(tx: &mut WriteTx, agent: &Agent, by: &Actor) -> Result<(), StoreError> {
    let sql = "INSERT INTO agent_versions \
        (org_id, agent_id, version, definition, changed_by, created_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let (json, by) = (written(&agent.definition)?, written(by)?);
    tx.execute(
        sql,
        &params![agent.id, agent.version, json, by, agent.updated_at],
    )
    .await?;
    Ok(())
}

/// Moves an agent from one state to another. False if it is not in the first.
pub(crate) async fn set_state(
    tx: &mut WriteTx,
    id: AgentId,
    (from, to): (AgentState, AgentState),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE agents SET state = $3, updated_at_us = $4 \
        WHERE org_id = $1 AND id = $2 AND state = $5";
    let row = params![id, to.as_str(), now, from.as_str()];
    Ok(tx.execute(sql, &row).await? == 1)
}

pub(crate) async fn delete(tx: &mut WriteTx, id: AgentId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM agents WHERE org_id = $1 AND id = $2";
    Ok(tx.execute(sql, &params![id]).await? == 1)
}

fn agent(row: &Row) -> Result<Agent, StoreError> {
    let state: String = row.get(1)?;
    Ok(Agent {
        id: row.get(0)?,
        state: state.parse().map_err(|_| decode(1, "an agent's state"))?,
        version: row.get(2)?,
        definition: definition(row, 3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

fn version_of(row: &Row) -> Result<AgentVersion, StoreError> {
    Ok(AgentVersion {
        version: row.get(0)?,
        definition: definition(row, 1)?,
        created_at: row.get(2)?,
    })
}

fn definition(row: &Row, column: usize) -> Result<Definition, StoreError> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|_| decode(column, "an agent's definition"))
}

pub(crate) fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

pub(crate) const fn decode(column: usize, expected: &'static str) -> StoreError {
    StoreError::Decode { column, expected }
}
