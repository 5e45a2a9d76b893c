//! The only SQL about runs.

use db::{Authority, OrgContext, Row, Sql, StoreError, SystemWrite, Value, WriteTx, params};
use vocab::{Actor, AgentId, Digest, OrgId, Role, RunId, SessionId, Timestamp};

use crate::account::RunUsage;
use crate::model::{Run, State};

mod entries;

pub(crate) use entries::{StoredEntry, has_outcome, journal, read_by};

macro_rules! columns {
    () => {
        "org_id, id, kind, state, detail, actor, role, workspace, session_id, agent_id, parent_id, \
         parent_step, depth, input, answer, entries, cancel_requested, created_at_us, \
         started_at_us, ended_at_us, epoch, pokes, models, cost_usd_micros, unpriced, input_tokens, \
         cached_input_tokens, output_tokens"
    };
}

/// A run's row, with what belongs to its lease.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub run: Run,
    pub epoch: i64,
    pub pokes: i64,
}

fn stored(row: &Row) -> Result<Stored, StoreError> {
    let decode = |column, expected| StoreError::Decode { column, expected };
    let (detail, actor, role): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let parent: Option<RunId> = row.get(10)?;
    let parent_step: Option<u32> = row.get(11)?;
    let run = Run {
        org: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        state: serde_json::from_str(&detail).map_err(|_| decode(4, "a run's state"))?,
        actor: serde_json::from_str::<Actor>(&actor).map_err(|_| decode(5, "an actor"))?,
        role: role.parse::<Role>().map_err(|_| decode(6, "a role"))?,
        workspace: row.get(7)?,
        session: row.get(8)?,
        agent: row.get(9)?,
        parent: parent.zip(parent_step),
        depth: row.get(12)?,
        input: row.get(13)?,
        answer: row.get(14)?,
        entries: row.get(15)?,
        usage: usage(row)?,
        cancel_requested: row.get(16)?,
        created_at: row.get(17)?,
        started_at: row.get(18)?,
        ended_at: row.get(19)?,
    };
    Ok(Stored {
        run,
        epoch: row.get(20)?,
        pokes: row.get(21)?,
    })
}

fn usage(row: &Row) -> Result<Option<RunUsage>, StoreError> {
    let models: Option<String> = row.get(22)?;
    let Some(models) = models else {
        return Ok(None);
    };
    Ok(Some(RunUsage {
        models: serde_json::from_str(&models).map_err(|_| StoreError::Decode {
            column: 22,
            expected: "names of models",
        })?,
        cost_usd_micros: row.get(23)?,
        unpriced: row.get(24)?,
        input_tokens: row.get(25)?,
        cached_input_tokens: row.get(26)?,
        output_tokens: row.get(27)?,
    }))
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

/// Who holds a run from its first moment on, and until when.
pub(crate) struct HandedTo<'a> {
    pub holder: &'a str,
    pub until: Timestamp,
}

/// Inserts a run. Without `wake_at` it waits for the run before it in its session.
pub(crate) async fn insert(
    tx: &mut WriteTx,
    run: &Run,
    wake_at: Option<Timestamp>,
    handed: Option<&HandedTo<'_>>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO runs (org_id, id, kind, state, detail, actor, role, workspace, session_id, \
         agent_id, parent_id, parent_step, depth, input, entries, epoch, holder, wake_at_us, \
         pokes, cancel_requested, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
         $11, $12, $13, $14, $15, $16, $17, $18, 0, $19, $20)",
        &params![
            run.id,
            &run.kind,
            run.state.as_str(),
            json(&run.state)?,
            json(&run.actor)?,
            run.role.as_str(),
            &run.workspace,
            run.session,
            run.agent,
            run.parent.map(|(parent, _)| parent),
            run.parent.map(|(_, step)| step),
            run.depth,
            run.input,
            run.entries,
            i64::from(handed.is_some()),
            handed.map(|it| it.holder),
            handed.map_or(wake_at, |it| Some(it.until)),
            false,
            run.created_at
        ],
    )
    .await?;
    Ok(())
}

