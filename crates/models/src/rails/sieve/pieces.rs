//! Which members of an event are pieces of a text that goes on in the next event.

use std::ops::Range;

use dialects::Dialect;
use guard::json::Unescaped;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A text of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    kind: Kind,
    /// Which answer, part or item.
    outer: u64,
    /// Which call or part of it.
    inner: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Text,
    Refusal,
    Thinking,
    Arguments,
    /// Of Responses, by the event's type.
    Event(String),
}

impl Lane {
    /// Whether the text is JSON.
    pub fn is_json(&self) -> bool {
        match &self.kind {
            Kind::Arguments => true,
            Kind::Event(name) => name.contains("arguments"),
            Kind::Text | Kind::Refusal | Kind::Thinking => false,
        }
    }
}

/// A piece of a text.
pub(super) struct Piece {
    pub lane: Lane,
    /// What it means.
    pub text: String,
    /// Which bytes of the event say it, without the quotes.
    pub bytes: Range<usize>,
}

#[derive(Deserialize, Default)]
struct Any<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: Option<ChatDelta<'a>>,
}

#[derive(Deserialize)]
struct ChatDelta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ChatCall<'a>>>,
}

#[derive(Deserialize)]
struct ChatCall<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    function: Option<ChatFunction<'a>>,
}

#[derive(Deserialize)]
struct ChatFunction<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// The pieces of an event; `None` of one that says nothing, and of which none that is read otherwise.
pub(super) fn pieces(dialect: Dialect, event: &[u8]) -> Option<Vec<Piece>> {
    let (mut data, mut more) = (None, false);
    for line in event.split(|it| *it == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(rest) = line.strip_prefix(b"data:") {
            more = data.replace(rest).is_some() || more;
        } else if line.first().is_some_and(|it| *it != b':') && !line.starts_with(b"event:") {
            // None of a stream's usual lines: whatever it is, it is looked through.
            more = true;
        }
    }
    let Some(data) = data else {
        return more.then(Vec::new);
    };
    let parsed = (!more).then(|| serde_json::from_slice::<Any<'_>>(data).ok());
    let Some(Some(any)) = parsed else {
        return Some(Vec::new());
    };
    if any.kind.as_deref() == Some("ping") {
        return None;
    }
    let base = event.as_ptr() as usize;
    let mut found = Vec::new();
    let mut add = |kind: Kind, outer: u64, inner: u64, raw: Option<&RawValue>| {
        let Some(raw) = raw.map(RawValue::get) else {
            return;
        };
        let Some(inside) = raw.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else {
            return;
        };
        let start = inside.as_ptr() as usize - base;
        found.push(Piece {
            lane: Lane { kind, outer, inner },
            text: Unescaped::of(inside).text,
            bytes: start..start + inside.len(),
        });
    };
    match dialect {
        Dialect::Anthropic => {
            let delta = any
                .delta
                .and_then(|it| serde_json::from_str::<BlockDelta<'_>>(it.get()).ok());
            if let Some(delta) = delta {
                let block = any.index.unwrap_or(0);
                add(Kind::Text, block, 0, delta.text);
                add(Kind::Thinking, block, 0, delta.thinking);
                add(Kind::Arguments, block, 0, delta.partial_json);
            }
        }
        Dialect::OpenaiChat => {
            let choices = any
                .choices
                .and_then(|it| serde_json::from_str::<Vec<Choice<'_>>>(it.get()).ok());
            for choice in choices.unwrap_or_default() {
                let Some(delta) = choice.delta else { continue };
                add(Kind::Text, choice.index, 0, delta.content);
                add(Kind::Refusal, choice.index, 0, delta.refusal);
                add(Kind::Thinking, choice.index, 0, delta.reasoning_content);
                add(Kind::Thinking, choice.index, 1, delta.reasoning);
                for call in delta.tool_calls.unwrap_or_default() {
                    let arguments = call.function.and_then(|it| it.arguments);
                    add(Kind::Arguments, choice.index, call.index, arguments);
                }
            }
        }
        Dialect::OpenaiResponses => {
            let name = any.kind.unwrap_or_default();
            if name.ends_with(".delta") {
                let inner = any.content_index.or(any.summary_index).unwrap_or(0);
                let kind = Kind::Event(name.into_owned());
                add(kind, any.output_index.unwrap_or(0), inner, any.delta);
            }
        }
        // No client speaks them.
        Dialect::Gemini | Dialect::Converse => {}
    }
    Some(found)
}
