//! The routes of sessions.

mod messages;
mod sessions;
mod views;

use edge::{FieldError, OpenApiRouter, Problem};

use crate::{Chat, ChatError};

pub use views::{AuthorView, MemberView, MessageView, PostedView, SessionView};

/// The routes under `/v1/sessions`.
#[must_use]
pub fn routes(chat: Chat) -> OpenApiRouter {
    sessions::routes(chat.clone()).merge(messages::routes(chat))
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let text = error.to_string();
        match error {
            ChatError::NotFound(_) => Self::not_found("session"),
            ChatError::NoMember(_) => Self::not_found("member"),
            ChatError::Stranger(_) => Self::invalid_field("/user_id", text),
            ChatError::NotYours => {
                Self::new(::http::StatusCode::FORBIDDEN, "NOT_SESSION_OWNER", text)
            }
            ChatError::RoleTooLow(least) => Self::forbidden(least),
            ChatError::Archived => {
                Self::conflict("SESSION_ARCHIVED", text).fix("restore the session first")
            }
            ChatError::Busy => Self::conflict("SESSION_BUSY", text)
                .retryable()
                .fix("wait for the run's end, or send `on_busy` as `enqueue` or `interrupt`"),
            ChatError::NoAgent => Self::conflict("SESSION_HAS_NO_AGENT", text)
                .fix("put an active agent into `agent_ids` of the session"),
            ChatError::Invalid { member, message } => {
                Self::invalid(vec![FieldError::new(format!("/{member}"), message)])
            }
            ChatError::TooLong => Self::too_large(vocab::limits::CONTENT_INLINE_BYTES_MAX),
            ChatError::Changed => Self::conflict("SESSION_CHANGED", text).retryable(),
            ChatError::Agent(source) => source.into(),
            ChatError::Run(source) => source.into(),
            ChatError::Content(source) => content(&source),
            ChatError::Store(source) => source.into(),
        }
    }
}

/// A store of contents that does not work.
fn content(source: &vault::ContentError) -> Problem {
    tracing::error!(error = source as &(dyn std::error::Error + 'static), "a content failed");
    if source.is_outage() {
        return Problem::unavailable("CONTENT_UNAVAILABLE", "the content store is unavailable");
    }
    Problem::internal()
}