/// Serialises what starts and ends runs of one session, so that the next one is never forgotten.
pub(crate) async fn lock_session(tx: &mut WriteTx, session: SessionId) -> Result<(), StoreError> {
    let lock = Sql::Each {
        sqlite: "SELECT 1 FROM organisations WHERE org_id = $1 AND $2 IS NULL",
        postgres: "SELECT pg_advisory_xact_lock(hashtextextended(($1::uuid)::text || ($2::uuid)::text, 0)), \
            'org_id'",
    };
    tx.all(lock, &params![session]).await.map(drop)
}

/// The runs of a session that are not over, the oldest first.
pub(crate) async fn open_in_session(
    tx: &mut WriteTx,
    session: SessionId,
) -> Result<Vec<Run>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM runs WHERE org_id = $1 AND session_id = $2 AND parent_id IS NULL \
         AND kind NOT IN ('replay', 'summary') AND ended_at_us IS NULL ORDER BY created_at_us, id"
    );
    let rows = tx.all(sql, &params![session]).await?;
    rows.iter()
        .map(|row| stored(row).map(|it| it.run))
        .collect()
}

/// Whether any run of a session is not over.
pub(crate) async fn is_busy(
    tx: &mut impl vault::Query,
    session: SessionId,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM runs WHERE org_id = $1 AND session_id = $2 \
        AND ended_at_us IS NULL LIMIT 1";
    let found = tx.first(Sql::Both(sql), &params![session]).await?;
    Ok(found.is_some())
}

/// Wakes the session's next run, after one of its runs ended.
pub(crate) async fn wake_next_in_session(
    tx: &mut WriteTx,
    session: SessionId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE runs SET wake_at_us = $3 WHERE org_id = $1 AND id = (SELECT id FROM runs \
         WHERE org_id = $1 AND session_id = $2 AND parent_id IS NULL \
         AND kind NOT IN ('replay', 'summary') AND ended_at_us IS NULL ORDER BY created_at_us, id LIMIT 1) AND state = 'queued' AND wake_at_us IS NULL",
        &params![session, now],
    )
    .await
}

pub(crate) async fn get(ctx: &OrgContext, id: RunId) -> Result<Option<Stored>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM runs WHERE org_id = $1 AND id = $2"
    );
    let row = ctx.read().await?.optional(sql, &params![id]).await?;
    row.as_ref().map(stored).transpose()
}

/// A run's row, locked until the transaction ends. Whoever locks several takes a run before those
/// that it started, and a run before what belongs to it; then nobody waits in a circle.
pub(crate) async fn get_in(tx: &mut WriteTx, id: RunId) -> Result<Option<Run>, StoreError> {
    let sql = Sql::Each {
        sqlite: concat!(
            "SELECT ",
            columns!(),
            " FROM runs WHERE org_id = $1 AND id = $2"
        ),
        postgres: concat!(
            "SELECT ",
            columns!(),
            " FROM runs WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE"
        ),
    };
    let row = tx.optional(sql, &params![id]).await?;
    row.as_ref()
        .map(|row| stored(row).map(|it| it.run))
        .transpose()
}

/// What a list of runs is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only runs of this session.
    pub session: Option<SessionId>,
    /// Only runs in this state.
    pub state: Option<String>,
    /// Only runs that this run started.
    pub parent: Option<RunId>,
    /// Only runs of this agent.
    pub agent: Option<AgentId>,
}

