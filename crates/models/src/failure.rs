//! Why a model did not answer, and whose fault it is.

use std::time::Duration;

use bytes::Bytes;
use dialects::neutral::{ErrorKind, ProviderError};
use dialects::{Dialect, Refusal};
use policy::exchange::Blocked;

use crate::ModelsError;
use crate::ledger::{Period, Scope};
use crate::model::Capability;
use crate::upstream::UpstreamError;

/// Why a model did not answer. No variant holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No profile is called so, and no provider either.
    #[error("there is no model `{0}` here; a model is a profile's name or `provider/model`")]
    UnknownModel(String),
    /// The targets are there, and none of them can be asked.
    #[error("{0}")]
    Misconfigured(String),
    /// More than the model reads.
    #[error("the request has about {tokens} tokens, and `{model}` reads at most {limit}")]
    TooLong {
        /// The target.
        model: String,
        /// An estimate.
        tokens: u64,
        /// How many it reads.
        limit: u64,
    },
    /// The model can't do what the request needs.
    #[error("`{model}` is said to lack `{capability:?}`, which the request needs")]
    Incapable {
        /// The target.
        model: String,
        /// What it lacks.
        capability: Capability,
    },
    /// A list of models that does not name this one.
    #[error("the {} may not ask `{model}`", scope.noun())]
    NotAllowed {
        /// The name after aliases.
        model: String,
        /// Whose list.
        scope: Scope,
    },
    /// The policies, or the agent of the run whose token was shown.
    #[error("the run may not ask this model: {reason}")]
    Denied {
        /// Why.
        reason: String,
    },
    /// The run whose token was shown ended in between.
    #[error("the run of this token is over; a token ends with its run")]
    RunOver,
    /// The call may cost more than is left.
    #[error(
        "the {} has spent {spent} of its {limit} micro-USD for {}; this call may cost more than is left",
        scope.noun(),
        period.as_str()
    )]
    OverBudget {
        /// Whose budget.
        scope: Scope,
        /// For how long it holds.
        period: Period,
        /// The budget.
        limit: u64,
        /// What is spent or reserved of it.
        spent: u64,
    },
    /// Too many calls, or too many tokens, in a minute.
    #[error("the {} has its limit of {limit} a minute", scope.noun())]
    TooOften {
        /// Whose limit.
        scope: Scope,
        /// How much.
        limit: String,
        /// When to come again.
        wait: Duration,
    },
    /// What calls cost can't be written down, so there are none.
    #[error("calls can't be recorded at the moment, so none is let in")]
    Unrecorded,
    /// The request is wrong, or can't be said in the words of the target's family.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A policy forbids it: the request, or the answer that came.
    #[error("{}", .0.reason)]
    Blocked(Box<Blocked>),
    /// What policies say can't be known, so nothing may be asked.
    #[error("the organisation's policies can't be applied: {0}")]
    Unruled(String),
    /// Every target has failed too often of late.
    #[error("`{model}` has failed too often of late and is left alone for {} s", .wait.as_secs().max(1))]
    Resting {
        /// The target.
        model: String,
        /// For how long.
        wait: Duration,
    },
    /// The provider answered with an error.
    #[error("`{target}` answered: {error}")]
    Provider {
        /// The target.
        target: String,
        /// What it said.
        error: Box<ProviderError>,
        /// Its own words, for a client of the same family.
        raw: Option<RawError>,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The provider can't be reached, or stopped in the middle.
    #[error("`{target}` can't be reached: {message}")]
    Unreachable {
        /// The target.
        target: String,
        /// How; it names the origin, never a path.
        message: String,
        /// Whether it was about time.
        timeout: bool,
    },
    /// The provider's answer is not one.
    #[error("`{target}` gave an answer that is none: {message}")]
    Malformed {
        /// The target.
        target: String,
        /// What is wrong with it.
        message: String,
    },
    /// What the call is decided by can't be read.
    #[error(transparent)]
    Catalog(#[from] ModelsError),
}

/// An error in a provider's own words.
#[derive(Debug, Clone)]
pub struct RawError {
    /// In this dialect.
    pub dialect: Dialect,
    /// Its status.
    pub status: u16,
    /// Its body, without the credential in it.
    pub body: Bytes,
}

impl ModelError {
    pub(crate) fn unreachable(target: String, error: &UpstreamError) -> Self {
        Self::Unreachable {
            target,
            message: error.to_string(),
            timeout: error.is_timeout(),
        }
    }

    /// The stable code, for records and answers.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel(_) => "MODEL_UNKNOWN",
            Self::Misconfigured(_) => "MODEL_MISCONFIGURED",
            Self::TooLong { .. } => "MODEL_CONTEXT_TOO_LONG",
            Self::Incapable { .. } => "MODEL_INCAPABLE",
            Self::NotAllowed { .. } => "MODEL_NOT_ALLOWED",
            Self::Denied { .. } => "POLICY_DENIED",
            Self::RunOver => "RUN_OVER",
            Self::OverBudget { .. } => "BUDGET_EXCEEDED",
            Self::TooOften { .. } => "RATE_LIMITED",
            Self::Unrecorded => "MODEL_CALLS_UNRECORDED",
            Self::Refused(_) => "MODEL_REQUEST_REFUSED",
            Self::Blocked(_) => "POLICY_DENIED",
            Self::Unruled(_) => "POLICIES_UNAVAILABLE",
            Self::Resting { .. } => "MODEL_RESTING",
            Self::Provider { error, .. } => provider_code(error.kind),
            Self::Unreachable { timeout: true, .. } => "MODEL_TIMEOUT",
            Self::Unreachable { timeout: false, .. } => "MODEL_UNREACHABLE",
            Self::Malformed { .. } => "MODEL_ANSWER_MALFORMED",
            Self::Catalog(_) => "MODEL_GATEWAY_UNAVAILABLE",
        }
    }

    /// What it is to a client, whatever the dialect calls it. A provider that refuses the gateway's
    /// own credential is no refusal of the client's.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownModel(_) => ErrorKind::NotFound,
            Self::TooLong { .. } => ErrorKind::ContextTooLong,
            Self::Incapable { .. } | Self::Refused(_) => ErrorKind::InvalidRequest,
            Self::NotAllowed { .. } | Self::Denied { .. } | Self::Blocked(_) => {
                ErrorKind::Permission
            }
            Self::RunOver => ErrorKind::Authentication,
            Self::OverBudget { .. } => ErrorKind::Quota,
            Self::TooOften { .. } => ErrorKind::RateLimited,
            Self::Resting { .. } | Self::Unrecorded => ErrorKind::Overloaded,
            Self::Provider { error, .. } => match error.kind {
                ErrorKind::Authentication | ErrorKind::Permission => ErrorKind::Internal,
                kind => kind,
            },
            Self::Unreachable { timeout: true, .. } => ErrorKind::Timeout,
            Self::Misconfigured(_)
            | Self::Unruled(_)
            | Self::Unreachable { timeout: false, .. }
            | Self::Malformed { .. }
            | Self::Catalog(_) => ErrorKind::Internal,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Provider { error, .. } => error.kind.is_transient(),
            Self::Resting { .. }
            | Self::TooOften { .. }
            | Self::Unrecorded
            | Self::Unreachable { .. }
            | Self::Malformed { .. } => true,
            Self::Catalog(ModelsError::Store(error)) => error.is_retryable(),
            Self::UnknownModel(_)
            | Self::Misconfigured(_)
            | Self::TooLong { .. }
            | Self::Incapable { .. }
            | Self::NotAllowed { .. }
            | Self::Denied { .. }
            | Self::RunOver
            | Self::OverBudget { .. }
            | Self::Refused(_)
            | Self::Blocked(_)
            | Self::Unruled(_)
            | Self::Catalog(_) => false,
        }
    }

    /// Whether it is the provider that failed, rather than the caller or this gateway.
    #[must_use]
    pub fn is_providers(&self) -> bool {
        match self {
            Self::Provider { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::Resting { .. } => true,
            Self::UnknownModel(_)
            | Self::Misconfigured(_)
            | Self::TooLong { .. }
            | Self::Incapable { .. }
            | Self::NotAllowed { .. }
            | Self::Denied { .. }
            | Self::RunOver
            | Self::OverBudget { .. }
            | Self::TooOften { .. }
            | Self::Unrecorded
            | Self::Refused(_)
            | Self::Blocked(_)
            | Self::Unruled(_)
            | Self::Catalog(_) => false,
        }
    }

    /// When to come again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Resting { wait, .. } | Self::TooOften { wait, .. } => Some(*wait),
            Self::Unrecorded => Some(Duration::from_secs(2)),
            Self::Provider { retry_after, .. } => *retry_after,
            Self::UnknownModel(_)
            | Self::Misconfigured(_)
            | Self::TooLong { .. }
            | Self::Incapable { .. }
            | Self::NotAllowed { .. }
            | Self::Denied { .. }
            | Self::RunOver
            | Self::OverBudget { .. }
            | Self::Refused(_)
            | Self::Blocked(_)
            | Self::Unruled(_)
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::Catalog(_) => None,
        }
    }
}

fn provider_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "MODEL_INVALID_REQUEST",
        ErrorKind::ContextTooLong => "MODEL_CONTEXT_TOO_LONG",
        ErrorKind::Authentication | ErrorKind::Permission => "MODEL_CREDENTIAL_REFUSED",
        ErrorKind::NotFound => "MODEL_NOT_AT_PROVIDER",
        ErrorKind::TooLarge => "MODEL_REQUEST_TOO_LARGE",
        ErrorKind::RateLimited => "MODEL_RATE_LIMITED",
        ErrorKind::Quota => "MODEL_QUOTA_EXHAUSTED",
        ErrorKind::ContentPolicy => "MODEL_CONTENT_POLICY",
        ErrorKind::Overloaded => "MODEL_OVERLOADED",
        ErrorKind::Timeout => "MODEL_TIMEOUT",
        ErrorKind::Internal => "MODEL_PROVIDER_FAILED",
    }
}
