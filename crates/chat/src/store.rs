//! The rows of sessions and messages. The only SQL about them.

use db::{Row, Sql, StoreError, WriteTx, params};
use vault::Query;
use vocab::{SessionId, Timestamp, UserId};

use crate::model::{Author, MEMBERS_MAX, Member, Message, Session, SessionStatus};

macro_rules! session_columns {
    () => {
        "SELECT id, title, labels, status, workspace, agent_ids, created_by, version, message_count, \
         created_at_us, updated_at_us, archived_at_us FROM sessions WHERE org_id = $1 "
    };
}

macro_rules! message_columns {
    () => {
        "SELECT id, session_id, position, author_user, author_agent, run_id, content, size_bytes, \
         failed, created_at_us FROM messages WHERE org_id = $1 AND session_id = $2 "
    };
}

/// One session.
pub(crate) async fn get(tx: &mut impl Query, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = concat!(session_columns!(), "AND id = $2");
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
        session_columns!(),
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

/// The place of the session's next message. Whoever takes it holds the session's row until the end
/// of the transaction. Nothing if there is no such session.
pub(crate) async fn next_position(
    tx: &mut WriteTx,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    let sql = "UPDATE sessions SET message_count = message_count + 1, updated_at_us = $3 \
        WHERE org_id = $1 AND id = $2 RETURNING message_count";
    tx.optional(sql, &params![id, now])
        .await?
        .map(|row| row.get(0))
        .transpose()
}

pub(crate) async fn insert_message(tx: &mut WriteTx, it: &Message) -> Result<(), StoreError> {
    let (user, agent) = match it.author {
        Author::User(user) => (Some(user), None),
        Author::Agent(agent) => (None, Some(agent)),
        Author::System => (None, None),
    };
    let sql = "INSERT INTO messages (org_id, id, session_id, position, author_user, author_agent, \
        run_id, content, size_bytes, failed, created_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let size = i64::try_from(it.size_bytes).unwrap_or(i64::MAX);
    let row = params![
        it.id,
        it.session,
        it.position,
        user,
        agent,
        it.run,
        it.content,
        size,
        it.failed,
        it.created_at
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

/// Messages after a position, the oldest first.
pub(crate) async fn messages_after(
    tx: &mut impl Query,
    session: SessionId,
    after: u32,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        message_columns!(),
        "AND position > $3 ORDER BY position LIMIT $4"
    );
    tx.rows(Sql::Both(sql), &params![session, after, limit])
        .await?
        .iter()
        .map(message)
        .collect()
}

/// Messages before a position, the newest first.
pub(crate) async fn messages_before(
    tx: &mut impl Query,
    session: SessionId,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        message_columns!(),
        "AND position < $3 ORDER BY position DESC LIMIT $4"
    );
    let before = before.map_or(i64::MAX, i64::from);
    tx.rows(Sql::Both(sql), &params![session, before, limit])
        .await?
        .iter()
        .map(message)
        .collect()
}

pub(crate) async fn members(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT user_id, added_at_us FROM session_members \
        WHERE org_id = $1 AND session_id = $2 ORDER BY added_at_us, user_id LIMIT $3";
    let rows = tx
        .rows(Sql::Both(sql), &params![session, MEMBERS_MAX])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Member {
                user: row.get(0)?,
                added_at: row.get(1)?,
            })
        })
        .collect()
}

/// False if they are a member already.
pub(crate) async fn add_member(
    tx: &mut WriteTx,
    session: SessionId,
    member: Member,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO session_members (org_id, session_id, user_id, added_at_us) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, session_id, user_id) DO NOTHING";
    Ok(tx
        .execute(sql, &params![session, member.user, member.added_at])
        .await?
        == 1)
}

/// False if they are no member.
pub(crate) async fn remove_member(
    tx: &mut WriteTx,
    session: SessionId,
    user: UserId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM session_members WHERE org_id = $1 AND session_id = $2 AND user_id = $3";
    Ok(tx.execute(sql, &params![session, user]).await? == 1)
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
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
        archived_at: row.get(11)?,
    })
}

fn message(row: &Row) -> Result<Message, StoreError> {
    let author = match (row.get(3)?, row.get(4)?) {
        (Some(user), None) => Author::User(user),
        (None, Some(agent)) => Author::Agent(agent),
        (None, None) => Author::System,
        (Some(_), Some(_)) => {
            return Err(StoreError::Decode {
                column: 4,
                expected: "one author",
            });
        }
    };
    Ok(Message {
        id: row.get(0)?,
        session: row.get(1)?,
        position: row.get(2)?,
        author,
        run: row.get(5)?,
        content: row.get(6)?,
        size_bytes: row.get(7)?,
        failed: row.get(8)?,
        created_at: row.get(9)?,
    })
}

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

fn json<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
    expected: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Decode { column, expected })
}
