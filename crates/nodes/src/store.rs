//! The only SQL of this crate.
//!
//! What an organisation asks for goes through its own transactions, where a shared node can be seen
//! and not changed. What a connection does goes through system transactions: a node is no member of
//! an organisation, and its credential is looked up before anybody knows whose it is.

use db::{ReadTx, Row, Sql, StoreError, SystemRead, SystemWrite, Value, WriteTx, params};
use uuid::Uuid;
use vocab::{Digest, JobId, NodeId, OrgId, RunId, Timestamp};

use crate::model::{Introduction, Node, NodeStatus};

macro_rules! select_node {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, name, status, lease_epoch, version, slots, enforcement, \
             created_at_us, last_seen_at_us, revoked_at_us FROM nodes ",
            $rest
        )
    };
}

fn node(row: &Row) -> Result<Node, StoreError> {
    let status: String = row.get(3)?;
    let expected = "a node's status";
    let status = NodeStatus::parse(&status).ok_or(StoreError::Decode {
        column: 3,
        expected,
    })?;
    let enforcement: Option<String> = row.get(7)?;
    // What a later version of this program wrote may be more than this one can read.
    let enforcement = enforcement.and_then(|text| serde_json::from_str(&text).ok());
    let introduction = match (row.get(5)?, row.get(6)?, enforcement) {
        (Some(version), Some(slots), Some(enforcement)) => Some(Introduction {
            version,
            slots,
            enforcement,
        }),
        _ => None,
    };
    Ok(Node {
        id: row.get(0)?,
        org: row.get(1)?,
        name: row.get(2)?,
        status,
        lease_epoch: row.get(4)?,
        introduction,
        created_at: row.get(8)?,
        last_seen_at: row.get(9)?,
        revoked_at: row.get(10)?,
    })
}

// What an organisation sees and does.

pub(crate) async fn list(
    tx: &mut ReadTx,
    after: Option<NodeId>,
    limit: u32,
) -> Result<Vec<Node>, StoreError> {
    let sql = select_node!(
        "WHERE (org_id = $1 OR org_id IS NULL) AND revoked_at_us IS NULL AND id > $2 \
         ORDER BY id LIMIT $3"
    );
    // No node's id is all zeros.
    let after = after.unwrap_or(NodeId::from_uuid(Uuid::nil()));
    tx.all(sql, &params![after, limit])
        .await?
        .iter()
        .map(node)
        .collect()
}

pub(crate) async fn get(tx: &mut ReadTx, id: NodeId) -> Result<Option<Node>, StoreError> {
    let sql = select_node!("WHERE (org_id = $1 OR org_id IS NULL) AND id = $2");
    tx.optional(sql, &params![id])
        .await?
        .as_ref()
        .map(node)
        .transpose()
}

pub(crate) async fn get_own(tx: &mut WriteTx, id: NodeId) -> Result<Option<Node>, StoreError> {
    let sql = select_node!("WHERE (org_id = $1 OR org_id IS NULL) AND id = $2");
    tx.optional(sql, &params![id])
        .await?
        .as_ref()
        .map(node)
        .transpose()
}

pub(crate) async fn count(tx: &mut WriteTx) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM nodes WHERE org_id = $1 AND revoked_at_us IS NULL";
    tx.one(sql, &[]).await?.get(0)
}

pub(crate) async fn insert(
    tx: &mut WriteTx,
    node: &Node,
    credential: Digest,
) -> Result<(), StoreError> {
    let values = params![
        node.id,
        &node.name,
        credential,
        node.status.as_str(),
        node.created_at
    ];
    tx.execute(
        "INSERT INTO nodes (org_id, id, name, credential, status, lease_epoch, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
        &values,
    )
    .await?;
    Ok(())
}

/// Revokes, and lets go of the workspaces: what lay on the node is out of reach from now on.
pub(crate) async fn revoke(
    tx: &mut WriteTx,
    id: NodeId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE nodes SET status = 'revoked', revoked_at_us = $3 \
             WHERE org_id = $1 AND id = $2 AND revoked_at_us IS NULL",
            &params![id, now],
        )
        .await?;
    let delete = "DELETE FROM workspace_nodes WHERE org_id = $1 AND node_id = $2";
    tx.execute(delete, &params![id]).await?;
    Ok(changed == 1)
}

// What a connection does.

/// What a credential opens.
pub(crate) struct Admitted {
    pub node: NodeId,
    pub org: Option<OrgId>,
    pub revoked: bool,
}

pub(crate) async fn admit(
    tx: &mut SystemRead,
    credential: Digest,
) -> Result<Option<Admitted>, StoreError> {
    let sql = "SELECT id, org_id, revoked_at_us FROM nodes WHERE credential = $1";
    let Some(row) = tx.optional(sql, &params![credential]).await? else {
        return Ok(None);
    };
    let revoked_at: Option<Timestamp> = row.get(2)?;
    let (node, org) = (row.get(0)?, row.get(1)?);
    Ok(Some(Admitted {
        node,
        org,
        revoked: revoked_at.is_some(),
    }))
}

