//! Walking one effect one station further. Each function here is one station of the road as the
//! journal knows it; what a station decides is staged, and committed before anything is acted on.

use serde_json::{Value, json};
use tools::{Asker, Call, Ruling, Status, Surroundings, ToolResult};
use vocab::{ApprovalId, EventKind, Intent, NodeId, Timestamp, limits};

use crate::append::{Ask, Side, Staged};
use crate::engine::{Engine, Moved, Work, stuck};
use crate::error::RunError;
use crate::fold::{Action, CallFacts, Executor, Step};
use crate::model::WaitingFor;
use crate::program::{Effect, Finish, Input, MODEL_CALL, Wanted};

impl Engine {
    pub(crate) async fn walk(&self, work: &mut Work, wanted: &Wanted) -> Result<Moved, RunError> {
        let Some(step) = work.fold.step(wanted.step).cloned() else {
            return self.open_effect(work, wanted).await;
        };
        let number = wanted.step;
        match step {
            Step::Intended(action) => self.decide(work, action, None).await,
            Step::Asked {
                action,
                approval,
                expires_at,
            } => self.hear(work, action, approval, expires_at).await,
            Step::Issued {
                action,
                job,
                node,
                may_have_happened,
            } => match work.permits.get(&number) {
                Some(_) => Ok(Moved::Permitted(Box::new(action))),
                None if !may_have_happened => self.decide(work, action, None).await,
                None => self.recover(work, action, job, node).await,
            },
            Step::Unknown { action, .. } => self.resolve(work, action).await,
            Step::Child { action, child, .. } => self.child(work, &action, child).await,
            Step::Timer { until } if until <= work.ctx.now() => {
                self.stage(
                    work,
                    Staged::new(EventKind::TimerFired, json!({ "step": number })),
                )?;
                Ok(Moved::On)
            }
            Step::Timer { until } => Ok(Moved::Waits(WaitingFor::Timer { until }, Some(until))),
            Step::Signal { name } => self.signal(work, number, name).await,
            Step::Over => {
                let why = format!("the program asks for step {number} again, which is over");
                self.finish(work, Finish::Failed(stuck(&why))).await?;
                Err(RunError::Over)
            }
        }
    }

    async fn open_effect(&self, work: &mut Work, wanted: &Wanted) -> Result<Moved, RunError> {
        let step = wanted.step;
        match &wanted.effect {
            Effect::Tool { tool, arguments } => self.intend(work, step, tool, arguments).await,
            Effect::Timer { wait } => {
                let until = work.ctx.now().plus((*wait).min(limits::TIMER_MAX));
                let facts = json!({ "step": step, "until": until });
                self.stage(work, Staged::new(EventKind::TimerSet, facts))?;
                Ok(Moved::On)
            }
            Effect::Signal { name } => {
                work.fold.await_signal(step, name);
                Ok(Moved::On)
            }
            Effect::Context => self.assemble_context(work, step).await,
        }
    }

    /// What a turn begins with is read once and written down, so that a replay begins with the same.
    async fn assemble_context(&self, work: &mut Work, step: u32) -> Result<Moved, RunError> {
        let told = match &work.input {
            Input::Replay(again) => self.recorded(&work.ctx, again.run).await?,
            input @ (Input::AgentTurn { .. } | Input::Tool { .. } | Input::Summary(_)) => {
                self.0.briefing.of(&work.ctx, &work.run, input).await?
            }
        };
        let facts = json!({ "step": step, "agent_version": work.input.agent_version() });
        let mut entry = Staged::new(EventKind::ContextAssembled, facts);
        entry.data.retain(|_, value| !value.is_null());
        entry.data.extend(told.facts);
        self.stage(work, entry.read_as(told.has_read).with_body(told.known))?;
        Ok(Moved::On)
    }

