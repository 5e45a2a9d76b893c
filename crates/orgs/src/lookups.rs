//! One look-up for all who show the same token at the same time.
//!
//! On Postgres other processes take rights away, so a caller that was found is not remembered
//! (`known.rs`). But whoever comes while a look-up is under way can share the next one: it begins
//! after all of them came, so it says what a look-up of their own would have said. A key that a
//! hundred programs use at once then costs a statement for each of its look-ups' durations instead
//! of one for each request, and what was revoked is refused as soon as ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use db::StoreError;
use edge::{AuthError, Caller};

use crate::known::Shown;

/// Look-ups that are under way, by what was shown.
#[derive(Default)]
pub(crate) struct Lookups(Mutex<HashMap<Shown, Arc<Line>>>);

/// Those who wait for the same look-up, and what the last one found.
type Line = tokio::sync::Mutex<Option<Looked>>;

struct Looked {
    begun: Instant,
    found: Found,
}

enum Found {
    Caller(Box<Caller>),
    Nobody,
    /// The database did not say. Whoever waited for it does not wait for the next failure, too.
    Nothing,
}

impl Lookups {
    /// What a look-up says that begins after this was called.
    pub async fn share(
        &self,
        shown: Shown,
        look_up: impl Future<Output = Result<Caller, AuthError>>,
    ) -> Result<Caller, AuthError> {
        let came = Instant::now();
        // Dropped last, after what is held of the line.
        let _waiting = Waiting(self, shown);
        let line = Arc::clone(self.lines().entry(shown).or_default());
        let mut last = line.lock().await;
        if let Some(looked) = last.as_ref().filter(|looked| looked.begun >= came) {
            return looked.found.answer();
        }
        let begun = Instant::now();
        let answer = look_up.await;
        let found = Found::of(&answer);
        *last = Some(Looked { begun, found });
        answer
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Shown, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who stands in a line. The last one who leaves, in whichever way, takes the line away.
struct Waiting<'a>(&'a Lookups, Shown);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut lines = self.0.lines();
        if lines
            .get(&self.1)
            .is_some_and(|line| Arc::strong_count(line) == 1)
        {
            lines.remove(&self.1);
        }
    }
}

impl Found {
    fn of(answer: &Result<Caller, AuthError>) -> Self {
        match answer {
            Ok(caller) => Self::Caller(Box::new(caller.clone())),
            Err(AuthError::Refused) => Self::Nobody,
            Err(AuthError::Store(_)) => Self::Nothing,
        }
    }

    fn answer(&self) -> Result<Caller, AuthError> {
        match self {
            Self::Caller(caller) => Ok((**caller).clone()),
            Self::Nobody => Err(AuthError::Refused),
            Self::Nothing => {
                let why = "the look-up that this request shared has failed";
                Err(AuthError::Store(StoreError::Unavailable(why.into())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use edge::{Credential, Standing};
    use futures::future::{join, join_all};
    use tokio::sync::oneshot;
    use vocab::{Digest, LoginId, UserId};

    use super::*;

    fn shown() -> Shown {
        (Digest::of(b"token"), None)
    }

    fn caller() -> Caller {
        let nil = uuid::Uuid::nil();
        let login = Credential::Login(LoginId::from_uuid(nil));
        Caller::new(UserId::from_uuid(nil), login, Standing::NoOrganisation)
    }

    #[tokio::test]
    async fn all_who_come_during_a_look_up_share_the_next_one() {
        let (lookups, count) = (Lookups::default(), AtomicUsize::new(0));
        let (go, gone) = oneshot::channel();
        let first = lookups.share(shown(), async {
            count.fetch_add(1, Ordering::Relaxed);
            gone.await.unwrap();
            Ok(caller())
        });
        let others = (0..50).map(|_| {
            lookups.share(shown(), async {
                count.fetch_add(1, Ordering::Relaxed);
                Err(AuthError::Refused)
            })
        });
        let others = join_all(others);
        // All stand in line before the first look-up ends.
        let all = async { join(first, others).await };
        let (answers, ()) = join(all, async { go.send(()).unwrap() }).await;
        assert!(answers.0.is_ok());
        // The token was revoked meanwhile: nobody who came after that is told the old answer.
        assert!(
            answers
                .1
                .iter()
                .all(|it| matches!(it, Err(AuthError::Refused)))
        );
        assert_eq!(count.load(Ordering::Relaxed), 2);
        assert!(lookups.lines().is_empty());
    }

    #[tokio::test]
    async fn nobody_is_told_what_was_found_before() {
        let lookups = Lookups::default();
        let found = lookups.share(shown(), async { Ok(caller()) }).await;
        assert!(found.is_ok());
        let revoked = lookups.share(shown(), async { Err(AuthError::Refused) });
        assert!(matches!(revoked.await, Err(AuthError::Refused)));
    }

    #[tokio::test]
    async fn a_failure_is_shared_and_one_who_goes_away_holds_nobody_up() {
        let lookups = Lookups::default();
        let outage = || AuthError::Store(StoreError::Unavailable("away".into()));
        let failing = (0..3).map(|_| {
            lookups.share(shown(), async {
                tokio::task::yield_now().await;
                Err(outage())
            })
        });
        for answer in join_all(failing).await {
            assert!(matches!(answer, Err(AuthError::Store(_))));
        }
        {
            let never = lookups.share(shown(), std::future::pending());
            let mut never = std::pin::pin!(never);
            assert!(futures::poll!(never.as_mut()).is_pending());
        }
        assert!(lookups.lines().is_empty());
        let found = lookups.share(shown(), async { Ok(caller()) }).await;
        assert!(found.is_ok());
    }
}
