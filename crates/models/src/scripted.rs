//! A provider that is played from a script: no key, no host, always the same answer.
//!
//! It is asked in OpenAI's chat dialect, as any other provider is asked in its own, and answers in
//! it: what is routed, budgeted, recorded and streamed cannot tell it from one that is elsewhere. The
//! answer is a function of the request alone, so it needs no memory and survives any restart.

use bytes::Bytes;
use dialects::neutral::{
    Answer, Begin, Delta, Envelope, Message, Part, Request, Role, Stop, ToolCall, ToolResult, Usage,
};
use dialects::{Dialect, Refusal, StreamWriter, estimate, read_request, write_answer};
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::ModelsError;
use crate::model::{Script, ScriptedCall, Step};

/// The dialect that it speaks.
pub(crate) const DIALECT: Dialect = Dialect::OpenaiChat;

/// A script that is ready to be played.
pub(crate) struct Scripted {
    rules: Vec<(Option<Regex>, Vec<Step>)>,
}

impl Scripted {
    /// # Errors
    /// As [`Script::patterns`].
    pub fn new(script: &Script) -> Result<Self, ModelsError> {
        let patterns = script.patterns()?;
        let steps = script.rules.iter().map(|rule| rule.steps.clone());
        Ok(Self {
            rules: patterns.into_iter().zip(steps).collect(),
        })
    }

    /// The body of the answer to a request: JSON, or the events of a stream.
    ///
    /// # Errors
    /// It is no request in the dialect.
    pub fn answer(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let request = read_request(DIALECT, body)?;
        let answer = self.play(&request, body);
        let envelope = Envelope {
            request: &request,
            id: "scripted",
            created: 0,
        };
        if !request.stream {
            return Ok(write_answer(DIALECT, &answer, &envelope).to_string().into());
        }
        let mut writer = StreamWriter::new(DIALECT, &envelope);
        let mut out = Vec::new();
        for delta in deltas(answer) {
            for frame in writer.push(&delta) {
                frame.write(&mut out);
            }
        }
        Ok(out.into())
    }

    fn play(&self, request: &Request, body: &[u8]) -> Answer {
        let turn = Turn::of(&request.messages);
        let parts = match self.step(&turn) {
            Some((step, found)) => turn.parts(step, found.as_ref(), request),
            None => vec![Part::text("No rule of the script fits this message.")],
        };
        let calls = parts.iter().any(|it| matches!(it, Part::ToolCall(_)));
        let output_tokens = parts.iter().map(tokens).sum();
        Answer {
            id: String::new(),
            model: request.model.clone(),
            parts,
            stop: if calls { Stop::ToolUse } else { Stop::EndTurn },
            usage: Usage {
                input_tokens: estimate::tokens(body),
                output_tokens,
                ..Usage::default()
            },
        }
    }

    /// The step that the first rule that fits has come to, and what its pattern found.
    fn step<'a>(&'a self, turn: &Turn<'a>) -> Option<(&'a Step, Option<Captures<'a>>)> {
        self.rules.iter().find_map(|(pattern, steps)| {
            let found = match pattern {
                Some(pattern) => Some(pattern.captures(turn.message)?),
                None => None,
            };
            let step = steps.get(turn.taken).or(steps.last())?;
            Some((step, found))
        })
    }
}

/// How far the conversation has come since the user spoke last.
struct Turn<'a> {
    message: &'a str,
    /// Answers since then.
    taken: usize,
    result: String,
}

impl<'a> Turn<'a> {
    fn of(messages: &'a [Message]) -> Self {
        let spoken = messages.iter().rposition(|it| said(it).is_some());
        let since = spoken.map_or(messages, |at| &messages[at..]);
        let result = since.iter().flat_map(|it| &it.parts).rev().find_map(result);
        Self {
            message: since.first().and_then(said).unwrap_or_default(),
            taken: since.iter().filter(|it| it.role == Role::Assistant).count(),
            result: result.map(text_of).unwrap_or_default(),
        }
    }

