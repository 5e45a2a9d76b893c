//! The steps of a run, a line each as soon as it is decided, and a line below when it is over.

use std::collections::{BTreeMap, BTreeSet};

use crate::follow::Event;
use crate::render::target;
use crate::terminal::{self, Style, Tone};

/// How wide the column with the target is.
const TARGET_CHARS: usize = 46;

/// What is known of the steps that were shown.
#[derive(Debug)]
pub struct Steps {
    style: Style,
    tools: BTreeMap<u64, (String, String)>,
    asked: BTreeSet<u64>,
    denied: BTreeSet<u64>,
    /// Steps of which it was said that a person approved them.
    approved: BTreeSet<u64>,
}

impl Steps {
    /// Nothing yet.
    pub fn new(style: Style) -> Self {
        let (asked, denied, approved) = Default::default();
        Self {
            style,
            tools: BTreeMap::new(),
            asked,
            denied,
            approved,
        }
    }

    /// The lines that an event adds, if any.
    pub fn lines(&mut self, event: &Event) -> Vec<String> {
        let step = event.step().unwrap_or(0);
        match event.kind.as_str() {
            "tool.intended" => {
                let tool = event.text("tool").unwrap_or("?").to_owned();
                self.tools
                    .insert(step, (tool, target::line(event.fact("target"))));
                Vec::new()
            }
            "policy.decided" => self.decided(step, event),
            "approval.granted" | "approval.spent" => self.approved(step, event),
            "approval.expired" if event.fact("withdrawn") == true => Vec::new(),
            "approval.expired" => {
                self.denied.insert(step);
                vec![self.below(Tone::Bad, "nobody answered in time, which is a no")]
            }
            "approval.denied" => {
                self.denied.insert(step);
                vec![self.below(Tone::Bad, "a person denied it")]
            }
            "tool.executed" => vec![self.below(Tone::Dim, &executed(event))],
            "tool.failed" if self.looked_for_a_guide(step, event) => {
                vec![self.below(Tone::Dim, "there is none")]
            }
            "tool.failed" => vec![self.below(Tone::Bad, &failed(event))],
            "tool.denied" => self.tool_denied(step, event),
            "tool.outcome_unknown" => vec![self.below(
                Tone::Ask,
                "nobody knows whether this happened; somebody has to look and say what to do",
            )],
            "tool.resolved" => {
                let decision = event.text("decision").unwrap_or("resolved");
                vec![self.below(
                    Tone::Dim,
                    &format!("a person decided: {}", terminal::short(decision, 40)),
                )]
            }
            "child.started" => {
                let child = event.text("child").unwrap_or("another run");
                vec![self.below(Tone::Dim, &format!("in {}", terminal::short(child, 60)))]
            }
            "timer.set" => {
                let until = terminal::instant(event.text("until").unwrap_or_default());
                vec![self.head(step, "wait", &format!("until {until}"), "")]
            }
            "run.waiting" => waiting(event)
                .map(|text| self.below(Tone::Dim, text))
                .into_iter()
                .collect(),
            "run.cancel_requested" => vec![self.below(Tone::Ask, "somebody asked to end this run")],
            _ => Vec::new(),
        }
    }

    /// Whether a turn looked for an `AGENTS.md` that is not there, which is no failure: few folders have
    /// one.
    fn looked_for_a_guide(&self, step: u64, event: &Event) -> bool {
        let looked = self.tools.get(&step).is_some_and(|(tool, target)| {
            tool == "file.read" && target.rsplit('/').next() == Some("AGENTS.md")
        });
        looked && event.text("code") == Some("NOT_FOUND")
    }

    fn head(&self, step: u64, tool: &str, target: &str, decision: &str) -> String {
        let target = terminal::short(target, TARGET_CHARS);
        let tool = terminal::short(tool, 24);
        let line = format!("{step:>3}  {tool:<13} {target:<TARGET_CHARS$}  {decision}");
        line.trim_end().to_owned()
    }

    fn below(&self, tone: Tone, text: &str) -> String {
        format!("     {}", self.style.paint(tone, &format!("↳ {text}")))
    }

