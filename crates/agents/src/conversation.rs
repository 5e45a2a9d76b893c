//! A conversation with a model, in the form in which journals keep it.
//!
//! It is narrower than any provider's and belongs to us: old journals are read with it for as long
//! as there are runs, so members are only ever added, with a default. Whoever sends it to a provider
//! writes it in that provider's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::{ArtifactId, Digest};

/// What a program asks a model: the arguments of `model.call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The profile to ask, by its name.
    pub model: String,
    /// What the model is told to be.
    pub system: String,
    /// What was said so far, the person's words last.
    pub messages: Vec<Said>,
    /// What it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Offer>,
    /// Whether nobody reads the answer along as it is written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// The JSON schema of the answer, for a provider that holds its models to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Value>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Whose it is.
    pub by: Speaker,
    /// What it consists of.
    pub parts: Vec<Part>,
}

/// Who speaks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// People, and the tools that answer for the world.
    User,
    /// The model.
    Model,
}

/// A part of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// The model's call of a tool.
    ToolCall {
        /// What the result refers to.
        id: String,
        /// The tool, by the name under which it was offered.
        name: String,
        /// The arguments as the model wrote them, which need not be JSON.
        arguments: String,
        /// The provider's seal on the thought behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seal: Option<Seal>,
    },
    /// What came of a call.
    ToolResult {
        /// The call.
        id: String,
        /// What the tool gave, or why it did not.
        text: String,
        /// Whether it failed.
        #[serde(default)]
        failed: bool,
    },
    /// What the model thought. It goes back as it came, to the family that made the seal.
    Thinking {
        /// The thought; empty where the provider does not show it.
        text: String,
        /// The provider's id of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The provider's seal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seal: Option<Seal>,
        /// Whether the provider withheld the text.
        #[serde(default)]
        redacted: bool,
    },
    /// A picture: which, and not its bytes. The digest is of what is shown.
    Image {
        /// The artifact.
        artifact: ArtifactId,
        /// Its media type.
        media: String,
        /// The digest that names its content.
        digest: Digest,
    },
    /// The model's words of refusal.
    Refusal {
        /// The words.
        text: String,
    },
}

/// Opaque bytes that only the family which made them can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The family.
    pub by: String,
    /// As it was.
    pub value: String,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name, in letters that every provider takes.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON schema of its arguments.
    pub schema: Value,
}

/// What the model answered: the output of `model.call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Texts, calls and thoughts, in their order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// What it took.
    pub usage: Usage,
    /// What it cost, in micro-USD, where the price is known.
    #[serde(default)]
    pub cost_usd_micros: Option<u64>,
    /// Who answered, as `provider/model`.
    pub served: String,
    /// What its text rests on, as the provider says; spans are of the whole text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<runs::Citation>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said what it wanted to say.
    Done,
    /// It waits for the results of its calls.
    ToolUse,
    /// It reached the most tokens that it was allowed, or its context is full.
    Length,
    /// It refused, or the provider cut it.
    Refused,
    /// The provider paused a long turn; sent back as it is, it goes on.
    Paused,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read, cached or not.
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Put out, thinking included.
    pub output_tokens: u64,
}

/// What an agent is told before its turn: what a run's journal keeps as `context.assembled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Briefing {
    /// The profile that plans, by its name.
    pub model: String,
    /// Earlier messages of the session, the oldest first.
    #[serde(default)]
    pub messages: Vec<Earlier>,
    /// Whether there were more than fitted.
    #[serde(default)]
    pub cut: bool,
    /// How many messages are left out between the summary and the first one, at least.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
    /// A summary of what came before them.
    #[serde(default)]
    pub summary: Option<String>,
    /// The agent's tools.
    #[serde(default)]
    pub tools: Vec<Offer>,
    /// The tool for reading on, offered once there is something to read on in.
    #[serde(default)]
    pub reader: Option<Offer>,
    /// Skills that it could run: name and description.
    #[serde(default)]
    pub skills: Vec<(String, String)>,
    /// Whether the agent can read files of its workspace now.
    #[serde(default)]
    pub workspace: bool,
    /// Files of the workspace that hold instructions, such as `AGENTS.md`: path and text.
    #[serde(default)]
    pub notes: Vec<(String, String)>,
    /// What goes with the message that is to be answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Its name.
    pub name: String,
    /// Its media type, as whoever put it there says.
    pub media: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The digest that names its content.
    pub digest: Digest,
    /// What of it the model is shown.
    pub shown: Shown,
}

impl Attachment {
    /// Whether there may be more text in it than the model is shown.
    pub(crate) fn has_more(&self) -> bool {
        match self.shown {
            Shown::Text { cut, .. } => cut,
            Shown::Note => !self.media.starts_with("image/"),
            Shown::Image => false,
        }
    }
}

/// What of a file a model is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Shown {
    /// The picture.
    Image,
    /// Its text, or the beginning of it.
    Text {
        /// The text.
        text: String,
        /// Whether there is more.
        cut: bool,
    },
    /// That it is there.
    Note,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One earlier message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Whether this very agent said it.
    pub own: bool,
    /// Who said it, by name.
    pub by: String,
    /// What.
    pub text: String,
}

impl Said {
    /// Something in plain text.
    #[must_use]
    pub fn text(by: Speaker, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            by,
            parts: vec![Part::Text { text }],
        }
    }
}

impl Reply {
    /// Its text, without thoughts.
    #[must_use]
    pub fn text(&self) -> String {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text } | Part::Refusal { text } => whole.push_str(text),
                Part::ToolCall { .. }
                | Part::ToolResult { .. }
                | Part::Thinking { .. }
                | Part::Image { .. } => {}
            }
        }
        whole
    }
}
