//! An answer in the neutral form.

use super::{Part, Request};

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The provider's id of the answer; empty if it gave none.
    pub id: String,
    /// The model that served it, in the provider's words; empty if it didn't say.
    pub model: String,
    /// Texts, calls and thoughts, in their order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// What it cost.
    pub usage: Usage,
}

impl Answer {
    /// The text, joined.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            Part::Image(_)
            | Part::Document(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_)
            | Part::Thinking(_)
            | Part::Refusal(_) => None,
        });
        texts.collect()
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model had said what it wanted to say.
    EndTurn,
    /// It reached the most tokens that it was allowed.
    MaxTokens,
    /// It wrote one of the stop sequences; which one, if the provider says.
    StopSequence(Option<String>),
    /// It waits for the results of its calls.
    ToolUse,
    /// The model refused.
    Refusal,
    /// The provider's filter cut it.
    ContentFilter,
    /// The provider paused a long turn; sent back as it is, it goes on.
    Paused,
    /// The context window is full.
    ContextFull,
}

impl Stop {
    /// Its name, where one is shown.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Stop::EndTurn => "stop",
            Stop::MaxTokens => "length",
            Stop::StopSequence(_) => "stop_sequence",
            Stop::ToolUse => "tool_calls",
            Stop::Refusal => "refusal",
            Stop::ContentFilter => "content_filter",
            Stop::Paused => "pause",
            Stop::ContextFull => "context_full",
        }
    }
}

/// What an answer cost, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All that was read, cached or not.
    pub input_tokens: u64,
    /// Of the input: read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Of the input: written to the provider's cache.
    pub cache_write_tokens: u64,
    /// All that was put out, thinking included.
    pub output_tokens: u64,
    /// Of the output: thinking.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Of the input, what was neither read from a cache nor written to one.
    pub fn fresh_input_tokens(&self) -> u64 {
        self.input_tokens
            .saturating_sub(self.cached_input_tokens)
            .saturating_sub(self.cache_write_tokens)
    }

    /// Input and output.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// What the writer of an answer says that no model said.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// What was asked; some dialects repeat parts of it.
    pub request: &'a Request,
    /// The gateway's id of the answer, of letters, digits, `-` and `_`; the dialect's prefix is put before it.
    pub id: &'a str,
    /// When it was asked, in seconds since 1970.
    pub created: u64,
}

impl<'a> Envelope<'a> {
    /// The model to name: the one that served, or the one that was asked for.
    pub(crate) fn model<'b>(&self, served: &'b str) -> &'b str
    where
        'a: 'b,
    {
        if served.is_empty() {
            &self.request.model
        } else {
            served
        }
    }
}
