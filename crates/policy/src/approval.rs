//! Approvals: what exactly a person said yes to.
//!
//! An approval of one action is bound to [`binding`], a digest over everything that must not change
//! between the question and the act. A grant that goes on holding has a [`Pattern`] instead, which
//! is derived from the action that was asked about and says in a sentence what it allows.
//!
//! Invariants
//! - One changed byte of tool, arguments, target, actor, policies, expiry or uses is another digest.
//! - A pattern never matches an intent that its sentence does not describe: the target is the very
//!   same; what may differ (arguments such as a file's new content) is what the sentence says may.
//!
//! Deliberately absent: storing and spending grants, and who may approve.

mod pattern;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vocab::canonical::{self, CanonicalError};
use vocab::{Actor, Digest, Intent, Timestamp};

pub use pattern::Pattern;

/// How far an approval reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This very action, as often as the grant has uses.
    Once,
    /// Actions of this run that match the pattern.
    Run,
    /// Actions of any run that match the pattern.
    Standing,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Once, Self::Run, Self::Standing];

    /// The name that the API and the record use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Run => "run",
            Self::Standing => "standing",
        }
    }
}

/// What an approval of one action is bound to: SHA-256 over the canonical JSON (RFC 8785) of
/// `{"actor", "expires_at", "intent", "policy_revision", "uses", "v": 1}`, where `intent` is the
/// intent's digest and so covers tool, arguments, target, run and step.
///
/// # Errors
/// Arguments that have no canonical form.
pub fn binding(
    intent: &Intent,
    actor: &Actor,
    policy_revision: &Digest,
    expires_at: Timestamp,
    uses: u32,
) -> Result<Digest, CanonicalError> {
    canonical::digest(&json!({
        "actor": actor,
        "expires_at": expires_at,
        "intent": intent.digest()?,
        "policy_revision": policy_revision,
        "uses": uses,
        "v": 1,
    }))
}
