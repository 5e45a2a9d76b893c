//! Postgres: a pool, and transactions that take a role which owns nothing.
//!
//! Each transaction says for itself whose it is (`SET LOCAL ROLE`, and the organisation as a
//! setting that row-level security reads), so nothing of it outlives the transaction and a pooler
//! in transaction mode may stand in between.
//!
//! A read begins in the same flight as its first statement; a write begins before it, so that no
//! statement of it is sent unless the transaction is open.
//!
//! A server may also fall silent: then nothing breaks, and nothing comes. So every answer has its
//! time, and a connection that missed one is thrown away rather than given to the next.

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolConfig, RecyclingMethod, Timeouts,
};
use futures::future::{join, try_join_all};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, NoTls};
use vocab::{ExposeSecret, SecretString};

use crate::tx::{Access, Scope};
use crate::value::{Columns, Row};
use crate::{StoreError, Value};

/// How long a caller waits for a free connection, and how long opening one may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to begin or to roll back, which is no work at all.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take for a statement, or for a commit: less than a request may.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);
/// When the kernel begins to ask whether the other end of a quiet connection is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// The role of transactions of one organisation; made by the first migration.
pub(crate) const MEMBER_ROLE: &str = "chancery_member";
/// The role of transactions across organisations.
pub(crate) const SYSTEM_ROLE: &str = "chancery_system";

pub(crate) struct Postgres {
    pool: Pool,
    prepare: bool,
}

impl Postgres {
    pub(crate) async fn open(
        url: &SecretString,
        connections_max: usize,
        prepare: bool,
    ) -> Result<Self, StoreError> {
        let mut config: Config = url.expose_secret().parse().map_err(|_| {
            StoreError::Schema("the database URL is not one that Postgres takes".into())
        })?;
        config
            .application_name("chancery")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE_AFTER)
            .keepalives_interval(KEEPALIVE_AFTER / 3)
            .tcp_user_timeout(KEEPALIVE_AFTER);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match config.get_ssl_mode() {
            tokio_postgres::config::SslMode::Require => {
                Manager::from_config(config, tls()?, recycling)
            }
            // `prefer` to a server without a certificate that anybody could check gains nothing.
            _ => Manager::from_config(config, NoTls, recycling),
        };
        let timeouts = Timeouts {
            wait: Some(CONNECT_TIMEOUT),
            create: Some(CONNECT_TIMEOUT),
            recycle: Some(CONNECT_TIMEOUT),
        };
        let pool_config = PoolConfig {
            max_size: connections_max,
            timeouts,
            ..PoolConfig::default()
        };
        let pool = Pool::builder(manager)
            .config(pool_config)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        let postgres = Self { pool, prepare };
        drop(postgres.connection().await?);
        Ok(postgres)
    }

    /// A connection as the login role, for migrations alone.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        self.pool
            .get()
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))
    }

    pub(crate) async fn begin(
        &self,
        scope: Scope,
        access: Access,
    ) -> Result<Transaction, StoreError> {
        let connection = self.connection().await?;
        let mode = match access {
            Access::Read => "ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "ISOLATION LEVEL READ COMMITTED",
        };
        // Should this process fall silent, the server lets go of what the transaction has locked.
        let patience = STATEMENT_TIMEOUT.as_millis();
        let begin =
            format!("BEGIN {mode}; SET LOCAL idle_in_transaction_session_timeout = {patience}");
        let opening = match scope {
            // The id is ours and made of hexadecimal digits and hyphens: nothing to escape.
            Scope::Org(org) => format!(
                "{begin}; SET LOCAL ROLE {MEMBER_ROLE}; SET LOCAL chancery.org_id = '{}'",
                org.uuid()
            ),
            Scope::System => format!("{begin}; SET LOCAL ROLE {SYSTEM_ROLE}"),
        };
        let mut transaction = Transaction {
            connection: Some(connection),
            opening: Some(opening),
            prepare: self.prepare,
            silent: false,
        };
        match access {
            Access::Read => {}
            Access::Write => transaction.begin().await?,
        }
        Ok(transaction)
    }
}

/// The server did not answer in time.
struct Silence(tokio::time::error::Elapsed);

/// What the server answers within a limit.
async fn answered<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<Result<T, tokio_postgres::Error>, Silence> {
    tokio::time::timeout(limit, answer).await.map_err(Silence)
}

fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Unavailable(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}

pub(crate) struct Transaction {
    /// `None` once it is finished.
    connection: Option<Object>,
    /// What begins it, until that is sent. From then on, whatever happens, the connection is rolled
    /// back or thrown away.
    opening: Option<String>,
    prepare: bool,
    /// An answer did not come in time: nobody knows what the connection is in the middle of.
    silent: bool,
}

