//! One run, worked on: fold, ask the program what it wants, walk each effect one station further,
//! until nothing can move. Then the run is parked, or over.

use std::collections::HashMap;
use std::sync::Arc;

use db::{Authority, OrgContext, StoreError, WriteTx};
use futures::future::BoxFuture;
use policy::HasRead;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tools::{Permit, Road, Ruling};
use vault::Vault;
use vocab::{AgentId, Digest, EventKind, ModelProfileId, SessionId, Timestamp, limits};

use crate::append::{After, Staged};
use crate::error::RunError;
use crate::fold::{About, Action, Entry, Fold, Step};
use crate::model::{Run, State, WaitingFor};
use crate::program::{AgentSnapshot, FailedAt, Failure, Finish, Input, Next, Programs};
use crate::store::{self, Stored, StoredEntry};

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Parts>);

/// What an engine is made of.
pub struct Parts {
    /// Speaks for the people behind runs.
    pub authority: Authority,
    /// The road of every action.
    pub road: Road,
    /// Where contents live.
    pub vault: Vault,
    /// How programs are built.
    pub programs: Programs,
    /// Where agents and skills are looked up.
    pub directory: Arc<dyn Directory>,
    /// The sessions to which runs belong.
    pub sessions: Arc<dyn Sessions>,
    /// What agents are told before their turns.
    pub briefing: Arc<dyn Briefing>,
    /// The name under which this process holds runs; unique to its life.
    pub holder: String,
    /// Rung when a run may be due.
    pub wake: Arc<Notify>,
}

/// Looks up what runs refer to by name. The `agents` crate implements it.
pub trait Directory: Send + Sync {
    /// The agent of this name, as it is now.
    fn agent<'a>(
        &'a self,
        ctx: &'a OrgContext,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<(AgentId, AgentSnapshot)>, StoreError>>;

    /// The digest of the skill of this name.
    fn skill<'a>(
        &'a self,
        ctx: &'a OrgContext,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Digest>, StoreError>>;
}

/// A run at its end.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The run, as it was before.
    pub run: &'a Run,
    /// How it ended.
    pub state: &'a State,
    /// Its answer, if it succeeded.
    pub answer: Option<&'a Value>,
    /// What it had read.
    pub has_read: HasRead,
    /// What it took of models, and what it read.
    pub account: &'a crate::Account,
}

/// What runs have to do with the sessions they belong to. The `chat` crate implements it.
pub trait Sessions: Send + Sync {
    /// The labels of a session at this moment; none if it is gone.
    fn labels<'a>(
        &'a self,
        ctx: &'a OrgContext,
        session: SessionId,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;

    /// Hears of the end of a run within the transaction that ends it: does what has to happen with
    /// it, or fails it.
    fn ended<'a>(
        &'a self,
        ctx: &'a OrgContext,
        tx: &'a mut WriteTx,
        ended: Ended<'a>,
    ) -> BoxFuture<'a, Result<(), RunError>>;
}

/// What a program is told when it asks for its context.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// What there is to know.
    pub known: Value,
    /// What whoever wrote it had read: the run has read as much, once it knows this.
    pub has_read: HasRead,
    /// Small facts about it that may be in the record forever.
    pub facts: Map<String, Value>,
}

/// What there is to know before an agent's turn begins. The server composes it from those who know.
pub trait Briefing: Send + Sync {
    /// What the program of this run is told when it asks for its context.
    fn of<'a>(
        &'a self,
        ctx: &'a OrgContext,
        run: &'a Run,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Told, StoreError>>;

    /// The name under which models are asked by this profile, if it is there.
    fn model<'a>(
        &'a self,
        ctx: &'a OrgContext,
        profile: ModelProfileId,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>>;
}

