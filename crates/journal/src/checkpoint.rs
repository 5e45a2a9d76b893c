//! Checkpoints: <https://c2sp.org/tlog-checkpoint>. A signed note whose text is the log's origin,
//! the size of its tree and the root, one a line. Ours have no extension lines.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vocab::OrgId;

use crate::merkle::Hash;
use crate::note::{Note, SigningKey};

/// What the origin of every log begins with; the organisation's id follows.
const ORIGIN_PREFIX: &str = "chancery/log/";

/// The origin of an organisation's log, which is also the name of its keys.
#[must_use]
pub fn origin(org: OrgId) -> String {
    format!("{ORIGIN_PREFIX}{org}")
}

/// How large a log was, and the root of its tree at that size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many events it had.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// The text is not a checkpoint of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a checkpoint of this format")]
pub struct ParseCheckpointError;

impl Checkpoint {
    /// Signs it with each of the keys.
    #[must_use]
    pub fn sign(&self, keys: &[&SigningKey]) -> Note {
        Note::sign(self.to_string(), keys)
    }

    /// Reads a note's text. Who signed it is not looked at.
    ///
    /// # Errors
    /// It has another form, or a second spelling of the same values.
    pub fn parse(note: &Note) -> Result<Self, ParseCheckpointError> {
        let mut lines = note
            .text()
            .strip_suffix('\n')
            .unwrap_or_default()
            .split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(ParseCheckpointError);
        };
        let size: u64 = size.parse().map_err(|_| ParseCheckpointError)?;
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|it| Hash::try_from(it).ok());
        let root = root.ok_or(ParseCheckpointError)?;
        let checkpoint = Self {
            origin: origin.to_owned(),
            size,
            root,
        };
        let exact = !origin.is_empty() && checkpoint.to_string() == note.text();
        exact.then_some(checkpoint).ok_or(ParseCheckpointError)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            BASE64.encode(self.root)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_and_other_spellings_are_refused() {
        let known = Checkpoint {
            origin: "chancery/log/x".to_owned(),
            size: 7,
            root: [3; 32],
        };
        assert_eq!(Checkpoint::parse(&known.sign(&[])), Ok(known.clone()));
        let text = known.to_string();
        for bad in [
            text.replace("\n7\n", "\n07\n"),
            text.replace("\n7\n", "\n+7\n"),
            text.replace("\n7\n", "\n-7\n"),
            text.replace('=', ""),
            format!("{text}more\n"),
            "a\n1\n".to_owned(),
        ] {
            assert_eq!(
                Checkpoint::parse(&Note::sign(bad, &[])),
                Err(ParseCheckpointError)
            );
        }
    }
}
