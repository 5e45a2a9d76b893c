//! SQLite: one writing connection that many transactions share, and a few reading ones.
//!
//! A write transaction is a savepoint inside an open database transaction (the *group*). Whoever
//! finishes releases its savepoint, hands the connection on, and waits for the group's commit. The
//! committer is one task that queues for the same first-in-first-out lock: those ahead of it join
//! the group, those behind it wait for the next. So one `fsync` serves everybody who was waiting,
//! and nobody waits when nobody else writes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value as SqliteValue};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, watch};

use crate::value::{Columns, Row};
use crate::{StoreError, Value};

/// How many reads go on at once.
const READERS: usize = 4;
/// How many statements each connection keeps prepared.
const STATEMENTS_CACHED: usize = 512;
/// How long a connection waits for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction waits for its turn before it says that the database is unavailable.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Arc<Mutex<Writer>>,
    commit_wanted: Arc<Notify>,
    readers: Arc<Readers>,
    committer: tokio::task::JoinHandle<()>,
}

/// The writing connection and the group that is open on it.
struct Writer {
    connection: Connection,
    group: Option<Group>,
}

/// What became of a group: `None` while it is open.
type Outcome = Option<Result<(), Arc<rusqlite::Error>>>;

struct Group {
    outcome: watch::Sender<Outcome>,
}

struct Readers {
    idle: StdMutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(translate)?;
        prepare_writer(&connection).map_err(translate)?;
        let readers: Result<Vec<_>, _> = (0..READERS).map(|_| open_reader(path)).collect();
        let writer = Arc::new(Mutex::new(Writer {
            connection,
            group: None,
        }));
        let commit_wanted = Arc::new(Notify::new());
        let committer = commit_groups(Arc::clone(&writer), Arc::clone(&commit_wanted));
        Ok(Self {
            path: path.to_owned(),
            writer,
            // The task ends with the runtime or when the database is dropped.
            committer: tokio::spawn(committer),
            commit_wanted,
            readers: Arc::new(Readers {
                idle: StdMutex::new(readers.map_err(translate)?),
                permits: Arc::new(Semaphore::new(READERS)),
            }),
        })
    }

    pub(crate) async fn read(&self) -> Result<Read, StoreError> {
        let turn = Arc::clone(&self.readers.permits).acquire_owned();
        let permit = tokio::time::timeout(TURN_TIMEOUT, turn)
            .await
            .map_err(|elapsed| StoreError::Unavailable(elapsed.into()))?
            .map_err(|closed| StoreError::Unavailable(closed.into()))?;
        let connection = self.readers.lock().pop();
        let connection = connection.ok_or_else(|| StoreError::Unavailable("no reader".into()))?;
        let read = Read {
            connection: Some(connection),
            readers: Arc::clone(&self.readers),
            _permit: permit,
        };
        statement(read.connection()?, "BEGIN").map_err(translate)?;
        Ok(read)
    }

    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let turn = Arc::clone(&self.writer).lock_owned();
        let mut writer = tokio::time::timeout(TURN_TIMEOUT, turn)
            .await
            .map_err(|elapsed| StoreError::Unavailable(elapsed.into()))?;
        writer.join_group()?;
        Ok(Write {
            writer: Some(writer),
            commit_wanted: Arc::clone(&self.commit_wanted),
        })
    }

    /// The writing connection with no group open on it, for migrations.
    pub(crate) async fn alone<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer.lock().await;
        writer.commit_group();
        work(&mut writer.connection)
    }

    /// On a connection of its own: the copy takes as long as it takes, and the readers here may
    /// not write, not even another file.
    pub(crate) async fn snapshot(&self, target: &Path) -> Result<(), StoreError> {
        let (path, target) = (self.path.clone(), target.display().to_string());
        let copied = tokio::task::spawn_blocking(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(LOCK_TIMEOUT)?;
            connection.execute("VACUUM INTO ?1", [target])
        });
        copied
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))?
            .map(drop)
            .map_err(translate)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.committer.abort();
    }
}

