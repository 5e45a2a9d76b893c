//! Rounds of tool calls, and whether they lead anywhere.

use std::hash::{DefaultHasher, Hash, Hasher};

use runs::{Effect, ToolResult, Wanted};
use tools::output;
use vocab::limits;

use crate::conversation::Part;

/// After how many rounds with the same calls and results the model is told so.
const WARN_AFTER: u32 = 3;
/// After how many the turn ends.
const STOP_AFTER: u32 = 6;
/// How many calls of one reply are carried out.
const CALLS_MAX: usize = 32;

/// One call: what it asks for, or why that can't be.
pub(super) struct Call {
    pub id: String,
    pub effect: Result<Effect, String>,
}

/// The calls of one reply.
pub(super) struct Round {
    calls: Vec<Placed>,
}

struct Placed {
    id: String,
    /// Its step and effect, where it has one.
    asks: Option<(u32, Effect)>,
    /// What it gave, and whether that is a failure.
    gave: Option<(String, bool)>,
}

impl Round {
    pub(super) fn of(calls: Vec<Call>, mut step: impl FnMut() -> u32) -> Self {
        let place = |(at, Call { id, effect }): (usize, Call)| match effect {
            Ok(_) if at >= CALLS_MAX => {
                let why = format!("At most {CALLS_MAX} calls are carried out at once.");
                Placed {
                    id,
                    asks: None,
                    gave: Some((why, true)),
                }
            }
            Ok(effect) => Placed {
                id,
                asks: Some((step(), effect)),
                gave: None,
            },
            Err(why) => Placed {
                id,
                asks: None,
                gave: Some((why, true)),
            },
        };
        let calls = calls.into_iter().enumerate().map(place).collect();
        Self { calls }
    }

    /// All that was asked for.
    pub(super) fn effects(&self) -> impl Iterator<Item = &Effect> {
        let asked = self.calls.iter().filter_map(|it| it.asks.as_ref());
        asked.map(|(_, effect)| effect)
    }

    /// What is still to be done.
    pub(super) fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let open = self.calls.iter().filter(|it| it.gave.is_none());
        open.filter_map(|it| it.asks.clone())
            .map(|(step, effect)| Wanted { step, effect })
    }

    /// Takes what a call gave.
    pub(super) fn end(&mut self, step: u32, result: &ToolResult) {
        let call = self.calls.iter_mut().find(|it| {
            it.gave.is_none() && it.asks.as_ref().is_some_and(|(number, _)| *number == step)
        });
        if let Some(call) = call {
            call.gave = Some((shown(result), !result.ok));
        }
    }

    /// What all of them gave, once they did.
    pub(super) fn results(&self) -> Option<Vec<Part>> {
        self.calls
            .iter()
            .map(|call| {
                let (text, failed) = call.gave.clone()?;
                let id = call.id.clone();
                Some(Part::ToolResult { id, text, failed })
            })
            .collect()
    }

    /// What was asked for and what came of it, without the model's own ids.
    fn trace(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for call in &self.calls {
            if let Some((_, Effect::Tool { tool, arguments })) = &call.asks {
                (tool, arguments.to_string()).hash(&mut hasher);
            }
            call.gave.hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// What a model reads of a result.
fn shown(result: &ToolResult) -> String {
    if let (false, Some(error)) = (result.ok, &result.error) {
        let fix = error
            .suggested_fix
            .as_ref()
            .map_or("", |_| " A person would have to allow it.");
        return format!(
            "{}: {}.{fix}",
            error.code,
            error.message.trim_end_matches('.')
        );
    }
    let whole = result.output.as_ref().map(output::text).unwrap_or_default();
    let cut = whole.floor_char_boundary(limits::TOOL_RESULT_SHOWN_BYTES_MAX);
    let (head, rest) = whole.split_at(cut);
    match (rest.len(), result.truncated, result.whole) {
        (0, false, _) => head.to_owned(),
        (0, true, _) => format!("{head}\n… (cut)"),
        (rest, _, None) => format!("{head}\n… (cut: {rest} more bytes)"),
        (rest, _, Some(id)) => format!(
            "{head}\n… (cut: {rest} more bytes; the whole is the artifact {id}, to be read on from \
             offset {cut})"
        ),
    }
}

/// How often the same round came in a row.
#[derive(Default)]
pub(super) struct Rounds {
    last: Option<u64>,
    times: u32,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    GoOn,
    Warn,
    Stop,
}

impl Rounds {
    /// Takes note of a round that is over.
    pub(super) fn note(&mut self, round: &Round) -> Advice {
        let trace = round.trace();
        self.times = if self.last == Some(trace) {
            self.times + 1
        } else {
            1
        };
        self.last = Some(trace);
        match self.times {
            WARN_AFTER => Advice::Warn,
            times if times >= STOP_AFTER => Advice::Stop,
            _ => Advice::GoOn,
        }
    }
}