    /// Station 1: the call is checked, and becomes an intent.
    async fn intend(
        &self,
        work: &mut Work,
        step: u32,
        tool: &str,
        arguments: &Value,
    ) -> Result<Moved, RunError> {
        if let Some(refusal) = not_its_tool(&work.input, tool) {
            return self.fail_call(work, step, tool, refusal);
        }
        let skill = match (tool, arguments.get("name").and_then(Value::as_str)) {
            ("skill.run" | "skill.read", Some(name)) => {
                self.0.directory.skill(&work.ctx, name).await?
            }
            _ => None,
        };
        let around = Surroundings {
            workspace: &work.run.workspace,
            skill,
        };
        let call = match self
            .0
            .road
            .intend(&work.ctx, tool, arguments, around)
            .await?
        {
            Ok(call) => call,
            Err(error) => {
                let refusal = ToolResult::failure("ARGUMENTS_INVALID", error.to_string(), false);
                return self.fail_call(work, step, tool, refusal);
            }
        };
        if let vocab::Target::Skill {
            name, digest: None, ..
        } = &call.target
        {
            let message = format!("no skill is called `{name}`");
            let refusal = ToolResult::failure("SKILL_NOT_FOUND", message, false);
            return self.fail_call(work, step, tool, refusal);
        }
        let intent = Intent {
            org: work.run.org,
            run: work.run.id,
            step,
            agent: work.run.agent,
            tool: tool.to_owned(),
            arguments: arguments.clone(),
            target: call.target.clone(),
        };
        let digest = match intent.digest() {
            Ok(digest) => digest,
            Err(error) => {
                let refusal = ToolResult::failure("ARGUMENTS_INVALID", error.to_string(), false);
                return self.fail_call(work, step, tool, refusal);
            }
        };
        let facts = CallFacts::from(&call);
        let data = json!({
            "step": step,
            "tool": tool,
            "target": intent.target,
            "intent": digest,
            "action": facts.action,
            "executor": facts.executor,
            "idempotent": facts.idempotent,
            "reads": facts.reads,
        });
        let entry = Staged::new(EventKind::ToolIntended, data).with_body(arguments.clone());
        self.stage(work, entry)?;
        self.decide(
            work,
            Action {
                intent,
                call: facts,
            },
            None,
        )
        .await
    }

    fn fail_call(
        &self,
        work: &mut Work,
        step: u32,
        tool: &str,
        refusal: ToolResult,
    ) -> Result<Moved, RunError> {
        let code = refusal.error.as_ref().map(|error| error.code.clone());
        let facts = json!({ "step": step, "tool": tool, "code": code });
        let body = result_body(&refusal);
        self.stage(
            work,
            Staged::new(EventKind::ToolFailed, facts).with_body(body),
        )?;
        Ok(Moved::On)
    }

    /// Station 2: the policies in force decide. `spending` is the approval that a person granted
    /// for this very intent, under the revision that it was asked under.
    pub(crate) async fn decide(
        &self,
        work: &mut Work,
        action: Action,
        spending: Option<(ApprovalId, vocab::Digest)>,
    ) -> Result<Moved, RunError> {
        let call = call_of(&action);
        let place = self.0.road.place(&work.ctx, &call, &work.run.workspace);
        if call.executor == tools::Executor::Node && place.is_none() {
            return self.await_node(work, action.intent.step);
        }
        let labels = self.labels(work).await?;
        let mut asker = asker(work, &labels);
        asker.detected = tools::detected(&action.intent.arguments);
        let rulings = self
            .0
            .road
            .decide(&work.ctx, &call, &asker, place.as_ref())
            .await?;
        let step = action.intent.step;
        for ruling in rulings.first.iter().chain([&rulings.own]) {
            let facts = decided(step, ruling);
            self.stage(work, Staged::new(EventKind::PolicyDecided, facts))?;
        }
        let ruling = rulings.strictest();
        let outcome = ruling.decision.verdict.as_str();
        metrics::counter!("chancery_policy_decisions_total", "outcome" => outcome).increment(1);
        match ruling.decision.verdict {
            policy::Verdict::Deny => self.deny(work, step, "POLICY_DENIED", &ruling),
            policy::Verdict::Allow => {
                self.permit(work, &action, ruling, place.map(|it| it.node))
                    .await
            }
            policy::Verdict::RequireApproval { four_eyes } => {
                if let Some((approval, revision)) = spending
                    && revision == ruling.revision()
                {
                    let facts = json!({ "step": step, "approval": approval });
                    let spend = Staged::new(EventKind::ApprovalSpent, facts);
                    self.stage(work, spend.with_side(Side::Spend(approval)))?;
                    return self
                        .permit(work, &action, ruling, place.map(|it| it.node))
                        .await;
                }
                if let Some(grant) = self
                    .0
                    .road
                    .granted(&work.ctx, &ruling, &action.intent)
                    .await?
                {
                    let facts = json!({ "step": step, "grant": grant.id, "by": grant.granted_by });
                    self.stage(work, Staged::new(EventKind::ApprovalSpent, facts))?;
                    return self
                        .permit(work, &action, ruling, place.map(|it| it.node))
                        .await;
                }
                self.ask(work, action, &ruling, four_eyes)
            }
        }
    }

