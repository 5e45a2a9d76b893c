//! What OpenAI's two dialects share: errors, efforts, the shape of usage.

mod error;

pub(crate) use error::{error_object, read_error, read_object, write_error};

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::members::Members;
use crate::neutral::{Detail, Effort, Thinking, ThinkingMode, Usage, Verbosity};

/// Up to how many tokens of thinking are little, and up to how many are some.
const BUDGETS: [(u64, Effort); 2] = [(4_096, Effort::Low), (16_384, Effort::Medium)];

/// Reads an effort into the thinking that it stands for.
pub(crate) fn read_effort(m: &mut Members, name: &str) -> Result<Thinking, Fault> {
    let Some(word) = m.string(name)? else {
        return Ok(Thinking::default());
    };
    let effort = match word.as_str() {
        "none" => {
            return Ok(Thinking {
                mode: Some(ThinkingMode::Off),
                ..Thinking::default()
            });
        }
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        other => return Err(m.fault(name, format!("`{other}` is no effort"))),
    };
    Ok(Thinking {
        mode: Some(ThinkingMode::Adaptive),
        effort: Some(effort),
        summary: None,
    })
}

/// The effort that thinking comes to; none if the model is to decide.
pub(crate) fn write_effort(thinking: &Thinking) -> Option<&'static str> {
    let effort = match (thinking.mode, thinking.effort) {
        (Some(ThinkingMode::Off), _) => return Some("none"),
        (_, Some(effort)) => effort,
        (Some(ThinkingMode::Budget(tokens)), None) => BUDGETS
            .iter()
            .find(|(most, _)| tokens <= *most)
            .map_or(Effort::High, |(_, effort)| *effort),
        (Some(ThinkingMode::Adaptive) | None, None) => return None,
    };
    Some(match effort {
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    })
}

/// The longest name of an end user, in characters.
const USER_CHARS_MAX: usize = 64;

/// The name of the end user. A longer one than is taken becomes its digest: it is opaque, and still
/// the same for the same user.
pub(crate) fn write_user(user: &str) -> String {
    if user.chars().count() <= USER_CHARS_MAX {
        user.to_owned()
    } else {
        vocab::Digest::of(user.as_bytes()).hex()
    }
}

pub(crate) fn read_verbosity(m: &mut Members) -> Result<Option<Verbosity>, Fault> {
    Ok(match m.string("verbosity")?.as_deref() {
        None => None,
        Some("low") => Some(Verbosity::Low),
        Some("medium") => Some(Verbosity::Medium),
        Some("high") => Some(Verbosity::High),
        Some(_) => {
            return Err(m.fault("verbosity", "should be `low`, `medium` or `high`"));
        }
    })
}

pub(crate) fn write_verbosity(verbosity: Verbosity) -> &'static str {
    match verbosity {
        Verbosity::Low => "low",
        Verbosity::Medium => "medium",
        Verbosity::High => "high",
    }
}

pub(crate) fn read_detail(m: &mut Members) -> Result<Option<Detail>, Fault> {
    Ok(match m.string("detail")?.as_deref() {
        None => None,
        Some("auto") => Some(Detail::Auto),
        Some("low") => Some(Detail::Low),
        Some("high") => Some(Detail::High),
        Some(_) => return Err(m.fault("detail", "should be `auto`, `low` or `high`")),
    })
}

pub(crate) fn write_detail(detail: Detail) -> &'static str {
    match detail {
        Detail::Auto => "auto",
        Detail::Low => "low",
        Detail::High => "high",
    }
}

/// How one of the two dialects names what an answer cost.
pub(crate) struct UsageNames {
    pub input: &'static str,
    pub input_details: &'static str,
    pub output: &'static str,
    pub output_details: &'static str,
}

/// What stands in the member `usage` of a document, if it can be read.
pub(crate) fn usage_of(document: &[u8], names: &UsageNames) -> Option<Usage> {
    read_usage(&mut Members::parse(document).ok()?, names)
        .ok()
        .flatten()
}

pub(crate) fn read_usage(m: &mut Members, names: &UsageNames) -> Result<Option<Usage>, Fault> {
    let Some(mut usage) = m.object("usage")? else {
        return Ok(None);
    };
    let mut read = Usage {
        input_tokens: usage.tokens(names.input)?.unwrap_or(0),
        output_tokens: usage.tokens(names.output)?.unwrap_or(0),
        ..Usage::default()
    };
    if let Some(mut details) = usage.object(names.input_details)? {
        read.cached_input_tokens = details.tokens("cached_tokens")?.unwrap_or(0);
        read.cache_write_tokens = details.tokens("cache_write_tokens")?.unwrap_or(0);
    }
    if let Some(mut details) = usage.object(names.output_details)? {
        read.reasoning_tokens = details.tokens("reasoning_tokens")?.unwrap_or(0);
    }
    Ok(Some(read))
}

pub(crate) fn write_usage(usage: &Usage, names: &UsageNames) -> Value {
    json!({
        names.input: usage.input_tokens,
        names.output: usage.output_tokens,
        "total_tokens": usage.total_tokens(),
        names.input_details: {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        names.output_details: { "reasoning_tokens": usage.reasoning_tokens },
    })
}
