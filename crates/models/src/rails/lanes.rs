//! The texts of one answer, each of which comes in pieces: what is found in them, and what of a piece
//! is to be replaced.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Range;

use guard::{Counts, Flow};
use policy::exchange::{Blocked, Exchange};

/// All texts of an answer, by what they are called.
pub(super) struct Lanes<K> {
    lanes: HashMap<K, Lane>,
    exchange: Box<Exchange>,
}

#[derive(Default)]
struct Lane {
    flow: Flow,
    /// What is to be masked, in order.
    masked: VecDeque<Masked>,
}

struct Masked {
    range: Range<usize>,
    placeholder: &'static str,
    /// It was a number of JSON.
    number: bool,
}

/// What is to be replaced in a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Which part of the piece, in bytes.
    pub range: Range<usize>,
    /// What stands there instead; nothing, where the placeholder stands in an earlier piece.
    pub placeholder: &'static str,
    /// Whether it needs quotes around it.
    pub number: bool,
}

impl<K: Eq + Hash + Clone> Lanes<K> {
    pub fn new(exchange: Box<Exchange>) -> Self {
        Self {
            lanes: HashMap::new(),
            exchange,
        }
    }

    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// More of a text; where in it the piece stands.
    pub fn push(&mut self, lane: &K, piece: &str) -> Result<Range<usize>, Blocked> {
        let lane = self.lanes.entry(lane.clone()).or_default();
        let start = lane.flow.len();
        let passed = lane.flow.push(piece);
        let end = lane.flow.len();
        settle(&mut self.exchange, &mut lane.masked, passed)?;
        Ok(start..end)
    }

    /// No text goes on from where it is.
    pub fn flush(&mut self) -> Result<(), Blocked> {
        for lane in self.lanes.values_mut() {
            let passed = lane.flow.flush();
            settle(&mut self.exchange, &mut lane.masked, passed)?;
        }
        Ok(())
    }

    /// Whether everything about this piece is decided.
    pub fn is_decided(&self, lane: &K, piece: &Range<usize>) -> bool {
        self.lanes
            .get(lane)
            .is_none_or(|it| piece.end <= it.flow.decided())
    }

    /// What is to be replaced in a piece, which is asked for in the order of the text.
    pub fn cuts(&mut self, lane: &K, piece: &Range<usize>) -> Vec<Cut> {
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Vec::new();
        };
        while lane
            .masked
            .front()
            .is_some_and(|it| it.range.end <= piece.start)
        {
            lane.masked.pop_front();
        }
        let touching = lane
            .masked
            .iter()
            .take_while(|it| it.range.start < piece.end);
        let cut = |it: &Masked| {
            let begins = it.range.start >= piece.start;
            Cut {
                range: it.range.start.max(piece.start) - piece.start
                    ..it.range.end.min(piece.end) - piece.start,
                placeholder: if begins { it.placeholder } else { "" },
                number: begins && it.number,
            }
        };
        touching.map(cut).collect()
    }
}

fn settle(
    exchange: &mut Exchange,
    masked: &mut VecDeque<Masked>,
    passed: Vec<guard::Passed>,
) -> Result<(), Blocked> {
    for one in passed {
        if exchange.hear(one.category)? {
            let mut counts = Counts::default();
            counts.add(one.category);
            exchange.note(&counts);
            masked.push_back(Masked {
                range: one.range,
                placeholder: one.category.placeholder(),
                number: one.number,
            });
        }
    }
    Ok(())
}
