//! A journal as a program is told it that goes through it again: what was asked and what came of it.
//!
//! It becomes an entry of the replay's own journal, so it is kept small: of the questions to models,
//! which repeat everything that was said before, only the answers are told.

use db::OrgContext;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocab::{EventKind, RunId};

use crate::engine::{Engine, Told};
use crate::error::RunError;
use crate::fold::{About, Entry, Fold};
use crate::model::State;
use crate::program::{Input, MODEL_CALL, ToolResult};
use crate::store;

/// A run that is over, as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// What its program was built from.
    pub input: Input,
    /// What its journal says, in order.
    pub noted: Vec<Noted>,
    /// How many entries the journal has.
    pub entries: u32,
    /// How it ended.
    pub end: End,
}

/// An entry that a program that goes through the record again has to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// Its number in the journal, from 1.
    pub seq: u32,
    /// The step it belongs to.
    pub step: u32,
    /// What it says.
    pub what: What,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// What the run was told at its beginning.
    Context(Value),
    /// A tool was asked for.
    Asked {
        /// Which.
        tool: String,
        /// With which arguments; none for a question to a model.
        arguments: Option<Value>,
        /// Whether it may simply be repeated.
        idempotent: bool,
    },
    /// The policies decided.
    Decided(String),
    /// A tool gave this, or failed so.
    Ended {
        /// Which, where it never became an intent.
        tool: Option<String>,
        /// What it gave.
        result: ToolResult,
    },
    /// A signal came.
    Signalled {
        /// Its name.
        name: String,
        /// What it carried.
        carried: Value,
    },
    /// A time was over.
    TimerFired,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// `succeeded`, `failed`, `cancelled`; a replay may also have `stopped`.
    pub state: String,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Why it failed or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Engine {
    /// What the record says of a run, for a program that goes through it again. Whoever knows it has
    /// read what the run had read.
    pub(crate) async fn recorded(&self, ctx: &OrgContext, run: RunId) -> Result<Told, RunError> {
        let found = store::get(ctx, run).await?.map(|it| it.run);
        let run = found.ok_or(RunError::NotFound(run))?;
        let input = self.input(ctx, &run).await?;
        let entries = self.entries(ctx, &run).await?;
        let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
        let about = About {
            org: run.org,
            run: run.id,
            agent: run.agent,
        };
        let fold = Fold::of(&input, &self.0.programs, about, &entries)?;
        let mut end = End {
            state: run.state.as_str().to_owned(),
            answer: None,
            code: None,
            message: None,
        };
        match &run.state {
            State::Succeeded => {
                let last = entries.last().and_then(|it| it.body.clone());
                end.answer = last;
            }
            State::Failed { failure } => {
                end.code = Some(failure.code.clone());
                end.message = Some(failure.message.clone());
            }
            State::Cancelled => {}
            State::Queued | State::Dispatching | State::Running | State::Waiting { .. } => {
                return Err(RunError::NotOver);
            }
        }
        let recorded = Recorded {
            input,
            entries: run.entries,
            noted: (1..).zip(entries).filter_map(noted).collect(),
            end,
        };
        let known = serde_json::to_value(recorded)
            .map_err(|error| RunError::Store(db::StoreError::Statement(error.into())))?;
        Ok(Told {
            known,
            has_read: fold.has_read(),
            facts: Map::new(),
        })
    }
}

fn noted((seq, entry): (u32, Entry)) -> Option<Noted> {
    let step = entry.data.get("step").and_then(Value::as_u64)?;
    let text = |name: &str| {
        let text = entry.data.get(name).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let body = entry.body.clone();
    let what = match entry.kind {
        EventKind::ContextAssembled => What::Context(body.unwrap_or_default()),
        EventKind::ToolIntended => {
            let tool = text("tool")?;
            let idempotent = entry.data.get("idempotent").and_then(Value::as_bool);
            What::Asked {
                arguments: body.filter(|_| tool != MODEL_CALL),
                idempotent: idempotent.unwrap_or(false),
                tool,
            }
        }
        EventKind::PolicyDecided => What::Decided(text("verdict")?),
        EventKind::ToolExecuted | EventKind::ToolFailed | EventKind::ToolDenied => What::Ended {
            tool: text("tool"),
            result: ToolResult::deserialize(body?).ok()?,
        },
        EventKind::SignalReceived => What::Signalled {
            name: text("name")?,
            carried: body.unwrap_or_default(),
        },
        EventKind::TimerFired => What::TimerFired,
        _ => return None,
    };
    Some(Noted {
        seq,
        step: u32::try_from(step).ok()?,
        what,
    })
}
