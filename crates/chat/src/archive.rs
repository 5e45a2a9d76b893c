//! The form of an archive: everything that a session's messages consist of, in one object.
//!
//! ```text
//! "chancery-archive\n" ‖ length of the manifest (4 bytes, big endian) ‖ manifest ‖ part ‖ part ‖ …
//! ```
//!
//! The manifest is JSON and says what the object is, and of each part how many rows and bytes it has
//! and its SHA-256. A part is one JSON object a line, compressed with zlib (RFC 1950). The whole is
//! sealed under the key of its session, so that forgetting the session forgets its archive; the
//! record holds the keyed digest of the whole.
//!
//! Archives are kept for years: a part or a member is added with a default, and none is renamed or
//! removed.

mod parts;

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vocab::{Digest, OrgId, SessionId, limits};

pub(crate) use parts::{
    KeptBranch, KeptMember, KeptMessage, KeptReaction, KeptRead, KeptSummary, KeptTurn, Parts,
};

/// The media type of an archive.
pub(crate) const MEDIA: &str = "application/vnd.chancery.session-archive";
/// The version of the form.
pub(crate) const FORMAT: u32 = 1;
const MAGIC: &[u8] = b"chancery-archive\n";

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of the form.
    pub format: u32,
    /// Whose it is.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// When it was made, in microseconds since 1970.
    pub made_at_us: i64,
    /// The places in the record of the session's first and last sealed event, when it was made.
    pub first_seq: Option<u64>,
    /// The last.
    pub last_seq: Option<u64>,
    /// What follows.
    pub parts: Vec<Part>,
}

/// One part of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// What it holds.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// How many bytes it has, and how many in the archive.
    pub bytes: u64,
    /// Compressed.
    pub compressed_bytes: u64,
    /// Of the bytes before they were compressed.
    pub sha256: Digest,
}

/// Why an archive can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is larger than one may be.
    #[error(
        "an archive holds at most {} bytes of messages",
        limits::ARCHIVE_BYTES_MAX
    )]
    TooLarge,
    /// It is no archive, or not of this session, or of a later version, or its parts are not those
    /// that were put in. The text says what is wrong.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
}

fn damaged(why: impl Into<String>) -> ArchiveError {
    ArchiveError::Damaged(why.into())
}

