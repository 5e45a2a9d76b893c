//! An agent's turn by rules: the steps of a plan, one after the other.
//!
//! Its life: the message is read as a plan; each step asks for one effect, and the next begins when
//! the outcome is there. A step that fails or is denied does not stop the others, except those that
//! refer to what it gave: they are skipped. When all is done, the run succeeds with a text that says
//! what each step gave, or fails with `STEP_FAILED` and a message that names the steps that did not
//! succeed, and why.
//!
//! Nothing is done at all, and the run fails at once, if
//! - a step is not understood (`PLAN_NOT_UNDERSTOOD`),
//! - there are more steps than a plan or the agent may have (`PLAN_TOO_LONG`),
//! - a step needs a tool that the agent does not have (`TOOL_NOT_GIVEN`).
//!
//! The number of an effect is the number of its step, so `{{2}}`, the journal and the answer speak
//! of the same thing; the number of a skipped step stays unused.

mod report;

use std::collections::{BTreeMap, BTreeSet};

use runs::{AgentSnapshot, Effect, FailedAt, Failure, Finish, Next, Outcome, Program, Wanted};
use serde_json::{Value, json};
use tools::output;
use vocab::limits;

use crate::planner::{self, Part, Plan, PlanError, Step, Text};
use report::End;

/// The most bytes that a text may have once its references are filled in.
pub const TEXT_BYTES_MAX: usize = limits::ARGUMENTS_BYTES_MAX / 2;

/// The program of an agent whose planner is `rules`.
pub struct RulesTurn {
    plan: Result<Plan, Failure>,
    /// How each step so far ended; step `n` is at index `n - 1`.
    ends: Vec<End>,
    /// What steps gave that later ones refer to.
    kept: BTreeMap<u32, Value>,
    /// The numbers of the steps that later ones refer to.
    needed: BTreeSet<u32>,
    /// What the first step without an end asks for.
    current: Option<Effect>,
}

impl RulesTurn {
    /// The turn of an agent that answers a message.
    #[must_use]
    pub fn new(agent: &AgentSnapshot, message: &str) -> Self {
        let plan = plan(agent, message);
        let needed = plan
            .iter()
            .flat_map(Plan::steps)
            .flat_map(references)
            .collect();
        let (ends, kept) = (Vec::new(), BTreeMap::new());
        let mut turn = Self {
            plan,
            ends,
            kept,
            needed,
            current: None,
        };
        turn.advance();
        turn
    }

    /// Goes on to the next step that can be done; those before it are skipped.
    fn advance(&mut self) {
        self.current = None;
        let Ok(plan) = &self.plan else { return };
        while let Some(step) = plan.steps().get(self.ends.len()) {
            match effect(step, &self.kept) {
                Ok(effect) => {
                    self.current = Some(effect);
                    return;
                }
                Err(why) => self.ends.push(End::Skipped(why)),
            }
        }
    }

    fn current_number(&self) -> u32 {
        u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX)
    }
}

impl Program for RulesTurn {
    fn apply(&mut self, step: u32, outcome: &Outcome) {
        if self.current.is_none() || step != self.current_number() {
            return;
        }
        let end = match outcome {
            Outcome::Tool(result) => {
                if result.ok && self.needed.contains(&step) {
                    self.kept
                        .insert(step, result.output.clone().unwrap_or_default());
                }
                End::of(result)
            }
            Outcome::TimerFired => {
                self.kept.insert(step, Value::Null);
                End::Waited
            }
            // No step waits for a signal or asks what there is to know.
            Outcome::Signalled(_) | Outcome::Context(_) => return,
        };
        self.ends.push(end);
        self.advance();
    }

    fn next(&self) -> Next {
        match (&self.plan, &self.current) {
            (Err(failure), _) => Next::Finish(Finish::Failed(failure.clone())),
            (Ok(_), Some(effect)) => {
                let wanted = Wanted {
                    step: self.current_number(),
                    effect: effect.clone(),
                };
                Next::Perform(vec![wanted])
            }
            (Ok(plan), None) => Next::Finish(report::finish(plan, &self.ends)),
        }
    }
}

/// A failure of the agent, which the same message would meet again.
pub(crate) fn refused(code: &str, message: String) -> Failure {
    Failure {
        code: code.to_owned(),
        message,
        retryable: false,
        at: FailedAt::Agent,
    }
}

