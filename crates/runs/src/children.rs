//! Effects that another run, or somebody outside, brings to an end: child runs and signals.

use serde_json::{Value, json};
use tools::{AgentArguments, ToolResult};
use vocab::{EventKind, RunId, limits};

use crate::append::{Side, Staged};
use crate::engine::{Engine, Moved, Work};
use crate::error::RunError;
use crate::fold::Action;
use crate::model::{Run, State, WaitingFor};
use crate::program::Input;
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
        let input = Input::AgentTurn {
            agent: snapshot,
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
            cancel_requested: false,
            created_at: work.ctx.now(),
            started_at: None,
            ended_at: None,
            ..work.run.clone()
        };
        let facts = json!({ "step": step, "child": child.id });
        let input = serde_json::to_value(&input)
            .map_err(|error| RunError::Store(db::StoreError::Statement(error.into())))?;
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
        if !work.staged.is_empty() {
            return Ok(waits);
        }
        let Some(found) = store::get(&work.ctx, child).await?.map(|it| it.run) else {
            return Ok(waits);
        };
        let step = action.intent.step;
        let result = match &found.state {
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
