//! Vocab: the words that every part of Chancery shares.
//!
//! Ids that know what they name, the chain of who acted, instants, digests, the canonical form of
//! JSON, the kinds of events, the intent of one action, and every limit. A word lives here when two
//! crates must mean the same by it; whatever only one crate needs stays in that crate.
//!
//! Invariants
//! - No I/O. The clock and the randomness are values that are passed in, so a test can set both.
//! - What is persisted is append-only: id prefixes, event kinds and action names are never reused
//!   or renamed, because records that were sealed years ago spell them.
//! - Two values that mean the same have one canonical form, and therefore one digest.
//!
//! Deliberately absent: storage, HTTP, and any behaviour that needs a policy to decide.

pub mod action;
pub mod actor;
pub mod canonical;
pub mod clock;
pub mod digest;
pub mod event;
pub mod ids;
pub mod intent;
pub mod limits;
pub mod random;
pub mod time;
pub mod trace;
pub mod window;

pub use action::Action;
pub use actor::{Actor, Role};
pub use clock::Clock;
pub use digest::Digest;
pub use event::{Draft, EventKind};
pub use ids::*;
pub use intent::{HttpMethod, Intent, Source, Target};
pub use random::Random;
pub use secrecy::{ExposeSecret, SecretString};
pub use time::Timestamp;
pub use trace::TraceParent;
pub use window::Window;