    fn decided(&mut self, step: u64, event: &Event) -> Vec<String> {
        let (tool, target) = self.tools.get(&step).cloned().unwrap_or_default();
        let reason = event.text("reason").unwrap_or_default();
        let verdict = event.text("verdict");
        // After an answer the policies are asked once more, and usually say the same.
        if verdict == Some("require_approval") && !self.asked.insert(step) {
            return Vec::new();
        }
        let (tone, word, explain) = match verdict {
            Some("allow") => (Tone::Good, "✓ allowed", false),
            Some("require_approval") => (Tone::Ask, "? asks", true),
            Some(_) | None => (Tone::Bad, "✗ denied", true),
        };
        let mut lines = vec![self.head(step, &tool, &target, &self.style.paint(tone, word))];
        if explain && !reason.is_empty() {
            lines.push(self.below(tone, &terminal::short(reason, 400)));
        }
        if tone == Tone::Bad {
            self.denied.insert(step);
            lines.extend(self.fix(event));
        }
        lines
    }

    fn approved(&mut self, step: u64, event: &Event) -> Vec<String> {
        if !self.approved.insert(step) {
            return Vec::new();
        }
        let text = match event.fact("grant").is_null() || event.kind == "approval.granted" {
            true => granted(event),
            false => "covered by an earlier approval".to_owned(),
        };
        vec![self.below(Tone::Good, &text)]
    }

    fn tool_denied(&self, step: u64, event: &Event) -> Vec<String> {
        if self.denied.contains(&step) {
            return Vec::new();
        }
        let why = match event.text("code") {
            Some("APPROVAL_DENIED") => "a person denied it",
            Some("APPROVAL_EXPIRED") => "nobody answered in time, which is a no",
            Some("APPROVAL_MISMATCH") => "the approval is for something else",
            Some(other) => other,
            None => "denied",
        };
        vec![self.below(
            Tone::Bad,
            &format!("not done: {}", terminal::short(why, 400)),
        )]
    }

    /// What would have to change, with its own line ends: it may be a rule in several lines.
    fn fix(&self, event: &Event) -> Vec<String> {
        let Some(fix) = event.text("suggested_fix") else {
            return Vec::new();
        };
        let fix = terminal::clean(fix);
        let mut lines = fix
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty());
        let first = lines
            .next()
            .map(|line| self.style.paint(Tone::Dim, &format!("       fix: {line}")));
        let rest = lines.map(|line| self.style.paint(Tone::Dim, &format!("            {line}")));
        first.into_iter().chain(rest).collect()
    }
}

fn granted(event: &Event) -> String {
    match event.text("scope") {
        Some("run") => "approved for this run".to_owned(),
        Some("standing") => {
            let allows = event.text("allows").unwrap_or("actions like this one");
            format!("approved from now on: {}", terminal::short(allows, 200))
        }
        Some("once") => "approved once".to_owned(),
        Some(_) | None => "approved".to_owned(),
    }
}

fn executed(event: &Event) -> String {
    let mut text = "done".to_owned();
    if let Some(took) = event.fact("duration_ms").as_u64() {
        text.push_str(" in ");
        text.push_str(&terminal::millis(took));
    }
    if event.fact("truncated").as_bool() == Some(true) {
        text.push_str(", output cut to its limit");
    }
    text
}

fn failed(event: &Event) -> String {
    match event.text("code") {
        Some(code) => format!("failed: {}", terminal::short(code, 60)),
        None => "failed".to_owned(),
    }
}

