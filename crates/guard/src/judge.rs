//! Judging what a pattern proposed: check digits, lengths, what stands around it.

mod digits;

use std::net::Ipv6Addr;
use std::ops::Range;

use memchr::memmem;

use crate::patterns::{Judge, Tail};
use crate::{Category, Found};

/// The longest credential, in bytes; what is longer is masked as far as this.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 << 10;
/// How long the first line of a private key may be.
pub(crate) const KEY_HEAD_BYTES_MAX: usize = 64;
/// The longest part of an address before its `@`.
const LOCAL_BYTES_MAX: usize = 64;
/// The most digits of a telephone number.
const PHONE_DIGITS_MAX: usize = 15;

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Something was found; go on behind it.
    Taken,
    /// Nothing, and nothing else is in it: go on behind it.
    PassBy,
    /// Nothing as a whole, but something else may begin within it.
    LookWithin,
    /// Nothing up to here.
    PassTo(usize),
}

/// Judges; what it finds is put behind what was found already, which ends at `after`.
pub(crate) fn judged(
    judge: Judge,
    text: &[u8],
    at: Range<usize>,
    after: usize,
    found: &mut Vec<Found>,
) -> Verdict {
    let one = match judge {
        Judge::Digits => return digits::find(text, at, found),
        Judge::Token(tail) => Some((token(text, at, tail), Category::Secret)),
        Judge::Last(bytes) => Some((at.end - bytes..at.end, Category::Secret)),
        Judge::PrivateKey => private_key(text, at).map(|it| (it, Category::Secret)),
        Judge::WebToken => match web_token(text, at) {
            Ok(range) => Some((range, Category::Secret)),
            Err(end) => return Verdict::PassTo(end),
        },
        Judge::Password => password(text, at).map(|it| (it, Category::Secret)),
        Judge::Email => email(text, at, after).map(|it| (it, Category::Email)),
        Judge::InternationalPhone => phone(text, at).map(|it| (it, Category::Phone)),
        Judge::BracketedPhone => Some((at, Category::Phone)),
        Judge::Iban => iban(text, at).map(|it| (it, Category::Iban)),
        Judge::Ipv6 => ipv6(text, at).map(|it| (it, Category::IpAddress)),
    };
    match one {
        Some((range, category)) => {
            found.push(Found { range, category });
            Verdict::Taken
        }
        // The host behind an `@` holds nothing else; it may be long.
        None if judge == Judge::Email => Verdict::PassBy,
        None => Verdict::LookWithin,
    }
}

