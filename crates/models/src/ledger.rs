//! The ledger: what was spent, what may be spent, and what is open in between.
//!
//! A call is **reserved** before it goes out, at what it may cost, on every scope that it belongs to,
//! and **settled** after it, at what it did cost. Both happen in memory, under one lock an
//! organisation, so that no call waits for the database. What was settled is written in groups
//! ([`writer`]), a few dozen milliseconds later, together with its events; a call that lives longer
//! than that has its reservation written, too, so that a sweep can settle it if this process dies.
//!
//! ```text
//! reserve ──► (call) ──► settle ──► group ──► database
//!    │                                ▲
//!    └── still open at the next group ┘  a row in `model_reservations`
//! ```
//!
//! Invariants
//! - Within a process no limit is passed by calls that were reserved at what they cost: reserving
//!   checks and counts in one step.
//! - What was settled is counted exactly once: as unstored until its group is in the database, as
//!   stored from then on.
//! - If groups can't be written, no more calls are let in. Where they are written more slowly than calls
//!   end, callers are slowed down before that ([`CROWDED`]).
//!
//! What other processes spend is read when an account is more than [`FRESH_FOR`] old, and before that
//! beside the calls ([`AHEAD_AFTER`]); what they have reserved is not known. `docs/decisions/0007` says what that can add up to.

mod account;
mod day;
mod latency;
mod record;
mod scope;
mod sweep;
mod tally;
mod writer;

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use db::{Engine, OrgContext, StoreError};
use tokio::sync::Notify;
use vocab::{JobId, ModelCallId, OrgId, RunId, Timestamp};

pub use account::Period;
pub(crate) use account::{Full, Spent, Sums};
pub(crate) use day::Day;
pub(crate) use latency::{Bucket, Hour, Latencies, Took, percentile};
pub(crate) use record::{Call, End, Outcome, Public, Reservation};
pub use scope::{ParseScopeError, Scope};
pub(crate) use sweep::RENEW;
pub(crate) use tally::{Totals, UsageKey};

use crate::model::Limits;
use crate::span::CallSpan;
use crate::store::spend;
use account::Account;

/// How old the sums of other processes may be. On SQLite there are none.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How old sums are when a call has them read anew without waiting for that.
const AHEAD_AFTER: Duration = Duration::from_millis(500);
/// How many calls wait to be written before no more are let in.
const UNWRITTEN_MAX: usize = 50_000;
/// How many calls wait to be written when those who ask are made to wait, too.
const CROWDED: usize = 4_096;
/// How long one of them waits at most.
const SLOWED_FOR: Duration = Duration::from_secs(1);
/// When an account that nobody uses is forgotten.
const IDLE_FOR: Duration = Duration::from_secs(600);
/// How many accounts an organisation has in memory before idle ones are looked for.
const ACCOUNTS_MAX: usize = 1_000;

/// What a scope may spend, and which models it may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Whose.
    pub scope: Scope,
    /// How much and how often.
    pub limits: Limits,
    /// Profiles, `provider/model`, or `provider/*`; every model if there is none.
    pub models: Option<Vec<String>>,
    /// The version, from 1.
    pub version: u32,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// The limits of one scope that a call is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    pub scope: Scope,
    pub limits: Limits,
}

/// Why a call was not let in.
#[derive(Debug)]
pub(crate) enum Denied {
    /// A limit of this scope.
    Full(Scope, Full),
    /// Groups can't be written.
    Unwritten,
    /// What was spent can't be read.
    Store(StoreError),
}

/// The ledger of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Inner>);

struct Inner {
    /// Names this process in reservations.
    holder: String,
    orgs: RwLock<HashMap<OrgId, Arc<Accounts>>>,
    desk: Mutex<Desk>,
    open: AtomicUsize,
    wake: Notify,
    /// Told after each group.
    written: Notify,
    /// Held for writing while a group goes into the database, for reading while sums come out.
    turn: tokio::sync::RwLock<()>,
}

/// The accounts of one organisation.
#[derive(Default)]
struct Accounts(Mutex<HashMap<Scope, Account>>);

/// What waits to be written.
#[derive(Default)]
struct Desk {
    /// Calls that are open and have not been through a group yet.
    fresh: HashMap<ModelCallId, Arc<Call>>,
    /// Calls that have ended, and whether their reservation was written.
    settled: VecDeque<Settled>,
    /// How many calls of a group that is being written.
    in_hand: usize,
}

