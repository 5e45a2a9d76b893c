//! Replay: folding a recorded run again, and asking where it would have gone differently.
//!
//! Nothing is executed and nothing is sent. The program is built from the recorded input, the
//! recorded outcomes are fed to it, and at every entry that does not come from outside (an intent, a
//! decision, a timer, the end) what the engine would write now is compared, byte for byte in
//! canonical form, with what it wrote then. With changes, the decisions are taken by other policies,
//! or an outcome is another, and the first entry that would differ is named.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use db::OrgContext;
use policy::{HasRead, PolicySet, PolicySource, Question, Verdict};
use serde::Serialize;
use serde_json::{Map, Value, json};
use vocab::{Digest, EventKind, Timestamp, canonical};

use crate::engine::Engine;
use crate::error::RunError;
use crate::fold::{About, Entry, Fold};
use crate::model::Run;
use crate::program::{Effect, Finish, Input, Next, ToolResult};

/// What is to be other than it was.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Policies that decide instead of those that were in force.
    pub policies: Option<Vec<PolicySource>>,
    /// Instructions of the agent.
    pub instructions: Option<String>,
    /// Results of tools, by step.
    pub tool_results: BTreeMap<u32, ToolResult>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.policies.is_none() && self.instructions.is_none() && self.tool_results.is_empty()
    }
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether everything that could be compared is the same, to the byte.
    pub identical: bool,
    /// How many entries the run has.
    pub entries: u32,
    /// How many of them were computed anew and compared.
    pub compared: u32,
    /// SHA-256 over the canonical forms of the compared entries as they were recorded.
    pub recorded_digest: Digest,
    /// The same over what was computed now.
    pub replayed_digest: Digest,
    /// The first entry that differs.
    pub first_divergence: Option<Divergence>,
    /// The steps, with what was and what would be.
    pub steps: Vec<StepReport>,
    /// How many outside effects the replay had. It is zero because a replay has no way to have one.
    pub outside_effects: u32,
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Divergence {
    /// The entry, from 1.
    pub run_seq: u32,
    /// Its kind.
    pub kind: &'static str,
    /// The step, where it belongs to one.
    pub step: Option<u32>,
    /// What was recorded.
    pub recorded: Value,
    /// What would be.
    pub replayed: Value,
}

/// One step of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// Its number.
    pub step: u32,
    /// The tool.
    pub tool: String,
    /// What was decided.
    pub recorded: Option<String>,
    /// What would be decided.
    pub replayed: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// `recorded` while the outcome is the recorded one, `simulated` where it follows from the
    /// changes, `unknown` where only execution could tell.
    pub outcome: &'static str,
}

impl Engine {
    /// Replays a run, from its first entry or from a later one.
    ///
    /// # Errors
    /// The journal or its contents can't be read, or the changed policies do not compile.
    pub async fn replay(
        &self,
        ctx: &OrgContext,
        run: &Run,
        changes: &Changes,
        from_seq: u32,
    ) -> Result<Report, RunError> {
        let mut input = self.input(ctx, run).await?;
        if let (Some(new), Input::AgentTurn { agent, .. }) = (&changes.instructions, &mut input) {
            agent.instructions.clone_from(new);
        }
        let entries = self.entries(ctx, run).await?;
        let candidate = match &changes.policies {
            Some(sources) => Some(PolicySet::compile(sources).map_err(RunError::Policies)?),
            None => None,
        };
        let sets = self.sets_of(ctx, &entries).await?;
        let about = About {
            org: run.org,
            run: run.id,
            agent: run.agent,
        };
        let mut replay = Replay {
            fold: Fold::new((self.0.programs)(&input)),
            about,
            sets,
            candidate,
            changes,
            from_seq,
            recorded: Vec::new(),
            replayed: Vec::new(),
            compared: 0,
            divergence: None,
            steps: Vec::new(),
        };
        for (seq, (_, entry)) in (1..).zip(&entries) {
            replay.entry(seq, entry)?;
            if replay.divergence.is_some() && !changes.is_empty() {
                break;
            }
        }
        Ok(replay.report(u32::try_from(entries.len()).unwrap_or(u32::MAX)))
    }

    /// The policies of each revision that the journal names.
    async fn sets_of(
        &self,
        ctx: &OrgContext,
        entries: &[(Timestamp, Entry)],
    ) -> Result<BTreeMap<String, Arc<PolicySet>>, RunError> {
        let mut sets = BTreeMap::new();
        for (_, entry) in entries
            .iter()
            .filter(|(_, it)| it.kind == EventKind::PolicyDecided)
        {
            let Some(revision) = entry.data.get("revision").and_then(Value::as_str) else {
                continue;
            };
            if sets.contains_key(revision) {
                continue;
            }
            let Ok(digest) = revision.parse::<Digest>() else {
                continue;
            };
            let in_force = self.0.road.policies().of_revision(ctx, digest).await;
            let in_force = in_force.map_err(tools::RoadError::Policies)?;
            sets.insert(revision.to_owned(), in_force.set);
        }
        Ok(sets)
    }
}

