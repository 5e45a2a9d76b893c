//! What people and other parts do with runs: start, look, cancel, resolve, signal.

use std::time::Duration;

use db::{OrgContext, WriteTx};
use policy::HasRead;
use serde_json::{Value, json};
use tokio::time::Instant;
use tools::ApprovalError;
use tools::approvals::{self, Answer, Approval};
use vocab::{Digest, Draft, EventKind, RunId, SessionId, limits};

use crate::engine::{Engine, Work};
use crate::error::RunError;
use crate::fold::{Entry, Fold};
use crate::model::{NewRun, Run, State, WaitingFor};
use crate::program::{Again, AgentSnapshot, Input};
use crate::steps::{self, RunStep};
use crate::store::{self, HandedTo, RunFilter};
use crate::worker::{Slot, Worker};

/// Runs of every organisation. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    engine: Engine,
    worker: Option<Worker>,
}

/// A run that is in a transaction. Once that is committed, [`Runs::started`] sets it going at once;
/// without that it begins when a worker finds it.
#[must_use]
pub struct Queued {
    /// The run.
    pub run: Run,
    handed: Option<Box<(Slot, Work)>>,
}

/// What a person decides about an outcome that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Do it (again).
    Repeat,
    /// Go on without it.
    Skip,
    /// End the run.
    Fail,
}

impl Resolution {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Skip => "skip",
            Self::Fail => "fail",
        }
    }
}

/// The event of a run's beginning, which is also the first entry of its journal.
pub(crate) fn queued(run: &Run, input: &Input, has_read: HasRead) -> Draft {
    let has_read = (has_read != HasRead::default()).then(|| json!(has_read));
    Draft::new(EventKind::RunQueued, run.id)
        .in_session(run.session)
        .in_journal(run.id, 1)
        .fact("kind", run.kind.as_str())
        .fact("depth", run.depth)
        .fact("workspace", run.workspace.as_str())
        .fact_if("agent", run.agent.map(|it| it.to_string()))
        .fact_if("agent_version", input.agent_version())
        .fact_if("parent", run.parent.map(|(parent, _)| parent.to_string()))
        .fact_if("has_read", has_read)
        .with_content(run.input)
}

/// The event of a run that was gone through again.
pub(crate) fn replayed(run: &Run) -> Draft {
    Draft::new(EventKind::RunReplayed, run.id)
        .about_run(run.id)
        .in_session(run.session)
}

/// A run's input as it is sealed.
pub(crate) fn input_of(new: &NewRun) -> Result<Vec<u8>, RunError> {
    if depth_of(new) >= limits::RUN_DEPTH_MAX {
        return Err(RunError::TooDeep);
    }
    serde_json::to_vec(&new.input)
        .map_err(|error| RunError::Store(db::StoreError::Statement(error.into())))
}

fn depth_of(new: &NewRun) -> u32 {
    new.parent.map_or(0, |parent| parent.depth + 1)
}

/// A run at its beginning, in the name of whoever asks.
pub(crate) fn run_of(ctx: &OrgContext, new: &NewRun, input: Digest) -> Run {
    Run {
        org: ctx.org(),
        id: ctx.new_id(),
        kind: new.input.kind().to_owned(),
        state: State::Queued,
        actor: ctx.actor().clone(),
        role: ctx.role(),
        workspace: new.workspace.clone(),
        session: new.session,
        agent: new.agent,
        parent: new.parent.map(|it| (it.run, it.step)),
        depth: depth_of(new),
        input,
        answer: None,
        entries: 1,
        usage: None,
        cancel_requested: false,
        created_at: ctx.now(),
        started_at: None,
        ended_at: None,
    }
}

/// Whether runs of this kind go one after the other in their session. The store's SQL knows as much.
fn takes_turns(kind: &str) -> bool {
    !matches!(kind, "replay" | "summary")
}

/// Whether a run can begin at once: runs of one session go one after the other, but for those that
/// only look at what is there.
pub(crate) async fn is_free(tx: &mut WriteTx, run: &Run) -> Result<bool, RunError> {
    match run.session {
        Some(session) if run.parent.is_none() && takes_turns(&run.kind) => {
            store::lock_session(tx, session).await?;
            Ok(store::open_in_session(tx, session).await?.is_empty())
        }
        Some(_) | None => Ok(true),
    }
}

