//! A request for approval, with exactly what would run.

use serde_json::Value;

use crate::render::target;
use crate::terminal::{self, Style, Tone};

/// How many lines of arguments are shown before somebody asks for all of them.
const LINES_SHOWN: usize = 40;

/// How much of the arguments to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// The beginning.
    Beginning,
    /// All.
    All,
}

/// The request, as lines. What is not shown is said.
pub fn view(style: Style, approval: &Value, show: Show) -> String {
    let text = |name: &str| approval[name].as_str().map(|it| terminal::short(it, 400));
    let mut rows = vec![("tool", text("tool").unwrap_or_default())];
    rows.push(("target", target(approval)));
    rows.extend(text("agent_id").map(|agent| ("agent", agent)));
    rows.push(("why asked", text("reason").unwrap_or_default()));
    if approval["four_eyes"] == true {
        rows.push((
            "needs",
            "another person than the one who started the run".to_owned(),
        ));
    }
    rows.extend(
        approval["expires_at"]
            .as_str()
            .map(|at| ("expires", terminal::instant(at))),
    );
    rows.extend(text("digest").map(|digest| ("digest", digest)));
    let id = text("id").unwrap_or_default();
    let mut out = format!(
        "  {} {}",
        style.paint(Tone::Ask, "? approval needed"),
        style.paint(Tone::Dim, &id)
    );
    for (name, value) in rows {
        let name = style.paint(Tone::Dim, &format!("{name:<10}"));
        out.push_str(&format!("\n    {name} {value}"));
    }
    for line in shown(arguments(style, approval), show) {
        out.push_str("\n    ");
        out.push_str(line.trim_end());
    }
    out
}

fn target(approval: &Value) -> String {
    let workspace = approval["target"]["workspace"].as_str();
    let place = workspace.map(|it| format!(" in workspace {}", terminal::short(it, 60)));
    format!(
        "{}{}",
        target::line(&approval["target"]),
        place.unwrap_or_default()
    )
}

/// What standing approval would allow, as a sentence.
pub fn sentence(approval: &Value) -> Option<String> {
    Some(terminal::short(
        approval["standing_would_allow"].as_str()?,
        300,
    ))
}

fn shown(lines: Vec<String>, show: Show) -> Vec<String> {
    if show == Show::All || lines.len() <= LINES_SHOWN + 3 {
        return lines;
    }
    let left = lines.len() - LINES_SHOWN;
    let more = format!("… {left} more lines; [v] shows all");
    lines.into_iter().take(LINES_SHOWN).chain([more]).collect()
}

/// The exact arguments; contents of files as a change.
fn arguments(style: Style, approval: &Value) -> Vec<String> {
    let arguments = &approval["arguments"];
    let mut lines = Vec::new();
    let Value::Object(members) = arguments else {
        if !arguments.is_null() {
            lines.push(format!(
                "arguments {}",
                terminal::clean(&arguments.to_string())
            ));
        }
        return lines;
    };
    for (name, value) in members {
        let sign = match (approval["tool"].as_str(), name.as_str()) {
            (Some("file.write"), "content") | (Some("file.edit"), "new") => Some(("+", Tone::Good)),
            (Some("file.edit"), "old") => Some(("-", Tone::Bad)),
            _ => None,
        };
        match (value.as_str(), sign) {
            (Some(text), Some((sign, tone))) => {
                lines.push(style.paint(Tone::Dim, &format!("{}:", terminal::short(name, 60))));
                lines.extend(change(text).map(|line| style.paint(tone, &format!("{sign} {line}"))));
            }
            (Some(text), None) if text.contains('\n') => {
                lines.push(style.paint(Tone::Dim, &format!("{}:", terminal::short(name, 60))));
                lines.extend(change(text).map(|line| format!("  {line}")));
            }
            (Some(_) | None, _) => {
                let name = style.paint(Tone::Dim, &format!("{}:", terminal::short(name, 60)));
                lines.push(format!("{name} {}", terminal::clean(&value.to_string())));
            }
        }
    }
    lines
}

fn change(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => terminal::clean(line),
            None => format!("{}  (no line end)", terminal::clean(line)),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_write_is_shown_as_a_change_with_everything_that_is_approved() {
        let approval = json!({
            "id": "apr_1", "tool": "file.write", "reason": "writes are asked for", "status": "pending",
            "target": {"kind": "file", "path": "a.md", "workspace": "default", "size_bytes": 9},
            "arguments": {"path": "a.md", "content": "one\ntwo\x1b[2J\nlast"},
            "expires_at": "2026-11-21T10:00:00.000000Z", "four_eyes": true,
        });
        let expected = "  ? approval needed apr_1
    tool       file.write
    target     a.md (9 bytes) in workspace default
    why asked  writes are asked for
    needs      another person than the one who started the run
    expires    2026-11-21 10:00:00
    path: \"a.md\"
    content:
    + one
    + two\\u{1b}[2J
    + last  (no line end)";
        assert_eq!(view(Style::PLAIN, &approval, Show::Beginning), expected);
    }

    #[test]
    fn what_is_left_out_is_said_and_can_be_seen() {
        let content: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let approval =
            json!({"tool": "file.edit", "arguments": {"old": "x\n", "new": content, "path": "p"}});
        let beginning = view(Style::PLAIN, &approval, Show::Beginning);
        assert!(beginning.contains("more lines; [v] shows all") && !beginning.contains("line 99"));
        let all = view(Style::PLAIN, &approval, Show::All);
        assert!(all.contains("+ line 99") && all.contains("- x") && !all.contains("more lines"));
    }
}