/// What a node says when it connects, checked.
pub(crate) struct Greeting {
    pub introduction: Introduction,
    pub enforcement_json: String,
    pub spool: String,
}

/// The lease of a new connection.
pub(crate) struct Granted {
    pub epoch: u64,
    pub name: String,
}

/// Takes the node's next lease; `None` if it was revoked in the meantime.
pub(crate) async fn take_lease(
    tx: &mut SystemWrite,
    node: NodeId,
    greeting: &Greeting,
    now: Timestamp,
) -> Result<Option<Granted>, StoreError> {
    // Seconds of the clock as a floor: a database restored from an old backup still gives an epoch
    // above those that it no longer knows of.
    let sql = Sql::Each {
        sqlite: "UPDATE nodes SET lease_epoch = max(lease_epoch + 1, $2), status = 'connected', \
                 spool = $3, version = $4, slots = $5, enforcement = $6, connected_at_us = $7, \
                 last_seen_at_us = $7 WHERE id = $1 AND revoked_at_us IS NULL \
                 RETURNING lease_epoch, name",
        postgres: "UPDATE nodes SET lease_epoch = greatest(lease_epoch + 1, $2), \
                   status = 'connected', spool = $3, version = $4, slots = $5, enforcement = $6, \
                   connected_at_us = $7, last_seen_at_us = $7 \
                   WHERE id = $1 AND revoked_at_us IS NULL RETURNING lease_epoch, name",
    };
    let about = &greeting.introduction;
    let values = params![
        node,
        now.as_seconds(),
        &greeting.spool,
        &about.version,
        about.slots,
        &greeting.enforcement_json,
        now
    ];
    let Some(row) = tx.optional(sql, &values).await? else {
        return Ok(None);
    };
    Ok(Some(Granted {
        epoch: row.get(0)?,
        name: row.get(1)?,
    }))
}

/// Who holds the lease now; `None` if the node was revoked.
pub(crate) async fn lease_epoch(
    tx: &mut SystemRead,
    node: NodeId,
) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT lease_epoch FROM nodes WHERE id = $1 AND revoked_at_us IS NULL";
    tx.optional(sql, &params![node])
        .await?
        .map(|row| row.get(0))
        .transpose()
}

pub(crate) async fn seen(
    tx: &mut SystemWrite,
    node: NodeId,
    epoch: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE nodes SET last_seen_at_us = $3 WHERE id = $1 AND lease_epoch = $2";
    tx.execute(sql, &params![node, epoch, now]).await?;
    Ok(())
}

/// Notes that the connection with this epoch is over, unless a later one has begun.
pub(crate) async fn disconnected(
    tx: &mut SystemWrite,
    node: NodeId,
    epoch: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE nodes SET status = 'disconnected', last_seen_at_us = $3 \
               WHERE id = $1 AND lease_epoch = $2 AND revoked_at_us IS NULL";
    tx.execute(sql, &params![node, epoch, now]).await?;
    Ok(())
}

/// The organisation that the installation was set up with.
pub(crate) async fn oldest_org(tx: &mut SystemWrite) -> Result<Option<OrgId>, StoreError> {
    let sql = "SELECT org_id FROM organisations WHERE deleted_at_us IS NULL \
               ORDER BY created_at_us, org_id LIMIT 1";
    tx.optional(sql, &[])
        .await?
        .map(|row| row.get(0))
        .transpose()
}

// The shared node.