impl Runs {
    /// Runs on this engine; `worker` is the one of this process, if it has one.
    #[must_use]
    pub fn new(engine: Engine, worker: Option<Worker>) -> Self {
        Self { engine, worker }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Puts a run into a transaction.
    ///
    /// # Errors
    /// Too deep, or the database.
    pub async fn enqueue_in(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        new: NewRun,
    ) -> Result<Queued, RunError> {
        let input = input_of(&new)?;
        let digest = self.engine.seal_any(ctx, tx, new.session, input).await?;
        let run = run_of(ctx, &new, digest);
        let free = is_free(tx, &run).await?;
        let slot = self
            .worker
            .as_ref()
            .filter(|_| free)
            .and_then(|it| it.reserve(run.org));
        let handed = slot.as_ref().map(|_| HandedTo {
            holder: &self.engine.0.holder,
            until: self.engine.lease_end(),
        });
        store::insert(tx, &run, free.then_some(run.created_at), handed.as_ref()).await?;
        let event = queued(&run, &new.input, new.has_read);
        let entry = Entry {
            kind: event.kind,
            data: event.data.clone(),
            body: None,
        };
        tx.record(event);
        let handed = match slot {
            None => None,
            Some(slot) => {
                let context = self.engine.context(&run);
                let mut fold = Fold::new((self.engine.0.programs)(&new.input));
                let about = crate::fold::About {
                    org: run.org,
                    run: run.id,
                    agent: run.agent,
                };
                fold.apply(about, &entry)?;
                let work = self
                    .engine
                    .work(run.clone(), (1, 0), context, new.input, fold);
                Some(Box::new((slot, work)))
            }
        };
        Ok(Queued { run, handed })
    }

    /// Sets a committed run going.
    pub fn started(&self, queued: Queued) -> Run {
        match (queued.handed, &self.worker) {
            (Some(handed), Some(worker)) => {
                let (slot, work) = *handed;
                worker.spawn(slot, work);
            }
            (Some(_) | None, _) => self.engine.0.wake.notify_one(),
        }
        queued.run
    }

    /// Starts a run by itself.
    ///
    /// # Errors
    /// As [`Runs::enqueue_in`].
    pub async fn start(&self, ctx: &OrgContext, new: NewRun) -> Result<Run, RunError> {
        let mut tx = ctx.write().await?;
        let queued = self.enqueue_in(ctx, &mut tx, new).await?;
        tx.commit().await?;
        Ok(self.started(queued))
    }

    /// Starts a run that goes through another one again and asks its model anew, in the name of
    /// whoever asks. What it learns it keeps under the keys of the session of that run; it belongs to
    /// no agent, so it is counted in no agent's budget.
    ///
    /// # Errors
    /// The database.
    pub async fn replay_anew(
        &self,
        ctx: &OrgContext,
        of: &Run,
        again: Again,
    ) -> Result<Run, RunError> {
        let event = replayed(of)
            .fact("with_changes", true)
            .fact("from_seq", again.from_seq)
            .fact_if("model", again.model.clone());
        let new = NewRun {
            input: Input::Replay(Box::new(again)),
            workspace: of.workspace.clone(),
            session: of.session,
            agent: None,
            parent: None,
            has_read: HasRead::default(),
        };
        let mut tx = ctx.write().await?;
        let queued = self.enqueue_in(ctx, &mut tx, new).await?;
        tx.record(event.fact("replay", queued.run.id.to_string()));
        tx.commit().await?;
        Ok(self.started(queued))
    }

    /// A run once it is over or waits for a person, or as it is after this time.
    ///
    /// # Errors
    /// There is none here.
    pub async fn settled(
        &self,
        ctx: &OrgContext,
        id: RunId,
        patience: Duration,
    ) -> Result<Run, RunError> {
        let until = Instant::now() + patience;
        let mut pause = Duration::from_millis(5);
        loop {
            let run = self.get(ctx, id).await?;
            let parked = matches!(
                run.state,
                State::Waiting {
                    waiting_for: WaitingFor::Approval { .. }
                }
            );
            if run.state.is_over() || parked || Instant::now() + pause >= until {
                return Ok(run);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }

    /// One run.
    ///
    /// # Errors
    /// There is none here.
    pub async fn get(&self, ctx: &OrgContext, id: RunId) -> Result<Run, RunError> {
        let found = store::get(ctx, id).await?;
        found.map(|it| it.run).ok_or(RunError::NotFound(id))
    }

    /// What a run was asked to do, as it was at that moment.
    ///
    /// # Errors
    /// The content was erased, or can't be read.
    pub async fn input(&self, ctx: &OrgContext, run: &Run) -> Result<Input, RunError> {
        self.engine.input(ctx, run).await
    }

    /// A run's answer, if it has one and it was not erased.
    ///
    /// # Errors
    /// The content or the database.
    pub async fn answer(&self, ctx: &OrgContext, run: &Run) -> Result<Option<Value>, RunError> {
        match run.answer {
            None => Ok(None),
            Some(digest) => match self.engine.open(ctx, digest).await {
                Ok(answer) => Ok(Some(answer)),
                Err(RunError::Erased) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The agent of a run as it was when the run began, unless that was erased.
    ///
    /// # Errors
    /// The content or the database.
    pub async fn agent(
        &self,
        ctx: &OrgContext,
        run: &Run,
    ) -> Result<Option<AgentSnapshot>, RunError> {
        match self.input(ctx, run).await {
            Ok(Input::AgentTurn { agent, .. }) => Ok(Some(agent)),
            Ok(Input::Summary(stretch)) => Ok(Some(stretch.agent)),
            Ok(Input::Tool { .. } | Input::Replay(_)) | Err(RunError::Erased) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the tool of a `tool` run gave, once that is known, and unless it was erased.
    ///
    /// # Errors
    /// The contents or the database.
    pub async fn result(
        &self,
        ctx: &OrgContext,
        run: &Run,
    ) -> Result<Option<tools::ToolResult>, RunError> {
        if run.kind != "tool" || !run.state.is_over() {
            return Ok(None);
        }
        let entries = match self.engine.entries(ctx, run).await {
            Ok(entries) => entries,
            Err(RunError::Erased) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ended = entries.into_iter().rev().find(|(_, entry)| {
            matches!(
                entry.kind,
                EventKind::ToolExecuted | EventKind::ToolFailed | EventKind::ToolDenied
            )
        });
        let body = ended.and_then(|(_, entry)| entry.body);
        Ok(body.and_then(|body| serde_json::from_value(body).ok()))
    }

    /// One page of runs, the newest first.
    ///
    /// # Errors
    /// The database.
    pub async fn list(
        &self,
        ctx: &OrgContext,
        filter: &RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, RunError> {
        Ok(store::list(ctx, filter, before, limit).await?)
    }

    /// The runs of a session that are not over, the oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn open_in_session(
        &self,
        tx: &mut WriteTx,
        session: SessionId,
    ) -> Result<Vec<Run>, RunError> {
        store::lock_session(tx, session).await?;
        Ok(store::open_in_session(tx, session).await?)
    }

    /// Whether a session has runs that are not over, those among them that other runs started.
    ///
    /// # Errors
    /// The database.
    pub async fn is_busy(
        &self,
        tx: &mut impl vault::Query,
        session: SessionId,
    ) -> Result<bool, RunError> {
        Ok(store::is_busy(tx, session).await?)
    }

    /// Asks for the end of a run and of those it started.
    ///
    /// # Errors
    /// There is none here. Asking for the end of a run that is over changes nothing.
    pub async fn cancel(&self, ctx: &OrgContext, id: RunId) -> Result<Run, RunError> {
        let mut tx = ctx.write().await?;
        let found = store::get_in(&mut tx, id)
            .await?
            .ok_or(RunError::NotFound(id))?;
        if found.state.is_over() || found.cancel_requested {
            return Ok(found);
        }
        let asked = self.cancel_in(ctx, &mut tx, &found).await?;
        tx.commit().await?;
        self.cancelled(&asked);
        self.get(ctx, id).await
    }

    /// Asks for the end of a run within a transaction; hand what it answers to
    /// [`Runs::cancelled`] once that is committed.
    ///
    /// # Errors
    /// The database.
    pub async fn cancel_in(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        run: &Run,
    ) -> Result<Vec<RunId>, RunError> {
        let mut asked = Vec::new();
        let mut left = vec![run.id];
        while let Some(next) = left.pop() {
            if store::request_cancel(tx, next, ctx.now()).await? {
                tx.record(
                    Draft::new(EventKind::RunCancelRequested, next)
                        .in_session(run.session)
                        .about_run(next),
                );
                asked.push(next);
            }
            left.extend(store::open_children(tx, next).await?);
        }
        Ok(asked)
    }

    /// Rings the workers of runs whose end was asked for.
    pub fn cancelled(&self, asked: &[RunId]) {
        if let Some(worker) = &self.worker {
            asked.iter().for_each(|run| worker.cancel(*run));
        }
        self.engine.0.wake.notify_one();
    }

    /// Answers a request for approval and wakes its run, within a transaction; call
    /// [`Runs::poked`] once that is committed.
    ///
    /// # Errors
    /// Those of [`approvals::answer`].
    pub async fn answer_in(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        asked: &Approval,
        (said, comment): (&Answer, Option<&str>),
    ) -> Result<Approval, ApprovalError> {
        // The run's row before the approval's, as its worker takes them.
        store::poke(tx, asked.run, ctx.now()).await?;
        approvals::answer(ctx, tx, asked.id, said, comment).await
    }

    /// Rings the worker after something that a run may wait for was committed.
    pub fn poked(&self) {
        self.engine.0.wake.notify_one();
    }

    /// Wakes every run that waits for a node, because one is there.
    ///
    /// # Errors
    /// The database.
    pub async fn node_is_there(&self) -> Result<(), RunError> {
        store::wake_waiting_for_node(&self.engine.0.authority, self.engine.now()).await?;
        self.poked();
        Ok(())
    }

    /// Takes a person's decision about the outcome that a run waits for.
    ///
    /// # Errors
    /// The run is not here, or waits for no decision.
    pub async fn resolve(
        &self,
        ctx: &OrgContext,
        id: RunId,
        resolution: Resolution,
    ) -> Result<Run, RunError> {
        let mut tx = ctx.write().await?;
        let found = store::get_in(&mut tx, id)
            .await?
            .ok_or(RunError::NotFound(id))?;
        let State::Waiting {
            waiting_for: WaitingFor::Decision { step },
        } = found.state
        else {
            return Err(RunError::NothingToResolve);
        };
        let by = serde_json::to_string(ctx.actor()).unwrap_or_default();
        store::put_resolution(&mut tx, id, step, (resolution.as_str(), &by, ctx.now())).await?;
        store::poke(&mut tx, id, ctx.now()).await?;
        tx.record(
            Draft::new(EventKind::ToolResolved, id)
                .in_session(found.session)
                .about_run(id)
                .fact("step", step)
                .fact("decision", resolution.as_str()),
        );
        tx.commit().await?;
        self.poked();
        self.get(ctx, id).await
    }

    /// Sends a signal to a run.
    ///
    /// # Errors
    /// The run is not here, or is over.
    pub async fn signal(
        &self,
        ctx: &OrgContext,
        id: RunId,
        name: &str,
        carried: &Value,
    ) -> Result<(), RunError> {
        let mut tx = ctx.write().await?;
        self.signal_in(ctx, &mut tx, id, (name, carried)).await?;
        tx.commit().await?;
        self.poked();
        Ok(())
    }

    /// Sends a signal to a run within a transaction; call [`Runs::poked`] once that is committed.
    ///
    /// # Errors
    /// As [`Runs::signal`].
    pub async fn signal_in(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: RunId,
        (name, carried): (&str, &Value),
    ) -> Result<(), RunError> {
        let found = store::get_in(tx, id).await?.ok_or(RunError::NotFound(id))?;
        if found.state.is_over() {
            return Err(RunError::Over);
        }
        let bytes = carried.to_string().into_bytes();
        let body = self.engine.seal_any(ctx, tx, found.session, bytes).await?;
        store::put_signal(tx, id, (name, body, ctx.now())).await?;
        store::poke(tx, id, ctx.now()).await?;
        tx.record(
            Draft::new(EventKind::SignalReceived, id)
                .in_session(found.session)
                .about_run(id)
                .fact("name", name)
                .with_content(body),
        );
        Ok(())
    }

    /// Whether the journal of a run holds the end of this attempt.
    ///
    /// # Errors
    /// The database.
    pub async fn is_settled(
        &self,
        org: vocab::OrgId,
        run: RunId,
        job: vocab::JobId,
    ) -> Result<bool, RunError> {
        let authority = &self.engine.0.authority;
        let ctx = authority.context(org, vocab::Actor::system("gateway"), vocab::Role::Viewer);
        let over = store::get(&ctx, run)
            .await?
            .is_none_or(|it| it.run.state.is_over());
        Ok(over || store::has_outcome(&ctx, run, job).await?)
    }

    /// Some steps of a run, as people read them: those after a number, at most `limit`. No other
    /// step's contents are opened.
    ///
    /// # Errors
    /// Their contents were erased, or the journal can't be read.
    pub async fn steps(
        &self,
        ctx: &OrgContext,
        run: &Run,
        after: u32,
        limit: usize,
    ) -> Result<Vec<RunStep>, RunError> {
        let mut journal = store::journal(ctx, run.id).await?;
        steps::keep(&mut journal, after, limit);
        Ok(steps::steps(self.engine.opened(ctx, journal).await?))
    }
}
