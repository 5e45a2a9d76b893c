//! Finding and masking in JSON, without reading it into a tree.
//!
//! Every string, keys too, and every number is a text of its own. A string with escapes is looked
//! through as what it means; what is found is told, and masked, as the bytes that say it.

use std::ops::Range;

use crate::{Categories, Category, Counts, Found, find};

/// The longest number that is looked at; of more digits there is no card.
const NUMBER_BYTES: Range<usize> = 13..20;

/// What there is in a document, as ranges of its bytes. What is no JSON is looked through as far as it
/// looks like JSON.
#[must_use]
pub fn find_in(json: &[u8]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                let end = string_end(json, at + 1);
                in_string(json, at + 1..end, &mut places);
                at = end + 1;
            }
            b'0'..=b'9' => {
                let rest = json[at..].iter();
                let length =
                    rest.take_while(|it| it.is_ascii_alphanumeric() || b".+-".contains(it));
                let end = at + length.count();
                let whole = json[at..end].iter().all(u8::is_ascii_digit);
                if whole && NUMBER_BYTES.contains(&(end - at)) {
                    in_number(json, at..end, &mut places);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    places
}

/// Something that was found in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which bytes of the document say it.
    pub range: Range<usize>,
    /// What.
    pub category: Category,
    quotes: Quotes,
}

/// What a placeholder needs around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// It stands in a string.
    None,
    /// It stands where a number was.
    Plain,
    /// It stands where a number was, in a document that a string holds.
    Escaped,
}

impl Quotes {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Plain => "\"",
            Self::Escaped => "\\\"",
        }
    }
}

/// How often each category was found.
#[must_use]
pub fn counts(places: &[Place]) -> Counts {
    let mut counts = Counts::default();
    places.iter().for_each(|it| counts.add(it.category));
    counts
}

/// The document with what is to be masked replaced, and what was; `None` if nothing is.
#[must_use]
pub fn masked(json: &[u8], places: &[Place], mask: Categories) -> Option<(Vec<u8>, Counts)> {
    let (mut out, mut at, mut counts) = (Vec::new(), 0, Counts::default());
    for place in places.iter().filter(|it| mask.has(it.category)) {
        out.extend_from_slice(&json[at..place.range.start]);
        let quotes = place.quotes.as_str().as_bytes();
        out.extend_from_slice(quotes);
        out.extend_from_slice(place.category.placeholder().as_bytes());
        out.extend_from_slice(quotes);
        at = place.range.end;
        counts.add(place.category);
    }
    if counts.is_empty() {
        return None;
    }
    out.extend_from_slice(&json[at..]);
    Some((out, counts))
}

/// Where the string ends whose first character is here: at its quote, or with the document.
fn string_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(next) = memchr::memchr2(b'"', b'\\', &json[at..]) {
        match json[at + next] {
            b'"' => return at + next,
            _ => at = (at + next + 2).min(json.len()),
        }
    }
    json.len()
}

fn in_number(json: &[u8], at: Range<usize>, places: &mut Vec<Place>) {
    let Ok(text) = std::str::from_utf8(&json[at.clone()]) else {
        return;
    };
    for Found { range, category } in find(text) {
        if range.len() == at.len() {
            places.push(Place {
                range: at.clone(),
                category,
                quotes: Quotes::Plain,
            });
        }
    }
}

fn in_string(json: &[u8], at: Range<usize>, places: &mut Vec<Place>) {
    let raw = &json[at.clone()];
    // What is no UTF-8 is no JSON: whoever gets it refuses it.
    let Ok(text) = std::str::from_utf8(raw) else {
        return;
    };
    if !raw.contains(&b'\\') {
        let found = find(text).into_iter();
        places.extend(found.map(|it| Place {
            range: at.start + it.range.start..at.start + it.range.end,
            category: it.category,
            quotes: Quotes::None,
        }));
        return;
    }
    let meaning = Unescaped::of(text);
    let document = meaning.text.trim_ascii_start().starts_with(['{', '[']);
    for Found { range, category } in find(&meaning.text) {
        let quotes = match document && is_number(&meaning.text, &range) {
            true => Quotes::Escaped,
            false => Quotes::None,
        };
        places.push(Place {
            range: at.start + meaning.raw(range.start)..at.start + meaning.raw(range.end),
            category,
            quotes,
        });
    }
}

/// Whether what stands here in a text of JSON is a number of it, rather than in a string.
#[must_use]
pub fn is_number(json: &str, at: &Range<usize>) -> bool {
    let (before, after) = (
        json[..at.start].trim_ascii_end(),
        json[at.end..].trim_ascii_start(),
    );
    json[at.clone()].bytes().all(|it| it.is_ascii_digit())
        && before.ends_with([':', ',', '['])
        && after.starts_with([',', ']', '}'])
}

/// What a string with escapes means, and which of its bytes say what.
#[derive(Debug, Default)]
pub struct Unescaped {
    /// What it means.
    pub text: String,
    /// Behind each escape: where the meaning goes on, and where the bytes do.
    steps: Vec<(usize, usize)>,
}

impl Unescaped {
    /// Reads the inside of a string of JSON. What is no escape stands for itself.
    #[must_use]
    pub fn of(raw: &str) -> Self {
        let mut it = Self::default();
        let mut at = 0;
        while at < raw.len() {
            let plain = raw[at..].find('\\').unwrap_or(raw.len() - at);
            it.text.push_str(&raw[at..at + plain]);
            at += plain;
            if at < raw.len() {
                // The escape itself begins a step, so that a range may end right before it.
                it.steps.push((it.text.len(), at));
                let (meant, length) = escape(&raw.as_bytes()[at..]);
                it.text.push(meant);
                at += length;
                it.steps.push((it.text.len(), at));
            }
        }
        it
    }

    /// Where in the bytes a place of the meaning is.
    #[must_use]
    pub fn raw(&self, at: usize) -> usize {
        let step = self.steps.partition_point(|(meant, _)| *meant <= at);
        match step.checked_sub(1).and_then(|it| self.steps.get(it)) {
            Some((meant, raw)) => raw + (at - meant),
            None => at,
        }
    }
}

/// The character that an escape means, and how many bytes it has.
fn escape(raw: &[u8]) -> (char, usize) {
    let hex = |from: usize| {
        let digits = std::str::from_utf8(raw.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    match raw.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match hex(2) {
            Some(high @ 0xd800..0xdc00) if raw.get(6..8) == Some(b"\\u") => match hex(8) {
                Some(low @ 0xdc00..0xe000) => {
                    let both = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    (
                        char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER),
                        12,
                    )
                }
                _ => (char::REPLACEMENT_CHARACTER, 6),
            },
            Some(one) => (
                char::from_u32(one).unwrap_or(char::REPLACEMENT_CHARACTER),
                6,
            ),
            None => ('u', 2.min(raw.len())),
        },
        Some(other) if other.is_ascii() => (char::from(*other), 2),
        // Not JSON; it stands for itself.
        Some(_) | None => ('\\', 1),
    }
}
