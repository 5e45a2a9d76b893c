//! The lease: whether this node may begin work.
//!
//! The gateway grants a lease for some time and renews it when it answers a heartbeat. Time counts
//! from when the node *asked*, on a clock that goes on while the machine sleeps; so the node always
//! believes its lease to end before the gateway does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// An instant of the machine's running time, sleep included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Self(Duration::from_secs(seconds) + Duration::from_nanos(now.tv_nsec.unsigned_abs()))
    }

    /// That long after this.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The lease that the node holds, if it holds one.
#[derive(Debug, Default)]
pub struct Lease {
    held: Mutex<Option<Held>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    epoch: u64,
    until: Instant,
}

/// Why work of some epoch may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHeld {
    /// The node holds another lease than that one.
    OtherEpoch,
    /// The lease has run out.
    Lost,
}

impl Lease {
    /// Takes the lease that a welcome grants.
    pub fn grant(&self, epoch: u64, asked_at: Instant, lease_ms: u64) {
        let until = asked_at.plus(Duration::from_millis(lease_ms));
        *self.lock() = Some(Held { epoch, until });
    }

    /// Extends the lease. An answer about another lease says nothing about this one.
    pub fn renew(&self, epoch: u64, asked_at: Instant, lease_ms: u64) {
        let until = asked_at.plus(Duration::from_millis(lease_ms));
        if let Some(held) = self.lock().as_mut().filter(|held| held.epoch == epoch) {
            held.until = held.until.max(until);
        }
    }

    /// Gives the lease up.
    pub fn drop_it(&self) {
        *self.lock() = None;
    }

    /// Whether work of this epoch may begin.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, epoch: u64) -> Result<(), NotHeld> {
        match *self.lock() {
            None => Err(NotHeld::Lost),
            Some(held) if held.epoch != epoch => Err(NotHeld::OtherEpoch),
            Some(held) if Instant::now() >= held.until => Err(NotHeld::Lost),
            Some(_) => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_of_one_epoch_and_runs_out() {
        let lease = Lease::default();
        assert_eq!(lease.check(1), Err(NotHeld::Lost));
        lease.grant(1, Instant::now(), 60_000);
        assert_eq!(lease.check(1), Ok(()));
        assert_eq!(lease.check(2), Err(NotHeld::OtherEpoch));

        lease.grant(2, Instant(Duration::ZERO), 0);
        assert_eq!(lease.check(2), Err(NotHeld::Lost));
        lease.renew(1, Instant::now(), 60_000);
        assert_eq!(lease.check(2), Err(NotHeld::Lost));
        lease.renew(2, Instant::now(), 60_000);
        assert_eq!(lease.check(2), Ok(()));
        lease.renew(2, Instant(Duration::ZERO), 0);
        assert_eq!(lease.check(2), Ok(()));
        lease.drop_it();
        assert_eq!(lease.check(2), Err(NotHeld::Lost));
    }
}