    fn parts(&self, step: &Step, found: Option<&Captures<'_>>, request: &Request) -> Vec<Part> {
        let mut parts = Vec::new();
        if !step.say.is_empty() {
            parts.push(Part::text(self.filled(&step.say, found)));
        }
        for (number, call) in step.call.iter().enumerate() {
            parts.push(match offered(request, &call.tool) {
                Some(name) => self.call(number, name, call, found),
                None => Part::text(format!("The tool `{}` was not offered to me.", call.tool)),
            });
        }
        parts
    }

    fn call(
        &self,
        number: usize,
        name: &str,
        call: &ScriptedCall,
        found: Option<&Captures<'_>>,
    ) -> Part {
        let arguments = self.filled_object(&call.arguments, found);
        Part::ToolCall(ToolCall {
            id: format!("call_{}_{number}", self.taken),
            name: name.to_owned(),
            arguments: Value::Object(arguments).to_string(),
            seal: None,
            cache: None,
        })
    }

    fn filled_object(
        &self,
        members: &Map<String, Value>,
        found: Option<&Captures<'_>>,
    ) -> Map<String, Value> {
        let members = members.iter();
        members
            .map(|(name, value)| (name.clone(), self.filled_value(value, found)))
            .collect()
    }

    fn filled_value(&self, value: &Value, found: Option<&Captures<'_>>) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(text, found)),
            Value::Array(items) => {
                let items = items.iter();
                Value::Array(items.map(|it| self.filled_value(it, found)).collect())
            }
            Value::Object(members) => Value::Object(self.filled_object(members, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// The text with its placeholders filled in, once: what is filled in is not looked at again.
    /// What stands in braces and is no placeholder stays.
    fn filled(&self, text: &str, found: Option<&Captures<'_>>) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            out.push_str(before);
            let value = from.find('}').and_then(|close| {
                let name = &from[1..close];
                Some((self.value(name, found)?, close + 1))
            });
            let taken = match value {
                Some((value, taken)) => {
                    out.push_str(value);
                    taken
                }
                None => {
                    out.push('{');
                    1
                }
            };
            rest = &from[taken..];
        }
        out + rest
    }

    fn value<'b>(&'b self, name: &str, found: Option<&'b Captures<'_>>) -> Option<&'b str> {
        match name {
            "message" => return Some(self.message),
            "result" => return Some(&self.result),
            _ => {}
        }
        let found = found?;
        let group = match name.parse::<usize>() {
            Ok(number) => found.get(number),
            Err(_) => found.name(name),
        };
        group.map(|it| it.as_str())
    }
}

/// What the user says in a message, if it is one of the user that says something.
fn said(message: &Message) -> Option<&str> {
    let mut parts = message.parts.iter().rev();
    parts
        .find_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .filter(|_| message.role == Role::User)
}

fn result(part: &Part) -> Option<&ToolResult> {
    match part {
        Part::ToolResult(result) => Some(result),
        _ => None,
    }
}

fn text_of(result: &ToolResult) -> String {
    let texts = result.content.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// A tool under the name by which it is offered: providers take no dots in names.
fn offered<'a>(request: &'a Request, tool: &str) -> Option<&'a str> {
    let plain = |name: &str| name.replace(|it: char| !it.is_ascii_alphanumeric(), "_");
    let mut names = request.tools.iter().map(|it| it.name.as_str());
    names.find(|name| plain(name) == plain(tool))
}

fn tokens(part: &Part) -> u64 {
    match part {
        Part::Text(text) => estimate::tokens(text.text.as_bytes()),
        Part::ToolCall(call) => estimate::tokens(call.arguments.as_bytes()),
        _ => 0,
    }
}

