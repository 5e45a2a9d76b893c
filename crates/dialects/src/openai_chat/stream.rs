//! Reads a stream.

use serde_json::Value;

use super::answer::{call_id, read_arguments};
use super::{DONE, USAGE, read_stop};
use crate::citations;
use crate::fault::{Fault, Malformed};
use crate::members::{Item, Members};
use crate::neutral::{Begin, Delta, ErrorKind, Stop, Usage};
use crate::openai;
use crate::sse::Frame;
use crate::stream::Parts;

/// How this dialect tells parts apart. A call has a number and, once, an id; some servers give the
/// same number to several calls, and then the id tells.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Text,
    Refusal,
    Thinking,
    Call(u64, usize),
}

/// Reads the chunks of one answer.
///
/// Chunks have no beginnings and ends of parts: a part ends when another begins. Calls come one
/// after another: a name begins one, and a piece without a name that fits no open call is malformed.
#[derive(Debug)]
pub struct StreamReader {
    parts: Parts<Key>,
    /// The part that is open.
    current: Option<Key>,
    /// The id of the last call.
    call_id: String,
    id: String,
    calls: usize,
    refused: bool,
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
            current: None,
            call_id: String::new(),
            id: String::new(),
            calls: 0,
            refused: false,
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
        if frame.data.trim() == DONE {
            self.end(&mut out)?;
            return Ok(out);
        }
        let mut m = Members::parse(frame.data.as_bytes())?;
        if let Some(error) = m.take("error") {
            let error = openai::read_object(&error.value, ErrorKind::Internal);
            out.push(Delta::Error(error));
            self.over = true;
            return Ok(out);
        }
        let choices = m.items("choices")?;
        let id = m.string("id")?.unwrap_or_default();
        // A first chunk that has neither tells what filters of the prompt found.
        let says_nothing = choices.is_empty() && id.is_empty();
        if !self.started && !says_nothing {
            self.started = true;
            self.id.clone_from(&id);
            out.push(Delta::Start {
                id,
                model: m.string("model")?.unwrap_or_default(),
                usage: Usage::default(),
            });
        }
        if let Some(choice) = choices.into_iter().next() {
            self.choice(choice.members()?, &mut out)?;
        }
        if let Some(usage) = openai::read_usage(&mut m, &USAGE)? {
            out.push(Delta::Usage(usage));
        }
        Ok(out)
    }

    /// The end of the stream. Some servers end without `[DONE]`; a reason to stop is enough.
    ///
    /// # Errors
    /// If no reason to stop has come.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Malformed> {
        let mut out = Vec::new();
        if !self.over {
            self.end(&mut out)?;
        }
        Ok(out)
    }

    fn end(&mut self, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        if !self.stopped {
            return Err(Malformed::unfinished("a `finish_reason`"));
        }
        self.over = true;
        out.push(Delta::End);
        Ok(())
    }

    fn choice(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        if let Some(delta) = m.object("delta")? {
            self.delta(delta, out)?;
        }
        let Some(reason) = m.string("finish_reason")?.filter(|r| !r.is_empty()) else {
            return Ok(());
        };
        if self.stopped {
            return Ok(());
        }
        let Some(stop) = read_stop(&reason, self.calls > 0, self.refused) else {
            let message = format!("`{reason}` is no reason to stop");
            return Err(m.fault("finish_reason", message).into());
        };
        self.stop(stop, out)
    }

    fn stop(&mut self, stop: Stop, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        self.parts.stop_all(out);
        self.parts.judge(&stop)?;
        self.stopped = true;
        out.push(Delta::Stop(stop));
        Ok(())
    }

    fn delta(&mut self, mut m: Members, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let reasoning = m.string("reasoning_content")?;
        let short = m.string("reasoning").unwrap_or_default();
        if let Some(text) = reasoning.or(short).filter(|text| !text.is_empty()) {
            let begin = Begin::Thinking {
                id: None,
                redacted: false,
            };
            let index = self.switch(Key::Thinking, begin, out)?;
            out.push(Delta::Thinking { index, text });
        }
        if let Some(text) = read_text(&mut m)?.filter(|text| !text.is_empty()) {
            let index = self.switch(Key::Text, Begin::Text, out)?;
            out.push(Delta::Text { index, text });
        }
        for item in m.items("annotations").unwrap_or_default() {
            if let Some(citation) = citations::read_annotation(item).filter(|_| !self.stopped) {
                let index = self.switch(Key::Text, Begin::Text, out)?;
                out.push(Delta::Citation { index, citation });
            }
        }
        if let Some(text) = m.string("refusal")?.filter(|text| !text.is_empty()) {
            self.refused = true;
            let index = self.switch(Key::Refusal, Begin::Refusal, out)?;
            out.push(Delta::Refusal { index, text });
        }
        for (position, item) in m.items("tool_calls")?.into_iter().enumerate() {
            self.call(item.members()?, position, out)?;
        }
        Ok(())
    }

    /// Makes the part the open one, and starts it if it isn't.
    fn switch(&mut self, key: Key, begin: Begin, out: &mut Vec<Delta>) -> Result<usize, Malformed> {
        if self.stopped {
            let message = "more came after the reason to stop";
            return Err(Malformed::shape("/choices/0/delta", message));
        }
        if let Some(index) = self.parts.index(&key) {
            return Ok(index);
        }
        if let Some(before) = self.current.take() {
            self.parts.stop(&before, out);
        }
        self.current = Some(key.clone());
        Ok(self.parts.start(key, begin, out))
    }

    fn call(
        &mut self,
        mut m: Members,
        position: usize,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        let number = m.whole("index")?.unwrap_or(position as u64);
        let id = m.string("id")?.filter(|id| !id.is_empty());
        let mut function = m.object("function")?;
        let (mut name, mut json) = (None, None);
        if let Some(function) = &mut function {
            name = function.string("name")?.filter(|name| !name.is_empty());
            json = read_arguments(function)?;
        }
        let key = match self.open_call(number, id.as_deref()) {
            Some(key) => key,
            None => {
                let Some(name) = name else {
                    let message = "a piece of a call that isn't open";
                    return Err(m.fault("index", message).into());
                };
                self.start_call(number, id, name, out)?
            }
        };
        if let Some(json) = json {
            self.parts.arguments(&key, json, out);
        }
        Ok(())
    }

    fn open_call(&self, number: u64, id: Option<&str>) -> Option<Key> {
        let current = self.current.as_ref()?;
        let same = matches!(current, Key::Call(open, _) if *open == number)
            && id.is_none_or(|id| id == self.call_id);
        same.then(|| current.clone())
    }

    fn start_call(
        &mut self,
        number: u64,
        id: Option<String>,
        name: String,
        out: &mut Vec<Delta>,
    ) -> Result<Key, Malformed> {
        self.call_id = id.unwrap_or_else(|| call_id(&self.id, self.calls));
        let key = Key::Call(number, self.calls);
        self.calls += 1;
        let begin = Begin::ToolCall {
            id: self.call_id.clone(),
            name,
        };
        self.switch(key.clone(), begin, out)?;
        Ok(key)
    }
}

/// Text; some servers send it as parts.
fn read_text(m: &mut Members) -> Result<Option<String>, Fault> {
    let Some(item) = m.take("content") else {
        return Ok(None);
    };
    if let Value::Array(_) = item.value {
        let mut text = String::new();
        for part in item.items()? {
            text.push_str(&read_part(part)?);
        }
        return Ok(Some(text));
    }
    item.string().map(Some)
}

fn read_part(item: Item) -> Result<String, Fault> {
    let mut m = item.members()?;
    let kind = m.need_string("type")?;
    if kind != "text" {
        let message = format!("a part of type `{kind}` was not asked for");
        return Err(m.fault("type", message));
    }
    m.need_string("text")
}
