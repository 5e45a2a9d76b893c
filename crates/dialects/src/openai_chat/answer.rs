//! Reads and writes a whole answer.

use serde_json::{Value, json};

use super::{USAGE, read_stop, write_stop};
use crate::citations;
use crate::fault::{Fault, Malformed, MalformedKind};
use crate::members::{Item, Members};
use crate::neutral::{Answer, Envelope, ErrorKind, Part, Thought, ToolCall};
use crate::openai;
use crate::stream::{check_arguments, cuts};

/// Reads an answer: its first choice, because only one is ever asked for.
///
/// # Errors
/// If it isn't one.
pub fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut m = Members::parse(body)?;
    if let Some(error) = m.take("error") {
        let error = openai::read_object(&error.value, ErrorKind::Internal);
        let kind = MalformedKind::Failed;
        return Err(Malformed::new(kind, "/error", error.message));
    }
    let Some(choice) = m.need("choices")?.items()?.into_iter().next() else {
        return Err(m.fault("choices", "holds no choice").into());
    };
    let mut choice = choice.members()?;
    let id = m.string("id")?.unwrap_or_default();
    let parts = read_message(choice.need_object("message")?, &id)?;
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let refused = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let reason = choice.need_string("finish_reason")?;
    let Some(stop) = read_stop(&reason, calls, refused) else {
        let message = format!("`{reason}` is no reason to stop");
        return Err(choice.fault("finish_reason", message).into());
    };
    if !cuts(&stop) {
        for part in &parts {
            if let Part::ToolCall(call) = part {
                check_arguments(&call.name, &call.arguments, choice.at())?;
            }
        }
    }
    Ok(Answer {
        id,
        model: m.string("model")?.unwrap_or_default(),
        parts,
        stop,
        usage: openai::read_usage(&mut m, &USAGE)?.unwrap_or_default(),
    })
}

fn read_message(mut m: Members, answer: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let reasoning = m.string("reasoning_content")?;
    let short = m.string("reasoning").unwrap_or_default();
    let thought = reasoning.or(short).filter(|text| !text.is_empty());
    if let Some(text) = thought {
        parts.push(Part::Thinking(Thought {
            text,
            ..Thought::default()
        }));
    }
    match m.take("content") {
        None => {}
        Some(Item {
            value: Value::String(text),
            ..
        }) if text.is_empty() => {}
        Some(Item {
            value: Value::String(text),
            ..
        }) => parts.push(Part::text(text)),
        Some(item) => {
            for item in item.items()? {
                let mut part = item.members()?;
                let kind = part.need_string("type")?;
                if kind != "text" {
                    let message = format!("a part of type `{kind}` was not asked for");
                    return Err(part.fault("type", message));
                }
                parts.push(Part::text(part.need_string("text")?));
            }
        }
    }
    // They are of the whole text, which is one part here, or begins with the first.
    let first = parts.iter_mut().find_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = first {
        citations::read_annotations(&mut m, text);
    }
    if let Some(refusal) = m.string("refusal")?.filter(|text| !text.is_empty()) {
        parts.push(Part::Refusal(refusal));
    }
    for (number, item) in m.items("tool_calls")?.into_iter().enumerate() {
        parts.push(Part::ToolCall(read_call(item, answer, number)?));
    }
    Ok(parts)
}

fn read_call(item: Item, answer: &str, number: usize) -> Result<ToolCall, Fault> {
    let mut m = item.members()?;
    let mut function = m.need_object("function")?;
    let mut arguments = read_arguments(&mut function)?.unwrap_or_default();
    if arguments.is_empty() {
        arguments.push_str("{}");
    }
    Ok(ToolCall {
        id: m
            .string("id")?
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| call_id(answer, number)),
        name: function.need_string("name")?,
        arguments,
        seal: None,
        cache: None,
    })
}

/// Text; some servers send the object itself.
pub(super) fn read_arguments(function: &mut Members) -> Result<Option<String>, Fault> {
    Ok(match function.take("arguments") {
        None => None,
        Some(Item {
            value: object @ Value::Object(_),
            ..
        }) => Some(object.to_string()),
        Some(item) => Some(item.string()?),
    })
}

/// An id for a call that came without one. It has to differ from those of earlier answers.
pub(crate) fn call_id(answer: &str, number: usize) -> String {
    let answer: String = answer
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    format!("call_{answer}_{number}")
}

/// Writes an answer for a client of this dialect.
pub fn write_answer(answer: &Answer, envelope: &Envelope<'_>) -> Value {
    let mut text = None::<String>;
    let mut refusal = None::<String>;
    let mut thought = None::<String>;
    let mut annotations = Vec::new();
    let mut calls = Vec::new();
    let append = |to: &mut Option<String>, piece: &str| {
        to.get_or_insert_default().push_str(piece);
    };
    for part in &answer.parts {
        match part {
            Part::Text(piece) => {
                let before = text.as_deref().map_or(0, citations::characters);
                annotations.extend(citations::nested(piece, before));
                append(&mut text, &piece.text);
            }
            Part::Refusal(piece) => append(&mut refusal, piece),
            Part::Thinking(piece) if !piece.text.is_empty() => append(&mut thought, &piece.text),
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments },
            })),
            // A thought that isn't shown; and what no model answers with.
            Part::Thinking(_) | Part::Image(_) | Part::Document(_) | Part::ToolResult(_) => {}
        }
    }
    let reason = write_stop(&answer.stop, refusal.is_some());
    let mut message = json!({ "role": "assistant", "content": text, "refusal": refusal });
    if let Some(thought) = thought {
        message["reasoning_content"] = thought.into();
    }
    if !annotations.is_empty() {
        message["annotations"] = annotations.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    json!({
        "id": format!("chatcmpl-{}", envelope.id),
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model(&answer.model),
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": reason,
        }],
        "usage": openai::write_usage(&answer.usage, &USAGE),
    })
}
