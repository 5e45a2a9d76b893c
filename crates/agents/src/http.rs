//! The routes of agents and skills.

mod agents;
mod skills;
mod versions;

use edge::{FieldError, OpenApiRouter, Problem};

use crate::skills::Skills;
use crate::{AgentError, SkillError};

pub use agents::AgentView;
pub use skills::SkillView;
pub use versions::VersionView;

/// The routes under `/v1/agents`, `/v1/agent` and `/v1/skills`.
#[must_use]
pub fn routes(skills: Skills) -> OpenApiRouter {
    agents::routes()
        .merge(versions::routes())
        .merge(skills::routes(skills))
}

impl From<AgentError> for Problem {
    fn from(error: AgentError) -> Self {
        let text = error.to_string();
        match error {
            AgentError::NotFound(_) | AgentError::UnknownName(_) => Self::not_found("agent"),
            AgentError::NoVersion(_) => Self::not_found("version of the agent"),
            AgentError::NameTaken(_) => Self::conflict("AGENT_NAME_TAKEN", text),
            AgentError::RoleTooLow(least) => Self::forbidden(least),
            AgentError::Invalid { member, message } => {
                Self::invalid(vec![FieldError::new(format!("/{member}"), message)])
            }
            AgentError::Paused(_) => {
                Self::conflict("AGENT_PAUSED", text).fix("activate the agent, or ask another one")
            }
            AgentError::Retired(_) => Self::conflict("AGENT_RETIRED", text),
            AgentError::Changed => Self::conflict("AGENT_CHANGED", text).retryable(),
            AgentError::Store(source) => source.into(),
        }
    }
}

impl From<SkillError> for Problem {
    fn from(error: SkillError) -> Self {
        let text = error.to_string();
        match error {
            SkillError::NotFound(_) => Self::not_found("skill"),
            SkillError::RoleTooLow(least) => Self::forbidden(least),
            SkillError::Package(protocol::skill::PackageError::TooLarge) => {
                Self::too_large(protocol::limits::SKILL_PACKAGE_BYTES_MAX)
            }
            SkillError::Package(_) => Self::unprocessable("SKILL_PACKAGE_INVALID", text),
            SkillError::Manifest(_) => Self::unprocessable("SKILL_INVALID", text),
            SkillError::Pin { .. } => Self::unprocessable("SKILL_PIN_MISMATCH", text)
                .fix("pin the package anew, or publish the one that was pinned"),
            SkillError::Changed => Self::conflict("SKILL_CHANGED", text).retryable(),
            SkillError::Content(source) => content(source),
            SkillError::Store(source) => source.into(),
        }
    }
}

/// A store of contents that does not work, or a content that is not there.
fn content(source: vault::ContentError) -> Problem {
    match source {
        vault::ContentError::Store(source) => source.into(),
        vault::ContentError::TooLarge | vault::ContentError::TooLargeToSeal => {
            Problem::too_large(vocab::limits::CONTENT_INLINE_BYTES_MAX)
        }
        other => {
            let retryable = other.is_retryable();
            let error = &other as &(dyn std::error::Error + 'static);
            tracing::error!(error, "a content can't be sealed or opened");
            if retryable {
                return Problem::unavailable("CONTENT_UNAVAILABLE", "a content is out of reach");
            }
            Problem::internal()
        }
    }
}
