//! The report of a rerun: the steps side by side, where they part, and what each cost.

use runs::{Again, End, MODEL_CALL, Recorded, ToolResult, What};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vocab::{RunId, canonical};

use crate::conversation::{Part, Reply, Stop};

/// What a run that went through another one again has found: its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The run that was gone through again.
    pub run_id: RunId,
    /// Whether it went the same way: the same answers, the same intents, the same end.
    pub identical: bool,
    /// How many entries the journal of that run has.
    pub entries: u32,
    /// The entry from which on the changes held.
    pub from_seq: u32,
    /// Where the two part.
    pub first_divergence: Option<Parting>,
    /// The steps, side by side.
    pub steps: Vec<StepPair>,
    /// How each ended: the replay may also have `stopped`.
    pub end: Pair<End>,
    /// What was asked of models, and what it cost.
    pub models: Spending,
    /// How many effects the replay had outside: its questions to models. It has no other.
    pub outside_effects: u64,
}

/// What was, and what would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair<T> {
    /// In the record.
    pub recorded: T,
    /// In the replay.
    pub replayed: T,
}

/// What models cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spending {
    /// In the record.
    pub recorded: Totals,
    /// In the replay, what it took from the record included.
    pub replayed: Totals,
    /// What was really spent on the replay.
    pub asked: Totals,
    /// The replay less the record.
    pub difference: Difference,
}

/// Questions to models, added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// How many.
    pub questions: u64,
    /// How many of them nobody prices.
    pub unpriced: u64,
    /// What they cost, in micro-USD.
    pub cost_usd_micros: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens put out.
    pub output_tokens: u64,
    /// Who answered, as `provider/model`, each once.
    pub served: Vec<String>,
}

/// How much more, or less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In micro-USD.
    pub cost_usd_micros: i64,
    /// Tokens read.
    pub input_tokens: i64,
    /// Tokens put out.
    pub output_tokens: i64,
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// The entry of the record, from 1.
    pub run_seq: u32,
    /// Its kind.
    pub kind: &'static str,
    /// The step, where it belongs to one.
    pub step: Option<u32>,
    /// What was.
    pub recorded: Value,
    /// What would be.
    pub replayed: Value,
}

/// One step of each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepPair {
    /// Its number in the replay, or in the record where the replay did not come so far.
    pub step: u32,
    /// The tool.
    pub tool: String,
    /// `recorded` if its result is the record's, `asked` if a model was asked, `stand_in` if the
    /// changes gave it, `missing` if the replay stopped for want of it, `not_reached`.
    pub outcome: &'static str,
    /// Whether both are the same.
    pub same: bool,
    /// What was decided then.
    pub verdict: Option<String>,
    /// What was.
    pub recorded: Option<Side>,
    /// What would be.
    pub replayed: Option<Side>,
}

/// One side of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The tool.
    pub tool: String,
    /// Its arguments; none of a question to a model, which repeats what was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// What the model said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Words>,
    /// Who said it, and what it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Totals>,
    /// The code of why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a model said, without what differs by nature: thoughts, seals, and the ids of calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Words {
    /// Its text.
    pub text: String,
    /// What it called, in order: the tool and the arguments.
    pub calls: Vec<(String, Value)>,
    /// Why it ended.
    pub stop: Stop,
}

/// Where a result comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Recorded,
    Asked,
    StandIn,
    Missing,
}

/// A step as it is kept until the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub step: u32,
    /// The entry of the record that asked for it, or that has a model's answer.
    pub seq: Option<u32>,
    pub tool: String,
    pub arguments: Option<Value>,
    pub verdict: Option<String>,
    pub result: Option<ToolResult>,
    pub how: How,
}

impl Row {
    pub(super) fn new(step: u32, tool: String, arguments: Option<Value>, how: How) -> Self {
        Self {
            step,
            seq: None,
            tool,
            arguments,
            verdict: None,
            result: None,
            how,
        }
    }

    fn reply(&self) -> Option<Reply> {
        let output = self.result.as_ref()?.output.as_ref()?;
        if self.tool != MODEL_CALL {
            return None;
        }
        Reply::deserialize(output).ok()
    }

    fn side(&self) -> Side {
        let reply = self.reply();
        let error = self.result.as_ref().and_then(|it| it.error.as_ref());
        Side {
            tool: self.tool.clone(),
            arguments: self.arguments.clone(),
            said: reply.as_ref().map(words),
            model: reply.as_ref().map(|it| {
                let mut totals = Totals::default();
                totals.add(it);
                totals
            }),
            error: error.map(|it| it.code.clone()),
        }
    }
}

/// The steps of a recorded run, in the order in which they were asked for.
pub(super) fn recorded(run: &Recorded) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for noted in &run.noted {
        let row = rows.iter_mut().find(|row| row.step == noted.step);
        match (&noted.what, row) {
            (
                What::Asked {
                    tool, arguments, ..
                },
                None,
            ) => rows.push(Row {
                seq: Some(noted.seq),
                ..Row::new(noted.step, tool.clone(), arguments.clone(), How::Recorded)
            }),
            (What::Decided(verdict), Some(row)) => row.verdict = Some(verdict.clone()),
            (What::Ended { result, .. }, Some(row)) => {
                // A model's answer is what may differ, an intent everywhere else.
                if row.tool == MODEL_CALL {
                    row.seq = Some(noted.seq);
                }
                row.result = Some(result.clone());
            }
            (What::Ended { tool, result }, None) => rows.push(Row {
                seq: Some(noted.seq),
                result: Some(result.clone()),
                ..Row::new(
                    noted.step,
                    tool.clone().unwrap_or_default(),
                    None,
                    How::Recorded,
                )
            }),
            (What::Asked { .. }, Some(_))
            | (What::Decided(_), None)
            | (What::Context(_) | What::Signalled { .. } | What::TimerFired, _) => {}
        }
    }
    rows
}

