//! From the steps of a stream to the answer.

use super::{Answer, Begin, Delta, Part, ProviderError, Stop, Text, Thought, ToolCall, Usage};
use crate::citations;
use crate::fault::Malformed;

/// Collects deltas into an [`Answer`].
///
/// [`Assembler::so_far`] is useful after a cut, too: it holds what had come until then.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    id: String,
    model: String,
    parts: Vec<Part>,
    stop: Option<Stop>,
    usage: Usage,
    ended: bool,
    error: Option<ProviderError>,
}

impl Assembler {
    /// An answer of which nothing has come yet.
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// Takes one step in.
    pub fn push(&mut self, delta: &Delta) {
        match delta {
            Delta::Start { id, model, usage } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.usage = *usage;
            }
            Delta::PartStart { begin, .. } => self.parts.push(begin.part()),
            Delta::Text { index, text }
            | Delta::Refusal { index, text }
            | Delta::Thinking { index, text }
            | Delta::Arguments { index, json: text } => self.append(*index, text),
            Delta::Citation { index, citation } => {
                if let Some(Part::Text(text)) = self.parts.get_mut(*index) {
                    citations::add(text, citation.clone());
                }
            }
            Delta::Seal { index, seal } => match self.parts.get_mut(*index) {
                Some(Part::Thinking(thought)) => thought.seal = Some(seal.clone()),
                Some(Part::ToolCall(call)) => call.seal = Some(seal.clone()),
                _ => {}
            },
            Delta::PartStop { index } => {
                if let Some(Part::ToolCall(call)) = self.parts.get_mut(*index)
                    && call.arguments.is_empty()
                {
                    call.arguments.push_str("{}");
                }
            }
            Delta::Stop(stop) => self.stop = Some(stop.clone()),
            Delta::Usage(usage) => self.usage = *usage,
            Delta::End => self.ended = true,
            Delta::Error(error) => self.error = Some(error.clone()),
        }
    }

    fn append(&mut self, index: usize, piece: &str) {
        match self.parts.get_mut(index) {
            Some(Part::Text(text)) => text.text.push_str(piece),
            Some(Part::Refusal(text)) => text.push_str(piece),
            Some(Part::Thinking(thought)) => thought.text.push_str(piece),
            Some(Part::ToolCall(call)) => call.arguments.push_str(piece),
            _ => {}
        }
    }

    /// The parts so far.
    pub fn so_far(&self) -> &[Part] {
        &self.parts
    }

    /// What it cost so far, as far as the provider said.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The error that ended the stream, if one did.
    pub fn error(&self) -> Option<&ProviderError> {
        self.error.as_ref()
    }

    /// The whole answer.
    ///
    /// # Errors
    /// If the stream did not come to its end.
    pub fn finish(self) -> Result<Answer, Malformed> {
        let stop = match self.stop {
            Some(stop) if self.ended => stop,
            _ => return Err(Malformed::unfinished("an end")),
        };
        Ok(Answer {
            id: self.id,
            model: self.model,
            parts: self.parts,
            stop,
            usage: self.usage,
        })
    }
}

impl Begin {
    fn part(&self) -> Part {
        match self {
            Begin::Text => Part::Text(Text::default()),
            Begin::Refusal => Part::Refusal(String::new()),
            Begin::Thinking { id, redacted } => Part::Thinking(Thought {
                id: id.clone(),
                redacted: *redacted,
                ..Thought::default()
            }),
            Begin::ToolCall { id, name } => Part::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
                seal: None,
                cache: None,
            }),
        }
    }
}
