//! What a translation may leave behind, all of it.
//!
//! A request that goes to another family is translated or refused. [`TABLE`] lists the members that
//! a reader neither translates nor refuses, because the answer is the same without them. And this
//! is what a writer leaves out of the neutral form because the target has no place for it:
//!
//! | in the neutral form | left out by | why the answer is the same |
//! |---|---|---|
//! | `cache` of anything | OpenAI, Gemini | a hint that saves money; these families cache by themselves |
//! | `Image::detail` | Anthropic, Gemini, Converse | a hint how many tokens to spend on looking |
//! | thoughts sealed by another family, or by none | all; OpenAI chat only without calls beside them | only their maker can read them, and others refuse them |
//! | `ToolCall::seal` | all but Gemini | the same |
//! | `Thinking::summary` | OpenAI chat, Converse | what is shown of thinking, where the dialect has no such choice |
//! | `Thinking::effort` beside thinking that is off | OpenAI, Gemini | one knob there; off is off |
//! | `user` | Gemini, Converse | for the abuse detection of providers that have one |
//! | citations of earlier answers | all, by the reader | they say to people where a text was taken from; a model reads the text |
//! | `metadata` | all | labels for stored answers; nothing is stored |
//! | `Format::JsonSchema::{name, strict}` | Anthropic, Gemini | a label; and every schema is enforced there |
//! | `Tool::strict` | Gemini, Converse | a schema is always followed as well as the model can |
//! | `Verbosity::Medium` | all but OpenAI | the default |

use serde_json::Value;

use crate::Dialect;

/// A member that may be left behind.
#[derive(Clone, Copy, Debug)]
pub struct Harmless {
    /// Whose.
    pub dialect: Dialect,
    /// Where: a JSON pointer in which `*` stands for any one step.
    pub place: &'static str,
    /// With which values, as JSON text; none for any value.
    pub values: &'static [&'static str],
    /// Why the answer is the same without it.
    pub why: &'static str,
}

const fn any(dialect: Dialect, place: &'static str, why: &'static str) -> Harmless {
    only(dialect, place, &[], why)
}

const fn only(
    dialect: Dialect,
    place: &'static str,
    values: &'static [&'static str],
    why: &'static str,
) -> Harmless {
    Harmless {
        dialect,
        place,
        values,
        why,
    }
}

const CACHE: &str = "a hint for caching";
const CITES: &str = "where an earlier answer was taken from; a model reads the text";
const TIER: &str = "the usual tier of service, or no more than it";
const DEFAULT: &str = "asks for what is so anyway";
const STREAMING: &str = "changes how a stream is cut into pieces";

use Dialect::{Anthropic, OpenaiChat, OpenaiResponses};

