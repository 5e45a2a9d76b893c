//! Which process is the controller of which chat.
//!
//! With several processes on one database, each chat that somebody needs is held by one of them: its
//! people's messages are ordered, `on_busy` and steering are decided, and what is live is told there.
//! A row says who holds it. The first process that needs a chat which nobody holds takes it; every
//! other one finds the holder's address in the row, and asks there.
//!
//! A holder is one life of one process. It has a lease, which it extends every [`BEAT`]; what it
//! holds is held as long as that. A holder whose lease is over never comes back: the process goes on
//! as a new one, which holds nothing. So it does not matter how long the process slept.
//!
//! Invariants
//! - Each write of a controller locks the chat's row with the holder and the epoch that it believes
//!   in ([`Placements::fence`]), in its own transaction. Taking a chat over changes both and needs the
//!   same lock: whatever was written before is there, and whatever comes after is refused.
//! - The leases only say when another process may try. No write depends on a clock.
//!
//! An installation of one process has no placements at all: it is the controller of every chat.

mod store;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use db::{Authority, StoreError, WriteTx};
use tokio::sync::{OwnedMutexGuard, RwLock, RwLockReadGuard, watch};
use tokio::time::Instant;
use vocab::{JobId, OrgId, SessionId};

use crate::ChatError;

/// How long a holder keeps its chats without a sign of life: nearly all of what a takeover takes.
pub const LEASE: Duration = Duration::from_secs(4);
/// How often a holder gives a sign of life.
pub const BEAT: Duration = Duration::from_secs(1);
/// How long a chat that nobody needs is held, and where another one is held remembered.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How often it is looked for chats that nobody needs.
const SWEEP: Duration = Duration::from_secs(60);
/// How long requests may take to end when the process stops, before their chats are given away.
const ENDING: Duration = Duration::from_secs(1);

/// Where a chat is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By this process, as this holder in this epoch.
    Here {
        /// This life of this process.
        holder: Arc<str>,
        /// Rises whenever the chat is taken over.
        epoch: i64,
    },
    /// By another process.
    There {
        /// How it is reached.
        address: Arc<str>,
    },
    /// By nobody, and this process can't take it: there is no such chat in that organisation, or this
    /// process is stopping.
    Nowhere,
}

/// A row.
struct Held {
    holder: String,
    epoch: i64,
    address: String,
}

/// Which process is the controller of which chat. Cheap to clone.
#[derive(Clone)]
pub struct Placements(Arc<Inner>);

struct Inner {
    authority: Authority,
    /// How other processes reach this one.
    address: String,
    lease: Duration,
    known: Mutex<Known>,
    /// Rings when this process may have lost a chat.
    lost: watch::Sender<u64>,
    /// Held by whoever handles a request as a controller.
    handling: RwLock<()>,
}

/// What this process knows of who holds what.
struct Known {
    /// This life; nothing once the process has left.
    holder: Option<Arc<str>>,
    places: HashMap<SessionId, Remembered>,
}

struct Remembered {
    org: OrgId,
    place: Place,
    /// Held by who writes to the chat.
    turn: Arc<tokio::sync::Mutex<()>>,
    touched: Instant,
}

impl Placements {
    /// Placements of a process that others reach at this address. It holds nothing until it has
    /// [joined](Self::join).
    #[must_use]
    pub fn new(authority: Authority, address: String) -> Self {
        let known = Known {
            holder: None,
            places: HashMap::new(),
        };
        Self(Arc::new(Inner {
            authority,
            address,
            lease: LEASE,
            known: Mutex::new(known),
            lost: watch::channel(0).0,
            handling: RwLock::new(()),
        }))
    }