impl Transaction {
    fn open(&self) -> Result<&Object, StoreError> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the transaction is finished".into()))
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let Some(opening) = self.opening.take() else {
            return Ok(());
        };
        let begun = self.open()?.batch_execute(&opening);
        let begun = answered(BEGIN_TIMEOUT, begun).await;
        self.heard(begun)
    }

    /// Notes a silence.
    fn heard<T>(
        &mut self,
        answer: Result<Result<T, tokio_postgres::Error>, Silence>,
    ) -> Result<T, StoreError> {
        match answer {
            Ok(answer) => answer.map_err(translate),
            Err(Silence(elapsed)) => {
                self.silent = true;
                Err(StoreError::Unavailable(elapsed.into()))
            }
        }
    }

    pub(crate) async fn all(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let opening = self.opening.take();
        let (connection, prepare) = (self.open()?, self.prepare);
        let begun = async {
            match &opening {
                Some(opening) => connection.batch_execute(opening).await,
                None => Ok(()),
            }
        };
        let found = async {
            if prepare {
                let statement = connection.prepare_cached(sql).await?;
                connection.query(&statement, &borrowed(params)).await
            } else {
                connection.query_typed(sql, &typed(params)).await
            }
        };
        // Polled in this order, so the beginning is on the wire before the statement is.
        let answer = async {
            let (begun, found) = join(begun, found).await;
            begun.and(found)
        };
        let answer = answered(STATEMENT_TIMEOUT, answer).await;
        let rows = self.heard(answer)?.into_iter();
        Ok(rows.map(|row| Row(Columns::Postgres(row))).collect())
    }

    /// All rows in one pipeline: one round trip, however many.
    pub(crate) async fn execute_each(
        &mut self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        let changed = execute_each(self.open()?, self.prepare, sql, rows);
        let changed = answered(STATEMENT_TIMEOUT, changed).await;
        self.heard(changed)
    }

    pub(crate) async fn insert_all(
        &mut self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        let inserted = insert_all(self.open()?, self.prepare, sql, rows);
        let inserted = answered(STATEMENT_TIMEOUT, inserted).await;
        self.heard(inserted)
    }

    /// Sends the events and the commit in one pipeline. `insert` takes an array for each column.
    pub(crate) async fn commit(
        mut self,
        insert: &str,
        events: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        if self.prepare && !events.is_empty() {
            // Into the connection's cache first, so that the pipeline below is a single flight.
            let prepared = self.open()?.prepare_cached(insert);
            let prepared = answered(STATEMENT_TIMEOUT, prepared).await;
            self.heard(prepared)?;
        }
        let connection = self.open()?;
        let inserted = insert_all(connection, self.prepare, insert, events);
        // After a failed statement the server answers a commit with a rollback, and calls it done.
        // Without events to fail, another statement has to ask.
        let end = if events.is_empty() {
            "SELECT; COMMIT"
        } else {
            "COMMIT"
        };
        let committed = connection.simple_query(end);
        // Polled in this order, so the insert is on the wire before the commit is. If it fails, the
        // server answers the commit with a rollback.
        let both = tokio::time::timeout(STATEMENT_TIMEOUT, join(inserted, committed)).await;
        let (inserted, committed) = both.map_err(|elapsed| {
            self.silent = true;
            StoreError::CommitUnknown(elapsed.into())
        })?;
        committed.map_err(commit_failed)?;
        inserted.map_err(translate)?;
        self.connection = None;
        Ok(())
    }
}

async fn execute_each(
    connection: &Object,
    prepare: bool,
    sql: &str,
    rows: &[Vec<Value>],
) -> Result<u64, tokio_postgres::Error> {
    let changed = if prepare {
        let statement = &connection.prepare_cached(sql).await?;
        let each = rows
            .iter()
            .map(async |row| connection.execute(statement, &borrowed(row)).await);
        try_join_all(each).await
    } else {
        let each = rows
            .iter()
            .map(async |row| connection.execute_typed(sql, &typed(row)).await);
        try_join_all(each).await
    };
    Ok(changed?.iter().sum())
}

/// Inserts rows by one statement that takes an array for each column.
async fn insert_all(
    connection: &Object,
    prepare: bool,
    sql: &str,
    rows: &[Vec<Value>],
) -> Result<(), tokio_postgres::Error> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let column = |index: usize| rows.iter().map(|row| &row[index]).collect();
    let columns: Vec<Vec<&Value>> = (0..first.len()).map(column).collect();
    if prepare {
        let statement = connection.prepare_cached(sql).await?;
        let columns: Vec<_> = columns.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        connection.execute(&statement, &columns).await?;
    } else {
        let types = first.iter().map(Value::postgres_array);
        let columns = columns.iter().map(|it| it as &(dyn ToSql + Sync));
        let columns: Vec<_> = columns.zip(types).collect();
        connection.execute_typed(sql, &columns).await?;
    }
    Ok(())
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.silent {
            drop(Object::take(connection));
            return;
        }
        if self.opening.is_some() {
            return;
        }
        // Detached on purpose: the connection goes back to the pool once it has rolled back, and a
        // failure to do so closes it, which rolls back as well.
        tokio::spawn(async move {
            let undone = answered(BEGIN_TIMEOUT, connection.batch_execute("ROLLBACK")).await;
            if !matches!(undone, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

fn typed(params: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|value| (value as &(dyn ToSql + Sync), value.postgres_type()))
        .collect()
}

/// A commit whose answer never came may have happened.
fn commit_failed(error: tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(_) => translate(error),
        None => StoreError::CommitUnknown(error.into()),
    }
}

pub(crate) fn translate(error: tokio_postgres::Error) -> StoreError {
    let Some(state) = error.as_db_error().map(DbError::code) else {
        return StoreError::Unavailable(error.into());
    };
    if *state == SqlState::UNIQUE_VIOLATION || *state == SqlState::FOREIGN_KEY_VIOLATION {
        let constraint = error
            .as_db_error()
            .and_then(DbError::constraint)
            .unwrap_or_default();
        return StoreError::Conflict {
            constraint: constraint.to_owned(),
        };
    }
    let class = state.code().get(..2).unwrap_or_default();
    if *state == SqlState::DISK_FULL {
        StoreError::Full(error.into())
    } else if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        StoreError::ReadOnly(error.into())
    } else if class == "40" || *state == SqlState::LOCK_NOT_AVAILABLE {
        StoreError::Busy(error.into())
    } else if matches!(class, "08" | "53" | "57" | "58") {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Statement(error.into())
    }
}
