//! Google's Gemini, as `generateContent` and `streamGenerateContent?alt=sse` have it. Only
//! providers speak it.
//!
//! A stream is a row of answers, each with what is new, and has no event that ends it: it has ended
//! well if a reason to stop came. Calls have no ids of their own in older models; they get one here.

mod answer;
mod error;
mod stream;
mod write;

pub use answer::read_answer;
pub use error::read_error;
pub use stream::StreamReader;
pub use write::write_request;

use crate::fault::{Fault, Malformed, MalformedKind};
use crate::members::Members;
use crate::neutral::{Stop, Usage};

/// Why it stopped. `calls` says whether the answer holds calls: the reason is the same with them.
fn read_stop(reason: &str, message: Option<String>, calls: bool) -> Result<Stop, Malformed> {
    Ok(match reason {
        "STOP" if calls => Stop::ToolUse,
        "STOP" => Stop::EndTurn,
        "MAX_TOKENS" => Stop::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::ContentFilter,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" => {
            let message = message.unwrap_or_else(|| format!("the model stopped for `{reason}`"));
            let kind = MalformedKind::ToolArguments;
            return Err(Malformed::new(kind, "/candidates/0/finishReason", message));
        }
        _ => {
            let message = message.unwrap_or_else(|| format!("the model stopped for `{reason}`"));
            let kind = MalformedKind::Failed;
            return Err(Malformed::new(kind, "/candidates/0/finishReason", message));
        }
    })
}

/// The usage; thoughts are no part of the candidates' tokens here.
fn read_usage(m: &mut Members) -> Result<Option<Usage>, Fault> {
    let Some(mut usage) = m.object("usageMetadata")? else {
        return Ok(None);
    };
    let mut count = |name: &str| Ok(usage.tokens(name)?.unwrap_or(0));
    let thoughts: u64 = count("thoughtsTokenCount")?;
    Ok(Some(Usage {
        input_tokens: count("promptTokenCount")?.saturating_add(count("toolUsePromptTokenCount")?),
        cached_input_tokens: count("cachedContentTokenCount")?,
        cache_write_tokens: 0,
        output_tokens: count("candidatesTokenCount")?.saturating_add(thoughts),
        reasoning_tokens: thoughts,
    }))
}

/// What stands in the member `usageMetadata` of an answer, if it can be read.
pub(crate) fn usage_of(body: &[u8]) -> Option<Usage> {
    read_usage(&mut Members::parse(body).ok()?).ok().flatten()
}
