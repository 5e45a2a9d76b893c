//! The last stations: an attempt is made, what it came to is written down, and where nobody knows, the
//! node is asked, the attempt is repeated if that is harmless, or a person decides.

use futures::stream::{FuturesUnordered, StreamExt as _};
use serde_json::json;
use tools::plans::Limit;
use tools::{Attempted, Done, Permit, Ruling, ToolResult};
use vocab::{EventKind, JobId, NodeId, Timestamp};

use crate::append::{After, Kept, Side, Staged};
use crate::engine::{Engine, Moved, Work};
use crate::error::RunError;
use crate::fold::Action;
use crate::model::{State, WaitingFor};
use crate::program::{FailedAt, Failure, Finish};
use crate::span;
use crate::stations::result_body;
use crate::store;

/// How long a run that waits for a node sleeps before it looks by itself.
const NODE_POLL: std::time::Duration = std::time::Duration::from_secs(2);

impl Engine {
    /// Station 5: everything so far is committed, then what is permitted is done, all at once. What
    /// each came to is written down as it comes. Answers what the run waits for, if an attempt leads
    /// to waiting.
    pub(crate) async fn perform(
        &self,
        work: &mut Work,
        actions: Vec<Action>,
    ) -> Result<Option<(WaitingFor, Option<Timestamp>)>, RunError> {
        self.flush(work, After::Keep).await?;
        if work.cancel_requested {
            return Ok(None);
        }
        let (ctx, session) = (work.ctx.clone(), work.run.session);
        let cancelled = std::sync::Arc::clone(&work.cancelled);
        let permitted: Vec<(Action, Permit, Ruling)> = actions
            .into_iter()
            .filter_map(|action| {
                let (permit, ruling) = work.permits.remove(&action.intent.step)?;
                Some((action, permit, ruling))
            })
            .collect();
        let mut attempts: FuturesUnordered<_> = permitted
            .iter()
            .map(async |(action, permit, ruling)| {
                let intent = &action.intent;
                let span = span::attempt(intent, ctx.random());
                let attempt = self.0.road.attempt(&ctx, intent, permit, ruling, session);
                let attempted = attempt.await;
                if let Ok(attempted) = &attempted {
                    span::came_to(&span, attempted);
                }
                (action, permit, attempted)
            })
            .collect();
        let mut waits = None;
        loop {
            let (action, permit, attempted) = tokio::select! {
                next = attempts.next() => match next {
                    Some(next) => next,
                    None => return Ok(waits),
                },
                () = cancelled.notified() => {
                    work.cancel_requested = true;
                    return Ok(None);
                }
            };
            let (job, node) = (permit.job, permit.node());
            match self.record(work, action, job, node, attempted?).await? {
                Moved::On | Moved::Permitted(_) => {}
                Moved::Waits(what, until) => waits = Some((what, until)),
            }
        }
    }

    /// Station 6: what it came to.
    async fn record(
        &self,
        work: &mut Work,
        action: &Action,
        job: JobId,
        node: Option<NodeId>,
        attempted: Attempted,
    ) -> Result<Moved, RunError> {
        let step = action.intent.step;
        match attempted {
            Attempted::Done(done) => {
                let Done {
                    mut result,
                    artifacts,
                    secrets_used,
                    has_read,
                } = *done;
                for (id, name, version) in &secrets_used {
                    let facts = json!({
                        "step": step, "secret": id, "name": name, "version": version,
                    });
                    self.stage(work, Staged::new(EventKind::SecretUsed, facts))?;
                }
                let mut kept: Vec<Kept> = artifacts
                    .into_iter()
                    .map(|(name, content)| (work.ctx.new_id(), name, content))
                    .collect();
                kept.extend(Box::pin(self.keep_whole(work, &action.intent, &mut result)).await);
                result.artifact_ids = kept.iter().map(|(id, ..)| *id).collect();
                let mut entry = executed(step, job, &result).read_as(has_read);
                if !kept.is_empty() {
                    entry = entry.with_side(Side::Keep(kept));
                }
                self.stage(work, entry)?;
                // Once the next commit has it, the node may forget it; until then it keeps it.
                if let Some(node) = node {
                    self.flush(work, After::Keep).await?;
                    self.0
                        .road
                        .broker()
                        .nodes()
                        .acknowledge(work.run.org, node, job);
                }
                Ok(Moved::On)
            }
            Attempted::Unknown { detail, limit } => {
                self.unknown(work, action, job, (&detail, limit))
            }
            Attempted::NodeAway => {
                let waiting_for = WaitingFor::Node { node };
                let facts = json!({ "step": step, "for": "node", "may_have_happened": true });
                self.stage(work, Staged::new(EventKind::RunWaiting, facts))?;
                Ok(Moved::Waits(
                    waiting_for,
                    Some(work.ctx.now().plus(NODE_POLL)),
                ))
            }
            Attempted::Refused(refusal) => {
                let reached = refusal.reached();
                let facts = json!({
                    "step": step, "job": job, "code": refusal.code(), "limit": reached,
                });
                let entry = Staged::new(EventKind::ToolDenied, facts);
                self.stage(work, entry.with_body(result_body(&refusal.result())))?;
                Ok(Moved::On)
            }
            Attempted::NotSent { detail } => {
                tracing::info!(run = %work.run.id, detail, "a job was not sent");
                self.await_node(work, step)
            }
        }
    }

