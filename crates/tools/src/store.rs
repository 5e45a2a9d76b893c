//! The only SQL about policies, approvals and grants.

use db::{OrgContext, ReadTx, Row, Sql, StoreError, WriteTx, params};
use policy::PolicySource;
use policy::approval::Pattern;
use vocab::{AgentId, ApprovalId, Digest, GrantId, Timestamp};

use crate::approvals::{Approval, Grant, Status, parse_scope, scope_name};
use crate::policies::{Policy, PolicyVersion};

const POLICY: &str = "SELECT id, name, managed, version, cedar, comment, published_by, \
    published_at_us FROM policies WHERE org_id = $1 ORDER BY name";

fn policy(row: &Row) -> Result<Policy, StoreError> {
    Ok(Policy {
        id: row.get(0)?,
        name: row.get(1)?,
        managed: row.get(2)?,
        version: row.get(3)?,
        cedar: row.get(4)?,
        comment: row.get(5)?,
        published_by: row.get(6)?,
        published_at: row.get(7)?,
    })
}

/// Either kind of transaction, for reads that both make.
pub(crate) trait Reader {
    fn rows(
        &mut self,
        sql: Sql,
        params: &[db::Value],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

impl Reader for ReadTx {
    async fn rows(&mut self, sql: Sql, params: &[db::Value]) -> Result<Vec<Row>, StoreError> {
        self.all(sql, params).await
    }
}

impl Reader for WriteTx {
    async fn rows(&mut self, sql: Sql, params: &[db::Value]) -> Result<Vec<Row>, StoreError> {
        self.all(sql, params).await
    }
}

pub(crate) async fn policies(tx: &mut impl Reader) -> Result<Vec<Policy>, StoreError> {
    tx.rows(POLICY.into(), &[])
        .await?
        .iter()
        .map(policy)
        .collect()
}

/// A number that changes with every publication: publications only ever add versions.
pub(crate) async fn policy_stamp(tx: &mut ReadTx) -> Result<i64, StoreError> {
    let row = tx
        .one(
            "SELECT coalesce(max(created_at_us), 0) FROM policy_sets WHERE org_id = $1",
            &[],
        )
        .await?;
    row.get(0)
}

/// One publication at a time, so that each compiles against what the others left.
pub(crate) async fn lock_policies(tx: &mut WriteTx) -> Result<(), StoreError> {
    let lock = Sql::Each {
        sqlite: "SELECT 1 FROM organisations WHERE org_id = $1",
        postgres: "SELECT pg_advisory_xact_lock(hashtextextended('policies/' || ($1::uuid)::text, 0)), \
            'org_id'",
    };
    tx.all(lock, &[]).await.map(drop)
}

pub(crate) async fn last_version(tx: &mut WriteTx, name: &str) -> Result<u32, StoreError> {
    let row = tx
        .one(
            "SELECT coalesce(max(version), 0) FROM policy_versions WHERE org_id = $1 AND name = $2",
            &params![name],
        )
        .await?;
    row.get(0)
}

pub(crate) async fn put_policy(tx: &mut WriteTx, it: &Policy) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO policies (org_id, id, name, managed, version, cedar, comment, published_by, \
         published_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (org_id, name) DO UPDATE SET managed = excluded.managed, \
         version = excluded.version, cedar = excluded.cedar, comment = excluded.comment, \
         published_by = excluded.published_by, published_at_us = excluded.published_at_us",
        &params![
            it.id,
            &it.name,
            it.managed,
            it.version,
            &it.cedar,
            &it.comment,
            &it.published_by,
            it.published_at
        ],
    )
    .await?;
    tx.execute(
        "INSERT INTO policy_versions (org_id, name, version, managed, cedar, comment, \
         published_by, published_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &params![
            &it.name,
            it.version,
            it.managed,
            &it.cedar,
            &it.comment,
            &it.published_by,
            it.published_at
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete_policy(tx: &mut WriteTx, name: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM policies WHERE org_id = $1 AND name = $2",
        &params![name],
    )
    .await?;
    Ok(())
}

/// Keeps what a revision is made of, and moves the stamp forward even if the clock did not.
pub(crate) async fn put_policy_set(
    tx: &mut WriteTx,
    revision: Digest,
    members: &[(String, u32)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let members =
        serde_json::to_string(members).map_err(|error| StoreError::Statement(error.into()))?;
    tx.execute(
        "INSERT INTO policy_sets (org_id, revision, members, created_at_us) VALUES ($1, $2, $3, \
         (SELECT CASE WHEN coalesce(max(created_at_us), 0) >= $4 THEN max(created_at_us) + 1 \
         ELSE $4 END FROM policy_sets WHERE org_id = $1)) \
         ON CONFLICT (org_id, revision) DO UPDATE SET created_at_us = excluded.created_at_us",
        &params![revision, members, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn policy_set(
    tx: &mut ReadTx,
    revision: Digest,
) -> Result<Option<Vec<(String, u32)>>, StoreError> {
    let sql = "SELECT members FROM policy_sets WHERE org_id = $1 AND revision = $2";
    let Some(row) = tx.optional(sql, &params![revision]).await? else {
        return Ok(None);
    };
    let members: String = row.get(0)?;
    let decoded = serde_json::from_str(&members);
    decoded.map(Some).map_err(|_| StoreError::Decode {
        column: 0,
        expected: "policy members",
    })
}

pub(crate) async fn policy_version(
    tx: &mut ReadTx,
    name: &str,
    version: u32,
) -> Result<Option<PolicySource>, StoreError> {
    let sql = "SELECT name, cedar, managed FROM policy_versions \
        WHERE org_id = $1 AND name = $2 AND version = $3";
    let row = tx.optional(sql, &params![name, version]).await?;
    row.map(|row| {
        Ok(PolicySource {
            name: row.get(0)?,
            cedar: row.get(1)?,
            managed: row.get(2)?,
        })
    })
    .transpose()
}

/// Every version of a policy that was ever in force, the newest first; from before one on.
pub(crate) async fn policy_versions(
    tx: &mut ReadTx,
    name: &str,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<PolicyVersion>, StoreError> {
    let sql = "SELECT version, managed, cedar, comment, published_by, published_at_us \
        FROM policy_versions WHERE org_id = $1 AND name = $2 AND version < $3 \
        ORDER BY version DESC LIMIT $4";
    let before = before.map_or(i64::MAX, i64::from);
    tx.all(sql, &params![name, before, limit])
        .await?
        .iter()
        .map(|row| {
            Ok(PolicyVersion {
                version: row.get(0)?,
                managed: row.get(1)?,
                cedar: row.get(2)?,
                comment: row.get(3)?,
                published_by: row.get(4)?,
                published_at: row.get(5)?,
            })
        })
        .collect()
}

const APPROVAL: &str = "id, run_id, session_id, agent_id, step, tool, target, intent, binding, \
    arguments, reason, policy_revision, four_eyes, requested_by, pattern, status, scope, \
    decided_by, comment, created_at_us, expires_at_us, decided_at_us, spent_at_us";

macro_rules! approvals_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, run_id, session_id, agent_id, step, tool, target, intent, binding, ",
            "arguments, reason, policy_revision, four_eyes, requested_by, pattern, status, scope, ",
            "decided_by, comment, created_at_us, expires_at_us, decided_at_us, spent_at_us ",
            "FROM approvals WHERE org_id = $1 AND ",
            $rest
        )
    };
}

fn approval_of(row: &Row) -> Result<Approval, StoreError> {
    let json = |column: usize| -> Result<String, StoreError> { row.get(column) };
    let decode = |column| StoreError::Decode {
        column,
        expected: APPROVAL,
    };
    let status: String = row.get(15)?;
    let scope: Option<String> = row.get(16)?;
    Ok(Approval {
        id: row.get(0)?,
        run: row.get(1)?,
        session: row.get(2)?,
        agent: row.get(3)?,
        step: row.get(4)?,
        tool: row.get(5)?,
        target: serde_json::from_str(&json(6)?).map_err(|_| decode(6))?,
        intent: row.get(7)?,
        binding: row.get(8)?,
        arguments: row.get(9)?,
        reason: row.get(10)?,
        policy_revision: row.get(11)?,
        four_eyes: row.get(12)?,
        requested_by: row.get(13)?,
        pattern: serde_json::from_str::<Pattern>(&json(14)?).map_err(|_| decode(14))?,
        status: Status::parse(&status).ok_or_else(|| decode(15))?,
        scope: scope
            .map(|name| parse_scope(&name).ok_or_else(|| decode(16)))
            .transpose()?,
        decided_by: row.get(17)?,
        comment: row.get(18)?,
        created_at: row.get(19)?,
        expires_at: row.get(20)?,
        decided_at: row.get(21)?,
        spent_at: row.get(22)?,
    })
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

pub(crate) async fn put_approval(tx: &mut WriteTx, it: &Approval) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO approvals (org_id, id, run_id, session_id, agent_id, step, tool, target, \
         intent, binding, arguments, reason, policy_revision, four_eyes, requested_by, pattern, \
         status, created_at_us, expires_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
         $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        &params![
            it.id,
            it.run,
            it.session,
            it.agent,
            it.step,
            &it.tool,
            text(&it.target)?,
            it.intent,
            it.binding,
            it.arguments,
            &it.reason,
            it.policy_revision,
            it.four_eyes,
            it.requested_by,
            text(&it.pattern)?,
            it.status.as_str(),
            it.created_at,
            it.expires_at
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn approval(
    tx: &mut impl Reader,
    id: ApprovalId,
) -> Result<Option<Approval>, StoreError> {
    let rows = tx
        .rows(approvals_where!("id = $2").into(), &params![id])
        .await?;
    rows.first().map(approval_of).transpose()
}

/// How many requests of all organisations wait for an answer.
pub(crate) async fn pending_approvals(authority: &db::Authority) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM approvals WHERE status = 'pending'";
    authority.system_read().await?.one(sql, &[]).await?.get(0)
}

/// One page of approvals, the newest first.
pub(crate) async fn approvals(
    ctx: &OrgContext,
    status: Option<Status>,
    before: Option<ApprovalId>,
    limit: u32,
) -> Result<Vec<Approval>, StoreError> {
    let sql = Sql::Each {
        sqlite: approvals_where!(
            "($2 IS NULL OR status = $2) AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
        ),
        postgres: approvals_where!(
            "($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR id < $3) \
             ORDER BY id DESC LIMIT $4"
        ),
    };
    let params = params![status.map(Status::as_str), before, limit];
    ctx.read()
        .await?
        .all(sql, &params)
        .await?
        .iter()
        .map(approval_of)
        .collect()
}

/// False if it was no longer pending.
pub(crate) async fn decide_approval(tx: &mut WriteTx, it: &Approval) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE approvals SET status = $3, scope = $4, decided_by = $5, comment = $6, \
             decided_at_us = $7 WHERE org_id = $1 AND id = $2 AND status = 'pending'",
            &params![
                it.id,
                it.status.as_str(),
                it.scope.map(scope_name),
                it.decided_by,
                it.comment.as_deref(),
                it.decided_at
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// False if it was not granted, or spent before.
pub(crate) async fn spend_approval(
    tx: &mut WriteTx,
    id: ApprovalId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE approvals SET spent_at_us = $3 WHERE org_id = $1 AND id = $2 \
             AND status = 'granted' AND spent_at_us IS NULL",
            &params![id, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends a request that nobody answered.
pub(crate) async fn close_approval(
    tx: &mut WriteTx,
    id: ApprovalId,
    status: Status,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE approvals SET status = $3 WHERE org_id = $1 AND id = $2 AND status = 'pending'",
        &params![id, status.as_str()],
    )
    .await?;
    Ok(())
}

pub(crate) async fn put_grant(
    tx: &mut WriteTx,
    it: &Grant,
    agent: Option<AgentId>,
    tool: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO grants (org_id, id, approval_id, run_id, agent_id, tool, pattern, sentence, \
         granted_by, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &params![
            it.id,
            it.approval,
            it.run,
            agent,
            tool,
            text(&it.pattern)?,
            &it.sentence,
            it.granted_by,
            it.created_at
        ],
    )
    .await?;
    Ok(())
}

const GRANT: &str = "SELECT id, approval_id, run_id, sentence, pattern, granted_by, created_at_us \
    FROM grants WHERE org_id = $1 AND tool = $2 AND revoked_at_us IS NULL ORDER BY id";
const ALL_GRANTS: &str = "SELECT id, approval_id, run_id, sentence, pattern, granted_by, \
    created_at_us FROM grants WHERE org_id = $1 AND revoked_at_us IS NULL ORDER BY id DESC LIMIT 500";

fn grant(row: &Row) -> Result<Grant, StoreError> {
    let pattern: String = row.get(4)?;
    let decode = |_| StoreError::Decode {
        column: 4,
        expected: "pattern",
    };
    Ok(Grant {
        id: row.get(0)?,
        approval: row.get(1)?,
        run: row.get(2)?,
        sentence: row.get(3)?,
        pattern: serde_json::from_str(&pattern).map_err(decode)?,
        granted_by: row.get(5)?,
        created_at: row.get(6)?,
    })
}

pub(crate) async fn grants(tx: &mut ReadTx, tool: &str) -> Result<Vec<Grant>, StoreError> {
    tx.all(GRANT, &params![tool])
        .await?
        .iter()
        .map(grant)
        .collect()
}

/// Every grant that holds, the newest first.
pub(crate) async fn all_grants(ctx: &OrgContext) -> Result<Vec<Grant>, StoreError> {
    ctx.read()
        .await?
        .all(ALL_GRANTS, &[])
        .await?
        .iter()
        .map(grant)
        .collect()
}

/// False if there is no such grant in force.
pub(crate) async fn revoke_grant(
    tx: &mut WriteTx,
    id: GrantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE grants SET revoked_at_us = $3 WHERE org_id = $1 AND id = $2 \
             AND revoked_at_us IS NULL",
            &params![id, now],
        )
        .await?;
    Ok(changed == 1)
}