/// A run that this process holds, with everything known of it.
pub(crate) struct Work {
    pub run: Run,
    pub epoch: i64,
    pub pokes: i64,
    pub cancel_requested: bool,
    pub ctx: OrgContext,
    pub input: Input,
    pub fold: Fold,
    pub staged: Vec<Staged>,
    /// What this process permitted itself and has not used yet.
    pub permits: HashMap<u32, (Permit, Ruling)>,
    pub answer: Option<Value>,
    /// Digests of arguments too large to be sealed twice, by step.
    pub large: HashMap<u32, Digest>,
    /// Rung when somebody asks for the run's end.
    pub cancelled: Arc<Notify>,
}

impl Work {
    pub(crate) fn about(&self) -> About {
        About {
            org: self.run.org,
            run: self.run.id,
            agent: self.run.agent,
        }
    }

    /// Whether the entry of this kind that opened a step is not committed yet: then nobody else can
    /// have done anything about it. Of what is committed, the answer may be there whatever else is
    /// staged, and no ring will come for it again.
    pub(crate) fn has_just_staged(&self, kind: EventKind, step: u32) -> bool {
        let of_step =
            |it: &Staged| it.data.get("step").and_then(Value::as_u64) == Some(step.into());
        self.staged.iter().any(|it| it.kind == kind && of_step(it))
    }

    pub(crate) fn large_arguments(&self, step: u32) -> Digest {
        self.large.get(&step).copied().unwrap_or(Digest::ZERO)
    }
}

/// How far one step came.
pub(crate) enum Moved {
    /// Something happened: look again.
    On,
    /// It waits, until then at the latest.
    Waits(WaitingFor, Option<Timestamp>),
    /// It may be attempted: this process holds a permit for it. What may be is attempted at once.
    Permitted(Box<Action>),
}

impl Engine {
    /// An engine of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The road that its runs take.
    #[must_use]
    pub fn road(&self) -> &Road {
        &self.0.road
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.authority.db().clock().now()
    }

    pub(crate) fn lease_end(&self) -> Timestamp {
        self.now().plus(limits::RUN_LEASE)
    }

    /// The context in which a run acts: its person, its agent, itself.
    pub(crate) fn context(&self, run: &Run) -> OrgContext {
        let actor = run.actor.clone().in_run(run.agent, run.id);
        self.0.authority.context(run.org, actor, run.role)
    }

    /// Opens a content as JSON.
    pub(crate) async fn open(&self, ctx: &OrgContext, digest: Digest) -> Result<Value, RunError> {
        let opened = self.0.vault.content.open(ctx, digest).await;
        document(&opened.map_err(unopened)?)
    }

    /// A run's input.
    pub(crate) async fn input(&self, ctx: &OrgContext, run: &Run) -> Result<Input, RunError> {
        let value = self.open(ctx, run.input).await?;
        serde_json::from_value(value)
            .map_err(|error| RunError::Store(StoreError::Statement(error.into())))
    }

    /// A run's journal with its contents opened.
    pub(crate) async fn entries(
        &self,
        ctx: &OrgContext,
        run: &Run,
    ) -> Result<Vec<(Timestamp, Entry)>, RunError> {
        self.opened(ctx, store::journal(ctx, run.id).await?).await
    }

    /// Entries with their contents opened.
    pub(crate) async fn opened(
        &self,
        ctx: &OrgContext,
        journal: Vec<StoredEntry>,
    ) -> Result<Vec<(Timestamp, Entry)>, RunError> {
        // What a run was asked is its input and no entry's.
        let of = |stored: &StoredEntry| match stored.kind {
            EventKind::RunQueued => None,
            _ => stored.content.first().copied(),
        };
        let digests: Vec<Digest> = journal.iter().filter_map(of).collect();
        let opened = self.0.vault.content.open_all(ctx, &digests).await;
        let mut opened = opened.map_err(unopened)?.into_iter();
        let mut entries = Vec::with_capacity(journal.len());
        for stored in journal {
            let body = match of(&stored).and_then(|_| opened.next()) {
                Some(bytes) => Some(document(&bytes)?),
                None => None,
            };
            let (kind, data) = (stored.kind, stored.data);
            entries.push((stored.at, Entry { kind, data, body }));
        }
        Ok(entries)
    }

