//! The report of a replay that asked a model anew: both ways side by side, and what they cost.

use serde_json::Value;

use super::is_identical;
use crate::terminal::{self, Style, Tone};

/// The report, as lines.
pub fn view(style: Style, report: &Value) -> String {
    let steps = report["steps"].as_array().map(Vec::as_slice);
    let steps = steps.unwrap_or_default();
    let mut out: Vec<String> = steps.iter().flat_map(|step| lines(style, step)).collect();
    let end = &report["end"];
    if is_identical(report) {
        out.push(style.paint(Tone::Good, "✓ it went the same way"));
    } else {
        let at = &report["first_divergence"];
        let step = at["step"].as_u64();
        let step = step.map_or_else(String::new, |step| format!(", step {step}"));
        let entry = at["run_seq"].as_u64().unwrap_or(0);
        let head = style.paint(Tone::Bad, "✗ it goes another way");
        out.push(format!("{head} at entry {entry}{step}"));
        out.push(format!("     then  {}", ending(&end["recorded"])));
        out.push(format!("     now   {}", ending(&end["replayed"])));
    }
    for (side, label) in [
        ("recorded", "then"),
        ("replayed", "now"),
        ("asked", "spent"),
    ] {
        let line = format!("  {label:<6} {}", totals(&report["models"][side]));
        out.push(style.paint(Tone::Dim, &line));
    }
    let difference = &report["models"]["difference"];
    let signed = |name: &str| difference[name].as_i64().unwrap_or(0);
    let line = format!(
        "  {:<6} {}{}, {:+} tokens in, {:+} out",
        "change",
        if signed("cost_usd_micros") < 0 {
            "-"
        } else {
            "+"
        },
        dollars(signed("cost_usd_micros").unsigned_abs()),
        signed("input_tokens"),
        signed("output_tokens"),
    );
    out.push(style.paint(Tone::Dim, &line));
    out.join("\n")
}

fn lines(style: Style, step: &Value) -> Vec<String> {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let number = step["step"].as_u64().unwrap_or(0);
    let tool = terminal::short(text("tool"), 24);
    let label = style.paint(
        match text("outcome") {
            "recorded" => Tone::Dim,
            "missing" => Tone::Bad,
            _ => Tone::Ask,
        },
        &format!("{:<11}", terminal::short(text("outcome"), 11)),
    );
    let mark = if step["same"] == true {
        style.paint(Tone::Good, "=")
    } else {
        style.paint(Tone::Bad, "≠")
    };
    let mut lines = vec![format!("{number:>3}  {tool:<13} {label} {mark}")];
    if step["same"] != true {
        lines.push(format!("     then  {}", side(&step["recorded"])));
        lines.push(format!("     now   {}", side(&step["replayed"])));
    }
    lines
}

/// One side of a step, in short.
fn side(side: &Value) -> String {
    if side.is_null() {
        return "–".to_owned();
    }
    if let Some(error) = side["error"].as_str() {
        return terminal::short(error, 80);
    }
    let said = &side["said"];
    if said.is_object() {
        let calls = said["calls"].as_array().into_iter().flatten();
        let calls = calls.map(|call| {
            let name = call[0].as_str().unwrap_or_default();
            format!("{name} {}", call[1])
        });
        let said = said["text"].as_str().map(str::to_owned).into_iter();
        let whole: Vec<String> = said.filter(|it| !it.is_empty()).chain(calls).collect();
        return terminal::short(&whole.join(" · "), 160);
    }
    let tool = side["tool"].as_str().unwrap_or_default();
    terminal::short(&format!("{tool} {}", side["arguments"]), 160)
}

fn ending(end: &Value) -> String {
    let state = end["state"].as_str().unwrap_or("?");
    let more = match (end["code"].as_str(), &end["answer"]) {
        (Some(code), _) => {
            let message = end["message"].as_str().unwrap_or_default();
            format!(" ({code}: {message})")
        }
        (None, Value::String(answer)) => format!(": {answer}"),
        (None, Value::Null) => String::new(),
        (None, other) => format!(": {other}"),
    };
    terminal::short(&format!("{state}{more}"), 240)
}

fn totals(of: &Value) -> String {
    let count = |name: &str| of[name].as_u64().unwrap_or(0);
    let served = of["served"].as_array().into_iter().flatten();
    let served: Vec<&str> = served.filter_map(Value::as_str).collect();
    let unpriced = match count("unpriced") {
        0 => String::new(),
        some => format!(" ({some} without a price)"),
    };
    terminal::short(
        &format!(
            "{} questions, {}{unpriced}, {} tokens in, {} out  {}",
            count("questions"),
            dollars(count("cost_usd_micros")),
            count("input_tokens"),
            count("output_tokens"),
            served.join(", "),
        ),
        200,
    )
}

fn dollars(micros: u64) -> String {
    format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_ways_stand_side_by_side() {
        let model = |cost: i64| {
            json!({"questions": 1, "unpriced": 0, "cost_usd_micros": cost,
            "input_tokens": 10, "output_tokens": 5, "served": ["fake/one"]})
        };
        let report = json!({"identical": false, "entries": 9,
            "first_divergence": {"run_seq": 6, "kind": "tool.executed", "step": 3},
            "steps": [
                {"step": 3, "tool": "model.call", "outcome": "asked", "same": false,
                    "recorded": {"tool": "model.call", "said": {"text": "Milk.", "calls": [], "stop": "done"}},
                    "replayed": {"tool": "model.call", "said": {"text": "", "stop": "tool_use",
                        "calls": [["file_read", {"path": "a"}]]}}},
                {"step": 4, "tool": "file.read", "outcome": "missing", "same": false, "recorded": null,
                    "replayed": {"tool": "file.read", "arguments": {"path": "a"}}},
            ],
            "end": {"recorded": {"state": "succeeded", "answer": "Milk."},
                "replayed": {"state": "stopped", "code": "NOT_IN_RECORD", "message": "no result"}},
            "models": {"recorded": model(14), "replayed": model(6), "asked": model(6),
                "difference": {"cost_usd_micros": -8, "input_tokens": 0, "output_tokens": 2}},
        });
        let expected = "  3  model.call    asked       ≠
     then  Milk.
     now   file_read {\"path\":\"a\"}
  4  file.read     missing     ≠
     then  –
     now   file.read {\"path\":\"a\"}
✗ it goes another way at entry 6, step 3
     then  succeeded: Milk.
     now   stopped (NOT_IN_RECORD: no result)
  then   1 questions, $0.000014, 10 tokens in, 5 out  fake/one
  now    1 questions, $0.000006, 10 tokens in, 5 out  fake/one
  spent  1 questions, $0.000006, 10 tokens in, 5 out  fake/one
  change -$0.000008, +0 tokens in, +2 out";
        assert_eq!(view(Style::PLAIN, &report), expected);
    }
}