/// Every member that a reader of requests leaves behind.
pub const TABLE: &[Harmless] = &[
    any(Anthropic, "/cache_control", CACHE),
    only(
        Anthropic,
        "/service_tier",
        &[r#""auto""#, r#""standard_only""#],
        TIER,
    ),
    only(Anthropic, "/speed", &[r#""standard""#], DEFAULT),
    only(Anthropic, "/mcp_servers", &["[]"], DEFAULT),
    only(
        Anthropic,
        "/context_management",
        &[
            r#"{"edits":[]}"#,
            r#"{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]}"#,
        ],
        DEFAULT,
    ),
    any(Anthropic, "/tools/*/eager_input_streaming", STREAMING),
    only(Anthropic, "/tools/*/defer_loading", &["false"], DEFAULT),
    only(
        Anthropic,
        "/tools/*/allowed_callers",
        &[r#"["direct"]"#],
        DEFAULT,
    ),
    only(Anthropic, "/tools/*/input_examples", &["[]"], DEFAULT),
    only(
        Anthropic,
        "/messages/*/content/*/caller",
        &[r#"{"type":"direct"}"#],
        DEFAULT,
    ),
    only(
        Anthropic,
        "/messages/*/content/*/citations",
        &["[]", r#"{"enabled":false}"#],
        DEFAULT,
    ),
    only(
        Anthropic,
        "/messages/*/content/*/content/*/citations",
        &["[]", r#"{"enabled":false}"#],
        DEFAULT,
    ),
    only(Anthropic, "/system/*/citations", &["[]"], DEFAULT),
    only(OpenaiChat, "/n", &["1"], DEFAULT),
    only(OpenaiChat, "/logprobs", &["false"], DEFAULT),
    only(OpenaiChat, "/top_logprobs", &["0"], DEFAULT),
    only(OpenaiChat, "/logit_bias", &["{}"], DEFAULT),
    only(OpenaiChat, "/modalities", &[r#"["text"]"#], DEFAULT),
    only(OpenaiChat, "/store", &["false"], DEFAULT),
    only(OpenaiChat, "/functions", &["[]"], DEFAULT),
    only(
        OpenaiChat,
        "/service_tier",
        &[r#""auto""#, r#""default""#],
        TIER,
    ),
    any(OpenaiChat, "/prompt_cache_key", CACHE),
    any(OpenaiChat, "/prompt_cache_options", CACHE),
    any(OpenaiChat, "/prompt_cache_retention", CACHE),
    any(
        OpenaiChat,
        "/messages/*/content/*/prompt_cache_breakpoint",
        CACHE,
    ),
    any(
        OpenaiChat,
        "/prediction",
        "a guess that makes the same answer faster",
    ),
    any(OpenaiChat, "/stream_options/include_obfuscation", STREAMING),
    any(OpenaiChat, "/messages/*/annotations", CITES),
    any(
        OpenaiChat,
        "/messages/*/tool_calls/*/index",
        "a number that streams need",
    ),
    only(OpenaiResponses, "/background", &["false"], DEFAULT),
    only(OpenaiResponses, "/store", &["false"], DEFAULT),
    only(OpenaiResponses, "/truncation", &[r#""disabled""#], DEFAULT),
    only(OpenaiResponses, "/top_logprobs", &["0"], DEFAULT),
    only(
        OpenaiResponses,
        "/service_tier",
        &[r#""auto""#, r#""default""#],
        TIER,
    ),
    only(
        OpenaiResponses,
        "/include",
        &["[]", r#"["reasoning.encrypted_content"]"#],
        "thoughts come back sealed anyway",
    ),
    only(
        OpenaiResponses,
        "/reasoning/context",
        &[r#""auto""#],
        DEFAULT,
    ),
    only(
        OpenaiResponses,
        "/reasoning/mode",
        &[r#""standard""#],
        DEFAULT,
    ),
    any(OpenaiResponses, "/prompt_cache_key", CACHE),
    any(OpenaiResponses, "/prompt_cache_options", CACHE),
    any(OpenaiResponses, "/prompt_cache_retention", CACHE),
    any(
        OpenaiResponses,
        "/input/*/content/*/prompt_cache_breakpoint",
        CACHE,
    ),
    any(
        OpenaiResponses,
        "/input/*/output/*/prompt_cache_breakpoint",
        CACHE,
    ),
    any(
        OpenaiResponses,
        "/stream_options/include_obfuscation",
        STREAMING,
    ),
    any(
        OpenaiResponses,
        "/client_metadata",
        "what a client tells of itself",
    ),
    any(
        OpenaiResponses,
        "/input/*/id",
        "a name in a store that isn't used",
    ),
    any(
        OpenaiResponses,
        "/input/*/status",
        "whether it was cut; it is there as it is",
    ),
    any(
        OpenaiResponses,
        "/input/*/phase",
        "a mark that only its own models know",
    ),
    only(
        OpenaiResponses,
        "/input/*/caller",
        &[r#"{"type":"direct"}"#],
        DEFAULT,
    ),
    any(OpenaiResponses, "/input/*/content/*/annotations", CITES),
    only(
        OpenaiResponses,
        "/input/*/content/*/logprobs",
        &["[]"],
        DEFAULT,
    ),
    only(
        OpenaiResponses,
        "/tools/*/allowed_callers",
        &[r#"["direct"]"#],
        DEFAULT,
    ),
    only(
        OpenaiResponses,
        "/tools/*/defer_loading",
        &["false"],
        DEFAULT,
    ),
];

/// Whether a member may be left behind.
pub(crate) fn is(dialect: Dialect, place: &str, value: &Value) -> bool {
    let text = value.to_string();
    TABLE.iter().any(|harmless| {
        harmless.dialect == dialect
            && matches(harmless.place, place)
            && (harmless.values.is_empty() || harmless.values.contains(&text.as_str()))
    })
}

fn matches(pattern: &str, place: &str) -> bool {
    let mut pattern = pattern.split('/');
    let mut place = place.split('/');
    loop {
        match (pattern.next(), place.next()) {
            (None, None) => return true,
            (Some(wanted), Some(step)) if wanted == "*" || wanted == step => {}
            _ => return false,
        }
    }
}
