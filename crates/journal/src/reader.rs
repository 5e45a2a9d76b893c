//! Reading the sealed record of one organisation: pages, the checkpoint, proofs.

use std::collections::{BTreeSet, HashMap};

use db::{OrgContext, ReadTx, Row, Sql, Value, params};
use vocab::{Digest, OrgId};

use crate::checkpoint::Checkpoint;
use crate::entry::GENESIS;
use crate::error::{JournalError, column};
use crate::keys::LogKey;
use crate::merkle::{Hash, leaf};
use crate::note::Note;
use crate::proof::{Plan, TILE_WIDTH, TileAt};
use crate::sealed::{Filter, SealedEvent, Stored, event_columns, quoted};

/// Some events, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The events.
    pub events: Vec<SealedEvent>,
    /// Where the next page begins: every event up to this seq, or down to it, was considered.
    pub next: u64,
    /// Whether there may be more now.
    pub more: bool,
}

/// A page's statement for one way to the events: of those after the seq `$2` up to `$3`, `$9` at most.
macro_rules! page {
    ($from:literal, $tool:literal, $position:literal, $more:literal, $order:literal) => {
        concat!(
            "SELECT s.seq, s.hash, p.hash, ",
            event_columns!(),
            " FROM ",
            $from,
            " LEFT JOIN seals p ON p.org_id = s.org_id AND p.seq = s.seq - 1
             WHERE s.org_id = $1 AND s.seq > $2 AND s.seq <= $3
               AND (",
            $position,
            "($4, ',' || e.kind || ',') > 0 OR $4 IS NULL)
               AND (e.at_us >= $5 OR $5 IS NULL) AND (e.at_us < $6 OR $6 IS NULL)
               AND (",
            $position,
            "(e.actor, $7) > 0 OR $7 IS NULL)
               AND (",
            $tool,
            " = $8 OR $8 IS NULL)",
            $more,
            " ORDER BY s.seq ",
            $order,
            " LIMIT $9"
        )
    };
}
macro_rules! sqlite {
    ($from:literal, $more:literal, $order:literal) => {
        page!(
            $from,
            "json_extract(e.data, '$.tool')",
            "instr",
            $more,
            $order
        )
    };
}
macro_rules! postgres {
    ($more:literal, $order:literal) => {
        page!(
            "seals s JOIN events e ON e.ord = s.ord",
            "(e.data::json ->> 'tool')",
            "strpos",
            $more,
            $order
        )
    };
}

/// The statements of one direction.
struct Pages {
    of_all: Sql,
    of_session: Sql,
    of_run: Sql,
}

macro_rules! pages {
    ($order:literal) => {
        Pages {
            // SQLite takes CROSS JOIN as the order of the loops: without statistics it would guess.
            of_all: Sql::Each {
                sqlite: sqlite!("seals s CROSS JOIN events e ON e.ord = s.ord", "", $order),
                postgres: postgres!("", $order),
            },
            // There `ord` rises with `seq`, so the index of sessions and runs by `ord` gives the order.
            of_session: Sql::Each {
                sqlite: sqlite!(
                    "events e CROSS JOIN seals s ON s.ord = e.ord",
                    " AND e.session_id = $10 AND e.ord > coalesce(
                        (SELECT ord FROM seals WHERE org_id = $1 AND seq = $2), 0)",
                    $order
                ),
                postgres: postgres!(" AND e.session_id = $10", $order),
            },
            of_run: Sql::Each {
                sqlite: sqlite!(
                    "events e CROSS JOIN seals s ON s.ord = e.ord",
                    " AND e.ord IN (
                        SELECT ord FROM events WHERE org_id = $1 AND run_id = $10 AND run_seq IS NOT NULL
                        UNION ALL
                        SELECT ord FROM events WHERE org_id = $1 AND run_id = $10 AND run_seq IS NULL)",
                    $order
                ),
                postgres: postgres!(
                    " AND e.ord IN (
                        SELECT ord FROM events WHERE org_id = $1 AND run_id = $10 AND run_seq IS NOT NULL
                        UNION ALL
                        SELECT ord FROM events WHERE org_id = $1 AND run_id = $10 AND run_seq IS NULL)",
                    $order
                ),
            },
        }
    };
}

const OLDEST_FIRST: Pages = pages!("ASC");
const NEWEST_FIRST: Pages = pages!("DESC");

