//! The ways in which one character of a value may be written.

/// The most backslashes in a row that are taken for escapes: JSON in JSON, four times over.
const BACKSLASHES_MAX: usize = 16;

/// Where `value` ends if `text` begins with it, each of its characters as it is or escaped.
///
/// How many backslashes one becomes depends on how often it was escaped, so that their number counts
/// on neither side.
pub(super) fn end_in(value: &str, text: &[u8]) -> Option<usize> {
    if text.starts_with(value.as_bytes()) {
        return Some(value.len());
    }
    let telling = value.chars().filter(|it| *it != '\\');
    if telling.clone().map(char::len_utf8).sum::<usize>() < super::VALUE_BYTES_MIN {
        return None;
    }
    let mut at = 0;
    for expected in telling {
        at += after_backslashes(expected, text.get(at..)?)?;
    }
    Some(if value.ends_with('\\') {
        at + backslashes(text.get(at..)?)
    } else {
        at
    })
}

/// The bytes that some way to write a character begins with.
pub(super) fn beginnings(expected: char) -> Vec<u8> {
    let mut buffer = [0; 4];
    let raw = expected.encode_utf8(&mut buffer).as_bytes();
    let plus = (expected == ' ').then_some(b'+');
    raw.iter()
        .take(1)
        .copied()
        .chain(*b"%\\&")
        .chain(plus)
        .collect()
}

fn backslashes(text: &[u8]) -> usize {
    text.iter()
        .take(BACKSLASHES_MAX)
        .take_while(|byte| **byte == b'\\')
        .count()
}

fn after_backslashes(expected: char, text: &[u8]) -> Option<usize> {
    let run = backslashes(text);
    let Some(before) = run.checked_sub(1) else {
        return one(expected, text);
    };
    let escaped = one(expected, text.get(before..)?).map(|len| before + len);
    escaped.or_else(|| Some(run + one(expected, text.get(run..)?)?))
}

/// How many bytes of the text are this character, in whichever way it is written.
fn one(expected: char, text: &[u8]) -> Option<usize> {
    let mut buffer = [0; 4];
    let raw = expected.encode_utf8(&mut buffer).as_bytes();
    if text.starts_with(raw) {
        return Some(raw.len());
    }
    match text.first()? {
        b'%' => percent(raw, text),
        b'+' => (expected == ' ').then_some(1),
        b'\\' => backslash(expected, text),
        b'&' => entity(expected, text),
        _ => None,
    }
}

fn percent(raw: &[u8], text: &[u8]) -> Option<usize> {
    for (index, byte) in raw.iter().enumerate() {
        let group = text.get(index * 3..index * 3 + 3)?;
        let (sign, digits) = group.split_first()?;
        if *sign != b'%' || hex_number(digits)? != u32::from(*byte) {
            return None;
        }
    }
    Some(raw.len() * 3)
}

fn backslash(expected: char, text: &[u8]) -> Option<usize> {
    let short = match expected {
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => 0,
    };
    if short != 0 && text.get(1) == Some(&short) {
        return Some(2);
    }
    let mut units = [0; 2];
    let mut at = 0;
    for unit in expected.encode_utf16(&mut units) {
        let run = backslashes(text.get(at..)?);
        let (sign, digits) = text.get(at + run..at + run + 5)?.split_first()?;
        if run == 0 || *sign != b'u' || hex_number(digits)? != u32::from(*unit) {
            return None;
        }
        at += run + 5;
    }
    Some(at)
}

fn entity(expected: char, text: &[u8]) -> Option<usize> {
    let named: &[u8] = match expected {
        '&' => b"&amp;",
        '<' => b"&lt;",
        '>' => b"&gt;",
        '"' => b"&quot;",
        '\'' => b"&apos;",
        _ => b"",
    };
    if !named.is_empty() && text.starts_with(named) {
        return Some(named.len());
    }
    let end = text.iter().take(10).position(|byte| *byte == b';')?;
    let number = match text.get(..end)? {
        [b'&', b'#', b'x' | b'X', digits @ ..] => hex_number(digits)?,
        [b'&', b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    (number == u32::from(expected)).then_some(end + 1)
}

fn hex_number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
