//! Callers that were looked up a moment ago.
//!
//! On SQLite one process owns the database, and everything that takes a right away passes through
//! this crate. So a caller can be remembered without ever being remembered too long: each entry
//! carries the version of all rights from *before* it was looked up, the version rises after each
//! commit that takes something away, and an entry of another version is none. While such a commit
//! is under way nobody is remembered at all, so what the database says is in force from the moment
//! in which it says so. An entry also ends with its token, and after a minute in any case.
//!
//! On Postgres other processes write too. There nobody is remembered (`lookups.rs`).

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edge::Caller;
use vocab::{Digest, OrgId, Timestamp};

/// How long a caller is remembered at most.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How many are remembered at most. If there are more, all are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// A token's digest, and the organisation that was named with it.
pub(crate) type Shown = (Digest, Option<OrgId>);

/// What is remembered, and the version of all rights.
#[derive(Default)]
pub(crate) struct Known {
    version: AtomicU64,
    /// Commits under way that take a right away.
    losses: AtomicU64,
    callers: RwLock<HashMap<Shown, Entry>>,
}

/// A commit under way that takes a right away.
pub(crate) struct Losing<'a>(&'a Known);

impl Drop for Losing<'_> {
    fn drop(&mut self) {
        // In this order: at no moment is an old entry one that counts.
        self.0.version.fetch_add(1, Ordering::SeqCst);
        self.0.losses.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Entry {
    version: u64,
    until: Timestamp,
    caller: Caller,
}

impl Known {
    /// The version to read before looking a caller up.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Looks everybody up anew until the answer is dropped, and forgets whom it knew before. Held
    /// around a commit that takes a right away.
    pub fn losing(&self) -> Losing<'_> {
        self.losses.fetch_add(1, Ordering::SeqCst);
        Losing(self)
    }

    /// Somebody who was looked up since the last change.
    pub fn find(&self, token: Digest, org: Option<OrgId>, now: Timestamp) -> Option<Caller> {
        if self.losses.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let callers = self.callers.read().ok()?;
        let entry = callers.get(&(token, org))?;
        (entry.version == self.version() && now < entry.until).then(|| entry.caller.clone())
    }

    /// Remembers somebody who was looked up after `version` was read.
    pub fn remember(
        &self,
        version: u64,
        shown: Shown,
        expires_at: Option<Timestamp>,
        now: Timestamp,
        caller: &Caller,
    ) {
        let Ok(mut callers) = self.callers.write() else {
            return;
        };
        if callers.len() >= REMEMBERED_MAX {
            callers.clear();
        }
        let latest = now.plus(REMEMBERED_FOR);
        let until = expires_at.map_or(latest, |at| at.min(latest));
        callers.insert(
            shown,
            Entry {
                version,
                until,
                caller: caller.clone(),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge::{Credential, Standing};
    use vocab::{LoginId, UserId};

    fn nobody() -> Caller {
        let nil = uuid::Uuid::nil();
        let login = Credential::Login(LoginId::from_uuid(nil));
        Caller::new(UserId::from_uuid(nil), login, Standing::NoOrganisation)
    }

    #[test]
    fn a_caller_is_remembered_until_a_change_the_tokens_end_or_a_minute() {
        let (known, token) = (Known::default(), Digest::of(b"token"));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let looked_up = |expires_at| {
            known.remember(known.version(), (token, None), expires_at, at(0), &nobody());
        };
        looked_up(None);
        assert!(known.find(token, None, at(59)).is_some());
        assert!(known.find(token, None, at(60)).is_none());
        assert!(known.find(Digest::of(b"another"), None, at(0)).is_none());
        looked_up(Some(at(10)));
        assert!(known.find(token, None, at(9)).is_some());
        assert!(known.find(token, None, at(10)).is_none());
        drop(known.losing());
        assert!(known.find(token, None, at(0)).is_none());
        looked_up(None);
        let losing = known.losing();
        assert!(known.find(token, None, at(0)).is_none());
        looked_up(None);
        assert!(known.find(token, None, at(0)).is_none());
        drop(losing);
        assert!(known.find(token, None, at(0)).is_none());
        looked_up(None);
        assert!(known.find(token, None, at(0)).is_some());
    }

    #[test]
    fn who_was_looked_up_before_a_change_is_not_remembered_after_it() {
        let (known, token) = (Known::default(), Digest::of(b"token"));
        let version = known.version();
        // Here the statement reads; then somebody else's commit takes the right away.
        drop(known.losing());
        known.remember(
            version,
            (token, None),
            None,
            Timestamp::from_micros(0),
            &nobody(),
        );
        assert!(known.find(token, None, Timestamp::from_micros(1)).is_none());
    }
}