/// One page of runs, the newest first.
pub(crate) async fn list(
    ctx: &OrgContext,
    filter: &RunFilter,
    before: Option<RunId>,
    limit: u32,
) -> Result<Vec<Run>, StoreError> {
    let sql = Sql::Each {
        sqlite: concat!(
            "SELECT ",
            columns!(),
            " FROM runs WHERE org_id = $1 AND ($2 IS NULL OR session_id = $2) \
             AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR parent_id = $4) \
             AND ($5 IS NULL OR agent_id = $5) \
             AND ($6 IS NULL OR id < $6) ORDER BY id DESC LIMIT $7"
        ),
        postgres: concat!(
            "SELECT ",
            columns!(),
            " FROM runs WHERE org_id = $1 AND ($2::uuid IS NULL OR session_id = $2) \
             AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR parent_id = $4) \
             AND ($5::uuid IS NULL OR agent_id = $5) \
             AND ($6::uuid IS NULL OR id < $6) ORDER BY id DESC LIMIT $7"
        ),
    };
    let params = params![
        filter.session,
        filter.state.as_deref(),
        filter.parent,
        filter.agent,
        before,
        limit
    ];
    let rows = ctx.read().await?.all(sql, &params).await?;
    rows.iter()
        .map(|row| stored(row).map(|it| it.run))
        .collect()
}

/// Asks a worker to look at a parked run; one that is being worked on is looked at again before it
/// is parked.
pub(crate) async fn poke(tx: &mut WriteTx, id: RunId, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE runs SET pokes = pokes + 1, wake_at_us = CASE WHEN holder IS NULL THEN $3 \
             ELSE wake_at_us END WHERE org_id = $1 AND id = $2 AND ended_at_us IS NULL",
            &params![id, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that somebody wants a run to end. False if it is over.
pub(crate) async fn request_cancel(
    tx: &mut WriteTx,
    id: RunId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            "UPDATE runs SET cancel_requested = $4, pokes = pokes + 1, \
             wake_at_us = CASE WHEN holder IS NULL THEN $3 ELSE wake_at_us END \
             WHERE org_id = $1 AND id = $2 AND ended_at_us IS NULL",
            &params![id, now, true],
        )
        .await?;
    Ok(changed == 1)
}

/// The children of a run that are not over.
pub(crate) async fn open_children(tx: &mut WriteTx, id: RunId) -> Result<Vec<RunId>, StoreError> {
    let sql = "SELECT id FROM runs WHERE org_id = $1 AND parent_id = $2 AND ended_at_us IS NULL";
    tx.all(sql, &params![id])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// What an append changes of the run's row.
pub(crate) struct Change<'a> {
    pub run: RunId,
    pub holder: &'a str,
    pub epoch: i64,
    pub state: &'a State,
    pub entries: u32,
    pub usage: Option<RunUsage>,
    pub answer: Option<Digest>,
    pub started_at: Timestamp,
    /// `Some` while the worker keeps the run, with the new end of its lease.
    pub lease_until: Option<Timestamp>,
    /// When to wake it, if the worker lets go.
    pub wake_at: Option<Timestamp>,
    /// The pokes that the worker has seen.
    pub pokes_seen: i64,
    pub ended_at: Option<Timestamp>,
}

/// What the row says back.
pub(crate) struct Heard {
    pub pokes: i64,
    pub cancel_requested: bool,
}

/// Moves the row along with the journal. `None` if the lease is lost: nothing may be appended.
pub(crate) async fn advance(
    tx: &mut WriteTx,
    it: &Change<'_>,
    now: Timestamp,
) -> Result<Option<Heard>, StoreError> {
    let used = it.usage.as_ref();
    let amount = |of: fn(&RunUsage) -> u64| i64::try_from(used.map_or(0, of)).unwrap_or(i64::MAX);
    let row = tx
        .optional(
            "UPDATE runs SET state = $5, detail = $6, entries = $7, \
             answer = coalesce($8, answer), started_at_us = coalesce(started_at_us, $9), \
             ended_at_us = $10, holder = CASE WHEN CAST($11 AS BIGINT) IS NULL THEN NULL ELSE holder END, \
             wake_at_us = CASE WHEN CAST($10 AS BIGINT) IS NOT NULL THEN NULL \
             WHEN CAST($11 AS BIGINT) IS NOT NULL THEN CAST($11 AS BIGINT) \
             WHEN pokes > $12 THEN CAST($13 AS BIGINT) ELSE CAST($14 AS BIGINT) END, \
             models = $15, cost_usd_micros = $16, unpriced = $17, input_tokens = $18, \
             cached_input_tokens = $19, output_tokens = $20 \
             WHERE org_id = $1 AND id = $2 AND holder = $3 AND epoch = $4 \
             AND ended_at_us IS NULL RETURNING pokes, cancel_requested",
            &params![
                it.run,
                it.holder,
                it.epoch,
                it.state.as_str(),
                json(it.state)?,
                it.entries,
                it.answer,
                it.started_at,
                it.ended_at,
                it.lease_until,
                it.pokes_seen,
                now,
                it.wake_at,
                used.map(|it| json(&it.models)).transpose()?,
                amount(|it| it.cost_usd_micros),
                used.map_or(0, |it| it.unpriced),
                amount(|it| it.input_tokens),
                amount(|it| it.cached_input_tokens),
                amount(|it| it.output_tokens)
            ],
        )
        .await?;
    row.map(|row| {
        Ok(Heard {
            pokes: row.get(0)?,
            cancel_requested: row.get(1)?,
        })
    })
    .transpose()
}

/// Lets go of a run in whose journal nothing happened.
pub(crate) async fn release(
    tx: &mut SystemWrite,
    (org, run): (OrgId, RunId),
    (holder, epoch): (&str, i64),
    (wake_at, pokes_seen, now): (Option<Timestamp>, i64, Timestamp),
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE runs SET holder = NULL, wake_at_us = CASE WHEN pokes > $5 THEN CAST($6 AS BIGINT) \
         ELSE CAST($7 AS BIGINT) END \
         WHERE org_id = $1 AND id = $2 AND holder = $3 AND epoch = $4",
        &params![org, run, holder, epoch, pokes_seen, now, wake_at],
    )
    .await
}

