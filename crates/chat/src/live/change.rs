//! What changes in a session at this moment, as processes tell each other and as streams are told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vocab::{AgentId, RunId, UserId};

/// How many of those who are there are named to a new listener.
const PRESENT_MAX: usize = 256;

/// Something that happens at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Forget everything: what follows is how things stand. Between processes alone.
    Anew,
    /// A text goes on.
    Text {
        /// The run that writes it.
        run_id: RunId,
        /// The agent whose it is.
        agent_id: AgentId,
        /// The next piece; all of it so far if it is a reset.
        text: String,
        /// Whether it stands for all of the text so far.
        reset: bool,
    },
    /// A text is over: what stays of it is the message. Streams see that; processes are told.
    Ended {
        /// The run that wrote it.
        run_id: RunId,
    },
    /// People came or went.
    Presence {
        /// Who is there.
        present: Vec<UserId>,
        /// Who is not any more.
        gone: Vec<UserId>,
        /// Whether nobody else is there.
        reset: bool,
    },
    /// Somebody is typing.
    Typing {
        /// Who.
        user_id: UserId,
    },
    /// Somebody has read on.
    Read {
        /// Who.
        user_id: UserId,
        /// Up to which message.
        position: u32,
    },
}

impl Change {
    /// The change as a frame of a stream, if streams are told of it.
    pub(super) fn delta(&self) -> Option<Delta> {
        let (kind, data) = match self {
            Self::Anew | Self::Ended { .. } => return None,
            Self::Text {
                run_id,
                agent_id,
                text,
                reset,
            } => {
                let data =
                    json!({ "run_id": run_id, "agent_id": agent_id, "text": text, "reset": reset });
                ("message.delta", data)
            }
            Self::Presence {
                present,
                gone,
                reset,
            } => {
                let present = &present[..present.len().min(PRESENT_MAX)];
                let data = json!({ "present": present, "gone": gone, "reset": reset });
                ("presence", data)
            }
            Self::Typing { user_id } => ("typing", json!({ "user_id": user_id })),
            Self::Read { user_id, position } => {
                let data = json!({ "user_id": user_id, "position": position });
                ("read", data)
            }
        };
        Some(Delta::new(kind, &data))
    }
}

/// A change, as a frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// Its kind: `message.delta`, `typing`, `presence` or `read`.
    pub kind: &'static str,
    /// JSON.
    pub data: Arc<str>,
}

impl Delta {
    fn new(kind: &'static str, data: &Value) -> Self {
        Self {
            kind,
            data: data.to_string().into(),
        }
    }
}
