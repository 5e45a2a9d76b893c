//! Effects that another run, or somebody outside, brings to an end: child runs and signals.

use serde_json::{Value, json};
use tools::{AgentArguments, ToolResult};
use vocab::{EventKind, RunId, limits};

use crate::append::{Side, Staged};
use crate::engine::{Engine, Moved, Work};
use crate::error::RunError;
use crate::fold::{Action, Step};
use crate::model::{Run, State, WaitingFor};
use crate::program::{AgentSnapshot, Effect, Input, Next};
use crate::stations::result_body;
use crate::store;

impl Engine {
    /// `agent.call`: another run does it.
    pub(crate) async fn start_child(
        &self,
        work: &mut Work,
        action: &Action,
    ) -> Result<Moved, RunError> {
        let step = action.intent.step;
        let fail = |code: &str, message: String| {
            let result = ToolResult::failure(code, message, false);
            let facts = json!({ "step": step, "code": code });
            Staged::new(EventKind::ToolFailed, facts).with_body(result_body(&result))
        };
        let Ok(asked) = serde_json::from_value::<AgentArguments>(action.intent.arguments.clone())
        else {
            self.stage(
                work,
                fail("ARGUMENTS_INVALID", "the arguments do not fit".into()),
            )?;
            return Ok(Moved::On);
        };
        if work.run.depth + 1 >= limits::RUN_DEPTH_MAX {
            let message = format!(
                "runs start runs at most {} levels deep",
                limits::RUN_DEPTH_MAX
            );
            self.stage(work, fail("RUN_TOO_DEEP", message))?;
            return Ok(Moved::On);
        }
        let Some((agent, snapshot)) = self.0.directory.agent(&work.ctx, &asked.agent).await? else {
            let message = format!("no active agent is called `{}`", asked.agent);
            self.stage(work, fail("AGENT_NOT_FOUND", message))?;
            return Ok(Moved::On);
        };
        let share = match share(work) {
            Ok(share) => share,
            Err(message) => {
                self.stage(work, fail("BUDGET_SPENT", message))?;
                return Ok(Moved::On);
            }
        };
        let own = snapshot.budget_usd_micros;
        let budget = [own, share].into_iter().flatten().min();
        let input = Input::AgentTurn {
            agent: AgentSnapshot {
                budget_usd_micros: budget,
                ..snapshot
            },
            message: asked.message,
        };
        let child = Run {
            id: work.ctx.new_id(),
            kind: input.kind().to_owned(),
            state: State::Queued,
            agent: Some(agent),
            parent: Some((work.run.id, step)),
            depth: work.run.depth + 1,
            input: vocab::Digest::ZERO,
            answer: None,
            entries: 1,
            usage: None,
            cancel_requested: false,
            created_at: work.ctx.now(),
            started_at: None,
            ended_at: None,
            ..work.run.clone()
        };
        let mut facts = json!({ "step": step, "child": child.id });
        if share.is_some() {
            facts["budget_usd_micros"] = json!(budget);
        }
        let side = Side::Child(Box::new((child, input, work.fold.has_read())));
        self.stage(
            work,
            Staged::new(EventKind::ChildStarted, facts).with_side(side),
        )?;
        Ok(Moved::On)
    }