/// Puts parts into one object; the manifest's own list of parts is filled in.
pub(crate) fn pack(
    mut manifest: Manifest,
    parts: &Parts,
) -> Result<(Manifest, Vec<u8>), ArchiveError> {
    let mut body = Vec::new();
    let mut room = limits::ARCHIVE_BYTES_MAX;
    let mut put = |name: &str, rows: usize, lines: Vec<u8>| {
        room = room
            .checked_sub(lines.len())
            .ok_or(ArchiveError::TooLarge)?;
        let before = body.len();
        let mut encoder = ZlibEncoder::new(&mut body, Compression::new(4));
        let written = encoder.write_all(&lines).and_then(|()| encoder.finish());
        written.map_err(|error| damaged(error.to_string()))?;
        let compressed = body.len() - before;
        manifest.parts.push(Part {
            name: name.to_owned(),
            rows: rows as u64,
            bytes: lines.len() as u64,
            compressed_bytes: compressed as u64,
            sha256: Digest::of(&lines),
        });
        Ok::<_, ArchiveError>(())
    };
    put("messages", parts.messages.len(), lines(&parts.messages)?)?;
    put("turns", parts.turns.len(), lines(&parts.turns)?)?;
    put("branches", parts.branches.len(), lines(&parts.branches)?)?;
    put("members", parts.members.len(), lines(&parts.members)?)?;
    put("reads", parts.reads.len(), lines(&parts.reads)?)?;
    put("reactions", parts.reactions.len(), lines(&parts.reactions)?)?;
    put("summaries", parts.summaries.len(), lines(&parts.summaries)?)?;
    let head = serde_json::to_vec(&manifest).map_err(|error| damaged(error.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|_| ArchiveError::TooLarge)?;
    let mut whole = Vec::with_capacity(MAGIC.len() + 4 + head.len() + body.len());
    whole.extend_from_slice(MAGIC);
    whole.extend_from_slice(&length.to_be_bytes());
    whole.extend_from_slice(&head);
    whole.append(&mut body);
    Ok((manifest, whole))
}

/// Takes an object apart, and checks every part of it.
pub(crate) fn unpack(
    (org, session): (OrgId, SessionId),
    whole: &[u8],
) -> Result<(Manifest, Parts), ArchiveError> {
    let rest = whole.strip_prefix(MAGIC);
    let rest = rest.ok_or_else(|| damaged("it is no archive of a session"))?;
    let (length, rest) = rest
        .split_first_chunk::<4>()
        .ok_or_else(|| damaged("it ends before its manifest"))?;
    let length = u32::from_be_bytes(*length) as usize;
    let (head, mut body) = rest
        .split_at_checked(length)
        .ok_or_else(|| damaged("it ends within its manifest"))?;
    let manifest: Manifest =
        serde_json::from_slice(head).map_err(|error| damaged(format!("its manifest: {error}")))?;
    if manifest.format != FORMAT {
        let format = manifest.format;
        return Err(damaged(format!("its format is {format}, not {FORMAT}")));
    }
    if (manifest.org, manifest.session) != (org, session) {
        return Err(damaged("it is another session's"));
    }
    let mut parts = Parts::default();
    let mut room = limits::ARCHIVE_BYTES_MAX as u64;
    for part in &manifest.parts {
        let name = part.name.as_str();
        room = room.checked_sub(part.bytes).ok_or(ArchiveError::TooLarge)?;
        let size = usize::try_from(part.compressed_bytes).map_err(|_| ArchiveError::TooLarge)?;
        let (compressed, next) = body
            .split_at_checked(size)
            .ok_or_else(|| damaged(format!("it ends within `{name}`")))?;
        body = next;
        let plain = inflated(part, compressed)?;
        let rows = match name {
            "messages" => fill(&mut parts.messages, &plain),
            "turns" => fill(&mut parts.turns, &plain),
            "branches" => fill(&mut parts.branches, &plain),
            "members" => fill(&mut parts.members, &plain),
            "reads" => fill(&mut parts.reads, &plain),
            "reactions" => fill(&mut parts.reactions, &plain),
            "summaries" => fill(&mut parts.summaries, &plain),
            // Of a later version: what is not known can't be put back.
            _ => return Err(damaged(format!("`{name}` is not known"))),
        };
        let rows = rows.map_err(|error| damaged(format!("`{name}`: {error}")))?;
        if rows as u64 != part.rows {
            return Err(damaged(format!("`{name}` has {rows} rows")));
        }
    }
    if !body.is_empty() {
        return Err(damaged("it goes on after its parts"));
    }
    Ok((manifest, parts))
}

fn inflated(part: &Part, compressed: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let name = part.name.as_str();
    // One byte more than it may have, so that one which has more is not taken for whole.
    let mut plain = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed).take(part.bytes.saturating_add(1));
    let read = decoder.read_to_end(&mut plain);
    read.map_err(|error| damaged(format!("`{name}`: {error}")))?;
    if plain.len() as u64 != part.bytes || Digest::of(&plain) != part.sha256 {
        return Err(damaged(format!("`{name}` is not what was put in")));
    }
    Ok(plain)
}

fn lines<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, ArchiveError> {
    let mut out = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut out, row).map_err(|error| damaged(error.to_string()))?;
        out.push(b'\n');
    }
    Ok(out)
}

fn fill<T: DeserializeOwned>(into: &mut Vec<T>, lines: &[u8]) -> Result<usize, serde_json::Error> {
    for row in serde_json::Deserializer::from_slice(lines).into_iter() {
        into.push(row?);
    }
    Ok(into.len())
}

#[cfg(test)]
mod tests;
