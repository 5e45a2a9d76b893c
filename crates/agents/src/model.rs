//! An agent as the registry keeps it.

use std::fmt;
use std::str::FromStr;

use runs::AgentSnapshot;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::{AgentId, ModelProfileId, Timestamp, limits};

use crate::{AgentError, schema};

/// The most steps that an agent can be allowed for one run.
pub const STEPS_MAX: u32 = 1_000;
/// The steps that an agent may take unless it says otherwise.
pub const STEPS_DEFAULT: u32 = 50;
/// The longest instructions, in bytes: with a message, they are the sealed input of a run.
pub const INSTRUCTIONS_BYTES_MAX: usize = 16 * 1024;
/// The most tools of one agent.
pub const TOOLS_MAX: usize = 256;
/// The largest budget, in micro-USD: what every reader of JSON keeps exactly.
pub const BUDGET_MAX: u64 = vocab::canonical::INTEGER_MAX;
/// The workspace of an agent that names none.
pub const WORKSPACE_DEFAULT: &str = "default";

/// An agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Where it is in its life.
    pub state: AgentState,
    /// The version of its definition, from 1.
    pub version: u32,
    /// What it is.
    pub definition: Definition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A version of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentVersion {
    /// The version, from 1.
    pub version: u32,
    /// What the agent was.
    pub definition: Definition,
    /// Since when.
    pub created_at: Timestamp,
}

/// What an agent is. Stored as JSON; members that are added later need a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// By which it is called; unique in its organisation.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it is told to be.
    pub instructions: String,
    /// What runs it.
    pub engine: Engine,
    /// How it decides.
    pub planner: Planner,
    /// The models that it uses, where it uses any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_profile_id: Option<ModelProfileId>,
    /// The tools that it may ask for; policy decides on each use besides.
    pub tools: Vec<String>,
    /// How many steps one run may take.
    pub max_steps: u32,
    /// What it may spend, in micro-USD. Kept for the ledger; nothing is spent without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd_micros: Option<u64>,
    /// The JSON schema that its answers fit, where a model plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// For policies and for finding it again.
    pub labels: Vec<String>,
    /// The workspace of its files, in runs that belong to no session.
    pub workspace: String,
}

/// What runs an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Chancery itself.
    Builtin,
}

/// How an agent decides what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Planner {
    /// A model plans.
    Model,
    /// The message is the plan.
    Rules,
}

impl Planner {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Rules => "rules",
        }
    }
}

/// Where an agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It can be asked.
    Active,
    /// It starts no runs until it is activated.
    Paused,
    /// It never will again.
    Retired,
}

/// A step in an agent's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Start no more runs for now.
    Pause,
    /// Start runs again.
    Activate,
    /// Never start a run again.
    Retire,
}

