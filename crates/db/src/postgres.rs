//! Postgres: a pool, and transactions that take a role which owns nothing.
//!
//! Each transaction says for itself whose it is (`SET LOCAL ROLE`, and the organisation as a
//! setting that row-level security reads), so nothing of it outlives the transaction and a pooler
//! in transaction mode may stand in between.

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
            .connect_timeout(CONNECT_TIMEOUT);
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
        let opening = match scope {
            // The id is ours and made of hexadecimal digits and hyphens: nothing to escape.
            Scope::Org(org) => format!(
                "BEGIN {mode}; SET LOCAL ROLE {MEMBER_ROLE}; SET LOCAL chancery.org_id = '{}'",
                org.uuid()
            ),
            Scope::System => format!("BEGIN {mode}; SET LOCAL ROLE {SYSTEM_ROLE}"),
        };
        connection
            .batch_execute(&opening)
            .await
            .map_err(translate)?;
        Ok(Transaction {
            connection: Some(connection),
            prepare: self.prepare,
        })
    }
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
    prepare: bool,
}

impl Transaction {
    fn open(&self) -> Result<&Object, StoreError> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the transaction is finished".into()))
    }

    pub(crate) async fn all(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let connection = self.open()?;
        let rows = if self.prepare {
            let statement = connection.prepare_cached(sql).await.map_err(translate)?;
            connection.query(&statement, &borrowed(params)).await
        } else {
            connection.query_typed(sql, &typed(params)).await
        };
        let rows = rows.map_err(translate)?;
        Ok(rows
            .into_iter()
            .map(|row| Row(Columns::Postgres(row)))
            .collect())
    }

    /// All rows in one pipeline: one round trip, however many.
    pub(crate) async fn execute_each(
        &self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        let connection = self.open()?;
        let changed = if self.prepare {
            let statement = &connection.prepare_cached(sql).await.map_err(translate)?;
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
        Ok(changed.map_err(translate)?.iter().sum())
    }

    /// Sends the events and the commit in one pipeline.
    pub(crate) async fn commit(
        mut self,
        insert: &str,
        events: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        if self.prepare {
            // Into the connection's cache first, so that the pipeline below is a single flight.
            self.open()?
                .prepare_cached(insert)
                .await
                .map_err(translate)?;
        }
        let inserted = self.execute_each(insert, events);
        let committed = async {
            self.open()?
                .simple_query("COMMIT")
                .await
                .map_err(commit_failed)?;
            Ok(())
        };
        // Polled in this order, so the inserts are on the wire before the commit is. If one of
        // them fails, the server answers the commit with a rollback.
        let (inserted, committed): (_, Result<(), StoreError>) = join(inserted, committed).await;
        inserted?;
        committed?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // Detached on purpose: the connection goes back to the pool once it has rolled back, and a
        // failure to do so closes it, which rolls back as well.
        tokio::spawn(async move {
            if connection.batch_execute("ROLLBACK").await.is_err() {
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
