//! A run as it is stored, and what it waits for.

use policy::HasRead;
use serde::{Deserialize, Serialize};
use vocab::{Actor, AgentId, ApprovalId, Digest, NodeId, OrgId, Role, RunId, SessionId, Timestamp};

use crate::account::RunUsage;
use crate::program::{Failure, Input};

/// Where a run is. The data of a state is in the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It waits for a worker, or for the run before it in its session.
    Queued,
    /// A worker has it and nothing has happened yet.
    Dispatching,
    /// It is under way.
    Running,
    /// It is parked: no worker, no memory.
    Waiting {
        /// What for.
        waiting_for: WaitingFor,
    },
    /// It ended with an answer.
    Succeeded,
    /// It ended without one.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Somebody ended it.
    Cancelled,
}

/// What a parked run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WaitingFor {
    /// A person's approval.
    Approval {
        /// Which.
        approval: ApprovalId,
    },
    /// A time.
    Timer {
        /// When.
        until: Timestamp,
    },
    /// A signal.
    Signal {
        /// Which.
        name: String,
    },
    /// Another run.
    Child {
        /// Which.
        run: RunId,
    },
    /// A node that is away.
    Node {
        /// Which, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
    },
    /// A person's decision about an outcome that nobody knows.
    Decision {
        /// Of which step.
        step: u32,
    },
}

impl WaitingFor {
    /// The name that clients see as `waiting_for`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Approval { .. } => "approval",
            Self::Timer { .. } => "timer",
            Self::Signal { .. } => "signal",
            Self::Child { .. } => "child",
            Self::Node { .. } => "node",
            Self::Decision { .. } => "decision",
        }
    }
}

impl State {
    /// Every name that [`as_str`](Self::as_str) gives.
    pub const NAMES: [&str; 7] = [
        "queued",
        "dispatching",
        "running",
        "waiting",
        "succeeded",
        "failed",
        "cancelled",
    ];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        match self {
            Self::Queued | Self::Dispatching | Self::Running | Self::Waiting { .. } => false,
            Self::Succeeded | Self::Failed { .. } | Self::Cancelled => true,
        }
    }
}

/// A run, without its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its organisation.
    pub org: OrgId,
    /// Its id.
    pub id: RunId,
    /// `agent_turn`, `tool`, ….
    pub kind: String,
    /// Where it is.
    pub state: State,
    /// For whom it runs: the person who started it.
    pub actor: Actor,
    /// What that person may do.
    pub role: Role,
    /// The workspace of its files.
    pub workspace: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The agent that acts.
    pub agent: Option<AgentId>,
    /// The run and step that started it.
    pub parent: Option<(RunId, u32)>,
    /// How many runs are above it.
    pub depth: u32,
    /// The digest of its input.
    pub input: Digest,
    /// The digest of its answer.
    pub answer: Option<Digest>,
    /// How many entries its journal has.
    pub entries: u32,
    /// What it has taken of models, if it asked any.
    pub usage: Option<RunUsage>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// A run to be started.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// What it is to do.
    pub input: Input,
    /// The workspace of its files.
    pub workspace: String,
    /// The session it belongs to; runs of one session go one at a time.
    pub session: Option<SessionId>,
    /// The agent that acts.
    pub agent: Option<AgentId>,
    /// The run and step that start it, and how deep that run is.
    pub parent: Option<Parent>,
    /// What whoever wrote its input had read: the run begins with having read as much.
    pub has_read: HasRead,
}

/// The run that starts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Which.
    pub run: RunId,
    /// By which of its steps.
    pub step: u32,
    /// How deep it is itself.
    pub depth: u32,
}
