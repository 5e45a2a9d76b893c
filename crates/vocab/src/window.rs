//! How much of something there was in the last minute.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

const MINUTE_US: i64 = 60_000_000;

/// A sliding window over two minutes of the clock: the one before counts in proportion to how much of
/// it the window still covers. So a limit is kept over any minute to within how evenly the one before
/// was filled, with two numbers instead of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Window {
    minute: i64,
    current: u64,
    before: u64,
}

impl Window {
    /// How many milliseconds to wait until `more` fits under `limit`; `None` if it fits now.
    #[must_use]
    pub fn wait_ms(&mut self, more: u64, limit: u64, now: Timestamp) -> Option<u64> {
        self.roll(now);
        let into = now.as_micros().rem_euclid(MINUTE_US);
        if self.estimate(into).saturating_add(more) <= limit {
            return None;
        }
        let left = MINUTE_US - into;
        // Within this minute only what was before fades. If that is not enough, the next minute's
        // beginning is when to look again.
        let room = limit.checked_sub(self.current.saturating_add(more));
        let wait = match room {
            Some(room) if self.before > 0 => {
                let still = i64::try_from(u128::from(room) * 60_000_000 / u128::from(self.before));
                (left - still.unwrap_or(left)).clamp(1_000, left)
            }
            Some(_) | None => left,
        };
        Some(u64::try_from(wait).unwrap_or(0).div_ceil(1_000))
    }

    /// Counts.
    pub fn add(&mut self, more: u64, now: Timestamp) {
        self.roll(now);
        self.current = self.current.saturating_add(more);
    }

    /// Takes back what was counted too much at `counted`, as far as it still counts.
    pub fn take_back(&mut self, less: u64, counted: Timestamp, now: Timestamp) {
        self.roll(now);
        match self.minute - counted.as_micros().div_euclid(MINUTE_US) {
            0 => self.current = self.current.saturating_sub(less),
            1 => self.before = self.before.saturating_sub(less),
            _ => {}
        }
    }

    /// How much there was in the last minute.
    #[must_use]
    pub fn reading(mut self, now: Timestamp) -> u64 {
        self.roll(now);
        self.estimate(now.as_micros().rem_euclid(MINUTE_US))
    }

    fn roll(&mut self, now: Timestamp) {
        let minute = now.as_micros().div_euclid(MINUTE_US);
        if minute == self.minute {
            return;
        }
        let next = minute == self.minute + 1;
        self.before = if next { self.current } else { 0 };
        self.current = 0;
        self.minute = minute;
    }

    fn estimate(&self, into: i64) -> u64 {
        let covered = u128::from(u64::try_from(MINUTE_US - into).unwrap_or(0));
        let before = (u128::from(self.before) * covered).div_ceil(60_000_000);
        self.current
            .saturating_add(u64::try_from(before).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn a_limit_holds_over_the_edge_of_a_minute() {
        let mut window = Window::default();
        for _ in 0..10 {
            assert_eq!(window.wait_ms(1, 10, at(59_000)), None);
            window.add(1, at(59_000));
        }
        assert!(window.wait_ms(1, 10, at(59_000)).is_some());
        // A second later, in the next minute, nearly all of them still count.
        assert!(window.wait_ms(1, 10, at(60_000)).is_some());
        let wait = window.wait_ms(1, 10, at(60_000)).unwrap();
        assert_eq!(
            window.wait_ms(1, 10, at(60_000 + i64::try_from(wait).unwrap())),
            None,
            "{wait}"
        );
        assert!(
            window
                .wait_ms(1, 10, at(60_000 + i64::try_from(wait).unwrap() - 100))
                .is_some()
        );
        assert_eq!(window.wait_ms(10, 10, at(180_000)), None);
    }

    #[test]
    fn what_was_counted_too_much_is_taken_back() {
        let mut window = Window::default();
        window.add(1_000, at(0));
        assert_eq!(window.reading(at(0)), 1_000);
        assert_eq!(window.reading(at(90_000)), 500);
        assert!(window.wait_ms(1, 1_000, at(10)).is_some());
        window.take_back(900, at(0), at(20));
        assert_eq!(window.wait_ms(900, 1_000, at(30)), None);
        assert!(window.wait_ms(901, 1_000, at(30)).is_some());
        window.take_back(u64::MAX, at(0), at(40));
        assert_eq!(window.wait_ms(1_000, 1_000, at(50)), None);
    }

    #[test]
    fn what_is_taken_back_comes_off_the_minute_that_it_was_counted_in() {
        let mut window = Window::default();
        window.add(10, at(59_000));
        window.add(4, at(61_000));
        window.take_back(10, at(59_000), at(61_000));
        assert_eq!(window.reading(at(61_000)), 4);
        window.add(3, at(121_000));
        window.take_back(9, at(59_000), at(121_000));
        assert_eq!(window.reading(at(121_000)), 7, "it had faded by itself");
    }

    #[test]
    fn more_than_the_limit_never_fits_and_still_says_when_to_look_again() {
        let mut window = Window::default();
        assert_eq!(window.wait_ms(11, 10, at(15_000)), Some(45_000));
    }
}
