//! The road that every action takes. There is no other.
//!
//! ```text
//!  1 intend   the call is checked against its tool, and gets a target and a digest
//!  2 decide   the policies in force say allow, deny, or ask a person
//!  3 ask      a person is asked; the grant is bound to the digest, and spent once
//!  4 permit   a capability token: this intent, this run, this executor, minutes, one use
//!  5 attempt  the limits of the organisation have room; the executor verifies the token itself, then acts
//!  6 record   what happened is an entry of the run's journal
//! ```
//!
//! Each station is a function here. The run engine walks them and commits what each one said
//! before it goes on to the next, so a crash finds the action at the last station that was
//! committed; between 4 and 6 it may or may not have happened, and the journal says so.

use std::sync::Arc;
use std::time::Duration;

use db::{OrgContext, StoreError};
use guard::Categories;
use policy::capability::{self, Claims, Signer};
use policy::{Context, Decision, Enforcement, HasRead, Principal, Question, Verdict};
use serde_json::Value;
use vocab::{
    Action, AgentId, CapabilityId, Digest, Intent, JobId, NodeId, SessionId, Target, Timestamp,
    limits,
};

use crate::approvals::{self, Grant};
use crate::broker::{Attempted, Broker, Way};
use crate::call::{self, Call, CallError, Surroundings};
use crate::http_tools;
use crate::node::NodeReport;
use crate::plans::{Entered, Pass, Turnstile};
use crate::policies::{InForce, Policies, PolicyError};
use crate::spec::{self, Executor};

/// How long a token for the broker lives: it is used at once, in the process that minted it.
const BROKER_TOKEN_TTL: Duration = Duration::from_secs(30);

