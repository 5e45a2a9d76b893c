//! A recorded turn once more, with the model asked anew: from an entry on, another model is asked, or
//! the same one under other instructions, and everything else is served from the record.
//!
//! ```text
//! the record ─► what is before the entry: fed to the turn as it was
//!            ─► questions after it: asked, on the road of every action
//!            ─► tools after it: what the record has for the same intent, or what the changes give
//! ```
//!
//! An intent that the record has no result for is not carried out: the replay stops there and says so.
//! The program is pure like every other, and a run of its own: what it asks is decided on, budgeted,
//! recorded, and can itself be replayed. Its answer is a [`Report`].
//!
//! Deliberately absent: tools, nodes, time. A timer of the turn is over at once.

mod report;
mod shelf;

use runs::{
    Again, Effect, End, Finish, Input, MODEL_CALL, Next, Outcome, Program, Recorded, ToolResult,
    Wanted, What,
};
use serde::Deserialize;
use serde_json::Value;
use vocab::limits;

pub use report::{Difference, Parting, Report, Side, StepPair, Totals, Words};
use report::{How, Row};
use shelf::{Shelf, Signals};

/// The step that learns what the record says.
const CONTEXT: u32 = 1;
/// The step after which no more is asked.
const DEADLINE: u32 = 2;

/// The program of a run that goes through another one again.
pub struct Rerun {
    again: Again,
    programs: fn(&Input) -> Box<dyn Program>,
    phase: Phase,
}

enum Phase {
    Context,
    Going(Box<Going>),
    Over(Finish),
}

/// A turn that is gone through again.
struct Going {
    turn: Box<dyn Program>,
    again: Again,
    recorded: Recorded,
    shelf: Shelf,
    signals: Signals,
    rows: Vec<Row>,
    /// How many questions the turn has asked, answered from the record or not.
    questions: usize,
    asking: Option<Asking>,
    last_step: u32,
}

/// A question that is under way.
struct Asking {
    /// Its step here.
    step: u32,
    /// Its step in the turn.
    of_turn: u32,
    question: Value,
}

impl Rerun {
    /// Goes through a run again; `programs` builds the program that it had.
    #[must_use]
    pub fn new(again: &Again, programs: fn(&Input) -> Box<dyn Program>) -> Self {
        Self {
            again: again.clone(),
            programs,
            phase: Phase::Context,
        }
    }

    fn begin(&mut self, known: &Value) {
        let Ok(recorded) = Recorded::deserialize(known) else {
            let message = "what the record says can't be read".to_owned();
            let failure = crate::turn::refused("RECORD_INVALID", message);
            self.phase = Phase::Over(Finish::Failed(failure));
            return;
        };
        let turn = (self.programs)(&changed(&recorded.input, &self.again));
        let mut going = Going {
            turn,
            again: self.again.clone(),
            shelf: Shelf::of(&recorded),
            signals: Signals::of(&recorded),
            recorded,
            rows: Vec::new(),
            questions: 0,
            asking: None,
            last_step: DEADLINE,
        };
        going.catch_up();
        let end = going.advance();
        self.phase = Phase::Going(Box::new(going));
        self.settle(end);
    }

    /// Ends if there is an end.
    fn settle(&mut self, end: Option<End>) {
        if let (Some(end), Phase::Going(going)) = (end, &self.phase) {
            let report = Report::of(&going.again, &going.recorded, &going.rows, end);
            // Texts, numbers and documents that were JSON before.
            let answer = serde_json::to_value(report).unwrap_or_default();
            self.phase = Phase::Over(Finish::Succeeded { answer });
        }
    }
}

impl Program for Rerun {
    fn apply(&mut self, step: u32, outcome: &Outcome) {
        let end = match (&mut self.phase, outcome) {
            (Phase::Context, Outcome::Context(known)) if step == CONTEXT => {
                return self.begin(known);
            }
            (Phase::Going(going), Outcome::Tool(result)) => going.hear(step, result),
            (Phase::Going(_), Outcome::TimerFired) if step == DEADLINE => Some(stopped(
                "REPLAY_TOO_LONG",
                format!(
                    "a replay asks models for at most {} seconds",
                    limits::REPLAY_TIME_MAX.as_secs()
                ),
            )),
            (Phase::Context | Phase::Going(_) | Phase::Over(_), _) => None,
        };
        self.settle(end);
    }

    fn next(&self) -> Next {
        let wanted = |step, effect| Wanted { step, effect };
        match &self.phase {
            Phase::Context => Next::Perform(vec![wanted(CONTEXT, Effect::Context)]),
            Phase::Going(going) => {
                let wait = limits::REPLAY_TIME_MAX;
                let mut all = vec![wanted(DEADLINE, Effect::Timer { wait })];
                all.extend(going.asking.as_ref().map(|asking| {
                    let effect = Effect::Tool {
                        tool: MODEL_CALL.to_owned(),
                        arguments: asking.question.clone(),
                    };
                    wanted(asking.step, effect)
                }));
                Next::Perform(all)
            }
            Phase::Over(finish) => Next::Finish(finish.clone()),
        }
    }
}

