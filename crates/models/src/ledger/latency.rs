//! How long calls took: a histogram for each hour of UTC.
//!
//! Its buckets are those of OpenTelemetry's exponential histogram at scale 2, over microseconds: four to
//! a doubling, so that a percentile is within a tenth of what it was, and histograms of hours and of
//! processes add up.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use vocab::Timestamp;

use super::day::Day;
use super::record::{Call, End, Outcome};

const SECONDS: i64 = 3_600;
const TO_A_DOUBLING: f64 = 4.0;

/// An hour of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hour(i64);

impl Hour {
    pub const fn of(at: Timestamp) -> Self {
        Self(at.as_seconds().div_euclid(SECONDS))
    }

    /// The first hour of a day.
    pub fn first_of(day: Day) -> Self {
        let days = day.date().signed_duration_since(NaiveDate::default());
        Self(days.num_days() * 24)
    }

    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0 + days * 24)
    }

    pub const fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0) / 24
    }

    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(SECONDS * 1_000_000))
    }

    /// As it is stored: hours since 1970.
    pub const fn number(self) -> i64 {
        self.0
    }

    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// A bucket of the histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket(u8);

impl Bucket {
    pub fn of(took: Duration) -> Self {
        let micros = (took.as_secs_f64() * 1e6).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 255: a float that is cast stops at the ends"
        )]
        Self((micros.log2() * TO_A_DOUBLING).floor() as u8)
    }

    /// The middle of it, in milliseconds.
    pub fn middle_ms(self) -> f64 {
        ((f64::from(self.0) + 0.5) / TO_A_DOUBLING).exp2() / 1e3
    }

    pub const fn number(self) -> u8 {
        self.0
    }

    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }
}

/// What is counted in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Took {
    /// Calls that were answered in this time.
    pub answered: u64,
    /// Calls whose answer began after this time.
    pub first_byte: u64,
    /// Calls that failed after this time.
    pub failed: u64,
}

/// Counts by hour, model and bucket.
#[derive(Debug, Default)]
pub(crate) struct Latencies(pub BTreeMap<(Hour, String, Bucket), Took>);

impl Latencies {
    /// Adds a call that has ended. One that was cut or given up says how long it took to begin alone.
    pub fn add(&mut self, call: &Call, served: &str, outcome: &Outcome) {
        let hour = Hour::of(call.at);
        let took = outcome.ended_at.map(|ended| ended.since(call.at));
        let mut count = |took: Duration, counted: fn(&mut Took) -> &mut u64| {
            let key = (hour, served.to_owned(), Bucket::of(took));
            *counted(self.0.entry(key).or_default()) += 1;
        };
        if let Some(first) = outcome.first_byte {
            count(first, |it| &mut it.first_byte);
        }
        match (outcome.end, took) {
            (End::Answered, Some(took)) => count(took, |it| &mut it.answered),
            (End::Failed(_), Some(took)) => count(took, |it| &mut it.failed),
            (End::Cut | End::Abandoned | End::Lost, _) | (_, None) => {}
        }
    }
}

/// The value below which a share of what is counted lies, from buckets in their order.
pub(crate) fn percentile(counts: &[(Bucket, u64)], share: f64) -> Option<f64> {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let wanted = all as f64 * share;
    let mut seen = 0;
    let found = counts.iter().find(|(_, count)| {
        seen += count;
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let below = seen as f64;
        *count > 0 && below >= wanted
    });
    found.map(|(bucket, _)| bucket.middle_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_within_a_tenth() {
        for micros in [1, 900, 1_234, 77_000, 2_500_000, 600_000_000] {
            let took = Duration::from_micros(micros);
            let said = Bucket::of(took).middle_ms() / (took.as_secs_f64() * 1e3);
            assert!((0.9..1.2).contains(&said), "{micros}: {said}");
        }
        assert_eq!(
            Bucket::of(Duration::ZERO),
            Bucket::of(Duration::from_micros(1))
        );
    }

    #[test]
    fn percentiles_are_those_of_the_calls() {
        let (quick, slow) = (Duration::from_millis(10), Duration::from_secs(3));
        let counts = [(Bucket::of(quick), 95), (Bucket::of(slow), 5)];
        let near = |share, wanted: f64| {
            let said = percentile(&counts, share).unwrap();
            assert!((0.9..1.1).contains(&(said / wanted)), "{share}: {said}");
        };
        near(0.5, 10.0);
        near(0.95, 10.0);
        near(0.99, 3_000.0);
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn hours_and_days_agree() {
        let at: Timestamp = "2026-02-01T13:59:59.999999Z".parse().unwrap();
        let first = Hour::first_of(Day::of(at));
        assert_eq!(first.start().to_string(), "2026-02-01T00:00:00.000000Z");
        assert_eq!(Hour::of(at).number() - first.number(), 13);
        assert_eq!(first.plus_days(3).days_since(first), 3);
    }
}
