//! Lets calls of tools in and out, and counts them.
//!
//! The count of an organisation is one row with a version. This process keeps what it last read or
//! wrote of it, so a call takes one statement before and one after; where another process was faster,
//! the row is read anew and the call is held against that. Calls of one organisation go through here
//! one after the other, so that they don't race each other to the row.
//!
//! Invariants
//! - A call is written down here before it is in the row, and until it is out of it again: wherever it
//!   is given up, a task of its own writes what became of it.
//! - Each write of the row says of all calls of this process that they are under way.

mod known;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use db::{Authority, OrgContext, StoreError};
use egress::Meter;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use vocab::limits::TOOL_CALL_RENEW;
use vocab::{Intent, JobId, OrgId, Target, Timestamp};

use self::known::Known;

use super::bounds::Limit;
use super::refusal::{Max, Refusal};
use super::used::{Bytes, Came, Grant, Leaves, Used, Want, mark};
use super::{Plans, Rules, is_counted, store};
use crate::broker::Attempted;

/// How often organisations of which nothing is under way are forgotten.
const GATES_SWEPT_EVERY: Duration = Duration::from_secs(60);

/// Counts calls of tools. Cheap to clone.
#[derive(Clone)]
pub struct Turnstile(Arc<Inner>);

struct Inner {
    authority: Authority,
    plans: Plans,
    orgs: RwLock<Orgs>,
}

/// The organisations that called lately.
#[derive(Default)]
struct Orgs {
    gates: HashMap<OrgId, Arc<Gate>>,
    swept_at: Option<Timestamp>,
}

/// What this process knows of one organisation.
#[derive(Default)]
struct Gate {
    rules: Mutex<Known>,
    row: tokio::sync::Mutex<Row>,
    here: Mutex<Here>,
}

/// The count, as it was last read or written.
#[derive(Default)]
struct Row {
    known: Option<(Used, i64)>,
    /// When its last write began.
    written: Option<Instant>,
}

/// The calls of this process.
#[derive(Default)]
struct Here {
    /// Those that are under way.
    open: BTreeSet<JobId>,
    /// Those that are over, until that is written: soon, or with the next change if the database was
    /// away.
    late: Vec<Late>,
}

/// A call that is over.
#[derive(Clone, Copy)]
struct Late {
    job: JobId,
    came: Came,
    at: Timestamp,
}

impl Gate {
    /// Whether nothing would be lost by forgetting it, once nobody holds it.
    fn is_idle(&self, now: Timestamp) -> bool {
        let here = locked(&self.here);
        let nothing = here.open.is_empty() && here.late.is_empty();
        nothing && locked(&self.rules).fresh(now).is_none()
    }
}

/// How a call was met.
pub(crate) enum Entered {
    /// Nothing is limited.
    Free(Pass),
    /// It was let in, and counted.
    In(Ticket),
    /// A limit keeps it out.
    Refused(Box<Refusal>),
}

/// A call that is let in. Whoever drops it before it is over says that nobody waits for it.
pub(crate) struct Ticket {
    turnstile: Turnstile,
    gate: Arc<Gate>,
    ctx: OrgContext,
    job: JobId,
    pass: Pass,
    stage: Stage,
}

/// How far a call has come.
#[derive(Clone, Copy)]
enum Stage {
    /// It may be counted already, and nothing was attempted.
    Entering,
    /// It is attempted.
    Out,
    /// What became of it is written down here, if it was let in.
    Over,
}

/// How far a request may go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    /// Counts what it moves, and ends it at what was reserved.
    pub meter: Arc<Meter>,
    /// What the day has left, where that is less than a call is let have.
    last: Grant,
    hosts: Option<Hosts>,
}

/// The hosts that a request may be led to.
#[derive(Debug, Clone)]
struct Hosts {
    rules: Arc<Rules>,
    /// Where the number of hosts is limited: those of today, of which one more would be a new one.
    known: Option<(Max, BTreeSet<u64>)>,
}

impl Pass {
    /// The limit whose rest for the day this call has used up, if that is what has ended it.
    pub fn spent(&self) -> Option<Limit> {
        let Grant { sent, received } = self.last;
        if received.is_some() && self.meter.room_to_receive() == 0 {
            return Some(Limit::EgressReceivedBytesPerDay);
        }
        let all_sent = sent.is_some() && self.meter.room_to_send() == 0;
        all_sent.then_some(Limit::EgressSentBytesPerDay)
    }

