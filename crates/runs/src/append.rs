//! Writing entries: staged in memory, then committed together with everything that depends on
//! them.
//!
//! An entry is applied to the fold when it is staged. If the commit fails, the work is thrown away
//! and the run is folded anew from what is stored, so a state that was never committed is never
//! acted on.

use bytes::Bytes;
use db::{OrgContext, StoreError, WriteTx};
use policy::HasRead;
use serde_json::{Map, Value, json};
use tools::approvals::Asking;
use vault::{NewArtifact, Prepared};
use vocab::{
    ApprovalId, ArtifactId, Digest, Draft, EventKind, Intent, SessionId, Timestamp, limits,
};

use crate::engine::{Engine, Work};
use crate::error::RunError;
use crate::fold::Entry;
use crate::model::{Run, State};
use crate::program::{Input, MODEL_CALL, ToolResult};
use crate::span;
use crate::store::{self, Change};

/// An entry that is to be appended.
pub(crate) struct Staged {
    pub kind: EventKind,
    pub data: Map<String, Value>,
    pub body: Option<Value>,
    pub side: Option<Side>,
}

/// What changes beside the journal, in the same transaction.
pub(crate) enum Side {
    /// A person is asked.
    Ask(Box<Ask>),
    /// A granted approval is spent.
    Spend(ApprovalId),
    /// A request ends without an answer.
    Close(ApprovalId, tools::Status),
    /// What the step gave is kept.
    Keep(Vec<Kept>),
    /// Another run begins.
    Child(Box<(Run, Input, HasRead)>),
    /// A person's decision is taken.
    Resolved(u32),
    /// A signal is taken.
    Signalled(i64),
}

/// An artifact: its id, its name, its content.
pub(crate) type Kept = (ArtifactId, String, Prepared);

/// A request for approval.
pub(crate) struct Ask {
    pub id: ApprovalId,
    pub intent: Intent,
    pub digest: Digest,
    pub reason: String,
    pub four_eyes: bool,
    pub policy_revision: Digest,
}

/// What becomes of the lease with a commit.
pub(crate) enum After {
    /// The worker goes on.
    Keep,
    /// The run is parked, and woken at that time if nothing happens before.
    Park(State, Option<Timestamp>),
    /// The run is over.
    End(State, Option<Value>),
}

impl Staged {
    pub(crate) fn new(kind: EventKind, data: Value) -> Self {
        let data = match data {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self {
            kind,
            data,
            body: None,
            side: None,
        }
    }

    /// Notes what whoever is behind it has read, if that is anything.
    pub(crate) fn read_as(mut self, has_read: HasRead) -> Self {
        if has_read != HasRead::default() {
            self.data.insert("has_read".to_owned(), json!(has_read));
        }
        self
    }

    pub(crate) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn with_side(mut self, side: Side) -> Self {
        self.side = Some(side);
        self
    }
}

/// A content on its way into a transaction.
enum Sealing {
    Small(Vec<u8>),
    Large(Prepared),
}

impl Engine {
    /// Stages an entry: the fold has it from now on, the record after the next flush.
    pub(crate) fn stage(&self, work: &mut Work, staged: Staged) -> Result<(), RunError> {
        if !work.fold.started() && staged.kind != EventKind::RunStarted {
            self.stage(work, Staged::new(EventKind::RunStarted, json!({})))?;
        }
        let entry = Entry {
            kind: staged.kind,
            data: staged.data.clone(),
            body: staged.body.clone(),
        };
        work.fold.apply(work.about(), &entry)?;
        work.staged.push(staged);
        Ok(())
    }

