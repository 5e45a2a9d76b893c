//! Sessions.

use db::{Row, Sql, StoreError, WriteTx, params};
use runs::Account;
use vault::Query;
use vocab::{MessageId, SessionId, Timestamp};

use super::{json, leaf, written};
use crate::model::{Session, SessionStatus, Spent};

macro_rules! columns {
    () => {
        "SELECT id, title, labels, status, workspace, agent_ids, created_by, version, message_count, \
         branch, branches, created_at_us, updated_at_us, archived_at_us, EXISTS (SELECT 1 FROM \
         session_holds h WHERE h.org_id = sessions.org_id AND h.session_id = sessions.id), \
         cost_usd_micros, input_tokens, cached_input_tokens, output_tokens FROM sessions WHERE org_id = $1 "
    };
}

/// One session.
pub(crate) async fn get(tx: &mut impl Query, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = concat!(columns!(), "AND id = $2");
    tx.first(Sql::Both(sql), &params![id])
        .await?
        .as_ref()
        .map(session)
        .transpose()
}

pub(crate) async fn labels(tx: &mut impl Query, id: SessionId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT labels FROM sessions WHERE org_id = $1 AND id = $2";
    let row = tx.first(Sql::Both(sql), &params![id]).await?;
    row.map_or(Ok(Vec::new()), |row| json(&row, 0, "labels"))
}

/// Sessions, the newest first.
pub(crate) async fn list(
    tx: &mut impl Query,
    (status, before): (Option<SessionStatus>, Option<SessionId>),
    limit: u32,
) -> Result<Vec<Session>, StoreError> {
    let sql = concat!(
        columns!(),
        "AND (CAST($2 AS TEXT) IS NULL OR status = $2) AND ($3 OR id < $4) ORDER BY id DESC LIMIT $5"
    );
    let status = status.map(SessionStatus::as_str);
    let row = params![status, before.is_none(), before, limit];
    tx.rows(Sql::Both(sql), &row)
        .await?
        .iter()
        .map(session)
        .collect()
}

/// Where a sweep goes on: behind the session that was active at that instant.
pub(crate) type After = Option<(Timestamp, SessionId)>;

/// Sessions that were last active before an instant, those first that were so the longest ago. Held
/// ones are left out, those with runs that are not over, and archived ones unless they are asked for.
pub(crate) async fn quiet(
    tx: &mut impl Query,
    (before, archived): (Timestamp, bool),
    after: After,
    limit: u32,
) -> Result<Vec<Session>, StoreError> {
    let sql = concat!(
        columns!(),
        "AND updated_at_us < $2 AND ($3 OR status <> 'archived') \
         AND ($4 OR updated_at_us > $5 OR (updated_at_us = $5 AND id > $6)) \
         AND NOT EXISTS (SELECT 1 FROM session_holds h WHERE h.org_id = $1 AND h.session_id = sessions.id) \
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.org_id = $1 AND r.session_id = sessions.id \
         AND r.ended_at_us IS NULL) ORDER BY updated_at_us, id LIMIT $7"
    );
    let (at, id) = after.unzip();
    let row = params![before, archived, after.is_none(), at, id, limit];
    let rows = tx.rows(Sql::Both(sql), &row).await?;
    rows.iter().map(session).collect()
}

