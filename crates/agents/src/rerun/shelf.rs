//! What the record has to serve: results by intent, and signals by when they came.

use std::collections::VecDeque;

use runs::{MODEL_CALL, Noted, Recorded, What};
use serde_json::Value;
use vocab::{Digest, canonical};

use super::report::{How, Row, recorded};

/// The steps of the record, each to be taken once; again only if it may be repeated.
pub(super) struct Shelf(Vec<Kept>);

struct Kept {
    row: Row,
    asked: Option<Digest>,
    idempotent: bool,
    taken: bool,
}

impl Shelf {
    pub(super) fn of(run: &Recorded) -> Self {
        let idempotent = |step: u32| {
            run.noted.iter().any(|it| {
                it.step == step
                    && matches!(
                        it.what,
                        What::Asked {
                            idempotent: true,
                            ..
                        }
                    )
            })
        };
        let kept = recorded(run).into_iter().map(|row| Kept {
            asked: row.arguments.as_ref().and_then(digest),
            idempotent: idempotent(row.step),
            taken: false,
            row,
        });
        Self(kept.collect())
    }

    /// What became of a step of the record.
    pub(super) fn take_step(&mut self, step: u32) -> Option<Row> {
        let kept = self.0.iter_mut().find(|it| it.row.step == step)?;
        kept.taken = true;
        Some(kept.row.clone())
    }

    /// What the record has for an intent. A call that never became one is known by its step alone.
    pub(super) fn take(&mut self, step: u32, tool: &str, arguments: &Value) -> Option<Row> {
        let asked = digest(arguments);
        let fits = |it: &&mut Kept| {
            it.row.tool == tool
                && it.row.tool != MODEL_CALL
                && it.row.result.is_some()
                && match it.asked {
                    Some(_) => it.asked == asked,
                    None => it.row.step == step,
                }
        };
        let all = &mut self.0;
        let fresh = all.iter_mut().filter(fits).find(|it| !it.taken);
        let found = match fresh {
            Some(found) => found,
            None => self.0.iter_mut().filter(fits).find(|it| it.idempotent)?,
        };
        found.taken = true;
        Some(Row {
            how: How::Recorded,
            ..found.row.clone()
        })
    }
}

fn digest(arguments: &Value) -> Option<Digest> {
    canonical::digest(arguments).ok()
}

/// The signals of the record that were not handed on yet: which entry, after how many questions.
pub(super) struct Signals(VecDeque<(u32, usize, String, Value)>);

impl Signals {
    pub(super) fn of(run: &Recorded) -> Self {
        let mut questions = 0;
        let mut signals = VecDeque::new();
        for Noted { seq, what, .. } in &run.noted {
            match what {
                What::Asked { tool, .. } if tool == MODEL_CALL => questions += 1,
                What::Signalled { name, carried } => {
                    signals.push_back((*seq, questions, name.clone(), carried.clone()));
                }
                What::Asked { .. }
                | What::Context(_)
                | What::Decided(_)
                | What::Ended { .. }
                | What::TimerFired => {}
            }
        }
        Self(signals)
    }

    /// The signals up to this entry were handed on.
    pub(super) fn pass(&mut self, seq: u32) {
        self.0.retain(|(at, ..)| *at > seq);
    }

    /// The next one that had come when so many questions were asked.
    pub(super) fn due(&mut self, questions: usize) -> Option<(String, Value)> {
        let (_, after, ..) = self.0.front()?;
        if *after > questions {
            return None;
        }
        self.0
            .pop_front()
            .map(|(.., name, carried)| (name, carried))
    }
}
