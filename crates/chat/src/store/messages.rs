//! Messages, along a branch or all of them.

use db::{Row, Sql, StoreError, WriteTx, params};
use runs::{Account, HasRead};
use vault::Query;
use vocab::{MessageId, SessionId};

use super::{json, written};
use crate::model::{Author, Mentions, Message};

macro_rules! columns {
    ($($rest:literal),*) => {
        concat!(
            "SELECT m.id, m.session_id, m.position, m.branch, (SELECT p.id FROM messages p WHERE \
             p.org_id = m.org_id AND p.session_id = m.session_id AND \
             p.position = coalesce(m.parent, m.position - 1)), (SELECT count(*) FROM messages s WHERE \
             s.org_id = m.org_id AND s.session_id = m.session_id AND \
             coalesce(s.parent, s.position - 1) = coalesce(m.parent, m.position - 1)), m.author_user, \
             m.author_agent, m.run_id, m.reply_to, m.mentions, m.content, m.size_bytes, m.failed, \
             m.created_at_us, m.read_private, m.read_untrusted, m.attachments, m.account, m.citations \
             FROM messages m WHERE m.org_id = $1 ",
            $($rest),*
        )
    };
}

// The branches that branch `$3` of session `$2` has messages of, each up to a position. The messages
// are walked in the order of their positions, and those of other branches left out: however many
// branches there are, a page is found by the index that keeps that order.
macro_rules! along {
    ($($rest:literal),*) => {
        concat!(
            "WITH RECURSIVE line (branch, upto) AS (SELECT CAST($3 AS BIGINT), \
             CAST(9223372036854775807 AS BIGINT) UNION ALL SELECT b.forked_from, b.forked_at \
             FROM session_branches b JOIN line ON b.number = line.branch WHERE b.org_id = $1 \
             AND b.session_id = $2 AND b.number > 0) ",
            columns!(
                "AND m.session_id = $2 AND EXISTS (SELECT 1 FROM line WHERE line.branch = m.branch \
                 AND m.position <= line.upto) ",
                $($rest),*
            )
        )
    };
}

/// Which messages of a session to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Those along this branch.
    Along(u32),
    /// All of them.
    All,
    /// Those with the same parent as the one at this position.
    Siblings(u32),
}

