//! What `/v1/messages` answers.

use serde_json::{Value, json};

use crate::answer::{Part, Stop, Usage};
use crate::seal;
use crate::turn::{Frames, Turn, sse, tokens};

/// A whole message.
pub(crate) fn whole(turn: &Turn) -> Value {
    let blocks = turn.answer.parts.iter().enumerate();
    let blocks: Vec<Value> = blocks
        .map(|(index, part)| block(turn, index, part))
        .collect();
    let mut message = opening(turn, blocks.into());
    message["stop_reason"] = json!(stop_reason(turn.stop()));
    message["stop_sequence"] = stop_sequence(turn);
    message["stop_details"] = stop_details(turn.stop());
    message["usage"] = usage(turn.usage());
    message
}

/// How many tokens a request has.
pub(crate) fn count(request: &Value) -> Value {
    json!({"input_tokens": tokens(request)})
}

fn opening(turn: &Turn, content: Value) -> Value {
    json!({
        "id": turn.id("msg_"), "type": "message", "role": "assistant", "model": turn.model,
        "content": content, "stop_reason": null, "stop_sequence": null,
    })
}

fn block(turn: &Turn, index: usize, part: &Part) -> Value {
    match part {
        Part::Text(_) | Part::Chunks(_) if !turn.answer.cites.is_empty() => {
            json!({"type": "text", "text": part.pieces().concat(), "citations": citations(turn)})
        }
        Part::Text(_) | Part::Chunks(_) | Part::Refusal(_) => {
            json!({"type": "text", "text": part.pieces().concat()})
        }
        Part::Thinking(text) => {
            json!({"type": "thinking", "thinking": text, "signature": seal::signature(text)})
        }
        Part::RedactedThinking(text) => {
            json!({"type": "redacted_thinking", "data": seal::encrypt(text)})
        }
        Part::ToolCall(call) => json!({
            "type": "tool_use", "id": turn.call_id("toolu_", index, call), "name": call.name,
            "input": call.arguments_object(),
        }),
    }
}

fn citations(turn: &Turn) -> Vec<Value> {
    let cited = turn.answer.cites.iter().map(|url| {
        json!({
            "type": "web_search_result_location", "url": url, "title": "A page",
            "cited_text": "What it says there.", "encrypted_index": "RW5jcnlwdGVk",
        })
    });
    cited.collect()
}

fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::ToolUse => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::StopSequence => "stop_sequence",
        Stop::Refusal | Stop::ContentFilter => "refusal",
    }
}

fn stop_sequence(turn: &Turn) -> Value {
    match turn.stop() {
        Stop::StopSequence => turn.request["stop_sequences"][0].clone(),
        _ => Value::Null,
    }
}

fn stop_details(stop: Stop) -> Value {
    match stop_reason(stop) {
        "refusal" => json!({"type": "refusal", "category": "general_harms", "explanation": null}),
        _ => Value::Null,
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.plain_input(),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
        "service_tier": "standard",
    })
}

/// A streamed message.
pub(crate) fn frames(turn: &Turn) -> Frames {
    let mut frames = Writer::default();
    let mut message = opening(turn, json!([]));
    message["usage"] = usage(Usage {
        output: 1,
        reasoning: 0,
        ..turn.usage()
    });
    frames.push("message_start", json!({"message": message}));
    for (index, part) in turn.answer.parts.iter().enumerate() {
        let start = json!({"index": index, "content_block": started(turn, index, part)});
        frames.push("content_block_start", start);
        if index == 0 {
            frames.push("ping", json!({}));
        }
        for delta in deltas(part) {
            if delta["type"] == "text_delta" {
                frames.text.get_or_insert(frames.frames.len());
            }
            frames.push(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            );
        }
        if let Part::Text(_) | Part::Chunks(_) = part {
            for citation in citations(turn) {
                let delta = json!({"type": "citations_delta", "citation": citation});
                let event = json!({"index": index, "delta": delta});
                frames.push("content_block_delta", event);
            }
        }
        frames.push("content_block_stop", json!({"index": index}));
    }
    let delta = json!({
        "stop_reason": stop_reason(turn.stop()), "stop_sequence": stop_sequence(turn),
        "stop_details": stop_details(turn.stop()),
    });
    frames.push(
        "message_delta",
        json!({"delta": delta, "usage": usage(turn.usage())}),
    );
    frames.push("message_stop", json!({}));
    Frames::ended(frames.frames, frames.text)
}

#[derive(Default)]
struct Writer {
    frames: Vec<Vec<u8>>,
    text: Option<usize>,
}

impl Writer {
    /// The type is both the event's name and the first member of its data.
    fn push(&mut self, kind: &str, members: Value) {
        let mut data = json!({"type": kind});
        if let (Some(data), Value::Object(members)) = (data.as_object_mut(), members) {
            data.extend(members);
        }
        self.frames.push(sse(Some(kind), &data));
    }
}

fn started(turn: &Turn, index: usize, part: &Part) -> Value {
    match part {
        Part::Text(_) | Part::Chunks(_) | Part::Refusal(_) => json!({"type": "text", "text": ""}),
        Part::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Part::RedactedThinking(_) => block(turn, index, part),
        Part::ToolCall(call) => json!({
            "type": "tool_use", "id": turn.call_id("toolu_", index, call), "name": call.name, "input": {},
        }),
    }
}

fn deltas(part: &Part) -> Vec<Value> {
    let pieces = part.pieces().into_iter();
    match part {
        Part::Text(_) | Part::Chunks(_) | Part::Refusal(_) => pieces
            .map(|text| json!({"type": "text_delta", "text": text}))
            .collect(),
        Part::Thinking(text) => pieces
            .map(|text| json!({"type": "thinking_delta", "thinking": text}))
            .chain([json!({"type": "signature_delta", "signature": seal::signature(text)})])
            .collect(),
        Part::RedactedThinking(_) => Vec::new(),
        // The first piece of arguments is empty, as the real one's is.
        Part::ToolCall(_) => [String::new()]
            .into_iter()
            .chain(pieces)
            .map(|json| json!({"type": "input_json_delta", "partial_json": json}))
            .collect(),
    }
}

/// The models there are.
pub(crate) fn models(names: &[&str]) -> Value {
    let data: Vec<Value> = names.iter().map(|name| model(name)).collect();
    json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()})
}

/// One model.
pub(crate) fn model(name: &str) -> Value {
    json!({
        "type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active", "max_input_tokens": 200_000, "max_tokens": 64_000,
    })
}