/// The plan of a message, if this agent can carry it out.
fn plan(agent: &AgentSnapshot, message: &str) -> Result<Plan, Failure> {
    let plan = planner::parse(message).map_err(|error| {
        let code = match &error {
            PlanError::Empty | PlanError::NotUnderstood { .. } => "PLAN_NOT_UNDERSTOOD",
            PlanError::TooMany { .. } => "PLAN_TOO_LONG",
        };
        refused(code, error.to_string())
    })?;
    let (count, max) = (plan.steps().len(), agent.max_steps as usize);
    if count > max {
        let message = format!(
            "the message has {count} steps; agent `{}` may take {max}",
            agent.name
        );
        return Err(refused("PLAN_TOO_LONG", message));
    }
    let missing: Vec<String> = (1..)
        .zip(plan.steps())
        .filter_map(|(number, step): (u32, _)| {
            let tool = tool(step).filter(|tool| !agent.tools.iter().any(|has| has == tool))?;
            Some(format!("step {number} needs `{tool}`"))
        })
        .collect();
    if !missing.is_empty() {
        let agent = &agent.name;
        let needs = missing.join(", ");
        let message =
            format!("agent `{agent}` does not have every tool, so nothing was done: {needs}");
        return Err(refused("TOOL_NOT_GIVEN", message));
    }
    Ok(plan)
}

/// The tool that a step uses, if it uses one.
const fn tool(step: &Step) -> Option<&'static str> {
    match step {
        Step::List { .. } => Some("file.list"),
        Step::Read { .. } => Some("file.read"),
        Step::Write { .. } => Some("file.write"),
        Step::Search { .. } => Some("file.search"),
        Step::Fetch { .. } => Some("http.fetch"),
        Step::RunSkill { .. } => Some("skill.run"),
        Step::SaveArtifact { .. } => Some("artifact.save"),
        Step::CallAgent { .. } => Some("agent.call"),
        Step::Shell { .. } => Some("shell.exec"),
        Step::Wait { .. } => None,
        Step::Noop => Some("noop"),
    }
}

/// The numbers of the steps that a step refers to.
fn references(step: &Step) -> Vec<u32> {
    let (Step::Write { text, .. } | Step::CallAgent { text, .. }) = step else {
        return Vec::new();
    };
    let referred = text.parts().iter().filter_map(|part| match part {
        Part::Output { step, .. } => Some(*step),
        Part::Literal(_) => None,
    });
    referred.collect()
}

/// What a step asks for, or why it can't be done.
fn effect(step: &Step, kept: &BTreeMap<u32, Value>) -> Result<Effect, String> {
    let arguments = match step {
        Step::List { path: None } => json!({}),
        Step::List { path: Some(path) } | Step::Read { path } => json!({ "path": path }),
        Step::Write { path, text } => json!({ "path": path, "content": filled(text, kept)? }),
        Step::Search {
            pattern,
            path: None,
        } => json!({ "pattern": pattern }),
        Step::Search {
            pattern,
            path: Some(path),
        } => json!({ "pattern": pattern, "path": path }),
        Step::Fetch { url } => json!({ "url": url }),
        Step::RunSkill { name, path: None } => json!({ "name": name }),
        Step::RunSkill {
            name,
            path: Some(path),
        } => json!({ "name": name, "args": [path] }),
        Step::SaveArtifact { name, path } => json!({ "name": name, "path": path }),
        Step::CallAgent { name, text } => json!({ "agent": name, "message": filled(text, kept)? }),
        Step::Shell { command } => json!({ "command": command }),
        Step::Wait { wait } => return Ok(Effect::Timer { wait: *wait }),
        Step::Noop => json!({}),
    };
    let tool = tool(step).unwrap_or("noop").to_owned();
    Ok(Effect::Tool { tool, arguments })
}

/// A text with its references filled in.
fn filled(text: &Text, kept: &BTreeMap<u32, Value>) -> Result<String, String> {
    let mut filled = String::new();
    for part in text.parts() {
        match part {
            Part::Literal(literal) => filled.push_str(literal),
            Part::Output { step, path } => {
                let whole = kept.get(step).ok_or_else(|| {
                    format!("it uses what step {step} gives, which did not succeed")
                })?;
                let value = path.iter().try_fold(whole, |value, name| {
                    value
                        .get(name)
                        .ok_or_else(|| format!("step {step} gave no `{name}`"))
                })?;
                filled.push_str(&output::text(value));
            }
        }
        if filled.len() > TEXT_BYTES_MAX {
            return Err(format!(
                "its text would have more than {TEXT_BYTES_MAX} bytes"
            ));
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
