//! What a stream costs that is forwarded as it is.
//!
//! The provider tells the usage at the end, or not at all. Until it does, the meter counts what has
//! gone by, so that a stream which is cut is counted, too.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::neutral::Usage;
use crate::openai::{self, UsageNames};
use crate::said::{Incomplete, Said};
use crate::sse::Frame;
use crate::{Dialect, anthropic, estimate, openai_chat, openai_responses};

/// The most reasons for an end that are kept in mind.
const REASONS_MAX: usize = 128;

/// Watches the frames of one stream.
#[derive(Clone, Debug)]
pub struct Meter {
    dialect: Dialect,
    reported: Option<Usage>,
    /// What the provider will not tell if the stream is cut now.
    input_estimate: u64,
    output_estimate: u64,
    begun: bool,
    stopped: bool,
    ended: bool,
    failed: bool,
    said: Said,
}

impl Meter {
    /// A meter of a stream whose request was estimated to cost so many tokens to read.
    pub fn new(dialect: Dialect, input_tokens: u64) -> Meter {
        Meter {
            dialect,
            reported: None,
            input_estimate: input_tokens,
            output_estimate: 0,
            begun: false,
            stopped: false,
            ended: false,
            failed: false,
            said: Said::default(),
        }
    }

    /// Looks at a frame. One that it doesn't understand costs nothing and is no error here.
    pub fn observe(&mut self, frame: &Frame) {
        match self.dialect {
            Dialect::OpenaiChat => self.observe_chat(frame),
            Dialect::OpenaiResponses => self.observe_responses(frame),
            Dialect::Anthropic => self.observe_anthropic(frame),
            // Nothing of these is forwarded as it is.
            Dialect::Gemini | Dialect::Converse => {}
        }
    }

    /// What it cost so far: what the provider said, and until it does, an estimate.
    pub fn usage(&self) -> Usage {
        let mut usage = self.reported.unwrap_or(Usage {
            input_tokens: self.input_estimate,
            ..Usage::default()
        });
        if !self.is_exact() {
            usage.output_tokens = usage.output_tokens.max(self.output_estimate);
        }
        usage
    }

    /// Whether [`Meter::usage`] is the provider's last word, not an estimate.
    pub fn is_exact(&self) -> bool {
        self.reported.is_some() && self.ended
    }

    /// Whether the model has begun to put something out.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the model has said why it stopped: what is missing then is no part of its answer. Some
    /// servers leave out what follows.
    pub fn has_stopped(&self) -> bool {
        self.stopped || self.ended
    }

    /// Whether the event that ends a stream has come.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the provider gave up in the middle.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// What the stream has said about itself so far.
    pub fn said(&self) -> &Said {
        &self.said
    }

    fn is_by(&mut self, model: Option<Cow<'_, str>>) {
        if self.said.model.is_none() {
            self.said.model = model.map(Cow::into_owned);
        }
    }

    fn finish_for(&mut self, reason: Option<&str>) {
        // No dialect asks for more answers than can be told apart.
        if let Some(reason) = reason.filter(|_| self.said.finish_reasons.len() < REASONS_MAX) {
            self.said.finish_reasons.push(reason.to_owned());
        }
    }

    fn put_out(&mut self, piece: Option<&str>) {
        if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
            self.begun = true;
            self.output_estimate += estimate::tokens(piece.as_bytes());
        }
    }

    fn observe_chat(&mut self, frame: &Frame) {
        if frame.data.trim() == openai_chat::DONE {
            self.ended = true;
            return;
        }
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(&frame.data) else {
            return;
        };
        self.is_by(chunk.model);
        for choice in &chunk.choices {
            self.finish_for(choice.finish_reason.as_deref());
        }
        self.failed |= chunk.error.is_some();
        self.stopped |= chunk.choices.iter().any(|it| it.finish_reason.is_some());
        for delta in chunk.choices.iter().filter_map(|c| c.delta.as_ref()) {
            self.put_out(delta.content.as_deref());
            self.put_out(delta.refusal.as_deref());
            self.put_out(delta.reasoning_content.as_deref());
            self.put_out(delta.reasoning.as_deref());
            for function in delta.tool_calls.iter().filter_map(|c| c.function.as_ref()) {
                self.put_out(function.name.as_deref());
                self.put_out(function.arguments.as_deref());
            }
        }
        self.report_openai(chunk.usage, &openai_chat::USAGE);
    }

    fn observe_responses(&mut self, frame: &Frame) {
        let Ok(event) = serde_json::from_str::<Event<'_>>(&frame.data) else {
            return;
        };
        match event.r#type.as_ref() {
            "error" => self.failed = true,
            "response.completed" | "response.incomplete" => self.ended = true,
            "response.failed" => {
                self.failed = true;
                self.ended = true;
            }
            kind if kind.ends_with(".delta") => self.put_out(event.delta.as_deref()),
            _ => {}
        }
        if let Some(response) = event.response {
            if self.ended {
                let cut = response.incomplete_details.and_then(|it| it.reason);
                self.finish_for(cut.or(response.status).as_deref());
            }
            self.is_by(response.model);
            self.report_openai(response.usage, &openai_responses::USAGE);
        }
    }

    fn report_openai(&mut self, usage: Option<Value>, names: &UsageNames) {
        let Some(usage) = usage else {
            return;
        };
        let document = serde_json::json!({ "usage": usage }).to_string();
        let usage = openai::usage_of(document.as_bytes(), names);
        self.reported = usage.or(self.reported);
    }

    fn observe_anthropic(&mut self, frame: &Frame) {
        let Ok(event) = serde_json::from_str::<Message<'_>>(&frame.data) else {
            return;
        };
        match event.r#type.as_ref() {
            "error" => self.failed = true,
            "message_stop" => self.ended = true,
            "content_block_start" => self.begun = true,
            _ => {}
        }
        if let Some(delta) = &event.delta {
            self.put_out(delta.text.as_deref());
            self.put_out(delta.thinking.as_deref());
            self.put_out(delta.partial_json.as_deref());
            self.finish_for(delta.stop_reason.as_deref());
        }
        let (model, begun) = event
            .message
            .map_or((None, None), |it| (it.model, it.usage));
        self.is_by(model);
        let usage = event.usage.or(begun);
        if let Some(usage) = usage {
            let before = self.reported.unwrap_or_default();
            self.reported = anthropic::usage_over(usage, before).or(self.reported);
        }
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<Value>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "null_is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<Cow<'a, str>>,
}

/// An event of the Responses dialect; other deltas than text are no strings, and cost nothing.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    delta: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response: Option<About<'a>>,
}

/// What stands around an answer.
#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    incomplete_details: Option<Incomplete<'a>>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    delta: Option<Piece<'a>>,
    #[serde(borrow)]
    message: Option<About<'a>>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    partial_json: Option<Cow<'a, str>>,
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