fn waiting(event: &Event) -> Option<&'static str> {
    match event.text("for")? {
        "node" => Some("waits for a node"),
        "signal" => Some("waits for a signal"),
        // What else there is to wait for is said where it begins.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(kind: &str, data: Value) -> Event {
        Event {
            kind: kind.into(),
            whole: json!({"kind": kind, "data": data}),
        }
    }

    fn shown(events: &[Event]) -> String {
        let mut steps = Steps::new(Style::PLAIN);
        let lines: Vec<String> = events.iter().flat_map(|event| steps.lines(event)).collect();
        lines.join("\n")
    }

    #[test]
    fn a_run_reads_as_aligned_steps_with_their_decisions() {
        let file = |path: &str| json!({"kind": "file", "path": path, "workspace": "default"});
        let fetch = json!({"kind": "http", "method": "GET", "scheme": "http", "host": "10.0.0.1", "port": 80, "path": "/"});
        let shown = shown(&[
            event("run.started", json!({})),
            event(
                "tool.intended",
                json!({"step": 1, "tool": "file.read", "target": file("notes/todo.md")}),
            ),
            event(
                "policy.decided",
                json!({"step": 1, "verdict": "allow", "reason": "x"}),
            ),
            event("capability.issued", json!({"step": 1})),
            event("tool.executed", json!({"step": 1, "duration_ms": 12})),
            event(
                "tool.intended",
                json!({"step": 2, "tool": "http.fetch", "target": fetch}),
            ),
            event(
                "policy.decided",
                json!({"step": 2, "verdict": "deny", "reason": "no rule permits it",
                "suggested_fix": "permit (\n  principal,\n  action\n);"}),
            ),
            event("tool.denied", json!({"step": 2, "code": "POLICY_DENIED"})),
            event(
                "tool.intended",
                json!({"step": 3, "tool": "file.write", "target": file("a.md")}),
            ),
            event(
                "policy.decided",
                json!({"step": 3, "verdict": "require_approval", "reason": "writes are asked for"}),
            ),
            event(
                "approval.requested",
                json!({"step": 3, "approval": "apr_x"}),
            ),
            event("approval.granted", json!({"step": 3, "scope": "once"})),
            event(
                "policy.decided",
                json!({"step": 3, "verdict": "require_approval", "reason": "writes are asked for"}),
            ),
            event("approval.spent", json!({"step": 3, "approval": "apr_x"})),
            event("tool.failed", json!({"step": 3, "code": "NOT_FOUND"})),
        ]);
        let expected =
            "  1  file.read     notes/todo.md                                   ✓ allowed
     ↳ done in 12 ms
  2  http.fetch    GET http://10.0.0.1/                            ✗ denied
     ↳ no rule permits it
       fix: permit (
              principal,
              action
            );
  3  file.write    a.md                                            ? asks
     ↳ writes are asked for
     ↳ approved once
     ↳ failed: NOT_FOUND";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_folder_without_a_guide_is_no_failure() {
        let read = |path: &str, code: &str| {
            let target = json!({"kind": "file", "path": path, "workspace": "demo"});
            shown(&[
                event(
                    "tool.intended",
                    json!({"step": 1, "tool": "file.read", "target": target}),
                ),
                event("tool.failed", json!({"step": 1, "code": code})),
            ])
        };
        for there in ["AGENTS.md", "notes/AGENTS.md"] {
            assert_eq!(read(there, "NOT_FOUND"), "     ↳ there is none");
        }
        for (path, code) in [
            ("AGENTS.md", "PERMISSION_DENIED"),
            ("notes/todo.md", "NOT_FOUND"),
            ("NOT-AGENTS.md", "NOT_FOUND"),
        ] {
            assert_eq!(read(path, code), format!("     ↳ failed: {code}"));
        }
    }

    #[test]
    fn a_decision_that_is_not_known_looks_like_a_denial() {
        assert!(
            shown(&[event(
                "policy.decided",
                json!({"step": 1, "verdict": "perhaps"})
            )])
            .contains("✗ denied")
        );
    }

    #[test]
    fn texts_of_tools_can_not_steer_the_terminal() {
        let shown = shown(&[
            event(
                "tool.intended",
                json!({"step": 1, "tool": "x\x1b[2J", "target": {"kind": "process", "command": "a\x1b]0;b\x07"}}),
            ),
            event(
                "policy.decided",
                json!({"step": 1, "verdict": "deny", "reason": "\x1b[1A", "suggested_fix": "\x1b[1A"}),
            ),
        ]);
        assert!(
            !shown.contains('\x1b') && !shown.contains('\x07'),
            "{shown:?}"
        );
    }
}
