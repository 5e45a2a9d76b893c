//! What an archive takes out of the tables and puts back, and the row that stands for it meanwhile.

use std::collections::HashSet;

use db::{Row, Sql, StoreError, Value, WriteTx, params};
use vault::Query;
use vocab::{Digest, SessionId};

use super::messages::account;
use super::{json, written};
use crate::archive::{
    KeptBranch, KeptMember, KeptMessage, KeptReaction, KeptRead, KeptSummary, KeptTurn, Parts,
};
use crate::model::{ArchiveInfo, Session};
use crate::service::Step;

/// How many rows one statement inserts.
const AT_ONCE: usize = 1_000;

/// Everything of a session that an archive takes in, but for the texts.
pub(crate) async fn parts(tx: &mut impl Query, session: SessionId) -> Result<Parts, StoreError> {
    Ok(Parts {
        messages: all(tx, session, MESSAGES, message).await?,
        summaries: all(tx, session, SUMMARIES, summary).await?,
        ..beside(tx, session).await?
    })
}

const MESSAGES: &str = "SELECT id, position, branch, parent, author_user, author_agent, run_id, \
    reply_to, mentions, content, failed, created_at_us, attachments, read_private, read_untrusted, \
    account, citations FROM messages \
    WHERE org_id = $1 AND session_id = $2 ORDER BY position";
const SUMMARIES: &str = "SELECT run_id, branch, from_position, upto_position, previous, state, content, \
    model, usd_micros, input_tokens, output_tokens, read_private, read_untrusted, created_at_us, \
    ended_at_us FROM session_summaries WHERE org_id = $1 AND session_id = $2 ORDER BY run_id";
const TURNS: &str = "SELECT t.run_id, t.message_id, t.branch FROM messages m JOIN message_turns t \
    ON t.org_id = m.org_id AND t.message_id = m.id WHERE m.org_id = $1 AND m.session_id = $2 \
    ORDER BY m.position, t.run_id";
const BRANCHES: &str = "SELECT number, forked_from, forked_at, chosen FROM session_branches \
    WHERE org_id = $1 AND session_id = $2 ORDER BY number";
const MEMBERS: &str = "SELECT user_id, added_at_us FROM session_members \
    WHERE org_id = $1 AND session_id = $2 ORDER BY user_id";
const READS: &str = "SELECT user_id, position, read_at_us FROM session_reads \
    WHERE org_id = $1 AND session_id = $2 ORDER BY user_id";
const REACTIONS: &str = "SELECT r.message_id, r.emoji, r.user_id, r.created_at_us FROM messages m \
    JOIN message_reactions r ON r.org_id = m.org_id AND r.message_id = m.id \
    WHERE m.org_id = $1 AND m.session_id = $2 ORDER BY m.position, r.emoji, r.user_id";

async fn all<T>(
    tx: &mut impl Query,
    session: SessionId,
    sql: &'static str,
    one: fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let rows = tx.rows(Sql::Both(sql), &params![session]).await?;
    rows.iter().map(one).collect()
}

fn message(row: &Row) -> Result<KeptMessage, StoreError> {
    Ok(KeptMessage {
        id: row.get(0)?,
        position: row.get(1)?,
        branch: row.get(2)?,
        parent: row.get(3)?,
        user: row.get(4)?,
        agent: row.get(5)?,
        run: row.get(6)?,
        reply_to: row.get(7)?,
        mentions: json(row, 8, "ids")?,
        digest: row.get(9)?,
        text: String::new(),
        failed: row.get(10)?,
        at_us: row.get(11)?,
        attachments: json(row, 12, "ids of artifacts")?,
        read_private: row.get(13)?,
        read_untrusted: row.get(14)?,
        account: account(row, 15)?,
        citations: Vec::new(),
        cited: row.get(16)?,
    })
}