    /// The labels of a run's session as they are now: one that was put on while the run waited counts.
    pub(crate) async fn labels(&self, work: &Work) -> Result<Vec<String>, RunError> {
        Ok(match work.run.session {
            Some(session) => self.0.sessions.labels(&work.ctx, session).await?,
            None => Vec::new(),
        })
    }

    fn deny(
        &self,
        work: &mut Work,
        step: u32,
        code: &str,
        ruling: &Ruling,
    ) -> Result<Moved, RunError> {
        let decision = &ruling.decision;
        let result = ToolResult::failure(code, decision.reason.clone(), false)
            .with_fix(decision.suggested_fix.clone());
        let facts = json!({ "step": step, "code": code });
        let entry = Staged::new(EventKind::ToolDenied, facts).with_body(result_body(&result));
        self.stage(work, entry)?;
        Ok(Moved::On)
    }

    /// Station 3: a person is asked.
    fn ask(
        &self,
        work: &mut Work,
        action: Action,
        ruling: &Ruling,
        four_eyes: bool,
    ) -> Result<Moved, RunError> {
        let id: ApprovalId = work.ctx.new_id();
        let step = action.intent.step;
        let digest = action.intent.digest().map_err(tools::RoadError::Intent)?;
        let facts = json!({
            "step": step,
            "approval": id,
            "expires_at": work.ctx.now().plus(limits::APPROVAL_TTL),
            "four_eyes": four_eyes,
        });
        let ask = Ask {
            id,
            intent: action.intent,
            digest,
            reason: ruling.decision.reason.clone(),
            four_eyes,
            policy_revision: ruling.revision(),
        };
        let entry = Staged::new(EventKind::ApprovalRequested, facts);
        self.stage(work, entry.with_side(Side::Ask(Box::new(ask))))?;
        Ok(Moved::On)
    }

    /// Station 3, the way back: what the person said.
    async fn hear(
        &self,
        work: &mut Work,
        action: Action,
        approval: ApprovalId,
        expires_at: Timestamp,
    ) -> Result<Moved, RunError> {
        let waits = || {
            Ok(Moved::Waits(
                WaitingFor::Approval { approval },
                Some(expires_at),
            ))
        };
        let step = action.intent.step;
        if work.has_just_staged(EventKind::ApprovalRequested, step) {
            return waits();
        }
        let Some(found) = tools::find_approval(&work.ctx, approval).await? else {
            return waits();
        };
        let refuse = |code: &str, message: String| {
            let result = ToolResult::failure(code, message, false);
            let facts = json!({ "step": step, "code": code, "approval": approval });
            Staged::new(EventKind::ToolDenied, facts).with_body(result_body(&result))
        };
        match found.status {
            Status::Granted => {
                // What runs is the intent in the journal; what was granted names its digest.
                let digest = action.intent.digest().map_err(tools::RoadError::Intent)?;
                if digest != found.intent || found.spent_at.is_some() {
                    let message = "the approval is for something else".to_owned();
                    self.stage(work, refuse("APPROVAL_MISMATCH", message))?;
                    return Ok(Moved::On);
                }
                self.decide(work, action, Some((approval, found.policy_revision)))
                    .await
            }
            Status::Denied => {
                let said = found
                    .comment
                    .map_or_else(String::new, |it| format!(": {it}"));
                let message = format!("a person denied it{said}");
                self.stage(work, refuse("APPROVAL_DENIED", message))?;
                Ok(Moved::On)
            }
            Status::Pending if found.expires_at > work.ctx.now() => waits(),
            Status::Pending | Status::Expired | Status::Withdrawn => {
                let facts = json!({ "step": step, "approval": approval });
                let close = Side::Close(approval, Status::Expired);
                self.stage(
                    work,
                    Staged::new(EventKind::ApprovalExpired, facts).with_side(close),
                )?;
                let message = "nobody answered in time, which is a no".to_owned();
                self.stage(work, refuse("APPROVAL_EXPIRED", message))?;
                Ok(Moved::On)
            }
        }
    }

