//! Folding a journal into a state: what is known of each step, and what the program wants next.
//!
//! The same fold serves the worker (as it appends), recovery (from the stored entries) and replay
//! (from the record). It is pure.

use std::collections::BTreeMap;

use policy::HasRead;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocab::{ApprovalId, EventKind, Intent, JobId, NodeId, RunId, Timestamp};

use crate::account::Account;
use crate::program::{Input, MODEL_CALL, Next, Outcome, Program, ToolResult};

/// One entry of a journal: an event's facts, and its content where it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What happened.
    pub kind: EventKind,
    /// The small facts.
    pub data: Map<String, Value>,
    /// The content, opened.
    pub body: Option<Value>,
}

/// What is known of one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It was intended and decided, and nothing more.
    Intended(Action),
    /// A person was asked.
    Asked {
        /// What is to be done.
        action: Action,
        /// Who is asked.
        approval: ApprovalId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// It was permitted: from here on it may have happened.
    Issued {
        /// What is to be done.
        action: Action,
        /// The attempt.
        job: JobId,
        /// Where, if on a node.
        node: Option<NodeId>,
        /// False once it is known that the attempt never left.
        may_have_happened: bool,
    },
    /// It may have happened and nobody knows.
    Unknown {
        /// What was to be done.
        action: Action,
        /// The attempt.
        job: JobId,
    },
    /// Another run does it.
    Child {
        /// What is to be done.
        action: Action,
        /// The other run.
        child: RunId,
        /// What it may spend at most, in micro-USD, where this run has a budget.
        budget_usd_micros: Option<u64>,
    },
    /// It waits for a time.
    Timer {
        /// When.
        until: Timestamp,
    },
    /// It waits for a signal.
    Signal {
        /// Which.
        name: String,
    },
    /// Its outcome has been applied.
    Over,
}

/// An intended action: the intent, and what its call said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What exactly.
    pub intent: Intent,
    /// What the call said.
    pub call: CallFacts,
}

/// The facts of a call that recovery needs, as they were when it was intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFacts {
    /// The effect that policies decided on.
    pub action: vocab::Action,
    /// Who carries it out.
    pub executor: Executor,
    /// Whether it may simply be repeated.
    pub idempotent: bool,
    /// What its answer lets into the run.
    pub reads: Reads,
}

/// [`tools::Executor`] as it is persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Executor {
    Broker,
    Node,
    Engine,
}

/// [`tools::Reads`] as it is persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reads {
    Nothing,
    Private,
    Untrusted,
}

impl From<&tools::Call> for CallFacts {
    fn from(call: &tools::Call) -> Self {
        Self {
            action: call.action,
            executor: match call.executor {
                tools::Executor::Broker => Executor::Broker,
                tools::Executor::Node => Executor::Node,
                tools::Executor::Engine => Executor::Engine,
            },
            idempotent: call.idempotent,
            reads: match call.reads {
                tools::Reads::Nothing => Reads::Nothing,
                tools::Reads::Private => Reads::Private,
                tools::Reads::Untrusted => Reads::Untrusted,
            },
        }
    }
}

/// Why a journal does not fold: it was not written by this engine, or it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} (`{kind}`) does not follow: {why}")]
pub struct FoldError {
    /// Which entry, from 1.
    pub seq: u32,
    /// Its kind.
    pub kind: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// A journal, folded.
pub struct Fold {
    program: Box<dyn Program>,
    steps: BTreeMap<u32, Step>,
    entries: u32,
    has_read: HasRead,
    spent_usd_micros: u64,
    account: Account,
    started: bool,
    over: bool,
}

impl Fold {
    /// The state before the first entry.
    #[must_use]
    pub fn new(program: Box<dyn Program>) -> Self {
        Self {
            program,
            steps: BTreeMap::new(),
            entries: 0,
            has_read: HasRead::default(),
            spent_usd_micros: 0,
            account: Account::default(),
            started: false,
            over: false,
        }
    }

    /// The state after these entries.
    ///
    /// # Errors
    /// An entry that can't follow those before it.
    pub fn of(
        input: &Input,
        programs: &crate::Programs,
        about: About,
        entries: &[Entry],
    ) -> Result<Self, FoldError> {
        let mut fold = Self::new(programs(input));
        for entry in entries {
            fold.apply(about, entry)?;
        }
        Ok(fold)
    }

    /// The state of a run that began and whose journal of this length can't be read.
    pub(crate) fn skip_to(&mut self, entries: u32) {
        self.entries = entries;
        self.started = true;
    }

    /// What the program wants.
    #[must_use]
    pub fn next(&self) -> Next {
        self.program.next()
    }

    /// What is known of a step.
    #[must_use]
    pub fn step(&self, step: u32) -> Option<&Step> {
        self.steps.get(&step)
    }