fn summary(row: &Row) -> Result<KeptSummary, StoreError> {
    Ok(KeptSummary {
        run: row.get(0)?,
        branch: row.get(1)?,
        from: row.get(2)?,
        upto: row.get(3)?,
        previous: row.get(4)?,
        state: row.get(5)?,
        digest: row.get(6)?,
        text: String::new(),
        model: row.get(7)?,
        usd_micros: row.get(8)?,
        input_tokens: row.get(9)?,
        output_tokens: row.get(10)?,
        read_private: row.get(11)?,
        read_untrusted: row.get(12)?,
        at_us: row.get(13)?,
        ended_at_us: row.get(14)?,
    })
}

fn turn(row: &Row) -> Result<KeptTurn, StoreError> {
    Ok(KeptTurn {
        run: row.get(0)?,
        message: row.get(1)?,
        branch: row.get(2)?,
    })
}

fn branch(row: &Row) -> Result<KeptBranch, StoreError> {
    Ok(KeptBranch {
        number: row.get(0)?,
        from: row.get(1)?,
        at: row.get(2)?,
        chosen: row.get(3)?,
    })
}

fn member(row: &Row) -> Result<KeptMember, StoreError> {
    Ok(KeptMember {
        user: row.get(0)?,
        at_us: row.get(1)?,
    })
}

fn read(row: &Row) -> Result<KeptRead, StoreError> {
    Ok(KeptRead {
        user: row.get(0)?,
        position: row.get(1)?,
        at_us: row.get(2)?,
    })
}

fn reaction(row: &Row) -> Result<KeptReaction, StoreError> {
    Ok(KeptReaction {
        message: row.get(0)?,
        emoji: row.get(1)?,
        user: row.get(2)?,
        at_us: row.get(3)?,
    })
}

