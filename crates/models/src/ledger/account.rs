//! What one scope has spent, and whether it may spend more.

use std::time::{Duration, Instant};

use vocab::{Timestamp, Window};

use super::day::Day;
use crate::model::Limits;

/// What a scope has spent. All sums are micro-USD.
#[derive(Debug)]
pub(crate) struct Account {
    day: Day,
    /// What the database said, by all processes: today, this month, and ever (of runs alone).
    pub stored: Sums,
    /// Settled by this process and not in the database yet.
    pub unstored: u64,
    /// What this process's open calls may cost.
    pub reserved: u64,
    requests: Window,
    tokens: Window,
    /// When the database was asked.
    pub read_at: Instant,
    /// Whether a call has it asked again already.
    ahead: bool,
    /// When somebody asked for it.
    pub used_at: Instant,
}

/// What the database says that a scope has spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub day: u64,
    pub month: u64,
    /// Of a run; of anything else it is not asked.
    pub ever: u64,
}

/// For how long a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A day of UTC.
    Day,
    /// A month of UTC.
    Month,
    /// One run.
    Run,
}

impl Period {
    /// In words, after "its limit for".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "the day",
            Self::Month => "the month",
            Self::Run => "the run",
        }
    }
}

/// Why an account does not take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// It would spend more than it may.
    Budget {
        period: Period,
        limit: u64,
        spent: u64,
    },
    /// So many calls in a minute are its limit.
    Requests { limit: u32, wait_ms: u64 },
    /// So many tokens in a minute are its limit.
    Tokens { limit: u64, wait_ms: u64 },
}

impl Account {
    pub fn new(stored: Sums, unstored: u64, reserved: u64, now: Timestamp) -> Self {
        Self {
            day: Day::of(now),
            stored,
            unstored,
            reserved,
            requests: Window::default(),
            tokens: Window::default(),
            read_at: Instant::now(),
            ahead: false,
            used_at: Instant::now(),
        }
    }

    /// Takes over what the database says now; the windows go on.
    pub fn refresh(&mut self, stored: Sums, unstored: u64, now: Timestamp) {
        self.day = Day::of(now);
        self.stored = stored;
        self.unstored = unstored;
        self.read_at = Instant::now();
        self.ahead = false;
    }

    /// Whether its sums are so old, and nobody was told so before.
    pub fn ages(&mut self, age: Duration) -> bool {
        self.read_at.elapsed() >= age && !std::mem::replace(&mut self.ahead, true)
    }

    /// Whether it takes a call of this cost and so many tokens.
    pub fn check(
        &mut self,
        limits: &Limits,
        cost: u64,
        tokens: u64,
        now: Timestamp,
    ) -> Result<(), Full> {
        self.roll(now);
        let open = self.unstored.saturating_add(self.reserved);
        let budgets = [
            (Period::Day, limits.daily_usd_micros, self.stored.day),
            (Period::Month, limits.monthly_usd_micros, self.stored.month),
            (Period::Run, limits.per_run_usd_micros, self.stored.ever),
        ];
        for (period, limit, stored) in budgets {
            let Some(limit) = limit else { continue };
            let spent = stored.saturating_add(open);
            if spent.saturating_add(cost) > limit {
                return Err(Full::Budget {
                    period,
                    limit,
                    spent,
                });
            }
        }
        if let Some(limit) = limits.requests_per_minute
            && let Some(wait_ms) = self.requests.wait_ms(1, limit.into(), now)
        {
            return Err(Full::Requests { limit, wait_ms });
        }
        if let Some(limit) = limits.tokens_per_minute
            && let Some(wait_ms) = self.tokens.wait_ms(tokens, limit, now)
        {
            return Err(Full::Tokens { limit, wait_ms });
        }
        Ok(())
    }

    /// Lets a call in.
    pub fn reserve(&mut self, cost: u64, tokens: u64, now: Timestamp) {
        self.used_at = Instant::now();
        self.reserved = self.reserved.saturating_add(cost);
        self.requests.add(1, now);
        self.tokens.add(tokens, now);
    }

    /// Puts what a call did cost in the place of what it might have cost, as was counted when it was
    /// let in.
    pub fn settle(
        &mut self,
        reserved: Spent,
        actual: Spent,
        (counted, now): (Timestamp, Timestamp),
    ) {
        self.reserved = self.reserved.saturating_sub(reserved.cost);
        self.unstored = self.unstored.saturating_add(actual.cost);
        match reserved.tokens.checked_sub(actual.tokens) {
            Some(less) => self.tokens.take_back(less, counted, now),
            None => self.tokens.add(actual.tokens - reserved.tokens, now),
        }
    }

    /// What was settled is in the database now.
    pub fn store(&mut self, cost: u64, day: Day) {
        self.unstored = self.unstored.saturating_sub(cost);
        self.stored.ever = self.stored.ever.saturating_add(cost);
        if day.month() == self.day.month() {
            self.stored.month = self.stored.month.saturating_add(cost);
        }
        if day == self.day {
            self.stored.day = self.stored.day.saturating_add(cost);
        }
    }

    /// Whether nothing would be lost by forgetting it.
    pub fn is_idle(&self) -> bool {
        self.reserved == 0 && self.unstored == 0
    }

