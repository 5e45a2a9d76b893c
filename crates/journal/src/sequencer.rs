//! The sequencer: gives events their place in the record.
//!
//! One process at a time holds the lease; each sealing checks its epoch in the same transaction
//! that writes, so a process that lost the lease without knowing it can write nothing. A round
//! reads a batch of unsealed events in commit order, chains and signs them organisation by
//! organisation, writes seals, tiles, heads and the cursor in one transaction, and after the commit
//! tells the [`Hub`]. A round that fails changes nothing and is done again.

mod batch;
mod store;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use db::{Authority, Engine};
use vocab::limits::SEAL_BATCH_MAX;
use vocab::{EventKind, JobId, OrgId, Timestamp};
use zeroize::Zeroizing;

use crate::error::JournalError;
use crate::hub::Hub;
use crate::keys::{self, KeyStore, NewKey};
use crate::sealed::Stored;
use batch::{Head, Sealing};
use store::{Lease, Unsealed};

/// How long the lease lasts without a sealing or a renewal, and so how long a process that died
/// keeps the others waiting.
const LEASE: Duration = Duration::from_secs(3);
/// How far the clocks of two machines may be apart for one to hear at once what the other sealed.
const CLOCKS_APART: Duration = Duration::from_secs(10);
/// How long it waits if nothing rings.
const TICK: Duration = Duration::from_secs(1);
/// How soon it looks again for events that wait behind an open transaction, at first and at most.
const BEHIND: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));
/// How often a process that does not seal looks for what another sealed.
const FOLLOW: Duration = Duration::from_millis(100);
/// How many organisations' heads it keeps in memory.
const HEADS_MAX: usize = 10_000;

/// Seals events. One task of each process that may seal runs it.
pub struct Sequencer {
    authority: Authority,
    keys: Arc<dyn KeyStore>,
    hub: Hub,
    holder: String,
    lease: Option<Lease>,
    heads: HashMap<OrgId, Head>,
    followed: Timestamp,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// That many events were sealed; there may be more.
    Sealed(usize),
    /// There is nothing to seal.
    Idle,
    /// Events wait behind a transaction that is still open.
    Behind,
    /// Another process seals.
    Standby,
}

impl Sequencer {
    /// A sequencer that holds nothing yet.
    #[must_use]
    pub fn new(authority: Authority, keys: Arc<dyn KeyStore>, hub: Hub) -> Self {
        let db = authority.db();
        let holder = JobId::generate(db.clock(), db.random()).to_string();
        let followed = db.clock().now();
        Self {
            authority,
            keys,
            hub,
            holder,
            lease: None,
            heads: HashMap::new(),
            followed,
        }
    }

