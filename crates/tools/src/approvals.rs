//! Approvals: asking a person, and spending what the person granted.
//!
//! An approval is bound to the digest of exactly what will run. Granting it makes it spendable
//! once, by the run that asked, for that intent, under the policies under which it was asked; wider
//! scopes leave a grant behind that later intents are matched against. Nobody answering is a no.

use db::{OrgContext, StoreError, WriteTx};
use policy::approval::{self, Pattern, Scope};
use vocab::{
    Actor, AgentId, ApprovalId, Digest, Draft, EventKind, GrantId, Intent, RunId, SessionId,
    Target, Timestamp, UserId, limits,
};

use crate::store;

/// Where a request for approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody has answered yet.
    Pending,
    /// Somebody said yes.
    Granted,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time, which is a no.
    Expired,
    /// The run went on without it, or ended.
    Withdrawn,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Granted,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// The persisted name of a scope.
#[must_use]
pub const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Once => "once",
        Scope::Run => "run",
        Scope::Standing => "standing",
    }
}

/// The scope of this name.
#[must_use]
pub fn parse_scope(name: &str) -> Option<Scope> {
    [Scope::Once, Scope::Run, Scope::Standing]
        .into_iter()
        .find(|it| scope_name(*it) == name)
}

/// A request for approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The run that asks.
    pub run: RunId,
    /// Its session.
    pub session: Option<SessionId>,
    /// The agent that asks.
    pub agent: Option<AgentId>,
    /// The step that waits.
    pub step: u32,
    /// The tool.
    pub tool: String,
    /// What it would act on.
    pub target: Target,
    /// The digest of exactly what would run.
    pub intent: Digest,
    /// What ties intent, asker, policies and expiry together.
    pub binding: Digest,
    /// The digest of the arguments' content.
    pub arguments: Digest,
    /// Why a person is asked.
    pub reason: String,
    /// The policies under which it was asked.
    pub policy_revision: Digest,
    /// Whether another person than the one behind the run must answer.
    pub four_eyes: bool,
    /// The person behind the run.
    pub requested_by: Option<UserId>,
    /// What a standing grant would allow.
    pub pattern: Pattern,
    /// Where it stands.
    pub status: Status,
    /// How far the grant reaches.
    pub scope: Option<Scope>,
    /// Who answered.
    pub decided_by: Option<UserId>,
    /// What they said.
    pub comment: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When silence becomes a no.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
    /// When the run went ahead on it.
    pub spent_at: Option<Timestamp>,
}

/// A grant that goes on holding.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The approval it came from.
    pub approval: ApprovalId,
    /// The run it holds for; every run if there is none.
    pub run: Option<RunId>,
    /// What it allows, as a sentence.
    pub sentence: String,
    /// What it allows.
    pub pattern: Pattern,
    /// Who granted it.
    pub granted_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, this far.
    Approve {
        /// How far.
        scope: Scope,
    },
    /// No.
    Deny,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// There is no such request here.
    #[error("approval `{0}` not found")]
    NotFound(ApprovalId),
    /// There is no such grant here.
    #[error("grant `{0}` not found")]
    NoGrant(GrantId),
    /// It was answered, expired or withdrawn before.
    #[error("the approval is `{}` already", .0.as_str())]
    NotPending(Status),
    /// The person behind the run can't be the one who approves it.
    #[error("another person than the one behind the run must approve this")]
    FourEyes,
    /// Only people answer.
    #[error("only a person can answer a request for approval")]
    NotAPerson,
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

/// What a request for approval is made of, when a decision says to ask.
#[derive(Debug)]
pub struct Asking<'a> {
    /// What exactly would run.
    pub intent: &'a Intent,
    /// Its digest.
    pub digest: Digest,
    /// The session of the run.
    pub session: Option<SessionId>,
    /// The digest of the arguments' content.
    pub arguments: Digest,
    /// Why a person is asked.
    pub reason: &'a str,
    /// Whether another person must answer.
    pub four_eyes: bool,
    /// The policies that say so.
    pub policy_revision: Digest,
}

