//! The one place that calls Cedar's authorizer.
//!
//! Cedar skips a policy that fails to evaluate, so a `forbid` with an overflow in it would forbid
//! nothing. Here any failure denies.

use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Entities, PolicyId, PolicySet, Request,
};

/// What Cedar answered, and what of it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Some permit holds, no forbid does, and no policy failed to evaluate.
    pub allowed: bool,
    /// The permits that hold, or, if any forbid holds, the forbids that do. In no special order.
    pub determining: Vec<PolicyId>,
    /// The policies that failed to evaluate.
    pub errors: Vec<EvaluationError>,
}

/// A policy that failed to evaluate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationError {
    /// The policy.
    pub policy: PolicyId,
    /// What went wrong.
    pub message: String,
}

/// Evaluates a request. The decision is Cedar's but for one thing: where a policy failed to
/// evaluate, Cedar goes on without it, and this denies.
#[must_use]
pub fn evaluate(policies: &PolicySet, entities: &Entities, request: &Request) -> Evaluation {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let diagnostics = response.diagnostics();
    let errors: Vec<_> = diagnostics.errors().map(describe).collect();
    Evaluation {
        allowed: response.decision() == Decision::Allow && errors.is_empty(),
        determining: diagnostics.reason().cloned().collect(),
        errors,
    }
}

fn describe(error: &AuthorizationError) -> EvaluationError {
    match error {
        AuthorizationError::PolicyEvaluationError(inner) => EvaluationError {
            policy: inner.policy_id().clone(),
            message: inner.inner().to_string(),
        },
    }
}
