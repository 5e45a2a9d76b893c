//! The JSON schema that an agent's answer has to fit: checked when the agent is made, and held
//! against each answer.
//!
//! A schema refers to nothing outside itself, because nothing is fetched; its patterns are regular
//! expressions that take time in proportion to the text, because a model writes that text.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use vocab::canonical;

/// The largest schema, as canonical JSON, in bytes: it is part of each question.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024;
/// How many misfits of one answer are told.
const MISFITS_TOLD: usize = 5;
/// How much of a misfit is told, in bytes: it may quote the answer.
const MISFIT_BYTES_MAX: usize = 300;

/// Whether a value is a schema that answers can be held against.
///
/// # Errors
/// Why not, for people.
pub(crate) fn check(schema: &Value) -> Result<(), String> {
    if !schema.is_object() {
        return Err("expected a JSON schema, which is an object".to_owned());
    }
    let text = canonical::to_string(schema).map_err(|error| error.to_string())?;
    if text.len() > SCHEMA_BYTES_MAX {
        return Err(format!("expected at most {SCHEMA_BYTES_MAX} bytes"));
    }
    compiled(schema).map(drop)
}

/// The JSON in a text, if it fits a schema. A text that is one fenced block is what is in it.
///
/// # Errors
/// What does not fit, for the model that wrote it.
pub(crate) fn fit(schema: &Value, text: &str) -> Result<Value, String> {
    let validator = compiled(schema)?;
    let value: Value = serde_json::from_str(unfenced(text.trim()))
        .map_err(|error| format!("it is no JSON: {error}"))?;
    // What has no canonical form can't be kept; a number beyond 2^53, for example.
    canonical::to_string(&value).map_err(|error| error.to_string())?;
    let misfits: Vec<String> = validator
        .iter_errors(&value)
        .take(MISFITS_TOLD)
        .map(|error| {
            let at = error.instance_path().to_string();
            let at = if at.is_empty() { "the whole" } else { &at };
            let why = error.to_string();
            let why = &why[..why.floor_char_boundary(MISFIT_BYTES_MAX)];
            format!("{at}: {why}")
        })
        .collect();
    match misfits.is_empty() {
        true => Ok(value),
        false => Err(misfits.join("; ")),
    }
}

fn compiled(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| error.to_string())
}

fn unfenced(text: &str) -> &str {
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, str::trim)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": { "n": { "type": "integer", "minimum": 0 }, "of": { "type": "string", "pattern": "^[a-z]+$" } },
            "required": ["n"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn an_answer_fits_or_is_told_why_not() {
        let fits = |text: &str| fit(&schema(), text);
        assert_eq!(fits(r#" {"n": 3} "#), Ok(json!({ "n": 3 })));
        assert_eq!(fits("```json\n{\"n\": 3}\n```"), Ok(json!({ "n": 3 })));
        assert_eq!(
            fits("```\n{\"n\": 3, \"of\": \"a\"}\n```"),
            Ok(json!({ "n": 3, "of": "a" }))
        );
        let misfit = |text: &str| fits(text).unwrap_err();
        assert!(misfit("three").contains("no JSON"));
        assert!(misfit("Here: {\"n\": 3}").contains("no JSON"));
        assert!(misfit("{}").contains("required"));
        let two = misfit(r#"{"n": -1, "of": "A"}"#);
        assert!(two.contains("/n: ") && two.contains("/of: "), "{two}");
        assert!(
            misfit(r#"{"n": 9007199254740993}"#).contains("9007199254740993")
                || fits(r#"{"n": 9007199254740993}"#).is_err()
        );
        let long = misfit(&json!({ "n": "x".repeat(10_000) }).to_string());
        assert!(long.len() < 400, "{}", long.len());
    }

    #[test]
    fn a_schema_is_one_and_stands_alone() {
        assert_eq!(check(&schema()), Ok(()));
        for wrong in [
            json!("object"),
            json!(true),
            json!({ "type": "thing" }),
            json!({ "$ref": "https://example.org/schema" }),
            json!({ "type": "string", "pattern": "(a)\\1" }),
            json!({ "description": "x".repeat(SCHEMA_BYTES_MAX) }),
        ] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
    }
}