    pub(crate) async fn child(
        &self,
        work: &mut Work,
        action: &Action,
        child: RunId,
    ) -> Result<Moved, RunError> {
        let waits = Moved::Waits(WaitingFor::Child { run: child }, None);
        if work.has_just_staged(EventKind::ChildStarted, action.intent.step) {
            return Ok(waits);
        }
        let Some(stored) = store::get(&work.ctx, child).await? else {
            return Ok(waits);
        };
        let found = stored.run.clone();
        let step = action.intent.step;
        let mut result = match &found.state {
            State::Queued | State::Dispatching | State::Running | State::Waiting { .. } => {
                return Ok(waits);
            }
            State::Succeeded => {
                let answer = match found.answer {
                    Some(digest) => self.open(&work.ctx, digest).await?,
                    None => Value::Null,
                };
                ToolResult::success(answer)
            }
            State::Failed { failure } => {
                ToolResult::failure(&failure.code, failure.message.clone(), failure.retryable)
            }
            State::Cancelled => {
                ToolResult::failure("CHILD_CANCELLED", "the other run was cancelled", false)
            }
        };
        result.cost_usd_micros = match self.load(stored).await {
            Ok(child) => Some(child.fold.spent_usd_micros()).filter(|spent| *spent > 0),
            Err(RunError::Erased) => None,
            Err(error) => return Err(error),
        };
        let kept = self.keep_whole(work, &action.intent, &mut result).await;
        result.artifact_ids = kept.iter().map(|(id, ..)| *id).collect();
        let facts = json!({ "step": step, "child": child, "state": found.state.as_str() });
        self.stage(work, Staged::new(EventKind::ChildEnded, facts))?;
        let kind = if result.ok {
            EventKind::ToolExecuted
        } else {
            EventKind::ToolFailed
        };
        let code = result.error.as_ref().map(|error| error.code.clone());
        // What the other one has read comes with what it says.
        let has_read = store::read_by(&work.ctx, child).await?;
        let mut entry = Staged::new(kind, json!({ "step": step, "code": code })).read_as(has_read);
        entry.data.retain(|_, value| !value.is_null());
        if let Some(kept) = kept {
            entry = entry.with_side(Side::Keep(vec![kept]));
        }
        self.stage(work, entry.with_body(result_body(&result)))?;
        Ok(Moved::On)
    }

    pub(crate) async fn signal(
        &self,
        work: &mut Work,
        step: u32,
        name: String,
    ) -> Result<Moved, RunError> {
        let Some((place, body)) = store::signal(&work.ctx, work.run.id, &name).await? else {
            return Ok(Moved::Waits(WaitingFor::Signal { name }, None));
        };
        let carried = self.open(&work.ctx, body).await?;
        let facts = json!({ "step": step, "name": name });
        let entry = Staged::new(EventKind::SignalReceived, facts).with_body(carried);
        self.stage(work, entry.with_side(Side::Signalled(place)))?;
        Ok(Moved::On)
    }
}

/// What a child that starts now may spend, where the run has a budget: what is left of it, in equal
/// shares for all that are about to start, so that together they stay within it.
fn share(work: &Work) -> Result<Option<u64>, String> {
    let Input::AgentTurn { agent, .. } = &work.input else {
        return Ok(None);
    };
    let Some(budget) = agent.budget_usd_micros else {
        return Ok(None);
    };
    let granted = work.fold.steps().filter_map(|(_, step)| match step {
        Step::Child {
            budget_usd_micros, ..
        } => *budget_usd_micros,
        Step::Intended(_)
        | Step::Asked { .. }
        | Step::Issued { .. }
        | Step::Unknown { .. }
        | Step::Timer { .. }
        | Step::Signal { .. }
        | Step::Over => None,
    });
    let taken = granted.fold(work.fold.spent_usd_micros(), u64::saturating_add);
    let left = budget.saturating_sub(taken);
    match left / starting(work) {
        0 => Err(format!(
            "the agent's budget of {budget} micro-USD for a run leaves nothing for another agent"
        )),
        share => Ok(Some(share)),
    }
}

/// How many children the program waits for that have not started; at least the one that starts now.
fn starting(work: &Work) -> u64 {
    let Next::Perform(wanted) = work.fold.next() else {
        return 1;
    };
    let starts = |step: u32| !matches!(work.fold.step(step), Some(Step::Child { .. } | Step::Over));
    let calls = wanted.iter().filter(|it| match &it.effect {
        Effect::Tool { tool, .. } => tool == "agent.call" && starts(it.step),
        Effect::Timer { .. } | Effect::Signal { .. } | Effect::Context => false,
    });
    u64::try_from(calls.count()).unwrap_or(1).max(1)
}
