//! A sealed event in memory, and one page of them out of the database.

use db::{Row, StoreError};
use serde::Serialize;
use vocab::{Digest, EventId, EventKind, OrgId, RunId, SessionId, Timestamp};

use crate::entry::Entry;

/// A row of `events`.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub org: OrgId,
    pub id: EventId,
    pub at: Timestamp,
    pub actor: String,
    pub kind: String,
    pub subject: String,
    pub session: Option<SessionId>,
    pub run: Option<RunId>,
    pub run_seq: Option<u32>,
    pub data: String,
    pub content: Option<String>,
}

/// The columns that [`Stored::read`] takes, of a table called `e`.
macro_rules! event_columns {
    () => {
        "e.id, e.at_us, e.actor, e.kind, e.subject, e.session_id, e.run_id, e.run_seq, e.data, \
         e.content"
    };
}
pub(crate) use event_columns;

impl Stored {
    /// From a row whose columns from `at` on are those of `event_columns!`.
    pub(crate) fn read(org: OrgId, row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(Self {
            org,
            id: row.get(at)?,
            at: row.get(at + 1)?,
            actor: row.get(at + 2)?,
            kind: row.get(at + 3)?,
            subject: row.get(at + 4)?,
            session: row.get(at + 5)?,
            run: row.get(at + 6)?,
            run_seq: row.get(at + 7)?,
            data: row.get(at + 8)?,
            content: row.get(at + 9)?,
        })
    }

    pub(crate) fn write(&self, seq: u64, prev: &Digest, out: &mut String) {
        let entry = Entry {
            actor: &self.actor,
            at: self.at,
            content: self.content.as_deref(),
            data: &self.data,
            id: self.id,
            kind: &self.kind,
            org: self.org,
            run: self.run,
            run_seq: self.run_seq,
            session: self.session,
            subject: &self.subject,
        };
        entry.write(seq, prev, out);
    }

    pub(crate) fn sealed(self, seq: u64, hash: Digest, json: String) -> SealedEvent {
        SealedEvent {
            org: self.org,
            seq,
            at: self.at,
            kind: self.kind,
            session: self.session,
            run: self.run,
            run_seq: self.run_seq,
            actor: self.actor,
            data: self.data,
            hash,
            json,
        }
    }
}

/// An event of the record with its place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// Whose record.
    pub org: OrgId,
    /// Its place, from 1; also the cursor of streams.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, as `noun.verb`.
    pub kind: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The run it is about.
    pub run: Option<RunId>,
    /// Its place in that run's journal.
    pub run_seq: Option<u32>,
    /// The chain of who acted, as canonical JSON.
    pub actor: String,
    /// Small facts, as canonical JSON.
    pub data: String,
    /// SHA-256 of `json`.
    pub hash: Digest,
    /// The whole event: its canonical bytes.
    pub json: String,
}

/// Which events; what is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this session.
    pub session: Option<SessionId>,
    /// About this run.
    pub run: Option<RunId>,
    /// Of this tool: those whose facts name it as `tool`.
    pub tool: Option<String>,
    /// Of one of these kinds; of any if there are none.
    pub kinds: Vec<EventKind>,
    /// With this id anywhere in the chain of who acted, such as `usr_…` or `agt_…`.
    pub actor: Option<String>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
}

#[derive(serde::Deserialize, Serialize)]
struct ToolOf {
    #[serde(default)]
    tool: Option<String>,
}

impl Filter {
    /// Whether an event is one of those.
    #[must_use]
    pub fn matches(&self, event: &SealedEvent) -> bool {
        let Self {
            session,
            run,
            tool,
            kinds,
            actor,
            from,
            to,
        } = self;
        let names_tool = |tool: &String| {
            let facts = serde_json::from_str::<ToolOf>(&event.data).ok();
            facts.and_then(|facts| facts.tool).as_ref() == Some(tool)
        };
        (session.is_none() || *session == event.session)
            && (run.is_none() || *run == event.run)
            && (kinds.is_empty() || kinds.iter().any(|kind| kind.as_str() == event.kind))
            && from.is_none_or(|from| event.at >= from)
            && to.is_none_or(|to| event.at < to)
            && actor
                .as_ref()
                .is_none_or(|id| event.actor.contains(&quoted(id)))
            && tool.as_ref().is_none_or(names_tool)
    }
}

/// An id as it stands in canonical JSON. A text with a quote in it is no id and is found nowhere.
pub(crate) fn quoted(id: &str) -> String {
    format!("\"{id}\"")
}