async fn commit_groups(writer: Arc<Mutex<Writer>>, wanted: Arc<Notify>) {
    loop {
        wanted.notified().await;
        let mut writer = Arc::clone(&writer).lock_owned().await;
        // The `fsync` blocks; whoever wants to write meanwhile queues for the next group.
        let committed = tokio::task::spawn_blocking(move || writer.commit_group());
        match committed.await {
            Ok(()) => {}
            // The runtime ends, and this task with it.
            Err(error) if error.is_cancelled() => return,
            Err(error) => tracing::error!(%error, "the committer was interrupted"),
        }
    }
}

impl Writer {
    /// Opens a group if none is open, and a savepoint in it.
    fn join_group(&mut self) -> Result<(), StoreError> {
        if self.group.is_none() {
            self.statement("BEGIN IMMEDIATE").map_err(translate)?;
            self.group = Some(Group {
                outcome: watch::channel(None).0,
            });
        }
        self.statement("SAVEPOINT member")
            .map_err(|error| self.give_up_if_lost(error))
    }

    fn statement(&self, sql: &str) -> Result<(), rusqlite::Error> {
        statement(&self.connection, sql)
    }

    /// Commits the open group, if there is one, and tells its members.
    fn commit_group(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        let committed = self.statement("COMMIT").map_err(Arc::new);
        if committed.is_err() && !self.connection.is_autocommit() {
            // A failed commit may leave the transaction open. If even this fails, the next BEGIN
            // fails too and says so.
            let _ = self.statement("ROLLBACK");
        }
        group.outcome.send_replace(Some(committed));
    }

    /// SQLite undoes the whole transaction on some errors (a full disk, an I/O error): then the
    /// members that were waiting for the commit must hear that it won't come.
    fn give_up_if_lost(&mut self, error: rusqlite::Error) -> StoreError {
        if !self.connection.is_autocommit() {
            return translate(error);
        }
        let error = Arc::new(error);
        if let Some(group) = self.group.take() {
            group.outcome.send_replace(Some(Err(Arc::clone(&error))));
        }
        translate_shared(&error)
    }
}

/// A write transaction: a savepoint in the open group.
pub(crate) struct Write {
    /// `None` once it is finished.
    writer: Option<OwnedMutexGuard<Writer>>,
    commit_wanted: Arc<Notify>,
}

impl Write {
    fn run<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(lost());
        };
        if writer.group.is_none() {
            return Err(lost());
        }
        match work(&writer.connection) {
            Ok(value) => Ok(value),
            Err(error) => Err(writer.give_up_if_lost(error)),
        }
    }

    pub(crate) fn all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(|connection| rows(connection, sql, params))
    }

    pub(crate) fn execute_each(
        &mut self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let places = places(&statement)?;
            let mut changed = 0;
            for row in rows {
                bind(&mut statement, &places, row)?;
                changed += statement.raw_execute()? as u64;
            }
            Ok(changed)
        })
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(mut writer) = self.writer.take() else {
            return Err(lost());
        };
        if let Err(error) = writer.statement("RELEASE member") {
            return Err(writer.give_up_if_lost(error));
        }
        let Some(group) = &writer.group else {
            return Err(lost());
        };
        let mut outcome = group.outcome.subscribe();
        drop(writer);
        self.commit_wanted.notify_one();
        let committed = outcome.wait_for(Option::is_some).await;
        let committed = committed.map_err(|closed| StoreError::CommitUnknown(closed.into()))?;
        match &*committed {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(translate_shared(error)),
            None => Err(lost()),
        }
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let Some(writer) = self.writer.take() else {
            return;
        };
        if writer.group.is_some() {
            let undone = writer
                .statement("ROLLBACK TO member")
                .and_then(|()| writer.statement("RELEASE member"));
            if let Err(error) = undone {
                tracing::error!(%error, "a savepoint could not be rolled back");
            }
        }
        drop(writer);
        // The group may have other members, and an empty one must not stay open.
        self.commit_wanted.notify_one();
    }
}

/// Runs a statement without parameters and without rows, compiled once.
fn statement(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction was rolled back by the database".into())
}

/// A read transaction: one snapshot.
pub(crate) struct Read {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Read {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(lost)
    }

