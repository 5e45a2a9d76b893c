//! Sessions and messages as they are kept, and what their texts say of people and agents.

mod lifecycle;
mod mention;
mod message;
mod reaction;
mod session;
mod summary;
mod tree;
mod words;

use crate::ChatError;

pub use lifecycle::{ArchiveInfo, ChatSettings, Hold, RetentionAction, RetentionRule};
pub(crate) use lifecycle::{Fate, check_reason};
pub(crate) use mention::{handle, mentioned, unaddressed};
pub use message::{Addressed, Author, Mentions, Message, NewMessage, OnBusy};
pub use reaction::Reaction;
pub(crate) use reaction::check_emoji;
pub(crate) use session::{AGENTS_MAX, MEMBERS_MAX, check};
pub use session::{Member, NewSession, ReadMark, Session, SessionChange, SessionStatus, Spent};
pub use summary::{Summary, SummaryState};
pub(crate) use tree::{Branch, Fork, has, through};
pub(crate) use words::{Search, words};

pub(crate) fn invalid(member: &'static str, message: impl Into<String>) -> ChatError {
    ChatError::Invalid {
        member,
        message: message.into(),
    }
}

/// A list in the order in which its items first appear.
pub(crate) fn distinct<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}