    /// Every step that is known.
    pub fn steps(&self) -> impl Iterator<Item = (u32, &Step)> {
        self.steps.iter().map(|(number, step)| (*number, step))
    }

    /// How many steps are over. A step that only listens is in no journal, and does not count.
    #[must_use]
    pub fn steps_over(&self) -> usize {
        self.steps.values().filter(|it| **it == Step::Over).count()
    }

    /// How many entries were folded.
    #[must_use]
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// What the run has read.
    #[must_use]
    pub fn has_read(&self) -> HasRead {
        self.has_read
    }

    /// What the run has spent on models, in micro-USD.
    #[must_use]
    pub fn spent_usd_micros(&self) -> u64 {
        self.spent_usd_micros
    }

    /// What the run has taken of models and read.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Whether the run has begun.
    #[must_use]
    pub fn started(&self) -> bool {
        self.started
    }

    /// Whether the run is over.
    #[must_use]
    pub fn over(&self) -> bool {
        self.over
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// The entry can't follow those before it.
    pub fn apply(&mut self, about: About, entry: &Entry) -> Result<(), FoldError> {
        self.entries += 1;
        let seq = self.entries;
        let wrong = |why: &str| FoldError {
            seq,
            kind: entry.kind.as_str(),
            why: why.to_owned(),
        };
        if self.over {
            return Err(wrong("the run is over"));
        }
        match entry.kind {
            EventKind::RunQueued => self.note_read(entry),
            EventKind::PolicyDecided
            | EventKind::ApprovalSpent
            | EventKind::ApprovalExpired
            | EventKind::ChildEnded
            | EventKind::RunResumed
            | EventKind::SecretUsed
            | EventKind::ArtifactSaved => {}
            EventKind::RunStarted => self.started = true,
            EventKind::RunSucceeded | EventKind::RunFailed | EventKind::RunCancelled => {
                self.over = true;
            }
            EventKind::ToolIntended => {
                let action = intended(about, entry).ok_or_else(|| wrong("a fact is missing"))?;
                self.steps
                    .insert(action.intent.step, Step::Intended(action));
            }
            EventKind::ApprovalRequested => {
                let facts: AskedFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let action = self
                    .action(facts.step)
                    .ok_or_else(|| wrong("no such step"))?;
                let AskedFacts {
                    step,
                    approval,
                    expires_at,
                } = facts;
                self.steps.insert(
                    step,
                    Step::Asked {
                        action,
                        approval,
                        expires_at,
                    },
                );
            }
            EventKind::CapabilityIssued => {
                let facts: IssuedFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let action = self
                    .action(facts.step)
                    .ok_or_else(|| wrong("no such step"))?;
                let IssuedFacts { step, job, node } = facts;
                let issued = Step::Issued {
                    action,
                    job,
                    node,
                    may_have_happened: true,
                };
                self.steps.insert(step, issued);
            }
            EventKind::RunWaiting => {
                let facts: StepFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                if let Some(Step::Issued {
                    may_have_happened, ..
                }) = self.steps.get_mut(&facts.step)
                {
                    *may_have_happened = facts.may_have_happened;
                }
            }
            EventKind::ToolOutcomeUnknown => {
                let facts: IssuedFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let action = self
                    .action(facts.step)
                    .ok_or_else(|| wrong("no such step"))?;
                self.steps.insert(
                    facts.step,
                    Step::Unknown {
                        action,
                        job: facts.job,
                    },
                );
            }
            EventKind::ToolResolved => {
                let facts: StepFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let action = self
                    .action(facts.step)
                    .ok_or_else(|| wrong("no such step"))?;
                self.steps.insert(facts.step, Step::Intended(action));
            }
            EventKind::ToolExecuted | EventKind::ToolFailed | EventKind::ToolDenied => {
                self.end_tool(entry)
                    .ok_or_else(|| wrong("no such step, or no result"))?;
            }
            EventKind::ChildStarted => {
                let facts: ChildFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let action = self
                    .action(facts.step)
                    .ok_or_else(|| wrong("no such step"))?;
                self.steps.insert(
                    facts.step,
                    Step::Child {
                        action,
                        child: facts.child,
                        budget_usd_micros: facts.budget_usd_micros,
                    },
                );
            }
            EventKind::TimerSet => {
                let facts: TimerFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                self.steps
                    .insert(facts.step, Step::Timer { until: facts.until });
            }
            EventKind::TimerFired => {
                let facts: StepFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                self.end(facts.step, &Outcome::TimerFired);
            }
            EventKind::SignalReceived => {
                let facts: StepFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let carried = entry.body.clone().unwrap_or(Value::Null);
                self.end(facts.step, &Outcome::Signalled(carried));
            }
            EventKind::ContextAssembled => {
                let facts: StepFacts = facts(entry).ok_or_else(|| wrong("a fact is missing"))?;
                let known = entry.body.clone().unwrap_or(Value::Null);
                self.note_read(entry);
                self.end(facts.step, &Outcome::Context(known));
            }
            other => return Err(wrong(&format!("`{}` is no journal entry", other.as_str()))),
        }
        Ok(())
    }

    /// Notes that a step waits for a signal. Nothing is recorded until the signal comes.
    pub fn await_signal(&mut self, step: u32, name: &str) {
        self.steps.insert(
            step,
            Step::Signal {
                name: name.to_owned(),
            },
        );
    }

    /// Takes over what others had read who wrote what an entry brings into the run.
    fn note_read(&mut self, entry: &Entry) {
        if let Some(ReadFacts { has_read }) = facts(entry) {
            self.has_read = self.has_read.and(has_read);
        }
    }

    fn action(&self, step: u32) -> Option<Action> {
        match self.steps.get(&step)? {
            Step::Intended(action)
            | Step::Asked { action, .. }
            | Step::Issued { action, .. }
            | Step::Unknown { action, .. }
            | Step::Child { action, .. } => Some(action.clone()),
            Step::Timer { .. } | Step::Signal { .. } | Step::Over => None,
        }
    }

    /// Whether an entry says that a call did not fit its tool. Such a call never became an intent:
    /// its refusal is the first and the last that a journal says of its step.
    pub(crate) fn refuses_a_call(&self, entry: &Entry) -> bool {
        entry.kind == EventKind::ToolFailed
            && facts::<StepFacts>(entry).is_some_and(|it| !self.steps.contains_key(&it.step))
    }

    fn end_tool(&mut self, entry: &Entry) -> Option<()> {
        let step = facts::<StepFacts>(entry)?.step;
        let result: ToolResult = ToolResult::deserialize(entry.body.as_ref()?).ok()?;
        if self.refuses_a_call(entry) {
            if result.ok {
                return None;
            }
        } else {
            let action = self.action(step)?;
            match action.call.reads {
                Reads::Private if result.ok => self.has_read.private = true,
                Reads::Untrusted if result.ok => self.has_read.untrusted = true,
                Reads::Nothing | Reads::Private | Reads::Untrusted => {}
            }
            self.note_read(entry);
            let cost = match action.intent.tool.as_str() {
                MODEL_CALL => result.output.as_ref().and_then(|it| it.get(COST)?.as_u64()),
                _ => result.cost_usd_micros,
            };
            self.spent_usd_micros = self.spent_usd_micros.saturating_add(cost.unwrap_or(0));
            match &result.output {
                Some(output) if action.intent.tool == MODEL_CALL => self.account.answered(output),
                Some(_) => match action.call.reads {
                    Reads::Private | Reads::Untrusted => self.account.read(&action.intent.target),
                    Reads::Nothing => {}
                },
                None => {}
            }
        }
        self.end(step, &Outcome::Tool(result));
        Some(())
    }

    fn end(&mut self, step: u32, outcome: &Outcome) {
        self.steps.insert(step, Step::Over);
        self.program.apply(step, outcome);
    }
}

/// Whose journal it is: what entries leave out because it is the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The organisation.
    pub org: vocab::OrgId,
    /// The run.
    pub run: RunId,
    /// The agent that acts in it.
    pub agent: Option<vocab::AgentId>,
}

#[derive(Deserialize)]
struct StepFacts {
    step: u32,
    #[serde(default)]
    may_have_happened: bool,
}

#[derive(Deserialize)]
struct ReadFacts {
    has_read: HasRead,
}

#[derive(Deserialize)]
struct AskedFacts {
    step: u32,
    approval: ApprovalId,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct IssuedFacts {
    step: u32,
    job: JobId,
    #[serde(default)]
    node: Option<NodeId>,
}

#[derive(Deserialize)]
struct ChildFacts {
    step: u32,
    child: RunId,
    #[serde(default)]
    budget_usd_micros: Option<u64>,
}

#[derive(Deserialize)]
struct TimerFacts {
    step: u32,
    until: Timestamp,
}

#[derive(Deserialize)]
struct IntendedFacts {
    step: u32,
    tool: String,
    target: vocab::Target,
    #[serde(flatten)]
    call: CallFacts,
}

fn facts<'de, T: Deserialize<'de>>(entry: &'de Entry) -> Option<T> {
    T::deserialize(&entry.data).ok()
}

/// Where the output of `model.call` says what it cost, in micro-USD.
const COST: &str = "cost_usd_micros";

fn intended(about: About, entry: &Entry) -> Option<Action> {
    let facts: IntendedFacts = facts(entry)?;
    let intent = Intent {
        org: about.org,
        run: about.run,
        step: facts.step,
        agent: about.agent,
        tool: facts.tool,
        arguments: entry.body.clone()?,
        target: facts.target,
    };
    Some(Action {
        intent,
        call: facts.call,
    })
}
