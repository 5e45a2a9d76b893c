//! AWS Bedrock's Converse. Only providers speak it.
//!
//! The streams are binary: [`Decoder`] takes their messages out, and the reader takes the JSON in
//! them. What goes beyond the common form is the model's own and stands in
//! `additionalModelRequestFields`; Anthropic's models are the only ones whose fields are known here.

mod answer;
mod error;
mod eventstream;
mod stream;
mod write;

pub use answer::read_answer;
pub use error::read_error;
pub use eventstream::{Decoder, EventStreamError};
pub use stream::StreamReader;
pub use write::write_request;

use crate::fault::{Fault, Malformed, MalformedKind};
use crate::members::Members;
use crate::neutral::{Stop, Usage};

fn read_stop(reason: &str) -> Result<Stop, Malformed> {
    Ok(match reason {
        "end_turn" => Stop::EndTurn,
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::MaxTokens,
        "stop_sequence" => Stop::StopSequence(None),
        "guardrail_intervened" | "content_filtered" => Stop::ContentFilter,
        "refusal" => Stop::Refusal,
        "model_context_window_exceeded" => Stop::ContextFull,
        "malformed_tool_use" => {
            let message = "the model wrote a call that its provider could not read";
            let kind = MalformedKind::ToolArguments;
            return Err(Malformed::new(kind, "/stopReason", message));
        }
        other => {
            let message = format!("`{other}` is no reason to stop");
            return Err(Malformed::shape("/stopReason", message));
        }
    })
}

/// The usage; cached tokens are no part of the input here.
fn read_usage(m: &mut Members) -> Result<Option<Usage>, Fault> {
    let Some(mut usage) = m.object("usage")? else {
        return Ok(None);
    };
    let mut count = |name: &str| -> Result<u64, Fault> { Ok(usage.tokens(name)?.unwrap_or(0)) };
    let cached = count("cacheReadInputTokens")?;
    let written = count("cacheWriteInputTokens")?;
    Ok(Some(Usage {
        input_tokens: count("inputTokens")?
            .saturating_add(cached)
            .saturating_add(written),
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: count("outputTokens")?,
        reasoning_tokens: 0,
    }))
}

/// What stands in the member `usage` of an answer, if it can be read.
pub(crate) fn usage_of(body: &[u8]) -> Option<Usage> {
    read_usage(&mut Members::parse(body).ok()?).ok().flatten()
}