pub(crate) async fn insert(tx: &mut WriteTx, it: &Session) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (org_id, id, title, labels, status, workspace, agent_ids, \
        created_by, version, message_count, created_at_us, updated_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let row = params![
        it.id,
        &it.title,
        written(&it.labels)?,
        it.status.as_str(),
        &it.workspace,
        written(&it.agents)?,
        it.created_by,
        it.version,
        it.message_count,
        it.created_at,
        it.updated_at
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

/// Puts a changed session in the place of the version before it. False if that is gone.
pub(crate) async fn update(tx: &mut WriteTx, it: &Session) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET title = $3, labels = $4, status = $5, workspace = $6, \
        agent_ids = $7, version = $8, updated_at_us = $9, archived_at_us = $10 \
        WHERE org_id = $1 AND id = $2 AND version = $8 - 1";
    let row = params![
        it.id,
        &it.title,
        written(&it.labels)?,
        it.status.as_str(),
        &it.workspace,
        written(&it.agents)?,
        it.version,
        it.updated_at,
        it.archived_at
    ];
    Ok(tx.execute(sql, &row).await? == 1)
}

/// Adds what a run took of models to what its session has taken.
pub(crate) async fn charge(
    tx: &mut WriteTx,
    id: SessionId,
    it: &Account,
) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET cost_usd_micros = cost_usd_micros + $3, \
        input_tokens = input_tokens + $4, cached_input_tokens = cached_input_tokens + $5, \
        output_tokens = output_tokens + $6 WHERE org_id = $1 AND id = $2";
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let row = params![
        id,
        number(it.cost_usd_micros),
        number(it.input_tokens),
        number(it.cached_input_tokens),
        number(it.output_tokens)
    ];
    tx.execute(sql, &row).await.map(drop)
}

/// Who takes a place among a session's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// A person: the agents may give each other turns again.
    Person,
    /// An agent.
    Agent,
}

/// The place of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its position in the session.
    pub position: u32,
    /// Its branch.
    pub branch: u32,
    /// The message before it on that branch: its position, 0 if there is none, and its id.
    pub parent: (u32, Option<MessageId>),
}

/// The place of the session's next message: at the end of this branch, or of the current one. Whoever
/// takes it holds the session's row until the end of the transaction; an idle session is active
/// again. Nothing if there is no such session, or it is archived.
pub(crate) async fn next_place(
    tx: &mut WriteTx,
    id: SessionId,
    branch: Option<u32>,
    (speaker, now): (Speaker, Timestamp),
) -> Result<Option<Place>, StoreError> {
    let sql = "UPDATE sessions SET message_count = message_count + 1, updated_at_us = $3, \
        agent_turns = CASE WHEN $4 THEN 0 ELSE agent_turns END, status = 'active' \
        WHERE org_id = $1 AND id = $2 AND status <> 'archived' RETURNING message_count, branch, branches, \
        (SELECT m.id FROM messages m WHERE m.org_id = $1 AND m.session_id = $2 \
        AND m.position = sessions.message_count - 1)";
    let person = speaker == Speaker::Person;
    let Some(row) = tx.optional(sql, &params![id, now, person]).await? else {
        return Ok(None);
    };
    let (position, current, forks): (u32, u32, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let branch = branch.unwrap_or(current);
    let parent = match forks {
        // Never forked: it is the position before.
        0 => (position - 1, row.get(3)?),
        _ => match leaf(tx, id, branch).await? {
            Some(leaf) => (leaf.position, Some(leaf.id)),
            None => (0, None),
        },
    };
    Ok(Some(Place {
        position,
        branch,
        parent,
    }))
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let status: String = row.get(3)?;
    let status = status.parse();
    Ok(Session {
        id: row.get(0)?,
        title: row.get(1)?,
        labels: json(row, 2, "labels")?,
        status: status.map_err(|_| StoreError::Decode {
            column: 3,
            expected: "a status",
        })?,
        workspace: row.get(4)?,
        agents: json(row, 5, "ids of agents")?,
        created_by: row.get(6)?,
        version: row.get(7)?,
        message_count: row.get(8)?,
        branch: row.get(9)?,
        forks: row.get(10)?,
        created_at: row.get(11)?,
        updated_at: row.get(12)?,
        archived_at: row.get(13)?,
        held: row.get(14)?,
        spent: Spent {
            cost_usd_micros: row.get(15)?,
            input_tokens: row.get(16)?,
            cached_input_tokens: row.get(17)?,
            output_tokens: row.get(18)?,
        },
    })
}
