//! A journal as people read it: step by step, what was asked, what was decided, and what came of it.
//!
//! It is read from the entries alone, without the run's program, so a journal whose program is unknown
//! here can still be looked at. What an entry does not say is absent, and not guessed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::{Map, Value};
use tools::ToolResult;
use vocab::{EventKind, Timestamp};

use crate::fold::Entry;
use crate::program::MODEL_CALL;
use crate::store::StoredEntry;

/// One step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStep {
    /// Its number, from 1.
    pub number: u32,
    /// How far it has come.
    pub state: StepState,
    /// The tool; none for a step that waits, or assembles a context.
    pub tool: Option<String>,
    /// What it acts on.
    pub target: Option<Value>,
    /// The exact arguments.
    pub arguments: Option<Value>,
    /// What the policies decided.
    pub decision: Option<Value>,
    /// The last request for approval, and what became of it.
    pub approval: Option<Value>,
    /// How often it was attempted.
    pub attempts: u32,
    /// The node of the last attempt.
    pub node: Option<String>,
    /// What came of it.
    pub result: Option<ToolResult>,
    /// The run that does it.
    pub child: Option<String>,
    /// When its first entry was written.
    pub began_at: Timestamp,
    /// When its last one was, once it is over.
    pub ended_at: Option<Timestamp>,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum StepState {
    Intended,
    Asked,
    Underway,
    Waiting,
    Unknown,
    Succeeded,
    Failed,
    Denied,
    /// The run ended before it did.
    Abandoned,
}

impl StepState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Asked => "asked",
            Self::Underway => "underway",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Abandoned => "abandoned",
        }
    }

    const fn is_over(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Denied | Self::Abandoned => true,
            Self::Intended | Self::Asked | Self::Underway | Self::Waiting | Self::Unknown => false,
        }
    }
}

/// Leaves in a journal what is said of the first steps after a number, and, without its contents, of
/// the run itself.
pub(crate) fn keep(journal: &mut Vec<StoredEntry>, after: u32, limit: usize) {
    let numbers = journal.iter().filter_map(|it| step_of(&it.data));
    let later: BTreeSet<u32> = numbers.filter(|number| *number > after).collect();
    let last = later.iter().take(limit).next_back().copied();
    journal.retain_mut(|it| match step_of(&it.data) {
        Some(number) => number > after && last.is_some_and(|last| number <= last),
        None => {
            it.content.clear();
            true
        }
    });
}

fn step_of(data: &Map<String, Value>) -> Option<u32> {
    let number = data.get("step").and_then(Value::as_u64)?;
    u32::try_from(number).ok()
}

/// The steps that a journal tells of, in order.
pub(crate) fn steps(entries: Vec<(Timestamp, Entry)>) -> Vec<RunStep> {
    let mut steps: BTreeMap<u32, RunStep> = BTreeMap::new();
    for (at, entry) in entries {
        if ends_the_run(entry.kind) {
            for step in steps.values_mut().filter(|step| !step.state.is_over()) {
                // What nobody knows nobody knows later either.
                if step.state != StepState::Unknown {
                    step.state = StepState::Abandoned;
                }
                step.ended_at = Some(at);
            }
        }
        let Some(number) = step_of(&entry.data) else {
            continue;
        };
        steps
            .entry(number)
            .or_insert_with(|| RunStep::new(number, at))
            .take(at, entry);
    }
    steps.into_values().collect()
}

const fn ends_the_run(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::RunSucceeded | EventKind::RunFailed | EventKind::RunCancelled
    )
}

impl RunStep {
    const fn new(number: u32, began_at: Timestamp) -> Self {
        Self {
            number,
            state: StepState::Intended,
            tool: None,
            target: None,
            arguments: None,
            decision: None,
            approval: None,
            attempts: 0,
            node: None,
            result: None,
            child: None,
            began_at,
            ended_at: None,
        }
    }