/// Puts off the end of leases that are still held. A row that somebody is writing is left out: it
/// gets a new lease with that write, or another chance before its lease is over.
pub(crate) async fn extend(
    tx: &mut SystemWrite,
    holder: &str,
    leases: &[(OrgId, RunId, i64)],
    until: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = leases
        .iter()
        .map(|(org, run, epoch)| params![*org, *run, holder, *epoch, until].to_vec())
        .collect();
    let sql = Sql::Each {
        sqlite: "UPDATE runs SET wake_at_us = $5 WHERE org_id = $1 AND id = $2 AND holder = $3 \
            AND epoch = $4 AND ended_at_us IS NULL",
        postgres: "UPDATE runs SET wake_at_us = $5 WHERE org_id = $1 AND id = (SELECT id FROM runs \
            WHERE org_id = $1 AND id = $2 AND holder = $3 AND epoch = $4 AND ended_at_us IS NULL \
            FOR NO KEY UPDATE SKIP LOCKED)",
    };
    tx.execute_each(sql, &rows).await?;
    Ok(())
}

/// Lets go of every run that an earlier life of this process held. Only where nobody else works on
/// this database.
pub(crate) async fn release_all(authority: &Authority, now: Timestamp) -> Result<u64, StoreError> {
    let mut tx = authority.system_write(Actor::system("worker")).await?;
    let released = tx
        .execute(
            "UPDATE runs SET holder = NULL, wake_at_us = $1 \
             WHERE holder IS NOT NULL AND ended_at_us IS NULL",
            &params![now],
        )
        .await?;
    tx.commit_unrecorded("leases of a process that is gone")
        .await?;
    Ok(released)
}

