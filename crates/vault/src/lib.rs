//! Vault: what is kept encrypted, and who may see it.
//!
//! One chain of keys. A **master key** ([`MasterKeys`]) comes from a file, a variable or a command
//! and never touches the database. It wraps the **data keys** of each organisation ([`Keyring`]). A
//! data key seals the organisation's [`Secrets`] and [`SealedValues`], and wraps one **subject key**
//! for each thing whose content may have to be forgotten: a session, or the organisation itself.
//! A subject key seals [`Content`]: messages, arguments, outputs, files. Events hold only the
//! content's digest, keyed by the subject, so that destroying the subject key leaves a record that
//! still verifies and says nothing.
//!
//! ```text
//! master key ─wraps─► data key (organisation, version) ─wraps─► subject key ─seals─► content
//!      │                       └─seals─► secrets, sealed values
//!      └─seals─► values of the installation
//! ```
//!
//! Invariants
//! - Every ciphertext is bound, by its additional data, to its organisation and to the row it
//!   stands in; moved elsewhere it doesn't open.
//! - [`Secrets::use_secret`] is the only way to a secret's value, and checks the grants in the
//!   statement that looks it up. No type that holds a value or a key prints it.
//! - Content is sealed under a key only while the database still has that key: the insert checks it,
//!   so neither a cache nor another process writes under a key that was erased or never committed.
//! - A blob is in the store before the row that names it commits, under a name used once.
//! - Whoever changes something passes the write transaction; its event commits with the change.
//!
//! Deliberately absent: HTTP, the decision whether a person may read a content (the caller has it by
//! its digest, from a thing the person may see), external secret managers, and a cache of data
//! keys: unwrapping one costs about a microsecond.

mod artifacts;
mod bulk;
mod content;
mod crypto;
mod erase;
mod keyring;
mod masker;
mod master;
mod query;
mod rotation;
mod secret_store;
mod secrets;
mod subject;
mod sweep;
mod values;
mod words;
mod wrapped;

use std::sync::Arc;

use db::Blobs;
use vocab::{Clock, Random};

pub use artifacts::{Artifact, ArtifactError, ArtifactFilter, Artifacts, NewArtifact};
pub use content::{Content, ContentError, ContentInfo, Prepared};
pub use erase::Erased;
pub use keyring::{KeyError, Keyring};
pub use masker::{Found, Masker, MaskerFull};
pub use master::{MasterKeyError, MasterKeySource, MasterKeys};
pub use query::Query;
pub use rotation::Resealed;
pub use secrets::{Grants, SecretError, Secrets, StoredSecret, UsedSecret};
pub use subject::{Subject, SubjectKeys};
pub use sweep::{Swept, VaultError, named_blobs};
pub use values::{SealedValue, SealedValues, ValueError, is_in_use};
pub use words::BlindWord;

/// The vault's services over one set of master keys. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    /// Data keys and their rotation.
    pub keyring: Keyring,
    /// Secrets and grants.
    pub secrets: Secrets,
    /// Erasable content.
    pub content: Content,
    /// Artifacts.
    pub artifacts: Artifacts,
    /// Small sealed values, such as signing keys.
    pub values: SealedValues,
}

impl Vault {
    /// The services over these keys and this store of large ciphertexts.
    #[must_use]
    pub fn new(master: MasterKeys, blobs: Blobs, clock: Clock, random: Random) -> Self {
        let keyring = Keyring::new(Arc::new(master), clock, random);
        let content = Content::new(keyring.clone(), blobs);
        Self {
            secrets: Secrets::new(keyring.clone()),
            artifacts: Artifacts::new(content.clone()),
            values: SealedValues::new(keyring.clone()),
            content,
            keyring,
        }
    }
}
