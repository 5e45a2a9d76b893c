//! Tokens: 32 random bytes behind a prefix that says what they open.
//!
//! A token is shown once and stored as its SHA-256. It has 256 bits of randomness, so neither a
//! slow hash nor a salt would add anything, and looking it up by its digest gives no hint by its
//! timing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vocab::{Digest, Random, SecretString};

/// What a token opens. Prefixes are part of what secret scanners know: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Access,
    Key,
    Refresh,
    Invitation,
    Reset,
    Link,
    Device,
}

impl Purpose {
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "cat_",
            Self::Key => "chk_",
            Self::Refresh => "crt_",
            Self::Invitation => "cin_",
            Self::Reset => "cpr_",
            Self::Link => "csl_",
            Self::Device => "cdc_",
        }
    }

    /// The digest of a text, if it can be a token for this purpose at all.
    pub fn digest(self, text: &str) -> Option<Digest> {
        let secret = text.strip_prefix(self.prefix())?;
        (secret.len() == TEXT_CHARS && secret.is_ascii()).then(|| Digest::of(text.as_bytes()))
    }
}

/// 32 bytes in base64.
const TEXT_CHARS: usize = 43;

/// A new token and what is stored of it.
pub(crate) struct Token {
    pub text: SecretString,
    pub digest: Digest,
    /// The first characters, to recognise it by.
    pub start: String,
}

impl Token {
    pub fn new(purpose: Purpose, random: &Random) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(random.bytes::<32>());
        let text = format!("{}{secret}", purpose.prefix());
        let digest = Digest::of(text.as_bytes());
        let start = text
            .get(..purpose.prefix().len() + 6)
            .unwrap_or_default()
            .to_owned();
        Self {
            text: text.into(),
            digest,
            start,
        }
    }
}
