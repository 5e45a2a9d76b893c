//! An agent's turn by a model: ask, act, ask again, until the model has nothing more to do.
//!
//! ```text
//! context ─► question ─► reply ─┬─ calls ─► tools ─► results ─┐
//!               ▲               └─ text ──► the answer        │
//!               └─────────────────────────────────────────────┘
//! ```
//!
//! The program is pure: whatever a model says, and however wrong it is, is a state of it. A call of
//! a tool that is not there, arguments that are no JSON, an answer that was cut: the model is told,
//! and may do better. It is not told for ever: a turn ends with a failure that says why
//! - after as many steps as the agent may take (`TOO_MANY_STEPS`; questions and calls both count),
//! - when the agent's budget is spent (`BUDGET_SPENT`),
//! - when the same calls gave the same results again and again (`NO_PROGRESS`),
//! - when its answers do not fit the agent's schema (`OUTPUT_INVALID`),
//! - when the model refuses (`MODEL_REFUSED`) or says nothing (`MODEL_SILENT`),
//! - when it can't be asked: with the code of the attempt.
//!
//! What tools give is shown to the model as data, cut to
//! [`limits::TOOL_RESULT_SHOWN_BYTES_MAX`]; the whole of what was cut is an artifact, and from then on
//! there is a tool for reading on in it. Whoever steers the run is heard before the next question.

mod guides;
mod offers;
mod prompt;
mod rounds;

use runs::{
    AgentSnapshot, Effect, FailedAt, Failure, Finish, MODEL_CALL, Next, Outcome, Program,
    ToolResult, Wanted,
};
use serde::Deserialize;
use serde_json::Value;

use crate::conversation::{Attachment, Briefing, Part, Question, Reply, Said, Speaker, Stop};
use crate::schema;
use guides::{Guides, Reading};
use offers::Offers;
use rounds::{Call, Round, Rounds};

/// The signal by which people speak to a turn that is under way.
pub const STEER: &str = "steer";

/// The end of an answer that the model could not finish.
const CUT: &str = "\n\n… (cut: the model reached its limit)";
/// What a model is told that said nothing.
const SILENT: &str = "You said nothing. Answer, or call a tool.";
/// How many answers that do not fit the agent's schema are enough.
const MISFITS_MAX: u32 = 5;

/// The program of an agent whose planner is `model`.
pub struct ModelTurn {
    agent: AgentSnapshot,
    message: String,
    briefing: Option<Briefing>,
    offers: Offers,
    thread: Vec<Said>,
    phase: Phase,
    rounds: Rounds,
    /// The last step number that was given out.
    last_step: u32,
    /// The step that waits for a steering message.
    steer: u32,
    /// Steering messages that the model has not heard yet.
    unheard: Vec<String>,
    /// Questions and calls so far.
    taken: u32,
    spent_usd_micros: u64,
    /// Whether the model was told that it said nothing.
    nudged: bool,
    /// How many answers did not fit the agent's schema.
    misfits: u32,
    guides: Guides,
}

enum Phase {
    /// It learns what there is to know.
    Context {
        step: u32,
    },
    /// The model is asked.
    Asking {
        step: u32,
        question: Value,
    },
    /// Tools are used.
    Acting(Round),
    /// The workspace's `AGENTS.md` are read.
    Reading(Reading),
    Over(Finish),
}

impl ModelTurn {
    /// The turn of an agent that answers a message.
    #[must_use]
    pub fn new(agent: &AgentSnapshot, message: &str) -> Self {
        Self {
            agent: agent.clone(),
            message: message.to_owned(),
            briefing: None,
            offers: Offers::default(),
            thread: Vec::new(),
            phase: Phase::Context { step: 1 },
            rounds: Rounds::default(),
            last_step: 2,
            steer: 2,
            unheard: Vec::new(),
            taken: 0,
            spent_usd_micros: 0,
            nudged: false,
            misfits: 0,
            guides: Guides::default(),
        }
    }

