//! Transactions: what a context opens.

use std::sync::Arc;
use std::time::Instant;

use vocab::{Actor, Draft, OrgId};

use crate::context::{Backend, Db};
use crate::faults::Faults;
use crate::record::{self, Stamp};
use crate::value::Row;
use crate::{Sql, StoreError, Value, postgres, sqlite};

/// Whose rows a transaction may touch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Org(OrgId),
    System,
}

/// Whether a transaction may change rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// An open transaction of either engine, without any rule of ours.
struct Raw {
    open: Open,
    faults: Faults,
}

enum Open {
    SqliteRead(sqlite::Read),
    SqliteWrite(sqlite::Write),
    Postgres(postgres::Transaction),
}

impl Raw {
    async fn begin(db: &Db, scope: Scope, access: Access) -> Result<Self, StoreError> {
        let faults = db.faults().clone();
        faults.pass()?;
        let open = match (db.backend(), access) {
            (Backend::Sqlite(it), Access::Read) => Open::SqliteRead(it.read().await?),
            (Backend::Sqlite(it), Access::Write) => Open::SqliteWrite(it.write().await?),
            (Backend::Postgres(it), access) => Open::Postgres(it.begin(scope, access).await?),
        };
        Ok(Self { open, faults })
    }

    async fn all(&mut self, sql: Sql, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.faults.pass()?;
        match &mut self.open {
            Open::SqliteRead(tx) => tx.all(sql.sqlite(), params),
            Open::SqliteWrite(tx) => tx.all(sql.sqlite(), params),
            Open::Postgres(tx) => tx.all(sql.postgres(), params).await,
        }
    }

    async fn execute_each(&mut self, sql: Sql, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        self.faults.pass()?;
        match &mut self.open {
            Open::SqliteRead(_) => Err(StoreError::ReadOnly("a read transaction".into())),
            Open::SqliteWrite(tx) => tx.execute_each(sql.sqlite(), rows),
            Open::Postgres(tx) => tx.execute_each(sql.postgres(), rows).await,
        }
    }

    async fn insert_all(&mut self, sql: Sql, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        self.faults.pass()?;
        match &mut self.open {
            Open::SqliteRead(_) => Err(StoreError::ReadOnly("a read transaction".into())),
            Open::SqliteWrite(tx) => tx.execute_each(sql.sqlite(), rows).map(drop),
            Open::Postgres(tx) => tx.insert_all(sql.postgres(), rows).await,
        }
    }

    /// Inserts the events and commits, in as few round trips as the engine allows.
    async fn commit(self, events: &[Vec<Value>]) -> Result<(), StoreError> {
        let begun = Instant::now();
        let committed = self.commit_with(events).await;
        let outcome = if committed.is_ok() { "ok" } else { "failed" };
        metrics::histogram!("chancery_db_commit_seconds", "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        committed
    }

    async fn commit_with(self, events: &[Vec<Value>]) -> Result<(), StoreError> {
        self.faults.pass()?;
        match self.open {
            Open::SqliteRead(_) => {}
            Open::SqliteWrite(mut tx) => {
                tx.execute_each(record::INSERT.sqlite(), events)?;
                tx.commit().await?;
            }
            Open::Postgres(tx) => tx.commit(record::INSERT.postgres(), events).await?,
        }
        self.faults.committed()
    }
}

fn scoped(org: OrgId, sql: Sql, params: &[Value]) -> Result<Vec<Value>, StoreError> {
    if !sql.is_scoped() {
        return Err(StoreError::NotScoped(sql.sqlite()));
    }
    let mut all = Vec::with_capacity(params.len() + 1);
    all.push(org.into());
    all.extend_from_slice(params);
    Ok(all)
}

fn first(rows: Vec<Row>) -> Result<Row, StoreError> {
    rows.into_iter().next().ok_or(StoreError::NotFound)
}

/// A read transaction of one organisation. `$1` of each statement is the organisation.
pub struct ReadTx {
    raw: Raw,
    org: OrgId,
}

/// A write transaction of one organisation. Dropping it undoes it.
pub struct WriteTx {
    raw: Raw,
    org: OrgId,
    actor: Arc<Actor>,
    db: Db,
    events: Vec<Draft>,
}

macro_rules! org_queries {
    ($tx:ty) => {
        impl $tx {
            /// All rows of a statement; the parameters begin at `$2`.
            ///
            /// # Errors
            /// [`StoreError`].
            pub async fn all(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Vec<Row>, StoreError> {
                let sql = sql.into();
                let params = scoped(self.org, sql, params)?;
                self.raw.all(sql, &params).await
            }

            /// The first row, if there is one.
            ///
            /// # Errors
            /// [`StoreError`].
            pub async fn optional(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Option<Row>, StoreError> {
                Ok(self.all(sql, params).await?.into_iter().next())
            }

            /// The first row.
            ///
            /// # Errors
            /// [`StoreError::NotFound`] if there is none.
            pub async fn one(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Row, StoreError> {
                first(self.all(sql, params).await?)
            }

            /// The organisation of this transaction.
            #[must_use]
            pub fn org(&self) -> OrgId {
                self.org
            }
        }
    };
}

org_queries!(ReadTx);
org_queries!(WriteTx);

impl ReadTx {
    pub(crate) async fn begin(db: &Db, scope: Scope) -> Result<Self, StoreError> {
        match scope {
            Scope::Org(org) => Ok(Self {
                raw: Raw::begin(db, scope, Access::Read).await?,
                org,
            }),
            Scope::System => Err(StoreError::NotScoped(
                "a system read is not an organisation's",
            )),
        }
    }
}

impl WriteTx {
    pub(crate) async fn begin(db: &Db, org: OrgId, actor: Arc<Actor>) -> Result<Self, StoreError> {
        let raw = Raw::begin(db, Scope::Org(org), Access::Write).await?;
        Ok(Self {
            raw,
            org,
            actor,
            db: db.clone(),
            events: Vec::new(),
        })
    }

    /// Runs a statement; the parameters begin at `$2`. Answers how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        let sql = sql.into();
        let params = scoped(self.org, sql, params)?;
        self.raw
            .execute_each(sql, std::slice::from_ref(&params))
            .await
    }

    /// Runs a statement once for each row of parameters, which begin at `$2`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn execute_each(
        &mut self,
        sql: impl Into<Sql>,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        let sql = sql.into();
        let rows: Result<Vec<_>, _> = rows.iter().map(|row| scoped(self.org, sql, row)).collect();
        self.raw.execute_each(sql, &rows?).await
    }

    /// Inserts many rows. The statement takes one row on SQLite, and an array for each column
    /// (`unnest`) on Postgres; the parameters of each row begin at `$2`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_all(&mut self, sql: Sql, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let rows: Result<Vec<_>, _> = rows.iter().map(|row| scoped(self.org, sql, row)).collect();
        self.raw.insert_all(sql, &rows?).await
    }

    /// Adds an event that commits with the change. Events keep the order in which they are added.
    pub fn record(&mut self, event: Draft) {
        self.events.push(event);
    }

    /// Commits the change together with its events. Both are on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`] if nothing was recorded; whatever the database says. In every case
    /// but [`StoreError::CommitUnknown`] nothing of the transaction remains.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.events.is_empty() {
            return Err(StoreError::NoEvent);
        }
        let stamp = Stamp {
            org: self.org,
            actor: &self.actor,
            clock: self.db.clock(),
            random: self.db.random(),
        };
        let events = stamp.rows(self.events)?;
        self.raw.commit(&events).await?;
        self.db.count_commit();
        Ok(())
    }
}

