//! What the model is to say: the script's vocabulary, the same for every protocol.
//!
//! The JSON form is what `POST /_script` takes; in Rust the same values are built by hand.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, Pace};
use crate::route::Operation;

/// One answer of the model, played once unless it says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// What it says, in order.
    pub parts: Vec<Part>,
    /// The pages that its texts are taken from, each of them all. Anthropic and Chat Completions say it.
    pub cites: Vec<String>,
    /// Why it ends; by default `tool_use` where it calls a tool, `refusal` where it refuses, else `end`.
    pub stop: Option<Stop>,
    /// What it cost; by default counted from the texts.
    pub usage: Option<Usage>,
    /// How fast it comes; by default at once.
    pub pace: Option<Pace>,
    /// What goes wrong on the way.
    pub fault: Option<Fault>,
    /// Only for requests that name this model.
    pub for_model: Option<String>,
    /// Only for this operation; by default for any that generates.
    pub for_operation: Option<Operation>,
    /// How often it is played.
    pub times: u32,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            cites: Vec::new(),
            stop: None,
            usage: None,
            pace: None,
            fault: None,
            for_model: None,
            for_operation: None,
            times: 1,
        }
    }
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text, streamed word by word.
    Text(String),
    /// Text, streamed in exactly these pieces.
    Chunks(Vec<String>),
    /// Visible thinking, with a signature that has to come back unchanged.
    Thinking(String),
    /// Thinking that only the provider can read.
    RedactedThinking(String),
    /// A call of a tool.
    ToolCall(ToolCall),
    /// A refusal in words of its own, where the protocol has a place for it, else as text.
    Refusal(String),
}

/// A call of a tool, as the model writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Made up where none is given.
    #[serde(default)]
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The arguments; a string is written as it is, so a model can be made to write broken JSON.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
}

fn no_arguments() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It is complete.
    End,
    /// It waits for the tools that it called.
    ToolUse,
    /// It reached the request's limit of tokens.
    MaxTokens,
    /// It met a stop sequence.
    StopSequence,
    /// The model refuses.
    Refusal,
    /// The provider's filter stopped it.
    ContentFilter,
}

/// What an answer cost. `input` includes what was read from and written to a cache, `output` includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// All tokens of the request.
    pub input: u64,
    /// Those of them that came from a cache.
    pub cached: u64,
    /// Those of them that were written to a cache.
    pub cache_write: u64,
    /// All tokens of the answer.
    pub output: u64,
    /// Those of them that nobody sees.
    pub reasoning: u64,
}

impl Usage {
    /// Tokens of the request that no cache had anything to do with.
    pub(crate) fn plain_input(self) -> u64 {
        self.input.saturating_sub(self.cached + self.cache_write)
    }
}

impl Answer {
    /// The model says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of([Part::Text(text.into())])
    }

    /// The model says these parts.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same answer, taken from a page.
    #[must_use]
    pub fn citing(mut self, url: impl Into<String>) -> Self {
        self.cites.push(url.into());
        self
    }

    /// The model calls one tool.
    pub fn tool_call(name: impl Into<String>, arguments: Value) -> Self {
        Self::of([Part::tool_call(name, arguments)])
    }

    /// Nothing but something going wrong.
    pub fn fault(fault: Fault) -> Self {
        Self::text("This answer goes wrong on its way.").with_fault(fault)
    }

    /// The same answer, on which something goes wrong.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The same answer, ended for this reason.
    #[must_use]
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// The same answer at this cost.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// The same answer, slower.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// The same answer, for requests of one model alone.
    #[must_use]
    pub fn for_model(mut self, model: impl Into<String>) -> Self {
        self.for_model = Some(model.into());
        self
    }

    /// The same answer, for one operation alone.
    #[must_use]
    pub fn for_operation(mut self, operation: Operation) -> Self {
        self.for_operation = Some(operation);
        self
    }

    /// The same answer to this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same answer to every request.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    /// Why this answer ends.
    pub(crate) fn stop(&self) -> Stop {
        let has = |wanted: fn(&Part) -> bool| self.parts.iter().any(wanted);
        match self.stop {
            Some(stop) => stop,
            None if has(|part| matches!(part, Part::ToolCall(_))) => Stop::ToolUse,
            None if has(|part| matches!(part, Part::Refusal(_))) => Stop::Refusal,
            None => Stop::End,
        }
    }
}

impl Part {
    /// A call of a tool.
    pub fn tool_call(name: impl Into<String>, arguments: Value) -> Self {
        Self::ToolCall(ToolCall {
            id: None,
            name: name.into(),
            arguments,
        })
    }

    /// The pieces in which this part is streamed; joined, they are the whole of it.
    pub(crate) fn pieces(&self) -> Vec<String> {
        match self {
            Self::Text(text) | Self::Thinking(text) | Self::Refusal(text) => words(text),
            Self::Chunks(chunks) => chunks.clone(),
            Self::RedactedThinking(data) => vec![data.clone()],
            Self::ToolCall(call) => halves(&call.arguments_text()),
        }
    }
}

impl ToolCall {
    /// The arguments as the model wrote them.
    pub(crate) fn arguments_text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            arguments => arguments.to_string(),
        }
    }

    /// The arguments where a protocol carries them parsed: broken ones can't be carried and become empty.
    pub(crate) fn arguments_object(&self) -> Value {
        match &self.arguments {
            Value::String(text) => serde_json::from_str(text)
                .ok()
                .filter(Value::is_object)
                .unwrap_or_else(no_arguments),
            arguments => arguments.clone(),
        }
    }
}

/// Words, each with the space before it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        if at > start {
            words.push(text[start..at].to_owned());
            start = at;
        }
    }
    words.push(text[start..].to_owned());
    words
}

/// Two pieces, cut at a character's boundary, so that a reader has to join them.
fn halves(text: &str) -> Vec<String> {
    let middle = (0..=text.len() / 2)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let (first, second) = text.split_at(middle);
    [first, second]
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_whole() {
        for text in ["", " ", "one", "one two  three ", "ä b", "  lead"] {
            assert_eq!(words(text).concat(), text);
            assert_eq!(halves(text).concat(), text);
        }
        assert_eq!(words("Hello big world"), ["Hello", " big", " world"]);
    }

    #[test]
    fn an_answer_reads_from_json() {
        let answer: Answer = serde_json::from_str(
            r#"{"parts": [{"thinking": "hm"}, {"chunks": ["a", "b"]}, {"tool_call": {"name": "add"}}],
                "usage": {"input": 7, "cached": 3}, "times": 2}"#,
        )
        .unwrap();
        assert_eq!(answer.stop(), Stop::ToolUse);
        assert_eq!(answer.parts.len(), 3);
        assert_eq!(answer.usage.unwrap().plain_input(), 4);
        assert!(serde_json::from_str::<Answer>(r#"{"part": []}"#).is_err());
    }
}
