//! What `/chat/completions` answers.

use serde_json::{Value, json};

use crate::answer::{Part, Stop, Usage};
use crate::route::Service;
use crate::turn::{CREATED, Frames, Turn, sse};

/// A whole completion.
pub(crate) fn whole(turn: &Turn) -> Value {
    let mut message =
        json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    message["annotations"] = annotations(turn).into();
    let mut calls = Vec::new();
    for (index, part) in turn.answer.parts.iter().enumerate() {
        match part {
            Part::ToolCall(call) => calls.push(json!({
                "id": turn.call_id("call_", index, call), "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_text()},
            })),
            part => {
                if let Some(member) = member(turn.service, part) {
                    let before = message[member].as_str().unwrap_or_default();
                    message[member] = format!("{before}{}", part.pieces().concat()).into();
                }
            }
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let choice = |index| {
        json!({
            "index": index, "message": message, "logprobs": null, "finish_reason": finish(turn.stop()),
        })
    };
    json!({
        "id": turn.id("chatcmpl-"), "object": "chat.completion", "created": CREATED, "model": turn.model,
        "choices": (0..choices(turn)).map(choice).collect::<Vec<_>>(), "usage": usage(turn.usage()),
        "service_tier": "default", "system_fingerprint": "fp_fake",
    })
}

fn annotations(turn: &Turn) -> Vec<Value> {
    let texts = turn.answer.parts.iter();
    let texts = texts.filter(|it| matches!(it, Part::Text(_) | Part::Chunks(_)));
    let length: usize = texts.map(|it| it.pieces().concat().chars().count()).sum();
    let cited = turn.answer.cites.iter().map(|url| {
        json!({"type": "url_citation", "url_citation": {
            "url": url, "title": "A page", "start_index": 0, "end_index": length,
        }})
    });
    cited.collect()
}

fn choices(turn: &Turn) -> u64 {
    turn.request["n"].as_u64().unwrap_or(1)
}

/// Where a part goes in a message; thinking is shown by some servers only.
fn member(service: Service, part: &Part) -> Option<&'static str> {
    match (part, service) {
        (Part::Text(_) | Part::Chunks(_), _) => Some("content"),
        (Part::Refusal(_), _) => Some("refusal"),
        (Part::Thinking(_), Service::Local) => Some("reasoning_content"),
        (Part::Thinking(_), Service::Openrouter) => Some("reasoning"),
        (Part::Thinking(_) | Part::RedactedThinking(_) | Part::ToolCall(_), _) => None,
    }
}

fn finish(stop: Stop) -> &'static str {
    match stop {
        // A refusal is a complete answer here.
        Stop::End | Stop::StopSequence | Stop::Refusal => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::MaxTokens => "length",
        Stop::ContentFilter => "content_filter",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write, "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

/// A streamed completion.
pub(crate) fn frames(turn: &Turn) -> Frames {
    let mut frames = Vec::new();
    let mut text = None;
    for choice in 0..choices(turn) {
        frames.push(delta(
            turn,
            choice,
            &json!({"role": "assistant", "content": "", "refusal": null}),
        ));
        let mut calls = 0_u64;
        for (index, part) in turn.answer.parts.iter().enumerate() {
            if let Part::ToolCall(call) = part {
                let opening = json!({"tool_calls": [{
                    "index": calls, "id": turn.call_id("call_", index, call), "type": "function",
                    "function": {"name": call.name, "arguments": ""},
                }]});
                frames.push(delta(turn, choice, &opening));
                for piece in part.pieces() {
                    let more =
                        json!({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]});
                    frames.push(delta(turn, choice, &more));
                }
                calls += 1;
            } else if let Some(member) = member(turn.service, part) {
                if member == "content" {
                    text.get_or_insert(frames.len());
                }
                let pieces = part.pieces().into_iter();
                frames.extend(pieces.map(|piece| delta(turn, choice, &json!({member: piece}))));
            }
        }
        let annotations = annotations(turn);
        if !annotations.is_empty() {
            let cited = json!({"annotations": annotations});
            frames.push(delta(turn, choice, &cited));
        }
        frames.push(chunk(turn, choice, &json!({}), finish(turn.stop()).into()));
    }
    if wants_usage(turn) {
        let mut last = bare(turn);
        last["usage"] = usage(turn.usage());
        frames.push(sse(None, &last));
    }
    frames.push(b"data: [DONE]\n\n".to_vec());
    Frames::ended(frames, text)
}

fn wants_usage(turn: &Turn) -> bool {
    turn.request["stream_options"]["include_usage"] == true
}

fn bare(turn: &Turn) -> Value {
    json!({
        "id": turn.id("chatcmpl-"), "object": "chat.completion.chunk", "created": CREATED,
        "model": turn.model, "service_tier": "default", "system_fingerprint": "fp_fake", "choices": [],
    })
}

fn delta(turn: &Turn, choice: u64, delta: &Value) -> Vec<u8> {
    chunk(turn, choice, delta, Value::Null)
}

fn chunk(turn: &Turn, choice: u64, delta: &Value, finish: Value) -> Vec<u8> {
    let mut chunk = bare(turn);
    chunk["choices"] = json!([{
        "index": choice, "delta": delta, "logprobs": null, "finish_reason": finish,
    }]);
    if wants_usage(turn) {
        chunk["usage"] = Value::Null;
    }
    sse(None, &chunk)
}