    fn step(&mut self) -> u32 {
        next(&mut self.last_step)
    }

    fn fail(&mut self, code: &str, message: impl Into<String>, at: FailedAt) {
        self.phase = Phase::Over(Finish::Failed(Failure {
            code: code.to_owned(),
            message: message.into(),
            retryable: at == FailedAt::Provider,
            at,
        }));
    }

    /// Takes as many steps of what the agent may take. False if that is too many, and the turn over.
    fn take(&mut self, steps: usize) -> bool {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.taken = self.taken.saturating_add(steps);
        let most = self.agent.max_steps;
        if self.taken <= most {
            return true;
        }
        let message = format!("the agent may take {most} steps, and needs more for this");
        self.fail("TOO_MANY_STEPS", message, FailedAt::Agent);
        false
    }

    fn begin(&mut self, known: &Value) {
        let Ok(briefing) = Briefing::deserialize(known) else {
            let message = "what the turn was told can't be read";
            self.fail("CONTEXT_INVALID", message, FailedAt::Platform);
            return;
        };
        if briefing.model.is_empty() {
            let message = "no model profile is there; add a provider and a profile, or let the \
                agent plan by `rules`";
            self.fail("NO_MODEL", message, FailedAt::Agent);
            return;
        }
        self.offers = Offers::of(&briefing.tools);
        if let Some(reader) = &briefing.reader
            && briefing.attachments.iter().any(Attachment::has_more)
        {
            self.offers.add(reader);
        }
        self.thread = prompt::opening(&briefing, &self.message);
        let has_files = briefing.workspace;
        self.briefing = Some(briefing);
        let last = &mut self.last_step;
        match has_files.then(|| self.guides.top(|| next(last))).flatten() {
            Some(reading) => self.phase = Phase::Reading(reading),
            None => self.ask(),
        }
    }

    /// Tells the model what the workspace's files for agents say: the first of them with the
    /// instructions, and each later one where it came up.
    fn read(&mut self) {
        let Phase::Reading(reading) = &self.phase else {
            return;
        };
        let Some(found) = reading.found() else { return };
        let first = self.taken == 0;
        match &mut self.briefing {
            Some(briefing) if first => briefing.notes.extend(found),
            Some(_) | None => {
                for (path, text) in found {
                    let said = Said::text(Speaker::User, prompt::note(&path, &text));
                    prompt::push(&mut self.thread, said);
                }
            }
        }
        self.ask();
    }

    /// Asks the model what comes next.
    fn ask(&mut self) {
        let Some(briefing) = &self.briefing else {
            return;
        };
        if let Some(budget) = self.agent.budget_usd_micros
            && self.spent_usd_micros >= budget
        {
            let message = format!("the agent's budget of {budget} micro-USD for a run is spent");
            self.fail("BUDGET_SPENT", message, FailedAt::Agent);
            return;
        }
        for text in self.unheard.drain(..) {
            prompt::push(&mut self.thread, Said::text(Speaker::User, text));
        }
        let question = Question {
            model: briefing.model.clone(),
            system: prompt::system(&self.agent, briefing),
            messages: self.thread.clone(),
            tools: self.offers.list().to_vec(),
            quiet: false,
            format: self.agent.output_schema.clone(),
        };
        if !self.take(1) {
            return;
        }
        let step = self.step();
        // Names and texts, which are always JSON.
        let question = serde_json::to_value(question).unwrap_or_default();
        self.phase = Phase::Asking { step, question };
    }

