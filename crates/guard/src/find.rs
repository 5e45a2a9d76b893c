//! Finding in one text.

use std::ops::Range;

use regex_automata::{Anchored, Input};

use crate::Category;
use crate::judge::{Verdict, judged};
use crate::patterns::{AUTOMATON, judge};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, in bytes. The ends are between characters.
    pub range: Range<usize>,
    /// What.
    pub category: Category,
}

/// What there is in a text, from the left, nothing twice.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let (mut found, mut at): (Vec<Found>, usize) = (Vec::new(), 0);
    while at < bytes.len() {
        let input = Input::new(bytes).range(at..).anchored(Anchored::No);
        let Some(proposed) = AUTOMATON.search(&input) else {
            break;
        };
        let after = found.last().map_or(0, |it| it.range.end);
        let who = judge(proposed.pattern().as_usize());
        at = match judged(who, bytes, proposed.range(), after, &mut found) {
            Verdict::Taken => {
                let end = found.last().map_or(0, |it| it.range.end);
                end.max(proposed.start() + 1)
            }
            Verdict::PassBy => proposed.end().max(proposed.start() + 1),
            Verdict::PassTo(end) => end.max(proposed.start() + 1),
            Verdict::LookWithin => proposed.start() + 1,
        };
    }
    found
}