    /// Commits what is staged, and moves the run's row along.
    pub(crate) async fn flush(&self, work: &mut Work, after: After) -> Result<(), RunError> {
        let staged = std::mem::take(&mut work.staged);
        let mut sealings = Vec::with_capacity(staged.len());
        for entry in &staged {
            sealings.push(self.sealing(work, entry.body.as_ref()).await?);
        }
        let (state, lease_until, wake_at, answer, over) = match after {
            After::Keep => (State::Running, Some(self.lease_end()), None, None, false),
            After::Park(state, wake_at) => (state, None, wake_at, None, false),
            After::End(state, answer) => (state, None, None, answer, true),
        };
        let answer = self.sealing(work, answer.as_ref()).await?;
        let now = work.ctx.now();
        let mut tx = work.ctx.write().await?;
        if let Some(session) = work
            .run
            .session
            .filter(|_| over && work.run.parent.is_none())
        {
            store::lock_session(&mut tx, session).await?;
        }
        if over && let Some((parent, _)) = work.run.parent {
            store::get_in(&mut tx, parent).await?;
        }
        let answer = match answer {
            Some(sealing) => Some(self.seal(&mut tx, work, sealing).await?),
            None => None,
        };
        let change = Change {
            run: work.run.id,
            holder: &self.0.holder,
            epoch: work.epoch,
            state: &state,
            entries: work.fold.entries(),
            usage: work.fold.account().usage(),
            answer,
            started_at: now,
            lease_until,
            wake_at,
            pokes_seen: work.pokes,
            ended_at: over.then_some(now),
        };
        let heard = store::advance(&mut tx, &change, now)
            .await?
            .ok_or(RunError::LeaseLost)?;
        let first = work.fold.entries() + 1 - u32::try_from(staged.len()).unwrap_or(u32::MAX);
        for ((seq, entry), sealing) in (first..).zip(staged).zip(sealings) {
            self.append(&mut tx, work, (seq, entry), sealing).await?;
        }
        if over {
            self.end_in(&mut tx, work, &state).await?;
        }
        tx.commit().await?;
        work.pokes = heard.pokes;
        work.cancel_requested = heard.cancel_requested;
        work.run.state = state;
        if over {
            span::ended(&work.run, now);
            metrics::counter!("chancery_runs_ended_total", "state" => work.run.state.as_str())
                .increment(1);
            // Whoever waits for this run, or the next one of its session, is due now.
            if work.run.parent.is_some() || work.run.session.is_some() {
                self.0.wake.notify_one();
            }
        }
        Ok(())
    }

    /// What a result says, as an artifact, where it is more than the model that asked for it is shown.
    /// Without it the model is told that the rest is cut: a store that is out of order is no reason to
    /// lose what was done.
    pub(crate) async fn keep_whole(
        &self,
        work: &Work,
        intent: &Intent,
        result: &mut ToolResult,
    ) -> Option<Kept> {
        let thinks = match &work.input {
            Input::AgentTurn { agent, .. } => agent.is_planned_by_a_model(),
            Input::Tool { .. } | Input::Replay(_) | Input::Summary(_) => false,
        };
        if !thinks || intent.tool == MODEL_CALL {
            return None;
        }
        let text = tools::output::text(result.output.as_ref()?);
        if text.len() <= limits::TOOL_RESULT_SHOWN_BYTES_MAX {
            return None;
        }
        let bytes = Bytes::from(text.into_owned());
        let content = &self.0.vault.content;
        match content
            .prepare(&work.ctx, work.run.session, "text/plain", bytes)
            .await
        {
            Ok(content) => {
                let id = work.ctx.new_id();
                result.whole = Some(id);
                Some((
                    id,
                    format!("{} of step {}", intent.tool, intent.step),
                    content,
                ))
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, run = %work.run.id, "the whole of a result is not kept");
                None
            }
        }
    }

    async fn sealing(
        &self,
        work: &Work,
        body: Option<&Value>,
    ) -> Result<Option<Sealing>, RunError> {
        let Some(body) = body else { return Ok(None) };
        let bytes = body.to_string().into_bytes();
        if bytes.len() <= limits::CONTENT_INLINE_BYTES_MAX {
            return Ok(Some(Sealing::Small(bytes)));
        }
        let content = &self.0.vault.content;
        let bytes = Bytes::from(bytes);
        let prepared = content
            .prepare(&work.ctx, work.run.session, "application/json", bytes)
            .await?;
        Ok(Some(Sealing::Large(prepared)))
    }

    async fn seal(
        &self,
        tx: &mut WriteTx,
        work: &Work,
        sealing: Sealing,
    ) -> Result<Digest, RunError> {
        let content = &self.0.vault.content;
        Ok(match sealing {
            Sealing::Small(bytes) => {
                content
                    .seal(tx, work.run.session, "application/json", &bytes)
                    .await?
            }
            Sealing::Large(prepared) => content.attach(tx, &prepared).await?,
        })
    }

