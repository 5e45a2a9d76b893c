//! Finding secrets in outputs, before anything is stored.
//!
//! A value is found as it is; with any of its characters percent-encoded (RFC 3986), form-encoded,
//! JSON-escaped or as an HTML entity; in hexadecimal of either case; and in base64 of either
//! alphabet (RFC 4648) at each of the three offsets that it can have in a longer text, line breaks
//! in between or not. Long lines of a value of several lines, such as a key in PEM, are found on
//! their own too. What is found becomes `[secret:NAME]`.
//!
//! This catches what leaks by accident: a header that is echoed, an error that quotes a request. An
//! agent never has the value, so it can't disguise it on purpose.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vocab::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::secrets::UsedSecret;

mod escapes;

/// The shortest value that is searched for, in bytes: shorter ones are part of ordinary text.
pub(crate) const VALUE_BYTES_MIN: usize = 4;
/// The shortest line of a value that is searched for on its own, in bytes.
const LINE_BYTES_MIN: usize = 16;
/// The most values, and the most bytes of all of them together.
const VALUES_MAX: usize = 1_024;
const BYTES_MAX: usize = 1024 * 1024;

/// More values than a masker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outputs are searched for at most {VALUES_MAX} secrets of {BYTES_MAX} bytes together")]
pub struct MaskerFull;

/// Masks secrets. Its own text form says only how many values it knows.
#[derive(Default)]
pub struct Masker {
    patterns: Vec<Pattern>,
    /// For each byte, the patterns that an occurrence beginning with it may belong to.
    beginnings: Vec<Vec<u32>>,
    values: usize,
    bytes: usize,
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
}

impl Found<'_> {
    /// What stands in its place.
    #[must_use]
    pub fn mask(&self) -> String {
        format!("[secret:{}]", self.name)
    }
}

struct Pattern {
    name: String,
    text: Zeroizing<String>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The value itself, whose characters may each be escaped.
    Plain,
    /// Hexadecimal digits, of either case.
    Hex,
    /// Characters of base64, of either alphabet.
    Base64,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} values)", self.values)
    }
}

impl Masker {
    /// A masker that knows no value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it knows no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Adds a value that was used.
    ///
    /// # Errors
    /// [`MaskerFull`].
    pub fn add_used(&mut self, used: &UsedSecret) -> Result<(), MaskerFull> {
        self.add(&used.name, &used.value)
    }

    /// Adds a value. One of fewer than four bytes is not searched for.
    ///
    /// # Errors
    /// [`MaskerFull`].
    pub fn add(&mut self, name: &str, value: &SecretString) -> Result<(), MaskerFull> {
        let value = value.expose_secret();
        self.add_text(name, value)?;
        self.add_text(name, value.trim())?;
        let lines = value.lines().map(str::trim);
        for line in lines.filter(|line| line.len() >= LINE_BYTES_MIN && !line.starts_with("-----"))
        {
            self.add_text(name, line)?;
        }
        Ok(())
    }

    fn add_text(&mut self, name: &str, text: &str) -> Result<(), MaskerFull> {
        let known = |it: &Pattern| it.form == Form::Plain && it.text.as_str() == text;
        if text.len() < VALUE_BYTES_MIN || self.patterns.iter().any(known) {
            return Ok(());
        }
        if self.values >= VALUES_MAX || self.bytes + text.len() > BYTES_MAX {
            return Err(MaskerFull);
        }
        self.bytes += text.len();
        self.values += 1;
        self.push(name, Zeroizing::new(text.to_owned()), Form::Plain);
        self.push(name, Zeroizing::new(hex::encode(text)), Form::Hex);
        for offset in 0..3 {
            self.push(name, base64_core(text.as_bytes(), offset), Form::Base64);
        }
        Ok(())
    }

    fn push(&mut self, name: &str, text: Zeroizing<String>, form: Form) {
        let pattern = Pattern {
            name: name.to_owned(),
            text,
            form,
        };
        let Ok(index) = u32::try_from(self.patterns.len()) else {
            return;
        };
        self.beginnings.resize_with(256, Vec::new);
        for byte in pattern.beginnings() {
            if let Some(patterns) = self.beginnings.get_mut(usize::from(byte)) {
                patterns.push(index);
            }
        }
        self.patterns.push(pattern);
    }