/// The organisations that have a run to be looked at: an index is skipped through, however long the
/// queue of each is.
pub(crate) async fn organisations_due(
    authority: &Authority,
    now: Timestamp,
) -> Result<Vec<OrgId>, StoreError> {
    let sql = "WITH RECURSIVE due (org_id) AS (\
         SELECT * FROM (SELECT org_id FROM runs WHERE wake_at_us IS NOT NULL \
         ORDER BY org_id LIMIT 1) AS first_one \
         UNION ALL SELECT (SELECT runs.org_id FROM runs WHERE wake_at_us IS NOT NULL \
         AND runs.org_id > due.org_id ORDER BY runs.org_id LIMIT 1) FROM due \
         WHERE due.org_id IS NOT NULL) \
         SELECT org_id FROM due WHERE org_id IS NOT NULL AND EXISTS (SELECT 1 FROM runs \
         WHERE runs.org_id = due.org_id AND wake_at_us <= $1)";
    let rows = authority
        .system_read()
        .await?
        .all(sql, &params![now])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How the open runs of all organisations stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// How many are in each state that is not an end.
    pub open: Vec<(String, u64)>,
    /// How many are due and held by no worker.
    pub due: u64,
    /// Since when the first of those has been due.
    pub oldest_due: Option<Timestamp>,
}

/// Counts the open runs of all organisations.
///
/// # Errors
/// The database.
pub async fn census(authority: &Authority) -> Result<Census, StoreError> {
    const OPEN: &str =
        "SELECT state, count(*) FROM runs WHERE ended_at_us IS NULL GROUP BY state ORDER BY state";
    const DUE: &str = "SELECT count(*), min(wake_at_us) FROM runs \
        WHERE wake_at_us IS NOT NULL AND wake_at_us <= $1 AND holder IS NULL";
    let now = authority.db().clock().now();
    let mut tx = authority.system_read().await?;
    let rows = tx.all(OPEN, &[]).await?;
    let open: Result<Vec<(String, u64)>, StoreError> = rows
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect();
    let due = tx.one(DUE, &params![now]).await?;
    Ok(Census {
        open: open?,
        due: due.get(0)?,
        oldest_due: due.get(1)?,
    })
}

/// Claims up to `limit` due runs of one organisation.
pub(crate) async fn claim(
    tx: &mut SystemWrite,
    org: OrgId,
    limit: u32,
    (holder, now, until): (&str, Timestamp, Timestamp),
) -> Result<Vec<Stored>, StoreError> {
    let sql = Sql::Each {
        sqlite: concat!(
            "UPDATE runs SET holder = $2, epoch = epoch + 1, wake_at_us = $4 \
             WHERE org_id = $1 AND id IN (SELECT id FROM runs WHERE org_id = $1 \
             AND wake_at_us <= $3 ORDER BY wake_at_us, id LIMIT $5) RETURNING ",
            columns!()
        ),
        postgres: concat!(
            // As an array, so that it is evaluated once: a plan may run an `IN` again for each row,
            // and then it finds `$5` more.
            "UPDATE runs SET holder = $2, epoch = epoch + 1, wake_at_us = $4 \
             WHERE org_id = $1 AND id = ANY (ARRAY(SELECT id FROM runs WHERE org_id = $1 \
             AND wake_at_us <= $3 ORDER BY wake_at_us, id LIMIT $5 FOR UPDATE SKIP LOCKED)) RETURNING ",
            columns!()
        ),
    };
    let rows = tx
        .all(sql, &params![org, holder, now, until, limit])
        .await?;
    rows.iter().map(stored).collect()
}

/// Writes a signal down for a run to find.
pub(crate) async fn put_signal(
    tx: &mut WriteTx,
    run: RunId,
    (name, body, now): (&str, Digest, Timestamp),
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO run_signals (org_id, run_id, name, body, created_at_us) \
         VALUES ($1, $2, $3, $4, $5)",
        &params![run, name, body, now],
    )
    .await?;
    Ok(())
}

