//! The report of a replay: identical, or where it would have gone differently.

mod anew;

use serde_json::Value;

use crate::terminal::{self, Style, Tone};

/// Whether nothing differs.
pub fn is_identical(report: &Value) -> bool {
    report["identical"] == true
}

/// The report, as lines.
pub fn view(style: Style, report: &Value, changed: bool) -> String {
    if report["models"].is_object() {
        return anew::view(style, report);
    }
    let steps = report["steps"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut out: Vec<String> = steps.iter().flat_map(|step| line(style, step)).collect();
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    if is_identical(report) {
        let verdict = match changed {
            false => style.paint(Tone::Good, "✓ identical, byte for byte"),
            true => style.paint(Tone::Good, "✓ nothing would have gone differently"),
        };
        out.push(format!(
            "{verdict}: {} of {} entries computed anew",
            count("compared"),
            count("entries")
        ));
    } else {
        out.extend(difference(style, &report["first_divergence"]));
    }
    for (name, label) in [
        ("recorded_digest", "recorded"),
        ("replayed_digest", "replayed"),
    ] {
        let digest = report[name].as_str().unwrap_or_default();
        out.push(style.paint(
            Tone::Dim,
            &format!("  {label} {}", terminal::short(digest, 80)),
        ));
    }
    if report["outside_effects"].is_u64() {
        out.push(style.paint(
            Tone::Dim,
            &format!("  outside effects {}", count("outside_effects")),
        ));
    }
    out.join("\n")
}

fn verdict(style: Style, verdict: &Value) -> String {
    match verdict.as_str() {
        Some("allow") => style.paint(Tone::Good, "✓ allowed"),
        Some("require_approval") => style.paint(Tone::Ask, "? asks"),
        Some("deny") => style.paint(Tone::Bad, "✗ denied"),
        Some(other) => terminal::short(other, 40),
        None => "–".to_owned(),
    }
}

fn line(style: Style, step: &Value) -> Vec<String> {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let number = step["step"].as_u64().unwrap_or(0);
    let tool = terminal::short(text("tool"), 24);
    let outcome = text("outcome");
    let label = format!("{:<10}", terminal::short(outcome, 10));
    let label = style.paint(
        if outcome == "recorded" {
            Tone::Dim
        } else {
            Tone::Ask
        },
        &label,
    );
    let (then, now) = (&step["recorded"], &step["replayed"]);
    let mut decision = verdict(style, then);
    if then != now {
        decision = format!("{decision} → {}", verdict(style, now));
    }
    let mut lines = vec![format!("{number:>3}  {tool:<13} {label}  {decision}")];
    if then != now && !text("reason").is_empty() {
        lines.push(format!(
            "     {}",
            style.paint(
                Tone::Dim,
                &format!("↳ {}", terminal::short(text("reason"), 400))
            )
        ));
    }
    lines
}

fn difference(style: Style, at: &Value) -> Vec<String> {
    let entry = at["run_seq"].as_u64().unwrap_or(0);
    let kind = terminal::short(at["kind"].as_str().unwrap_or("?"), 40);
    let step = at["step"]
        .as_u64()
        .map(|step| format!(", step {step}"))
        .unwrap_or_default();
    let head = style.paint(Tone::Bad, "✗ it goes another way");
    let mut lines = vec![format!("{head} at entry {entry} ({kind}{step})")];
    for (name, differs) in differences(&at["recorded"], &at["replayed"]) {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{}: ", terminal::short(&name, 60))
        };
        lines.push(format!("     {name}{differs}"));
    }
    lines
}

/// The members that differ, with both values in short.
fn differences(then: &Value, now: &Value) -> Vec<(String, String)> {
    let short = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => terminal::short(text, 160),
        other => terminal::short(&other.to_string(), 160),
    };
    let both = |then: &Value, now: &Value| format!("{} → {}", short(then), short(now));
    let (Value::Object(a), Value::Object(b)) = (then, now) else {
        return vec![(String::new(), both(then, now))];
    };
    // The revision always differs when policies do; it explains nothing.
    let names: std::collections::BTreeSet<&String> = a
        .keys()
        .chain(b.keys())
        .filter(|name| *name != "revision")
        .collect();
    let get = |map: &serde_json::Map<String, Value>, name: &str| {
        map.get(name).cloned().unwrap_or_default()
    };
    let pairs = names
        .into_iter()
        .map(|name| (name, get(a, name), get(b, name)));
    pairs
        .filter(|(_, a, b)| a != b)
        .map(|(name, a, b)| (name.clone(), both(&a, &b)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_identical_replay_says_so() {
        let report = json!({"identical": true, "entries": 12, "compared": 5, "outside_effects": 0,
            "recorded_digest": "sha256:aa", "replayed_digest": "sha256:aa", "first_divergence": null,
            "steps": [{"step": 1, "tool": "file.read", "recorded": "allow", "replayed": "allow", "outcome": "recorded"}]});
        let expected = "  1  file.read     recorded    ✓ allowed
✓ identical, byte for byte: 5 of 12 entries computed anew
  recorded sha256:aa
  replayed sha256:aa
  outside effects 0";
        assert_eq!(view(Style::PLAIN, &report, false), expected);
    }

    #[test]
    fn a_divergence_names_its_entry_and_what_differs() {
        let report = json!({"identical": false, "entries": 12, "compared": 3,
            "recorded_digest": "sha256:aa", "replayed_digest": "sha256:bb",
            "first_divergence": {"run_seq": 4, "kind": "policy.decided", "step": 2,
                "recorded": {"verdict": "allow", "risk": 5, "revision": "x"},
                "replayed": {"verdict": "deny", "risk": 5, "revision": "y"}},
            "steps": [{"step": 2, "tool": "http.fetch", "recorded": "allow", "replayed": "deny",
                "reason": "forbidden by `stricter`", "outcome": "unknown"}]});
        let expected = "  2  http.fetch    unknown     ✓ allowed → ✗ denied
     ↳ forbidden by `stricter`
✗ it goes another way at entry 4 (policy.decided, step 2)
     verdict: allow → deny
  recorded sha256:aa
  replayed sha256:bb";
        assert_eq!(view(Style::PLAIN, &report, true), expected);
        assert!(!is_identical(&report));
    }
}