/// Whether a byte is of a word, as boundaries have it.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// How far a run of bytes goes on, within a bound.
fn run(text: &[u8], from: usize, most: usize, mut fits: impl FnMut(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take(most)
        .take_while(|byte| fits(**byte))
        .count()
}

fn token(text: &[u8], at: Range<usize>, tail: Tail) -> Range<usize> {
    let more: &[u8] = match tail {
        Tail::Url => b"-_",
        Tail::Dotted => b"-_.",
        Tail::Base64 => b"-_+/=",
        Tail::Path => b"-_/",
    };
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
    let mut end = run(text, at.end, TOKEN_BYTES_MAX, goes_on);
    // A full stop ends a sentence more often than a token.
    while end > at.end && text[end - 1] == b'.' {
        end -= 1;
    }
    at.start..end
}

/// From the first line to the last one; without a last one, as far as it looks like a key.
fn private_key(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let head = key_head(text, at.start)?;
    let most = text.len().min(at.start + TOKEN_BYTES_MAX);
    let body = &text[head..most];
    if let Some(foot) = memmem::find(body, b"-----END ") {
        let foot = head + foot;
        let end = run(text, foot + 9, KEY_HEAD_BYTES_MAX, |it| {
            it.is_ascii_uppercase() || it == b' '
        });
        if text.get(end..end + 5) == Some(b"-----") {
            return Some(at.start..end + 5);
        }
    }
    // Line ends may be written as `\n` within a text that is quoted once more.
    let of_key = |it: u8| it.is_ascii_alphanumeric() || b"+/=\\-:, \r\n\t".contains(&it);
    let mut end = run(text, head, most - head, of_key);
    while end > head && text[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    Some(at.start..end)
}

/// Where the first line of a private key ends that begins here.
pub(crate) fn key_head(text: &[u8], start: usize) -> Option<usize> {
    let head = &text[start..text.len().min(start + KEY_HEAD_BYTES_MAX)];
    let name = head.get(11..)?;
    let ends = memmem::find(name, b"-----")?;
    let name = &name[..ends];
    let named = |it: &u8| it.is_ascii_uppercase() || it.is_ascii_digit() || *it == b' ';
    let private = name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK");
    (private && name.iter().all(named)).then_some(start + 11 + ends + 5)
}

/// Two parts that begin as JSON does in base64, and a signature, which an unsigned one lacks. If it is
/// none, where what looked like its head ends.
fn web_token(text: &[u8], at: Range<usize>) -> Result<Range<usize>, usize> {
    let part = |from| {
        run(text, from, TOKEN_BYTES_MAX / 4, |it| {
            it.is_ascii_alphanumeric() || it == b'-' || it == b'_'
        })
    };
    let head = part(at.start);
    if text.get(head..head + 4) != Some(b".eyJ") {
        return Err(head);
    }
    let claims = part(head + 1);
    if claims - head <= 8 {
        return Err(head);
    }
    match text.get(claims) {
        Some(b'.') => Ok(at.start..part(claims + 1)),
        Some(_) | None => Ok(at.start..claims),
    }
}

/// From the last colon to the `@`. An address without a scheme is none.
fn password(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    before(text, at.start).filter(|it| it.is_ascii_alphanumeric())?;
    let inner = &text[at.start + 3..at.end - 1];
    let colon = inner.iter().position(|it| *it == b':')?;
    Some(at.start + 3 + colon + 1..at.end - 1)
}

/// Endings of file names that look like a top-level domain behind an `@`, as in `icon@2x.png`.
const FILE_ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "ts", "tsx",
    "jsx", "json", "html", "md", "lock", "toml", "service", "timer", "socket", "target", "local",
];

fn email(text: &[u8], at: Range<usize>, after: usize) -> Option<Range<usize>> {
    let fits = |it: &u8| it.is_ascii_alphanumeric() || b"._%+'-".contains(it);
    let from = after.max(at.start.saturating_sub(LOCAL_BYTES_MAX + 1));
    let local = text[from..at.start]
        .iter()
        .rev()
        .take_while(|it| fits(it))
        .count();
    let mut start = at.start - local;
    while start < at.start && !is_word(text[start]) {
        start += 1;
    }
    let name = &text[start..at.start];
    let host = std::str::from_utf8(&text[at.start + 1..at.end]).ok()?;
    let labels =
        |it: &str| !it.is_empty() && it.len() <= 63 && !it.starts_with('-') && !it.ends_with('-');
    let ending = host.rsplit('.').next()?.to_ascii_lowercase();
    let well = !name.is_empty()
        && name.len() <= LOCAL_BYTES_MAX
        && !name.ends_with(b".")
        && host.len() <= 253
        && host.split('.').all(labels)
        && !FILE_ENDINGS.contains(&ending.as_str())
        // How repositories, and accounts without a password, are addressed.
        && name != b"git"
        && !text[..start].ends_with(b"://")
        && !text.get(at.end).is_some_and(|it| is_word(*it));
    well.then_some(start..at.end)
}

/// A `+`, a country's code, and 8 to 15 digits in all.
fn phone(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    if before(text, at.start).is_some_and(is_word) {
        return None;
    }
    let (mut digits, mut end, mut gap) = (0, at.start + 1, 0);
    for (offset, byte) in text[at.start + 1..].iter().enumerate() {
        if byte.is_ascii_digit() {
            (digits, gap, end) = (digits + 1, 0, at.start + 2 + offset);
        } else if b" .()/-".contains(byte) && gap < 2 {
            gap += 1;
        } else {
            break;
        }
        if digits > PHONE_DIGITS_MAX {
            break;
        }
    }
    let cut = text.get(end).is_some_and(|it| is_word(*it));
    ((8..=PHONE_DIGITS_MAX).contains(&digits) && !cut).then_some(at.start..end)
}

/// How long a bank account is in its country, from the registry of SWIFT.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

fn iban(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let country = &text[at.start..at.start + 2];
    let length = IBAN_LENGTHS
        .iter()
        .find(|(name, _)| name.as_slice() == country)?
        .1;
    let (mut account, mut end) = (Vec::with_capacity(length), at.start);
    while account.len() < length {
        match *text.get(end)? {
            byte if byte.is_ascii_digit() || byte.is_ascii_uppercase() => account.push(byte),
            // Written in groups of four.
            b' ' if account.len() % 4 == 0 && before(text, end) != Some(b' ') => {}
            _ => return None,
        }
        end += 1;
    }
    if text.get(end).is_some_and(|it| is_word(*it)) {
        return None;
    }
    account.rotate_left(4);
    let remainder = account.iter().fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    (remainder == 1).then_some(at.start..end)
}

/// Four groups at least, so that a time of day and a path in code are none.
fn ipv6(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let around = |byte: u8| is_word(byte) || byte == b':' || byte == b'.';
    if before(text, at.start).is_some_and(around) || text.get(at.end).is_some_and(|it| around(*it))
    {
        return None;
    }
    let written = std::str::from_utf8(&text[at.clone()]).ok()?;
    let groups = written.split(':').filter(|it| !it.is_empty()).count();
    let address: Ipv6Addr = written.parse().ok()?;
    (groups >= 4 && !address.is_loopback()).then_some(at)
}
