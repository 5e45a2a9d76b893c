//! The rule-based planner: a message read as steps, without a model and without a guess.
//!
//! # The language
//!
//! A message is a list of steps, one a line or parted by `;`. Empty steps are skipped; the others
//! are numbered from 1. Keywords may be in upper or lower case; everything else is taken as it
//! stands, without the white space around it.
//!
//! | step | what it does |
//! |---|---|
//! | `list [PATH]` | lists a folder; the whole workspace without a path (`file.list`) |
//! | `read PATH` | reads a file (`file.read`) |
//! | `write PATH: TEXT` | writes a file whole; PATH ends at the first `:` (`file.write`) |
//! | `search PATTERN [in PATH]` | searches files; PATH begins after the last ` in ` (`file.search`) |
//! | `fetch URL` | fetches a URL (`http.fetch`) |
//! | `run skill NAME [on PATH]` | runs a skill with PATH as its argument (`skill.run`) |
//! | `save artifact NAME from PATH` | keeps a file; PATH begins after the last ` from ` (`artifact.save`) |
//! | `call agent NAME: TEXT` | asks another agent (`agent.call`) |
//! | `shell: COMMAND` | runs a command (`shell.exec`) |
//! | `wait DURATION` | waits: `500ms`, `2s`, `5m`, `1h 30m`, `2d` |
//! | `noop` | does nothing (`noop`) |
//!
//! **Quotation.** A double quote at the beginning of a word opens a quotation if the same line
//! closes it; inside, `;` parts no steps. A value that is one quotation from its first character to
//! its last stands for what is inside, where `\"`, `\\`, `\n`, `\r` and `\t` are the usual escapes;
//! everywhere else quotes are ordinary characters. So `shell: echo "a; b"` runs the command with its
//! quotes, and `write a.txt: "one\ntwo; three"` writes two lines without any.
//!
//! **References.** In TEXT, `{{2}}` stands for what step 2 gave, and `{{2.status}}` for the member
//! `status` of it. Only earlier steps can be referred to. `{{{{` stands for `{{`; braces
//! around what does not begin with a digit are ordinary characters. A COMMAND has no references, because what a tool
//! gave must not become part of a command line.
//!
//! [`parse`] either understands every step or names each one that it does not; there is no partial
//! plan. Parsing reads nothing but the message, and a plan prints as a message that parses to the
//! same plan.

mod duration;
mod step;
mod text;
mod value;

use std::fmt;

use vocab::limits::PLAN_STEPS_MAX;

pub use step::{Form, Step};
pub use text::{Part, Text};

/// The steps of one message, in order. Step `n` is at index `n - 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

/// Why a message is not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It has no steps at all.
    #[error("the message has no steps; write one a line, such as {}", Form::Read)]
    Empty,
    /// It has more than [`PLAN_STEPS_MAX`].
    #[error("the message has {count} steps; at most {PLAN_STEPS_MAX} are taken")]
    TooMany {
        /// How many it has.
        count: usize,
    },
    /// Some of them are not understood.
    #[error("{}", describe(.of, .misunderstood))]
    NotUnderstood {
        /// How many steps the message has.
        of: usize,
        /// Those that are not understood, in order.
        misunderstood: Vec<Misunderstood>,
    },
}

/// A step that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misunderstood {
    /// Its number, from 1.
    pub step: u32,
    /// Its text, cut to [`EXCERPT_CHARS_MAX`] characters.
    pub excerpt: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It begins with no word that is known, and no form is near.
    #[error("no step begins like this")]
    Unknown,
    /// It is nearest to this form.
    #[error("did you mean {0}?")]
    Near(Form),
    /// A value begins with a double quote that the line does not close.
    #[error("the quotation is not closed on its line")]
    OpenQuotation,
    /// A reference to a step that is not an earlier one.
    #[error("`{{{{{0}}}}}` does not refer to an earlier step")]
    Reference(String),
    /// A duration that is not one.
    #[error("a duration is like `500ms`, `2s`, `5m` or `1h 30m`, and at most 366 days")]
    Duration,
}

/// How much of a step is quoted back, in characters.
pub const EXCERPT_CHARS_MAX: usize = 80;

/// How many misunderstood steps are spelled out; the rest is counted.
const NAMED_MAX: usize = 20;

impl Plan {
    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{step}")?;
        }
        Ok(())
    }
}

/// Reads a message.
///
/// # Errors
/// What [`PlanError`] names.
pub fn parse(message: &str) -> Result<Plan, PlanError> {
    let texts = split(message);
    if texts.is_empty() {
        return Err(PlanError::Empty);
    }
    if texts.len() > PLAN_STEPS_MAX {
        return Err(PlanError::TooMany { count: texts.len() });
    }
    let (mut steps, mut misunderstood) = (Vec::new(), Vec::new());
    for (number, text) in (1..).zip(&texts) {
        match step::parse(text, number) {
            Ok(step) => steps.push(step),
            Err(why) => {
                misunderstood.push(Misunderstood {
                    step: number,
                    excerpt: excerpt(text),
                    why,
                });
            }
        }
    }
    if misunderstood.is_empty() {
        Ok(Plan { steps })
    } else {
        Err(PlanError::NotUnderstood {
            of: texts.len(),
            misunderstood,
        })
    }
}

/// The beginning of a text on one line, fit to be quoted back.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let visible = |c: char| if c.is_control() || c == '`' { ' ' } else { c };
    let mut short: String = text.chars().take(EXCERPT_CHARS_MAX).map(visible).collect();
    if text.chars().nth(EXCERPT_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// The trimmed, non-empty texts of the steps.
fn split(message: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    for line in message.lines() {
        let (mut start, mut at, mut word_begins) = (0, 0, true);
        while let Some(c) = line[at..].chars().next() {
            if c == '"'
                && word_begins
                && let Some(end) = value::closing_quote(line, at)
            {
                at = end + 1;
                word_begins = false;
                continue;
            }
            if c == ';' {
                steps.push(&line[start..at]);
                start = at + 1;
            }
            word_begins = c.is_whitespace() || matches!(c, ';' | ':' | '=' | '(');
            at += c.len_utf8();
        }
        steps.push(&line[start..]);
    }
    steps
        .into_iter()
        .map(str::trim)
        .filter(|step| !step.is_empty())
        .collect()
}

fn describe(of: &usize, misunderstood: &[Misunderstood]) -> String {
    let count = misunderstood.len();
    let were = if count == 1 { "was" } else { "were" };
    let mut text = format!("{count} of {of} steps {were} not understood, so nothing was done");
    for it in misunderstood.iter().take(NAMED_MAX) {
        text.push_str(&format!("; step {} `{}`: {}", it.step, it.excerpt, it.why));
    }
    if count > NAMED_MAX {
        text.push_str(&format!("; and {} more", count - NAMED_MAX));
    }
    if misunderstood.iter().any(|it| it.why == Why::Unknown) {
        let forms: Vec<String> = Form::ALL.iter().map(Form::to_string).collect();
        text.push_str(&format!("; known are {}", forms.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests;
