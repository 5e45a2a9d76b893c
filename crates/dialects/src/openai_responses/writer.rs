//! Writes a stream.

use serde_json::{Value, json};

use super::{USAGE, error_event, failure, items, skeleton, write_stop};
use crate::citations;
use crate::neutral::{
    Begin, Citation, Delta, Envelope, ProviderError, Seal, Stop, Text, Thought, Usage,
};
use crate::openai;
use crate::sse::Frame;

/// Writes the events of one answer. Each part is an item of its own.
///
/// The events that complete something repeat all of it, so everything is kept until the end.
#[derive(Debug)]
pub struct StreamWriter {
    id: String,
    created: u64,
    /// The answer without what was said; see [`skeleton`].
    response: Value,
    /// The number of the next event.
    next: u64,
    items: Vec<Item>,
    stop: Stop,
    usage: Usage,
}

/// An item by the number of its part.
#[derive(Debug)]
struct Item {
    id: String,
    kind: Kind,
    /// Text, or arguments, so far.
    text: String,
    citations: Vec<Citation>,
    seal: Option<Seal>,
    done: Option<Value>,
}

#[derive(Debug)]
enum Kind {
    Text,
    Refusal,
    Thinking { redacted: bool },
    Call { id: String, name: String },
}

impl StreamWriter {
    /// A writer at the beginning of an answer.
    pub fn new(envelope: &Envelope<'_>) -> StreamWriter {
        StreamWriter {
            id: envelope.id.to_owned(),
            created: envelope.created,
            response: skeleton::skeleton(envelope, ""),
            next: 0,
            items: Vec::new(),
            stop: Stop::EndTurn,
            usage: Usage::default(),
        }
    }

    /// The events that say a step.
    pub fn push(&mut self, delta: &Delta) -> Vec<Frame> {
        match delta {
            Delta::Start { model, usage, .. } => {
                if !model.is_empty() {
                    self.response["model"] = model.as_str().into();
                }
                self.usage = *usage;
                let response = json!({ "response": self.response });
                vec![
                    self.frame("response.created", response.clone()),
                    self.frame("response.in_progress", response),
                ]
            }
            Delta::PartStart { index, begin } => self.part_start(*index, begin),
            Delta::Citation { index, citation } => self.cite(*index, citation),
            Delta::Text { index, text }
            | Delta::Refusal { index, text }
            | Delta::Thinking { index, text }
            | Delta::Arguments { index, json: text } => self.piece(*index, text),
            Delta::Seal { index, seal } => {
                if let Some(item) = self.items.get_mut(*index) {
                    item.seal = Some(seal.clone());
                }
                Vec::new()
            }
            Delta::PartStop { index } => self.part_stop(*index, "completed"),
            Delta::Stop(stop) => {
                self.stop = stop.clone();
                Vec::new()
            }
            Delta::Usage(usage) => {
                self.usage = *usage;
                Vec::new()
            }
            Delta::End => self.end(),
            Delta::Error(error) => self.fail(error),
        }
    }

    fn frame(&mut self, kind: &str, mut event: Value) -> Frame {
        event["type"] = kind.into();
        event["sequence_number"] = self.next.into();
        self.next += 1;
        Frame::named(kind, event.to_string())
    }

    fn part_start(&mut self, index: usize, begin: &Begin) -> Vec<Frame> {
        let (prefix, kind) = match begin {
            Begin::Text => ("msg", Kind::Text),
            Begin::Refusal => ("msg", Kind::Refusal),
            Begin::Thinking { redacted, .. } => {
                let redacted = *redacted;
                ("rs", Kind::Thinking { redacted })
            }
            Begin::ToolCall { id, name } => {
                let (id, name) = (id.clone(), name.clone());
                ("fc", Kind::Call { id, name })
            }
        };
        let item = Item {
            id: items::item_id(prefix, &self.id, index),
            kind,
            text: String::new(),
            citations: Vec::new(),
            seal: None,
            done: None,
        };
        let mut frames = vec![self.frame(
            "response.output_item.added",
            json!({ "output_index": index, "item": item.added() }),
        )];
        if let Some(part) = item.content() {
            let event = item.content_event(index, json!({ "part": part }));
            frames.push(self.frame("response.content_part.added", event));
        }
        self.items.push(item);
        frames
    }

    fn piece(&mut self, index: usize, piece: &str) -> Vec<Frame> {
        let Some(item) = self.items.get_mut(index) else {
            return Vec::new();
        };
        let first = item.text.is_empty();
        item.text.push_str(piece);
        let delta = json!({ "delta": piece });
        let (kind, event) = match item.kind {
            Kind::Text => {
                let delta = json!({ "delta": piece, "logprobs": [] });
                (
                    "response.output_text.delta",
                    item.content_event(index, delta),
                )
            }
            Kind::Refusal => ("response.refusal.delta", item.content_event(index, delta)),
            Kind::Call { .. } => (
                "response.function_call_arguments.delta",
                item.event(index, delta),
            ),
            Kind::Thinking { .. } => (
                "response.reasoning_summary_text.delta",
                item.summary_event(index, delta),
            ),
        };
        let begins = (first && matches!(item.kind, Kind::Thinking { .. }))
            .then(|| item.summary_event(index, json!({ "part": items::summary_text("") })));
        let mut frames = Vec::new();
        if let Some(begins) = begins {
            frames.push(self.frame("response.reasoning_summary_part.added", begins));
        }
        frames.push(self.frame(kind, event));
        frames
    }