/// A read across organisations, or of what belongs to none.
pub struct SystemRead {
    raw: Raw,
}

/// A write across organisations, or of what belongs to none. Dropping it undoes it.
pub struct SystemWrite {
    raw: Raw,
    actor: Actor,
    db: Db,
    events: Vec<(OrgId, Draft)>,
}

macro_rules! system_queries {
    ($tx:ty) => {
        impl $tx {
            /// All rows of a statement.
            ///
            /// # Errors
            /// [`StoreError`].
            pub async fn all(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Vec<Row>, StoreError> {
                self.raw.all(sql.into(), params).await
            }

            /// The first row, if there is one.
            ///
            /// # Errors
            /// [`StoreError`].
            pub async fn optional(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Option<Row>, StoreError> {
                Ok(self.all(sql, params).await?.into_iter().next())
            }

            /// The first row.
            ///
            /// # Errors
            /// [`StoreError::NotFound`] if there is none.
            pub async fn one(
                &mut self,
                sql: impl Into<Sql>,
                params: &[Value],
            ) -> Result<Row, StoreError> {
                first(self.all(sql, params).await?)
            }
        }
    };
}

system_queries!(SystemRead);
system_queries!(SystemWrite);

impl SystemRead {
    pub(crate) async fn begin(db: &Db) -> Result<Self, StoreError> {
        Ok(Self {
            raw: Raw::begin(db, Scope::System, Access::Read).await?,
        })
    }
}

impl SystemWrite {
    pub(crate) async fn begin(db: &Db, actor: Actor) -> Result<Self, StoreError> {
        let raw = Raw::begin(db, Scope::System, Access::Write).await?;
        Ok(Self {
            raw,
            actor,
            db: db.clone(),
            events: Vec::new(),
        })
    }

    /// Runs a statement. Answers how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        self.raw.execute_each(sql.into(), &[params.to_vec()]).await
    }

    /// Runs a statement once for each row of parameters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn execute_each(
        &mut self,
        sql: impl Into<Sql>,
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        self.raw.execute_each(sql.into(), rows).await
    }

    /// Adds an event to an organisation's record that commits with the change.
    pub fn record_for(&mut self, org: OrgId, event: Draft) {
        self.events.push((org, event));
    }

    /// Commits the change together with its events.
    ///
    /// # Errors
    /// As [`WriteTx::commit`].
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.events.is_empty() {
            return Err(StoreError::NoEvent);
        }
        let mut rows = Vec::with_capacity(self.events.len());
        for (org, draft) in self.events {
            let (clock, random) = (self.db.clock(), self.db.random());
            let stamp = Stamp {
                org,
                actor: &self.actor,
                clock,
                random,
            };
            rows.append(&mut stamp.rows(vec![draft])?);
        }
        self.raw.commit(&rows).await?;
        self.db.count_commit();
        Ok(())
    }

    /// Commits a change that is no organisation's business and therefore in nobody's record, such
    /// as a lease, a cursor or the sealing itself. `reason` says which.
    ///
    /// # Errors
    /// As [`WriteTx::commit`].
    pub async fn commit_unrecorded(self, reason: &'static str) -> Result<(), StoreError> {
        tracing::trace!(reason, "committed without an event");
        self.raw.commit(&[]).await
    }
}
