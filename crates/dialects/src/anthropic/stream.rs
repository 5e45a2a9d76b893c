//! Reads a stream.

use super::answer::{read_citation, read_usage};
use super::error::read_value;
use super::read_stop;
use crate::fault::Malformed;
use crate::members::Members;
use crate::neutral::{Begin, Delta, ErrorKind, Seal, Sealer, Usage};
use crate::seal;
use crate::sse::Frame;
use crate::stream::Parts;

/// Reads the events of one answer.
#[derive(Debug)]
pub struct StreamReader {
    parts: Parts<u64>,
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
            usage: Usage::default(),
            started: false,
            stopped: false,
            over: false,
        }
    }

    /// Takes one event. Events that this dialect may add later mean nothing here.
    ///
    /// # Errors
    /// If the event isn't one of this dialect, or comes out of order.
    pub fn push(&mut self, frame: &Frame) -> Result<Vec<Delta>, Malformed> {
        let mut out = Vec::new();
        if self.over {
            return Ok(out);
        }
        let mut m = Members::parse(frame.data.as_bytes())?;
        let kind = m.need_string("type")?;
        match kind.as_str() {
            "message_start" => self.start(m.need_object("message")?, &mut out)?,
            "error" => {
                let error = m.rest();
                out.push(Delta::Error(read_value(&error, ErrorKind::Internal)));
                self.over = true;
            }
            _ if !self.started && kind != "ping" => {
                let message = format!("`{kind}` came before `message_start`");
                return Err(Malformed::shape("/type", message));
            }
            "content_block_start" => self.block_start(m, &mut out)?,
            "content_block_delta" => self.block_delta(m, &mut out)?,
            "content_block_stop" => {
                let key = index(&mut m)?;
                self.parts.stop(&key, &mut out);
            }
            "message_delta" => self.message_delta(m, &mut out)?,
            "message_stop" => self.end(&mut out)?,
            _ => {}
        }
        Ok(out)
    }

    /// The end of the stream.
    ///
    /// # Errors
    /// If `message_stop` has not come.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Malformed> {
        if self.over {
            return Ok(Vec::new());
        }
        Err(Malformed::unfinished("`message_stop`"))
    }

    fn start(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        if self.started {
            return Err(Malformed::shape("/type", "`message_start` came twice"));
        }
        self.started = true;
        self.usage = read_usage(&mut m, self.usage)?;
        out.push(Delta::Start {
            id: m.string("id")?.unwrap_or_default(),
            model: m.string("model")?.unwrap_or_default(),
            usage: self.usage,
        });
        Ok(())
    }

    fn block_start(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let key = index(&mut m)?;
        if self.parts.is_open(&key) {
            return Err(m.fault("index", "this block is open already").into());
        }
        let mut block = m.need_object("content_block")?;
        let kind = block.need_string("type")?;
        match kind.as_str() {
            "text" => {
                let index = self.parts.start(key, Begin::Text, out);
                let text = block.string("text")?.unwrap_or_default();
                if !text.is_empty() {
                    out.push(Delta::Text { index, text });
                }
            }
            "thinking" => {
                let begin = Begin::Thinking {
                    id: None,
                    redacted: false,
                };
                let index = self.parts.start(key, begin, out);
                let text = block.string("thinking")?.unwrap_or_default();
                if !text.is_empty() {
                    out.push(Delta::Thinking { index, text });
                }
                let signature = block.string("signature")?.unwrap_or_default();
                self.signature(key, signature);
            }
            "redacted_thinking" => {
                let begin = Begin::Thinking {
                    id: None,
                    redacted: true,
                };
                self.parts.start(key, begin, out);
                let seal = Seal {
                    by: Sealer::Anthropic,
                    value: block.need_string("data")?,
                };
                self.parts.seal(&key, seal);
            }
            "tool_use" => {
                let begin = Begin::ToolCall {
                    id: block.need_string("id")?,
                    name: block.need_string("name")?,
                };
                self.parts.start(key, begin, out);
                // An empty object stands for the pieces that follow.
                let input = block.json_object("input")?.map(|input| input.to_string());
                if let Some(input) = input.filter(|input| input != "{}") {
                    self.parts.arguments(&key, input, out);
                }
            }
            other => {
                let message = format!("a block of type `{other}` was not asked for");
                return Err(block.fault("type", message).into());
            }
        }
        Ok(())
    }

    fn block_delta(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let key = index(&mut m)?;
        let Some(index) = self.parts.index(&key) else {
            return Err(m.fault("index", "no such block is open").into());
        };
        let mut delta = m.need_object("delta")?;
        let kind = delta.need_string("type")?;
        match kind.as_str() {
            "text_delta" => out.push(Delta::Text {
                index,
                text: delta.need_string("text")?,
            }),
            "thinking_delta" => out.push(Delta::Thinking {
                index,
                text: delta.need_string("thinking")?,
            }),
            "signature_delta" => {
                let signature = delta.need_string("signature")?;
                self.signature(key, signature);
            }
            "input_json_delta" => {
                let json = delta.need_string("partial_json")?;
                if !self.parts.arguments(&key, json, out) {
                    return Err(delta
                        .fault("type", "this block is no call of a tool")
                        .into());
                }
            }
            "citations_delta" => {
                let citation = delta.take("citation").and_then(read_citation);
                if let Some(citation) = citation {
                    out.push(Delta::Citation { index, citation });
                }
            }
            other => {
                let message = format!("a piece of type `{other}` was not asked for");
                return Err(delta.fault("type", message).into());
            }
        }
        Ok(())
    }

    fn signature(&mut self, key: u64, signature: String) {
        if let (Some(seal), _) = seal::read(signature, Sealer::Anthropic) {
            self.parts.seal(&key, seal);
        }
    }

    fn message_delta(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let usage = read_usage(&mut m, self.usage)?;
        if usage != self.usage {
            self.usage = usage;
            out.push(Delta::Usage(usage));
        }
        let mut delta = m.need_object("delta")?;
        let Some(reason) = delta.string("stop_reason")? else {
            return Ok(());
        };
        let sequence = delta.string("stop_sequence")?;
        let Some(stop) = read_stop(&reason, sequence) else {
            let message = format!("`{reason}` is no reason to stop");
            return Err(delta.fault("stop_reason", message).into());
        };
        self.parts.stop_all(out);
        self.parts.judge(&stop)?;
        self.stopped = true;
        out.push(Delta::Stop(stop));
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        if !self.stopped {
            return Err(Malformed::unfinished("a reason to stop"));
        }
        self.over = true;
        out.push(Delta::End);
        Ok(())
    }
}

fn index(m: &mut Members) -> Result<u64, Malformed> {
    let index = m.whole("index")?;
    Ok(index.ok_or_else(|| m.fault("index", "is required"))?)
}