/// A call that has ended.
struct Settled {
    call: Arc<Call>,
    outcome: Outcome,
    /// Its reservation is in the database and has to go.
    stored: bool,
}

/// A call that was let in. Whoever holds it says how it ends; dropping it says that it was abandoned.
pub(crate) struct Ticket {
    ledger: Ledger,
    call: Arc<Call>,
    /// What it has come to so far.
    pub outcome: Outcome,
    /// What whoever traces sees of it.
    pub span: CallSpan,
}

impl Ledger {
    pub fn new(holder: JobId) -> Self {
        Self(Arc::new(Inner {
            holder: holder.to_string(),
            orgs: RwLock::default(),
            desk: Mutex::default(),
            open: AtomicUsize::new(0),
            wake: Notify::new(),
            written: Notify::new(),
            turn: tokio::sync::RwLock::new(()),
        }))
    }

    /// Lets a call in, or says why not.
    pub async fn admit(
        &self,
        call: Call,
        holds: &[Hold],
        span: impl FnOnce(&Call) -> CallSpan,
    ) -> Result<Ticket, Denied> {
        if self.desk().unwritten() >= CROWDED {
            self.slow_down().await;
        }
        let ctx = call.ctx.clone();
        loop {
            match self.reserve(&call, holds) {
                Ok(ageing) => {
                    self.look_ahead(&ctx, ageing);
                    break;
                }
                Err(Refused::Denied(denied)) => return Err(denied),
                Err(Refused::Unread) => {
                    let scopes = holds.iter().map(|hold| hold.scope).collect();
                    self.read(&ctx, scopes).await.map_err(Denied::Store)?;
                }
            }
        }
        let call = Arc::new(call);
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.desk().fresh.insert(call.id, Arc::clone(&call));
        self.0.wake.notify_one();
        Ok(Ticket {
            ledger: self.clone(),
            span: span(&call),
            outcome: Outcome::abandoned(),
            call,
        })
    }

    /// Waits until fewer calls wait to be written, for a moment at most.
    async fn slow_down(&self) {
        let fewer = async {
            loop {
                let mut written = pin!(self.0.written.notified());
                // From here on no group is missed.
                written.as_mut().enable();
                if self.desk().unwritten() < CROWDED {
                    return;
                }
                written.await;
            }
        };
        // Whoever has waited so long is let in, or refused by what `reserve` finds.
        let _ = tokio::time::timeout(SLOWED_FOR, fewer).await;
    }

    /// Checks all limits and counts, or counts nothing; answers whose sums should be read anew soon.
    fn reserve(&self, call: &Call, holds: &[Hold]) -> Result<Vec<Scope>, Refused> {
        let Spent { cost, tokens } = call.reserved;
        let now = call.at;
        {
            if self.desk().unwritten() >= UNWRITTEN_MAX {
                return Err(Refused::Denied(Denied::Unwritten));
            }
        }
        if holds.is_empty() {
            return Ok(Vec::new());
        }
        let accounts = self.accounts(call.ctx.org());
        let mut accounts = accounts.lock();
        let others_write = call.ctx.engine() == Engine::Postgres;
        for Hold { scope, limits } in holds {
            let account = accounts.get_mut(scope);
            let fresh = |it: &Account| !others_write || it.read_at.elapsed() < FRESH_FOR;
            let Some(account) = account.filter(|it| fresh(it)) else {
                return Err(Refused::Unread);
            };
            let checked = account.check(limits, cost, tokens, now);
            checked.map_err(|full| Refused::Denied(Denied::Full(*scope, full)))?;
        }
        let mut ageing = Vec::new();
        for Hold { scope, .. } in holds {
            if let Some(account) = accounts.get_mut(scope) {
                account.reserve(cost, tokens, now);
                if others_write && account.ages(AHEAD_AFTER) {
                    ageing.push(*scope);
                }
            }
        }
        Ok(ageing)
    }

    /// Has sums that are about to be too old read anew, by a task of its own.
    fn look_ahead(&self, ctx: &OrgContext, scopes: Vec<Scope>) {
        if scopes.is_empty() {
            return;
        }
        let (this, ctx) = (self.clone(), ctx.clone());
        // If it fails, the next call that needs them reads them, and says why.
        tokio::spawn(async move { this.read(&ctx, scopes).await });
    }