impl AgentState {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Retired => "retired",
        }
    }

    /// The state after a turn; a turn that was made before changes nothing. `None` if a retired
    /// agent is to come back.
    #[must_use]
    pub const fn after(self, turn: Turn) -> Option<Self> {
        match (self, turn) {
            (_, Turn::Retire) => Some(Self::Retired),
            (Self::Active | Self::Paused, Turn::Pause) => Some(Self::Paused),
            (Self::Active | Self::Paused, Turn::Activate) => Some(Self::Active),
            (Self::Retired, Turn::Pause | Turn::Activate) => None,
        }
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `active`, `paused`, `retired`")]
pub struct ParseAgentStateError;

impl FromStr for AgentState {
    type Err = ParseAgentStateError;

    fn from_str(text: &str) -> Result<Self, ParseAgentStateError> {
        let all = [Self::Active, Self::Paused, Self::Retired];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(ParseAgentStateError)
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Agent {
    /// What of the agent a run depends on.
    #[must_use]
    pub fn snapshot(&self) -> AgentSnapshot {
        AgentSnapshot {
            name: self.definition.name.clone(),
            version: self.version,
            instructions: self.definition.instructions.clone(),
            planner: self.definition.planner.as_str().to_owned(),
            tools: self.definition.tools.clone(),
            max_steps: self.definition.max_steps,
            labels: self.definition.labels.clone(),
            model_profile_id: self.definition.model_profile_id,
            budget_usd_micros: self.definition.budget_usd_micros,
            output_schema: self.definition.output_schema.clone(),
        }
    }

    /// The agent itself, if it may start a run now.
    ///
    /// # Errors
    /// It is paused or retired.
    pub fn ready(self) -> Result<Self, AgentError> {
        match self.state {
            AgentState::Active => Ok(self),
            AgentState::Paused => Err(AgentError::Paused(self.definition.name)),
            AgentState::Retired => Err(AgentError::Retired(self.definition.name)),
        }
    }
}

impl Definition {
    /// An agent with this name whose planner is `rules`, and the defaults.
    #[must_use]
    pub fn rules(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            instructions: String::new(),
            engine: Engine::Builtin,
            planner: Planner::Rules,
            model_profile_id: None,
            tools: Vec::new(),
            max_steps: STEPS_DEFAULT,
            budget_usd_micros: None,
            output_schema: None,
            labels: Vec::new(),
            workspace: WORKSPACE_DEFAULT.to_owned(),
        }
    }

    /// The definition in its one spelling: tools and labels sorted, each once.
    ///
    /// # Errors
    /// The first member that does not fit; `known` are the tools that there are.
    pub fn checked(mut self, known: &[String]) -> Result<Self, AgentError> {
        check_name("name", &self.name)?;
        let chars = self.description.chars().count();
        bounded("description", chars, limits::TEXT_CHARS_MAX, "characters")?;
        bounded(
            "instructions",
            self.instructions.len(),
            INSTRUCTIONS_BYTES_MAX,
            "bytes",
        )?;
        for list in [&mut self.tools, &mut self.labels] {
            list.sort_unstable();
            list.dedup();
        }
        bounded("tools", self.tools.len(), TOOLS_MAX, "tools")?;
        if let Some(tool) = self.tools.iter().find(|tool| !known.contains(tool)) {
            return Err(invalid("tools", format!("no tool is called `{tool}`")));
        }
        if !(1..=STEPS_MAX).contains(&self.max_steps) {
            return Err(invalid(
                "max_steps",
                format!("expected a number from 1 to {STEPS_MAX}"),
            ));
        }
        if self
            .budget_usd_micros
            .is_some_and(|budget| budget > BUDGET_MAX)
        {
            return Err(invalid(
                "budget_usd_micros",
                format!("expected at most {BUDGET_MAX}"),
            ));
        }
        if let Some(schema) = &self.output_schema {
            if self.planner == Planner::Rules {
                let message = "only an agent whose planner is `model` answers by a schema";
                return Err(invalid("output_schema", message.to_owned()));
            }
            schema::check(schema).map_err(|message| invalid("output_schema", message))?;
        }
        check_labels(&self.labels)?;
        let slug = self.workspace.parse::<protocol::WorkspaceSlug>();
        slug.map_err(|error| invalid("workspace", error.to_string()))?;
        Ok(self)
    }
}

/// Checks a name: not empty, no white space around it, no control character, not too long.
///
/// # Errors
/// It is not a name.
pub fn check_name(member: &'static str, name: &str) -> Result<(), AgentError> {
    let fits = !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= limits::NAME_CHARS_MAX
        && !name.contains(char::is_control);
    if fits {
        return Ok(());
    }
    let max = limits::NAME_CHARS_MAX;
    let message =
        format!("expected 1 to {max} characters, none of control, no white space around them");
    Err(invalid(member, message))
}

/// Checks labels: each is a name, and they are not too many.
///
/// # Errors
/// They are not.
pub fn check_labels(labels: &[String]) -> Result<(), AgentError> {
    bounded("labels", labels.len(), limits::LABELS_MAX, "labels")?;
    labels
        .iter()
        .try_for_each(|label| check_name("labels", label))
}

fn bounded(member: &'static str, is: usize, max: usize, of: &str) -> Result<(), AgentError> {
    if is <= max {
        return Ok(());
    }
    Err(invalid(member, format!("expected at most {max} {of}")))
}

fn invalid(member: &'static str, message: String) -> AgentError {
    AgentError::Invalid { member, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_agent_never_comes_back() {
        use AgentState as S;
        let all = [S::Active, S::Paused, S::Retired];
        assert!(
            all.iter()
                .all(|state| state.after(Turn::Retire) == Some(S::Retired))
        );
        assert_eq!(S::Retired.after(Turn::Activate), None);
        assert_eq!(S::Retired.after(Turn::Pause), None);
        assert_eq!(S::Paused.after(Turn::Activate), Some(S::Active));
        assert_eq!(S::Paused.after(Turn::Pause), Some(S::Paused));
        assert!(all.iter().all(|state| state.as_str().parse() == Ok(*state)));
    }

    #[test]
    fn a_definition_is_checked_and_put_in_order() {
        let known = ["noop".to_owned(), "file.read".to_owned()];
        let member = |definition: Definition| match definition.checked(&known) {
            Ok(_) => "",
            Err(AgentError::Invalid { member, .. }) => member,
            Err(other) => panic!("{other}"),
        };
        let rules = || Definition::rules("clerk");
        let tools = ["noop", "file.read", "noop"].map(str::to_owned).to_vec();
        let checked = Definition { tools, ..rules() }.checked(&known).unwrap();
        assert_eq!(checked.tools, ["file.read", "noop"]);

        assert_eq!(member(Definition::rules("")), "name");
        assert_eq!(member(Definition::rules(" a")), "name");
        assert_eq!(member(Definition::rules("a\nb")), "name");
        assert_eq!(member(Definition::rules(&"é".repeat(129))), "name");
        assert_eq!(member(Definition::rules(&"é".repeat(128))), "");
        assert_eq!(
            member(Definition {
                max_steps: 0,
                ..rules()
            }),
            "max_steps"
        );
        assert_eq!(
            member(Definition {
                max_steps: 1_001,
                ..rules()
            }),
            "max_steps"
        );
        assert_eq!(
            member(Definition {
                workspace: "../x".into(),
                ..rules()
            }),
            "workspace"
        );
        assert_eq!(
            member(Definition {
                tools: vec!["rm".into()],
                ..rules()
            }),
            "tools"
        );
        assert_eq!(
            member(Definition {
                labels: vec![String::new()],
                ..rules()
            }),
            "labels"
        );
        let thinker = |output_schema| Definition {
            planner: Planner::Model,
            output_schema,
            ..rules()
        };
        let schema = serde_json::json!({ "type": "object" });
        assert_eq!(member(thinker(Some(schema.clone()))), "");
        assert_eq!(member(thinker(Some("object".into()))), "output_schema");
        let ruled = Definition {
            output_schema: Some(schema),
            ..rules()
        };
        assert_eq!(member(ruled), "output_schema");
        let budget = Some(u64::MAX);
        assert_eq!(
            member(Definition {
                budget_usd_micros: budget,
                ..rules()
            }),
            "budget_usd_micros"
        );
    }
}
