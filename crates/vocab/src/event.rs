//! The kinds of events, and an event before the record has taken it.

use serde_json::{Map, Value};

use crate::{Digest, RunId, SessionId};

macro_rules! kinds {
    ($($variant:ident = $name:literal;)*) => {
        /// What happened, as `noun.verb` in the past tense. Append-only: sealed records spell them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum EventKind {
            $($variant,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The persisted name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The kind with this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    OrgCreated = "org.created";
    OrgUpdated = "org.updated";
    OrgDeleted = "org.deleted";
    UserRegistered = "user.registered";
    UserErased = "user.erased";
    LoginStarted = "login.started";
    LoginEnded = "login.ended";
    LoginReuseDetected = "login.reuse_detected";
    PasswordChanged = "password.changed";
    MemberInvited = "member.invited";
    MemberJoined = "member.joined";
    MemberUpdated = "member.updated";
    MemberRemoved = "member.removed";
    InvitationRevoked = "invitation.revoked";
    KeyCreated = "key.created";
    KeyRevoked = "key.revoked";
    DeviceApproved = "device.approved";
    AgentCreated = "agent.created";
    AgentUpdated = "agent.updated";
    AgentPaused = "agent.paused";
    AgentActivated = "agent.activated";
    AgentRetired = "agent.retired";
    AgentDeleted = "agent.deleted";
    SkillPublished = "skill.published";
    SkillDeleted = "skill.deleted";
    SessionCreated = "session.created";
    SessionUpdated = "session.updated";
    SessionArchived = "session.archived";
    SessionRestored = "session.restored";
    SessionMemberAdded = "session.member_added";
    SessionMemberRemoved = "session.member_removed";
    MessagePosted = "message.posted";
    RunQueued = "run.queued";
    RunStarted = "run.started";
    RunWaiting = "run.waiting";
    RunResumed = "run.resumed";
    RunCancelRequested = "run.cancel_requested";
    RunSucceeded = "run.succeeded";
    RunFailed = "run.failed";
    RunCancelled = "run.cancelled";
    TimerSet = "timer.set";
    TimerFired = "timer.fired";
    SignalReceived = "signal.received";
    ChildStarted = "child.started";
    ChildEnded = "child.ended";
    ToolIntended = "tool.intended";
    PolicyDecided = "policy.decided";
    ApprovalRequested = "approval.requested";
    ApprovalGranted = "approval.granted";
    ApprovalDenied = "approval.denied";
    ApprovalExpired = "approval.expired";
    ApprovalSpent = "approval.spent";
    GrantRevoked = "grant.revoked";
    CapabilityIssued = "capability.issued";
    ToolExecuted = "tool.executed";
    ToolFailed = "tool.failed";
    ToolDenied = "tool.denied";
    ToolOutcomeUnknown = "tool.outcome_unknown";
    ToolResolved = "tool.resolved";
    PolicyPublished = "policy.published";
    PolicyDeleted = "policy.deleted";
    ToolConfigured = "tool.configured";
    ToolRemoved = "tool.removed";
    SecretCreated = "secret.created";
    SecretRotated = "secret.rotated";
    SecretDeleted = "secret.deleted";
    SecretGranted = "secret.granted";
    SecretUsed = "secret.used";
    ArtifactSaved = "artifact.saved";
    ContentErased = "content.erased";
    NodeEnrolled = "node.enrolled";
    NodeConnected = "node.connected";
    NodeDisconnected = "node.disconnected";
    NodeRevoked = "node.revoked";
    LogKeyRotated = "log.key_rotated";
    DataKeyRotated = "data_key.rotated";
    BackupTaken = "backup.taken";
    RunReplayed = "run.replayed";
    ContextAssembled = "context.assembled";
    ModelRequested = "model.requested";
    ModelAnswered = "model.answered";
    ProviderCreated = "provider.created";
    ProviderUpdated = "provider.updated";
    ProviderDeleted = "provider.deleted";
    ModelProfileCreated = "model_profile.created";
    ModelProfileUpdated = "model_profile.updated";
    ModelProfileDeleted = "model_profile.deleted";
    BudgetSet = "budget.set";
    BudgetDeleted = "budget.deleted";
    UsageMetered = "usage.metered";
    RunTokenIssued = "run_token.issued";
    RecordingSet = "recording.set";
    SessionForked = "session.forked";
    SessionBranchChosen = "session.branch_chosen";
    ReactionAdded = "reaction.added";
    ReactionRemoved = "reaction.removed";
    SessionSummarised = "session.summarised";
    SessionIdled = "session.idled";
    SessionDeleted = "session.deleted";
    SessionHeld = "session.held";
    SessionReleased = "session.released";
    ChatSettingsUpdated = "chat_settings.updated";
    PlanAssigned = "plan.assigned";
    LimitsUpdated = "limits.updated";
    LimitReached = "limit.reached";
}

/// An event that a change carries into its transaction. The transaction adds the id, the instant,
/// the organisation and the actor from its own context; the sequencer adds the place in the record.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What happened.
    pub kind: EventKind,
    /// The prefixed id of what it happened to.
    pub subject: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// Its place in that run's journal, from 1. Only what the run's worker appends has one.
    pub run_seq: Option<u32>,
    /// Small facts; never personal or bulky content.
    pub data: Map<String, Value>,
    /// Digests of the contents it refers to.
    pub content: Vec<Digest>,
}

impl Draft {
    /// An event of a kind about a subject, with nothing else yet.
    #[must_use]
    pub fn new(kind: EventKind, subject: impl ToString) -> Self {
        Self {
            kind,
            subject: subject.to_string(),
            session: None,
            run: None,
            run_seq: None,
            data: Map::new(),
            content: Vec::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a fact if there is one.
    #[must_use]
    pub fn fact_if(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// Places it in a session.
    #[must_use]
    pub fn in_session(mut self, session: Option<SessionId>) -> Self {
        self.session = session;
        self
    }

    /// Says that it is about a run, without being an entry of its journal.
    #[must_use]
    pub fn about_run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// Places it in a run's journal.
    #[must_use]
    pub fn in_journal(mut self, run: RunId, run_seq: u32) -> Self {
        self.run = Some(run);
        self.run_seq = Some(run_seq);
        self
    }

    /// Refers to a content.
    #[must_use]
    pub fn with_content(mut self, digest: Digest) -> Self {
        self.content.push(digest);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_and_has_the_form_noun_verb() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(kind.as_str().split('.').count(), 2, "{}", kind.as_str());
        }
    }
}
