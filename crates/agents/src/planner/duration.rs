//! Durations as people write them.

use std::fmt;
use std::time::Duration;

use vocab::limits::TIMER_MAX;

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads numbers with their units, such as `1h 30m`, added up. Nothing if it is not a duration or
/// lasts longer than [`TIMER_MAX`].
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let unit = after[..letters].to_ascii_lowercase();
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.checked_mul(*factor)?)?;
        rest = after[letters..].trim_start();
        any = true;
    }
    let wait = Duration::from_millis(millis);
    (any && wait <= TIMER_MAX).then_some(wait)
}

/// A duration as it is written in a step.
pub(super) struct Written(pub Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_millis();
        let mut separator = "";
        for (name, factor) in UNITS {
            let count = left / u128::from(factor);
            left %= u128::from(factor);
            if count > 0 {
                write!(f, "{separator}{count}{name}")?;
                separator = " ";
            }
        }
        if separator.is_empty() {
            f.write_str("0ms")
        } else {
            Ok(())
        }
    }
}
