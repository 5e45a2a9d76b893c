//! The keys that sign capability tokens (Ed25519, RFC 8032).

use std::fmt;
use std::str::FromStr;

use biscuit_auth::{Algorithm, KeyPair, PrivateKey};
use vocab::{Digest, Random};
use zeroize::Zeroizing;

/// Why bytes are not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No Ed25519 key has these bytes.
    #[error("the bytes are not an Ed25519 key")]
    NotAKey,
    /// The text is not `ed25519/` and 64 hexadecimal digits.
    #[error("expected `ed25519/` and 64 lower-case hexadecimal digits")]
    Text,
}

/// The root key: whoever holds it can permit anything. It is wiped from memory when dropped.
pub struct Signer {
    pub(super) root: KeyPair,
    pub(super) next: KeyPair,
    public: PublicKey,
}

/// The public half of a [`Signer`], enough to verify. Its text is `ed25519/` and 64 hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) key: biscuit_auth::PublicKey,
    id: u32,
}

impl Signer {
    /// A new key.
    ///
    /// # Errors
    /// Never with 32 random bytes; the type is the one of [`Signer::from_bytes`].
    pub fn generate(random: &Random) -> Result<Self, KeyError> {
        Self::from_bytes(&Zeroizing::new(random.bytes::<32>()))
    }

    /// From the 32 bytes of a private key.
    ///
    /// # Errors
    /// Bytes that are not a key.
    pub fn from_bytes(private: &[u8; 32]) -> Result<Self, KeyError> {
        let root = key_pair(private)?;
        let public = PublicKey::new(root.public())?;
        let seed = [
            b"chancery capability next key v1\n".as_slice(),
            &public.to_bytes(),
        ]
        .concat();
        let next = key_pair(Digest::of(&seed).as_bytes())?;
        Ok(Self { root, next, public })
    }

    /// The 32 bytes of the private key; they are wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.root.private().to_bytes()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }
}

fn key_pair(private: &[u8; 32]) -> Result<KeyPair, KeyError> {
    let private = PrivateKey::from_bytes(private, Algorithm::Ed25519);
    Ok(KeyPair::from(&private.map_err(|_| KeyError::NotAKey)?))
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl PublicKey {
    fn new(key: biscuit_auth::PublicKey) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = key.to_bytes().try_into().map_err(|_| KeyError::NotAKey)?;
        let [a, b, c, d, ..] = *Digest::of(&bytes).as_bytes();
        Ok(Self {
            key,
            id: u32::from_be_bytes([a, b, c, d]),
        })
    }

    /// From the 32 bytes of a public key.
    ///
    /// # Errors
    /// Bytes that are not a point of the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = biscuit_auth::PublicKey::from_bytes(bytes, Algorithm::Ed25519);
        Self::new(key.map_err(|_| KeyError::NotAKey)?)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }

    /// What a token says which key signed it: the first four bytes of the key's SHA-256, as a
    /// big-endian number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519/{}", hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix("ed25519/").ok_or(KeyError::Text)?;
        if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(KeyError::Text);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| KeyError::Text)?;
        Self::from_bytes(&bytes)
    }
}