pub(crate) async fn insert_message(
    tx: &mut WriteTx,
    it: &Message,
    parent: u32,
) -> Result<(), StoreError> {
    let (user, agent) = match it.author {
        Author::User(user) => (Some(user), None),
        Author::Agent(agent) => (None, Some(agent)),
        Author::System => (None, None),
    };
    let sql = "INSERT INTO messages (org_id, id, session_id, position, branch, parent, author_user, \
        author_agent, run_id, reply_to, mentions, content, size_bytes, failed, created_at_us, \
        read_private, read_untrusted, attachments, account, citations) VALUES ($1, $2, $3, $4, $5, $6, \
        $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    let size = i64::try_from(it.size_bytes).unwrap_or(i64::MAX);
    let row = params![
        it.id,
        it.session,
        it.position,
        it.branch,
        parent,
        user,
        agent,
        it.run,
        it.reply_to,
        written(&it.mentions.ids())?,
        it.content,
        size,
        it.failed,
        it.created_at,
        it.has_read.private,
        it.has_read.untrusted,
        written(&it.attachments)?,
        it.account.as_ref().map(written).transpose()?,
        it.citations
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

/// One message.
pub(crate) async fn message(
    tx: &mut impl Query,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    const SQL: &str = columns!("AND m.id = $2");
    let row = tx.first(Sql::Both(SQL), &params![id]).await?;
    row.as_ref().map(read).transpose()
}

/// The last message of a branch.
pub(crate) async fn leaf(
    tx: &mut impl Query,
    session: SessionId,
    branch: u32,
) -> Result<Option<Message>, StoreError> {
    let found = messages_before(tx, session, Range::Along(branch), (None, 1)).await?;
    Ok(found.into_iter().next())
}

/// Messages after a position, the oldest first.
pub(crate) async fn messages_after(
    tx: &mut impl Query,
    session: SessionId,
    range: Range,
    (after, limit): (u32, u32),
) -> Result<Vec<Message>, StoreError> {
    const ALONG: &str = along!("AND m.position > $4 ORDER BY m.position LIMIT $5");
    const ALL: &str =
        columns!("AND m.session_id = $2 AND m.position > $3 ORDER BY m.position LIMIT $4");
    const SIBLINGS: &str = columns!(
        "AND m.session_id = $2 AND coalesce(m.parent, m.position - 1) = (SELECT coalesce(o.parent, \
         o.position - 1) FROM messages o WHERE o.org_id = $1 AND o.session_id = $2 \
         AND o.position = $3) AND m.position > $4 ORDER BY m.position LIMIT $5"
    );
    let rows = match range {
        Range::Along(branch) => {
            let row = params![session, branch, after, limit];
            tx.rows(Sql::Both(ALONG), &row).await?
        }
        Range::All => {
            let row = params![session, after, limit];
            tx.rows(Sql::Both(ALL), &row).await?
        }
        Range::Siblings(of) => {
            let row = params![session, of, after, limit];
            tx.rows(Sql::Both(SIBLINGS), &row).await?
        }
    };
    rows.iter().map(read).collect()
}

/// Messages before a position, the newest first.
pub(crate) async fn messages_before(
    tx: &mut impl Query,
    session: SessionId,
    range: Range,
    (before, limit): (Option<u32>, u32),
) -> Result<Vec<Message>, StoreError> {
    const ALONG: &str = along!("AND m.position < $4 ORDER BY m.position DESC LIMIT $5");
    const ALL: &str =
        columns!("AND m.session_id = $2 AND m.position < $3 ORDER BY m.position DESC LIMIT $4");
    const SIBLINGS: &str = columns!(
        "AND m.session_id = $2 AND coalesce(m.parent, m.position - 1) = (SELECT coalesce(o.parent, \
         o.position - 1) FROM messages o WHERE o.org_id = $1 AND o.session_id = $2 \
         AND o.position = $3) AND m.position < $4 ORDER BY m.position DESC LIMIT $5"
    );
    let before = before.map_or(i64::MAX, i64::from);
    let rows = match range {
        Range::Along(branch) => {
            let row = params![session, branch, before, limit];
            tx.rows(Sql::Both(ALONG), &row).await?
        }
        Range::All => {
            let row = params![session, before, limit];
            tx.rows(Sql::Both(ALL), &row).await?
        }
        Range::Siblings(of) => {
            let row = params![session, of, before, limit];
            tx.rows(Sql::Both(SIBLINGS), &row).await?
        }
    };
    rows.iter().map(read).collect()
}

/// What the author had read. Where nobody noted what an agent had, it counts as everything.
fn has_read(author: Author, private: Option<bool>, untrusted: Option<bool>) -> HasRead {
    let unknown = matches!(author, Author::Agent(_));
    HasRead {
        trusted: false,
        private: private.unwrap_or(unknown),
        untrusted: untrusted.unwrap_or(unknown),
    }
}

/// What the run behind an answer took, as [`insert_message`] wrote it.
pub(super) fn account(row: &Row, column: usize) -> Result<Option<Account>, StoreError> {
    match row.get::<Option<String>>(column)? {
        Some(_) => json(row, column, "an account").map(Some),
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<Message, StoreError> {
    let wrong = |column, expected| StoreError::Decode { column, expected };
    let author = match (row.get(6)?, row.get(7)?) {
        (Some(user), None) => Author::User(user),
        (None, Some(agent)) => Author::Agent(agent),
        (None, None) => Author::System,
        (Some(_), Some(_)) => return Err(wrong(7, "one author")),
    };
    let mentions: Vec<String> = json(row, 10, "ids")?;
    Ok(Message {
        id: row.get(0)?,
        session: row.get(1)?,
        position: row.get(2)?,
        branch: row.get(3)?,
        parent: row.get(4)?,
        siblings: row.get(5)?,
        author,
        run: row.get(8)?,
        reply_to: row.get(9)?,
        mentions: Mentions::of(&mentions).ok_or_else(|| wrong(10, "ids of agents and people"))?,
        content: row.get(11)?,
        size_bytes: row.get(12)?,
        failed: row.get(13)?,
        created_at: row.get(14)?,
        has_read: has_read(author, row.get(15)?, row.get(16)?),
        attachments: json(row, 17, "ids of artifacts")?,
        account: account(row, 18)?,
        citations: row.get(19)?,
    })
}
