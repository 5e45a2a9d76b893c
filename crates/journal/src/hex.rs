//! Hexadecimal text of digests, without an allocation for each.

use vocab::Digest;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What stands before the digits of every digest.
pub(crate) const PREFIX: &str = "sha256:";
/// The length of a digest's whole text, in bytes.
pub(crate) const DIGEST_CHARS: usize = PREFIX.len() + 64;

/// Appends bytes as lower-case digits.
pub(crate) fn push(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(
                DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0'),
            ));
        }
    }
}

/// Appends a digest as `sha256:…`.
pub(crate) fn push_digest(out: &mut String, digest: &Digest) {
    out.push_str(PREFIX);
    push(out, digest.as_bytes());
}

/// Reads `sha256:…`; upper-case digits are another spelling and are refused.
pub(crate) fn digest(text: &[u8]) -> Option<Digest> {
    let digits: &[u8; 64] = text.strip_prefix(PREFIX.as_bytes())?.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(Digest::from_bytes(bytes))
}

pub(crate) const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_and_other_spellings_are_refused() {
        let known = Digest::of(b"x");
        let mut text = String::new();
        push_digest(&mut text, &known);
        assert_eq!(text, known.to_string());
        assert_eq!(digest(text.as_bytes()), Some(known));
        assert_eq!(digest(text.to_uppercase().as_bytes()), None);
        assert_eq!(digest(text.replace('2', "A").as_bytes()), None);
        assert_eq!(digest(&text.as_bytes()[1..]), None);
    }
}