/// Sealed events after `after_seq` that fit the filter, at most `limit`, the oldest first.
///
/// # Errors
/// The database.
pub async fn events(
    ctx: &OrgContext,
    filter: &Filter,
    after_seq: u64,
    limit: u32,
) -> Result<Page, JournalError> {
    let mut tx = ctx.read().await?;
    let head = read_size(&mut tx).await?;
    let (events, full) = find(&mut tx, &OLDEST_FIRST, filter, (after_seq, head), limit).await?;
    let last = events.last().map(|event| event.seq).filter(|_| full);
    Ok(Page {
        next: last.unwrap_or(head.max(after_seq)),
        events: fitting(events, filter),
        more: full,
    })
}

/// Sealed events before `before_seq`, or all if there is none, that fit the filter, at most
/// `limit`, the newest first.
///
/// # Errors
/// The database.
pub async fn newest_events(
    ctx: &OrgContext,
    filter: &Filter,
    before_seq: Option<u64>,
    limit: u32,
) -> Result<Page, JournalError> {
    let mut tx = ctx.read().await?;
    let head = read_size(&mut tx).await?;
    let top = before_seq.map_or(head, |before| head.min(before.saturating_sub(1)));
    let (events, full) = find(&mut tx, &NEWEST_FIRST, filter, (0, top), limit).await?;
    let last = events.last().map(|event| event.seq).filter(|_| full);
    Ok(Page {
        next: last.unwrap_or(0),
        events: fitting(events, filter),
        more: full,
    })
}

/// Events after one seq and up to another, and whether there were as many as asked for.
async fn find(
    tx: &mut ReadTx,
    pages: &Pages,
    filter: &Filter,
    (after, up_to): (u64, u64),
    limit: u32,
) -> Result<(Vec<SealedEvent>, bool), JournalError> {
    if after >= up_to {
        return Ok((Vec::new(), false));
    }
    let Filter {
        session,
        run,
        tool,
        kinds,
        actor,
        from,
        to,
    } = filter;
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let mut values: Vec<Value> = params![
        column(after),
        column(up_to),
        (!names.is_empty()).then(|| format!(",{},", names.join(","))),
        *from,
        *to,
        actor.as_deref().map(quoted),
        tool.clone(),
        limit,
    ]
    .to_vec();
    let sql = match (session, run) {
        (_, Some(run)) => {
            values.push((*run).into());
            pages.of_run
        }
        (Some(session), None) => {
            values.push((*session).into());
            pages.of_session
        }
        (None, None) => pages.of_all,
    };
    let rows = tx.all(sql, &values).await?;
    let org = tx.org();
    let events: Result<Vec<_>, _> = rows.iter().map(|row| read_event(org, row)).collect();
    Ok((events?, rows.len() == limit as usize))
}

/// A run's filter takes the place of the session's, which then still has to be looked at.
fn fitting(events: Vec<SealedEvent>, filter: &Filter) -> Vec<SealedEvent> {
    let fits = |event: &SealedEvent| filter.matches(event);
    events.into_iter().filter(fits).collect()
}

fn read_event(org: OrgId, row: &Row) -> Result<SealedEvent, JournalError> {
    let (seq, hash): (u64, Digest) = (row.get(0)?, row.get(1)?);
    let prev: Option<Digest> = row.get(2)?;
    let event = Stored::read(org, row, 3)?;
    let mut json = String::new();
    event.write(seq, &prev.unwrap_or(GENESIS), &mut json);
    Ok(event.sealed(seq, hash, json))
}

async fn read_size(tx: &mut ReadTx) -> Result<u64, JournalError> {
    let row = tx
        .optional("SELECT size FROM log_heads WHERE org_id = $1", &[])
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or(0))
}

/// How many events of the organisation are sealed.
///
/// # Errors
/// The database.
pub async fn size(ctx: &OrgContext) -> Result<u64, JournalError> {
    read_size(&mut ctx.read().await?).await
}

/// The newest signed checkpoint.
///
/// # Errors
/// The database; [`JournalError::NothingSealed`].
pub async fn checkpoint(ctx: &OrgContext) -> Result<(Checkpoint, Note), JournalError> {
    read_checkpoint(&mut ctx.read().await?).await
}

pub(crate) async fn read_checkpoint(tx: &mut ReadTx) -> Result<(Checkpoint, Note), JournalError> {
    let row = tx
        .optional("SELECT checkpoint FROM log_heads WHERE org_id = $1", &[])
        .await?;
    let text: String = row.ok_or(JournalError::NothingSealed)?.get(0)?;
    let damaged = || JournalError::damaged("the checkpoint is not one");
    let note: Note = text.parse().map_err(|_| damaged())?;
    let checkpoint = Checkpoint::parse(&note).map_err(|_| damaged())?;
    Ok((checkpoint, note))
}