    fn roll(&mut self, now: Timestamp) {
        let today = Day::of(now);
        if today == self.day {
            return;
        }
        self.stored.day = 0;
        if today.month() != self.day.month() {
            self.stored.month = 0;
        }
        self.day = today;
    }
}

/// What a call costs, or may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// In micro-USD.
    pub cost: u64,
    /// Read and written.
    pub tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn spent(cost: u64, tokens: u64) -> Spent {
        Spent { cost, tokens }
    }

    #[test]
    fn what_is_open_counts_and_what_was_too_much_is_given_back() {
        let now = at("2026-01-31T12:00:00Z");
        let limits = Limits {
            daily_usd_micros: Some(100),
            ..Limits::default()
        };
        let mut account = Account::new(
            Sums {
                day: 40,
                month: 40,
                ever: 40,
            },
            0,
            0,
            now,
        );
        assert_eq!(account.check(&limits, 60, 0, now), Ok(()));
        account.reserve(60, 0, now);
        let full = Full::Budget {
            period: Period::Day,
            limit: 100,
            spent: 100,
        };
        assert_eq!(account.check(&limits, 1, 0, now), Err(full));
        assert_eq!(
            account.check(&limits, 0, 0, now),
            Ok(()),
            "what costs nothing fits always"
        );
        account.settle(spent(60, 0), spent(25, 0), (now, now));
        assert_eq!(account.check(&limits, 35, 0, now), Ok(()));
        assert!(account.check(&limits, 36, 0, now).is_err());
        // Storing it changes nothing.
        account.store(25, Day::of(now));
        assert_eq!(
            (account.stored.day, account.unstored, account.is_idle()),
            (65, 0, true)
        );
        assert!(account.check(&limits, 36, 0, now).is_err());
    }

    #[test]
    fn a_new_day_and_a_new_month_begin_at_nothing() {
        let limits = Limits {
            daily_usd_micros: Some(100),
            monthly_usd_micros: Some(150),
            ..Limits::default()
        };
        let late = at("2026-01-30T23:59:59Z");
        let mut account = Account::new(
            Sums {
                day: 90,
                month: 90,
                ever: 0,
            },
            0,
            0,
            late,
        );
        assert!(account.check(&limits, 11, 0, late).is_err());
        let next = at("2026-01-31T00:00:00Z");
        assert_eq!(account.check(&limits, 60, 0, next), Ok(()));
        let month = Full::Budget {
            period: Period::Month,
            limit: 150,
            spent: 90,
        };
        assert_eq!(account.check(&limits, 61, 0, next), Err(month));
        assert_eq!(
            account.check(&limits, 100, 0, at("2026-02-01T00:00:00Z")),
            Ok(())
        );
    }

    #[test]
    fn a_run_counts_over_midnight() {
        let limits = Limits {
            per_run_usd_micros: Some(100),
            ..Limits::default()
        };
        let mut account = Account::new(
            Sums {
                day: 0,
                month: 0,
                ever: 90,
            },
            0,
            0,
            at("2026-01-31T23:00:00Z"),
        );
        assert!(
            account
                .check(&limits, 11, 0, at("2026-02-01T01:00:00Z"))
                .is_err()
        );
        assert_eq!(
            account.check(&limits, 10, 0, at("2026-02-01T01:00:00Z")),
            Ok(())
        );
    }

    #[test]
    fn tokens_are_given_back_to_the_minute_that_they_were_counted_in() {
        let (reserved, now) = (at("2026-01-31T12:00:59Z"), at("2026-01-31T12:01:01Z"));
        let limits = Limits {
            tokens_per_minute: Some(1_000),
            ..Limits::default()
        };
        let mut account = Account::new(Sums::default(), 0, 0, reserved);
        account.reserve(0, 900, reserved);
        assert!(account.check(&limits, 0, 900, now).is_err());
        account.settle(spent(0, 900), spent(0, 100), (reserved, now));
        assert_eq!(account.check(&limits, 0, 900, now), Ok(()));
    }

    #[test]
    fn tokens_are_corrected_when_they_are_known() {
        let now = at("2026-01-31T12:00:01Z");
        let limits = Limits {
            tokens_per_minute: Some(1_000),
            ..Limits::default()
        };
        let mut account = Account::new(Sums::default(), 0, 0, now);
        account.reserve(0, 900, now);
        assert!(matches!(
            account.check(&limits, 0, 200, now),
            Err(Full::Tokens { .. })
        ));
        account.settle(spent(0, 900), spent(0, 100), (now, now));
        assert_eq!(account.check(&limits, 0, 200, now), Ok(()));
        account.reserve(0, 200, now);
        account.settle(spent(0, 200), spent(0, 900), (now, now));
        assert!(account.check(&limits, 0, 1, now).is_err());
    }

    #[test]
    fn calls_in_a_minute_are_counted() {
        let now = at("2026-01-31T12:00:01Z");
        let limits = Limits {
            requests_per_minute: Some(2),
            ..Limits::default()
        };
        let mut account = Account::new(Sums::default(), 0, 0, now);
        for _ in 0..2 {
            assert_eq!(account.check(&limits, 0, 0, now), Ok(()));
            account.reserve(0, 0, now);
        }
        assert!(matches!(
            account.check(&limits, 0, 0, now),
            Err(Full::Requests { limit: 2, .. })
        ));
    }
}
