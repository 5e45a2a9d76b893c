//! Signed notes and their keys: <https://c2sp.org/signed-note>, Ed25519 alone.
//!
//! A note is a text, an empty line, and signature lines. A key has a name; its id is the first four
//! bytes of SHA-256 over the name, a newline, the algorithm byte 1 and the public key. Signatures
//! by keys that the reader doesn't know are passed over, so a witness may add its own.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature as Ed25519, Signer as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The algorithm byte of Ed25519.
const ED25519: u8 = 1;
/// A note with more signatures than this is refused.
const SIGNATURES_MAX: usize = 64;
/// What every signature line begins with: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// The public half of a log's key. Its text is a *vkey*: `<name>+<id>+<base64>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

/// The text is no vkey, or its id is not that of its name and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a verifier key as in `name+1a2b3c4d+base64`")]
pub struct ParseKeyError;

impl VerifyingKey {
    fn new(name: &str, key: ed25519_dalek::VerifyingKey) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        Self {
            name: name.to_owned(),
            id: [a, b, c, d],
            key,
        }
    }

    /// The name: for a log, the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes by which a signature says whose it is.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut raw = vec![ED25519];
        raw.extend(self.key.as_bytes());
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, BASE64.encode(raw))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifyingKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        // The base64 part may hold a `+`; the name may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_id), Some(raw)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseKeyError);
        };
        let raw = BASE64.decode(raw).map_err(|_| ParseKeyError)?;
        let Some((&ED25519, key)) = raw.split_first() else {
            return Err(ParseKeyError);
        };
        let key = <&[u8; 32]>::try_from(key).map_err(|_| ParseKeyError)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| ParseKeyError)?;
        let known = Self::new(name, key);
        // One spelling for one key, and an id that fits.
        let valid = is_name(name) && known.to_string() == text;
        valid.then_some(known).ok_or(ParseKeyError)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|it| it.is_whitespace() || it.is_control() || it == '+')
}

/// The private half of a log's key. Never printed.
pub struct SigningKey {
    public: VerifyingKey,
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key that this seed makes (RFC 8032), under a name.
    #[must_use]
    pub fn from_seed(name: &str, seed: &Zeroizing<[u8; 32]>) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        Self {
            public: VerifyingKey::new(name, secret.verifying_key()),
            secret,
        }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &VerifyingKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

/// A text and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// What a note says about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The key signed this text.
    Valid,
    /// There is a signature in the key's name that is not its own.
    Invalid,
    /// The key did not sign.
    No,
}

/// The text is not a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a signed note")]
pub struct ParseNoteError;

impl Note {
    /// Signs a text with each of the keys. The text must end in a newline.
    #[must_use]
    pub fn sign(text: String, keys: &[&SigningKey]) -> Self {
        let signature = |key: &&SigningKey| Signature {
            name: key.public.name.clone(),
            id: key.public.id,
            bytes: key.secret.sign(text.as_bytes()).to_bytes().to_vec(),
        };
        Self {
            signatures: keys.iter().map(signature).collect(),
            text,
        }
    }

    /// What is signed, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether this key signed. Of several signatures in its name each must be its own.
    #[must_use]
    pub fn signed_by(&self, key: &VerifyingKey) -> Signed {
        let mut found = Signed::No;
        let mine = |it: &&Signature| it.id == key.id && it.name == key.name;
        for signature in self.signatures.iter().filter(mine) {
            let Ok(signature) = Ed25519::from_slice(&signature.bytes) else {
                return Signed::Invalid;
            };
            if key
                .key
                .verify_strict(self.text.as_bytes(), &signature)
                .is_err()
            {
                return Signed::Invalid;
            }
            found = Signed::Valid;
        }
        found
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Signature { name, id, bytes } in &self.signatures {
            let raw = [id.as_slice(), bytes].concat();
            writeln!(f, "{MARK}{name} {}", BASE64.encode(raw))?;
        }
        Ok(())
    }
}

impl FromStr for Note {
    type Err = ParseNoteError;

    fn from_str(text: &str) -> Result<Self, ParseNoteError> {
        if text.chars().any(|it| it < ' ' && it != '\n') {
            return Err(ParseNoteError);
        }
        let (signed, lines) = text.rsplit_once("\n\n").ok_or(ParseNoteError)?;
        let lines = lines.strip_suffix('\n').ok_or(ParseNoteError)?;
        let signatures: Vec<_> = lines
            .split('\n')
            .map(signature)
            .collect::<Option<_>>()
            .ok_or(ParseNoteError)?;
        if signed.is_empty() || signatures.len() > SIGNATURES_MAX {
            return Err(ParseNoteError);
        }
        Ok(Self {
            text: format!("{signed}\n"),
            signatures,
        })
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, raw) = line.strip_prefix(MARK)?.split_once(' ')?;
    let raw = BASE64.decode(raw).ok()?;
    let (id, bytes) = raw.split_first_chunk::<4>()?;
    let valid = is_name(name) && !bytes.is_empty();
    valid.then(|| Signature {
        name: name.to_owned(),
        id: *id,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, &Zeroizing::new([seed; 32]))
    }

    /// The key and the note that the specification of signed notes prints as its example.
    #[test]
    fn the_specifications_own_example_verifies() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifyingKey = vkey.parse().unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let parsed: Note = note.parse().unwrap();
        assert_eq!(parsed.signed_by(&key), Signed::Valid);
        assert_eq!(parsed.to_string(), note);
        assert_eq!(key.to_string(), vkey);
    }

    #[test]
    fn a_note_reads_back_and_knows_its_signers() {
        let (ours, next, stranger) = (key("a/log", 1), key("a/log", 2), key("a/log", 3));
        let note = Note::sign("one\n\ntwo\n".to_owned(), &[&ours, &next]);
        let parsed: Note = note.to_string().parse().unwrap();
        assert_eq!(parsed, note);
        assert_eq!(parsed.signed_by(ours.public()), Signed::Valid);
        assert_eq!(parsed.signed_by(next.public()), Signed::Valid);
        assert_eq!(parsed.signed_by(stranger.public()), Signed::No);
        let changed: Note = note.to_string().replace("one", "One").parse().unwrap();
        assert_eq!(changed.signed_by(ours.public()), Signed::Invalid);
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let good = key("a/log", 1).public().to_string();
        assert!(good.parse::<VerifyingKey>().is_ok());
        for bad in [
            "",
            "a+b",
            &good.replace("a/log", "b/log"),
            &good.replace("+A", "+B"),
            &format!("{good} "),
        ] {
            assert_eq!(bad.parse::<VerifyingKey>(), Err(ParseKeyError), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_note_is_refused() {
        let good = Note::sign("text\n".to_owned(), &[&key("a", 1)]).to_string();
        let bad = [
            String::new(),
            "text\n\n".to_owned(),
            good.trim_end().to_owned(),
            good.replace('\u{2014}', "-"),
            good.replace("text", "te\rxt"),
            format!("{good}\n"),
            format!("{good}more\n"),
        ];
        for bad in bad {
            assert_eq!(bad.parse::<Note>(), Err(ParseNoteError), "{bad:?}");
        }
    }
}
