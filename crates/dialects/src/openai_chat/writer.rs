//! Writes a stream.

use serde_json::{Value, json};

use super::{DONE, USAGE, error_frame, write_stop};
use crate::citations;
use crate::neutral::{Begin, Delta, Envelope, Stop, Usage};
use crate::openai;
use crate::sse::Frame;

/// Writes the chunks of one answer.
#[derive(Debug)]
pub struct StreamWriter {
    id: String,
    model: String,
    created: u64,
    /// Whether a last chunk tells the usage, and every other one that it doesn't.
    tell_usage: bool,
    stop: Stop,
    usage: Usage,
    refused: bool,
    /// How many characters of text were written, and how many of them before the last part of text.
    written: u32,
    before: u32,
    /// The part of each call, in order, and whether it has arguments yet.
    calls: Vec<(usize, bool)>,
}

impl StreamWriter {
    /// A writer at the beginning of an answer.
    pub fn new(envelope: &Envelope<'_>) -> StreamWriter {
        StreamWriter {
            id: format!("chatcmpl-{}", envelope.id),
            model: envelope.request.model.clone(),
            created: envelope.created,
            tell_usage: envelope.request.stream_usage,
            stop: Stop::EndTurn,
            usage: Usage::default(),
            refused: false,
            written: 0,
            before: 0,
            calls: Vec::new(),
        }
    }

    /// The events that say a step.
    pub fn push(&mut self, delta: &Delta) -> Vec<Frame> {
        match delta {
            Delta::Start { model, usage, .. } => {
                if !model.is_empty() {
                    self.model.clone_from(model);
                }
                self.usage = *usage;
                vec![self.piece(json!({ "role": "assistant", "content": "", "refusal": null }))]
            }
            Delta::PartStart { index, begin } => self.part_start(*index, begin),
            Delta::Text { text, .. } => {
                self.written = self.written.saturating_add(citations::characters(text));
                vec![self.piece(json!({ "content": text }))]
            }
            Delta::Citation { citation, .. } => {
                let length = self.written.saturating_sub(self.before);
                let cited = citations::nested_one(citation, self.before, length).into_iter();
                cited
                    .map(|it| self.piece(json!({ "annotations": [it] })))
                    .collect()
            }
            Delta::Refusal { text, .. } => vec![self.piece(json!({ "refusal": text }))],
            Delta::Thinking { text, .. } => {
                vec![self.piece(json!({ "reasoning_content": text }))]
            }
            Delta::Arguments { index, json } => self.arguments(*index, json),
            Delta::PartStop { index } => {
                let empty = self.calls.contains(&(*index, false));
                if empty {
                    self.arguments(*index, "{}")
                } else {
                    Vec::new()
                }
            }
            // Nobody but its maker can use a seal, and this dialect has no place to keep it.
            Delta::Seal { .. } => Vec::new(),
            Delta::Stop(stop) => {
                self.stop = stop.clone();
                Vec::new()
            }
            Delta::Usage(usage) => {
                self.usage = *usage;
                Vec::new()
            }
            Delta::End => self.end(),
            Delta::Error(error) => vec![error_frame(error)],
        }
    }

    fn part_start(&mut self, index: usize, begin: &Begin) -> Vec<Frame> {
        match begin {
            Begin::Text => {
                self.before = self.written;
                Vec::new()
            }
            Begin::Thinking { .. } => Vec::new(),
            Begin::Refusal => {
                self.refused = true;
                Vec::new()
            }
            Begin::ToolCall { id, name } => {
                let number = self.calls.len();
                self.calls.push((index, false));
                let call = json!({
                    "index": number,
                    "id": id,
                    "type": "function",
                    "function": { "name": name, "arguments": "" },
                });
                vec![self.piece(json!({ "tool_calls": [call] }))]
            }
        }
    }

    fn arguments(&mut self, index: usize, json: &str) -> Vec<Frame> {
        let Some(number) = self.calls.iter().position(|(part, _)| *part == index) else {
            return Vec::new();
        };
        self.calls[number].1 = true;
        let call = json!({ "index": number, "function": { "arguments": json } });
        vec![self.piece(json!({ "tool_calls": [call] }))]
    }

    fn end(&self) -> Vec<Frame> {
        let reason = write_stop(&self.stop, self.refused);
        let mut frames = vec![self.chunk(json!([{
            "index": 0, "delta": {}, "logprobs": null, "finish_reason": reason,
        }]))];
        if self.tell_usage {
            let usage = openai::write_usage(&self.usage, &USAGE);
            frames.push(self.frame(json!([]), usage));
        }
        frames.push(Frame::data(DONE));
        frames
    }

    fn piece(&self, delta: Value) -> Frame {
        self.chunk(json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": null,
        }]))
    }

    fn chunk(&self, choices: Value) -> Frame {
        self.frame(choices, Value::Null)
    }

    fn frame(&self, choices: Value, usage: Value) -> Frame {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if self.tell_usage {
            chunk["usage"] = usage;
        }
        Frame::data(chunk.to_string())
    }
}
