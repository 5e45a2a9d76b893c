//! From a run's input to its program.

use runs::{Input, OneTool, Program};

use crate::model::Planner;
use crate::model_turn::ModelTurn;
use crate::rerun::Rerun;
use crate::summary::Summarise;
use crate::turn::RulesTurn;

/// The program of a run: an agent's turn by its planner, one tool call, a recorded run once more, or
/// a summary.
#[must_use]
pub fn programs(input: &Input) -> Box<dyn Program> {
    match input {
        Input::AgentTurn { agent, message } if agent.planner == Planner::Model.as_str() => {
            Box::new(ModelTurn::new(agent, message))
        }
        Input::AgentTurn { agent, message } => Box::new(RulesTurn::new(agent, message)),
        Input::Tool { tool, arguments } => Box::new(OneTool::new(tool, arguments)),
        Input::Replay(again) => Box::new(Rerun::new(again, programs)),
        Input::Summary(stretch) => Box::new(Summarise::new(&stretch.agent)),
    }
}
