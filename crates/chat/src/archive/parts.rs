//! The rows of an archive. Their names are stored.

use runs::{Account, Citation};
use serde::{Deserialize, Serialize};
use vocab::{AgentId, ArtifactId, Digest, MessageId, RunId, UserId};

/// Everything that an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Messages of every branch, in the order of their positions.
    pub messages: Vec<KeptMessage>,
    /// Which run answers which message.
    pub turns: Vec<KeptTurn>,
    /// Where the session was forked.
    pub branches: Vec<KeptBranch>,
    /// Who takes part.
    pub members: Vec<KeptMember>,
    /// How far people have read.
    pub reads: Vec<KeptRead>,
    /// Who reacted how.
    pub reactions: Vec<KeptReaction>,
    /// What runs have summarised, in the order in which they began.
    pub summaries: Vec<KeptSummary>,
}

/// A message with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptMessage {
    pub id: MessageId,
    pub position: u32,
    pub branch: u32,
    /// The position of the message before it; the position before its own if there is none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<ArtifactId>,
    /// What whoever wrote it had read, where that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_private: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_untrusted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// The content of these in the tables: it is made anew when they come back.
    #[serde(skip)]
    pub cited: Option<Digest>,
    pub digest: Digest,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    pub at_us: i64,
}

/// A run that answers a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptTurn {
    pub run: RunId,
    pub message: MessageId,
    pub branch: u32,
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptBranch {
    pub number: u32,
    pub from: u32,
    pub at: u32,
    pub chosen: u32,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptMember {
    pub user: UserId,
    pub at_us: i64,
}

/// How far somebody has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptRead {
    pub user: UserId,
    pub position: u32,
    pub at_us: i64,
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptReaction {
    pub message: MessageId,
    pub emoji: String,
    pub user: UserId,
    pub at_us: i64,
}

/// A summary with its text, if it came to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSummary {
    pub run: RunId,
    pub branch: u32,
    pub from: u32,
    pub upto: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunId>,
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<i64>,
    pub read_private: bool,
    pub read_untrusted: bool,
    pub at_us: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_us: Option<i64>,
}