impl Report {
    pub(super) fn of(again: &Again, run: &Recorded, replayed: &[Row], end: End) -> Self {
        let recorded = recorded(run);
        let longest = recorded.len().max(replayed.len());
        let steps: Vec<StepPair> = (0..longest)
            .map(|at| pair(recorded.get(at), replayed.get(at)))
            .collect();
        let parted = steps.iter().position(|it| !it.same);
        let ended = (&run.end.state, &run.end.answer, &run.end.code)
            == (&end.state, &end.answer, &end.code);
        let first_divergence = match parted {
            Some(at) => Some(Parting {
                run_seq: recorded
                    .get(at)
                    .and_then(|row| row.seq)
                    .unwrap_or(run.entries),
                kind: match steps[at].outcome {
                    "asked" => "tool.executed",
                    _ => "tool.intended",
                },
                step: Some(steps[at].step),
                recorded: json!(steps[at].recorded),
                replayed: json!(steps[at].replayed),
            }),
            None if ended => None,
            None => Some(Parting {
                run_seq: run.entries,
                kind: "run.succeeded",
                step: None,
                recorded: json!(run.end),
                replayed: json!(end),
            }),
        };
        let (was, is) = (
            Totals::of(&recorded, |_| true),
            Totals::of(replayed, |_| true),
        );
        let asked = Totals::of(replayed, |row| row.how == How::Asked);
        Self {
            run_id: again.run,
            identical: first_divergence.is_none(),
            entries: run.entries,
            from_seq: again.from_seq,
            first_divergence,
            steps,
            outside_effects: asked.questions,
            models: Spending {
                difference: is.less(&was),
                recorded: was,
                replayed: is,
                asked,
            },
            end: Pair {
                recorded: run.end.clone(),
                replayed: end,
            },
        }
    }
}

fn pair(was: Option<&Row>, is: Option<&Row>) -> StepPair {
    let (then, now) = (was.map(Row::side), is.map(Row::side));
    let step = is.or(was).map_or(0, |row| row.step);
    StepPair {
        step,
        tool: is.or(was).map(|row| row.tool.clone()).unwrap_or_default(),
        outcome: match is.map(|row| row.how) {
            Some(How::Recorded) => "recorded",
            Some(How::Asked) => "asked",
            Some(How::StandIn) => "stand_in",
            Some(How::Missing) => "missing",
            None => "not_reached",
        },
        same: match (was, is) {
            (Some(was), Some(is)) => same(was, is),
            (None, _) | (_, None) => false,
        },
        verdict: was.and_then(|row| row.verdict.clone()),
        recorded: then,
        replayed: now,
    }
}

/// Whether two steps are the same: for a question what the model said, for any other tool what it was
/// asked for.
fn same(was: &Row, is: &Row) -> bool {
    if was.tool != is.tool || is.how == How::Missing {
        return false;
    }
    if was.tool == MODEL_CALL {
        let (then, now) = (was.side(), is.side());
        return (then.said, then.error) == (now.said, now.error);
    }
    match (&was.arguments, &is.arguments) {
        (Some(then), Some(now)) => then == now || canonical_of(then) == canonical_of(now),
        // A call that did not fit its tool: its arguments are in no record.
        (None, _) | (_, None) => true,
    }
}

fn canonical_of(arguments: &Value) -> Option<String> {
    canonical::to_string(arguments).ok()
}

fn words(reply: &Reply) -> Words {
    let call = |part: &Part| match part {
        Part::ToolCall {
            name, arguments, ..
        } => {
            let written = serde_json::from_str(arguments);
            let arguments = written.unwrap_or_else(|_| Value::String(arguments.clone()));
            Some((name.clone(), arguments))
        }
        Part::Text { .. }
        | Part::ToolResult { .. }
        | Part::Thinking { .. }
        | Part::Image { .. }
        | Part::Refusal { .. } => None,
    };
    Words {
        text: reply.text(),
        calls: reply.parts.iter().filter_map(call).collect(),
        stop: reply.stop,
    }
}

impl Totals {
    fn of(rows: &[Row], which: impl Fn(&Row) -> bool) -> Self {
        let mut totals = Self::default();
        for row in rows
            .iter()
            .filter(|row| row.tool == MODEL_CALL && which(row))
        {
            match row.reply() {
                Some(reply) => totals.add(&reply),
                None => totals.questions += 1,
            }
        }
        totals
    }

    fn add(&mut self, reply: &Reply) {
        self.questions += 1;
        self.unpriced += u64::from(reply.cost_usd_micros.is_none());
        self.cost_usd_micros = self
            .cost_usd_micros
            .saturating_add(reply.cost_usd_micros.unwrap_or(0));
        self.input_tokens = self.input_tokens.saturating_add(reply.usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(reply.usage.output_tokens);
        if !self.served.contains(&reply.served) {
            self.served.push(reply.served.clone());
        }
    }

    fn less(&self, other: &Self) -> Difference {
        let less = |a: u64, b: u64| {
            let (a, b) = (i64::try_from(a), i64::try_from(b));
            a.unwrap_or(i64::MAX).saturating_sub(b.unwrap_or(i64::MAX))
        };
        Difference {
            cost_usd_micros: less(self.cost_usd_micros, other.cost_usd_micros),
            input_tokens: less(self.input_tokens, other.input_tokens),
            output_tokens: less(self.output_tokens, other.output_tokens),
        }
    }
}