struct Replay<'a> {
    fold: Fold,
    about: About,
    sets: BTreeMap<String, Arc<PolicySet>>,
    candidate: Option<PolicySet>,
    changes: &'a Changes,
    from_seq: u32,
    recorded: Vec<u8>,
    replayed: Vec<u8>,
    compared: u32,
    divergence: Option<Divergence>,
    steps: Vec<StepReport>,
}

impl Replay<'_> {
    fn entry(&mut self, seq: u32, entry: &Entry) -> Result<(), RunError> {
        let computed = self.compute(seq, entry);
        if let Some((data, body)) = computed {
            self.compare(seq, entry, &data, body.as_ref());
        }
        let mut fed = Cow::Borrowed(entry);
        if let Some(step) = step_of(&entry.data)
            && ends_a_tool(entry.kind)
        {
            let changed = self
                .changes
                .tool_results
                .get(&step)
                .filter(|_| seq >= self.from_seq);
            if let Some(result) = changed {
                fed.to_mut().body = serde_json::to_value(result).ok();
            }
            if let Some(report) = self.steps.iter_mut().find(|it| it.step == step) {
                report.outcome = if changed.is_some() {
                    "simulated"
                } else {
                    "recorded"
                };
            }
        }
        self.fold.apply(self.about, &fed)?;
        Ok(())
    }

    /// What the engine would write here now; `None` for what comes from outside.
    fn compute(&mut self, seq: u32, entry: &Entry) -> Option<(Map<String, Value>, Option<Value>)> {
        match entry.kind {
            EventKind::ToolIntended => Some(self.intent(entry)),
            EventKind::PolicyDecided => Some((self.decision(seq, entry), None)),
            EventKind::RunSucceeded | EventKind::RunFailed => Some(self.end(entry)),
            EventKind::ToolFailed if self.fold.refuses_a_call(entry) => {
                Some((self.refusal(entry), entry.body.clone()))
            }
            EventKind::TimerSet => {
                let wanted = self.wanted(step_of(&entry.data)?);
                let data = match wanted {
                    Some(Effect::Timer { .. }) => entry.data.clone(),
                    other => mismatch(other),
                };
                Some((data, None))
            }
            _ => None,
        }
    }

    fn wanted(&self, step: u32) -> Option<Effect> {
        match self.fold.next() {
            Next::Perform(wanted) => wanted
                .into_iter()
                .find(|it| it.step == step)
                .map(|it| it.effect),
            Next::Finish(_) => None,
        }
    }

    fn intent(&mut self, entry: &Entry) -> (Map<String, Value>, Option<Value>) {
        let step = step_of(&entry.data).unwrap_or_default();
        let (tool, arguments) = match self.wanted(step) {
            Some(Effect::Tool { tool, arguments }) => (tool, arguments),
            other => return (mismatch(other), None),
        };
        self.report_step(step, &tool);
        // The target follows from the tool and its arguments; the digest binds all three.
        let intent = serde_json::from_value(entry.data.get("target").cloned().unwrap_or_default())
            .ok()
            .map(|target| vocab::Intent {
                org: self.about.org,
                run: self.about.run,
                step,
                agent: self.about.agent,
                tool: tool.clone(),
                arguments: arguments.clone(),
                target,
            });
        let mut data = entry.data.clone();
        data.insert("tool".to_owned(), Value::String(tool));
        let digest = intent.and_then(|intent| intent.digest().ok());
        data.insert("intent".to_owned(), json!(digest));
        (data, Some(arguments))
    }

    /// A call that did not fit its tool: which tool is the program's doing, that it did not fit is
    /// the record's.
    fn refusal(&mut self, entry: &Entry) -> Map<String, Value> {
        let step = step_of(&entry.data).unwrap_or_default();
        let tool = match self.wanted(step) {
            Some(Effect::Tool { tool, .. }) => tool,
            other => return mismatch(other),
        };
        self.report_step(step, &tool);
        let mut data = entry.data.clone();
        data.insert("tool".to_owned(), Value::String(tool));
        data
    }

    fn report_step(&mut self, step: u32, tool: &str) {
        self.steps.push(StepReport {
            step,
            tool: tool.to_owned(),
            recorded: None,
            replayed: None,
            reason: None,
            outcome: "unknown",
        });
    }

    fn decision(&mut self, seq: u32, entry: &Entry) -> Map<String, Value> {
        let step = step_of(&entry.data).unwrap_or_default();
        let text = |name: &str| {
            entry
                .data
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let question: Option<Question> = entry
            .data
            .get("question")
            .and_then(|question| serde_json::from_value(question.clone()).ok());
        let candidate = self.candidate.as_ref().filter(|_| seq >= self.from_seq);
        let recorded_set = text("revision").and_then(|it| self.sets.get(&it).map(Arc::as_ref));
        let Some((set, question)) = candidate.or(recorded_set).zip(question) else {
            return Map::new();
        };
        let decision = set.decide(&question);
        let determining: Vec<String> = decision
            .determining
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut data = entry.data.clone();
        data.insert("verdict".to_owned(), json!(decision.verdict.as_str()));
        // Under other policies the names and the revision differ by nature; what counts is the
        // verdict. Under the recorded ones everything must be the same.
        if candidate.is_none() {
            data.insert("determining".to_owned(), json!(determining));
            data.insert("reason".to_owned(), json!(decision.reason));
            data.insert("risk".to_owned(), json!(decision.risk));
            data.insert("revision".to_owned(), json!(set.revision()));
            match &decision.suggested_fix {
                Some(fix) => drop(data.insert("suggested_fix".to_owned(), json!(fix))),
                None => drop(data.remove("suggested_fix")),
            }
        }
        if let Some(report) = self.steps.iter_mut().find(|it| it.step == step) {
            report.recorded = text("verdict");
            report.replayed = Some(decision.verdict.as_str().to_owned());
            report.reason = Some(decision.reason.clone());
            report.outcome = match decision.verdict {
                Verdict::Deny if text("verdict").as_deref() != Some("deny") => "simulated",
                Verdict::Deny | Verdict::Allow | Verdict::RequireApproval { .. } => "recorded",
            };
        }
        data
    }

    fn end(&self, entry: &Entry) -> (Map<String, Value>, Option<Value>) {
        match (self.fold.next(), entry.kind) {
            (Next::Finish(Finish::Succeeded { answer }), EventKind::RunSucceeded) => {
                let mut data = Map::new();
                data.insert("steps".to_owned(), json!(self.fold.steps_over()));
                if self.fold.has_read() != HasRead::default() {
                    data.insert("has_read".to_owned(), json!(self.fold.has_read()));
                }
                (data, Some(answer))
            }
            (Next::Finish(Finish::Failed(failure)), EventKind::RunFailed) => {
                let data = json!({
                    "code": failure.code, "at": failure.at, "retryable": failure.retryable,
                });
                let body = json!({ "message": failure.message });
                (data.as_object().cloned().unwrap_or_default(), Some(body))
            }
            // The platform ended it (too long, a person's decision): the record is the reason.
            (Next::Perform(_), EventKind::RunFailed) => (entry.data.clone(), entry.body.clone()),
            (next, _) => {
                let mut data = Map::new();
                data.insert("would".to_owned(), Value::String(format!("{next:?}")));
                (data, None)
            }
        }
    }

    fn compare(
        &mut self,
        seq: u32,
        entry: &Entry,
        data: &Map<String, Value>,
        body: Option<&Value>,
    ) {
        let kind = entry.kind.as_str();
        // What has no canonical form is compared as it is.
        let bytes = |data: &Map<String, Value>, body: Option<&Value>| {
            let whole = json!({ "kind": kind, "data": data, "body": body });
            canonical::to_string(&whole).unwrap_or_default()
        };
        let was = bytes(&entry.data, entry.body.as_ref());
        // Equal documents have one canonical form.
        let same = *data == entry.data && body == entry.body.as_ref();
        let is = (!same).then(|| bytes(data, body));
        let is = is.as_ref().unwrap_or(&was);
        self.compared += 1;
        self.recorded.extend_from_slice(was.as_bytes());
        self.replayed.extend_from_slice(is.as_bytes());
        let differs = !same && (was.is_empty() || was != *is);
        if differs && self.divergence.is_none() {
            self.divergence = Some(Divergence {
                run_seq: seq,
                kind,
                step: step_of(&entry.data),
                recorded: Value::Object(without_question(&entry.data)),
                replayed: Value::Object(without_question(data)),
            });
        }
    }

    fn report(self, entries: u32) -> Report {
        Report {
            identical: self.divergence.is_none(),
            entries,
            compared: self.compared,
            recorded_digest: Digest::of(&self.recorded),
            replayed_digest: Digest::of(&self.replayed),
            first_divergence: self.divergence,
            steps: self.steps,
            outside_effects: 0,
        }
    }
}

fn step_of(data: &Map<String, Value>) -> Option<u32> {
    data.get("step")
        .and_then(Value::as_u64)
        .and_then(|step| u32::try_from(step).ok())
}

const fn ends_a_tool(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::ToolExecuted | EventKind::ToolFailed | EventKind::ToolDenied
    )
}

fn mismatch(wanted: Option<Effect>) -> Map<String, Value> {
    let mut data = Map::new();
    let would = match wanted {
        Some(effect) => format!("{effect:?}"),
        None => "nothing".to_owned(),
    };
    data.insert("would_want".to_owned(), Value::String(would));
    data
}

fn without_question(data: &Map<String, Value>) -> Map<String, Value> {
    data.iter()
        .filter(|(name, _)| *name != "question")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