    fn cite(&mut self, index: usize, citation: &Citation) -> Vec<Frame> {
        let Some(item) = self.items.get_mut(index) else {
            return Vec::new();
        };
        let annotation = citations::annotation(citation, citations::characters(&item.text));
        let event = json!({ "annotation": annotation, "annotation_index": item.citations.len() });
        item.citations.push(citation.clone());
        let event = item.content_event(index, event);
        vec![self.frame("response.output_text.annotation.added", event)]
    }

    fn part_stop(&mut self, index: usize, status: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        let empty_call = self.items.get(index).is_some_and(Item::is_empty_call);
        if empty_call && status == "completed" {
            frames.extend(self.piece(index, "{}"));
        }
        let Some(item) = self.items.get_mut(index).filter(|item| item.done.is_none()) else {
            return frames;
        };
        let done = item.finished(status);
        item.done = Some(done.clone());
        let mut events = item.done_events(index);
        events.push((
            "response.output_item.done",
            json!({ "output_index": index, "item": done }),
        ));
        for (kind, event) in events {
            frames.push(self.frame(kind, event));
        }
        frames
    }

    fn end(&mut self) -> Vec<Frame> {
        let refused = self.items.iter().any(|i| matches!(i.kind, Kind::Refusal));
        let (status, reason) = write_stop(&self.stop, refused);
        let mut response = self.snapshot(status);
        if let Some(reason) = reason {
            response["incomplete_details"] = json!({ "reason": reason });
        } else {
            response["completed_at"] = self.created.into();
        }
        let kind = format!("response.{status}");
        vec![self.frame(&kind, json!({ "response": response }))]
    }

    /// The error by itself, and the answer that it leaves: clients wait for either.
    fn fail(&mut self, error: &ProviderError) -> Vec<Frame> {
        let alone = error_event(error, self.next);
        self.next += 1;
        let mut response = self.snapshot("failed");
        response["error"] = failure(error);
        vec![
            alone,
            self.frame("response.failed", json!({ "response": response })),
        ]
    }

    /// The answer as it is now. Only a complete one says what it cost.
    fn snapshot(&self, status: &str) -> Value {
        let mut response = self.response.clone();
        let output = self.items.iter().map(|item| {
            let done = item.done.clone();
            done.unwrap_or_else(|| item.finished("incomplete"))
        });
        response["output"] = output.collect();
        response["status"] = status.into();
        if status != "failed" {
            response["usage"] = openai::write_usage(&self.usage, &USAGE);
        }
        response
    }
}

impl Item {
    fn is_empty_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. }) && self.text.is_empty()
    }

    /// The item as it begins.
    fn added(&self) -> Value {
        match &self.kind {
            Kind::Text | Kind::Refusal => json!({
                "type": "message",
                "id": self.id,
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }),
            Kind::Thinking { .. } => json!({
                "type": "reasoning", "id": self.id, "summary": [],
            }),
            Kind::Call { .. } => self.finished("in_progress"),
        }
    }

    /// The item as it is in the end.
    fn finished(&self, status: &str) -> Value {
        match &self.kind {
            Kind::Text | Kind::Refusal => items::message(&self.id, status, self.content()),
            Kind::Thinking { redacted } => {
                let thought = Thought {
                    id: None,
                    text: self.text.clone(),
                    seal: self.seal.clone(),
                    redacted: *redacted,
                };
                items::write_thought(&thought, Some(&self.id))
            }
            Kind::Call { id, name } => json!({
                "type": "function_call",
                "id": self.id,
                "call_id": id,
                "name": name,
                "arguments": self.text,
                "status": status,
            }),
        }
    }

    /// The one piece of a message's content.
    fn content(&self) -> Option<Value> {
        match self.kind {
            Kind::Text => Some(items::output_text(&Text {
                text: self.text.clone(),
                citations: self.citations.clone(),
                cache: None,
            })),
            Kind::Refusal => Some(items::refusal(&self.text)),
            Kind::Thinking { .. } | Kind::Call { .. } => None,
        }
    }

    fn event(&self, index: usize, mut event: Value) -> Value {
        event["item_id"] = self.id.as_str().into();
        event["output_index"] = index.into();
        event
    }

    fn content_event(&self, index: usize, event: Value) -> Value {
        let mut event = self.event(index, event);
        event["content_index"] = 0.into();
        event
    }

    fn summary_event(&self, index: usize, event: Value) -> Value {
        let mut event = self.event(index, event);
        event["summary_index"] = 0.into();
        event
    }

    /// The events that complete what the item holds.
    fn done_events(&self, index: usize) -> Vec<(&'static str, Value)> {
        let part = json!({ "part": self.content() });
        match &self.kind {
            Kind::Text => {
                let text = json!({ "text": self.text, "logprobs": [] });
                vec![
                    ("response.output_text.done", self.content_event(index, text)),
                    (
                        "response.content_part.done",
                        self.content_event(index, part),
                    ),
                ]
            }
            Kind::Refusal => {
                let text = json!({ "refusal": self.text });
                vec![
                    ("response.refusal.done", self.content_event(index, text)),
                    (
                        "response.content_part.done",
                        self.content_event(index, part),
                    ),
                ]
            }
            Kind::Call { name, .. } => {
                let whole = json!({ "name": name, "arguments": self.text });
                vec![(
                    "response.function_call_arguments.done",
                    self.event(index, whole),
                )]
            }
            Kind::Thinking { .. } if self.text.is_empty() => Vec::new(),
            Kind::Thinking { .. } => {
                let text = json!({ "text": self.text });
                let part = json!({ "part": items::summary_text(&self.text) });
                vec![
                    (
                        "response.reasoning_summary_text.done",
                        self.summary_event(index, text),
                    ),
                    (
                        "response.reasoning_summary_part.done",
                        self.summary_event(index, part),
                    ),
                ]
            }
        }
    }
}
