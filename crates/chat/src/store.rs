//! The rows of sessions and messages. The only SQL about them.

mod branches;
mod members;
mod messages;
mod reactions;
mod reads;
mod sessions;
mod summaries;
mod turns;
mod words;

use db::{Row, StoreError};

pub(crate) use branches::{branches, choose, fork};
pub(crate) use members::{add_member, members, remove_member};
pub(crate) use messages::{Range, insert_message, leaf, message, messages_after, messages_before};
pub(crate) use reactions::{add_reaction, emoji, reactions, remove_reaction};
pub(crate) use reads::{mark_read, reads};
pub(crate) use sessions::{Place, Speaker, get, insert, labels, list, next_place, update};
pub(crate) use summaries::{end_summary, insert_summary, summaries, summary, summary_along};
pub(crate) use turns::{Turn, insert_turn, spend_agent_turn, turn};
pub(crate) use words::{active_sessions, count_sessions, find, insert_words};

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.into()))
}

fn json<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
    expected: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Decode { column, expected })
}
