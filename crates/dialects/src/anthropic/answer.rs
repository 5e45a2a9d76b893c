//! Reads and writes a whole answer.

use serde_json::{Value, json};

use super::read::read_thought;
use super::{read_stop, write_stop, write_usage};
use crate::citations;
use crate::fault::{Fault, Malformed, MalformedKind};
use crate::members::{Item, Members};
use crate::neutral::{
    Answer, Citation, Cited, Envelope, Part, Seal, Sealer, Text, Thought, ToolCall, Usage,
};
use crate::seal;

/// Reads an answer.
///
/// # Errors
/// If it isn't one.
pub fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut m = Members::parse(body)?;
    if let Some(mut error) = m.object("error")? {
        let message = error.string("message")?.unwrap_or_default();
        return Err(Malformed::new(MalformedKind::Failed, "/error", message));
    }
    let mut parts = Vec::new();
    for item in m.need("content")?.items()? {
        parts.extend(read_block(item.members()?)?);
    }
    let reason = m.need_string("stop_reason")?;
    let sequence = m.string("stop_sequence")?;
    let Some(stop) = read_stop(&reason, sequence) else {
        let message = format!("`{reason}` is no reason to stop");
        return Err(m.fault("stop_reason", message).into());
    };
    Ok(Answer {
        id: m.string("id")?.unwrap_or_default(),
        model: m.string("model")?.unwrap_or_default(),
        parts,
        stop,
        usage: read_usage(&mut m, Usage::default())?,
    })
}

fn read_block(mut m: Members) -> Result<Option<Part>, Malformed> {
    let kind = m.need_string("type")?;
    Ok(Some(match kind.as_str() {
        "text" => {
            let mut text = Text {
                text: m.need_string("text")?,
                ..Text::default()
            };
            for item in m.items("citations").unwrap_or_default() {
                if let Some(citation) = read_citation(item) {
                    citations::add(&mut text, citation);
                }
            }
            Part::Text(text)
        }
        "tool_use" => Part::ToolCall(ToolCall {
            id: m.need_string("id")?,
            name: m.need_string("name")?,
            arguments: m
                .json_object("input")?
                .ok_or_else(|| m.fault("input", "is required"))?
                .to_string(),
            seal: None,
            cache: None,
        }),
        "thinking" => Part::Thinking(read_thought(&mut m)?),
        "redacted_thinking" => Part::Thinking(Thought {
            redacted: true,
            seal: Some(Seal {
                by: Sealer::Anthropic,
                value: m.need_string("data")?,
            }),
            ..Thought::default()
        }),
        other => {
            let message = format!("a block of type `{other}` was not asked for");
            return Err(m.fault("type", message).into());
        }
    }))
}

/// Where a block was taken from, all of it; nothing if it is another kind, or none.
pub(super) fn read_citation(item: Item) -> Option<Citation> {
    let source = read_cited(item).ok().flatten()?;
    Some(Citation { source, span: None })
}

fn read_cited(item: Item) -> Result<Option<Cited>, Fault> {
    let mut m = item.members()?;
    let kind = m.need_string("type")?;
    Ok(match kind.as_str() {
        "web_search_result_location" => citations::page(m.need_string("url")?, m.string("title")?),
        // Whoever gave the results named their source, which need not be an address.
        "search_result_location" => {
            let source = m.need_string("source")?;
            let title = m.string("title")?;
            let name = title.clone().or_else(|| Some(source.clone()));
            citations::page(source, title).or_else(|| citations::file(None, name))
        }
        "char_location" | "page_location" | "content_block_location" => {
            citations::file(m.string("file_id")?, m.string("document_title")?)
        }
        _ => None,
    })
}

/// A citation as a client of this dialect gets it: it is of its whole block. A document is cited by its
/// number in a request, which another family's has none of; nobody can ask for such citations across
/// families.
pub(super) fn write_citation(citation: &Citation) -> Option<Value> {
    match &citation.source {
        Cited::Url { url, title } => Some(json!({
            "type": "web_search_result_location", "url": url, "title": title, "cited_text": "",
            "encrypted_index": "",
        })),
        Cited::File { .. } => None,
    }
}

/// The usage of a document, over what was known before it: a stream tells it in pieces, and each
/// piece is a total.
pub(super) fn read_usage(m: &mut Members, before: Usage) -> Result<Usage, Fault> {
    let Some(mut usage) = m.object("usage")? else {
        return Ok(before);
    };
    let fresh = usage.tokens("input_tokens")?;
    let cached = usage.tokens("cache_read_input_tokens")?;
    let written = usage.tokens("cache_creation_input_tokens")?;
    let output = usage.tokens("output_tokens")?;
    let details = usage.object("output_tokens_details")?;
    let thought = details.map(|mut details| details.tokens("thinking_tokens"));
    let fresh = fresh.unwrap_or(before.fresh_input_tokens());
    let cached = cached.unwrap_or(before.cached_input_tokens);
    let written = written.unwrap_or(before.cache_write_tokens);
    Ok(Usage {
        input_tokens: fresh.saturating_add(cached).saturating_add(written),
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output.unwrap_or(before.output_tokens),
        reasoning_tokens: thought
            .transpose()?
            .flatten()
            .unwrap_or(before.reasoning_tokens),
    })
}

/// Writes an answer for a client of this dialect.
pub fn write_answer(answer: &Answer, envelope: &Envelope<'_>) -> Value {
    let (reason, sequence) = write_stop(&answer.stop);
    json!({
        "id": format!("msg_{}", envelope.id),
        "type": "message",
        "role": "assistant",
        "model": envelope.model(&answer.model),
        "content": answer.parts.iter().filter_map(write_part).collect::<Vec<_>>(),
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": write_usage(&answer.usage),
    })
}

/// Only this family's own withheld thoughts are such a block; others have no data that it reads.
fn is_redacted(thought: &Thought) -> bool {
    thought.redacted
        && thought
            .seal
            .as_ref()
            .is_some_and(|seal| seal.by == Sealer::Anthropic)
}

fn write_part(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) => {
            let mut block = json!({ "type": "text", "text": text.text });
            let cited: Vec<Value> = text.citations.iter().filter_map(write_citation).collect();
            if !cited.is_empty() {
                block["citations"] = cited.into();
            }
            block
        }
        Part::Refusal(text) => json!({ "type": "text", "text": text }),
        Part::ToolCall(call) => json!({
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            // Only a call that was cut has no object, and the reason to stop says so.
            "input": call.object().unwrap_or_default(),
        }),
        Part::Thinking(thought) if is_redacted(thought) => json!({
            "type": "redacted_thinking",
            "data": seal::of(thought, Sealer::Anthropic),
        }),
        Part::Thinking(thought) => json!({
            "type": "thinking",
            "thinking": thought.text,
            "signature": seal::of(thought, Sealer::Anthropic),
        }),
        // No model answers with these.
        Part::Image(_) | Part::Document(_) | Part::ToolResult(_) => return None,
    })
}
