//! Writes a stream.

use serde_json::{Value, json};

use super::answer::write_citation;
use super::{error_frame, write_stop, write_usage};
use crate::neutral::{Begin, Delta, Envelope, Sealer, Stop, Usage};
use crate::seal;
use crate::sse::Frame;

/// Writes the events of one answer.
///
/// The reason to stop and the usage share one event here, so both wait for the end.
#[derive(Debug)]
pub struct StreamWriter {
    id: String,
    model: String,
    stop: Stop,
    usage: Usage,
    /// Thoughts that have begun and are shown.
    shown: Vec<usize>,
    /// Withheld thoughts that have begun: their block starts with its data, which comes later.
    withheld: Vec<usize>,
}

impl StreamWriter {
    /// A writer at the beginning of an answer.
    pub fn new(envelope: &Envelope<'_>) -> StreamWriter {
        StreamWriter {
            id: format!("msg_{}", envelope.id),
            model: envelope.request.model.clone(),
            stop: Stop::EndTurn,
            usage: Usage::default(),
            shown: Vec::new(),
            withheld: Vec::new(),
        }
    }

    /// The events that say a step.
    pub fn push(&mut self, delta: &Delta) -> Vec<Frame> {
        match delta {
            Delta::Start { model, usage, .. } => {
                self.usage = *usage;
                vec![self.start(model)]
            }
            Delta::PartStart { index, begin } => self.part_start(*index, begin),
            Delta::Text { index, text } | Delta::Refusal { index, text } => {
                vec![piece(*index, json!({ "type": "text_delta", "text": text }))]
            }
            Delta::Citation { index, citation } => {
                let cited = write_citation(citation).into_iter();
                let delta = |it| json!({ "type": "citations_delta", "citation": it });
                cited.map(|it| piece(*index, delta(it))).collect()
            }
            Delta::Thinking { index, text } => vec![piece(
                *index,
                json!({ "type": "thinking_delta", "thinking": text }),
            )],
            Delta::Arguments { index, json } => vec![piece(
                *index,
                json!({ "type": "input_json_delta", "partial_json": json }),
            )],
            Delta::Seal { index, seal } => {
                self.seal(*index, &seal::write(seal, false, Sealer::Anthropic))
            }
            Delta::PartStop { index } => {
                let mut frames = self.seal_withheld(*index, "");
                frames.push(frame(json!({
                    "type": "content_block_stop", "index": index,
                })));
                frames
            }
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

    fn start(&self, model: &str) -> Frame {
        let model = if model.is_empty() { &self.model } else { model };
        frame(json!({
            "type": "message_start",
            "message": {
                "id": self.id,
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [],
                "stop_reason": null,
                "stop_sequence": null,
                "usage": write_usage(&self.usage),
            },
        }))
    }

    fn part_start(&mut self, index: usize, begin: &Begin) -> Vec<Frame> {
        let block = match begin {
            Begin::Text | Begin::Refusal => json!({ "type": "text", "text": "" }),
            Begin::Thinking { redacted: true, .. } => {
                self.withheld.push(index);
                return Vec::new();
            }
            Begin::Thinking { .. } => {
                self.shown.push(index);
                json!({ "type": "thinking", "thinking": "", "signature": "" })
            }
            Begin::ToolCall { id, name } => {
                json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
            }
        };
        vec![block_start(index, block)]
    }

    fn seal(&mut self, index: usize, signature: &str) -> Vec<Frame> {
        if self.withheld.contains(&index) {
            return self.seal_withheld(index, signature);
        }
        // A call has no place for a seal here.
        if !self.shown.contains(&index) {
            return Vec::new();
        }
        let delta = json!({ "type": "signature_delta", "signature": signature });
        vec![piece(index, delta)]
    }

    fn seal_withheld(&mut self, index: usize, data: &str) -> Vec<Frame> {
        let Some(position) = self.withheld.iter().position(|held| *held == index) else {
            return Vec::new();
        };
        self.withheld.remove(position);
        let block = json!({ "type": "redacted_thinking", "data": data });
        vec![block_start(index, block)]
    }

    fn end(&self) -> Vec<Frame> {
        let (reason, sequence) = write_stop(&self.stop);
        vec![
            frame(json!({
                "type": "message_delta",
                "delta": { "stop_reason": reason, "stop_sequence": sequence },
                "usage": write_usage(&self.usage),
            })),
            frame(json!({ "type": "message_stop" })),
        ]
    }
}

fn block_start(index: usize, block: Value) -> Frame {
    frame(json!({
        "type": "content_block_start", "index": index, "content_block": block,
    }))
}

fn piece(index: usize, delta: Value) -> Frame {
    frame(json!({
        "type": "content_block_delta", "index": index, "delta": delta,
    }))
}

fn frame(data: Value) -> Frame {
    let name = data["type"].as_str().unwrap_or_default();
    Frame::named(name, data.to_string())
}
