//! What a tool gave, as the text that planners, people and models read.

use std::borrow::Cow;

use serde_json::{Map, Value};
use vocab::canonical;

/// The members whose text stands for a whole result, the first that is there.
const SPEAKING: [&str; 5] = ["stdout", "body", "text", "answer", "content"];

/// What a result says: a text is itself, nothing is the empty text, a list of texts is one a line,
/// a folder's `entries` are one name a line (with `/` behind folders), a search's `matches` are
/// `PATH:LINE: TEXT`, an object with a member `stdout`, `body`, `text`, `answer` or `content` that is
/// a text is that text, and everything else is canonical JSON. The line end at the end of `stdout`
/// is left out.
#[must_use]
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => text.into(),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let lines: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            lines.join("\n").into()
        }
        Value::Object(members) => {
            let said = SPEAKING
                .iter()
                .find_map(|name| members.get(*name)?.as_str().zip(Some(*name)));
            match said {
                Some((text, "stdout")) => text.trim_end_matches(['\n', '\r']).into(),
                Some((text, _)) => text.into(),
                None => listing(members).map_or_else(|| json(value), Cow::from),
            }
        }
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => json(value),
    }
}

/// The lines of a folder or of a search, if the members are one of them.
fn listing(members: &Map<String, Value>) -> Option<String> {
    let lines: Option<Vec<String>> = match (members.get("entries"), members.get("matches")) {
        (Some(Value::Array(entries)), None) => entries.iter().map(entry).collect(),
        (None, Some(Value::Array(matches))) => matches.iter().map(found).collect(),
        _ => None,
    };
    lines.map(|lines| lines.join("\n"))
}

fn entry(entry: &Value) -> Option<String> {
    let slash = match entry.get("kind")?.as_str()? {
        "directory" => "/",
        _ => "",
    };
    Some(format!("{}{slash}", entry.get("name")?.as_str()?))
}

fn found(found: &Value) -> Option<String> {
    let (path, text) = (found.get("path")?.as_str()?, found.get("text")?.as_str()?);
    Some(format!("{path}:{}: {text}", found.get("line")?.as_u64()?))
}

fn json(value: &Value) -> Cow<'static, str> {
    // What has no canonical form, such as a number beyond 2^53, is at least readable.
    canonical::to_string(value)
        .unwrap_or_else(|_| value.to_string())
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_speak_for_themselves() {
        let said = [
            (json!("a\n"), "a\n"),
            (json!(null), ""),
            (json!(["a", "b"]), "a\nb"),
            (json!([]), "[]"),
            (json!({"stdout": "3\n", "exit_code": 0}), "3"),
            (json!({"status": 200, "body": "ok\n"}), "ok\n"),
            (json!({"b": 1, "a": 2}), r#"{"a":2,"b":1}"#),
            (json!(9_007_199_254_740_993_u64), "9007199254740993"),
            (
                json!({"path": ".", "entries": [
                    {"name": "notes", "kind": "directory"},
                    {"name": "a.md", "kind": "file", "size_bytes": 1},
                ]}),
                "notes/\na.md",
            ),
            (
                json!({"matches": [{"path": "a", "line": 3, "text": "TODO x"}], "files_searched": 1}),
                "a:3: TODO x",
            ),
            (json!({"entries": [1]}), r#"{"entries":[1]}"#),
        ];
        for (value, expected) in said {
            assert_eq!(text(&value), expected, "{value}");
        }
    }
}
