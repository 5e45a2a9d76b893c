//! Reads and writes a whole answer.

use serde_json::{Value, json};

use super::{USAGE, items, read_stop, skeleton, write_stop};
use crate::citations;
use crate::fault::{Fault, Malformed, MalformedKind};
use crate::members::{Item, Members};
use crate::neutral::{Answer, Envelope, ErrorKind, Part, Stop, Text};
use crate::openai;
use crate::stream::{check_arguments, cuts};

/// Reads an answer.
///
/// # Errors
/// If it isn't one, or says that it failed.
pub fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut m = Members::parse(body)?;
    if let Some(error) = m.take("error") {
        let error = openai::read_object(&error.value, ErrorKind::Internal);
        return Err(Malformed::new(
            MalformedKind::Failed,
            "/error",
            error.message,
        ));
    }
    let mut parts = Vec::new();
    for item in m.need("output")?.items()? {
        parts.extend(read_item(item)?);
    }
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let refused = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let stop = stop_of(&mut m, calls, refused)?;
    if !cuts(&stop) {
        for part in &parts {
            if let Part::ToolCall(call) = part {
                check_arguments(&call.name, &call.arguments, "/output")?;
            }
        }
    }
    Ok(Answer {
        id: m.string("id")?.unwrap_or_default(),
        model: m.string("model")?.unwrap_or_default(),
        parts,
        stop,
        usage: openai::read_usage(&mut m, &USAGE)?.unwrap_or_default(),
    })
}

/// Why an answer ended, by its status and by what is in it.
pub(super) fn stop_of(m: &mut Members, calls: bool, refused: bool) -> Result<Stop, Fault> {
    let status = m.string("status")?.unwrap_or_else(|| "completed".into());
    let details = m.object("incomplete_details")?;
    let reason = details.map(|mut details| details.string("reason"));
    let reason = reason.transpose()?.flatten();
    let stop = read_stop(&status, reason.as_deref(), calls, refused);
    stop.ok_or_else(|| {
        let message = match reason {
            Some(reason) => format!("`{status}` for `{reason}` is no end"),
            None => format!("`{status}` is no end"),
        };
        m.fault("status", message)
    })
}

fn read_item(item: Item) -> Result<Vec<Part>, Fault> {
    let mut m = item.members()?;
    let kind = m.need_string("type")?;
    Ok(match kind.as_str() {
        "message" => {
            let mut parts = Vec::new();
            for item in m.need("content")?.items()? {
                parts.push(read_part(item)?);
            }
            parts
        }
        "function_call" => vec![Part::ToolCall(items::read_call(&mut m)?)],
        "reasoning" => vec![Part::Thinking(items::read_thought(&mut m)?)],
        other => return Err(unasked(&m, other)),
    })
}

fn read_part(item: Item) -> Result<Part, Fault> {
    let mut m = item.members()?;
    let kind = m.need_string("type")?;
    match kind.as_str() {
        "output_text" => {
            let mut text = Text {
                text: m.need_string("text")?,
                ..Text::default()
            };
            citations::read_annotations(&mut m, &mut text);
            Ok(Part::Text(text))
        }
        "refusal" => Ok(Part::Refusal(m.need_string("refusal")?)),
        other => Err(unasked(&m, other)),
    }
}

pub(super) fn unasked(m: &Members, kind: &str) -> Fault {
    m.fault("type", format!("a `{kind}` was not asked for"))
}

/// Writes an answer for a client of this dialect.
pub fn write_answer(answer: &Answer, envelope: &Envelope<'_>) -> Value {
    let refused = answer.parts.iter().any(|p| matches!(p, Part::Refusal(_)));
    let (status, reason) = write_stop(&answer.stop, refused);
    let last = answer.parts.len().saturating_sub(1);
    let parts = answer.parts.iter().enumerate();
    let output: Vec<Value> = parts
        .filter_map(|(number, part)| {
            let cut = number == last && reason.is_some();
            items::write_item(part, envelope.id, number, cut)
        })
        .collect();
    let mut written = skeleton::skeleton(envelope, &answer.model);
    written["status"] = status.into();
    if let Some(reason) = reason {
        written["incomplete_details"] = json!({ "reason": reason });
    } else {
        written["completed_at"] = envelope.created.into();
    }
    written["output"] = Value::Array(output);
    written["usage"] = openai::write_usage(&answer.usage, &USAGE);
    written
}