    /// The same with another lease than [`LEASE`], as tests want whose processes may be slow. To be
    /// called before it is cloned.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.lease = lease;
        }
        self
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a life in which this process may hold chats. To be called before requests are taken.
    ///
    /// # Errors
    /// The database.
    pub async fn join(&self) -> Result<(), StoreError> {
        let db = self.0.authority.db();
        let id: Arc<str> = JobId::generate(db.clock(), db.random()).to_string().into();
        store::join(&self.0.authority, (&id, &self.0.address), self.0.lease).await?;
        let mut known = self.known();
        known.holder = Some(id);
        known.places.clear();
        Ok(())
    }

    /// Keeps the lease until `stop` is ready; then gives everything back.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut swept = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = beats.tick() => self.beat().await,
            }
            if swept.elapsed() > SWEEP {
                swept = Instant::now();
                self.sweep().await;
            }
        }
        self.leave().await;
    }

    async fn beat(&self) {
        let Some(holder) = self.known().holder.clone() else {
            return;
        };
        let beaten = async {
            if store::extend(&self.0.authority, &holder, self.0.lease).await? {
                return Ok(());
            }
            metrics::counter!("chancery_chat_leases_lost_total").increment(1);
            tracing::warn!("the lease on chats ran out; whoever needs them takes them anew");
            self.join().await?;
            self.0.lost.send_modify(|count| *count += 1);
            Ok::<_, StoreError>(())
        };
        if let Err(error) = beaten.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the lease on chats can't be extended");
        }
        let held = self.known().places.values().filter(here).count();
        #[expect(clippy::cast_precision_loss, reason = "nobody holds 2^52 chats")]
        metrics::gauge!("chancery_chats_held").set(held as f64);
    }

    /// Gives back what nobody needed for long, and forgets where the rest is.
    async fn sweep(&self) {
        let mut idle = Vec::new();
        self.known().places.retain(|session, it| {
            let stays = it.touched.elapsed() < IDLE;
            if let (false, Place::Here { holder, epoch }) = (stays, &it.place) {
                idle.push(((it.org, *session), (Arc::clone(holder), *epoch)));
            }
            stays
        });
        let gave_back = !idle.is_empty();
        for (chat, (holder, epoch)) in idle {
            if let Err(error) = store::release(&self.0.authority, chat, (&holder, epoch)).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a chat was not given back");
            }
        }
        if gave_back {
            self.0.lost.send_modify(|count| *count += 1);
        }
    }

    async fn leave(&self) {
        // Those that are under way still write as the controller; they take no longer than a commit.
        let ending = tokio::time::timeout(ENDING, self.0.handling.write()).await;
        if let Some(holder) = self.forget_all() {
            match store::leave(&self.0.authority, &holder).await {
                Ok(chats) => tracing::info!(chats, "chats were given back"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "chats were not given back; their lease runs out");
                }
            }
        }
        drop(ending);
        self.0.lost.send_modify(|count| *count += 1);
    }

    /// Forgets this life, and what it held.
    fn forget_all(&self) -> Option<Arc<str>> {
        let mut known = self.known();
        known.places.clear();
        known.holder.take()
    }

    /// Held while a request is handled as a controller, so that a process which stops ends it first.
    pub async fn handling(&self) -> RwLockReadGuard<'_, ()> {
        self.0.handling.read().await
    }

    /// Where a chat is held. This process takes it if nobody holds it.
    ///
    /// # Errors
    /// The database.
    pub async fn place(&self, org: OrgId, session: SessionId) -> Result<Place, StoreError> {
        let holder = {
            let mut known = self.known();
            if let Some(it) = known.places.get_mut(&session)
                && it.org == org
            {
                it.touched = Instant::now();
                return Ok(it.place.clone());
            }
            known.holder.clone()
        };
        let place = self.look_up((org, session), holder.as_ref()).await?;
        let mut known = self.known();
        // Whatever was found out in an earlier life is not true any more.
        if place != Place::Nowhere && known.holder == holder {
            let remembered = Remembered {
                org,
                place: place.clone(),
                turn: Arc::default(),
                touched: Instant::now(),
            };
            known.places.insert(session, remembered);
        }
        Ok(place)
    }

    async fn look_up(
        &self,
        chat: (OrgId, SessionId),
        me: Option<&Arc<str>>,
    ) -> Result<Place, StoreError> {
        let authority = &self.0.authority;
        // A second time if another process was faster in taking it.
        for _ in 0..2 {
            if let Some(held) = store::holder(authority, chat).await? {
                return Ok(match me.filter(|me| ***me == *held.holder) {
                    Some(me) => Place::Here {
                        holder: Arc::clone(me),
                        epoch: held.epoch,
                    },
                    None => Place::There {
                        address: held.address.into(),
                    },
                });
            }
            let Some(me) = me else { break };
            let epoch = match store::claim(authority, chat, me).await {
                Ok(epoch) => epoch,
                // There is no such chat.
                Err(StoreError::Conflict { .. }) => break,
                Err(error) => return Err(error),
            };
            if let Some(epoch) = epoch {
                if epoch > 1 {
                    metrics::counter!("chancery_chat_takeovers_total").increment(1);
                }
                let holder = Arc::clone(me);
                return Ok(Place::Here { holder, epoch });
            }
        }
        Ok(Place::Nowhere)
    }

    /// Forgets where a chat is held: next time it is looked up.
    pub fn forget(&self, session: SessionId) {
        self.known().places.remove(&session);
    }

    /// Waits until nobody else of this process writes to a chat, and keeps it so as long as the answer
    /// is held. So events are in the order of the messages, and those who wait hold no connection.
    pub async fn turn(&self, session: SessionId) -> Option<OwnedMutexGuard<()>> {
        let turn = Arc::clone(&self.known().places.get(&session)?.turn);
        Some(turn.lock_owned().await)
    }

    /// Makes sure that this process is the controller of a chat until the transaction is over.
    ///
    /// # Errors
    /// It is not ([`ChatError::Moved`]), or the database.
    pub(crate) async fn fence(
        &self,
        tx: &mut WriteTx,
        session: SessionId,
    ) -> Result<(), ChatError> {
        let place = self.known().places.get(&session).map(|it| it.place.clone());
        let Some(Place::Here { holder, epoch }) = place else {
            return Err(ChatError::Moved);
        };
        if store::fence(tx, session, (&holder, epoch)).await? {
            return Ok(());
        }
        metrics::counter!("chancery_chat_writes_fenced_total").increment(1);
        self.forget(session);
        self.0.lost.send_modify(|count| *count += 1);
        Err(ChatError::Moved)
    }

    /// Ready once this process does not hold a chat any more as it did when this was called.
    pub(crate) async fn lost(&self, session: SessionId, place: &Place) {
        let mut lost = self.0.lost.subscribe();
        loop {
            let still = self.known().places.get(&session).map(|it| it.place.clone());
            if still.as_ref() != Some(place) || lost.changed().await.is_err() {
                return;
            }
        }
    }

    /// Keeps a chat from being given back for as long again.
    pub(crate) fn touch(&self, session: SessionId) {
        if let Some(it) = self.known().places.get_mut(&session) {
            it.touched = Instant::now();
        }
    }

    /// How many chats this process holds, as far as it knows.
    #[must_use]
    pub fn held(&self) -> usize {
        self.known().places.values().filter(here).count()
    }
}

fn here(it: &&Remembered) -> bool {
    matches!(it.place, Place::Here { .. })
}
