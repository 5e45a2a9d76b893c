//! Data keys: one organisation's keys, in versions, each wrapped under a master key.

use std::sync::Arc;

use db::{Row, StoreError, WriteTx, params};
use vocab::{Clock, OrgId, Random};

use crate::crypto::{AeadKey, BoundTo, RawKey, Refused};
use crate::master::{MasterKey, MasterKeys};

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A data key is wrapped under a master key that this process doesn't have.
    #[error("the master key `{0}` is missing, and data is encrypted under it")]
    MasterKeyMissing(String),
    /// A key doesn't open under the key above it: its row was changed or moved.
    #[error("a stored key is damaged")]
    Damaged,
    /// The role does not allow it.
    #[error("keys are rotated by admins")]
    RoleTooLow,
    /// The cryptographic library refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyError {
    /// The database's error, if it is the database that failed.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::MasterKeyMissing(_) | Self::Damaged | Self::RoleTooLow | Self::Refused(_) => None,
        }
    }

    /// Whether the same may succeed if it is simply tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::MasterKeyMissing(_) | Self::Damaged | Self::RoleTooLow | Self::Refused(_) => {
                false
            }
        }
    }
}

/// The keys of organisations, under the keys of the installation. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) master: Arc<MasterKeys>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// One version of an organisation's data key, unwrapped.
pub(crate) struct DataKey {
    pub(crate) version: u32,
    key: RawKey,
}

/// What a data key is used for: each has a key of its own, derived from it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Secret,
    Subject,
    Value,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Secret => "chancery/secret/v1",
            Self::Subject => "chancery/subject-key/v1",
            Self::Value => "chancery/value/v1",
        }
    }

    /// The beginning of what such a ciphertext is bound to.
    pub(crate) fn bound_to(self, org: OrgId) -> BoundTo {
        BoundTo::new(self.label()).id(org)
    }
}

impl DataKey {
    pub(crate) fn key_for(&self, purpose: Purpose) -> Result<AeadKey, Refused> {
        AeadKey::new(&self.key.derive(purpose.label())?)
    }
}

const NEWEST: &str = "SELECT version, master_key_id, wrapped FROM data_keys WHERE org_id = $1 \
                      ORDER BY version DESC LIMIT 1";
const INSERT: &str = "INSERT INTO data_keys (org_id, version, master_key_id, wrapped, \
                      created_at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

impl Keyring {
    pub(crate) fn new(master: Arc<MasterKeys>, clock: Clock, random: Random) -> Self {
        Self(Arc::new(Inner {
            master,
            clock,
            random,
        }))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn random(&self) -> &Random {
        &self.0.random
    }

    /// The newest data key; the first one is made here.
    pub(crate) async fn newest(&self, tx: &mut WriteTx) -> Result<DataKey, KeyError> {
        if let Some(row) = tx.optional(NEWEST, &[]).await? {
            return self.unwrap_row(tx.org(), &row, 0);
        }
        self.insert(tx, 1).await?;
        // Whether it was this insert or another transaction's that came first.
        let row = tx.one(NEWEST, &[]).await?;
        self.unwrap_row(tx.org(), &row, 0)
    }

    /// Adds a data key; answers whether it was new.
    pub(crate) async fn insert(&self, tx: &mut WriteTx, version: u32) -> Result<bool, KeyError> {
        let master = self.newest_master()?;
        let key = RawKey::random(self.random());
        let bound_to = data_key_bound_to(tx.org(), version, &master.id);
        let wrapped = master.wrapping.seal(&bound_to, key.expose())?;
        let now = self.clock().now();
        let params = params![version, &master.id, wrapped, now];
        Ok(tx.execute(INSERT, &params).await? == 1)
    }

    /// Reads `version, master_key_id, wrapped` from that column on.
    pub(crate) fn unwrap_row(
        &self,
        org: OrgId,
        row: &Row,
        column: usize,
    ) -> Result<DataKey, KeyError> {
        let version: u32 = row.get(column)?;
        let master_id: String = row.get(column + 1)?;
        let wrapped: Vec<u8> = row.get(column + 2)?;
        let key = self
            .master(&master_id)?
            .wrapping
            .open_key(&data_key_bound_to(org, version, &master_id), &wrapped)
            .map_err(|_| KeyError::Damaged)?;
        Ok(DataKey { version, key })
    }

    pub(crate) fn newest_master(&self) -> Result<&MasterKey, KeyError> {
        self.0
            .master
            .newest()
            .ok_or_else(|| KeyError::MasterKeyMissing(String::new()))
    }

    pub(crate) fn master(&self, id: &str) -> Result<&MasterKey, KeyError> {
        self.0
            .master
            .by_id(id)
            .ok_or_else(|| KeyError::MasterKeyMissing(id.to_owned()))
    }
}

pub(crate) fn data_key_bound_to(org: OrgId, version: u32, master_id: &str) -> BoundTo {
    BoundTo::new("chancery/data-key/v1")
        .id(org)
        .number(version.into())
        .field(master_id.as_bytes())
}
