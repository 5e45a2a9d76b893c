//! From a run's input to its program.

use runs::{Failure, Finish, Input, Next, OneTool, Outcome, Program};

use crate::turn::{RulesTurn, refused};

/// The program of a run: an agent's turn by its planner, or one tool call.
#[must_use]
pub fn programs(input: &Input) -> Box<dyn Program> {
    match input {
        Input::AgentTurn { agent, message } => match agent.planner.as_str() {
            "rules" => Box::new(RulesTurn::new(agent, message)),
            other => Box::new(Unplanned::new(&agent.name, other)),
        },
        Input::Tool { tool, arguments } => Box::new(OneTool::new(tool, arguments)),
    }
}

/// The program of an agent whose planner is not there: it fails at once and says so.
struct Unplanned(Failure);

impl Unplanned {
    fn new(agent: &str, planner: &str) -> Self {
        let message = format!(
            "agent `{agent}` plans by `{planner}`, which this version does not have; use `rules`"
        );
        Self(refused("PLANNER_UNAVAILABLE", message))
    }
}

impl Program for Unplanned {
    fn apply(&mut self, _step: u32, _outcome: &Outcome) {}

    fn next(&self) -> Next {
        Next::Finish(Finish::Failed(self.0.clone()))
    }
}