pub(crate) async fn shared(
    tx: &mut SystemWrite,
    name: &str,
) -> Result<Option<(NodeId, Digest)>, StoreError> {
    let sql = "SELECT id, credential FROM nodes \
               WHERE org_id IS NULL AND name = $1 AND revoked_at_us IS NULL";
    let row = tx.optional(sql, &params![name]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

pub(crate) async fn insert_shared(
    tx: &mut SystemWrite,
    id: NodeId,
    name: &str,
    credential: Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO nodes (org_id, id, name, credential, status, lease_epoch, created_at_us) \
         VALUES (NULL, $1, $2, $3, 'enrolled', 0, $4)",
        &params![id, name, credential, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn replace_credential(
    tx: &mut SystemWrite,
    id: NodeId,
    credential: Digest,
) -> Result<(), StoreError> {
    // Whoever holds the old credential holds no lease any more, in no process.
    let sql = "UPDATE nodes SET credential = $2, lease_epoch = lease_epoch + 1 \
               WHERE id = $1 AND org_id IS NULL";
    tx.execute(sql, &params![id, credential]).await?;
    Ok(())
}

// Where workspaces are.

/// A workspace and the node that holds it.
pub(crate) struct Place {
    pub org: OrgId,
    pub workspace: String,
    pub node: NodeId,
}

fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(Place {
        org: row.get(0)?,
        workspace: row.get(1)?,
        node: row.get(2)?,
    })
}

/// The places of every organisation that has a node of its own.
pub(crate) async fn places_with_choice(tx: &mut SystemRead) -> Result<Vec<Place>, StoreError> {
    let sql = "SELECT org_id, workspace, node_id FROM workspace_nodes WHERE org_id IN \
               (SELECT org_id FROM nodes WHERE org_id IS NOT NULL AND revoked_at_us IS NULL)";
    tx.all(sql, &[]).await?.iter().map(place).collect()
}

/// The organisations that have a node of their own.
pub(crate) async fn orgs_with_choice(tx: &mut SystemRead) -> Result<Vec<OrgId>, StoreError> {
    let sql =
        "SELECT DISTINCT org_id FROM nodes WHERE org_id IS NOT NULL AND revoked_at_us IS NULL";
    tx.all(sql, &[])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect()
}

pub(crate) async fn places_of(tx: &mut SystemRead, org: OrgId) -> Result<Vec<Place>, StoreError> {
    let sql = "SELECT org_id, workspace, node_id FROM workspace_nodes WHERE org_id = $1";
    tx.all(sql, &params![org])
        .await?
        .iter()
        .map(place)
        .collect()
}

/// Puts a workspace on a node unless it has a place; answers where it is.
pub(crate) async fn pin(
    tx: &mut SystemWrite,
    org: OrgId,
    workspace: &str,
    node: NodeId,
    now: Timestamp,
) -> Result<NodeId, StoreError> {
    tx.execute(
        "INSERT INTO workspace_nodes (org_id, workspace, node_id, pinned_at_us) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, workspace) DO NOTHING",
        &params![org, workspace, node, now],
    )
    .await?;
    let sql = "SELECT node_id FROM workspace_nodes WHERE org_id = $1 AND workspace = $2";
    tx.one(sql, &params![org, workspace]).await?.get(0)
}

// Jobs that were sent.

/// A job as it was sent the first time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentJob {
    pub org: OrgId,
    pub job: JobId,
    pub node: NodeId,
    /// The run and its step; unknown if the row is gone.
    pub of: Option<(RunId, u32)>,
    pub epoch: u64,
    pub spool: String,
    pub timeout_ms: u64,
}

macro_rules! select_job {
    () => {
        "SELECT org_id, id, node_id, run_id, step, epoch, spool, timeout_ms \
         FROM node_jobs WHERE id = $1"
    };
}

fn sent_job(row: &Row) -> Result<SentJob, StoreError> {
    Ok(SentJob {
        org: row.get(0)?,
        job: row.get(1)?,
        node: row.get(2)?,
        of: Some((row.get(3)?, row.get(4)?)),
        epoch: row.get(5)?,
        spool: row.get(6)?,
        timeout_ms: row.get(7)?,
    })
}

/// Writes a job down as sent; answers how it was sent the first time, and whether that is now.
pub(crate) async fn send(
    tx: &mut SystemWrite,
    job: &SentJob,
    skill: Option<Digest>,
    now: Timestamp,
) -> Result<(SentJob, bool), StoreError> {
    let values = params![
        job.org,
        job.job,
        job.node,
        job.of.map(|(run, _)| run),
        job.of.map(|(_, step)| step),
        integer(job.epoch),
        &job.spool,
        integer(job.timeout_ms),
        skill,
        now
    ];
    let inserted = tx
        .execute(
            "INSERT INTO node_jobs (org_id, id, node_id, run_id, step, epoch, spool, timeout_ms, \
         skill, sent_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT DO NOTHING",
            &values,
        )
        .await?;
    let first = sent_job(&tx.one(select_job!(), &params![job.job]).await?)?;
    Ok((first, inserted == 1))
}

pub(crate) async fn sent(tx: &mut SystemRead, job: JobId) -> Result<Option<SentJob>, StoreError> {
    tx.optional(select_job!(), &params![job])
        .await?
        .as_ref()
        .map(sent_job)
        .transpose()
}

/// Whose job on this node needs this skill.
pub(crate) async fn needs_skill(
    tx: &mut SystemRead,
    node: NodeId,
    skill: Digest,
) -> Result<Option<OrgId>, StoreError> {
    let sql = "SELECT org_id FROM node_jobs WHERE node_id = $1 AND skill = $2 LIMIT 1";
    tx.optional(sql, &params![node, skill])
        .await?
        .map(|row| row.get(0))
        .transpose()
}

/// A job whose outcome is in its run's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Acknowledged {
    pub org: OrgId,
    pub node: NodeId,
    pub job: JobId,
}

pub(crate) async fn forget(tx: &mut SystemWrite, jobs: &[Acknowledged]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = jobs
        .iter()
        .map(|it| params![it.org, it.job, it.node].to_vec())
        .collect();
    let sql = "DELETE FROM node_jobs WHERE org_id = $1 AND id = $2 AND node_id = $3";
    tx.execute_each(sql, &rows).await?;
    Ok(())
}

pub(crate) async fn forget_before(
    tx: &mut SystemWrite,
    before: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM node_jobs WHERE sent_at_us < $1",
        &params![before],
    )
    .await
}

/// Epochs and durations stay far below this bound; beyond it the largest stands for them.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
