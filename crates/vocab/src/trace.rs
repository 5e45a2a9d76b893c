//! Which trace something belongs to, as it travels between programs: `traceparent` of the W3C Trace
//! Context.

use std::fmt;

use uuid::Uuid;

use crate::Random;

/// The target of spans that are made for whoever traces, in the facade `tracing`. What is at any other
/// target is for the log.
pub const TARGET: &str = "chancery::spans";

/// A trace, and the span in it that something is caused by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub span: u64,
    /// Whether the caller keeps this trace.
    pub sampled: bool,
}

impl TraceParent {
    /// The name of the header.
    pub const HEADER: &str = "traceparent";

    /// Reads a header's value; `None` if it is not valid, as the standard says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        // A later version may have more parts; it may not be 255.
        let more = parts.next().is_some();
        let valid = trace != 0 && span != 0 && version != 0xff && (version > 0 || !more);
        valid.then_some(Self {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }

    /// A new trace that nobody was told of.
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Self {
            trace: u128::from_be_bytes(random.bytes()).max(1),
            span: span(random),
            sampled: true,
        }
    }

    /// The trace of something that has an id: everybody who knows the id knows its trace and its span.
    #[must_use]
    pub fn of(id: Uuid) -> Self {
        let trace = id.as_u128().max(1);
        // The second half of an id is random.
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        let span = (trace as u64).max(1);
        Self {
            trace,
            span,
            sampled: true,
        }
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn child(&self, random: &Random) -> Self {
        Self {
            span: span(random),
            ..*self
        }
    }
}

fn span(random: &Random) -> u64 {
    u64::from_be_bytes(random.bytes()).max(1)
}

/// So many hexadecimal digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(lower) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_valid_is_read_and_written() {
        let parent = TraceParent::parse(TEXT).unwrap();
        assert_eq!(parent.to_string(), TEXT);
        assert!(parent.sampled);
        let quiet = TEXT.replace("-01", "-00");
        assert!(!TraceParent::parse(&quiet).unwrap().sampled);
        // What a later version may say beside it is for those who know it.
        let later = format!("cc{}-more", &TEXT[2..]);
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn what_is_not_valid_is_none() {
        for wrong in [
            "",
            "00",
            &format!("{TEXT}-more"),
            &TEXT.replace("00-4b", "ff-4b"),
            &TEXT.to_uppercase(),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace("4736", "47"),
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_child_is_of_the_same_trace() {
        let random = Random::seeded(1);
        let parent = TraceParent::new(&random);
        let child = parent.child(&random);
        assert_eq!(child.trace, parent.trace);
        assert_ne!(child.span, parent.span);
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        let of_id = TraceParent::of(id);
        assert_eq!(
            (of_id.trace, of_id.span),
            (id.as_u128(), 0x0011_2233_4455_6677)
        );
    }
}