    /// The text with every secret masked; the text itself if there was none.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.mask_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // What is found begins and ends between characters, so the rest is text as before.
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// The bytes with every secret masked; the bytes themselves if there was none.
    #[must_use]
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let (mut out, mut copied) = (Vec::new(), 0);
        for found in self.find(bytes) {
            out.extend_from_slice(bytes.get(copied..found.at.start).unwrap_or_default());
            out.extend_from_slice(found.mask().as_bytes());
            copied = found.at.end;
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The secrets in these bytes, from the first to the last; none overlaps another.
    pub fn find<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Found<'a>> {
        let mut at = if self.is_empty() { bytes.len() } else { 0 };
        std::iter::from_fn(move || {
            while at < bytes.len() {
                let begin = at;
                match self.found_at(bytes, begin) {
                    None => at += 1,
                    Some((name, end)) => {
                        at = end;
                        return Some(Found {
                            name,
                            at: begin..end,
                        });
                    }
                }
            }
            None
        })
    }

    /// Masks every text in a JSON value, the names of members included.
    pub fn mask_json(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            // A secret may be nothing but digits.
            Value::Number(number) => {
                if let Cow::Owned(masked) = self.mask(&number.to_string()) {
                    *value = Value::String(masked);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            Value::Object(members) => {
                let taken = std::mem::take(members);
                members.extend(taken.into_iter().map(|(name, mut member)| {
                    self.mask_json(&mut member);
                    (self.mask(&name).into_owned(), member)
                }));
            }
        }
    }

    /// The longest occurrence of a secret that begins here: its name and where it ends.
    fn found_at(&self, bytes: &[u8], at: usize) -> Option<(&str, usize)> {
        let rest = bytes.get(at..)?;
        let candidates = self.beginnings.get(usize::from(*rest.first()?))?;
        let ends = candidates.iter().filter_map(|index| {
            let pattern = self.patterns.get(*index as usize)?;
            Some((pattern.name.as_str(), at + pattern.end_in(rest)?))
        });
        ends.max_by_key(|(_, end)| *end)
    }
}

impl Pattern {
    /// The bytes that an occurrence can begin with.
    fn beginnings(&self) -> Vec<u8> {
        let Some(first) = self.text.chars().next() else {
            return Vec::new();
        };
        let mut all = match self.form {
            Form::Plain => escapes::beginnings(first),
            Form::Hex => [first.to_ascii_lowercase(), first.to_ascii_uppercase()]
                .map(|it| it as u8)
                .to_vec(),
            Form::Base64 => match first {
                '+' => b"+-".to_vec(),
                '/' => b"/_".to_vec(),
                other => vec![other as u8],
            },
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Where the pattern ends if the text begins with it.
    fn end_in(&self, text: &[u8]) -> Option<usize> {
        match self.form {
            Form::Plain => escapes::end_in(&self.text, text),
            Form::Hex => {
                let head = text.get(..self.text.len())?;
                head.eq_ignore_ascii_case(self.text.as_bytes())
                    .then_some(head.len())
            }
            Form::Base64 => base64_end(self.text.as_bytes(), text),
        }
    }
}

/// The characters of a text's base64 that depend on the text alone if `offset` bytes stand before
/// it in its group of three, whatever stands around it.
fn base64_core(text: &[u8], offset: usize) -> Zeroizing<String> {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(text);
    let encoded = Zeroizing::new(STANDARD.encode(&padded));
    let first = (offset * 8).div_ceil(6);
    let last = (padded.len() * 8) / 6;
    Zeroizing::new(encoded.get(first..last).unwrap_or_default().to_owned())
}

fn base64_end(core: &[u8], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, expected) in core.iter().enumerate() {
        if index > 0 {
            at += line_break(text.get(at..)?);
        }
        let found = match text.get(at)? {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        };
        if found != *expected {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// How long the line break is that the text begins with: raw, or as JSON escapes it.
fn line_break(text: &[u8]) -> usize {
    let breaks: [&[u8]; 4] = [b"\r\n", b"\n", b"\\r\\n", b"\\n"];
    breaks
        .iter()
        .find(|it| text.starts_with(it))
        .map_or(0, |it| it.len())
}

#[cfg(test)]
mod tests;
