//! Days of UTC, as whole numbers that sort: 20261121.

use chrono::{DateTime, Datelike as _, NaiveDate};
use vocab::Timestamp;

/// A day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(i64);

impl Day {
    /// The day of an instant.
    pub fn of(at: Timestamp) -> Self {
        let date = DateTime::from_timestamp(at.as_seconds(), 0).unwrap_or_default();
        Self(i64::from(date.year()) * 10_000 + i64::from(date.month() * 100 + date.day()))
    }

    /// In the calendar.
    pub fn date(self) -> NaiveDate {
        let part = |number: i64| u32::try_from(number).unwrap_or_default();
        let year = i32::try_from(self.0 / 10_000).unwrap_or_default();
        let (month, day) = (part(self.0 / 100 % 100), part(self.0 % 100));
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
    }

    /// As it is stored.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// A stored day.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Where its month begins; no day has this number.
    pub const fn month(self) -> i64 {
        self.0 / 100 * 100
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = (self.0 / 10_000, self.0 / 100 % 100, self.0 % 100);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl std::str::FromStr for Day {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, chrono::ParseError> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")?;
        Ok(Self(
            i64::from(date.year()) * 10_000 + i64::from(date.month() * 100 + date.day()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_sort_and_read_back() {
        let day = |text: &str| Day::of(text.parse().unwrap());
        let last = day("2026-01-31T23:59:59.999999Z");
        assert_eq!((last.number(), last.month()), (20_260_131, 20_260_100));
        assert_eq!(day("2026-02-01T00:00:00Z").number(), 20_260_201);
        assert_eq!(last.to_string(), "2026-01-31");
        assert_eq!("2026-01-31".parse(), Ok(last));
        assert!("2026-02-30".parse::<Day>().is_err());
    }
}