    /// Seals a document of any allowed size within a transaction. A large one becomes a blob while
    /// the transaction is open; whoever can prepare it before does.
    pub(crate) async fn seal_any(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        session: Option<SessionId>,
        bytes: Vec<u8>,
    ) -> Result<Digest, RunError> {
        let content = &self.0.vault.content;
        let media = "application/json";
        if bytes.len() <= limits::CONTENT_INLINE_BYTES_MAX {
            return Ok(content.seal(tx, session, media, &bytes).await?);
        }
        let prepared = content.prepare(ctx, session, media, bytes.into()).await?;
        Ok(content.attach(tx, &prepared).await?)
    }

    async fn append(
        &self,
        tx: &mut WriteTx,
        work: &Work,
        (seq, entry): (u32, Staged),
        sealing: Option<Sealing>,
    ) -> Result<(), RunError> {
        let mut draft = Draft::new(entry.kind, work.run.id)
            .in_session(work.run.session)
            .in_journal(work.run.id, seq);
        draft.data = entry.data;
        if let Some(sealing) = sealing {
            draft = draft.with_content(self.seal(tx, work, sealing).await?);
        }
        tx.record(draft);
        match entry.side {
            None => Ok(()),
            Some(side) => self.side(tx, work, side).await,
        }
    }

    async fn side(&self, tx: &mut WriteTx, work: &Work, side: Side) -> Result<(), RunError> {
        match side {
            Side::Ask(ask) => {
                // Sealing is idempotent: this is the content that the intent refers to.
                let arguments = ask.intent.arguments.to_string().into_bytes();
                let arguments = if arguments.len() <= limits::CONTENT_INLINE_BYTES_MAX {
                    self.seal(tx, work, Sealing::Small(arguments)).await?
                } else {
                    work.large_arguments(ask.intent.step)
                };
                let asking = Asking {
                    intent: &ask.intent,
                    digest: ask.digest,
                    session: work.run.session,
                    arguments,
                    reason: &ask.reason,
                    four_eyes: ask.four_eyes,
                    policy_revision: ask.policy_revision,
                };
                tools::approvals::ask(&work.ctx, tx, ask.id, asking).await?;
            }
            Side::Spend(id) => {
                if !tools::spend_approval(tx, id, work.ctx.now()).await? {
                    return Err(RunError::LeaseLost);
                }
            }
            Side::Close(id, status) => tools::close_approval(tx, id, status).await?,
            Side::Keep(artifacts) => {
                for (id, name, content) in &artifacts {
                    let new = NewArtifact {
                        id: *id,
                        name,
                        content,
                        session: work.run.session,
                        run: Some(work.run.id),
                    };
                    let saved = self.0.vault.artifacts.save(&work.ctx, tx, new).await;
                    saved.map_err(|error| StoreError::Statement(error.into()))?;
                }
            }
            Side::Child(child) => {
                let (mut run, input, has_read) = *child;
                let bytes = serde_json::to_vec(&input)
                    .map_err(|error| StoreError::Statement(error.into()))?;
                run.input = self
                    .seal_any(&work.ctx, tx, work.run.session, bytes)
                    .await?;
                store::insert(tx, &run, Some(run.created_at), None).await?;
                tx.record(crate::service::queued(&run, &input, has_read));
                self.0.wake.notify_one();
            }
            Side::Resolved(step) => store::take_resolution(tx, work.run.id, step).await?,
            Side::Signalled(place) => store::take_signal(tx, place).await?,
        }
        Ok(())
    }

    /// What the end of a run means for others, in the transaction that ends it.
    async fn end_in(&self, tx: &mut WriteTx, work: &Work, state: &State) -> Result<(), RunError> {
        let now = work.ctx.now();
        if let Some((parent, _)) = work.run.parent {
            store::poke(tx, parent, now).await?;
        } else if let Some(session) = work.run.session {
            store::wake_next_in_session(tx, session, now).await?;
        }
        let ended = crate::engine::Ended {
            run: &work.run,
            state,
            answer: work.answer.as_ref(),
            has_read: work.fold.has_read(),
            account: work.fold.account(),
        };
        self.0.sessions.ended(&work.ctx, tx, ended).await?;
        Ok(())
    }
}