/// The first signal of a name that the run has not taken: its place and what it carries.
pub(crate) async fn signal(
    ctx: &OrgContext,
    run: RunId,
    name: &str,
) -> Result<Option<(i64, Digest)>, StoreError> {
    let sql = "SELECT place, body FROM run_signals \
        WHERE org_id = $1 AND run_id = $2 AND name = $3 ORDER BY place LIMIT 1";
    let row = ctx.read().await?.optional(sql, &params![run, name]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Every signal of a name that the run has not taken, the first first.
pub(crate) async fn signals(
    tx: &mut WriteTx,
    run: RunId,
    name: &str,
) -> Result<Vec<(i64, Digest)>, StoreError> {
    let sql = "SELECT place, body FROM run_signals \
        WHERE org_id = $1 AND run_id = $2 AND name = $3 ORDER BY place";
    let rows = tx.all(sql, &params![run, name]).await?;
    let signal = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    rows.iter().map(signal).collect()
}

/// Takes a signal.
pub(crate) async fn take_signal(tx: &mut WriteTx, place: i64) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM run_signals WHERE org_id = $1 AND place = $2",
        &params![place],
    )
    .await?;
    Ok(())
}

/// What a person decided about an unknown outcome.
pub(crate) async fn resolution(
    ctx: &OrgContext,
    run: RunId,
    step: u32,
) -> Result<Option<(String, String)>, StoreError> {
    let sql = "SELECT decision, decided_by FROM run_resolutions \
        WHERE org_id = $1 AND run_id = $2 AND step = $3";
    let row = ctx.read().await?.optional(sql, &params![run, step]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Writes a person's decision down; the last word counts until the run has taken it.
pub(crate) async fn put_resolution(
    tx: &mut WriteTx,
    run: RunId,
    step: u32,
    (decision, decided_by, now): (&str, &str, Timestamp),
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO run_resolutions (org_id, run_id, step, decision, decided_by, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, run_id, step) DO UPDATE SET \
         decision = excluded.decision, decided_by = excluded.decided_by, \
         created_at_us = excluded.created_at_us",
        &params![run, step, decision, decided_by, now],
    )
    .await?;
    Ok(())
}

/// Forgets a decision that the run has taken, so that a later unknown outcome of the same step
/// asks again.
pub(crate) async fn take_resolution(
    tx: &mut WriteTx,
    run: RunId,
    step: u32,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM run_resolutions WHERE org_id = $1 AND run_id = $2 AND step = $3";
    tx.execute(sql, &params![run, step]).await?;
    Ok(())
}

/// Wakes every run that waits for a node. A row that somebody is writing is left out: what is
/// written to a parked run from outside wakes it too.
pub(crate) async fn wake_waiting_for_node(
    authority: &Authority,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut tx = authority.system_write(Actor::system("gateway")).await?;
    let woken = tx
        .execute(
            Sql::Each {
                sqlite: "UPDATE runs SET pokes = pokes + 1, wake_at_us = CASE WHEN holder IS NULL \
                    THEN $1 ELSE wake_at_us END WHERE state = 'waiting' AND ended_at_us IS NULL \
                    AND detail LIKE '%\"kind\":\"node\"%'",
                postgres: "UPDATE runs SET pokes = pokes + 1, wake_at_us = CASE WHEN holder IS NULL \
                    THEN $1 ELSE wake_at_us END WHERE id = ANY (ARRAY(SELECT id FROM runs \
                    WHERE state = 'waiting' AND ended_at_us IS NULL \
                    AND detail LIKE '%\"kind\":\"node\"%' FOR NO KEY UPDATE SKIP LOCKED))",
            },
            &params![now],
        )
        .await?;
    tx.commit_unrecorded("a wake-up").await?;
    Ok(woken)
}

/// Recorded decisions of a time, in the order of the record: `ord`, id, run, instant, facts.
pub(crate) async fn decisions(
    ctx: &OrgContext,
    after: i64,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT ord, id, run_id, at_us, data FROM events WHERE org_id = $1 \
        AND kind = 'policy.decided' AND ord > $2 AND at_us >= $3 AND at_us < $4 \
        ORDER BY ord LIMIT $5";
    ctx.read()
        .await?
        .all(sql, &params![after, from, to, limit])
        .await
}
