//! The words by which messages are found.

use db::{Sql, StoreError, WriteTx, params};
use serde_json::json;
use vault::{BlindWord, Query};
use vocab::{MessageId, SessionId, SubjectId};

/// How many words of many messages one statement inserts.
const WORDS_AT_ONCE: usize = 20_000;

/// Puts words beside a message.
pub(crate) async fn insert_words(
    tx: &mut WriteTx,
    session: SessionId,
    (message, words): (MessageId, &[BlindWord]),
) -> Result<(), StoreError> {
    let words: Vec<_> = words.iter().map(|word| (message, *word)).collect();
    insert_words_of(tx, session, &words).await
}

/// Puts the words of many messages beside them.
pub(crate) async fn insert_words_of(
    tx: &mut WriteTx,
    session: SessionId,
    words: &[(MessageId, BlindWord)],
) -> Result<(), StoreError> {
    const WORD: Sql = Sql::Each {
        sqlite: "INSERT INTO message_words (org_id, session_id, word, message_id) \
            VALUES ($1, $2, $3, $4)",
        postgres: "INSERT INTO message_words (org_id, session_id, word, message_id) \
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::uuid[])",
    };
    let row = |(message, word): &(MessageId, BlindWord)| {
        params![session, word.as_slice(), *message].to_vec()
    };
    for some in words.chunks(WORDS_AT_ONCE) {
        let rows: Vec<_> = some.iter().map(row).collect();
        tx.insert_all(WORD, &rows).await?;
    }
    Ok(())
}

/// The sessions that a search looks through, those that were active last first.
pub(crate) async fn active_sessions(
    tx: &mut impl Query,
    most: u32,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = "SELECT id FROM sessions WHERE org_id = $1 AND status <> 'archived' \
        ORDER BY updated_at_us DESC LIMIT $2";
    let rows = tx.rows(Sql::Both(sql), &params![most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many sessions there are.
pub(crate) async fn count_sessions(tx: &mut impl Query) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM sessions WHERE org_id = $1";
    let row = tx.first(Sql::Both(sql), &[]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// The messages that have all words of their session, the newest first, before this one. Of each
/// session the first word is looked up, and the others beside what it finds.
pub(crate) async fn find(
    tx: &mut impl Query,
    asked: &[(SubjectId, Vec<BlindWord>)],
    (before, limit): (Option<MessageId>, u32),
) -> Result<Vec<MessageId>, StoreError> {
    let sql = Sql::Each {
        sqlite: "WITH asked (session_id, word, others) AS (SELECT unhex(json_extract(value, '$.s')), \
            unhex(json_extract(value, '$.w')), json_extract(value, '$.o') FROM json_each($2)), \
            found (message_id, place) AS (SELECT w.message_id, row_number() OVER (PARTITION BY \
            w.session_id ORDER BY w.message_id DESC) FROM asked a CROSS JOIN message_words w \
            WHERE w.org_id = $1 AND w.session_id = a.session_id AND w.word = a.word \
            AND ($3 IS NULL OR w.message_id < $3) AND NOT EXISTS (SELECT 1 FROM json_each(a.others) o \
            WHERE NOT EXISTS (SELECT 1 FROM message_words x WHERE x.org_id = $1 \
            AND x.session_id = w.session_id AND x.word = unhex(o.value) \
            AND x.message_id = w.message_id))) \
            SELECT message_id FROM found WHERE place <= $4 ORDER BY message_id DESC LIMIT $4",
        postgres: "WITH asked AS (SELECT CAST(v->>'s' AS uuid) AS session_id, \
            decode(v->>'w', 'hex') AS word, v->'o' AS others FROM \
            jsonb_array_elements(CAST(CAST($2 AS text) AS jsonb)) v) \
            SELECT found.message_id FROM asked a CROSS JOIN LATERAL (SELECT w.message_id \
            FROM message_words w WHERE w.org_id = $1 AND w.session_id = a.session_id \
            AND w.word = a.word AND (CAST($3 AS uuid) IS NULL OR w.message_id < $3) AND NOT EXISTS \
            (SELECT 1 FROM jsonb_array_elements_text(a.others) o (value) WHERE NOT EXISTS (SELECT 1 \
            FROM message_words x WHERE x.org_id = $1 AND x.session_id = w.session_id \
            AND x.word = decode(o.value, 'hex') AND x.message_id = w.message_id)) \
            ORDER BY w.message_id DESC LIMIT $4) found \
            ORDER BY found.message_id DESC LIMIT $4",
    };
    let asked: Vec<serde_json::Value> = asked.iter().filter_map(one).collect();
    let row = params![json!(asked).to_string(), before, limit];
    let rows = tx.rows(sql, &row).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn one((session, words): &(SubjectId, Vec<BlindWord>)) -> Option<serde_json::Value> {
    let (first, others) = words.split_first()?;
    let others: Vec<String> = others.iter().map(hex::encode).collect();
    let session = session.uuid().simple().to_string();
    Some(json!({ "s": session, "w": hex::encode(first), "o": others }))
}
