//! The routes of sessions.

mod branches;
mod events;
mod export;
mod files;
mod keeping;
mod messages;
mod reactions;
mod reads;
mod search;
mod sessions;
mod settings;
mod summaries;
mod views;

use ::http::StatusCode;
use edge::{FieldError, OpenApiRouter, Problem};

use crate::{ArchiveError, Chat, ChatError};

pub use summaries::{HasReadView, SummaryView};
pub use views::{
    ArchiveView, AuthorView, CitationView, MessageView, PostedView, ReactionView, ReadView,
    RegeneratingView, SessionMemberView, SessionUsageView, SessionView,
};

/// The code of a problem that only says that another process is the session's controller by now. The
/// server asks there; it is nothing that clients see, unless nobody can be found for long.
pub const MOVED: &str = "SESSION_MOVED";

/// The routes under `/v1/sessions`, `/v1/messages` and `/v1/search`; `hub` tells of sealed events.
#[must_use]
pub fn routes(chat: Chat, hub: journal::Hub) -> OpenApiRouter {
    sessions::routes(chat.clone())
        .merge(keeping::routes(chat.clone()))
        .merge(settings::routes(chat.clone()))
        .merge(export::routes(chat.clone()))
        .merge(files::routes(chat.clone()))
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
            ChatError::Archive(source) => archive(source),
            ChatError::Held => Self::conflict("SESSION_HELD", text)
                .fix("an admin has to release the session first"),
            ChatError::NotHeld => Self::not_found("hold"),
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
            ChatError::Artifact(source) => artifact(source),
            ChatError::Store(source) => source.into(),
        }
    }
}

/// An archive that can't be made or read. Nothing is lost by it: the rows, or the row that names the
/// object, are where they were.
fn archive(source: ArchiveError) -> Problem {
    let text = source.to_string();
    match source {
        ArchiveError::TooLarge => Problem::conflict("SESSION_TOO_LARGE", text),
        ArchiveError::Damaged(_) => {
            let error = &source as &(dyn std::error::Error + 'static);
            tracing::error!(error, "an archive can't be read");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ARCHIVE_DAMAGED", text)
                .fix("put the object back into the blob store from a backup; nothing was changed")
        }
    }
}

/// An artifact that is not there, or can't be had.
fn artifact(source: vault::ArtifactError) -> Problem {
    match source {
        vault::ArtifactError::NotFound => Problem::not_found("artifact"),
        vault::ArtifactError::Name => Problem::invalid_field("/name", source.to_string()),
        vault::ArtifactError::Content(source) => content(source),
        vault::ArtifactError::Store(source) => source.into(),
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
