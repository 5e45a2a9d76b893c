//! The routes of sessions.

mod branches;
mod events;
mod messages;
mod reactions;
mod reads;
mod search;
mod sessions;
mod summaries;
mod views;

use ::http::StatusCode;
use edge::{FieldError, OpenApiRouter, Problem};

use crate::{Chat, ChatError};

pub use summaries::{HasReadView, SummaryView};
pub use views::{
    AuthorView, MessageView, PostedView, ReactionView, ReadView, RegeneratingView,
    SessionMemberView, SessionView,
};

/// The code of a problem that only says that another process is the session's controller by now. The
/// server asks there; it is nothing that clients see, unless nobody can be found for long.
pub const MOVED: &str = "SESSION_MOVED";

/// The routes under `/v1/sessions`, `/v1/messages` and `/v1/search`; `hub` tells of sealed events.
#[must_use]
pub fn routes(chat: Chat, hub: journal::Hub) -> OpenApiRouter {
    sessions::routes(chat.clone())
        .merge(messages::routes(chat.clone()))
        .merge(branches::routes(chat.clone()))
        .merge(reactions::routes(chat.clone()))
        .merge(reads::routes(chat.clone()))
        .merge(search::routes(chat.clone()))
        .merge(summaries::routes(chat.clone()))
        .merge(events::routes(chat, hub))
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let text = error.to_string();
        match error {
            ChatError::NotFound(_) => Self::not_found("session"),
            ChatError::NoMessage(_) => Self::not_found("message"),
            ChatError::NotTheAuthor => Self::new(StatusCode::FORBIDDEN, "NOT_THE_AUTHOR", text),
            ChatError::NoAnswer => Self::conflict("MESSAGE_NO_ANSWER", text),
            ChatError::Erased => Self::gone("CONTENT_ERASED", text),
            ChatError::TooManyForks => Self::conflict("SESSION_FORKS_LIMIT", text)
                .fix("go on with one of the branches that there are, or in another session"),
            ChatError::NoReaction => Self::not_found("reaction"),
            ChatError::TooManyReactions => Self::conflict("REACTIONS_LIMIT", text),
            ChatError::NoMember(_) => Self::not_found("member"),
            ChatError::Stranger(_) => Self::invalid_field("/user_id", text),
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
            ChatError::Moved => Self::unavailable(MOVED, text),
            ChatError::Agent(source) => source.into(),
            ChatError::Run(source) => source.into(),
            ChatError::Content(source) => content(source),
            ChatError::Store(source) => source.into(),
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
