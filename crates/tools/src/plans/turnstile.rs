//! Lets calls of tools in and out, and counts them.
//!
//! The count of an organisation is one row with a version. This process keeps what it last read or
//! wrote of it, so a call takes one statement before and one after; where another process was faster,
//! the row is read anew and the call is held against that. Calls of one organisation go through here
//! one after the other, so that they don't race each other to the row.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use db::{Authority, OrgContext, StoreError};
use egress::Meter;
use vocab::limits::{TOOL_CALL_RENEW, TOOL_LIMITS_FRESH_FOR};
use vocab::{Intent, JobId, OrgId, Target, Timestamp};

use super::bounds::Limit;
use super::refusal::{Max, Refusal};
use super::used::{Bytes, Came, Grant, Leaves, Used, Want, mark};
use super::{Plans, Rules, store};
use crate::broker::Attempted;

/// Counts calls of tools. Cheap to clone.
#[derive(Clone)]
pub struct Turnstile(Arc<Inner>);

struct Inner {
    authority: Authority,
    plans: Plans,
    orgs: RwLock<HashMap<OrgId, Arc<Gate>>>,
}

/// What this process knows of one organisation.
#[derive(Default)]
struct Gate {
    rules: Mutex<Option<(Timestamp, Arc<Rules>)>>,
    row: tokio::sync::Mutex<Option<(Used, i64)>>,
    /// Calls that ended and are not written: nobody waited for them, or the database was away. They
    /// go with the next change of the row.
    late: Mutex<Vec<(JobId, Came)>>,
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

/// A call that was let in. Whoever drops it before it is over says that nobody waited for it.
pub(crate) struct Ticket {
    turnstile: Turnstile,
    gate: Arc<Gate>,
    ctx: OrgContext,
    job: JobId,
    pass: Pass,
    over: bool,
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
        let gate = self.gate(ctx.org());
        let now = ctx.now();
        if let Some((at, rules)) = &*locked(&gate.rules)
            && *at <= now
            && now.since(*at) < TOOL_LIMITS_FRESH_FOR
        {
            return Ok(Arc::clone(rules));
        }
        let stored = store::stored(ctx).await?;
        let rules = Arc::new(Rules {
            plan: self.0.plans.of_organisation(stored.plan.as_deref()),
            own: stored.own,
        });
        *locked(&gate.rules) = Some((now, Arc::clone(&rules)));
        Ok(rules)
    }

    /// What was known of an organisation's limits holds no longer.
    pub(super) fn forget(&self, org: OrgId) {
        *locked(&self.gate(org).rules) = None;
    }

    /// Lets an attempt in.
    pub(crate) async fn enter(
        &self,
        ctx: &OrgContext,
        intent: &Intent,
        job: JobId,
    ) -> Result<Entered, StoreError> {
        // How an agent thinks is no call of a tool: what it may ask of models its budgets say.
        if matches!(intent.target, Target::Model { .. }) {
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
        let gate = self.gate(ctx.org());
        let reserve = |used: &mut Used| {
            let grant = used.reserve(&rules, &want, ctx.now())?;
            let known = rules.limit(Limit::EgressHostsPerDay);
            Ok((grant, known.map(|max| (max, used.hosts().clone()))))
        };
        let (grant, known) = match self.change(ctx, &gate, reserve).await? {
            Ok(granted) => granted,
            Err(refusal) => return Ok(Entered::Refused(Box::new(refusal.counted()))),
        };
        let Grant { sent, received } = grant;
        let meter = Meter::new(sent.unwrap_or(u64::MAX), received.unwrap_or(u64::MAX));
        let usual = want.leaves.map(Leaves::usual).unwrap_or_default();
        let pass = Pass {
            meter: Arc::new(meter),
            last: Grant {
                sent: sent.filter(|it| *it < usual.sent),
                received: received.filter(|it| *it < usual.received),
            },
            hosts: Some(Hosts { rules, known }),
        };
        Ok(Entered::In(Ticket {
            turnstile: self.clone(),
            gate,
            ctx: ctx.clone(),
            job,
            pass,
            over: false,
        }))
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
        let mut is_fresh = false;
        loop {
            let (mut used, version) = match row.take() {
                Some(known) => known,
                None => {
                    is_fresh = true;
                    store::used(ctx).await?
                }
            };
            let late = locked(&gate.late).clone();
            for (job, came) in &late {
                used.settle(*job, *came, ctx.now());
            }
            match change(&mut used) {
                Err(refusal) if is_fresh => return Ok(Err(refusal)),
                Err(_) => {}
                Ok(made) => {
                    if store::put_used(&self.0.authority, ctx.org(), &used, version).await? {
                        locked(&gate.late).drain(..late.len());
                        *row = Some((used, version + 1));
                        return Ok(Ok(made));
                    }
                }
            }
        }
    }

    fn gate(&self, org: OrgId) -> Arc<Gate> {
        let orgs = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = orgs.get(&org) {
            return Arc::clone(gate);
        }
        drop(orgs);
        let mut orgs = self.0.orgs.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(orgs.entry(org).or_default())
    }
}

impl Ticket {
    pub fn pass(&self) -> &Pass {
        &self.pass
    }

    /// Waits for the attempt, says meanwhile that it is under way, and writes down what it came to.
    pub async fn hold<E>(
        mut self,
        attempt: impl Future<Output = Result<Attempted, E>>,
    ) -> Result<Attempted, E> {
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
        // From here on it is over, and goes with the next change if not with this one.
        self.over = true;
        locked(&self.gate.late).push((self.job, came));
        self.write(|_| {}).await;
        attempted
    }

    /// Says again and again that it is under way.
    async fn renew(&self) -> Infallible {
        loop {
            tokio::time::sleep(TOOL_CALL_RENEW).await;
            let now = self.ctx.now();
            self.write(|used| used.renew(self.job, now)).await;
        }
    }

    fn moved(&self) -> Came {
        Came::Out(Bytes {
            sent: self.pass.meter.sent(),
            received: self.pass.meter.received(),
        })
    }

    /// Changes the row; what can't be written now is in time later, or runs out.
    async fn write(&self, change: impl Fn(&mut Used)) {
        let change = |used: &mut Used| {
            change(used);
            Ok(())
        };
        if let Err(error) = self.turnstile.change(&self.ctx, &self.gate, change).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, job = %self.job, "what a call took is not written yet");
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.over {
            let came = self.moved();
            locked(&self.gate.late).push((self.job, came));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
