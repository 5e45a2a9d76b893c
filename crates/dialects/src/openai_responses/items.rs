//! The items that requests and answers share: what a model says, calls and thinks.

use serde_json::{Value, json};

use crate::citations;
use crate::fault::Fault;
use crate::members::Members;
use crate::neutral::{Part, Sealer, Text, Thought, ToolCall};
use crate::seal;

/// A call. Its item has an id of its own, which nothing refers to.
pub(super) fn read_call(m: &mut Members) -> Result<ToolCall, Fault> {
    let mut arguments = m.string("arguments")?.unwrap_or_default();
    if arguments.is_empty() {
        arguments.push_str("{}");
    }
    Ok(ToolCall {
        id: m.need_string("call_id")?,
        name: m.need_string("name")?,
        arguments,
        seal: None,
        cache: None,
    })
}

/// A thought: the summary that is shown, or, by open models, the thought itself.
pub(super) fn read_thought(m: &mut Members) -> Result<Thought, Fault> {
    let summary = read_texts(m, "summary")?;
    let content = read_texts(m, "content")?;
    let sealed = m.string("encrypted_content")?.unwrap_or_default();
    let (seal, redacted) = seal::read(sealed, Sealer::Openai);
    Ok(Thought {
        id: m.string("id")?,
        text: if summary.is_empty() { content } else { summary },
        seal,
        redacted,
    })
}

/// What stands between the parts of a summary where they become one text.
pub(super) const BETWEEN: &str = "\n\n";

fn read_texts(m: &mut Members, name: &str) -> Result<String, Fault> {
    let mut texts = Vec::new();
    for item in m.items(name)? {
        texts.push(item.members()?.need_string("text")?);
    }
    Ok(texts.join(BETWEEN))
}

/// The item of one part of an answer. Each text is an item of its own. `None` for what no model
/// answers with.
pub(super) fn write_item(part: &Part, id: &str, number: usize, cut: bool) -> Option<Value> {
    let status = if cut { "incomplete" } else { "completed" };
    Some(match part {
        Part::Text(text) => message(&item_id("msg", id, number), status, output_text(text)),
        Part::Refusal(text) => message(&item_id("msg", id, number), status, refusal(text)),
        Part::ToolCall(call) => json!({
            "type": "function_call",
            "id": item_id("fc", id, number),
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "status": status,
        }),
        Part::Thinking(thought) => {
            let fallback = item_id("rs", id, number);
            write_thought(thought, Some(thought.id.as_deref().unwrap_or(&fallback)))
        }
        Part::Image(_) | Part::Document(_) | Part::ToolResult(_) => return None,
    })
}

pub(super) fn item_id(prefix: &str, answer: &str, number: usize) -> String {
    format!("{prefix}_{answer}_{number}")
}

pub(super) fn message(id: &str, status: &str, content: impl Into<Value>) -> Value {
    json!({
        "type": "message",
        "id": id,
        "status": status,
        "role": "assistant",
        "content": [content.into()],
    })
}

pub(super) fn output_text(text: &Text) -> Value {
    let annotations = citations::annotations(text);
    json!({
        "type": "output_text", "text": text.text, "annotations": annotations, "logprobs": [],
    })
}

pub(super) fn refusal(text: &str) -> Value {
    json!({ "type": "refusal", "refusal": text })
}

pub(super) fn summary_text(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}

pub(super) fn write_thought(thought: &Thought, id: Option<&str>) -> Value {
    let summary: Vec<Value> = Some(thought.text.as_str())
        .filter(|text| !text.is_empty())
        .map(summary_text)
        .into_iter()
        .collect();
    let mut item = json!({ "type": "reasoning" });
    if let Some(id) = id {
        item["id"] = id.into();
    }
    item["summary"] = summary.into();
    let sealed = seal::of(thought, Sealer::Openai);
    if !sealed.is_empty() {
        item["encrypted_content"] = sealed.into();
    }
    item
}
