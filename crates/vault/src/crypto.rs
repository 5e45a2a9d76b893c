//! The three primitives, and the one form of a ciphertext.
//!
//! A sealed value is `0x01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)`: AES-256-GCM (NIST SP 800-38D)
//! with a random nonce, so that one key serves 2^32 values. The additional data begins with a label
//! that says what is sealed; each field after it carries its length in front, so that two different
//! lists of fields never make the same bytes.
//!
//! Key material of ours is in [`Zeroizing`] memory. What AWS-LC holds inside its own contexts it
//! cleanses itself when they are dropped.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, hmac};
use vocab::Random;
use zeroize::Zeroizing;

const FORM: u8 = 1;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const HEAD_LEN: usize = 1 + NONCE_LEN;
/// How many bytes longer a sealed value is than what it seals.
pub(crate) const OVERHEAD: usize = HEAD_LEN + TAG_LEN;

/// The ciphertext, the key or the additional data is not the one it was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub(crate) struct Unopened;

/// The library refused to seal, or to make a key: out of memory, or more than 64 GiB at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused")]
pub struct Refused;

impl From<Unspecified> for Refused {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// 32 secret bytes, from which keys for single purposes are derived.
#[derive(Clone)]
pub(crate) struct RawKey(Zeroizing<[u8; 32]>);

impl RawKey {
    pub(crate) fn random(random: &Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// 32 bytes for one purpose: HKDF-SHA256 (RFC 5869) without salt.
    pub(crate) fn derive(&self, purpose: &str) -> Result<Self, Refused> {
        let mut out = Zeroizing::new([0; 32]);
        hkdf_sha256(
            &[],
            self.0.as_slice(),
            purpose.as_bytes(),
            out.as_mut_slice(),
        )?;
        Ok(Self(out))
    }
}

/// A key that seals and opens.
pub(crate) struct AeadKey(RandomizedNonceKey);

impl AeadKey {
    pub(crate) fn new(key: &RawKey) -> Result<Self, Refused> {
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, key.expose())?))
    }

    pub(crate) fn seal(&self, bound_to: &BoundTo, plain: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.push(FORM);
        sealed.extend_from_slice(&[0; NONCE_LEN]);
        sealed.extend_from_slice(plain);
        let (head, body) = sealed.split_at_mut(HEAD_LEN);
        let (nonce, tag) = self
            .0
            .seal_in_place_separate_tag(Aad::from(&bound_to.0), body)?;
        head[1..].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens in place: what was sealed is left in the buffer, at the range that is answered.
    pub(crate) fn open_in_place(
        &self,
        bound_to: &BoundTo,
        sealed: &mut [u8],
    ) -> Result<std::ops::Range<usize>, Unopened> {
        let (head, body) = sealed.split_at_mut_checked(HEAD_LEN).ok_or(Unopened)?;
        let (form, nonce) = head.split_first().ok_or(Unopened)?;
        if *form != FORM || body.len() < TAG_LEN {
            return Err(Unopened);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened)?;
        let aad = Aad::from(&bound_to.0);
        let plain = self
            .0
            .open_in_place(nonce, aad, body)
            .map_err(|_| Unopened)?;
        Ok(HEAD_LEN..HEAD_LEN + plain.len())
    }

    /// Opens into memory that is wiped when it is dropped.
    pub(crate) fn open(
        &self,
        bound_to: &BoundTo,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain = self.open_in_place(bound_to, &mut buffer)?;
        Ok(Zeroizing::new(buffer.get(plain).ok_or(Unopened)?.to_vec()))
    }

    pub(crate) fn open_key(&self, bound_to: &BoundTo, sealed: &[u8]) -> Result<RawKey, Unopened> {
        RawKey::from_slice(&self.open(bound_to, sealed)?).ok_or(Unopened)
    }
}

/// What a ciphertext is bound to: its additional authenticated data.
pub(crate) struct BoundTo(Vec<u8>);

impl BoundTo {
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::with_capacity(192)).field(label.as_bytes())
    }

    #[must_use]
    pub(crate) fn field(mut self, field: &[u8]) -> Self {
        self.0
            .extend_from_slice(&(field.len() as u64).to_le_bytes());
        self.0.extend_from_slice(field);
        self
    }

    #[must_use]
    pub(crate) fn id<K: vocab::ids::IdKind>(self, id: vocab::Id<K>) -> Self {
        self.field(id.uuid().as_bytes())
    }

    #[must_use]
    pub(crate) fn number(self, number: u64) -> Self {
        self.field(&number.to_le_bytes())
    }
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn hmac_sha256(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(key, message);
    let mut out = [0; 32];
    // The tag of SHA-256 has 32 bytes.
    out.copy_from_slice(tag.as_ref());
    out
}

pub(crate) fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

/// HKDF-SHA256 (RFC 5869), extract and expand.
pub(crate) fn hkdf_sha256(
    salt: &[u8],
    key: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), Refused> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let info = [info];
    extracted.expand(&info, Len(out.len()))?.fill(out)?;
    Ok(())
}

#[cfg(test)]
mod tests;