/// The last event of a session, sealed or not: as long as it is the same, nothing was recorded.
pub(crate) async fn last_event(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT max(ord) FROM events WHERE org_id = $1 AND session_id = $2";
    let row = tx.first(Sql::Both(sql), &params![session]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// The places in the record of a session's first and last sealed event.
pub(crate) async fn sealed(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<(Option<u64>, Option<u64>), StoreError> {
    let sql = "SELECT (SELECT s.seq FROM events e JOIN seals s ON s.ord = e.ord WHERE e.org_id = $1 \
        AND e.session_id = $2 ORDER BY e.ord LIMIT 1), (SELECT s.seq FROM events e JOIN seals s \
        ON s.ord = e.ord WHERE e.org_id = $1 AND e.session_id = $2 ORDER BY e.ord DESC LIMIT 1)";
    let row = tx.first(Sql::Both(sql), &params![session]).await?;
    row.map_or(Ok((None, None)), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The contents of a session that something other than a message or a summary names: an event about
/// something else, or an artifact.
pub(crate) async fn named_elsewhere(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<HashSet<Digest>, StoreError> {
    let events = "SELECT content FROM events WHERE org_id = $1 AND session_id = $2 \
        AND content IS NOT NULL AND kind NOT IN ('message.posted', 'session.summarised')";
    let mut named = HashSet::new();
    for row in tx.rows(Sql::Both(events), &params![session]).await? {
        named.extend(json::<Vec<Digest>>(&row, 0, "digests")?);
    }
    let artifacts = "SELECT digest FROM artifacts WHERE org_id = $1 AND session_id = $2";
    for row in tx.rows(Sql::Both(artifacts), &params![session]).await? {
        named.insert(row.get(0)?);
    }
    Ok(named)
}

/// Locks a session's row until the end of the transaction, also against rows that refer to it.
pub(crate) async fn lock(tx: &mut WriteTx, session: SessionId) -> Result<(), StoreError> {
    let sql = Sql::Each {
        sqlite: "SELECT 1 FROM sessions WHERE org_id = $1 AND id = $2",
        postgres: "SELECT 1 FROM sessions WHERE org_id = $1 AND id = $2 FOR UPDATE",
    };
    tx.all(sql, &params![session]).await.map(drop)
}

/// Takes the rows of these parts away. False if they are not just as many as there are: then
/// somebody else was there in between, and the transaction has to be dropped.
pub(crate) async fn take(
    tx: &mut WriteTx,
    session: SessionId,
    parts: &Parts,
) -> Result<bool, StoreError> {
    let taken = clear(tx, session).await?;
    let count = |rows: usize| rows as u64;
    Ok(taken
        == [
            count(parts.turns.len()),
            count(parts.reactions.len()),
            count(parts.messages.len()),
            count(parts.branches.len()),
            count(parts.members.len()),
            count(parts.reads.len()),
            count(parts.summaries.len()),
        ])
}

/// Takes all rows of a session away that stand beside its own. Answers how many turns, reactions,
/// messages, branches, members, marks and summaries there were.
pub(crate) async fn clear(tx: &mut WriteTx, session: SessionId) -> Result<[u64; 7], StoreError> {
    const TURNS: &str = "DELETE FROM message_turns WHERE org_id = $1 AND message_id IN \
        (SELECT id FROM messages WHERE org_id = $1 AND session_id = $2)";
    const REACTIONS: &str = "DELETE FROM message_reactions WHERE org_id = $1 AND message_id IN \
        (SELECT id FROM messages WHERE org_id = $1 AND session_id = $2)";
    const WORDS: &str = "DELETE FROM message_words WHERE org_id = $1 AND session_id = $2";
    const MESSAGES: &str = "DELETE FROM messages WHERE org_id = $1 AND session_id = $2";
    const BRANCHES: &str = "DELETE FROM session_branches WHERE org_id = $1 AND session_id = $2";
    const MEMBERS: &str = "DELETE FROM session_members WHERE org_id = $1 AND session_id = $2";
    const READS: &str = "DELETE FROM session_reads WHERE org_id = $1 AND session_id = $2";
    const SUMMARIES: &str = "DELETE FROM session_summaries WHERE org_id = $1 AND session_id = $2";
    tx.execute(WORDS, &params![session]).await?;
    let mut gone = [0; 7];
    let each = [
        TURNS, REACTIONS, MESSAGES, BRANCHES, MEMBERS, READS, SUMMARIES,
    ];
    for (gone, sql) in gone.iter_mut().zip(each) {
        *gone = tx.execute(sql, &params![session]).await?;
    }
    Ok(gone)
}

/// Puts rows back. What is there again meanwhile stays as it is.
pub(crate) async fn put_back(
    tx: &mut WriteTx,
    session: SessionId,
    parts: &Parts,
) -> Result<(), StoreError> {
    const MESSAGE: Sql = Sql::Each {
        sqlite: "INSERT INTO messages (org_id, session_id, id, position, branch, parent, \
            author_user, author_agent, run_id, reply_to, mentions, content, size_bytes, failed, \
            created_at_us, attachments, read_private, read_untrusted, account, citations) VALUES \
            ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        postgres: "INSERT INTO messages (org_id, session_id, id, position, branch, parent, \
            author_user, author_agent, run_id, reply_to, mentions, content, size_bytes, failed, \
            created_at_us, attachments, read_private, read_untrusted, account, citations) \
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], \
            $6::bigint[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::text[], \
            $12::bytea[], $13::bigint[], $14::boolean[], $15::bigint[], $16::text[], \
            $17::boolean[], $18::boolean[], $19::text[], $20::bytea[])",
    };
    const TURN: &str = "INSERT INTO message_turns (org_id, session_id, run_id, message_id, branch) \
        VALUES ($1, $2, $3, $4, $5)";
    const BRANCH: &str = "INSERT INTO session_branches (org_id, session_id, number, forked_from, \
        forked_at, chosen) VALUES ($1, $2, $3, $4, $5, $6)";
    const MEMBER: &str = "INSERT INTO session_members (org_id, session_id, user_id, added_at_us) \
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    const READ: &str = "INSERT INTO session_reads (org_id, session_id, user_id, position, \
        read_at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    const REACTION: &str = "INSERT INTO message_reactions (org_id, message_id, emoji, user_id, \
        created_at_us) VALUES ($1, $2, $3, $4, $5)";
    const SUMMARY: &str = "INSERT INTO session_summaries (org_id, session_id, run_id, branch, \
        from_position, upto_position, previous, state, content, model, usd_micros, input_tokens, \
        output_tokens, read_private, read_untrusted, created_at_us, ended_at_us) VALUES ($1, $2, $3, \
        $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let message = |it: &KeptMessage| {
        Ok(params![
            session,
            it.id,
            it.position,
            it.branch,
            it.parent,
            it.user,
            it.agent,
            it.run,
            it.reply_to,
            written(&it.mentions)?,
            it.digest,
            i64::try_from(it.text.len()).unwrap_or(i64::MAX),
            it.failed,
            it.at_us,
            written(&it.attachments)?,
            it.read_private,
            it.read_untrusted,
            it.account.as_ref().map(written).transpose()?,
            it.cited
        ]
        .to_vec())
    };
    let turn = |it: &KeptTurn| Ok(params![session, it.run, it.message, it.branch].to_vec());
    let branch =
        |it: &KeptBranch| Ok(params![session, it.number, it.from, it.at, it.chosen].to_vec());
    let member = |it: &KeptMember| Ok(params![session, it.user, it.at_us].to_vec());
    let read = |it: &KeptRead| Ok(params![session, it.user, it.position, it.at_us].to_vec());
    let reaction =
        |it: &KeptReaction| Ok(params![it.message, &it.emoji, it.user, it.at_us].to_vec());
    let summary = |it: &KeptSummary| {
        Ok(params![
            session,
            it.run,
            it.branch,
            it.from,
            it.upto,
            it.previous,
            &it.state,
            it.digest,
            it.model.as_deref(),
            it.usd_micros,
            it.input_tokens,
            it.output_tokens,
            it.read_private,
            it.read_untrusted,
            it.at_us,
            it.ended_at_us
        ]
        .to_vec())
    };
    for some in parts.messages.chunks(AT_ONCE) {
        let rows: Result<Vec<_>, StoreError> = some.iter().map(message).collect();
        tx.insert_all(MESSAGE, &rows?).await?;
    }
    insert(tx, TURN, &parts.turns, turn).await?;
    insert(tx, BRANCH, &parts.branches, branch).await?;
    insert(tx, MEMBER, &parts.members, member).await?;
    insert(tx, READ, &parts.reads, read).await?;
    insert(tx, REACTION, &parts.reactions, reaction).await?;
    insert(tx, SUMMARY, &parts.summaries, summary).await
}

async fn insert<T>(
    tx: &mut WriteTx,
    sql: &'static str,
    rows: &[T],
    values: impl Fn(&T) -> Result<Vec<Value>, StoreError>,
) -> Result<(), StoreError> {
    for some in rows.chunks(AT_ONCE) {
        let values: Result<Vec<_>, StoreError> = some.iter().map(&values).collect();
        tx.execute_each(sql, &values?).await?;
    }
    Ok(())
}

/// Notes that a session's messages are in an archive.
pub(crate) async fn insert_archive(
    tx: &mut WriteTx,
    session: SessionId,
    it: &ArchiveInfo,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_archives (org_id, session_id, digest, messages, size_bytes, \
        created_at_us) VALUES ($1, $2, $3, $4, $5, $6)";
    let size = i64::try_from(it.size_bytes).unwrap_or(i64::MAX);
    let row = params![session, it.digest, it.messages, size, it.made_at];
    tx.execute(sql, &row).await.map(drop)
}

/// The archive of a session, if its messages are in one.
pub(crate) async fn archive(
    tx: &mut impl Query,
    session: SessionId,
) -> Result<Option<ArchiveInfo>, StoreError> {
    let sql = "SELECT digest, messages, size_bytes, created_at_us FROM session_archives \
        WHERE org_id = $1 AND session_id = $2";
    let row = tx.first(Sql::Both(sql), &params![session]).await?;
    let info = |row: Row| {
        Ok(ArchiveInfo {
            digest: row.get(0)?,
            messages: row.get(1)?,
            size_bytes: row.get(2)?,
            made_at: row.get(3)?,
        })
    };
    row.map(info).transpose()
}

/// Forgets that there is an archive.
pub(crate) async fn delete_archive(tx: &mut WriteTx, session: SessionId) -> Result<(), StoreError> {
    let sql = "DELETE FROM session_archives WHERE org_id = $1 AND session_id = $2";
    tx.execute(sql, &params![session]).await.map(drop)
}

/// Changes where a session stands, if it still is as it was seen; when it was active stays as it is.
/// False if it is not.
pub(crate) async fn set_status(
    tx: &mut WriteTx,
    seen: &Session,
    it: &Session,
) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET status = $4, archived_at_us = $5, updated_at_us = $6, version = $7 \
        WHERE org_id = $1 AND id = $2 AND version = $3 AND message_count = $8 AND status = $9 \
        AND updated_at_us = $10";
    let row = params![
        it.id,
        seen.version,
        it.status.as_str(),
        it.archived_at,
        it.updated_at,
        it.version,
        seen.message_count,
        seen.status.as_str(),
        seen.updated_at
    ];
    Ok(tx.execute(sql, &row).await? == 1)
}

/// Takes the row of a session away; everything that stands beside it is gone already.
pub(crate) async fn delete_session(tx: &mut WriteTx, id: SessionId) -> Result<u64, StoreError> {
    let placement = "DELETE FROM chat_placements WHERE org_id = $1 AND session_id = $2";
    tx.execute(placement, &params![id]).await?;
    let sql = "DELETE FROM sessions WHERE org_id = $1 AND id = $2";
    tx.execute(sql, &params![id]).await
}

/// Everything that stands beside the messages of a session.
pub(crate) async fn beside(tx: &mut impl Query, session: SessionId) -> Result<Parts, StoreError> {
    Ok(Parts {
        messages: Vec::new(),
        summaries: Vec::new(),
        turns: all(tx, session, TURNS, turn).await?,
        branches: all(tx, session, BRANCHES, branch).await?,
        members: all(tx, session, MEMBERS, member).await?,
        reads: all(tx, session, READS, read).await?,
        reactions: all(tx, session, REACTIONS, reaction).await?,
    })
}

/// Messages behind a position, on every branch, without their texts.
pub(crate) async fn rows_after(
    tx: &mut impl Query,
    session: SessionId,
    after: u32,
    limit: u32,
) -> Result<Vec<KeptMessage>, StoreError> {
    let sql = "SELECT id, position, branch, parent, author_user, author_agent, run_id, reply_to, \
        mentions, content, failed, created_at_us, attachments, read_private, read_untrusted, \
        account, citations FROM messages \
        WHERE org_id = $1 AND session_id = $2 AND position > $3 ORDER BY position LIMIT $4";
    let rows = tx
        .rows(Sql::Both(sql), &params![session, after, limit])
        .await?;
    rows.iter().map(message).collect()
}

/// Sealed events about what the runs of a session did and were asked about, behind one of them.
pub(crate) async fn steps(
    tx: &mut impl Query,
    session: SessionId,
    (after, limit): (i64, u32),
) -> Result<Vec<Step>, StoreError> {
    let sql = "SELECT s.seq, e.kind, e.run_id, e.subject, e.at_us, e.data, e.ord FROM events e JOIN seals s \
        ON s.ord = e.ord WHERE e.org_id = $1 AND e.session_id = $2 AND e.ord > $3 \
        AND e.kind IN ('tool.intended', 'tool.executed', 'tool.failed', 'tool.denied', \
        'tool.outcome_unknown', 'tool.resolved', 'policy.decided', 'approval.requested', \
        'approval.granted', 'approval.denied', 'approval.expired', 'model.answered') \
        ORDER BY e.ord LIMIT $4";
    let rows = tx
        .rows(Sql::Both(sql), &params![session, after, limit])
        .await?;
    let step = |row: &Row| {
        Ok(Step {
            seq: row.get(0)?,
            kind: row.get(1)?,
            run: row.get(2)?,
            subject: row.get(3)?,
            at: row.get(4)?,
            facts: json(row, 5, "facts")?,
            place: row.get(6)?,
        })
    };
    rows.iter().map(step).collect()
}