/// Every key of the log, the oldest first.
///
/// # Errors
/// The database.
pub async fn keys(ctx: &OrgContext) -> Result<Vec<LogKey>, JournalError> {
    read_keys(&mut ctx.read().await?).await
}

pub(crate) async fn read_keys(tx: &mut ReadTx) -> Result<Vec<LogKey>, JournalError> {
    const KEYS: &str = "SELECT number, vkey, announced_seq, handover FROM log_keys \
        WHERE org_id = $1 ORDER BY number";
    let key = |row: &Row| -> Result<LogKey, db::StoreError> {
        let (number, vkey) = (row.get(0)?, row.get(1)?);
        Ok(LogKey {
            number,
            vkey,
            announced_seq: row.get(2)?,
            handover: row.get(3)?,
        })
    };
    Ok(tx
        .all(KEYS, &[])
        .await?
        .iter()
        .map(key)
        .collect::<Result<_, _>>()?)
}

/// The proof that event `seq` is in the tree of `size` events.
///
/// # Errors
/// The database; [`JournalError::OutOfRange`].
pub async fn inclusion_proof(
    ctx: &OrgContext,
    seq: u64,
    size: u64,
) -> Result<Vec<Hash>, JournalError> {
    let mut tx = ctx.read().await?;
    read_inclusion(&mut tx, seq, size).await
}

pub(crate) async fn read_inclusion(
    tx: &mut ReadTx,
    seq: u64,
    size: u64,
) -> Result<Vec<Hash>, JournalError> {
    let plan = seq
        .checked_sub(1)
        .and_then(|index| Plan::inclusion(index, size));
    let plan = plan.ok_or(JournalError::OutOfRange { asked: seq, size })?;
    prove(tx, size, &plan).await
}

/// The proof that the tree of `new` events begins with that of `old`.
///
/// # Errors
/// The database; [`JournalError::OutOfRange`].
pub async fn consistency_proof(
    ctx: &OrgContext,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, JournalError> {
    let mut tx = ctx.read().await?;
    read_consistency(&mut tx, old, new).await
}

pub(crate) async fn read_consistency(
    tx: &mut ReadTx,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, JournalError> {
    let plan = Plan::consistency(old, new);
    let plan = plan.ok_or(JournalError::OutOfRange {
        asked: old,
        size: new,
    })?;
    prove(tx, new, &plan).await
}

async fn prove(tx: &mut ReadTx, size: u64, plan: &Plan) -> Result<Vec<Hash>, JournalError> {
    let sealed = read_size(tx).await?;
    if size > sealed {
        return Err(JournalError::OutOfRange {
            asked: size,
            size: sealed,
        });
    }
    let tiles = read_tiles(tx, plan.tiles()).await?;
    plan.resolve(&tiles)
        .map_err(|missing| JournalError::damaged(missing.to_string()))
}

async fn read_tiles(
    tx: &mut ReadTx,
    wanted: BTreeSet<TileAt>,
) -> Result<HashMap<TileAt, Vec<Hash>>, JournalError> {
    let mut tiles = HashMap::new();
    for (level, tile) in wanted {
        let hashes = match level {
            0 => read_leaves(tx, tile).await?,
            _ => read_tile(tx, level, tile).await?,
        };
        tiles.insert((level, tile), hashes);
    }
    Ok(tiles)
}

async fn read_leaves(tx: &mut ReadTx, tile: u64) -> Result<Vec<Hash>, JournalError> {
    const LEAVES: &str = "SELECT seq, hash FROM seals WHERE org_id = $1 AND seq > $2 \
        AND seq <= $3 ORDER BY seq";
    let before = tile * TILE_WIDTH;
    let rows = tx
        .all(
            LEAVES,
            &params![column(before), column(before + TILE_WIDTH)],
        )
        .await?;
    let mut leaves = Vec::with_capacity(rows.len());
    for (row, seq) in rows.iter().zip(before + 1..) {
        if row.get::<u64>(0)? != seq {
            return Err(JournalError::damaged(format!("event {seq} is not sealed")));
        }
        leaves.push(leaf(&row.get(1)?));
    }
    Ok(leaves)
}

pub(crate) async fn read_tile(
    tx: &mut ReadTx,
    level: u32,
    tile: u64,
) -> Result<Vec<Hash>, JournalError> {
    const TILE: &str =
        "SELECT hashes FROM merkle_tiles WHERE org_id = $1 AND level = $2 AND tile = $3";
    let row = tx.optional(TILE, &params![level, column(tile)]).await?;
    let bytes: Vec<u8> = row.map(|row| row.get(0)).transpose()?.unwrap_or_default();
    Ok(bytes.as_chunks::<32>().0.to_vec())
}
