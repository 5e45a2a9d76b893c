//! The rows of sessions and messages. The only SQL about them.

mod archives;
mod branches;
mod holds;
mod members;
mod messages;
mod reactions;
mod reads;
mod sessions;
mod settings;
mod summaries;
mod sweeps;
mod turns;
mod words;

use db::{Row, StoreError};

pub(crate) use archives::{
    archive, beside, clear, delete_archive, delete_session, insert_archive, last_event, lock,
    named_elsewhere, parts, put_back, rows_after, sealed, set_status, steps, take,
};
pub(crate) use branches::{branches, choose, fork};
pub(crate) use holds::{delete_hold, hold, insert_hold};
pub(crate) use members::{add_member, members, remove_member};
pub(crate) use messages::{Range, insert_message, leaf, message, messages_after, messages_before};
pub(crate) use reactions::{add_reaction, emoji, reactions, remove_reaction};
pub(crate) use reads::{mark_read, reads};
pub(crate) use sessions::{
    Place, Speaker, charge, get, insert, labels, list, next_place, quiet, update,
};
pub(crate) use settings::{set_settings, settings};
pub(crate) use summaries::{end_summary, insert_summary, summaries, summary, summary_along};
pub(crate) use sweeps::{claim, organisations};
pub(crate) use turns::{Turn, insert_turn, spend_agent_turn, turn};
pub(crate) use words::{active_sessions, count_sessions, find, insert_words, insert_words_of};

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
