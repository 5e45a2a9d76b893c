//! One call, from its reservation to its end.

use std::time::Duration;

use db::OrgContext;
use dialects::neutral::Usage;
use serde::{Deserialize, Serialize};
use vocab::{
    AgentId, KeyId, ModelCallId, ModelProfileId, ProjectId, RunId, SessionId, Timestamp, UserId,
};

use super::{Scope, Spent};
use crate::gateway::Spender;
use crate::public::Entry;
use crate::rails::Noted;
use crate::recording::Content;
use crate::span::Operation;

/// A call that was let in.
pub(crate) struct Call {
    pub id: ModelCallId,
    /// In whose name it is recorded.
    pub ctx: OrgContext,
    pub spender: Spender,
    /// When it was let in.
    pub at: Timestamp,
    /// The name that was asked for, after aliases.
    pub model: String,
    pub profile: Option<ModelProfileId>,
    /// Everything that it is counted in.
    pub scopes: Vec<Scope>,
    /// Those of them that have limits.
    pub held: Vec<Scope>,
    /// What it may cost.
    pub reserved: Spent,
    /// What is recorded of it, if it came by the public routes. Runs keep their own record.
    pub public: Option<Public>,
}

/// What is recorded of a call that came by the public routes.
pub(crate) struct Public {
    /// The name of the client's dialect.
    pub dialect: &'static str,
    pub operation: Operation,
    /// The request that it came with.
    pub entry: Option<Entry>,
    pub streamed: bool,
    /// What is recorded of the request as it came.
    pub request: Content,
}

/// How a call ended, and what it came to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub end: End,
    /// The target that answered, as clients name it.
    pub served: Option<String>,
    /// Targets that did not, each with why.
    pub instead_of: Vec<(String, &'static str)>,
    pub usage: Usage,
    pub cost: u64,
    pub priced: bool,
    /// The tokens were counted here, because the provider did not say.
    pub estimated: bool,
    pub first_byte: Option<Duration>,
    /// The status that the client was told.
    pub status: Option<u16>,
    /// What is recorded of the answer as it went.
    pub answer: Content,
    /// What guardrails found and masked.
    pub rails: Noted,
    pub ended_at: Option<Timestamp>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a whole answer.
    Answered,
    /// The provider stopped in the middle.
    Cut,
    /// The client went away.
    Abandoned,
    /// Without an answer, for the reason with this code.
    Failed(&'static str),
    /// The process died; what it cost is what was reserved.
    Lost,
}

impl End {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cut => "cut",
            Self::Abandoned => "abandoned",
            Self::Failed(_) => "failed",
            Self::Lost => "lost",
        }
    }
}

impl Public {
    /// What is left of a call whose process died: its request is in the record already.
    pub fn of_the_dead() -> Self {
        Self {
            dialect: "",
            operation: Operation::Chat,
            entry: None,
            streamed: false,
            request: Content::Nothing,
        }
    }
}

impl Call {
    /// What was reserved on a scope.
    pub fn reserved_on(&self, scope: Scope) -> Spent {
        if self.held.contains(&scope) {
            self.reserved
        } else {
            Spent::default()
        }
    }
}

impl Outcome {
    /// The client went away before anything came.
    pub fn abandoned() -> Self {
        Self {
            end: End::Abandoned,
            served: None,
            instead_of: Vec::new(),
            usage: Usage::default(),
            cost: 0,
            priced: true,
            estimated: false,
            first_byte: None,
            status: None,
            answer: Content::Nothing,
            rails: Noted::default(),
            ended_at: None,
        }
    }

    pub fn spent(&self) -> Spent {
        Spent {
            cost: self.cost,
            tokens: self.usage.total_tokens(),
        }
    }
}

/// A call that was open when its group was written.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub id: ModelCallId,
    pub call: Reserved,
    pub cost: u64,
}

/// What a sweep has to know of a call whose process died. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reserved {
    pub at: Timestamp,
    pub model: String,
    #[serde(default)]
    pub profile: Option<ModelProfileId>,
    #[serde(default)]
    pub agent: Option<AgentId>,
    #[serde(default)]
    pub user: Option<UserId>,
    #[serde(default)]
    pub key: Option<KeyId>,
    #[serde(default)]
    pub run: Option<RunId>,
    #[serde(default)]
    pub session: Option<SessionId>,
    #[serde(default)]
    pub project: Option<ProjectId>,
    pub public: bool,
}

impl Call {
    /// As it is stored while it is open.
    pub fn reservation(&self) -> Reservation {
        let it = &self.spender;
        let call = Reserved {
            at: self.at,
            model: self.model.clone(),
            profile: self.profile,
            agent: it.agent,
            user: it.user,
            key: it.key,
            run: it.run,
            session: it.session,
            project: it.project,
            public: self.public.is_some(),
        };
        Reservation {
            id: self.id,
            call,
            cost: self.reserved.cost,
        }
    }
}
