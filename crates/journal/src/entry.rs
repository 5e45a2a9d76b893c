//! The canonical bytes of a sealed event.
//!
//! The parts are stored as canonical JSON already, so the whole is put together by concatenation:
//! the members of the object stand in RFC 8785 order below, and a test holds the result against
//! the canonical form of the same object built as a value.

use std::fmt::Write as _;

use vocab::ids::IdKind;
use vocab::{Digest, EventId, Id, OrgId, RunId, SessionId, Timestamp};

use crate::hex;

/// The predecessor that the first event of an organisation names.
pub const GENESIS: Digest = Digest::ZERO;

/// An event with everything but its place in the record. `actor`, `data` and `content` are
/// canonical JSON text.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The chain of who acted, a canonical object of ids.
    pub actor: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// A canonical array of content digests, if there are any.
    pub content: Option<&'a str>,
    /// Small facts, a canonical object.
    pub data: &'a str,
    /// Its id.
    pub id: EventId,
    /// What happened, as `noun.verb`.
    pub kind: &'a str,
    /// Whose record it belongs to.
    pub org: OrgId,
    /// The run it is about.
    pub run: Option<RunId>,
    /// Its place in that run's journal.
    pub run_seq: Option<u32>,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The id of what it happened to.
    pub subject: &'a str,
}

impl Entry<'_> {
    /// Appends the canonical bytes of this event as number `seq` after the event with hash `prev`.
    pub fn write(&self, seq: u64, prev: &Digest, out: &mut String) {
        out.reserve(512 + self.actor.len() + self.data.len());
        out.push_str("{\"actor\":");
        out.push_str(self.actor);
        out.push_str(",\"at\":\"");
        push_time(out, self.at);
        out.push('"');
        if let Some(content) = self.content {
            out.push_str(",\"content\":");
            out.push_str(content);
        }
        out.push_str(",\"data\":");
        out.push_str(self.data);
        push_id(out, ",\"id\":\"", &self.id);
        out.push_str("\",\"kind\":\"");
        out.push_str(self.kind);
        push_id(out, "\",\"org\":\"", &self.org);
        out.push_str("\",\"prev\":\"");
        hex::push_digest(out, prev);
        out.push('"');
        if let Some(run) = &self.run {
            push_id(out, ",\"run\":\"", run);
            out.push('"');
        }
        if let Some(run_seq) = self.run_seq {
            out.push_str(",\"run_seq\":");
            push_number(out, run_seq.into());
        }
        out.push_str(",\"seq\":");
        push_number(out, seq);
        if let Some(session) = &self.session {
            push_id(out, ",\"session\":\"", session);
            out.push('"');
        }
        out.push_str(",\"subject\":");
        push_string(out, self.subject);
        out.push_str(",\"v\":1}");
    }
}

/// The hash of an event: SHA-256 over its canonical bytes.
#[must_use]
pub fn hash(canonical: &[u8]) -> Digest {
    Digest::of(canonical)
}

fn push_id<K: IdKind>(out: &mut String, before: &str, id: &Id<K>) {
    let uuid = id.uuid();
    out.push_str(before);
    out.push_str(K::PREFIX);
    out.push('_');
    let bytes = uuid.as_bytes();
    for (index, group) in [
        &bytes[..4],
        &bytes[4..6],
        &bytes[6..8],
        &bytes[8..10],
        &bytes[10..],
    ]
    .into_iter()
    .enumerate()
    {
        if index > 0 {
            out.push('-');
        }
        hex::push(out, group);
    }
}

fn push_number(out: &mut String, number: u64) {
    // Writing to a string can't fail.
    let _ = write!(out, "{number}");
}

/// RFC 8785 escapes exactly what JSON requires, which is what `serde_json` does.
fn push_string(out: &mut String, text: &str) {
    let plain = text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        let _ = write!(out, "{}", serde_json::Value::from(text));
    }
}

/// The instant as [`Timestamp`] prints it. Years of four digits take the short way: the civil date
/// from the number of days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn push_time(out: &mut String, at: Timestamp) {
    const FIRST_YEAR_10000: i64 = 253_402_300_800_000_000;
    let micros = at.as_micros();
    if !(0..FIRST_YEAR_10000).contains(&micros) {
        let _ = write!(out, "{at}");
        return;
    }
    let (days, in_day) = (micros / 86_400_000_000, micros % 86_400_000_000);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let seconds = in_day / 1_000_000;
    push_padded(out, year, 1_000, '-');
    push_padded(out, month, 10, '-');
    push_padded(out, day, 10, 'T');
    push_padded(out, seconds / 3_600, 10, ':');
    push_padded(out, seconds / 60 % 60, 10, ':');
    push_padded(out, seconds % 60, 10, '.');
    push_padded(out, in_day % 1_000_000, 100_000, 'Z');
}

/// The digits of a number from the place of `unit` down, and a mark after them.
fn push_padded(out: &mut String, number: i64, mut unit: i64, after: char) {
    while unit > 0 {
        let digit = u8::try_from(number / unit % 10).unwrap_or(0);
        out.push(char::from(b'0' + digit));
        unit /= 10;
    }
    out.push(after);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vocab::{Clock, Random};

    use super::*;

    proptest! {
        #[test]
        fn an_instant_is_written_as_everywhere_else(micros in any::<i64>()) {
            for micros in [micros, micros.rem_euclid(253_402_300_800_000_000)] {
                let at = Timestamp::from_micros(micros);
                let mut text = String::new();
                push_time(&mut text, at);
                prop_assert_eq!(text, at.to_string());
            }
        }

        #[test]
        fn a_string_is_escaped_as_rfc_8785_says(text in any::<String>()) {
            let mut out = String::new();
            push_string(&mut out, &text);
            prop_assert_eq!(out, vocab::canonical::to_string(&text.into()).unwrap());
        }

        #[test]
        fn an_id_is_written_as_everywhere_else(seed in any::<u64>()) {
            let id = OrgId::generate(&Clock::system(), &Random::seeded(seed));
            let mut out = String::new();
            push_id(&mut out, "", &id);
            prop_assert_eq!(out, id.to_string());
        }
    }
}