/// Writes the request down, within the transaction that parks the run.
///
/// # Errors
/// The database.
pub async fn ask(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: ApprovalId,
    asking: Asking<'_>,
) -> Result<Approval, StoreError> {
    let now = ctx.now();
    let expires_at = now.plus(limits::APPROVAL_TTL);
    let bound = approval::binding(
        asking.intent,
        ctx.actor(),
        &asking.policy_revision,
        expires_at,
        1,
    );
    let approval = Approval {
        id,
        run: asking.intent.run,
        session: asking.session,
        agent: asking.intent.agent,
        step: asking.intent.step,
        tool: asking.intent.tool.clone(),
        target: asking.intent.target.clone(),
        intent: asking.digest,
        binding: bound.map_err(|error| StoreError::Statement(error.into()))?,
        arguments: asking.arguments,
        reason: asking.reason.to_owned(),
        policy_revision: asking.policy_revision,
        four_eyes: asking.four_eyes,
        requested_by: ctx.actor().user,
        pattern: Pattern::of(asking.intent),
        status: Status::Pending,
        scope: None,
        decided_by: None,
        comment: None,
        created_at: now,
        expires_at,
        decided_at: None,
        spent_at: None,
    };
    store::put_approval(tx, &approval).await?;
    Ok(approval)
}

/// Takes a person's answer. The run is woken by the caller.
///
/// # Errors
/// As in [`ApprovalError`].
pub async fn answer(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: ApprovalId,
    answer: &Answer,
    comment: Option<&str>,
) -> Result<Approval, ApprovalError> {
    let person = person(ctx.actor())?;
    let mut approval = store::approval(tx, id)
        .await?
        .ok_or(ApprovalError::NotFound(id))?;
    let now = ctx.now();
    if approval.status != Status::Pending {
        return Err(ApprovalError::NotPending(approval.status));
    }
    if approval.expires_at <= now {
        return Err(ApprovalError::NotPending(Status::Expired));
    }
    let kind = match answer {
        Answer::Approve { scope } => {
            if approval.four_eyes && approval.requested_by == Some(person) {
                return Err(ApprovalError::FourEyes);
            }
            approval.status = Status::Granted;
            approval.scope = Some(*scope);
            EventKind::ApprovalGranted
        }
        Answer::Deny => {
            approval.status = Status::Denied;
            EventKind::ApprovalDenied
        }
    };
    approval.decided_by = Some(person);
    approval.decided_at = Some(now);
    approval.comment = comment.map(str::to_owned);
    if !store::decide_approval(tx, &approval).await? {
        return Err(ApprovalError::NotPending(Status::Withdrawn));
    }
    let mut event = Draft::new(kind, id)
        .in_session(approval.session)
        .about_run(approval.run)
        .fact("step", approval.step)
        .fact("intent", approval.intent.to_string())
        .fact("binding", approval.binding.to_string());
    if let Some(scope) = approval.scope {
        event = event.fact("scope", scope_name(scope));
        if let Some(grant) = lasting(ctx, &approval, scope, person) {
            store::put_grant(tx, &grant, approval.agent, &approval.tool).await?;
            event = event
                .fact("grant", grant.id.to_string())
                .fact("allows", grant.sentence);
        }
    }
    tx.record(event);
    Ok(approval)
}

fn person(actor: &Actor) -> Result<UserId, ApprovalError> {
    match (actor.user, actor.agent) {
        (Some(user), None) => Ok(user),
        (Some(_) | None, _) => Err(ApprovalError::NotAPerson),
    }
}

fn lasting(ctx: &OrgContext, approval: &Approval, scope: Scope, person: UserId) -> Option<Grant> {
    let run = match scope {
        Scope::Once => return None,
        Scope::Run => Some(approval.run),
        Scope::Standing => None,
    };
    Some(Grant {
        id: ctx.new_id(),
        approval: approval.id,
        run,
        sentence: approval.pattern.sentence(),
        pattern: approval.pattern.clone(),
        granted_by: person,
        created_at: ctx.now(),
    })
}

/// The grant that covers an intent which policy would ask about, if there is one. A grant never
/// covers what needs two people, and never lets the person behind a run stand in for a second one.
///
/// # Errors
/// The database.
pub async fn covering(ctx: &OrgContext, intent: &Intent) -> Result<Option<Grant>, StoreError> {
    let grants = store::grants(&mut ctx.read().await?, &intent.tool).await?;
    Ok(grants
        .into_iter()
        .find(|it| it.run.is_none_or(|run| run == intent.run) && it.pattern.matches(intent)))
}

/// Revokes a grant.
///
/// # Errors
/// There is none.
pub async fn revoke(ctx: &OrgContext, id: GrantId) -> Result<(), ApprovalError> {
    let mut tx = ctx.write().await?;
    if !store::revoke_grant(&mut tx, id, ctx.now()).await? {
        return Err(ApprovalError::NoGrant(id));
    }
    tx.record(Draft::new(EventKind::GrantRevoked, id));
    tx.commit().await?;
    Ok(())
}