    fn unknown(
        &self,
        work: &mut Work,
        action: &Action,
        job: JobId,
        (detail, limit): (&str, Option<Limit>),
    ) -> Result<Moved, RunError> {
        let step = action.intent.step;
        if action.call.idempotent {
            // Harmless to repeat: it goes over the road again, with a new decision and token.
            let facts = json!({ "step": step, "for": "repeat", "may_have_happened": false });
            self.stage(work, Staged::new(EventKind::RunWaiting, facts))?;
            return Ok(Moved::On);
        }
        let mut facts = json!({ "step": step, "job": job });
        if let Some(limit) = limit {
            facts["limit"] = json!(limit.as_str());
        }
        let body = json!({ "detail": detail });
        self.stage(
            work,
            Staged::new(EventKind::ToolOutcomeUnknown, facts).with_body(body),
        )?;
        Ok(Moved::On)
    }

    /// After a crash: what became of an attempt that was permitted and has no outcome?
    pub(crate) async fn recover(
        &self,
        work: &mut Work,
        action: Action,
        job: JobId,
        node: Option<NodeId>,
    ) -> Result<Moved, RunError> {
        let Some(node) = node else {
            let detail = "the server stopped between the permission and the outcome";
            return self.unknown(work, &action, job, (detail, None));
        };
        let broker = self.0.road.broker().clone();
        let about = (work.run.session, &action.intent.target);
        match broker.inquire(&work.ctx, about, (node, job)).await {
            Attempted::NotSent { .. } => {
                let facts = json!({
                    "step": action.intent.step, "for": "repeat", "may_have_happened": false,
                });
                self.stage(work, Staged::new(EventKind::RunWaiting, facts))?;
                Ok(Moved::On)
            }
            Attempted::NodeAway => Ok(Moved::Waits(
                WaitingFor::Node { node: Some(node) },
                Some(work.ctx.now().plus(NODE_POLL)),
            )),
            other => self.record(work, &action, job, Some(node), other).await,
        }
    }

    pub(crate) fn await_node(&self, work: &mut Work, step: u32) -> Result<Moved, RunError> {
        let waiting_for = WaitingFor::Node { node: None };
        let already = matches!(
            &work.run.state,
            State::Waiting {
                waiting_for: WaitingFor::Node { .. }
            }
        );
        if !already || !work.staged.is_empty() {
            let facts = json!({ "step": step, "for": "node", "may_have_happened": false });
            self.stage(work, Staged::new(EventKind::RunWaiting, facts))?;
        }
        // A node that comes back rings; this is for the one that came back a moment too early.
        Ok(Moved::Waits(
            waiting_for,
            Some(work.ctx.now().plus(NODE_POLL)),
        ))
    }

    /// What a person decided about an outcome that nobody knows.
    pub(crate) async fn resolve(&self, work: &mut Work, action: Action) -> Result<Moved, RunError> {
        let step = action.intent.step;
        let waits = Moved::Waits(WaitingFor::Decision { step }, None);
        if work.has_just_staged(EventKind::ToolOutcomeUnknown, step) {
            return Ok(waits);
        }
        let Some((decision, by)) = store::resolution(&work.ctx, work.run.id, step).await? else {
            return Ok(waits);
        };
        let facts = json!({ "step": step, "decision": decision, "by": by });
        let resolved = Staged::new(EventKind::ToolResolved, facts);
        self.stage(work, resolved.with_side(Side::Resolved(step)))?;
        match decision.as_str() {
            "repeat" => self.decide(work, action, None).await,
            "skip" => {
                let message = "a person decided not to repeat it; it may have happened";
                let result = ToolResult::failure("OUTCOME_UNKNOWN", message, false);
                let facts = json!({ "step": step, "code": "OUTCOME_UNKNOWN" });
                let body = result_body(&result);
                self.stage(
                    work,
                    Staged::new(EventKind::ToolFailed, facts).with_body(body),
                )?;
                Ok(Moved::On)
            }
            _ => {
                let failure = Failure {
                    code: "OUTCOME_UNKNOWN".to_owned(),
                    message: format!("nobody knows whether step {step} happened"),
                    retryable: false,
                    at: FailedAt::Tool,
                };
                self.finish(work, Finish::Failed(failure)).await?;
                Err(RunError::Over)
            }
        }
    }
}

/// What a result says without saying what was in it.
fn executed(step: u32, job: JobId, result: &ToolResult) -> Staged {
    let kind = if result.ok {
        EventKind::ToolExecuted
    } else {
        EventKind::ToolFailed
    };
    let code = result.error.as_ref().map(|error| error.code.clone());
    let mut facts = json!({
        "step": step,
        "job": job,
        "duration_ms": result.duration_ms,
        "truncated": result.truncated,
        "code": code,
        "artifacts": result.artifact_ids,
    });
    if !result.masked.is_empty() {
        facts["masked"] = json!(result.masked);
    }
    let mut entry = Staged::new(kind, facts).with_body(result_body(result));
    entry
        .data
        .retain(|_, value| !value.is_null() && value.as_array().is_none_or(|it| !it.is_empty()));
    entry
}