    /// Folds a claimed run from what is stored.
    pub(crate) async fn load(&self, stored: Stored) -> Result<Work, RunError> {
        let Stored { run, epoch, pokes } = stored;
        let ctx = self.context(&run);
        let input = self.input(&ctx, &run).await?;
        let entries: Vec<Entry> = self
            .entries(&ctx, &run)
            .await?
            .into_iter()
            .map(|(_, entry)| entry)
            .collect();
        let about = About {
            org: run.org,
            run: run.id,
            agent: run.agent,
        };
        let fold = Fold::of(&input, &self.0.programs, about, &entries)?;
        Ok(self.work(run, (epoch, pokes), ctx, input, fold))
    }

    pub(crate) fn work(
        &self,
        run: Run,
        (epoch, pokes): (i64, i64),
        ctx: OrgContext,
        input: Input,
        fold: Fold,
    ) -> Work {
        Work {
            cancel_requested: run.cancel_requested,
            run,
            epoch,
            pokes,
            ctx,
            input,
            fold,
            staged: Vec::new(),
            permits: HashMap::new(),
            answer: None,
            large: HashMap::new(),
            cancelled: Arc::new(Notify::new()),
        }
    }

    /// Works on a run until it is parked or over.
    pub(crate) async fn drive(&self, work: &mut Work) -> Result<(), RunError> {
        loop {
            if work.cancel_requested {
                return self.cancel(work).await;
            }
            if work.fold.entries() >= limits::RUN_ENTRIES_MAX {
                return self.finish(work, Finish::Failed(too_long())).await;
            }
            let wanted = match work.fold.next() {
                Next::Finish(finish) => return self.finish(work, finish).await,
                Next::Perform(wanted) => wanted,
            };
            let mut waits = Vec::with_capacity(wanted.len());
            let mut permitted = Vec::new();
            let mut moved = false;
            for effect in &wanted {
                match self.walk(work, effect).await? {
                    Moved::On => {
                        moved = true;
                        break;
                    }
                    Moved::Waits(what, until) => waits.push((what, until)),
                    Moved::Permitted(action) => permitted.push(*action),
                }
            }
            if moved {
                continue;
            }
            if permitted.is_empty() {
                return self.park(work, waits).await;
            }
            if let Some(wait) = self.perform(work, permitted).await? {
                waits.push(wait);
                return self.park(work, waits).await;
            }
        }
    }

    async fn park(
        &self,
        work: &mut Work,
        waits: Vec<(WaitingFor, Option<Timestamp>)>,
    ) -> Result<(), RunError> {
        let wake_at = waits.iter().filter_map(|(_, until)| *until).min();
        // A signal may come at any time: it is what the run waits for only if there is nothing else.
        let listens = |(what, _): &(WaitingFor, _)| matches!(what, WaitingFor::Signal { .. });
        let (signals, others): (Vec<_>, Vec<_>) = waits.into_iter().partition(listens);
        let Some((waiting_for, _)) = others.into_iter().chain(signals).next() else {
            let failure = stuck("the program wants nothing and does not end");
            return self.finish(work, Finish::Failed(failure)).await;
        };
        let state = State::Waiting { waiting_for };
        if !work.staged.is_empty() {
            return self.flush(work, After::Park(state, wake_at)).await;
        }
        if work.run.state != state {
            let facts = json!({ "waiting_for": waiting_name(&state) });
            self.stage(work, Staged::new(EventKind::RunResumed, facts))?;
            return self.flush(work, After::Park(state, wake_at)).await;
        }
        let mut tx = self
            .0
            .authority
            .system_write(vocab::Actor::system("worker"))
            .await?;
        let (run, lease) = (
            (work.run.org, work.run.id),
            (self.0.holder.as_str(), work.epoch),
        );
        store::release(&mut tx, run, lease, (wake_at, work.pokes, self.now())).await?;
        tx.commit_unrecorded("a lease").await?;
        Ok(())
    }

