//! How a turn ends: what each step gave, or which did not succeed.

use std::fmt::Write as _;

use runs::{FailedAt, Failure, Finish, ToolResult};
use serde_json::Value;
use tools::output;

use crate::planner::{Plan, Step, excerpt};

/// The most bytes of an answer: it stays in the database with its message.
pub const ANSWER_BYTES_MAX: usize = 48 * 1024;
/// The most bytes of one step's output in an answer.
const OUTPUT_BYTES_MAX: usize = 4 * 1024;
/// The most bytes of the message of a failure.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// The most bytes of one step's error in it.
const ERROR_BYTES_MAX: usize = 500;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It gave this, perhaps cut.
    Gave {
        /// The beginning of the output.
        text: String,
        /// Whether that is not all.
        cut: bool,
    },
    /// It waited.
    Waited,
    /// It failed or was denied.
    Failed {
        /// The tool's code.
        code: String,
        /// For people.
        message: String,
        /// Whether the same step may succeed later.
        retryable: bool,
    },
    /// It could not be done.
    Skipped(String),
}

impl End {
    /// The end of a step that used a tool.
    pub(super) fn of(result: &ToolResult) -> Self {
        if result.ok {
            let output = result.output.as_ref().map(output::text).unwrap_or_default();
            let text = head(&output, OUTPUT_BYTES_MAX);
            return Self::Gave {
                cut: result.truncated || text.len() < output.len(),
                text: text.to_owned(),
            };
        }
        match &result.error {
            Some(error) => Self::Failed {
                code: error.code.clone(),
                message: head(&error.message, ERROR_BYTES_MAX).to_owned(),
                retryable: error.retryable,
            },
            None => Self::Failed {
                code: "TOOL_FAILED".to_owned(),
                message: "the tool did not say why".to_owned(),
                retryable: false,
            },
        }
    }
}

/// The end of a run whose steps ended like this.
pub(super) fn finish(plan: &Plan, ends: &[End]) -> Finish {
    let bad: Vec<_> = (1..)
        .zip(plan.steps().iter().zip(ends))
        .filter_map(|(number, (step, end)): (u32, _)| Some((number, step, complaint(end)?)))
        .collect();
    if bad.is_empty() {
        return Finish::Succeeded {
            answer: Value::String(answer(plan, ends)),
        };
    }
    let mut message = format!("{} of {} steps did not succeed", bad.len(), ends.len());
    for (count, (number, step, why)) in bad.iter().enumerate() {
        let line = format!("; step {number} `{}`: {why}", quoted(step));
        if message.len() + line.len() > MESSAGE_BYTES_MAX {
            let _ = write!(message, "; and {} more", bad.len() - count);
            break;
        }
        message.push_str(&line);
    }
    let retryable = ends.iter().all(|end| match end {
        End::Gave { .. } | End::Waited | End::Skipped(_) => true,
        End::Failed { retryable, .. } => *retryable,
    });
    let code = "STEP_FAILED".to_owned();
    Finish::Failed(Failure {
        code,
        message,
        retryable,
        at: FailedAt::Tool,
    })
}

/// What a step is called in an answer.
fn quoted(step: &Step) -> String {
    excerpt(&step.to_string())
}

/// What is wrong with an end, if anything is.
fn complaint(end: &End) -> Option<String> {
    match end {
        End::Gave { .. } | End::Waited => None,
        End::Failed { code, message, .. } => Some(format!("{code}: {message}")),
        End::Skipped(why) => Some(format!("skipped: {why}")),
    }
}

/// Markdown that is readable as plain text too: a numbered line for each step, and below it what it
/// gave, if that is more than nothing.
fn answer(plan: &Plan, ends: &[End]) -> String {
    // Every step gets the same room; half of it may go into its line and the fences.
    let room = (ANSWER_BYTES_MAX / plan.steps().len().max(1))
        .saturating_sub(400)
        .min(OUTPUT_BYTES_MAX);
    let mut answer = String::new();
    for (number, (step, end)) in (1_u32..).zip(plan.steps().iter().zip(ends)) {
        if !answer.is_empty() {
            answer.push('\n');
        }
        let _ = writeln!(answer, "{number}. `{}`", quoted(step));
        if let End::Gave { text, cut } = end {
            gave(&mut answer, text, *cut, room);
        }
    }
    answer.truncate(answer.trim_end().len());
    answer
}

fn gave(answer: &mut String, text: &str, cut: bool, room: usize) {
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let shown = head(text, room);
    let fence = fence(shown);
    let _ = writeln!(answer, "\n{fence}\n{shown}\n{fence}");
    if cut || shown.len() < text.len() {
        answer.push_str("(cut)\n");
    }
}

/// Backticks that are more than any in a row in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// The beginning of a text, at most so many bytes, with no character cut in two.
pub(crate) fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