    fn hear(&mut self, result: &ToolResult) {
        if !result.ok {
            self.unanswered(result);
            return;
        }
        let output = result.output.as_ref();
        let Some(reply) = output.and_then(|it| Reply::deserialize(it).ok()) else {
            self.fail(
                "MODEL_ANSWER_INVALID",
                "the model's answer can't be read",
                FailedAt::Provider,
            );
            return;
        };
        let cost = reply.cost_usd_micros.unwrap_or(0);
        self.spent_usd_micros = self.spent_usd_micros.saturating_add(cost);
        let text = reply.text();
        let calls: Vec<Call> = reply
            .parts
            .iter()
            .filter_map(|it| self.offers.call(it))
            .collect();
        if !reply.parts.is_empty() {
            let (by, parts) = (Speaker::Model, reply.parts);
            prompt::push(&mut self.thread, Said { by, parts });
        }
        match reply.stop {
            Stop::Refused => {
                let why = if text.is_empty() {
                    "the model refused".to_owned()
                } else {
                    text
                };
                self.fail("MODEL_REFUSED", why, FailedAt::Agent);
            }
            _ if !calls.is_empty() => self.act(calls),
            Stop::Paused => self.ask(),
            // Somebody spoke while the model did: it answers to that too.
            Stop::Done | Stop::ToolUse | Stop::Length if !self.unheard.is_empty() => self.ask(),
            Stop::Done | Stop::ToolUse | Stop::Length if text.trim().is_empty() => self.nudge(),
            Stop::Length | Stop::Done | Stop::ToolUse => self.answer(text, reply.stop),
        }
    }

    /// The model could not be asked, or did not answer.
    fn unanswered(&mut self, result: &ToolResult) {
        let (code, message) = result
            .error
            .as_ref()
            .map_or(("MODEL_FAILED", "the model was not asked"), |error| {
                (error.code.as_str(), error.message.as_str())
            });
        if code == "MODEL_CONTEXT_TOO_LONG" && prompt::shorten(&mut self.thread) {
            self.ask();
            return;
        }
        let at = match code {
            "POLICY_DENIED" | "APPROVAL_DENIED" | "APPROVAL_EXPIRED" => FailedAt::Agent,
            _ => FailedAt::Provider,
        };
        let (code, message) = (code.to_owned(), message.to_owned());
        self.fail(&code, message, at);
    }

    fn nudge(&mut self) {
        if self.nudged {
            let message = "the model said nothing, twice";
            self.fail("MODEL_SILENT", message, FailedAt::Provider);
            return;
        }
        self.nudged = true;
        prompt::push(&mut self.thread, Said::text(Speaker::User, SILENT));
        self.ask();
    }

    fn answer(&mut self, text: String, stop: Stop) {
        let cut = stop == Stop::Length;
        let answer = match &self.agent.output_schema {
            None if cut => Ok(Value::String(text + CUT)),
            None => Ok(Value::String(text)),
            Some(_) if cut => Err("it is cut, because it reached its limit".to_owned()),
            Some(schema) => schema::fit(schema, &text),
        };
        match answer {
            Ok(answer) => self.phase = Phase::Over(Finish::Succeeded { answer }),
            Err(why) => self.misfit(&why),
        }
    }

    /// Tells the model why its answer does not fit the agent's schema, as long as it may try again.
    fn misfit(&mut self, why: &str) {
        self.misfits += 1;
        if self.misfits >= MISFITS_MAX || self.taken >= self.agent.max_steps {
            let tries = self.misfits;
            let message =
                format!("the answer does not fit the agent's schema, after {tries} tries: {why}");
            self.fail("OUTPUT_INVALID", message, FailedAt::Agent);
            return;
        }
        let told =
            format!("Your answer does not fit the schema: {why}. Answer with the JSON alone.");
        prompt::push(&mut self.thread, Said::text(Speaker::User, told));
        self.ask();
    }

    fn act(&mut self, calls: Vec<Call>) {
        let possible = calls.iter().filter(|it| it.effect.is_ok()).count();
        if !self.take(possible) {
            return;
        }
        let round = Round::of(calls, || self.step());
        self.phase = Phase::Acting(round);
        self.go_on();
    }