    /// Ends a run as its program says.
    pub(crate) async fn finish(&self, work: &mut Work, finish: Finish) -> Result<(), RunError> {
        match finish {
            Finish::Succeeded { answer } => {
                let facts = json!({ "steps": work.fold.steps_over() });
                let entry = Staged::new(EventKind::RunSucceeded, facts)
                    .read_as(work.fold.has_read())
                    .with_body(answer.clone());
                self.stage(work, entry)?;
                work.answer = Some(answer.clone());
                self.flush(work, After::End(State::Succeeded, Some(answer)))
                    .await
            }
            Finish::Failed(failure) => {
                // The message may quote what the run read: it is content, the code is a fact.
                let facts = json!({
                    "code": failure.code, "at": failure.at, "retryable": failure.retryable,
                });
                let body = json!({ "message": failure.message });
                self.withdraw(work)?;
                self.stage(
                    work,
                    Staged::new(EventKind::RunFailed, facts).with_body(body),
                )?;
                self.flush(work, After::End(State::Failed { failure }, None))
                    .await
            }
        }
    }

    /// Ends a run because somebody asked for it, and its children with it.
    async fn cancel(&self, work: &mut Work) -> Result<(), RunError> {
        let unknown: Vec<u32> = work
            .fold
            .steps()
            .filter(|(_, step)| {
                matches!(
                    step,
                    Step::Issued {
                        may_have_happened: true,
                        ..
                    }
                )
            })
            .map(|(number, _)| number)
            .collect();
        for (_, step) in work.fold.steps() {
            if let Step::Issued {
                job,
                node: Some(node),
                ..
            } = step
            {
                self.0
                    .road
                    .broker()
                    .nodes()
                    .cancel(work.run.org, *node, *job);
            }
        }
        self.withdraw(work)?;
        let facts = json!({ "outcome_unknown_steps": unknown });
        self.stage(work, Staged::new(EventKind::RunCancelled, facts))?;
        self.flush(work, After::End(State::Cancelled, None)).await
    }

    /// Takes back what people were asked and nobody needs to answer any more.
    fn withdraw(&self, work: &mut Work) -> Result<(), RunError> {
        let asked: Vec<_> = work
            .fold
            .steps()
            .filter_map(|(number, step)| match step {
                Step::Asked { approval, .. } => Some((number, *approval)),
                Step::Intended(_)
                | Step::Issued { .. }
                | Step::Unknown { .. }
                | Step::Child { .. }
                | Step::Timer { .. }
                | Step::Signal { .. }
                | Step::Over => None,
            })
            .collect();
        for (step, approval) in asked {
            let facts = json!({ "step": step, "approval": approval, "withdrawn": true });
            let close = crate::append::Side::Close(approval, tools::Status::Withdrawn);
            self.stage(
                work,
                Staged::new(EventKind::ApprovalExpired, facts).with_side(close),
            )?;
        }
        Ok(())
    }
}

fn waiting_name(state: &State) -> &'static str {
    match state {
        State::Waiting { waiting_for } => waiting_for.as_str(),
        State::Queued
        | State::Dispatching
        | State::Running
        | State::Succeeded
        | State::Failed { .. }
        | State::Cancelled => "nothing",
    }
}

/// A program that does not go on is ended: it would come back for ever.
pub(crate) fn stuck(why: &str) -> Failure {
    Failure {
        code: "PROGRAM_STUCK".to_owned(),
        message: why.to_owned(),
        retryable: false,
        at: FailedAt::Platform,
    }
}

fn too_long() -> Failure {
    Failure {
        code: "RUN_TOO_LONG".to_owned(),
        message: format!("a run has at most {} entries", limits::RUN_ENTRIES_MAX),
        retryable: false,
        at: FailedAt::Agent,
    }
}

fn document(bytes: &[u8]) -> Result<Value, RunError> {
    serde_json::from_slice(bytes)
        .map_err(|error| RunError::Store(StoreError::Statement(error.into())))
}

fn unopened(error: vault::ContentError) -> RunError {
    match error {
        vault::ContentError::Erased => RunError::Erased,
        error => error.into(),
    }
}
