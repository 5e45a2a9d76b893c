//! What a node shows to be let in: `chn_` and 256 random bits. Only its digest is stored; the text
//! is high in entropy, so a plain SHA-256 is enough.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vocab::{Digest, Random, SecretString};

/// What every credential begins with, so that a scanner for leaked secrets finds it.
pub const CREDENTIAL_PREFIX: &str = "chn_";

const CHARS: usize = CREDENTIAL_PREFIX.len() + 43;

/// A new credential and its digest.
pub(crate) fn generate(random: &Random) -> (SecretString, Digest) {
    let text = format!(
        "{CREDENTIAL_PREFIX}{}",
        URL_SAFE_NO_PAD.encode(random.bytes::<32>())
    );
    let digest = Digest::of(text.as_bytes());
    (SecretString::from(text), digest)
}

/// The digest of a text that could be a credential.
pub(crate) fn digest(text: &str) -> Option<Digest> {
    let fits = text.len() == CHARS && text.starts_with(CREDENTIAL_PREFIX);
    fits.then(|| Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use vocab::ExposeSecret;

    use super::*;

    #[test]
    fn a_credential_is_found_by_its_digest_and_nothing_else_is() {
        let (text, expected) = generate(&Random::system());
        assert_eq!(digest(text.expose_secret()), Some(expected));
        assert_eq!(digest("chn_short"), None);
        assert_eq!(digest(&text.expose_secret().replace("chn_", "chk_")), None);
    }
}
