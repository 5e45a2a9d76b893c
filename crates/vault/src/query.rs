//! Reading alike in a read and in a write transaction.

use std::future::Future;

use db::{ReadTx, Row, Sql, StoreError, Value, WriteTx};
use vocab::OrgId;

mod sealed {
    pub trait Sealed {}
    impl Sealed for db::ReadTx {}
    impl Sealed for db::WriteTx {}
}

/// A transaction of one organisation in which rows can be read: [`ReadTx`] or [`WriteTx`].
pub trait Query: sealed::Sealed + Send {
    /// The organisation.
    fn org_id(&self) -> OrgId;

    /// The first row, if there is one; the parameters begin at `$2`.
    fn first(
        &mut self,
        sql: Sql,
        params: &[Value],
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// All rows; the parameters begin at `$2`.
    fn rows(
        &mut self,
        sql: Sql,
        params: &[Value],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

macro_rules! queries {
    ($($tx:ty),*) => {
        $(impl Query for $tx {
            fn org_id(&self) -> OrgId {
                self.org()
            }

            async fn first(
                &mut self,
                sql: Sql,
                params: &[Value],
            ) -> Result<Option<Row>, StoreError> {
                self.optional(sql, params).await
            }

            async fn rows(&mut self, sql: Sql, params: &[Value]) -> Result<Vec<Row>, StoreError> {
                self.all(sql, params).await
            }
        })*
    };
}

queries!(ReadTx, WriteTx);
