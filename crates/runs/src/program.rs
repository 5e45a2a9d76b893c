//! What a run does: a pure state machine.
//!
//! A program is built from its input and is fed the outcomes of what it asked for. It reads no
//! clock, rolls no dice and touches nothing, so the same input and the same outcomes always lead
//! it to ask for the same things. That is what makes a run durable and repeatable.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use tools::{ToolError, ToolResult};
use vocab::{ModelProfileId, RunId};

/// A run's program.
pub trait Program: Send + Sync {
    /// Takes the outcome of one of the effects it asked for. Each step ends once.
    fn apply(&mut self, step: u32, outcome: &Outcome);

    /// What it wants now. Asking twice without an outcome in between gives the same answer.
    fn next(&self) -> Next;
}

/// What a program wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// These effects, each under a step number from 1 that it keeps. Those that are under way
    /// are named again until their outcome has been applied.
    Perform(Vec<Wanted>),
    /// Nothing more: this is the end.
    Finish(Finish),
}

/// One effect that a program waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its number in the run.
    pub step: u32,
    /// What it is.
    pub effect: Effect,
}

/// What a program can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Use a tool, by the road that every action takes.
    Tool {
        /// The tool's name.
        tool: String,
        /// Its arguments.
        arguments: Value,
    },
    /// Wait.
    Timer {
        /// How long.
        wait: Duration,
    },
    /// Wait for somebody to send this signal to the run.
    Signal {
        /// Its name.
        name: String,
    },
    /// Learn what there is to know before a turn begins: what was said, which tools and which model
    /// there are. Nothing outside is touched.
    Context,
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A tool's result, whether good or bad.
    Tool(ToolResult),
    /// The time is over.
    TimerFired,
    /// The signal came, with what it carried.
    Signalled(Value),
    /// What there is to know.
    Context(Value),
}

/// How a program ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Finish {
    /// With an answer.
    Succeeded {
        /// What the run was for.
        answer: Value,
    },
    /// Without one.
    Failed(Failure),
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable, in UPPER_SNAKE.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether the same run may succeed later.
    pub retryable: bool,
    /// Whose failure it was.
    pub at: FailedAt,
}

/// Whose failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedAt {
    /// Chancery itself.
    Platform,
    /// The agent: its instructions, its plan, its limits.
    Agent,
    /// A tool.
    Tool,
    /// A model provider.
    Provider,
}

/// What a run's program is built from, stored as the run's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Input {
    /// An agent answers a message.
    AgentTurn {
        /// The agent as it is at this moment: the run keeps it however the registry changes.
        agent: AgentSnapshot,
        /// The message's text.
        message: String,
    },
    /// One tool call, by a person or a program directly.
    Tool {
        /// The tool's name.
        tool: String,
        /// Its arguments.
        arguments: Value,
    },
    /// A recorded turn by a model once more, with the model asked anew.
    Replay(Box<Again>),
    /// What was said in a session is summarised.
    Summary(Box<Stretch>),
}

/// Which messages are summarised, and for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The agent whose context they no longer fit; its model summarises.
    pub agent: AgentSnapshot,
    /// The branch of the last one.
    pub branch: u32,
    /// They come after this position, up to which there is a summary; 0 if there is none.
    pub after: u32,
    /// The position of the last one.
    pub upto: u32,
    /// The run that wrote the summary that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunId>,
}

/// Which run is gone through again, and what is to be other than it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Again {
    /// The run.
    pub run: RunId,
    /// The entry of its journal from which on the changes hold; what is before it stays as it was.
    pub from_seq: u32,
    /// The name of the profile that is asked instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the agent is told to be instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// What tools give instead, by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<(u32, ToolResult)>,
}

/// What of an agent a run depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentSnapshot {
    /// The agent's name.
    pub name: String,
    /// Its version in the registry.
    pub version: u32,
    /// What it was told to be.
    pub instructions: String,
    /// How it plans: `rules` or `model`.
    pub planner: String,
    /// The tools that it may ask for; policy decides on each use besides.
    pub tools: Vec<String>,
    /// How many steps it may take at most.
    pub max_steps: u32,
    /// Its labels, which policies see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The profile of the model that plans, where it plans by `model`; the organisation's usual one
    /// without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_profile_id: Option<ModelProfileId>,
    /// What one run may spend on models, in micro-USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd_micros: Option<u64>,
    /// The JSON schema that the answer fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

impl AgentSnapshot {
    /// Whether the agent may ask for a tool: those of its definition, and, if a model plans for it,
    /// that model, and to read on in what was cut for it.
    #[must_use]
    pub fn has_tool(&self, tool: &str) -> bool {
        let comes_with_it =
            matches!(tool, MODEL_CALL | ARTIFACT_READ) && self.is_planned_by_a_model();
        comes_with_it || self.tools.iter().any(|it| it == tool)
    }

    /// Whether a model plans for it.
    #[must_use]
    pub fn is_planned_by_a_model(&self) -> bool {
        self.planner == "model"
    }
}

/// The tool by which a program asks a model.
pub const MODEL_CALL: &str = "model.call";

/// The tool by which a program reads on in an artifact of its own run.
pub const ARTIFACT_READ: &str = "artifact.read";

impl Input {
    /// The version of the agent that answers.
    #[must_use]
    pub const fn agent_version(&self) -> Option<u32> {
        match self {
            Self::AgentTurn { agent, .. } => Some(agent.version),
            Self::Summary(stretch) => Some(stretch.agent.version),
            Self::Tool { .. } | Self::Replay(_) => None,
        }
    }

    /// The persisted name of the kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AgentTurn { .. } => "agent_turn",
            Self::Tool { .. } => "tool",
            Self::Replay(_) => "replay",
            Self::Summary(_) => "summary",
        }
    }
}

/// Builds a program from its input. The server composes it from the crates that own the kinds.
pub type Programs = std::sync::Arc<dyn Fn(&Input) -> Box<dyn Program> + Send + Sync>;

/// The program of a single tool call: its result is the answer.
pub struct OneTool {
    tool: String,
    arguments: Value,
    result: Option<ToolResult>,
}

impl OneTool {
    /// A call of this tool with these arguments.
    #[must_use]
    pub fn new(tool: &str, arguments: &Value) -> Self {
        Self {
            tool: tool.to_owned(),
            arguments: arguments.clone(),
            result: None,
        }
    }
}

impl Program for OneTool {
    fn apply(&mut self, _step: u32, outcome: &Outcome) {
        match outcome {
            Outcome::Tool(result) => self.result = Some(result.clone()),
            Outcome::TimerFired | Outcome::Signalled(_) | Outcome::Context(_) => {}
        }
    }

    fn next(&self) -> Next {
        let Some(result) = &self.result else {
            let effect = Effect::Tool {
                tool: self.tool.clone(),
                arguments: self.arguments.clone(),
            };
            return Next::Perform(vec![Wanted { step: 1, effect }]);
        };
        let finish = match &result.error {
            None => Finish::Succeeded {
                answer: result.output.clone().unwrap_or(Value::Null),
            },
            Some(error) => Finish::Failed(Failure {
                code: error.code.clone(),
                message: error.message.clone(),
                retryable: error.retryable,
                at: FailedAt::Tool,
            }),
        };
        Next::Finish(finish)
    }
}
