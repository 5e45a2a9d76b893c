//! What an organisation's calls are held against, for as long as it may be believed.

use std::sync::Arc;

use vocab::Timestamp;
use vocab::limits::TOOL_LIMITS_FRESH_FOR;

use crate::plans::Rules;

/// What was read last, at most.
#[derive(Default)]
pub(super) struct Known {
    held: Option<(Timestamp, Arc<Rules>)>,
    /// Rises with each change; what was read before one is not kept after it.
    version: u64,
}

impl Known {
    /// What was read less than a second ago.
    pub fn fresh(&self, now: Timestamp) -> Option<Arc<Rules>> {
        let (at, rules) = self.held.as_ref()?;
        let is_fresh = *at <= now && now.since(*at) < TOOL_LIMITS_FRESH_FOR;
        is_fresh.then(|| Arc::clone(rules))
    }

    /// To be asked before one reads.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Keeps what was begun to be read at this instant and version.
    pub fn keep(&mut self, version: u64, at: Timestamp, rules: &Arc<Rules>) {
        let later = self.held.as_ref().is_some_and(|(held, _)| *held > at);
        if version == self.version && !later {
            self.held = Some((at, Arc::clone(rules)));
        }
    }

    /// What was read holds no longer.
    pub fn forget(&mut self) {
        self.version += 1;
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{Bounds, Plans};

    fn rules(calls: u64) -> Arc<Rules> {
        Arc::new(Rules {
            plan: Plans::unlimited().of_organisation(None),
            own: Bounds {
                tool_calls_per_day: Some(calls),
                ..Bounds::default()
            },
        })
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let at = Timestamp::from_micros;
        let mut known = Known::default();
        let before = known.version();
        known.forget();
        known.keep(before, at(1), &rules(1));
        assert_eq!(known.fresh(at(1)), None);
        known.keep(known.version(), at(1), &rules(2));
        assert_eq!(known.fresh(at(1)), Some(rules(2)));
    }

    #[test]
    fn of_two_that_read_at_once_the_later_one_is_kept() {
        let at = Timestamp::from_micros;
        let mut known = Known::default();
        known.keep(0, at(2), &rules(2));
        known.keep(0, at(1), &rules(1));
        assert_eq!(known.fresh(at(2)), Some(rules(2)));
        assert_eq!(known.fresh(at(1_000_002)), None, "a second is over");
        assert_eq!(known.fresh(at(1)), None, "the clock went back");
    }
}
