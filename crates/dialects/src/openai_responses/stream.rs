//! Reads a stream.

use super::answer::{stop_of, unasked};
use super::{USAGE, items};
use crate::citations;
use crate::fault::{Fault, Malformed};
use crate::members::Members;
use crate::neutral::{Begin, Delta, ErrorKind, Usage};
use crate::openai;
use crate::sse::Frame;
use crate::stream::Parts;

/// A part: the item, and, of a message, the piece of its content.
type Key = (u64, u64);

/// Reads the events of one answer.
#[derive(Debug)]
pub struct StreamReader {
    parts: Parts<Key>,
    /// Parts of which a piece has come. The events that complete a part repeat all of it, and are
    /// used only if no piece came before.
    begun: Vec<Key>,
    /// Of each thought: whether its summary is read, or the thought itself.
    summaries: Vec<(Key, bool)>,
    calls: bool,
    refused: bool,
    started: bool,
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
            begun: Vec::new(),
            summaries: Vec::new(),
            calls: false,
            refused: false,
            started: false,
            over: false,
        }
    }

    /// Takes one event. Events that mean nothing here are passed by.
    ///
    /// # Errors
    /// If it isn't one of this dialect, or comes out of order.
    pub fn push(&mut self, frame: &Frame) -> Result<Vec<Delta>, Malformed> {
        let mut out = Vec::new();
        if self.over || frame.data.trim() == "[DONE]" {
            return Ok(out);
        }
        let mut m = Members::parse(frame.data.as_bytes())?;
        let kind = m.need_string("type")?;
        match kind.as_str() {
            "response.created" => self.start(m.need_object("response")?, &mut out)?,
            "error" => self.fail(&m.rest(), &mut out),
            "response.failed" => self.fail(&m.need_object("response")?.rest(), &mut out),
            _ if !self.started && kind != "response.queued" => {
                let message = format!("`{kind}` came before `response.created`");
                return Err(Malformed::shape("/type", message));
            }
            "response.completed" | "response.incomplete" => {
                self.end(m.need_object("response")?, &mut out)?;
            }
            _ => self.event(&kind, m, &mut out)?,
        }
        Ok(out)
    }

    /// The end of the stream.
    ///
    /// # Errors
    /// If the event that completes the answer has not come.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Malformed> {
        if self.over {
            return Ok(Vec::new());
        }
        Err(Malformed::unfinished("`response.completed`"))
    }

    fn start(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        if self.started {
            return Err(Malformed::shape("/type", "`response.created` came twice"));
        }
        self.started = true;
        out.push(Delta::Start {
            id: m.string("id")?.unwrap_or_default(),
            model: m.string("model")?.unwrap_or_default(),
            usage: Usage::default(),
        });
        Ok(())
    }

    /// The error stands in the event itself, or in its member.
    fn fail(&mut self, event: &serde_json::Value, out: &mut Vec<Delta>) {
        let inner = event.get("error").filter(|error| !error.is_null());
        let error = openai::read_object(inner.unwrap_or(event), ErrorKind::Internal);
        out.push(Delta::Error(error));
        self.over = true;
    }

    fn end(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        self.parts.stop_all(out);
        let stop = stop_of(&mut m, self.calls, self.refused)?;
        self.parts.judge(&stop)?;
        if let Some(usage) = openai::read_usage(&mut m, &USAGE)? {
            out.push(Delta::Usage(usage));
        }
        out.push(Delta::Stop(stop));
        out.push(Delta::End);
        self.over = true;
        Ok(())
    }

    fn event(&mut self, kind: &str, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let Some(item) = m.whole("output_index")? else {
            return Ok(());
        };
        let key = (item, m.whole("content_index")?.unwrap_or(0));
        match kind {
            "response.output_item.added" => self.item_added(key, m.need_object("item")?, out)?,
            "response.output_item.done" => self.item_done(key, m.need_object("item")?, out)?,
            "response.content_part.added" => self.part_added(key, m.need_object("part")?, out)?,
            "response.output_text.delta" => self.text(key, m.need_string("delta")?, out),
            "response.output_text.annotation.added" => {
                let Some(item) = m.take("annotation") else {
                    return Ok(());
                };
                if let Some(citation) = citations::read_annotation(item) {
                    let index = self.open(key, Begin::Text, out);
                    out.push(Delta::Citation { index, citation });
                }
            }
            "response.output_text.done" => self.text_done(key, m.string("text")?, out),
            "response.refusal.delta" => self.refusal(key, m.need_string("delta")?, out),
            "response.refusal.done" => {
                let whole = m.string("refusal")?.filter(|_| !self.begun.contains(&key));
                if let Some(text) = whole {
                    self.refusal(key, text, out);
                }
                self.parts.stop(&key, out);
            }
            "response.function_call_arguments.delta" => {
                let json = m.need_string("delta")?;
                self.arguments(&m, key, json, out)?;
            }
            "response.reasoning_summary_part.added" => {
                let number = m.whole("summary_index")?.unwrap_or(0);
                if number > 0 && self.begun.contains(&(item, 0)) {
                    self.thinking((item, 0), true, items::BETWEEN.to_owned(), out)?;
                }
            }
            "response.reasoning_summary_text.delta" => {
                self.thinking((item, 0), true, m.need_string("delta")?, out)?;
            }
            "response.reasoning_text.delta" | "response.reasoning.delta" => {
                self.thinking((item, 0), false, m.need_string("delta")?, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn item_added(
        &mut self,
        key: Key,
        mut m: Members,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        if self.parts.is_open(&key) {
            return Err(m.fault("type", "this item is open already").into());
        }
        let kind = m.need_string("type")?;
        match kind.as_str() {
            "message" => {}
            "function_call" => {
                self.calls = true;
                let begin = Begin::ToolCall {
                    id: m.need_string("call_id")?,
                    name: m.need_string("name")?,
                };
                self.parts.start(key, begin, out);
                if let Some(json) = m.string("arguments")?.filter(|json| !json.is_empty()) {
                    self.arguments(&m, key, json, out)?;
                }
            }
            "reasoning" => {
                let begin = Begin::Thinking {
                    id: m.string("id")?,
                    redacted: false,
                };
                self.parts.start(key, begin, out);
            }
            other => return Err(unasked(&m, other).into()),
        }
        Ok(())
    }

    fn part_added(
        &mut self,
        key: Key,
        mut m: Members,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        if self.parts.is_open(&key) {
            return Ok(());
        }
        let kind = m.need_string("type")?;
        match kind.as_str() {
            "output_text" => {
                self.parts.start(key, Begin::Text, out);
            }
            "refusal" => {
                self.refused = true;
                self.parts.start(key, Begin::Refusal, out);
            }
            other => return Err(unasked(&m, other).into()),
        }
        Ok(())
    }

    fn open(&mut self, key: Key, begin: Begin, out: &mut Vec<Delta>) -> usize {
        match self.parts.index(&key) {
            Some(index) => index,
            None => self.parts.start(key, begin, out),
        }
    }

    fn begin(&mut self, key: Key) {
        if !self.begun.contains(&key) {
            self.begun.push(key);
        }
    }

    fn text(&mut self, key: Key, text: String, out: &mut Vec<Delta>) {
        let index = self.open(key, Begin::Text, out);
        self.begin(key);
        out.push(Delta::Text { index, text });
    }

    fn text_done(&mut self, key: Key, whole: Option<String>, out: &mut Vec<Delta>) {
        let whole = whole.filter(|text| !text.is_empty());
        if let Some(text) = whole.filter(|_| !self.begun.contains(&key)) {
            self.text(key, text, out);
        }
        self.parts.stop(&key, out);
    }

    fn refusal(&mut self, key: Key, text: String, out: &mut Vec<Delta>) {
        self.refused = true;
        let index = self.open(key, Begin::Refusal, out);
        self.begin(key);
        out.push(Delta::Refusal { index, text });
    }

    fn thinking(
        &mut self,
        key: Key,
        summary: bool,
        text: String,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        let Some(index) = self.parts.index(&key) else {
            let message = "no such thought is open";
            return Err(Malformed::shape("/output_index", message));
        };
        let known = self.summaries.iter().find(|(of, _)| *of == key);
        match known {
            Some((_, reads)) if *reads != summary => return Ok(()),
            Some(_) => {}
            None => self.summaries.push((key, summary)),
        }
        self.begin(key);
        out.push(Delta::Thinking { index, text });
        Ok(())
    }

    fn arguments(
        &mut self,
        m: &Members,
        key: Key,
        json: String,
        out: &mut Vec<Delta>,
    ) -> Result<(), Fault> {
        if !self.parts.arguments(&key, json, out) {
            return Err(m.fault("output_index", "no such call is open"));
        }
        self.begin(key);
        Ok(())
    }

    fn item_done(
        &mut self,
        key: Key,
        mut m: Members,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        let kind = m.need_string("type")?;
        if kind == "message" {
            let of_item = |open: &Key| open.0 == key.0;
            while let Some(open) = self.parts.find(of_item) {
                self.parts.stop(&open, out);
            }
            return Ok(());
        }
        if !self.parts.is_open(&key) {
            let message = format!("a `{kind}` that isn't open");
            return Err(m.fault("type", message).into());
        }
        if kind == "function_call" && !self.begun.contains(&key) {
            let json = m.string("arguments")?.unwrap_or_default();
            self.arguments(&m, key, json, out)?;
        }
        if kind == "reasoning" {
            self.thought_done(key, &mut m, out)?;
        }
        self.parts.stop(&key, out);
        Ok(())
    }

    fn thought_done(
        &mut self,
        key: Key,
        m: &mut Members,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        let thought = items::read_thought(m)?;
        if !self.begun.contains(&key) && !thought.text.is_empty() {
            self.thinking(key, true, thought.text, out)?;
        }
        if let Some(seal) = thought.seal {
            self.parts.seal(&key, seal);
        }
        Ok(())
    }
}
