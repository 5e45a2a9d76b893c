//! Reads a whole answer.

use super::{read_stop, read_usage};
use crate::citations;
use crate::fault::{Fault, Malformed};
use crate::members::{Item, Members};
use crate::neutral::{Answer, Citation, Cited, Part, Seal, Sealer, Stop, Thought, ToolCall};
use crate::openai_chat::call_id;

/// One piece of what a model says, as it stands in a candidate.
pub(super) enum Piece {
    Text(String),
    Thought(String),
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
    },
}

/// Reads an answer: its first candidate.
///
/// # Errors
/// If it isn't one.
pub fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut m = Members::parse(body)?;
    let id = m.string("responseId")?.unwrap_or_default();
    let mut parts = Vec::new();
    let stop = match m.items("candidates")?.into_iter().next() {
        None => blocked(&mut m)?,
        Some(candidate) => {
            let mut candidate = candidate.members()?;
            parts = read_parts(&mut candidate, &id)?;
            let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
            let last = parts.iter_mut().rev().find_map(|part| match part {
                Part::Text(text) => Some(text),
                _ => None,
            });
            if let Some(text) = last {
                for citation in read_grounding(&mut candidate) {
                    citations::add(text, citation);
                }
            }
            let reason = candidate.need_string("finishReason")?;
            read_stop(&reason, candidate.string("finishMessage")?, calls)?
        }
    };
    Ok(Answer {
        id,
        model: m.string("modelVersion")?.unwrap_or_default(),
        parts,
        stop,
        usage: read_usage(&mut m)?.unwrap_or_default(),
    })
}

/// An answer without a candidate says why the prompt was blocked.
pub(super) fn blocked(m: &mut Members) -> Result<Stop, Malformed> {
    let feedback = m.object("promptFeedback")?;
    let reason = feedback.map(|mut feedback| feedback.string("blockReason"));
    match reason.transpose()?.flatten() {
        Some(_) => Ok(Stop::ContentFilter),
        None => Err(m.fault("candidates", "holds no candidate").into()),
    }
}

fn read_parts(candidate: &mut Members, answer: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut calls = 0;
    for item in candidate_parts(candidate)? {
        let (piece, signature) = read_piece(item)?;
        let seal = signature.map(|value| Seal {
            by: Sealer::Gemini,
            value,
        });
        match piece {
            Piece::Text(text) => {
                if !text.is_empty() {
                    parts.push(Part::text(text));
                }
                parts.extend(seal.map(trailing_seal));
            }
            Piece::Thought(text) => parts.push(Part::Thinking(Thought {
                text,
                seal,
                ..Thought::default()
            })),
            Piece::Call {
                id,
                name,
                arguments,
            } => {
                parts.push(Part::ToolCall(ToolCall {
                    id: id.unwrap_or_else(|| call_id(answer, calls)),
                    name,
                    arguments,
                    seal,
                    cache: None,
                }));
                calls += 1;
            }
        }
    }
    Ok(parts)
}

/// The pages that an answer rests on. Which of its words do is said in bytes of pieces that a stream
/// cuts otherwise, and is not taken over.
pub(super) fn read_grounding(candidate: &mut Members) -> Vec<Citation> {
    let grounding = candidate.object("groundingMetadata").ok().flatten();
    let chunks = grounding.and_then(|mut it| it.items("groundingChunks").ok());
    let sources = chunks
        .into_iter()
        .flatten()
        .filter_map(|it| read_chunk(it).ok()?);
    sources
        .map(|source| Citation { source, span: None })
        .collect()
}

fn read_chunk(item: Item) -> Result<Option<Cited>, Fault> {
    let Some(mut web) = item.members()?.object("web")? else {
        return Ok(None);
    };
    Ok(citations::page(
        web.need_string("uri")?,
        web.string("title")?,
    ))
}

/// The seal of a text goes on as a thought without words, and is written as one again.
fn trailing_seal(seal: Seal) -> Part {
    Part::Thinking(Thought {
        seal: Some(seal),
        ..Thought::default()
    })
}

pub(super) fn candidate_parts(candidate: &mut Members) -> Result<Vec<Item>, Fault> {
    match candidate.object("content")? {
        Some(mut content) => content.items("parts"),
        None => Ok(Vec::new()),
    }
}

/// A piece, and the signature beside it.
pub(super) fn read_piece(item: Item) -> Result<(Piece, Option<String>), Fault> {
    let mut m = item.members()?;
    let signature = m.string("thoughtSignature")?.filter(|s| !s.is_empty());
    let thought = m.boolean("thought")?.unwrap_or(false);
    if let Some(mut call) = m.object("functionCall")? {
        let arguments = call.json_object("args")?;
        let piece = Piece::Call {
            id: call.string("id")?.filter(|id| !id.is_empty()),
            name: call.need_string("name")?,
            arguments: arguments.map_or_else(|| "{}".into(), |args| args.to_string()),
        };
        return Ok((piece, signature));
    }
    let text = match m.string("text")? {
        Some(text) => text,
        None if signature.is_some() => String::new(),
        None => return Err(Fault::at(m.at(), "neither a text nor a call of a function")),
    };
    let piece = if thought {
        Piece::Thought(text)
    } else {
        Piece::Text(text)
    };
    Ok((piece, signature))
}