    pub(crate) fn all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        rows(self.connection()?, sql, params).map_err(translate)
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.is_autocommit()
            && let Err(error) = statement(&connection, "COMMIT")
        {
            tracing::error!(%error, "a read transaction could not be closed");
        }
        self.readers.lock().push(connection);
    }
}

impl Readers {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare_writer(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.busy_timeout(LOCK_TIMEOUT)?;
    write_ahead(connection)?;
    connection.execute_batch(
        "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )
}

/// Several processes may open a new file at once. Whoever turns its journal into a write-ahead log
/// makes a lock for reading one for writing, and there SQLite asks no busy handler: it gives up.
#[expect(
    clippy::disallowed_methods,
    reason = "waits like SQLite's own busy handler, before anything is served"
)]
fn write_ahead(connection: &Connection) -> Result<(), rusqlite::Error> {
    let begun = Instant::now();
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if is_busy(&error) && begun.elapsed() < LOCK_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(kind(error), Kind::Busy)
}

fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000;")?;
    Ok(connection)
}

fn rows(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let places = places(&statement)?;
    bind(&mut statement, &places, params)?;
    let width = statement.column_count();
    let mut found = statement.raw_query();
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let columns: Result<Vec<SqliteValue>, _> = (0..width).map(|at| row.get(at)).collect();
        out.push(Row(Columns::Sqlite(columns?)));
    }
    Ok(out)
}

/// Which parameter stands at each place. SQLite takes `$2` for a name and counts places by first
/// appearance, so the number has to be read from the name.
fn places(statement: &CachedStatement<'_>) -> Result<Vec<usize>, rusqlite::Error> {
    (1..=statement.parameter_count())
        .map(|place| {
            let number = statement
                .parameter_name(place)
                .and_then(|name| name.get(1..)?.parse().ok());
            number
                .filter(|number| *number > 0)
                .ok_or(rusqlite::Error::InvalidParameterCount(place, 0))
        })
        .collect()
}

fn bind(
    statement: &mut CachedStatement<'_>,
    places: &[usize],
    params: &[Value],
) -> Result<(), rusqlite::Error> {
    for (place, number) in places.iter().enumerate() {
        let value = params
            .get(number - 1)
            .ok_or(rusqlite::Error::InvalidParameterCount(
                params.len(),
                *number,
            ))?;
        statement.raw_bind_parameter(place + 1, ToSqlOutput::Borrowed(value.as_sqlite()))?;
    }
    Ok(())
}

pub(crate) fn translate(error: rusqlite::Error) -> StoreError {
    match kind(&error) {
        Kind::Conflict(constraint) => StoreError::Conflict { constraint },
        Kind::Full => StoreError::Full(error.into()),
        Kind::ReadOnly => StoreError::ReadOnly(error.into()),
        Kind::Busy => StoreError::Busy(error.into()),
        Kind::Unavailable => StoreError::Unavailable(error.into()),
        Kind::Statement => StoreError::Statement(error.into()),
    }
}

fn translate_shared(error: &Arc<rusqlite::Error>) -> StoreError {
    let source = Arc::clone(error);
    match kind(error) {
        Kind::Conflict(constraint) => StoreError::Conflict { constraint },
        Kind::Full => StoreError::Full(source.into()),
        Kind::ReadOnly => StoreError::ReadOnly(source.into()),
        Kind::Busy => StoreError::Busy(source.into()),
        Kind::Unavailable => StoreError::Unavailable(source.into()),
        Kind::Statement => StoreError::Statement(source.into()),
    }
}

enum Kind {
    Conflict(String),
    Full,
    ReadOnly,
    Busy,
    Unavailable,
    Statement,
}

fn kind(error: &rusqlite::Error) -> Kind {
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return Kind::Statement;
    };
    match failure.code {
        ErrorCode::ConstraintViolation => Kind::Conflict(message.clone().unwrap_or_default()),
        ErrorCode::DiskFull => Kind::Full,
        ErrorCode::ReadOnly => Kind::ReadOnly,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Kind::Busy,
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::OperationInterrupted => Kind::Unavailable,
        // The library's own list, which may grow: whatever is not named above is our mistake or
        // damage on disk.
        _ => Kind::Statement,
    }
}