impl Going {
    /// Feeds the turn what is before the entry from which on the changes hold.
    fn catch_up(&mut self) {
        let recorded = std::mem::take(&mut self.recorded.noted);
        for noted in &recorded {
            if let What::Context(known) = &noted.what {
                let told = told(known, self.again.model.as_deref());
                self.turn.apply(noted.step, &Outcome::Context(told));
                continue;
            }
            if noted.seq >= self.again.from_seq {
                continue;
            }
            match &noted.what {
                What::Ended { result, .. } => {
                    if let Some(row) = self.shelf.take_step(noted.step) {
                        self.questions += usize::from(row.tool == MODEL_CALL);
                        self.rows.push(row);
                    }
                    self.turn.apply(noted.step, &Outcome::Tool(result.clone()));
                }
                What::Signalled { carried, .. } => {
                    self.signals.pass(noted.seq);
                    let carried = Outcome::Signalled(carried.clone());
                    self.turn.apply(noted.step, &carried);
                }
                What::TimerFired => self.turn.apply(noted.step, &Outcome::TimerFired),
                What::Context(_) | What::Asked { .. } | What::Decided(_) => {}
            }
        }
        // Parallel calls end in any order; they are read in the order in which they were asked.
        self.rows.sort_by_key(|row| row.step);
        self.recorded.noted = recorded;
    }

    /// Goes on until a model has to be asked, or there is an end.
    fn advance(&mut self) -> Option<End> {
        loop {
            self.deliver();
            let wanted = match self.turn.next() {
                Next::Finish(finish) => return Some(end_of(finish)),
                Next::Perform(wanted) => wanted,
            };
            let (mut moved, mut missing, mut question) = (false, Vec::new(), None);
            for Wanted { step, effect } in wanted {
                match effect {
                    Effect::Signal { .. } => {}
                    Effect::Context => missing.push((step, "context".to_owned(), Value::Null)),
                    Effect::Timer { .. } => {
                        self.turn.apply(step, &Outcome::TimerFired);
                        moved = true;
                    }
                    Effect::Tool { tool, arguments } if tool == MODEL_CALL => {
                        question = Some((step, arguments));
                    }
                    Effect::Tool { tool, arguments } => match self.serve(step, &tool, &arguments) {
                        Some(result) => {
                            self.turn.apply(step, &Outcome::Tool(result));
                            moved = true;
                        }
                        None => missing.push((step, tool, arguments)),
                    },
                }
            }
            if moved {
                continue;
            }
            if let Some((step, tool, _)) = missing.first() {
                let message = format!(
                    "the record has no result of what step {step} asks `{tool}` for, and a replay \
                     carries nothing out; give one in `tool_results`"
                );
                let rows = missing.into_iter().map(|(step, tool, arguments)| {
                    Row::new(step, tool, Some(arguments), How::Missing)
                });
                self.rows.extend(rows);
                return Some(stopped("NOT_IN_RECORD", message));
            }
            let Some((of_turn, question)) = question else {
                return Some(stopped(
                    "NOTHING_WANTED",
                    "the turn wants nothing".to_owned(),
                ));
            };
            self.last_step += 1;
            self.asking = Some(Asking {
                step: self.last_step,
                of_turn,
                question,
            });
            return None;
        }
    }

    /// What a tool gives: what the changes say, or what the record has for the same intent.
    fn serve(&mut self, step: u32, tool: &str, arguments: &Value) -> Option<ToolResult> {
        let given = self.again.tool_results.iter().find(|(of, _)| *of == step);
        let row = match given {
            Some((_, result)) => Row {
                result: Some(result.clone()),
                ..Row::new(step, tool.to_owned(), Some(arguments.clone()), How::StandIn)
            },
            None => {
                let found = self.shelf.take(step, tool, arguments)?;
                Row {
                    step,
                    arguments: Some(arguments.clone()),
                    ..found
                }
            }
        };
        let result = row.result.clone();
        self.rows.push(row);
        result
    }

    /// Hands the turn the signals that had come by now.
    fn deliver(&mut self) {
        while let Some((name, carried)) = self.signals.due(self.questions) {
            let Next::Perform(wanted) = self.turn.next() else {
                return;
            };
            let takes = wanted.iter().find(
                |it| matches!(&it.effect, Effect::Signal { name: wanted } if *wanted == name),
            );
            if let Some(it) = takes {
                self.turn.apply(it.step, &Outcome::Signalled(carried));
            }
        }
    }

    /// Takes what a model answered.
    fn hear(&mut self, step: u32, result: &ToolResult) -> Option<End> {
        let asking = self.asking.take_if(|asking| asking.step == step)?;
        self.questions += 1;
        self.deliver();
        let row = Row::new(asking.of_turn, MODEL_CALL.to_owned(), None, How::Asked);
        self.rows.push(Row {
            result: Some(result.clone()),
            ..row
        });
        self.turn
            .apply(asking.of_turn, &Outcome::Tool(result.clone()));
        self.advance()
    }
}

/// The input of the turn with what is other.
fn changed(input: &Input, again: &Again) -> Input {
    let mut input = input.clone();
    if let (Some(new), Input::AgentTurn { agent, .. }) = (&again.instructions, &mut input) {
        agent.instructions.clone_from(new);
    }
    input
}

/// What the turn was told, with the model that is asked instead.
fn told(known: &Value, model: Option<&str>) -> Value {
    let mut known = known.clone();
    if let (Some(model), Some(members)) = (model, known.as_object_mut()) {
        members.insert("model".to_owned(), Value::String(model.to_owned()));
    }
    known
}

fn end_of(finish: Finish) -> End {
    match finish {
        Finish::Succeeded { answer } => End {
            state: "succeeded".to_owned(),
            answer: Some(answer),
            code: None,
            message: None,
        },
        Finish::Failed(failure) => End {
            state: "failed".to_owned(),
            answer: None,
            code: Some(failure.code),
            message: Some(failure.message),
        },
    }
}

/// The replay can't go on.
fn stopped(code: &str, message: String) -> End {
    End {
        state: "stopped".to_owned(),
        answer: None,
        code: Some(code.to_owned()),
        message: Some(message),
    }
}

#[cfg(test)]
mod tests;
