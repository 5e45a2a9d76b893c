//! The routes of tools, policies, secrets and artifacts.

mod artifacts;
mod http_tools;
mod limits;
mod policies;
mod secrets;

use edge::{FieldError, OpenApiRouter, Problem};
use vault::Vault;

use crate::approvals::ApprovalError;
use crate::http_tools::HttpToolError;
use crate::policies::PolicyError;
use crate::road::{Road, RoadError};

pub use limits::{LimitsView, limit_problem};

/// The routes under `/v1/tools`, `/v1/limits`, `/v1/policies`, `/v1/secrets` and `/v1/artifacts`, but
/// for those that start runs.
#[must_use]
pub fn routes(road: Road, vault: Vault) -> OpenApiRouter {
    policies::routes(road.clone())
        .merge(http_tools::routes())
        .merge(limits::routes(road))
        .merge(secrets::routes(vault.clone()))
        .merge(artifacts::routes(vault))
}

/// A policy's problems, each under the member it came from.
#[must_use]
pub fn policy_problems(problems: Vec<policy::PolicyProblem>) -> Problem {
    let field = |it: policy::PolicyProblem| {
        let help = it.help.map_or_else(String::new, |help| format!("; {help}"));
        let place = match it.policy.is_empty() {
            true => String::new(),
            false => format!(
                "policy `{}`, line {}, column {}: ",
                it.policy, it.line, it.column
            ),
        };
        FieldError::new("/cedar", format!("{place}{}{help}", it.message))
    };
    Problem::invalid(problems.into_iter().map(field).collect())
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        let text = error.to_string();
        match error {
            PolicyError::NotFound(_) | PolicyError::UnknownRevision(_) => Self::not_found("policy"),
            PolicyError::NoVersion { .. } => Self::not_found("version of this policy"),
            PolicyError::Name => Self::invalid_field("/name", text),
            PolicyError::Limit(_) => Self::invalid_field("/cedar", text),
            PolicyError::Invalid(problems) => policy_problems(problems),
            PolicyError::Store(source) => source.into(),
        }
    }
}

impl From<RoadError> for Problem {
    fn from(error: RoadError) -> Self {
        match error {
            RoadError::Policies(source) => source.into(),
            RoadError::Store(source) => source.into(),
            other @ (RoadError::Capability(_) | RoadError::Intent(_)) => {
                tracing::error!(
                    error = &other as &dyn std::error::Error,
                    "the road can't be walked"
                );
                Self::internal()
            }
        }
    }
}

impl From<HttpToolError> for Problem {
    fn from(error: HttpToolError) -> Self {
        let text = error.to_string();
        match error {
            HttpToolError::NotFound(_) => Self::not_found("tool"),
            HttpToolError::NameTaken(_) => Self::conflict("TOOL_NAME_TAKEN", text),
            HttpToolError::Invalid(pointer, message) => Self::invalid_field(pointer, message),
            HttpToolError::Store(source) => source.into(),
        }
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        let text = error.to_string();
        match error {
            ApprovalError::NotFound(_) => Self::not_found("approval"),
            ApprovalError::NoGrant(_) => Self::not_found("grant"),
            ApprovalError::NotPending(_) => Self::conflict("APPROVAL_NOT_PENDING", text),
            ApprovalError::FourEyes => {
                Self::new(::http::StatusCode::FORBIDDEN, "FOUR_EYES_REQUIRED", text)
                    .fix("ask another member of the organisation to answer")
            }
            ApprovalError::NotAPerson => {
                Self::new(::http::StatusCode::FORBIDDEN, "PERSON_REQUIRED", text)
            }
            ApprovalError::Store(source) => source.into(),
        }
    }
}