/// Why the road could not be walked. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum RoadError {
    /// The policies could not be loaded.
    #[error("the policies can't be applied")]
    Policies(#[from] PolicyError),
    /// A capability token could not be minted.
    #[error("the capability can't be issued")]
    Capability(#[from] capability::MintError),
    /// The intent has no canonical form.
    #[error("the intent has no canonical form")]
    Intent(#[from] vocab::canonical::CanonicalError),
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

/// Who asks, for whom, in which situation: what a decision needs besides the call.
#[derive(Debug, Clone)]
pub struct Asker<'a> {
    /// The agent and its name, if an agent asks.
    pub agent: Option<(AgentId, &'a str)>,
    /// Labels of the agent.
    pub agent_labels: &'a [String],
    /// The kind of the run.
    pub run_kind: &'a str,
    /// Labels of the session.
    pub session_labels: &'a [String],
    /// What the run has read.
    pub has_read: HasRead,
    /// What the run has spent on models, in micro-USD.
    pub spent_usd_micros: u64,
    /// What guardrails found in the arguments; see [`detected`].
    pub detected: Categories,
}

/// What guardrails find in the arguments of a call.
#[must_use]
pub fn detected(arguments: &Value) -> Categories {
    let places = guard::json::find_in(arguments.to_string().as_bytes());
    guard::json::counts(&places).categories()
}

/// What the policies in force said, and what is needed to ask them again about a redirect.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// What was asked.
    pub question: Question,
    /// What they said.
    pub decision: Decision,
    /// Themselves.
    pub in_force: Arc<InForce>,
}

/// The rulings on everything that one call does.
#[derive(Debug, Clone)]
pub struct Rulings {
    /// On what it does first, if that is an effect of another kind.
    pub first: Option<Ruling>,
    /// On its own effect.
    pub own: Ruling,
}

impl Rulings {
    /// The one that counts: a denial before a question to a person before an allowance.
    #[must_use]
    pub fn strictest(self) -> Ruling {
        let strictness = |ruling: &Ruling| match ruling.decision.verdict {
            Verdict::Allow => 0,
            Verdict::RequireApproval { four_eyes } => 1 + u8::from(four_eyes),
            Verdict::Deny => 3,
        };
        match self.first {
            Some(first) if strictness(&first) > strictness(&self.own) => first,
            Some(_) | None => self.own,
        }
    }
}

impl Ruling {
    /// The revision of the policies that decided.
    #[must_use]
    pub fn revision(&self) -> Digest {
        self.in_force.set.revision()
    }
}

/// The permission for one attempt.
#[derive(Debug, Clone)]
pub struct Permit {
    /// The token's id.
    pub id: CapabilityId,
    /// The attempt that it is for.
    pub job: JobId,
    /// Who may use it.
    pub executor: capability::Executor,
    /// The digest of the intent.
    pub intent: Digest,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Permit {
    /// The node that may use it.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        match self.executor {
            capability::Executor::Broker => None,
            capability::Executor::Node(node) => Some(node),
        }
    }
}

/// The stations. Cheap to clone.
#[derive(Clone)]
pub struct Road {
    policies: Policies,
    signer: Arc<Signer>,
    broker: Broker,
    turnstile: Turnstile,
}

impl Road {
    /// A road with these policies, this signer of capability tokens, this broker, and this count of
    /// what passes.
    #[must_use]
    pub fn new(
        policies: Policies,
        signer: Arc<Signer>,
        broker: Broker,
        turnstile: Turnstile,
    ) -> Self {
        Self {
            policies,
            signer,
            broker,
            turnstile,
        }
    }

    /// Who counts calls.
    #[must_use]
    pub fn turnstile(&self) -> &Turnstile {
        &self.turnstile
    }

    /// The policies.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Who carries out what is permitted.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Station 1: checks a call.
    ///
    /// # Errors
    /// The inner error says how the call does not fit; the outer one that it could not be checked.
    pub async fn intend(
        &self,
        ctx: &OrgContext,
        tool: &str,
        arguments: &Value,
        around: Surroundings<'_>,
    ) -> Result<Result<Call, CallError>, RoadError> {
        if let Some(spec) = spec::builtin(tool) {
            return Ok(call::check(&spec, arguments, around));
        }
        match http_tools::find(ctx, tool).await? {
            Some(definition) => Ok(definition.check(arguments)),
            None => Ok(Err(CallError::UnknownTool(tool.to_owned()))),
        }
    }

    /// Where a call would be carried out, if on a node and one is there.
    #[must_use]
    pub fn place(&self, ctx: &OrgContext, call: &Call, workspace: &str) -> Option<NodeReport> {
        match call.executor {
            Executor::Node => self.broker.nodes().node_for(ctx.org(), workspace),
            Executor::Broker | Executor::Engine => None,
        }
    }

    /// Station 2: asks the policies in force, once about each thing that the call does.
    ///
    /// # Errors
    /// The policies can't be loaded; then nothing may happen.
    pub async fn decide(
        &self,
        ctx: &OrgContext,
        call: &Call,
        asker: &Asker<'_>,
        place: Option<&NodeReport>,
    ) -> Result<Rulings, RoadError> {
        let in_force = self.policies.in_force(ctx).await?;
        let rule = |effect| {
            let question = question(ctx, call, effect, asker, place);
            let decision = in_force.set.decide(&question);
            let in_force = Arc::clone(&in_force);
            Ruling {
                question,
                decision,
                in_force,
            }
        };
        Ok(Rulings {
            first: call.first().map(rule),
            own: rule((call.action, call.target.clone())),
        })
    }

    /// Station 3, the short way: a grant that already covers what policy would ask about.
    ///
    /// # Errors
    /// The database.
    pub async fn granted(
        &self,
        ctx: &OrgContext,
        ruling: &Ruling,
        intent: &Intent,
    ) -> Result<Option<Grant>, RoadError> {
        match ruling.decision.verdict {
            // Two people are asked each time: no grant of the past speaks for the second one.
            Verdict::Allow | Verdict::Deny | Verdict::RequireApproval { four_eyes: true } => {
                Ok(None)
            }
            Verdict::RequireApproval { four_eyes: false } => {
                Ok(approvals::covering(ctx, intent).await?)
            }
        }
    }

    /// Station 4: what a token for this attempt will say. It is minted when it is used.
    #[must_use]
    pub fn permit(&self, ctx: &OrgContext, intent: Digest, node: Option<NodeId>) -> Permit {
        let (executor, ttl) = match node {
            None => (capability::Executor::Broker, BROKER_TOKEN_TTL),
            Some(node) => (capability::Executor::Node(node), limits::CAPABILITY_TTL),
        };
        let expires_at = ctx.now().plus(ttl);
        Permit {
            id: ctx.new_id(),
            job: ctx.new_id(),
            executor,
            intent,
            expires_at,
        }
    }

    /// Station 5: counts the attempt against the limits of its organisation, mints the token, and hands
    /// it to whoever may use it.
    ///
    /// # Errors
    /// It can't be counted, or the token can't be minted: nothing was attempted.
    pub async fn attempt(
        &self,
        ctx: &OrgContext,
        intent: &Intent,
        permit: &Permit,
        ruling: &Ruling,
        session: Option<SessionId>,
    ) -> Result<Attempted, RoadError> {
        let at = (permit, ruling, session);
        match self.turnstile.enter(ctx, intent, permit.job).await? {
            Entered::Free(pass) => self.act(ctx, intent, at, &pass).await,
            Entered::In(ticket) => {
                let pass = ticket.pass().clone();
                Box::pin(ticket.hold(self.act(ctx, intent, at, &pass))).await
            }
            Entered::Refused(refusal) => Ok(Attempted::Refused(refusal)),
        }
    }

    async fn act(
        &self,
        ctx: &OrgContext,
        intent: &Intent,
        (permit, ruling, session): (&Permit, &Ruling, Option<SessionId>),
        pass: &Pass,
    ) -> Result<Attempted, RoadError> {
        let claims = Claims {
            token_id: permit.id,
            org: intent.org,
            run: intent.run,
            executor: permit.executor,
            tool: intent.tool.clone(),
            intent: permit.intent,
            expires_at: permit.expires_at,
        };
        let token = capability::mint(&self.signer, &claims)?;
        let way = Way {
            intent,
            token: &token,
            job: permit.job,
            ruling,
            session,
            pass,
        };
        Ok(match permit.executor {
            capability::Executor::Broker => self.broker.execute(ctx, way, permit).await,
            capability::Executor::Node(node) => self.broker.dispatch(ctx, way, node).await,
        })
    }
}

fn question(
    ctx: &OrgContext,
    call: &Call,
    (action, target): (Action, Target),
    asker: &Asker<'_>,
    place: Option<&NodeReport>,
) -> Question {
    let user = ctx.actor().user;
    let principal = match (asker.agent, user) {
        (Some((id, name)), user) => Principal::Agent {
            id,
            name: name.to_owned(),
            labels: asker.agent_labels.iter().cloned().collect(),
            user,
        },
        (None, Some(id)) => Principal::User { id },
        // Nobody behind it: the nil user, which no policy names and every role check refuses.
        (None, None) => Principal::User {
            id: vocab::UserId::from_uuid(uuid::Uuid::nil()),
        },
    };
    let mut context = Context::new(asker.run_kind, ctx.now());
    context.session_labels = asker.session_labels.iter().cloned().collect();
    context.has_read = asker.has_read;
    context.spend_usd_micros = i64::try_from(asker.spent_usd_micros).unwrap_or(i64::MAX);
    context.detected = asker.detected;
    context.enforcement = match (call.executor, place) {
        (Executor::Broker | Executor::Engine, _) => Enforcement::InProcess,
        (Executor::Node, None) => Enforcement::Advisory,
        (Executor::Node, Some(report)) => crate::broker::enforcement(call, report),
    };
    Question {
        org: ctx.org(),
        principal,
        role: ctx.role(),
        tool: call.tool.clone(),
        action,
        target,
        target_labels: Default::default(),
        context,
    }
}