/// The answer as a stream, word by word.
fn deltas(answer: Answer) -> Vec<Delta> {
    let mut deltas = vec![Delta::Start {
        id: answer.id,
        model: answer.model,
        usage: answer.usage,
    }];
    for (index, part) in answer.parts.into_iter().enumerate() {
        let start = |begin| Delta::PartStart { index, begin };
        match part {
            Part::Text(text) => {
                deltas.push(start(Begin::Text));
                let words = text.text.split_inclusive(' ').map(str::to_owned);
                deltas.extend(words.map(|text| Delta::Text { index, text }));
            }
            Part::ToolCall(call) => {
                let (id, name) = (call.id, call.name);
                deltas.push(start(Begin::ToolCall { id, name }));
                let json = call.arguments;
                deltas.push(Delta::Arguments { index, json });
            }
            // No step says anything else.
            _ => continue,
        }
        deltas.push(Delta::PartStop { index });
    }
    deltas.extend([
        Delta::Usage(answer.usage),
        Delta::Stop(answer.stop),
        Delta::End,
    ]);
    deltas
}

#[cfg(test)]
mod tests {
    use dialects::read_answer;
    use serde_json::json;

    use super::*;

    fn scripted() -> Scripted {
        let script = json!({"rules": [
            {"when": r"read (?<path>\S+)", "steps": [
                {"say": "Let me look.", "call": [{"tool": "file.read", "arguments": {"path": "{path}", "more": ["{1}", "{nothing}", 1]}}]},
                {"say": "It says: {result}"},
            ]},
            {"when": "sudo", "steps": [{"call": [{"tool": "shell.exec"}]}, {"say": "Done."}]},
            {"steps": [{"say": "You said {message}. {} {x"}]},
        ]});
        Scripted::new(&serde_json::from_value(script).unwrap()).unwrap()
    }

    fn ask(messages: Value, stream: bool) -> Bytes {
        let request = json!({
            "model": "m", "messages": messages, "stream": stream,
            "tools": [{"type": "function", "function": {"name": "file_read", "parameters": {"type": "object"}}}],
        });
        scripted().answer(request.to_string().as_bytes()).unwrap()
    }

    fn answer(messages: Value) -> Answer {
        read_answer(DIALECT, &ask(messages, false)).unwrap()
    }

    fn user(text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        assert_eq!(
            answer(json!([user("Hi {1}")])).text(),
            "You said Hi {1}. {} {x"
        );
        let first = answer(json!([user("old"), user("please READ notes/a.md now")]));
        assert_eq!(first.stop, Stop::ToolUse);
        let Some(Part::ToolCall(call)) = first.parts.last() else {
            panic!("{first:?}");
        };
        assert_eq!(call.name, "file_read");
        let expected = json!({"path": "notes/a.md", "more": ["notes/a.md", "{nothing}", 1]});
        assert_eq!(
            serde_json::from_str::<Value>(&call.arguments).unwrap(),
            expected
        );
    }

    #[test]
    fn results_lead_to_the_next_step() {
        let call = json!({"id": "c", "type": "function", "function": {"name": "file_read", "arguments": "{}"}});
        let asked = json!({"role": "assistant", "content": "Let me look.", "tool_calls": [call]});
        let result = json!({"role": "tool", "tool_call_id": "c", "content": "{message}"});
        let messages = json!([user("read a"), asked, result]);
        assert_eq!(answer(messages).text(), "It says: {message}");
        let steered = json!([user("read a"), asked, result, user("never mind")]);
        assert_eq!(answer(steered).text(), "You said never mind. {} {x");
    }

    #[test]
    fn a_tool_that_is_not_offered_is_not_called() {
        let text = answer(json!([user("sudo")])).text();
        assert_eq!(text, "The tool `shell.exec` was not offered to me.");
    }

    #[test]
    fn a_stream_says_the_same() {
        for text in ["hello there you", "read this"] {
            let messages = json!([user(text)]);
            let mut frames = dialects::sse::Decoder::new();
            let mut reader = dialects::StreamReader::new(DIALECT);
            let mut assembler = dialects::neutral::Assembler::new();
            for frame in frames.push(&ask(messages.clone(), true)).unwrap() {
                for delta in reader.push(&frame).unwrap() {
                    assembler.push(&delta);
                }
            }
            for delta in reader.finish().unwrap() {
                assembler.push(&delta);
            }
            let (streamed, whole) = (assembler.finish().unwrap(), answer(messages));
            assert_eq!(streamed.parts, whole.parts);
            assert_eq!(streamed.stop, whole.stop);
        }
    }
}
