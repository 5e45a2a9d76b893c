//! Journal: the tamper-evident record of everything that happened.
//!
//! An event is inserted by the transaction that changes the state (`db` does that). Its life here:
//! the [`Sequencer`] gives it the next gap-free `seq` of its organisation, chains it to its
//! predecessor by SHA-256 over its canonical bytes, appends it to a Merkle tree and signs a
//! checkpoint over the tree; the [`Hub`] tells those who listen; [`reader`] and [`Export`] give it
//! to those who ask; [`verify`] proves to anybody who holds the log's public key that nothing of it
//! was changed. The format is specified in `docs/record-format.md` and can't be changed: everything
//! that was sealed once must verify for ever.
//!
//! Invariants
//! - `seals` is written once for each event, by the holder of the sequencer's lease alone, together
//!   with tree, head and cursor. The epoch of the lease is checked in that transaction.
//! - The bytes that are hashed are put together from the stored canonical parts, and never parsed
//!   and written again.
//! - A reader sees sealed events alone, in the order of their seqs, and never a gap.
//! - No private key is stored as such: a [`KeyStore`] seals it.
//!
//! Deliberately absent: the meaning of events, HTTP, encryption of keys and contents, and any
//! promise against an owner who rolls the whole log back while nobody outside holds a checkpoint.

pub mod audit;
pub mod checkpoint;
pub mod entry;
mod error;
pub mod export;
mod hex;
pub mod hub;
pub mod keys;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod reader;
mod scan;
mod sealed;
mod sequencer;
mod stored_export;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;

pub use audit::verify_stored;
pub use error::JournalError;
pub use hub::{Hub, StreamEnd, Subscription};
pub use keys::{KeyStore, KeyStoreError, LogKey, Seed, reseal_keys, rotate_key};
pub use reader::{
    Page, checkpoint as newest_checkpoint, consistency_proof, events, inclusion_proof,
    newest_events,
};
pub use sealed::{Filter, SealedEvent};
pub use sequencer::{Round, Sequencer};
pub use stored_export::{Export, ExportRange};
