//! Verifying an export with nothing but public keys.
//!
//! Its life: one thread reads blocks of whole lines and hands them to workers, which check each
//! line by itself (`verify/lines.rs`); the results come back in order and are chained
//! (`verify/chain.rs`); the last line is checked against what the events made
//! (`verify/closing.rs`). It stops at the first thing that is wrong and names it. Memory stays
//! bounded whatever the size of the export.

mod chain;
mod closing;
mod lines;

use std::io::Read;

use serde::Serialize;
use vocab::OrgId;

use crate::checkpoint::Checkpoint;
use crate::note::VerifyingKey;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Whose record it is, if that much could be read.
    pub org: Option<OrgId>,
    /// The first event that it should hold.
    pub from_seq: u64,
    /// The last event that it should hold.
    pub to_seq: u64,
    /// How many events were verified before the first bad one.
    pub events: u64,
    /// Whether it holds all events of its checkpoint, from the first on.
    pub complete: bool,
    /// The checkpoint that it is verified against, if it was reached.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Every key that the log says it had, the oldest first.
    pub keys: Vec<String>,
    /// The first thing that is wrong.
    pub first_bad: Option<Fault>,
}

/// A checkpoint in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedCheckpoint {
    /// Which log.
    pub origin: String,
    /// How many events it has.
    pub size: u64,
    /// The root, in base64.
    pub root: String,
    /// The trusted keys that signed it, as vkeys.
    pub signed_by: Vec<String>,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The event that was expected where it went wrong; absent if it is not about one event.
    pub seq: Option<u64>,
    /// The line, from 1; 0 where there are no lines.
    pub line: u64,
    /// The class of what is wrong.
    pub reason: Reason,
    /// A sentence for a person.
    pub detail: String,
}

/// The class of what is wrong. The names are part of the format's specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A line that is none of the format's.
    MalformedLine,
    /// The bytes of an event don't have the hash beside them, or that was stored for them.
    HashMismatch,
    /// The bytes of an event are not the canonical form of one.
    MalformedEvent,
    /// Something of another organisation.
    ForeignOrg,
    /// An event is missing.
    Gap,
    /// The events are in another order.
    Reordered,
    /// An event is there again.
    Duplicate,
    /// More events than the first line announces.
    BeyondRange,
    /// An event names another predecessor than the one before it.
    BrokenChain,
    /// It ends before it should.
    Truncated,
    /// The checkpoint is none, or none of this export.
    BadCheckpoint,
    /// A key's handing over to the next does not hold.
    BadRotation,
    /// The signature in a trusted key's name is not its own.
    BadSignature,
    /// No key that is trusted for this checkpoint signed it.
    UnknownKey,
    /// The events don't make the checkpoint's root.
    WrongRoot,
    /// A proof is missing or does not hold.
    BadProof,
    /// The log is smaller than it once was.
    RolledBack,
    /// The log is not the one that a witness saw.
    Forked,
}

impl Reason {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedLine => "malformed_line",
            Self::HashMismatch => "hash_mismatch",
            Self::MalformedEvent => "malformed_event",
            Self::ForeignOrg => "foreign_org",
            Self::Gap => "gap",
            Self::Reordered => "reordered",
            Self::Duplicate => "duplicate",
            Self::BeyondRange => "beyond_range",
            Self::BrokenChain => "broken_chain",
            Self::Truncated => "truncated",
            Self::BadCheckpoint => "bad_checkpoint",
            Self::BadRotation => "bad_rotation",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::WrongRoot => "wrong_root",
            Self::BadProof => "bad_proof",
            Self::RolledBack => "rolled_back",
            Self::Forked => "forked",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fault {
    pub(crate) fn new(seq: Option<u64>, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            seq,
            line: 0,
            reason,
            detail: detail.into(),
        }
    }
}

/// What the verifier holds before it reads anything.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that it has from a place that it trusts.
    pub keys: Vec<VerifyingKey>,
    /// Checkpoints of the same log that were kept outside the installation. Without one, nobody
    /// can tell whether the log's owner rolled it back or wrote it anew.
    pub witnesses: Vec<Checkpoint>,
}

/// Verifies an export against keys that the caller trusts.
///
/// # Errors
/// Reading fails. Whatever is wrong with the export itself is in the report.
pub fn verify_export(reader: impl Read, keys: &[VerifyingKey]) -> std::io::Result<Report> {
    verify_export_with(
        reader,
        &Trust {
            keys: keys.to_vec(),
            witnesses: Vec::new(),
        },
    )
}

/// Verifies an export against keys and against checkpoints that were kept elsewhere.
///
/// # Errors
/// As [`verify_export`].
pub fn verify_export_with(reader: impl Read, trust: &Trust) -> std::io::Result<Report> {
    let mut chain = chain::Chain::new(trust);
    lines::each(reader, |line, parsed| chain.take(line, parsed))?;
    Ok(chain.finish())
}
