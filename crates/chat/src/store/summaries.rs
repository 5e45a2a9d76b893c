//! Summaries.

use db::{Row, Sql, StoreError, WriteTx, params};
use runs::HasRead;
use vault::Query;
use vocab::{RunId, SessionId};

use crate::model::{Summary, SummaryState};

macro_rules! columns {
    ($($rest:literal),*) => {
        concat!(
            "SELECT s.run_id, s.session_id, s.branch, s.from_position, s.upto_position, (SELECT m.id \
             FROM messages m WHERE m.org_id = s.org_id AND m.session_id = s.session_id \
             AND m.position = s.from_position), (SELECT m.id FROM messages m \
             WHERE m.org_id = s.org_id AND m.session_id = s.session_id \
             AND m.position = s.upto_position), s.previous, s.state, s.content, s.model, s.usd_micros, \
             s.input_tokens, s.output_tokens, s.read_private, s.read_untrusted, s.created_at_us, \
             s.ended_at_us FROM session_summaries s WHERE s.org_id = $1 AND s.session_id = $2 ",
            $($rest),*
        )
    };
}

/// Begins a summary. False if the session has one that is not over.
pub(crate) async fn insert_summary(tx: &mut WriteTx, it: &Summary) -> Result<bool, StoreError> {
    let sql = "INSERT INTO session_summaries (org_id, run_id, session_id, branch, from_position, \
        upto_position, previous, state, read_private, read_untrusted, created_at_us) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    let row = params![
        it.run,
        it.session,
        it.branch,
        it.from,
        it.upto,
        it.previous,
        it.state.as_str(),
        it.has_read.private,
        it.has_read.untrusted,
        it.created_at
    ];
    Ok(tx.execute(sql, &row).await? == 1)
}

/// Writes down how a summary ended. False if there is none of this run that is under way.
pub(crate) async fn end_summary(tx: &mut WriteTx, it: &Summary) -> Result<bool, StoreError> {
    let sql = "UPDATE session_summaries SET state = $3, content = $4, model = $5, usd_micros = $6, \
        input_tokens = $7, output_tokens = $8, read_private = $9, read_untrusted = $10, \
        ended_at_us = $11 WHERE org_id = $1 AND run_id = $2 AND state = 'running'";
    let number = |it: Option<u64>| it.map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    let row = params![
        it.run,
        it.state.as_str(),
        it.content,
        it.model.as_deref(),
        number(it.cost_usd_micros),
        number(it.input_tokens),
        number(it.output_tokens),
        it.has_read.private,
        it.has_read.untrusted,
        it.ended_at
    ];
    Ok(tx.execute(sql, &row).await? == 1)
}

/// The summary that a run writes.
pub(crate) async fn summary(
    tx: &mut impl Query,
    (session, run): (SessionId, RunId),
) -> Result<Option<Summary>, StoreError> {
    const SQL: &str = columns!("AND s.run_id = $3");
    let row = tx.first(Sql::Both(SQL), &params![session, run]).await?;
    row.as_ref().map(read).transpose()
}

/// The summary that covers most of a branch: its last message is on the way to the branch's end.
pub(crate) async fn summary_along(
    tx: &mut impl Query,
    (session, branch): (SessionId, u32),
) -> Result<Option<Summary>, StoreError> {
    const SQL: &str = concat!(
        "WITH RECURSIVE line (branch, upto) AS (SELECT CAST($3 AS BIGINT), \
         CAST(9223372036854775807 AS BIGINT) UNION ALL SELECT b.forked_from, b.forked_at \
         FROM session_branches b JOIN line ON b.number = line.branch WHERE b.org_id = $1 \
         AND b.session_id = $2 AND b.number > 0) ",
        columns!(
            "AND s.state = 'ready' AND EXISTS (SELECT 1 FROM line WHERE line.branch = s.branch \
             AND s.upto_position <= line.upto) ORDER BY s.upto_position DESC, s.run_id DESC LIMIT 1"
        )
    );
    let row = tx.first(Sql::Both(SQL), &params![session, branch]).await?;
    row.as_ref().map(read).transpose()
}

/// The summaries of a session, the newest first.
pub(crate) async fn summaries(
    tx: &mut impl Query,
    session: SessionId,
    (before, limit): (Option<RunId>, u32),
) -> Result<Vec<Summary>, StoreError> {
    const SQL: &str = columns!("AND ($3 OR s.run_id < $4) ORDER BY s.run_id DESC LIMIT $5");
    let row = params![session, before.is_none(), before, limit];
    let rows = tx.rows(Sql::Both(SQL), &row).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Summary, StoreError> {
    let state: String = row.get(8)?;
    Ok(Summary {
        run: row.get(0)?,
        session: row.get(1)?,
        branch: row.get(2)?,
        from: row.get(3)?,
        upto: row.get(4)?,
        from_message: row.get(5)?,
        upto_message: row.get(6)?,
        previous: row.get(7)?,
        state: SummaryState::parse(&state).ok_or(StoreError::Decode {
            column: 8,
            expected: "a summary's state",
        })?,
        content: row.get(9)?,
        model: row.get(10)?,
        cost_usd_micros: row.get(11)?,
        input_tokens: row.get(12)?,
        output_tokens: row.get(13)?,
        has_read: HasRead {
            trusted: false,
            private: row.get(14)?,
            untrusted: row.get(15)?,
        },
        created_at: row.get(16)?,
        ended_at: row.get(17)?,
    })
}
