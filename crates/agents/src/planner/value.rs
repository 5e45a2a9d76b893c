//! Values and their quotation.

use std::borrow::Cow;
use std::fmt;

use super::Why;

/// The index of the quote that closes the one at `open`, on the same line.
pub(super) fn closing_quote(text: &str, open: usize) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(open + 1) {
        match byte {
            b'\n' => return None,
            b'"' if !escaped => return Some(at),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

/// What a value stands for: itself, or the inside of the quotation that it is. `None` if it is
/// empty without being a quotation.
pub(super) fn read(raw: &str) -> Result<Option<Cow<'_, str>>, Why> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(None);
    }
    if !raw.starts_with('"') {
        return Ok(Some(raw.into()));
    }
    match closing_quote(raw, 0) {
        None => Err(Why::OpenQuotation),
        Some(end) if end + 1 == raw.len() => Ok(Some(unescape(&raw[1..end]).into())),
        Some(_) => Ok(Some(raw.into())),
    }
}

fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some(it @ ('"' | '\\')) => text.push(it),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// What stands before and after the last occurrence of a word outside quotations, in upper or lower
/// case, with white space on both sides.
pub(super) fn split_last<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let quoted = match text.starts_with('"') {
        true => closing_quote(text, 0).map_or(0, |end| end + 1),
        false => 0,
    };
    let (mut found, mut at) = (None, quoted);
    while let Some(skipped) = text[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + skipped;
        let end = text[start..]
            .find(char::is_whitespace)
            .map_or(text.len(), |len| start + len);
        // A quotation after the word belongs to what follows it.
        if text[start..].starts_with('"') && found.is_some() {
            break;
        }
        let surrounded = start > quoted && end < text.len();
        if surrounded && text[start..end].eq_ignore_ascii_case(word) {
            found = Some((&text[..start], &text[end..]));
        }
        at = end;
    }
    found
}

/// The first word or quotation of a trimmed text, and what follows it.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let quoted = match text.starts_with('"') {
        true => closing_quote(text, 0).map_or(0, |end| end + 1),
        false => 0,
    };
    let end = text[quoted..]
        .find(char::is_whitespace)
        .map_or(text.len(), |at| quoted + at);
    text.split_at(end)
}

/// The value before the first `:` outside a quotation at the beginning, and what follows it.
pub(super) fn split_colon(text: &str) -> Result<Option<(&str, &str)>, Why> {
    let text = text.trim_start();
    let from = match (text.starts_with('"'), closing_quote(text, 0)) {
        (true, None) => return Err(Why::OpenQuotation),
        (true, Some(end)) => end,
        (false, _) => 0,
    };
    Ok(text[from..]
        .find(':')
        .map(|at| (&text[..from + at], &text[from + at + 1..])))
}

/// A value as it is written in a step: bare if it can be, else as a quotation.
pub(super) struct Written<'a>(pub &'a str);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._/~@%+=?&#-,".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        quoted(self.0, f)
    }
}

/// A text as it is written at the end of a step: bare if it can be, else as a quotation.
pub(super) struct WrittenText<'a>(pub &'a str);

impl fmt::Display for WrittenText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.0.trim() == self.0
            && !self.0.is_empty()
            && !self.0.contains([';', '"'])
            && !self.0.contains(char::is_control);
        if bare {
            f.write_str(self.0)
        } else {
            quoted(self.0, f)
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '"' | '\\' => write!(f, "\\{c}")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