    /// Reads what scopes have spent. No group is written meanwhile, so what is settled and not
    /// written is exactly what the desk says.
    async fn read(&self, ctx: &OrgContext, scopes: Vec<Scope>) -> Result<(), StoreError> {
        let _turn = self.0.turn.read().await;
        let now = ctx.now();
        let mut tx = ctx.read().await?;
        let mut read = Vec::with_capacity(scopes.len());
        for scope in scopes {
            read.push((scope, spend::sums(&mut tx, scope, Day::of(now)).await?));
        }
        drop(tx);
        let accounts = self.accounts(ctx.org());
        // In this order, as everywhere: the desk, then accounts.
        let desk = self.desk();
        let mut accounts = accounts.lock();
        if accounts.len() >= ACCOUNTS_MAX {
            accounts.retain(|_, it| !it.is_idle() || it.used_at.elapsed() < IDLE_FOR);
        }
        for (scope, sums) in read {
            let unstored = desk.unstored(ctx.org(), scope);
            match accounts.get_mut(&scope) {
                Some(account) => account.refresh(sums, unstored, now),
                None => drop(accounts.insert(scope, Account::new(sums, unstored, 0, now))),
            }
        }
        Ok(())
    }

    /// What a run has spent so far, in micro-USD, as far as this process knows.
    pub async fn spent_by_run(&self, ctx: &OrgContext, run: RunId) -> Result<u64, StoreError> {
        let _turn = self.0.turn.read().await;
        let (scope, today) = (Scope::Run(run), Day::of(ctx.now()));
        let sums = spend::sums(&mut ctx.read().await?, scope, today).await?;
        let unstored = self.desk().unstored(ctx.org(), scope);
        Ok(sums.ever.saturating_add(unstored))
    }

    fn settle(&self, call: Arc<Call>, outcome: Outcome, now: Timestamp) {
        let actual = outcome.spent();
        let mut desk = self.desk();
        if let Some(accounts) = self.known_accounts(call.ctx.org()) {
            let mut accounts = accounts.lock();
            for scope in &call.scopes {
                if let Some(account) = accounts.get_mut(scope) {
                    account.settle(call.reserved_on(*scope), actual, (call.at, now));
                }
            }
        }
        let stored = desk.fresh.remove(&call.id).is_none();
        desk.settled.push_back(Settled {
            call,
            outcome,
            stored,
        });
        drop(desk);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.wake.notify_one();
    }

    /// How many calls are open.
    pub fn open_calls(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_accounts(&self, org: OrgId) -> Option<Arc<Accounts>> {
        let orgs = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner);
        orgs.get(&org).map(Arc::clone)
    }

    fn accounts(&self, org: OrgId) -> Arc<Accounts> {
        if let Some(known) = self.known_accounts(org) {
            return known;
        }
        let mut orgs = self.0.orgs.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(orgs.entry(org).or_default())
    }
}

enum Refused {
    Denied(Denied),
    /// What a scope has spent is not known, or not well enough.
    Unread,
}

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// How many calls have ended and are not in the database.
    fn unwritten(&self) -> usize {
        self.settled.len() + self.in_hand
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.settled.is_empty()
    }

    /// Those that ended first, at most so many.
    fn take_settled(&mut self, most: usize) -> Vec<Settled> {
        let count = self.settled.len().min(most);
        self.settled.drain(..count).collect()
    }

    /// Some that are open, at most so many.
    fn take_fresh(&mut self, most: usize) -> Vec<Arc<Call>> {
        let some: Vec<ModelCallId> = self.fresh.keys().take(most).copied().collect();
        some.iter().filter_map(|id| self.fresh.remove(id)).collect()
    }

    /// What is settled in a scope and not written.
    fn unstored(&self, org: OrgId, scope: Scope) -> u64 {
        let of_scope = self
            .settled
            .iter()
            .filter(|it| it.call.ctx.org() == org && it.call.scopes.contains(&scope));
        of_scope.map(|it| it.outcome.spent().cost).sum()
    }
}

impl Ticket {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.call.ctx.now();
        let mut outcome = std::mem::replace(&mut self.outcome, Outcome::abandoned());
        outcome.ended_at = Some(now);
        self.span.end(&self.call, &outcome);
        self.ledger.settle(Arc::clone(&self.call), outcome, now);
    }
}
