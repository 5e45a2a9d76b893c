//! From an open database to a transaction that knows who asks.

use std::sync::Arc;

use tokio::sync::watch;
use vocab::ids::IdKind;
use vocab::{Actor, Clock, Id, OrgId, Random, Role, Timestamp};

use crate::faults::Faults;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::tx::{ReadTx, Scope, SystemRead, SystemWrite, WriteTx};
use crate::{DatabaseConfig, StoreError, migrate};

/// An open database. Cheap to clone. By itself it gives nobody a transaction.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    backend: Backend,
    clock: Clock,
    random: Random,
    commits: watch::Sender<u64>,
    faults: Faults,
}

pub(crate) enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Which engine is behind a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

/// The witness that its holder may speak for a caller. There is one for each open database; the
/// parts that authenticate people, work on runs, or keep the installation in order hold it.
#[derive(Clone)]
pub struct Authority(Db);

impl Db {
    /// Connects. Migrations are not run: see [`Db::migrate`].
    ///
    /// # Errors
    /// The database can't be reached or opened.
    pub async fn open(
        config: &DatabaseConfig,
        clock: Clock,
        random: Random,
    ) -> Result<(Self, Authority), StoreError> {
        let backend = match config {
            DatabaseConfig::Sqlite { path } => Backend::Sqlite(Sqlite::open(path)?),
            DatabaseConfig::Postgres {
                url,
                connections_max,
                prepare_statements,
            } => {
                let pool = Postgres::open(url, *connections_max, *prepare_statements).await?;
                Backend::Postgres(pool)
            }
        };
        let db = Self(Arc::new(Inner {
            backend,
            clock,
            random,
            commits: watch::Sender::new(0),
            faults: Faults::default(),
        }));
        Ok((db.clone(), Authority(db)))
    }

    /// Brings the schema up to this version; safe to interrupt and to run again.
    ///
    /// # Errors
    /// The schema is from a newer version, or a statement fails: then nothing of it remains.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => migrate::sqlite(sqlite, &self.0.clock).await,
            Backend::Postgres(postgres) => migrate::postgres(postgres, &self.0.clock).await,
        }
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.0.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// The clock that stamps what is written.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The randomness that ids come from.
    #[must_use]
    pub fn random(&self) -> &Random {
        &self.0.random
    }

    /// Counts the commits of this process that carried events. Whoever takes it before they look, and
    /// then waits for a change, misses none.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.0.commits.subscribe()
    }

    pub(crate) fn count_commit(&self) {
        self.0.commits.send_modify(|count| *count += 1);
    }

    /// Writes a consistent copy of the whole database to a new file, while it is in use.
    ///
    /// # Errors
    /// Only SQLite can be copied this way; the file must not exist yet.
    pub async fn snapshot(&self, target: &std::path::Path) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.snapshot(target).await,
            Backend::Postgres(_) => Err(StoreError::Statement(
                "a Postgres database is copied with its own tools, such as pg_dump".into(),
            )),
        }
    }

    /// Where a test can let this process die.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    #[cfg(not(feature = "testing"))]
    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0.backend
    }
}

impl Authority {
    /// The context of a caller who has been authenticated.
    #[must_use]
    pub fn context(&self, org: OrgId, actor: Actor, role: Role) -> OrgContext {
        OrgContext {
            db: self.0.clone(),
            org,
            actor: Arc::new(actor),
            role,
        }
    }

    /// The database that this speaks for.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.system_read()
            .await?
            .one("SELECT 1", &[])
            .await
            .map(drop)
    }

    /// A read across organisations, or of what belongs to none.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn system_read(&self) -> Result<SystemRead, StoreError> {
        SystemRead::begin(&self.0).await
    }

    /// A write across organisations, or of what belongs to none.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn system_write(&self, actor: Actor) -> Result<SystemWrite, StoreError> {
        SystemWrite::begin(&self.0, actor).await
    }
}

/// An authenticated caller in one organisation: the only way to that organisation's data.
#[derive(Clone)]
pub struct OrgContext {
    db: Db,
    org: OrgId,
    actor: Arc<Actor>,
    role: Role,
}

impl OrgContext {
    /// Opens a read transaction: one consistent view for all its statements.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        ReadTx::begin(&self.db, Scope::Org(self.org)).await
    }

    /// Opens a write transaction.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        WriteTx::begin(&self.db, self.org, Arc::clone(&self.actor)).await
    }

    /// The organisation.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// The chain of who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the caller may do here.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The same caller, with another chain of who acts within the same organisation and role.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor: Arc::new(actor),
            ..self.clone()
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.db.clock().now()
    }

    /// A new id.
    #[must_use]
    pub fn new_id<K: IdKind>(&self) -> Id<K> {
        Id::generate(self.db.clock(), self.db.random())
    }

    /// The database's randomness, for tokens.
    #[must_use]
    pub fn random(&self) -> &Random {
        self.db.random()
    }

    /// Which engine is behind it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }
}
