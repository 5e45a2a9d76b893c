//! The steps of an answer in the neutral form, held back as long as a match may be under way.

use std::collections::VecDeque;
use std::ops::Range;

use dialects::neutral::{Citation, Cited, Delta};
use guard::{Counts, find};
use policy::exchange::{Blocked, Exchange};

use super::lanes::Lanes;

/// A part of an answer, and which text of it.
type Lane = (u8, usize);

/// A piece of a text: which text, and where in it.
type Place = (Lane, Range<usize>);

/// Steps on their way.
pub(crate) struct Steps {
    lanes: Lanes<Lane>,
    held: VecDeque<(Delta, Option<Place>)>,
    /// Whether something of a text was replaced.
    changed: bool,
}

impl Steps {
    pub fn new(exchange: Box<Exchange>) -> Self {
        Self {
            lanes: Lanes::new(exchange),
            held: VecDeque::new(),
            changed: false,
        }
    }

    pub fn exchange(&self) -> &Exchange {
        self.lanes.exchange()
    }

    /// Takes the next steps, and gives those about which everything is decided.
    pub fn push(&mut self, steps: Vec<Delta>) -> Result<Vec<Delta>, Blocked> {
        for step in steps {
            if let Delta::Citation { citation, .. } = &step
                && !self.may_cite(citation)?
            {
                continue;
            }
            let place = match text_of(&step) {
                Some((lane, text)) => Some((lane, self.lanes.push(&lane, text)?)),
                None => {
                    // A part that ends has no more text; one that begins comes behind others.
                    if !matches!(step, Delta::Usage(_) | Delta::Citation { .. }) {
                        self.lanes.flush()?;
                    }
                    None
                }
            };
            self.held.push_back((step, place));
        }
        Ok(self.release())
    }

    /// Whether a citation goes on: not if what is to be masked stands in it, for an address with a
    /// placeholder is none.
    fn may_cite(&mut self, citation: &Citation) -> Result<bool, Blocked> {
        let (first, second) = match &citation.source {
            Cited::Url { url, title } => (url, title),
            Cited::File { id, name } => (id, name),
        };
        let mut counts = Counts::default();
        for found in find(first).into_iter().chain(find(second)) {
            if self.lanes.exchange_mut().hear(found.category)? {
                counts.add(found.category);
            }
        }
        self.lanes.exchange_mut().note(&counts);
        Ok(counts.is_empty())
    }

    /// Nothing more comes.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Blocked> {
        self.lanes.flush()?;
        Ok(self.release())
    }

    fn release(&mut self) -> Vec<Delta> {
        let mut out = Vec::new();
        while let Some((_, place)) = self.held.front() {
            let decided = |(lane, piece): &Place| self.lanes.is_decided(lane, piece);
            if !place.as_ref().is_none_or(decided) {
                break;
            }
            let Some((mut step, place)) = self.held.pop_front() else {
                break;
            };
            if let Delta::Citation { citation, .. } = &mut step
                && self.changed
            {
                // The text is not as long any more as the provider thinks.
                citation.span = None;
            }
            if let Some((lane, piece)) = place {
                let is_json = matches!(step, Delta::Arguments { .. });
                if let Some(text) = text_mut(&mut step) {
                    for cut in self.lanes.cuts(&lane, &piece).into_iter().rev() {
                        self.changed = true;
                        let quote = if is_json && cut.number { "\"" } else { "" };
                        let instead = format!("{quote}{}{quote}", cut.placeholder);
                        text.replace_range(cut.range, &instead);
                    }
                }
            }
            out.push(step);
        }
        out
    }
}

fn text_of(step: &Delta) -> Option<(Lane, &str)> {
    match step {
        Delta::Text { index, text } => Some(((0, *index), text)),
        Delta::Refusal { index, text } => Some(((1, *index), text)),
        Delta::Thinking { index, text } => Some(((2, *index), text)),
        Delta::Arguments { index, json } => Some(((3, *index), json)),
        Delta::Start { .. }
        | Delta::PartStart { .. }
        | Delta::Citation { .. }
        | Delta::Seal { .. }
        | Delta::PartStop { .. }
        | Delta::Stop(_)
        | Delta::Usage(_)
        | Delta::End
        | Delta::Error(_) => None,
    }
}

fn text_mut(step: &mut Delta) -> Option<&mut String> {
    match step {
        Delta::Text { text, .. } | Delta::Refusal { text, .. } | Delta::Thinking { text, .. } => {
            Some(text)
        }
        Delta::Arguments { json, .. } => Some(json),
        Delta::Start { .. }
        | Delta::PartStart { .. }
        | Delta::Citation { .. }
        | Delta::Seal { .. }
        | Delta::PartStop { .. }
        | Delta::Stop(_)
        | Delta::Usage(_)
        | Delta::End
        | Delta::Error(_) => None,
    }
}
