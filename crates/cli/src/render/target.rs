//! What an action acts on, in a few words.

use serde_json::Value;

use crate::terminal;

/// A target in one line.
pub fn line(target: &Value) -> String {
    let text = |name: &str| target[name].as_str().unwrap_or_default();
    let line = match text("kind") {
        "file" => file(text("path"), target["size_bytes"].as_u64()),
        "http" => http(target),
        "process" => text("command").to_owned(),
        "skill" | "artifact" | "agent" | "secret" | "model" => text("name").to_owned(),
        "nothing" | "" => String::new(),
        other => format!("{other} {target}"),
    };
    terminal::short(&line, 400)
}

fn file(path: &str, size: Option<u64>) -> String {
    let path = if path.is_empty() { "." } else { path };
    match size {
        Some(size) => format!("{path} ({})", terminal::bytes(size)),
        None => path.to_owned(),
    }
}

fn http(target: &Value) -> String {
    let text = |name: &str| target[name].as_str().unwrap_or_default();
    let (scheme, port) = (text("scheme"), target["port"].as_u64().unwrap_or(0));
    let port = match (scheme, port) {
        ("http", 80) | ("https", 443) => String::new(),
        (_, port) => format!(":{port}"),
    };
    format!(
        "{} {scheme}://{}{port}{}",
        text("method"),
        text("host"),
        text("path")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_target_is_a_line() {
        let cases = [
            (json!({"kind": "file", "path": "", "workspace": "w"}), "."),
            (json!({"kind": "model", "name": "main"}), "main"),
            (
                json!({"kind": "file", "path": "a/b", "workspace": "w", "size_bytes": 12}),
                "a/b (12 bytes)",
            ),
            (
                json!({"kind": "http", "method": "GET", "scheme": "https", "host": "a.example", "port": 443, "path": "/x"}),
                "GET https://a.example/x",
            ),
            (
                json!({"kind": "http", "method": "POST", "scheme": "http", "host": "[::1]", "port": 7300, "path": "/"}),
                "POST http://[::1]:7300/",
            ),
            (
                json!({"kind": "process", "command": "ls\n-l", "workspace": "w"}),
                "ls -l",
            ),
            (
                json!({"kind": "skill", "name": "word-count", "workspace": "w"}),
                "word-count",
            ),
            (json!({"kind": "nothing"}), ""),
        ];
        for (target, expected) in cases {
            assert_eq!(line(&target), expected);
        }
    }
}