    /// Whether it asks a model: its arguments repeat everything that was said before.
    #[must_use]
    pub fn asks_a_model(&self) -> bool {
        self.tool.as_deref() == Some(MODEL_CALL)
    }

    fn take(&mut self, at: Timestamp, entry: Entry) {
        let Entry {
            kind,
            mut data,
            body,
        } = entry;
        let text = |data: &Map<String, Value>, name: &str| {
            data.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        if self.tool.is_none() {
            self.tool = text(&data, "tool");
        }
        let state = match kind {
            EventKind::ToolIntended => {
                self.target = data.remove("target");
                self.arguments = body;
                StepState::Intended
            }
            EventKind::PolicyDecided => {
                // The question repeats what the step says by itself.
                for name in ["question", "step"] {
                    data.remove(name);
                }
                self.decision = Some(Value::Object(data));
                self.state
            }
            EventKind::ApprovalRequested
            | EventKind::ApprovalGranted
            | EventKind::ApprovalDenied
            | EventKind::ApprovalExpired
            | EventKind::ApprovalSpent => {
                data.remove("step");
                self.asked(data);
                match kind {
                    EventKind::ApprovalRequested => StepState::Asked,
                    _ => self.state,
                }
            }
            EventKind::CapabilityIssued => {
                self.attempts += 1;
                self.node = text(&data, "node");
                StepState::Underway
            }
            EventKind::ToolExecuted => self.over(body, StepState::Succeeded),
            EventKind::ToolFailed => self.over(body, StepState::Failed),
            EventKind::ToolDenied => self.over(body, StepState::Denied),
            EventKind::ToolOutcomeUnknown => StepState::Unknown,
            EventKind::ChildStarted => {
                self.child = text(&data, "child").or_else(|| text(&data, "run"));
                StepState::Underway
            }
            // A person has said what came of it: what is said next is an attempt or an end.
            EventKind::ToolResolved => StepState::Intended,
            EventKind::TimerSet => StepState::Waiting,
            EventKind::ContextAssembled | EventKind::TimerFired | EventKind::SignalReceived => {
                StepState::Succeeded
            }
            _ => self.state,
        };
        self.state = state;
        self.ended_at = state.is_over().then_some(at);
    }

    /// What is said of an approval later adds to what was said when it was asked for.
    fn asked(&mut self, data: Map<String, Value>) {
        match &mut self.approval {
            Some(Value::Object(known)) => known.extend(data),
            _ => self.approval = Some(Value::Object(data)),
        }
    }

    fn over(&mut self, body: Option<Value>, state: StepState) -> StepState {
        self.result = body.and_then(|body| ToolResult::deserialize(body).ok());
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(kind: EventKind, data: Value, body: Option<Value>) -> (Timestamp, Entry) {
        let Value::Object(data) = data else {
            panic!("an object");
        };
        (
            "2026-01-01T00:00:00Z".parse().unwrap(),
            Entry { kind, data, body },
        )
    }

    #[test]
    fn a_step_that_its_run_left_behind_is_over_with_it() {
        let begun = |step: u32, kind: EventKind| {
            [
                entry(
                    EventKind::ToolIntended,
                    json!({"step": step, "tool": "noop"}),
                    None,
                ),
                entry(kind, json!({"step": step}), None),
            ]
        };
        for end in [
            EventKind::RunCancelled,
            EventKind::RunFailed,
            EventKind::RunSucceeded,
        ] {
            let entries = [
                begun(1, EventKind::ToolExecuted),
                begun(2, EventKind::ApprovalRequested),
                begun(3, EventKind::ToolOutcomeUnknown),
            ];
            let mut entries = entries.concat();
            let open: Vec<StepState> = steps(entries.clone()).iter().map(|it| it.state).collect();
            assert_eq!(
                open,
                [StepState::Succeeded, StepState::Asked, StepState::Unknown]
            );
            entries.push(entry(end, json!({}), None));
            let steps = steps(entries);
            let states: Vec<StepState> = steps.iter().map(|it| it.state).collect();
            assert_eq!(
                states,
                [
                    StepState::Succeeded,
                    StepState::Abandoned,
                    StepState::Unknown
                ]
            );
            assert!(steps.iter().all(|it| it.ended_at.is_some()));
        }
    }

    #[test]
    fn an_outcome_that_somebody_said_is_no_longer_unknown() {
        let of = |kind| entry(kind, json!({"step": 1}), None);
        let entries = vec![
            of(EventKind::ToolIntended),
            of(EventKind::ToolOutcomeUnknown),
            of(EventKind::ToolResolved),
        ];
        assert_eq!(steps(entries)[0].state, StepState::Intended);
    }

    #[test]
    fn a_page_keeps_its_own_steps_and_what_is_about_the_run() {
        let stored = |kind, data: Value| StoredEntry {
            kind,
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            data: data.as_object().unwrap().clone(),
            content: Vec::new(),
        };
        let of = |step: u32| stored(EventKind::ToolIntended, json!({ "step": step }));
        let run = |kind| stored(kind, json!({}));
        let kept = |after, limit| {
            let steps = [1, 2, 2, 4, 9].map(of);
            let mut journal = vec![run(EventKind::RunStarted)];
            journal.extend(steps);
            journal.push(run(EventKind::RunSucceeded));
            keep(&mut journal, after, limit);
            assert_eq!(
                journal
                    .iter()
                    .filter(|it| step_of(&it.data).is_none())
                    .count(),
                2
            );
            journal
                .iter()
                .filter_map(|it| step_of(&it.data))
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(0, 2), [1, 2, 2]);
        assert_eq!(kept(2, 2), [4, 9]);
        assert_eq!(kept(2, 1), [4]);
        assert_eq!(kept(9, 5), [0; 0]);
        assert_eq!(kept(0, 100), [1, 2, 2, 4, 9]);
    }

    #[test]
    fn a_step_gathers_what_its_entries_say() {
        let entries = vec![
            entry(EventKind::RunStarted, json!({}), None),
            entry(
                EventKind::ToolIntended,
                json!({"step": 1, "tool": "file.write", "target": {"kind": "file"}}),
                Some(json!({"path": "a"})),
            ),
            entry(
                EventKind::PolicyDecided,
                json!({"step": 1, "verdict": "require_approval", "reason": "ask", "question": {}}),
                None,
            ),
            entry(
                EventKind::ApprovalRequested,
                json!({"step": 1, "approval": "apr_1"}),
                None,
            ),
            entry(
                EventKind::ToolIntended,
                json!({"step": 2, "tool": "noop"}),
                None,
            ),
            entry(
                EventKind::ApprovalGranted,
                json!({"step": 1, "scope": "once"}),
                None,
            ),
            entry(EventKind::CapabilityIssued, json!({"step": 1}), None),
            entry(
                EventKind::ToolExecuted,
                json!({"step": 1, "duration_ms": 3}),
                Some(json!({"ok": true, "output": "written"})),
            ),
        ];
        let [first, second] = &steps(entries)[..] else {
            panic!("two steps");
        };
        assert_eq!(first.state, StepState::Succeeded);
        assert_eq!(first.arguments, Some(json!({"path": "a"})));
        assert_eq!(
            first.decision,
            Some(json!({"verdict": "require_approval", "reason": "ask"}))
        );
        assert_eq!(
            first.approval,
            Some(json!({"approval": "apr_1", "scope": "once"}))
        );
        assert_eq!(first.attempts, 1);
        assert_eq!(
            first.result.as_ref().unwrap().output,
            Some(json!("written"))
        );
        assert!(first.ended_at.is_some());
        assert_eq!(second.state, StepState::Intended);
        assert_eq!(second.ended_at, None);
    }
}
