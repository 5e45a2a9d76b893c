//! Settling calls whose process died.
//!
//! What such a call did cost nobody knows, so it is settled at what was reserved. A process is alive
//! as long as it renews its lease; on SQLite there is one process, so every other one is dead.

use std::time::Duration;

use db::{Authority, Engine, StoreError};
use vault::Vault;
use vocab::{Actor, OrgId, Role};

use super::record::{Call, End, Outcome, Public, Reservation};
use super::tally::Tally;
use super::{Hour, Ledger, Scope, Spent};
use crate::gateway::Spender;
use crate::recording::{Recorded, Requested};
use crate::store::{latency, reservations, spend, usage};

/// For how long a process counts as alive without a renewal, and how often it renews.
const LEASE: Duration = Duration::from_secs(20);
pub(crate) const RENEW: Duration = Duration::from_secs(5);
/// For how long a lease that ran out is remembered.
const LEASES_FOR: Duration = Duration::from_secs(3_600);
/// How many reservations one sweep settles.
const SWEPT_MAX: u32 = 1_000;
/// For how long groups are remembered: longer than a commit can be in doubt.
const GROUPS_FOR: Duration = Duration::from_secs(3_600);

/// For how long it is known how long calls took.
const LATENCY_FOR: Duration = Duration::from_secs(400 * 24 * 3_600);

impl Ledger {
    /// Says that this process is alive.
    pub async fn renew(&self, authority: &Authority) -> Result<(), StoreError> {
        if authority.db().engine() == Engine::Sqlite {
            return Ok(());
        }
        let now = authority.db().clock().now();
        let mut tx = authority.system_write(actor()).await?;
        reservations::renew(&mut tx, &self.0.holder, now.plus(LEASE)).await?;
        tx.commit_unrecorded("the lease of a model gateway").await
    }

    /// Settles what dead processes have left open; answers how many calls.
    pub async fn sweep(&self, authority: &Authority, vault: &Vault) -> Result<usize, StoreError> {
        let now = authority.db().clock().now();
        let mut read = authority.system_read().await?;
        let alive = match authority.db().engine() {
            Engine::Sqlite => Vec::new(),
            Engine::Postgres => reservations::alive(&mut read, now).await?,
        };
        let found = reservations::of_others(&mut read, &self.0.holder, SWEPT_MAX).await?;
        drop(read);
        let mut settled = 0;
        for (org, holder, reservation) in found {
            if alive.contains(&holder) {
                continue;
            }
            settled += usize::from(settle(authority, vault, org, reservation).await?);
        }
        let mut tx = authority.system_write(actor()).await?;
        reservations::forget_groups(&mut tx, now.minus(GROUPS_FOR)).await?;
        reservations::forget_leases(&mut tx, now.minus(LEASES_FOR)).await?;
        latency::forget(&mut tx, Hour::of(now.minus(LATENCY_FOR))).await?;
        tx.commit_unrecorded("groups, leases and old latencies of model gateways")
            .await?;
        Ok(settled)
    }
}

fn actor() -> Actor {
    Actor::system("models")
}

/// True if it was this sweep that settled it.
async fn settle(
    authority: &Authority,
    vault: &Vault,
    org: OrgId,
    reservation: Reservation,
) -> Result<bool, StoreError> {
    let ctx = authority.context(org, actor(), Role::Admin);
    let mut recorded = Recorded::prepare(vault, std::iter::empty()).await;
    let mut tx = ctx.write().await?;
    if reservations::delete(&mut tx, &[reservation.id]).await? == 0 {
        return Ok(false);
    }
    let (cost, it) = (reservation.cost, reservation.call);
    let spender = Spender {
        agent: it.agent,
        user: it.user,
        key: it.key,
        run: it.run,
        session: it.session,
        project: it.project,
        run_budget_usd_micros: None,
    };
    let call = Call {
        id: reservation.id,
        ctx: ctx.clone(),
        at: it.at,
        model: it.model,
        profile: it.profile,
        scopes: Scope::of(&spender, it.profile),
        held: Vec::new(),
        reserved: Spent { cost, tokens: 0 },
        // The request's event was recorded with the reservation.
        public: it.public.then(Public::of_the_dead),
        spender,
    };
    let outcome = Outcome {
        end: End::Lost,
        cost,
        estimated: true,
        ended_at: Some(ctx.now()),
        ..Outcome::abandoned()
    };
    let mut tally = Tally::default();
    tally.add(&call, &outcome);
    spend::add(&mut tx, &tally.spent).await?;
    usage::add(&mut tx, &tally.used).await?;
    latency::add(&mut tx, &tally.took).await?;
    let call_of = (&call, Requested::Recorded);
    recorded.answered(&mut tx, call_of, &outcome).await?;
    recorded.finish(&mut tx, ctx.new_id(), &tally.all);
    tx.commit().await?;
    Ok(true)
}
