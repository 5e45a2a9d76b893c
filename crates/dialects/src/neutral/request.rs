//! A request in the neutral form.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Citation;
use crate::fault::{Malformed, MalformedKind};

/// What a model is asked. [`Request::default`] asks nothing and leaves every choice to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model as the client named it. Writers take the served model's name instead.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether a stream of OpenAI's chat dialect ends with a chunk of usage.
    pub stream_usage: bool,
    /// Instructions that stand before the conversation.
    pub system: Vec<System>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; every family's default is yes.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the final text.
    pub format: Format,
    /// Whether and how it thinks first.
    pub thinking: Thinking,
    /// How wordy the text is.
    pub verbosity: Option<Verbosity>,
    /// The most tokens it may put out, thinking included.
    pub max_output_tokens: Option<u64>,
    /// Sampling: temperature.
    pub temperature: Option<f64>,
    /// Sampling: nucleus.
    pub top_p: Option<f64>,
    /// Sampling: the most likely k.
    pub top_k: Option<u64>,
    /// Sampling: penalty for how often a token occurred.
    pub frequency_penalty: Option<f64>,
    /// Sampling: penalty for a token that occurred.
    pub presence_penalty: Option<f64>,
    /// Sampling: where randomness starts.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// An opaque name of the end user, for the provider's abuse detection.
    pub user: Option<String>,
    /// Labels of the client. No model reads them; one dialect repeats them in its answer.
    pub metadata: BTreeMap<String, String>,
}

/// One block of instructions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct System {
    /// The text.
    pub text: String,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// One turn of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Whose turn.
    pub role: Role,
    /// What it consists of. Results of tools are parts of a user's turn and come first in it.
    pub parts: Vec<Part>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, and the results of tools.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of the conversation.
    System,
}

/// A part of a message or of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// A picture.
    Image(Image),
    /// A document, such as a PDF.
    Document(Document),
    /// The model's call of a tool.
    ToolCall(ToolCall),
    /// What came of a call.
    ToolResult(ToolResult),
    /// What the model thought.
    Thinking(Thought),
    /// The model's words of refusal.
    Refusal(String),
}

impl Part {
    /// A part of plain text.
    pub fn text(text: impl Into<String>) -> Part {
        Part::Text(Text {
            text: text.into(),
            ..Text::default()
        })
    }
}

/// Text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where it was taken from, if it is an answer's. Nothing goes back to a provider with it.
    pub citations: Vec<Citation>,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its bytes, or where they are.
    pub media: Media,
    /// How closely the model should look; a hint.
    pub detail: Option<Detail>,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its bytes, or where they are. Plain text has the type `text/plain`.
    pub media: Media,
    /// Its title or file name.
    pub title: Option<String>,
    /// What the model is told about it beside its content.
    pub context: Option<String>,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// Bytes, or where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// Here, in base64.
    Base64 {
        /// Their type, such as `image/png`.
        media_type: String,
        /// The bytes.
        data: String,
    },
    /// Here, as text.
    Text(String),
    /// At an address that the provider fetches.
    Url(String),
}

/// How closely to look at a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The provider decides.
    Auto,
    /// A glance.
    Low,
    /// Closely.
    High,
}

/// For how long a prefix of the prompt is worth caching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// As long as the provider does by default.
    Default,
    /// Five minutes.
    FiveMinutes,
    /// An hour.
    Hour,
}

/// The model's call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// What its result refers to.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as JSON text, to the byte as the model wrote them. Readers check that it is an
    /// object, unless the answer was cut for length.
    pub arguments: String,
    /// The provider's seal on the thought behind the call.
    pub seal: Option<Seal>,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

impl ToolCall {
    /// The arguments.
    ///
    /// # Errors
    /// If they are not a JSON object, which a reader lets through only where the answer was cut.
    pub fn object(&self) -> Result<Map<String, Value>, Malformed> {
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) => Err(self.malformed("are JSON, but no object")),
            Err(error) => Err(self.malformed(&format!("are not JSON: {error}"))),
        }
    }

    fn malformed(&self, what: &str) -> Malformed {
        let message = format!("the arguments of the call of `{}` {what}", self.name);
        Malformed::new(MalformedKind::ToolArguments, "", message)
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call.
    pub call_id: String,
    /// Texts, images and documents.
    pub content: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// What the model thought before it spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// The provider's id of it, where it has one.
    pub id: Option<String>,
    /// The thought or its summary; empty if the provider doesn't show it.
    pub text: String,
    /// What the provider wants back, unchanged, with the next request.
    pub seal: Option<Seal>,
    /// The provider withheld the text: nothing but the seal is there, by its decision.
    pub redacted: bool,
}

/// Opaque bytes that only the family which made them can read: a signature, encrypted content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Who made it.
    pub by: Sealer,
    /// As it was.
    pub value: String,
}

/// Who made a seal. Bedrock hands out the model vendor's own, so it is no maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealer {
    /// Anthropic: a signature, or redacted thinking.
    Anthropic,
    /// OpenAI: encrypted reasoning.
    Openai,
    /// Google: a thought signature.
    Gemini,
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON schema of its arguments, an object.
    pub schema: Value,
    /// Whether arguments must fit the schema exactly.
    pub strict: Option<bool>,
    /// Whether the prompt up to here is worth caching.
    pub cache: Option<Cache>,
}

/// Whether and what a model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// It decides.
    Auto,
    /// Nothing.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
}

/// The form of the final text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// A label of the schema.
        name: Option<String>,
        /// What the schema is for.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether it must fit exactly.
        strict: Option<bool>,
    },
}

/// Whether and how a model thinks before it speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thinking {
    /// Whether.
    pub mode: Option<ThinkingMode>,
    /// How hard it works on the answer as a whole.
    pub effort: Option<Effort>,
    /// How much of it is shown.
    pub summary: Option<Summary>,
}

/// Whether a model thinks before it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingMode {
    /// It does not.
    Off,
    /// It decides.
    Adaptive,
    /// It does, for at most so many tokens.
    Budget(u64),
}

/// How hard a model works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Somewhat.
    Medium,
    /// Hard.
    High,
    /// Harder.
    XHigh,
    /// As hard as it can.
    Max,
}

/// How much of the thinking is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// As the provider sees fit.
    Auto,
    /// In short.
    Concise,
    /// At length.
    Detailed,
    /// Not at all.
    Omitted,
}

/// How wordy a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Terse.
    Low,
    /// As usual.
    Medium,
    /// At length.
    High,
}