    /// Tells the model what its calls gave, once all of them are over.
    fn go_on(&mut self) {
        let Phase::Acting(round) = &self.phase else {
            return;
        };
        let Some(parts) = round.results() else { return };
        let advice = self.rounds.note(round);
        let has_files = self.briefing.as_ref().is_some_and(|it| it.workspace);
        let last = &mut self.last_step;
        let near = has_files.then(|| self.guides.near(round.effects(), || next(last)));
        prompt::push(
            &mut self.thread,
            Said {
                by: Speaker::User,
                parts,
            },
        );
        match advice {
            rounds::Advice::GoOn => {}
            rounds::Advice::Warn => {
                let text = "The same calls have given the same results again. Do something else, \
                    or answer with what you know.";
                let part = Part::Text {
                    text: text.to_owned(),
                };
                prompt::push(
                    &mut self.thread,
                    Said {
                        by: Speaker::User,
                        parts: vec![part],
                    },
                );
            }
            rounds::Advice::Stop => {
                let message =
                    "the model made the same calls again and again, with the same results";
                self.fail("NO_PROGRESS", message, FailedAt::Agent);
                return;
            }
        }
        match near.flatten() {
            Some(reading) => self.phase = Phase::Reading(reading),
            None => self.ask(),
        }
    }
}

/// The next step's number.
const fn next(last: &mut u32) -> u32 {
    *last += 1;
    *last
}

impl Program for ModelTurn {
    fn apply(&mut self, step: u32, outcome: &Outcome) {
        match (outcome, &mut self.phase) {
            (Outcome::Signalled(carried), _) if step == self.steer => {
                // Somebody may send anything under this name; only text is for the model.
                if let Some(text) = carried.get("content").and_then(Value::as_str) {
                    self.unheard.push(text.to_owned());
                }
                self.steer = self.step();
            }
            (Outcome::Context(known), Phase::Context { step: asked }) if step == *asked => {
                self.begin(known);
            }
            (Outcome::Tool(result), Phase::Asking { step: asked, .. }) if step == *asked => {
                self.hear(result);
            }
            (Outcome::Tool(result), Phase::Acting(round)) => {
                // What another agent spent for it is its own spending.
                let cost = result.cost_usd_micros.unwrap_or(0);
                self.spent_usd_micros = self.spent_usd_micros.saturating_add(cost);
                round.end(step, result);
                if result.whole.is_some()
                    && let Some(reader) = self.briefing.as_ref().and_then(|it| it.reader.as_ref())
                {
                    self.offers.add(reader);
                }
                self.go_on();
            }
            (Outcome::Tool(result), Phase::Reading(reading)) => {
                reading.end(step, result);
                self.read();
            }
            (
                Outcome::Signalled(_)
                | Outcome::Context(_)
                | Outcome::Tool(_)
                | Outcome::TimerFired,
                _,
            ) => {}
        }
    }

    fn next(&self) -> Next {
        let steer = Wanted {
            step: self.steer,
            effect: Effect::Signal {
                name: STEER.to_owned(),
            },
        };
        match &self.phase {
            Phase::Over(finish) => Next::Finish(finish.clone()),
            Phase::Context { step } => Next::Perform(vec![Wanted {
                step: *step,
                effect: Effect::Context,
            }]),
            Phase::Asking { step, question } => {
                let effect = Effect::Tool {
                    tool: MODEL_CALL.to_owned(),
                    arguments: question.clone(),
                };
                Next::Perform(vec![
                    steer,
                    Wanted {
                        step: *step,
                        effect,
                    },
                ])
            }
            Phase::Acting(round) => {
                let mut wanted = vec![steer];
                wanted.extend(round.wanted());
                Next::Perform(wanted)
            }
            Phase::Reading(reading) => {
                let mut wanted = vec![steer];
                wanted.extend(reading.wanted());
                Next::Perform(wanted)
            }
        }
    }
}

#[cfg(test)]
mod tests;