    /// Seals until `stop` is ready, and then gives up the lease.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut commits = self.authority.db().commits();
        let mut behind = BEHIND.0;
        loop {
            let round = self.round().await;
            let wait = match &round {
                Ok(Round::Sealed(_)) => Duration::ZERO,
                Ok(Round::Idle) => TICK,
                Ok(Round::Standby) => FOLLOW,
                Ok(Round::Behind) => behind,
                Err(error) => {
                    tracing::error!(
                        error = error as &(dyn std::error::Error + 'static),
                        "sealing failed"
                    );
                    TICK
                }
            };
            behind = match &round {
                Ok(Round::Behind) => (behind * 2).min(BEHIND.1),
                Ok(_) | Err(_) => BEHIND.0,
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                Ok(()) = commits.changed(), if !wait.is_zero() && round.is_ok() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.release().await;
    }

    /// Seals everything that is there. For tests and tools; [`Sequencer::run`] is the usual way.
    ///
    /// # Errors
    /// As [`Sequencer::round`].
    pub async fn drain(&mut self) -> Result<usize, JournalError> {
        let mut total = 0;
        loop {
            match self.round().await? {
                Round::Sealed(count) => total += count,
                Round::Behind => tokio::time::sleep(BEHIND.0).await,
                Round::Idle | Round::Standby => return Ok(total),
            }
        }
    }

    /// One round.
    ///
    /// # Errors
    /// The database or the key store. Nothing is sealed then, and the next round begins afresh.
    pub async fn round(&mut self) -> Result<Round, JournalError> {
        let round = self.try_round().await;
        if round.is_err() {
            // Whether the commit happened may be unknown: what is in memory may be too old.
            self.heads.clear();
            self.lease = None;
        }
        match round {
            Err(JournalError::LeaseLost) => Ok(Round::Standby),
            other => other,
        }
    }

    async fn try_round(&mut self) -> Result<Round, JournalError> {
        let Some(lease) = self.hold_lease().await? else {
            self.follow().await?;
            return Ok(Round::Standby);
        };
        let mut read = self.authority.system_read().await?;
        let events = store::unsealed(&mut read, &lease.cursor, SEAL_BATCH_MAX).await?;
        let Some(last) = events.last() else {
            let behind = store::is_behind(&mut read, &lease.cursor).await?;
            return Ok(if behind { Round::Behind } else { Round::Idle });
        };
        let cursor = last.cursor.clone();
        let count = events.len();
        let oldest = events.first().map(|it| it.event.at);
        let mut groups = group(events);
        let mut new_keys = Vec::new();
        let mut work = Vec::with_capacity(groups.len());
        for (org, events) in groups.drain(..) {
            let head = self.head(&mut read, org, &events, &mut new_keys).await?;
            work.push((head, events, self.hub.is_heard(org)));
        }
        drop(read);
        let seal = move || -> Vec<Sealing> {
            let sealed = work
                .into_iter()
                .map(|(head, events, heard)| batch::seal(head, events, heard));
            sealed.collect()
        };
        let sealed = tokio::task::spawn_blocking(seal).await;
        let sealed = sealed.map_err(|_| JournalError::Interrupted)?;
        self.write(&lease, cursor, new_keys, &sealed).await?;
        self.measure(count, oldest);
        self.publish(sealed);
        Ok(Round::Sealed(count))
    }

    async fn hold_lease(&mut self) -> Result<Option<Lease>, JournalError> {
        let now = self.authority.db().clock().now();
        let Some(lease) = &mut self.lease else {
            self.lease = store::claim(&self.authority, &self.holder, now, now.plus(LEASE)).await?;
            return Ok(self.lease.clone());
        };
        // On SQLite nobody waits for the lease to end, so an idle process need not write.
        let renew = self.authority.db().engine() == Engine::Postgres
            && lease.expires.since(now) < LEASE * 2 / 3;
        if renew {
            lease.expires = now.plus(LEASE);
            let mut tx = self.authority.system_write(store::system()).await?;
            store::advance(&mut tx, lease.epoch, &lease.cursor, lease.expires).await?;
            tx.commit_unrecorded("the lease of the sequencer").await?;
        }
        Ok(Some(lease.clone()))
    }

    async fn head(
        &mut self,
        read: &mut db::SystemRead,
        org: OrgId,
        events: &[(i64, Stored)],
        new_keys: &mut Vec<NewKey>,
    ) -> Result<Head, JournalError> {
        let rotates = |(_, event): &(i64, Stored)| event.kind == EventKind::LogKeyRotated.as_str();
        let known = self.heads.remove(&org);
        let mut head = match known {
            Some(head) if !events.iter().any(rotates) => head,
            Some(_) | None => store::head(read, &*self.keys, org).await?,
        };
        if head.signers.is_empty() {
            let seed = Zeroizing::new(self.authority.db().random().bytes::<32>());
            let key = keys::make(&*self.keys, seed, org, 1).await?;
            head.signers.push(key.signer.clone());
            new_keys.push(key);
        }
        Ok(head)
    }

    async fn write(
        &mut self,
        lease: &Lease,
        cursor: store::Cursor,
        new_keys: Vec<NewKey>,
        sealed: &[Sealing],
    ) -> Result<(), JournalError> {
        let now = self.authority.db().clock().now();
        let lease = Lease {
            expires: now.plus(LEASE),
            cursor,
            ..*lease
        };
        let mut tx = self.authority.system_write(store::system()).await?;
        store::advance(&mut tx, lease.epoch, &lease.cursor, lease.expires).await?;
        for key in new_keys {
            store::insert_key(&mut tx, key, now).await?;
        }
        for sealing in sealed {
            store::write(&mut tx, sealing, now).await?;
        }
        tx.commit_unrecorded("the sealing of events").await?;
        self.lease = Some(lease);
        Ok(())
    }

    /// How many events were sealed at once, and how long the first of them had waited for it.
    fn measure(&self, count: usize, oldest: Option<Timestamp>) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::histogram!("chancery_seal_batch_events").record(f64::from(count));
        if let Some(oldest) = oldest {
            let lag = self.authority.db().clock().now().since(oldest);
            metrics::histogram!("chancery_seal_lag_seconds").record(lag.as_secs_f64());
        }
    }

    fn publish(&mut self, sealed: Vec<Sealing>) {
        if self.heads.len() > HEADS_MAX {
            self.heads.clear();
        }
        for Sealing {
            head,
            first,
            events,
            ..
        } in sealed
        {
            let last = head.frontier.size();
            self.hub.publish(head.org, first, last, events);
            self.heads.insert(head.org, head);
        }
    }

    /// Tells this process's listeners what another process sealed.
    async fn follow(&mut self) -> Result<(), JournalError> {
        const SINCE: &str = "SELECT org_id, size, updated_at_us FROM log_heads \
            WHERE updated_at_us >= $1 ORDER BY updated_at_us";
        if !self.hub.is_heard_at_all() {
            self.followed = self.authority.db().clock().now();
            return Ok(());
        }
        // Telling twice does no harm.
        let since = self.followed.minus(CLOCKS_APART);
        let mut read = self.authority.system_read().await?;
        for row in read.all(SINCE, &db::params![since]).await? {
            let size: u64 = row.get(1)?;
            self.hub.publish(row.get(0)?, size, size, None);
            self.followed = self.followed.max(row.get(2)?);
        }
        Ok(())
    }

    async fn release(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        let released = async {
            let mut tx = self.authority.system_write(store::system()).await?;
            let now = Timestamp::from_micros(0);
            store::advance(&mut tx, lease.epoch, &lease.cursor, now).await?;
            tx.commit_unrecorded("the lease of the sequencer").await?;
            Ok::<_, JournalError>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "the lease of the sequencer was not given up; it will run out");
        }
    }
}

/// Puts the events of each organisation together, each in order.
fn group(events: Vec<Unsealed>) -> Vec<(OrgId, Vec<(i64, Stored)>)> {
    let mut places: HashMap<OrgId, usize> = HashMap::new();
    let mut groups: Vec<(OrgId, Vec<(i64, Stored)>)> = Vec::new();
    for Unsealed { cursor, event } in events {
        let org = event.org;
        let place = *places.entry(org).or_insert_with(|| {
            groups.push((org, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(place) {
            group.push((cursor.ord, event));
        }
    }
    groups
}
