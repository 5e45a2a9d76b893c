//! Reading the canonical bytes of a sealed event, strictly.
//!
//! One pass both reads the members and proves the form: members in RFC 8785 order and therefore
//! none twice, no space, one spelling for each string and number. So two readers can't see two
//! different events in the same bytes, whichever of two equal keys their parser prefers.

use std::borrow::Cow;
use std::cmp::Ordering;

use vocab::{Digest, OrgId, canonical};

use crate::hex;

/// The deepest that an event may be nested: its `data` as deep as any JSON, and the event itself.
const DEPTH_MAX: usize = vocab::limits::JSON_DEPTH_MAX + 1;

/// What verification needs of a sealed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub org: OrgId,
    pub seq: u64,
    pub prev: Digest,
    pub kind: &'a str,
    /// The canonical object.
    pub data: &'a str,
}

/// Reads an event. `None` if the bytes are not the canonical form of one.
pub(crate) fn event(bytes: &[u8]) -> Option<Fields<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut it = Cursor { bytes, at: 0 };
    it.expect(b"{\"actor\":")?;
    it.object(DEPTH_MAX - 1)?;
    it.expect(b",\"at\":\"")?;
    it.time()?;
    if it.starts(b"\",\"content\":[\"") {
        it.digest()?;
        while it.starts(b"\",\"") {
            it.digest()?;
        }
        it.expect(b"\"]")?;
    } else {
        it.expect(b"\"")?;
    }
    it.expect(b",\"data\":")?;
    let data_from = it.at;
    it.object(DEPTH_MAX - 1)?;
    let data = text.get(data_from..it.at)?;
    it.expect(b",\"id\":\"evt_")?;
    it.uuid()?;
    it.expect(b"\",\"kind\":\"")?;
    let kind_from = it.at;
    it.kind()?;
    let kind = text.get(kind_from..it.at)?;
    it.expect(b"\",\"org\":\"")?;
    let org_from = it.at;
    it.expect(b"org_")?;
    it.uuid()?;
    let org = text.get(org_from..it.at)?.parse().ok()?;
    it.expect(b"\",\"prev\":\"")?;
    let prev = it.digest()?;
    it.expect(b"\"")?;
    if it.starts(b",\"run\":\"run_") {
        it.uuid()?;
        it.expect(b"\"")?;
    }
    if it.starts(b",\"run_seq\":") {
        it.positive()?;
    }
    it.expect(b",\"seq\":")?;
    let seq = it.positive()?;
    if it.starts(b",\"session\":\"ses_") {
        it.uuid()?;
        it.expect(b"\"")?;
    }
    it.expect(b",\"subject\":")?;
    it.string()?;
    it.expect(b",\"v\":1}")?;
    (it.at == bytes.len()).then_some(Fields {
        org,
        seq,
        prev,
        kind,
        data,
    })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `text` if it comes next.
    fn starts(&mut self, text: &[u8]) -> bool {
        let starts = self.rest().starts_with(text);
        if starts {
            self.at += text.len();
        }
        starts
    }

    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.starts(text).then_some(())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    /// Bytes like a pattern, in which `x` is a hexadecimal and `9` a decimal digit.
    fn pattern(&mut self, pattern: &[u8]) -> Option<()> {
        let fits =
            self.take(pattern.len())?
                .iter()
                .zip(pattern)
                .all(|(byte, wanted)| match wanted {
                    b'x' => hex::digit(*byte).is_some(),
                    b'9' => byte.is_ascii_digit(),
                    literal => byte == literal,
                });
        fits.then_some(())
    }

    fn uuid(&mut self) -> Option<()> {
        self.pattern(b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
    }

    fn time(&mut self) -> Option<()> {
        self.pattern(b"9999-99-99T99:99:99.999999Z")
    }

    fn digest(&mut self) -> Option<Digest> {
        hex::digest(self.take(hex::DIGEST_CHARS)?)
    }

    /// `noun.verb` of small letters and underscores.
    fn kind(&mut self) -> Option<()> {
        self.word()?;
        self.expect(b".")?;
        self.word()
    }

    fn word(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'_')) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    /// A whole number from 1.
    fn positive(&mut self) -> Option<u64> {
        let from = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        let spelled_once = self.bytes.get(from) != Some(&b'0') && self.at > from;
        (spelled_once && number <= canonical::INTEGER_MAX).then_some(number)
    }

    fn value(&mut self, depth_left: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(depth_left),
            b'[' => self.array(depth_left),
            b't' => self.expect(b"true"),
            b'f' => self.expect(b"false"),
            b'n' => self.expect(b"null"),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth_left: usize) -> Option<()> {
        let depth_left = depth_left.checked_sub(1)?;
        self.expect(b"[")?;
        if self.starts(b"]") {
            return Some(());
        }
        loop {
            self.value(depth_left)?;
            if !self.starts(b",") {
                return self.expect(b"]");
            }
        }
    }

    fn object(&mut self, depth_left: usize) -> Option<()> {
        let depth_left = depth_left.checked_sub(1)?;
        self.expect(b"{")?;
        if self.starts(b"}") {
            return Some(());
        }
        let mut before: Option<&[u8]> = None;
        loop {
            let key = self.string()?;
            if before.is_some_and(|before| order(before, key) != Some(Ordering::Less)) {
                return None;
            }
            before = Some(key);
            self.expect(b":")?;
            self.value(depth_left)?;
            if !self.starts(b",") {
                return self.expect(b"}");
            }
        }
    }

    /// A string in its only spelling; answers what stands between the quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b"\"")?;
        let from = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape()?;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let inside = self.bytes.get(from..self.at);
        self.at += 1;
        inside
    }

    /// Quote, backslash, the five short escapes, and `\u00xx` for the other control characters.
    fn escape(&mut self) -> Option<()> {
        let rest = self.rest();
        let length = match rest.first()? {
            b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r' => 1,
            b'u' => {
                let [b'0', b'0', high @ (b'0' | b'1'), low] = rest.get(1..5)? else {
                    return None;
                };
                let code = (hex::digit(*high)? << 4) | hex::digit(*low)?;
                if matches!(code, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d) {
                    return None;
                }
                5
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
        ) {
            self.at += 1;
        }
        let token = self.bytes.get(from..self.at)?;
        let digits = token.strip_prefix(b"-").unwrap_or(token);
        let small = (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        if small && (digits[0] != b'0' || token == b"0") {
            return Some(());
        }
        // Rare: large, or with a fraction. It must be what the canonical form writes for it.
        let token = std::str::from_utf8(token).ok()?;
        let value: serde_json::Value = serde_json::from_str(token).ok()?;
        (canonical::to_string(&value).ok()? == token).then_some(())
    }
}

/// RFC 8785 orders keys by their UTF-16 code units. `None` if a key can't be read.
fn order(left: &[u8], right: &[u8]) -> Option<Ordering> {
    let plain = |key: &[u8]| key.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if plain(left) && plain(right) {
        return Some(left.cmp(right));
    }
    let (left, right) = (unescaped(left)?, unescaped(right)?);
    Some(left.encode_utf16().cmp(right.encode_utf16()))
}

fn unescaped(key: &[u8]) -> Option<Cow<'_, str>> {
    let key = std::str::from_utf8(key).ok()?;
    if key.contains('\\') {
        serde_json::from_str(&format!("\"{key}\""))
            .ok()
            .map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn json_values() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |it| serde_json::Number::from_f64(it)
                .map(Value::Number)),
            (-1e6..1e6_f64).prop_map(Value::from),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            any::<String>().prop_map(Value::from),
            "[\\u{0}-\\u{20}\"\\\\a]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    fn is_canonical(text: &str) -> bool {
        let mut it = Cursor {
            bytes: text.as_bytes(),
            at: 0,
        };
        it.value(DEPTH_MAX).is_some() && it.at == text.len()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn canonical_text_is_taken_and_any_other_text_of_the_same_value_is_not(value in json_values()) {
            let Ok(text) = canonical::to_string(&value) else { return Ok(()) };
            prop_assert!(is_canonical(&text), "{}", text);
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(is_canonical(&pretty), pretty == text);
        }

        #[test]
        fn whatever_is_taken_is_the_canonical_form(text in "[\\[\\]{}:,\"\\\\a-bu0-1.e\\-tfn]{0,12}") {
            if is_canonical(&text) {
                let value: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(canonical::to_string(&value).unwrap(), text);
            }
        }
    }

    #[test]
    fn second_spellings_are_refused() {
        for good in [
            r#"{"a":1,"b":[]}"#,
            r#""\u0001\n\"""#,
            "0",
            "-1",
            "0.1",
            "1e-7",
            "{}",
            "[[],{}]",
        ] {
            assert!(is_canonical(good), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"\u0061":1}"#,
            r#""\/""#,
            r#""\u000a""#,
            r#""\u001F""#,
            r#""\ud800""#,
            "-0",
            "01",
            "1.0",
            "1e2",
            "9007199254740993",
            "1E-7",
            "+1",
            "",
            "nul",
            "[1,]",
            "[",
            "{\"a\"}",
            "\"\t\"",
        ] {
            assert!(!is_canonical(bad), "{bad}");
        }
        // U+FB33 is one code unit above the surrogates of U+1F600.
        assert!(is_canonical("{\"\u{1f600}\":1,\"\u{fb33}\":1}"));
        assert!(!is_canonical("{\"\u{fb33}\":1,\"\u{1f600}\":1}"));
        let deep = json!((0..DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]))).to_string();
        assert!(is_canonical(&deep));
        assert!(!is_canonical(&format!("[{deep}]")));
    }
}
