//! Writing what was settled, a group at a time.
//!
//! One task a process. It waits a moment for calls to gather, takes as many from the desk as make a
//! group, parts them by organisation and actor (a transaction has one of each), and writes each part
//! with its events. On SQLite the parts share a commit; on Postgres they are written side by side. Sums
//! can't be read while a group is written, so no group is large, whatever waits.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use db::StoreError;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use vault::Vault;
use vocab::{Actor, OrgId};

use super::record::Call;
use super::tally::Tally;
use super::{Day, Ledger, Settled};
use crate::recording::{Recorded, Requested};
use crate::store::{latency, reservations, spend, usage};

/// How long calls gather.
const GATHER: Duration = Duration::from_millis(20);
/// How many calls that have ended, and how many that are open, one group takes.
const GROUP_MAX: usize = 1_024;
/// How many calls one transaction takes: a commit must not hold the others up.
const PART_MAX: usize = 256;
/// How long to wait before writing again what could not be written.
const AGAIN: Duration = Duration::from_millis(500);
/// For how long calls that are open at the end may still end.
const GRACE: Duration = Duration::from_secs(10);

/// Calls of one organisation and one actor.
#[derive(Default)]
struct Part {
    settled: Vec<Settled>,
    fresh: Vec<Arc<Call>>,
}

impl Ledger {
    /// Writes groups until `stop` is ready and every call has ended, or ten seconds have passed.
    pub async fn write_groups(&self, vault: &Vault, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = self.0.wake.notified() => {}
            }
            tokio::time::sleep(GATHER).await;
            if !self.write_group(vault).await {
                tokio::time::sleep(AGAIN).await;
            }
            if !self.desk().is_empty() {
                self.0.wake.notify_one();
            }
        }
        let ending = async {
            while self.open_calls() > 0 {
                self.0.wake.notified().await;
            }
        };
        // Whoever is still open then is settled by a sweep.
        let _ = tokio::time::timeout(GRACE, ending).await;
        self.write_all(vault).await;
    }

    /// Writes group after group until nothing waits. False if something has to wait longer.
    pub async fn write_all(&self, vault: &Vault) -> bool {
        while !self.desk().is_empty() {
            if !self.write_group(vault).await {
                return false;
            }
        }
        true
    }

    /// Writes a group. False if some of it has to wait.
    async fn write_group(&self, vault: &Vault) -> bool {
        let turn = self.0.turn.write().await;
        let mut writing: FuturesUnordered<_> = self
            .take()
            .into_iter()
            .map(|part| self.write_part(vault, part))
            .collect();
        let mut all = true;
        while let Some(written) = writing.next().await {
            all &= written;
        }
        drop(writing);
        self.desk().in_hand = 0;
        drop(turn);
        self.0.written.notify_waiters();
        all
    }

    /// Takes a group from the desk, in parts.
    fn take(&self) -> Vec<Part> {
        let mut desk = self.desk();
        let settled = desk.take_settled(GROUP_MAX);
        let fresh = desk.take_fresh(GROUP_MAX);
        desk.in_hand = settled.len();
        drop(desk);
        let mut parts: HashMap<(OrgId, Actor), Part> = HashMap::new();
        let whose = |call: &Call| (call.ctx.org(), call.ctx.actor().clone());
        for it in settled {
            parts.entry(whose(&it.call)).or_default().settled.push(it);
        }
        for call in fresh {
            parts.entry(whose(&call)).or_default().fresh.push(call);
        }
        parts.into_values().flat_map(Part::cut).collect()
    }

    async fn write_part(&self, vault: &Vault, part: Part) -> bool {
        match self.try_write(vault, &part).await {
            Ok(()) => {
                self.stored(&part);
                true
            }
            Err(error) => {
                let count = part.settled.len() + part.fresh.len();
                tracing::error!(
                    error = &error as &(dyn std::error::Error + 'static),
                    count,
                    "calls of models can't be written; they are kept and written later"
                );
                self.put_back(part);
                false
            }
        }
    }

    async fn try_write(&self, vault: &Vault, part: &Part) -> Result<(), StoreError> {
        let Some(ctx) = part.context() else {
            return Ok(());
        };
        let group = ctx.new_id();
        let fresh = part.fresh.iter().map(|call| (&**call, None));
        let settled = part.settled.iter().map(|it| (&*it.call, Some(&it.outcome)));
        let mut recorded = Recorded::prepare(vault, fresh.chain(settled)).await;
        let mut tx = ctx.write().await?;
        let mut tally = Tally::default();
        for it in &part.settled {
            tally.add(&it.call, &it.outcome);
        }
        spend::add(&mut tx, &tally.spent).await?;
        usage::add(&mut tx, &tally.used).await?;
        latency::add(&mut tx, &tally.took).await?;
        let gone: Vec<_> = part
            .settled
            .iter()
            .filter(|it| it.stored)
            .map(|it| it.call.id)
            .collect();
        reservations::delete(&mut tx, &gone).await?;
        let open: Vec<_> = part.fresh.iter().map(|call| call.reservation()).collect();
        reservations::insert(&mut tx, &self.0.holder, &open, ctx.now()).await?;
        reservations::mark_group(&mut tx, group, ctx.now()).await?;
        for call in &part.fresh {
            recorded.requested(&mut tx, call).await?;
        }
        for it in &part.settled {
            let requested = match it.stored {
                true => Requested::Recorded,
                false => Requested::Not,
            };
            let call = (&*it.call, requested);
            recorded.answered(&mut tx, call, &it.outcome).await?;
        }
        recorded.finish(&mut tx, group, &tally.all);
        match tx.commit().await {
            Err(StoreError::CommitUnknown(cause)) => {
                let written = reservations::is_written(ctx, group).await;
                if written? {
                    Ok(())
                } else {
                    Err(StoreError::CommitUnknown(cause))
                }
            }
            committed => committed,
        }
    }

    /// What a part has settled is in the database now.
    fn stored(&self, part: &Part) {
        for it in &part.settled {
            let Some(accounts) = self.known_accounts(it.call.ctx.org()) else {
                continue;
            };
            let mut accounts = accounts.lock();
            for scope in &it.call.scopes {
                if let Some(account) = accounts.get_mut(scope) {
                    account.store(it.outcome.cost, Day::of(it.call.at));
                }
            }
        }
    }

    fn put_back(&self, part: Part) {
        let mut desk = self.desk();
        for call in part.fresh {
            // It may have ended meanwhile, believing that its reservation was written.
            match desk.settled.iter_mut().find(|it| it.call.id == call.id) {
                Some(ended) => ended.stored = false,
                None => drop(desk.fresh.insert(call.id, call)),
            }
        }
        desk.settled.extend(part.settled);
    }
}

impl Part {
    fn context(&self) -> Option<&db::OrgContext> {
        let first = self.settled.first().map(|it| &it.call);
        first.or(self.fresh.first()).map(|call| &call.ctx)
    }

    /// In pieces that one transaction takes.
    fn cut(mut self) -> Vec<Self> {
        let mut pieces = Vec::new();
        while self.settled.len() + self.fresh.len() > PART_MAX {
            let settled = self
                .settled
                .split_off(self.settled.len().saturating_sub(PART_MAX));
            let room = PART_MAX - settled.len();
            let fresh = self.fresh.split_off(self.fresh.len().saturating_sub(room));
            pieces.push(Self { settled, fresh });
        }
        pieces.push(self);
        pieces
    }
}