    /// Whether a redirect may lead to this host, or why not.
    pub fn admits(&self, host: &str) -> Result<(), String> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        if let Some(refusal) = hosts.rules.bars(host) {
            return Err(refusal.counted().message());
        }
        match &hosts.known {
            Some((max, known)) if !known.contains(&mark(host)) => Err(format!(
                "it leads to a host that would be a new one today, and `{}` is limited",
                max.limit
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl Turnstile {
    /// One that holds calls against these plans.
    #[must_use]
    pub fn new(authority: Authority, plans: Plans) -> Self {
        Self(Arc::new(Inner {
            authority,
            plans,
            orgs: RwLock::default(),
        }))
    }

    /// The plans.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.0.plans
    }

    /// What an organisation's calls are held against, at most a second old.
    ///
    /// # Errors
    /// The database.
    pub async fn rules(&self, ctx: &OrgContext) -> Result<Arc<Rules>, StoreError> {
        let gate = self.gate(ctx);
        let now = ctx.now();
        let version = {
            let known = locked(&gate.rules);
            if let Some(rules) = known.fresh(now) {
                return Ok(rules);
            }
            known.version()
        };
        let stored = store::stored(ctx).await?;
        let rules = Arc::new(Rules {
            plan: self.0.plans.of_organisation(stored.plan.as_deref()),
            own: stored.own,
        });
        locked(&gate.rules).keep(version, now, &rules);
        Ok(rules)
    }

    /// What was known of an organisation's limits holds no longer.
    pub(super) fn forget(&self, org: OrgId) {
        let orgs = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = orgs.gates.get(&org) {
            locked(&gate.rules).forget();
        }
    }

    /// Lets an attempt in.
    pub(crate) async fn enter(
        &self,
        ctx: &OrgContext,
        intent: &Intent,
        job: JobId,
    ) -> Result<Entered, StoreError> {
        if !is_counted(&intent.tool) {
            return Ok(Entered::Free(Pass::default()));
        }
        let rules = self.rules(ctx).await?;
        if rules.is_empty() {
            return Ok(Entered::Free(Pass::default()));
        }
        let leaves = match &intent.target {
            Target::Http { host, .. } => Some(Leaves {
                host,
                argument_bytes: intent.arguments.to_string().len() as u64,
            }),
            Target::File { .. }
            | Target::Process { .. }
            | Target::Skill { .. }
            | Target::Artifact { .. }
            | Target::Agent { .. }
            | Target::Model { .. }
            | Target::Secret { .. }
            | Target::Nothing => None,
        };
        let want = Want { job, leaves };
        let gate = self.gate(ctx);
        // Before it is counted: whatever ends this from here on, it is written what became of it.
        let mut ticket = Ticket::new(self, &gate, ctx, job);
        let reserve = |used: &mut Used| {
            let grant = used.reserve(&rules, &want, ctx.now())?;
            let known = rules.limit(Limit::EgressHostsPerDay);
            Ok((grant, known.map(|max| (max, used.hosts().clone()))))
        };
        let (grant, known) = match self.change(ctx, &gate, reserve).await? {
            Ok(granted) => granted,
            Err(refusal) => {
                ticket.was_refused();
                return Ok(Entered::Refused(Box::new(refusal.counted())));
            }
        };
        let Grant { sent, received } = grant;
        let meter = Meter::new(sent.unwrap_or(u64::MAX), received.unwrap_or(u64::MAX));
        let usual = want.leaves.map(Leaves::usual).unwrap_or_default();
        ticket.pass = Pass {
            meter: Arc::new(meter),
            last: Grant {
                sent: sent.filter(|it| *it < usual.sent),
                received: received.filter(|it| *it < usual.received),
            },
            hosts: Some(Hosts { rules, known }),
        };
        Ok(Entered::In(ticket))
    }

    /// Changes the count of an organisation, unless a limit refuses the change. A limit refuses only
    /// what was just read.
    async fn change<T>(
        &self,
        ctx: &OrgContext,
        gate: &Gate,
        change: impl Fn(&mut Used) -> Result<T, Refusal>,
    ) -> Result<Result<T, Refusal>, StoreError> {
        let mut row = gate.row.lock().await;
        self.change_row(ctx, gate, &mut row, change).await
    }

    async fn change_row<T>(
        &self,
        ctx: &OrgContext,
        gate: &Gate,
        row: &mut Row,
        change: impl Fn(&mut Used) -> Result<T, Refusal>,
    ) -> Result<Result<T, Refusal>, StoreError> {
        let mut is_fresh = false;
        loop {
            let (mut used, version) = match row.known.take() {
                Some(known) => known,
                None => {
                    is_fresh = true;
                    store::used(ctx).await?
                }
            };
            let begun = Instant::now();
            let late = gate.tell(&mut used, ctx.now());
            match change(&mut used) {
                Err(refusal) if is_fresh => return Ok(Err(refusal)),
                Err(_) => {}
                Ok(made) => {
                    if store::put_used(&self.0.authority, ctx.org(), &used, version).await? {
                        locked(&gate.here).late.drain(..late);
                        row.known = Some((used, version + 1));
                        row.written = Some(begun);
                        return Ok(Ok(made));
                    }
                }
            }
        }
    }

    /// Writes what became of calls that are over, if that is not written yet.
    async fn settle(&self, ctx: &OrgContext, gate: &Gate) {
        let mut row = gate.row.lock().await;
        // Also where the row has nothing of them: a reservation that is still on its way to the
        // database comes too late, since the row has another version then.
        if !locked(&gate.here).late.is_empty() {
            self.write(ctx, gate, &mut row).await;
        }
    }

    /// Says of all calls of this process that they are under way, if that was not just said.
    async fn renew(&self, ctx: &OrgContext, gate: &Gate) {
        let mut row = gate.row.lock().await;
        let lately = |at: Instant| at.elapsed() < TOOL_CALL_RENEW / 2;
        if !row.written.is_some_and(lately) {
            self.write(ctx, gate, &mut row).await;
        }
    }

    /// Writes the row; what can't be written now is in time later, or runs out.
    async fn write(&self, ctx: &OrgContext, gate: &Gate, row: &mut Row) {
        if let Err(error) = self.change_row(ctx, gate, row, |_| Ok(())).await {
            let (error, org) = (&error as &dyn std::error::Error, ctx.org());
            tracing::warn!(error, %org, "what calls took is not written yet");
        }
    }

    fn gate(&self, ctx: &OrgContext) -> Arc<Gate> {
        let orgs = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = orgs.gates.get(&ctx.org()) {
            return Arc::clone(gate);
        }
        drop(orgs);
        let mut orgs = self.0.orgs.write().unwrap_or_else(PoisonError::into_inner);
        orgs.sweep(ctx.now());
        Arc::clone(orgs.gates.entry(ctx.org()).or_default())
    }
}

impl Orgs {
    /// Forgets the organisations of which nothing is under way, once in a while.
    fn sweep(&mut self, now: Timestamp) {
        if self
            .swept_at
            .is_some_and(|at| now.since(at) < GATES_SWEPT_EVERY)
        {
            return;
        }
        self.swept_at = Some(now);
        self.gates
            .retain(|_, gate| Arc::strong_count(gate) > 1 || !gate.is_idle(now));
    }
}

impl Gate {
    /// Has the count say what this process knows, and says how many of the calls that are over it has.
    fn tell(&self, used: &mut Used, now: Timestamp) -> usize {
        let here = locked(&self.here);
        used.renew(&here.open, now);
        for late in &here.late {
            used.settle(late.job, late.came, late.at);
        }
        here.late.len()
    }
}

impl Ticket {
    fn new(turnstile: &Turnstile, gate: &Arc<Gate>, ctx: &OrgContext, job: JobId) -> Self {
        locked(&gate.here).open.insert(job);
        Self {
            turnstile: turnstile.clone(),
            gate: Arc::clone(gate),
            ctx: ctx.clone(),
            job,
            pass: Pass::default(),
            stage: Stage::Entering,
        }
    }

    pub fn pass(&self) -> &Pass {
        &self.pass
    }

    /// Waits for the attempt, says meanwhile that it is under way, and writes down what it came to.
    pub async fn hold<E>(
        mut self,
        attempt: impl Future<Output = Result<Attempted, E>>,
    ) -> Result<Attempted, E> {
        self.stage = Stage::Out;
        let attempted = tokio::select! {
            attempted = attempt => attempted,
            never = self.renew() => match never {},
        };
        let came = match &attempted {
            Ok(Attempted::NotSent { .. }) | Err(_) => Came::Back,
            Ok(
                Attempted::Done(_)
                | Attempted::Unknown { .. }
                | Attempted::NodeAway
                | Attempted::Refused(_),
            ) => self.moved(),
        };
        if let Some(written) = self.is_over(came) {
            // It can't be cancelled, and does not panic.
            drop(written.await);
        }
        attempted
    }

    /// Says again and again that it is under way.
    async fn renew(&self) -> Infallible {
        loop {
            tokio::time::sleep(TOOL_CALL_RENEW).await;
            self.turnstile.renew(&self.ctx, &self.gate).await;
        }
    }

    fn moved(&self) -> Came {
        Came::Out(Bytes {
            sent: self.pass.meter.sent(),
            received: self.pass.meter.received(),
        })
    }

    /// It was not let in: there is nothing to write.
    fn was_refused(&mut self) {
        self.stage = Stage::Over;
        locked(&self.gate.here).open.remove(&self.job);
    }

    /// Notes what became of it, and has that written by a task of its own: nobody may be there any
    /// more who waits for it. Where no task can be had it goes with the next change of the row.
    fn is_over(&mut self, came: Came) -> Option<JoinHandle<()>> {
        self.stage = Stage::Over;
        let (job, at) = (self.job, self.ctx.now());
        {
            let mut here = locked(&self.gate.here);
            here.open.remove(&job);
            here.late.push(Late { job, came, at });
        }
        let (turnstile, gate) = (self.turnstile.clone(), Arc::clone(&self.gate));
        let ctx = self.ctx.clone();
        let tasks = Handle::try_current().ok()?;
        Some(tasks.spawn(async move { turnstile.settle(&ctx, &gate).await }))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let came = match self.stage {
            Stage::Entering => Came::Back,
            Stage::Out => self.moved(),
            Stage::Over => return,
        };
        drop(self.is_over(came));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
