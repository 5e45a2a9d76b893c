//! Reads a stream.

use super::answer::{Piece, blocked, candidate_parts, read_grounding, read_piece};
use super::error::read_object;
use super::{read_stop, read_usage};
use crate::fault::Malformed;
use crate::members::Members;
use crate::neutral::{Begin, Citation, Delta, ErrorKind, Seal, Sealer, Stop, Usage};
use crate::openai_chat::call_id;
use crate::sse::Frame;
use crate::stream::Parts;

/// What is open: pieces of the same kind that follow each other are one part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Text,
    Thinking,
    Seal,
    Call,
}

/// Reads the pieces of one answer.
#[derive(Debug)]
pub struct StreamReader {
    parts: Parts<Key>,
    id: String,
    calls: usize,
    usage: Usage,
    started: bool,
    stopped: bool,
    over: bool,
}

impl Default for StreamReader {
    fn default() -> StreamReader {
        StreamReader::new()
    }
}

impl StreamReader {
    /// A reader at the beginning of a stream.
    pub fn new() -> StreamReader {
        StreamReader {
            parts: Parts::new(),
            id: String::new(),
            calls: 0,
            usage: Usage::default(),
            started: false,
            stopped: false,
            over: false,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// If it isn't one of this dialect.
    pub fn push(&mut self, frame: &Frame) -> Result<Vec<Delta>, Malformed> {
        let mut out = Vec::new();
        if self.over {
            return Ok(out);
        }
        let mut m = Members::parse(frame.data.as_bytes())?;
        if let Some(error) = m.take("error") {
            let error = read_object(&error.value, ErrorKind::Internal);
            out.push(Delta::Error(error));
            self.over = true;
            return Ok(out);
        }
        let usage = read_usage(&mut m)?;
        if !self.started {
            self.started = true;
            self.id = m.string("responseId")?.unwrap_or_default();
            out.push(Delta::Start {
                id: self.id.clone(),
                model: m.string("modelVersion")?.unwrap_or_default(),
                usage: usage.unwrap_or_default(),
            });
        }
        match m.items("candidates")?.into_iter().next() {
            Some(candidate) => self.candidate(candidate.members()?, &mut out)?,
            // Not every piece has a candidate: a last one may tell the usage alone.
            None if usage.is_none() || !self.stopped => {
                if let Ok(stop) = blocked(&mut m) {
                    self.stop(stop, &mut out)?;
                }
            }
            None => {}
        }
        if let Some(usage) = usage.filter(|usage| *usage != self.usage) {
            self.usage = usage;
            out.push(Delta::Usage(usage));
        }
        Ok(out)
    }

    /// The end of the stream, which is all that ends it here.
    ///
    /// # Errors
    /// If no reason to stop has come.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Malformed> {
        if self.over {
            return Ok(Vec::new());
        }
        if !self.stopped {
            return Err(Malformed::unfinished("a `finishReason`"));
        }
        self.over = true;
        Ok(vec![Delta::End])
    }

    fn stop(&mut self, stop: Stop, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        self.parts.stop_all(out);
        self.parts.judge(&stop)?;
        self.stopped = true;
        out.push(Delta::Stop(stop));
        Ok(())
    }

    fn candidate(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        // They come in the end, with what may close the text: then they are of what was open before it.
        let mut grounding = read_grounding(&mut m);
        let items = candidate_parts(&mut m)?;
        self.cite(&mut grounding, out);
        if self.stopped && !items.is_empty() {
            let message = "more came after the reason to stop";
            return Err(m.fault("content", message).into());
        }
        for item in items {
            let (piece, signature) = read_piece(item)?;
            let seal = signature.map(|value| Seal {
                by: Sealer::Gemini,
                value,
            });
            self.piece(piece, seal, out);
        }
        self.cite(&mut grounding, out);
        let reason = m.string("finishReason")?.filter(|_| !self.stopped);
        if let Some(reason) = reason {
            let stop = read_stop(&reason, m.string("finishMessage")?, self.calls > 0)?;
            self.stop(stop, out)?;
        }
        Ok(())
    }

    /// Says of the open text where it was taken from.
    fn cite(&mut self, grounding: &mut Vec<Citation>, out: &mut Vec<Delta>) {
        if let Some(index) = self.parts.index(&Key::Text) {
            let all = grounding.drain(..);
            out.extend(all.map(|citation| Delta::Citation { index, citation }));
        }
    }

    fn piece(&mut self, piece: Piece, seal: Option<Seal>, out: &mut Vec<Delta>) {
        match piece {
            Piece::Text(text) => {
                if !text.is_empty() {
                    let index = self.switch(Key::Text, out);
                    out.push(Delta::Text { index, text });
                }
                if let Some(seal) = seal {
                    self.switch(Key::Seal, out);
                    self.parts.seal(&Key::Seal, seal);
                    self.parts.stop(&Key::Seal, out);
                }
            }
            Piece::Thought(text) => {
                let index = self.switch(Key::Thinking, out);
                out.push(Delta::Thinking { index, text });
                if let Some(seal) = seal {
                    self.parts.seal(&Key::Thinking, seal);
                }
            }
            Piece::Call {
                id,
                name,
                arguments,
            } => {
                self.parts.stop_all(out);
                let id = id.unwrap_or_else(|| call_id(&self.id, self.calls));
                self.calls += 1;
                let begin = Begin::ToolCall { id, name };
                self.parts.start(Key::Call, begin, out);
                self.parts.arguments(&Key::Call, arguments, out);
                if let Some(seal) = seal {
                    self.parts.seal(&Key::Call, seal);
                }
                self.parts.stop(&Key::Call, out);
            }
        }
    }

    fn switch(&mut self, key: Key, out: &mut Vec<Delta>) -> usize {
        if let Some(index) = self.parts.index(&key) {
            return index;
        }
        self.parts.stop_all(out);
        let begin = match key {
            Key::Text | Key::Call => Begin::Text,
            Key::Thinking | Key::Seal => Begin::Thinking {
                id: None,
                redacted: false,
            },
        };
        self.parts.start(key, begin, out)
    }
}
