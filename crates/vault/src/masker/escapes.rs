//! The ways in which one character of a value may be written.

/// The most backslashes in a row that are taken for escapes: JSON in JSON, four times over.
const BACKSLASHES_MAX: usize = 16;

/// Where `value` ends at the latest if `text` begins with it, each of its characters as it is or
/// escaped.
///
/// What is an escape and what stands for itself can't always be told from the text alone (`%25` is
/// three characters of a value, or one), so all readings are followed at once.
pub(super) fn end_in(value: &str, text: &[u8]) -> Option<usize> {
    let mut now = Ends::default();
    now.push(0);
    for expected in value.chars() {
        let mut next = Ends::default();
        for at in now.all() {
            each_reading(expected, text.get(*at..).unwrap_or_default(), |len| {
                next.push(at + len);
            });
        }
        if next.all().is_empty() {
            return None;
        }
        now = next;
    }
    now.all().iter().max().copied()
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

/// Where the readings of a text stand. More at once than fit would be a text made for it.
#[derive(Default)]
struct Ends {
    at: [usize; 2 * BACKSLASHES_MAX],
    len: usize,
}

impl Ends {
    fn push(&mut self, end: usize) {
        if self.all().contains(&end) {
            return;
        }
        if let Some(free) = self.at.get_mut(self.len) {
            *free = end;
            self.len += 1;
        }
    }

    fn all(&self) -> &[usize] {
        self.at.get(..self.len).unwrap_or_default()
    }
}

/// How many bytes of the text are this character, in each way in which it may be written.
fn each_reading(expected: char, text: &[u8], mut take: impl FnMut(usize)) {
    let run = backslashes(text);
    if expected == '\\' {
        // Each time it is escaped it doubles.
        (1..=run).for_each(&mut take);
    }
    if let Some(before) = run.checked_sub(1) {
        let escape = text
            .get(before..)
            .and_then(|rest| backslash(expected, rest));
        escape.map(|len| before + len).map(&mut take);
    }
    let text = text.get(run..).unwrap_or_default();
    let mut buffer = [0; 4];
    let raw = expected.encode_utf8(&mut buffer).as_bytes();
    if text.starts_with(raw) {
        take(run + raw.len());
    }
    let escape = match text.first() {
        Some(b'%') => percent(raw, text),
        Some(b'+') => (expected == ' ').then_some(1),
        Some(b'&') => entity(expected, text),
        Some(_) | None => None,
    };
    escape.map(|len| run + len).map(take);
}

fn backslashes(text: &[u8]) -> usize {
    text.iter()
        .take(BACKSLASHES_MAX)
        .take_while(|byte| **byte == b'\\')
        .count()
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
