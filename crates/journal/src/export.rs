//! The lines of an export, as they are written and as they are read.
//!
//! The first line says what follows, then comes one line for each event, and the last line carries
//! the checkpoint and the proofs that tie the events to it. Every line ends in a newline. The bytes
//! of an event stand between a fixed beginning and an end of fixed length, so that finding them
//! needs no JSON parser.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use vocab::{Digest, OrgId};

use crate::hex;
use crate::merkle::Hash;

/// The version that the first line names.
pub const EXPORT_VERSION: u32 = 1;
/// The longest line, in bytes, with its newline.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) const EVENT_BEGIN: &[u8] = b"{\"event\":";
const HASH_BEGIN: &[u8] = b",\"hash\":\"";
const EVENT_END: &[u8] = b"\"}";
/// How many bytes follow the event's own on its line, without the newline.
const TAIL_BYTES: usize = HASH_BEGIN.len() + hex::DIGEST_CHARS + EVENT_END.len();

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of this format.
    pub chancery_export: u32,
    /// Whose record it is.
    pub org: OrgId,
    /// The first event's seq.
    pub from_seq: u64,
    /// The last event's seq; one less than `from_seq` if there are no events.
    pub to_seq: u64,
    /// Every key that the log ever had, as vkeys, the oldest first.
    pub keys: Vec<String>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// The signed checkpoint that the events are verified against.
    pub checkpoint: String,
    /// That trees of other sizes are the beginning of the checkpoint's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consistency: Vec<Consistency>,
    /// That the first and the last event are in the checkpoint's tree; absent if the export holds
    /// all of its events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<Inclusion>,
    /// How each key handed over to the next: one less than there are keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotations: Vec<Rotation>,
}

/// A consistency proof from a smaller tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The steps, from the leaves to the root.
    pub proof: Vec<Step>,
    /// The smaller tree's size.
    pub size: u64,
}

/// The inclusion proofs of a partial export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// Of the event `from_seq`.
    pub first: Vec<Step>,
    /// Of the event `to_seq`.
    pub last: Vec<Step>,
}

/// A key's last act: a checkpoint over the event that names its successor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// That the tree of `note` is the beginning of the export's checkpoint's.
    pub consistency: Vec<Step>,
    /// The canonical bytes of the `log.key_rotated` event.
    pub event: String,
    /// That the event is in the tree of `note`.
    pub inclusion: Vec<Step>,
    /// The checkpoint that both keys signed, of a size that covers the event.
    pub note: String,
}

/// The data of a `log.key_rotated` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotated {
    /// The vkey that signs from now on.
    pub new_key: String,
    /// The vkey that signed until now.
    pub old_key: String,
}

/// A hash in a proof: its text is base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Step(pub Hash);

impl TryFrom<String> for Step {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64.decode(text).map_err(|_| "expected base64")?;
        bytes.try_into().map(Self).map_err(|_| "expected 32 bytes")
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        BASE64.encode(step.0)
    }
}

/// A proof as the lines carry it.
#[must_use]
pub fn steps(proof: &[Hash]) -> Vec<Step> {
    proof.iter().copied().map(Step).collect()
}

pub(crate) fn hashes(steps: &[Step]) -> Vec<Hash> {
    steps.iter().map(|step| step.0).collect()
}

/// Appends an event's line.
pub fn push_event(out: &mut String, canonical: &str, hash: &Digest) {
    out.push_str("{\"event\":");
    out.push_str(canonical);
    out.push_str(",\"hash\":\"");
    hex::push_digest(out, hash);
    out.push_str("\"}\n");
}

/// Appends the first or the last line.
///
/// # Errors
/// None in practice: the types have no value that JSON can't write.
pub fn push_line(out: &mut String, line: &impl Serialize) -> Result<(), serde_json::Error> {
    out.push_str(&serde_json::to_string(line)?);
    out.push('\n');
    Ok(())
}

/// The event's bytes and the hash beside them, of a line without its newline.
pub(crate) fn split_event(line: &[u8]) -> Option<(&[u8], Digest)> {
    let inner = line.strip_prefix(EVENT_BEGIN)?;
    let (event, tail) = inner.split_at_checked(inner.len().checked_sub(TAIL_BYTES)?)?;
    let digest = tail.strip_prefix(HASH_BEGIN)?.strip_suffix(EVENT_END)?;
    Some((event, hex::digest(digest)?))
}
