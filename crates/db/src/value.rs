//! Parameters and rows, alike for both engines.

use std::error::Error as StdError;

use bytes::BytesMut;
use rusqlite::types::{Value as SqliteValue, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;
use vocab::ids::IdKind;
use vocab::{Digest, Id, Timestamp};

use crate::StoreError;

/// A parameter. `None` is NULL, and still knows its type.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the variants are the column types")]
pub enum Value {
    Bool(Option<bool>),
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

macro_rules! values {
    ($($from:ty => $variant:ident, $name:ident -> $convert:expr;)*) => {
        $(
            impl From<$from> for Value {
                fn from($name: $from) -> Self {
                    Self::$variant(Some($convert))
                }
            }
            impl From<Option<$from>> for Value {
                fn from(value: Option<$from>) -> Self {
                    Self::$variant(value.map(|$name| $convert))
                }
            }
        )*
    };
}

values! {
    bool => Bool, it -> it;
    i64 => Int, it -> it;
    i32 => Int, it -> i64::from(it);
    u32 => Int, it -> i64::from(it);
    u16 => Int, it -> i64::from(it);
    f64 => Real, it -> it;
    &str => Text, it -> it.to_owned();
    String => Text, it -> it;
    &String => Text, it -> it.clone();
    Vec<u8> => Bytes, it -> it;
    &[u8] => Bytes, it -> it.to_vec();
    Uuid => Uuid, it -> it;
    Digest => Bytes, it -> it.as_bytes().to_vec();
    Timestamp => Int, it -> it.as_micros();
}

impl<K: IdKind> From<Id<K>> for Value {
    fn from(id: Id<K>) -> Self {
        Self::Uuid(Some(id.uuid()))
    }
}

impl<K: IdKind> From<Option<Id<K>>> for Value {
    fn from(id: Option<Id<K>>) -> Self {
        Self::Uuid(id.map(|id| id.uuid()))
    }
}

impl Value {
    /// As SQLite binds it, without a copy.
    pub(crate) fn as_sqlite(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(value) => value.map_or(ValueRef::Null, |it| ValueRef::Integer(it.into())),
            Self::Int(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Real(value) => value.map_or(ValueRef::Null, ValueRef::Real),
            Self::Text(value) => value
                .as_ref()
                .map_or(ValueRef::Null, |it| ValueRef::Text(it.as_bytes())),
            Self::Bytes(value) => value
                .as_ref()
                .map_or(ValueRef::Null, |it| ValueRef::Blob(it)),
            Self::Uuid(value) => value
                .as_ref()
                .map_or(ValueRef::Null, |it| ValueRef::Blob(it.as_bytes())),
        }
    }

    pub(crate) const fn postgres_type(&self) -> Type {
        match self {
            Self::Bool(_) => Type::BOOL,
            Self::Int(_) => Type::INT8,
            Self::Real(_) => Type::FLOAT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
            Self::Uuid(_) => Type::UUID,
        }
    }

    pub(crate) const fn postgres_array(&self) -> Type {
        match self {
            Self::Bool(_) => Type::BOOL_ARRAY,
            Self::Int(_) => Type::INT8_ARRAY,
            Self::Real(_) => Type::FLOAT8_ARRAY,
            Self::Text(_) => Type::TEXT_ARRAY,
            Self::Bytes(_) => Type::BYTEA_ARRAY,
            Self::Uuid(_) => Type::UUID_ARRAY,
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Bool(value) => value.to_sql_checked(ty, out),
            Self::Int(value) if *ty == Type::INT4 => value
                .map(i32::try_from)
                .transpose()?
                .to_sql_checked(ty, out),
            Self::Int(value) => value.to_sql_checked(ty, out),
            Self::Real(value) => value.to_sql_checked(ty, out),
            Self::Text(value) => value.to_sql_checked(ty, out),
            Self::Bytes(value) => value.to_sql_checked(ty, out),
            Self::Uuid(value) => value.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One row of an answer, whole.
#[derive(Debug)]
pub struct Row(pub(crate) Columns);

#[derive(Debug)]
pub(crate) enum Columns {
    Sqlite(Vec<SqliteValue>),
    Postgres(tokio_postgres::Row),
}

impl Row {
    /// The column at this index, from 0.
    ///
    /// # Errors
    /// [`StoreError::Decode`] if there is no such column or it holds another type.
    pub fn get<T: FromColumn>(&self, column: usize) -> Result<T, StoreError> {
        let found = match &self.0 {
            Columns::Sqlite(values) => values.get(column).and_then(T::from_sqlite),
            Columns::Postgres(row) => T::from_postgres(row, column),
        };
        found.ok_or(StoreError::Decode {
            column,
            expected: std::any::type_name::<T>(),
        })
    }
}

/// What a column can be read as. A type that refuses what it finds answers `None`.
pub trait FromColumn: Sized {
    /// From a value of SQLite.
    fn from_sqlite(value: &SqliteValue) -> Option<Self>;
    /// From a column of Postgres.
    fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self>;
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        match value {
            SqliteValue::Null => Some(None),
            _ => T::from_sqlite(value).map(Some),
        }
    }

    fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self> {
        let raw: Option<Raw<'_>> = row.try_get(column).ok()?;
        match raw {
            None => Some(None),
            Some(_) => T::from_postgres(row, column).map(Some),
        }
    }
}

/// Whatever is in a column, to tell NULL from a value of any type.
struct Raw<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> tokio_postgres::types::FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, _: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(std::marker::PhantomData))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

macro_rules! columns {
    ($($ty:ty: $pattern:pat => $value:expr;)*) => {
        $(
            impl FromColumn for $ty {
                fn from_sqlite(value: &SqliteValue) -> Option<Self> {
                    match value {
                        $pattern => $value,
                        _ => None,
                    }
                }
                fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self> {
                    row.try_get(column).ok()
                }
            }
        )*
    };
}

columns! {
    bool: SqliteValue::Integer(it) => Some(*it != 0);
    f64: SqliteValue::Real(it) => Some(*it);
    String: SqliteValue::Text(it) => Some(it.clone());
    Vec<u8>: SqliteValue::Blob(it) => Some(it.clone());
    Uuid: SqliteValue::Blob(it) => Uuid::from_slice(it).ok();
}

impl FromColumn for i64 {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        match value {
            SqliteValue::Integer(it) => Some(*it),
            _ => None,
        }
    }

    fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self> {
        let small = || row.try_get::<_, i32>(column).ok().map(Self::from);
        row.try_get(column).ok().or_else(small)
    }
}

macro_rules! converted {
    ($($ty:ty, from $stored:ty: $name:ident => $convert:expr;)*) => {
        $(
            impl FromColumn for $ty {
                fn from_sqlite(value: &SqliteValue) -> Option<Self> {
                    <$stored>::from_sqlite(value).and_then(|$name| $convert)
                }
                fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self> {
                    <$stored>::from_postgres(row, column).and_then(|$name| $convert)
                }
            }
        )*
    };
}

converted! {
    u32, from i64: it => Self::try_from(it).ok();
    u64, from i64: it => Self::try_from(it).ok();
    Timestamp, from i64: it => Some(Self::from_micros(it));
    Digest, from Vec<u8>: it => <[u8; 32]>::try_from(it).ok().map(Self::from_bytes);
}

impl<K: IdKind> FromColumn for Id<K> {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        Uuid::from_sqlite(value).map(Self::from_uuid)
    }

    fn from_postgres(row: &tokio_postgres::Row, column: usize) -> Option<Self> {
        Uuid::from_postgres(row, column).map(Self::from_uuid)
    }
}