    /// Station 4: the permission is written down. From here on it may have happened.
    async fn permit(
        &self,
        work: &mut Work,
        action: &Action,
        ruling: Ruling,
        node: Option<NodeId>,
    ) -> Result<Moved, RunError> {
        if action.call.executor == Executor::Engine {
            return self.start_child(work, action).await;
        }
        let step = action.intent.step;
        let digest = action.intent.digest().map_err(tools::RoadError::Intent)?;
        let permit = self.0.road.permit(&work.ctx, digest, node);
        let facts = json!({
            "step": step,
            "capability": permit.id,
            "job": permit.job,
            "executor": permit.executor.to_string(),
            "node": permit.node(),
            "expires_at": permit.expires_at,
        });
        let mut entry = Staged::new(EventKind::CapabilityIssued, facts);
        entry.data.retain(|_, value| !value.is_null());
        self.stage(work, entry)?;
        work.permits.insert(step, (permit, ruling));
        Ok(Moved::On)
    }
}

pub(crate) fn result_body(result: &ToolResult) -> Value {
    serde_json::to_value(result).unwrap_or(Value::Null)
}

/// A decision as the journal keeps it: with the question, so that it can be asked again.
pub(crate) fn decided(step: u32, ruling: &Ruling) -> Value {
    let decision = &ruling.decision;
    let determining: Vec<String> = decision
        .determining
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut facts = json!({
        "step": step,
        "verdict": decision.verdict.as_str(),
        "reason": decision.reason,
        "determining": determining,
        "risk": decision.risk,
        "revision": ruling.revision(),
        "question": ruling.question,
    });
    if !decision.mask.is_empty() {
        facts["mask"] = json!(decision.mask);
    }
    if let Some(fix) = &decision.suggested_fix {
        facts["suggested_fix"] = Value::String(fix.clone());
    }
    facts
}

fn call_of(action: &Action) -> Call {
    Call {
        tool: action.intent.tool.clone(),
        action: action.call.action,
        target: action.intent.target.clone(),
        executor: match action.call.executor {
            Executor::Broker => tools::Executor::Broker,
            Executor::Node => tools::Executor::Node,
            Executor::Engine => tools::Executor::Engine,
        },
        idempotent: action.call.idempotent,
        reads: tools::Reads::Nothing,
    }
}

/// Who asks in a run, in the situation in which it is; `labels` are its session's.
pub(crate) fn asker<'a>(work: &'a Work, labels: &'a [String]) -> Asker<'a> {
    let (name, agent_labels) = asking_agent(&work.input);
    Asker {
        agent: work.run.agent.zip(name),
        agent_labels,
        run_kind: &work.run.kind,
        session_labels: labels,
        has_read: work.fold.has_read(),
        spent_usd_micros: work.fold.spent_usd_micros(),
        detected: Default::default(),
    }
}

fn asking_agent(input: &Input) -> (Option<&str>, &[String]) {
    match input {
        Input::AgentTurn { agent, .. } => (Some(&agent.name), &agent.labels),
        Input::Summary(stretch) => (Some(&stretch.agent.name), &stretch.agent.labels),
        Input::Tool { .. } | Input::Replay(_) => (None, &[]),
    }
}

/// An agent may ask only for the tools that its definition lists, whatever policy says; and what goes
/// through a record again asks models and does nothing else.
pub(crate) fn not_its_tool(input: &Input, tool: &str) -> Option<ToolResult> {
    match input {
        Input::Replay(_) | Input::Summary(_) if tool != MODEL_CALL => {
            let message = format!("a {} does not use the tool `{tool}`", input.kind());
            Some(ToolResult::failure("TOOL_NOT_GIVEN", message, false))
        }
        Input::AgentTurn { agent, .. } if !agent.has_tool(tool) => {
            let message = format!("the agent `{}` does not have the tool `{tool}`", agent.name);
            Some(ToolResult::failure("TOOL_NOT_GIVEN", message, false))
        }
        Input::AgentTurn { .. } | Input::Tool { .. } | Input::Replay(_) | Input::Summary(_) => None,
    }
}
