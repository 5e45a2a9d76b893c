//! Renewing tokens: each refresh token works once.
//!
//! If a spent token is shown, two parties hold what only one may: the thief and the owner can't be
//! told apart, so the login ends for both. One case is not a theft: a client sends the same token
//! twice *at the same time*. The second of two requests that overlap therefore gets no token and
//! ends nothing; it hears that the other one was first, and finds the new cookie in its jar.
//! Overlapping means that the second request was here before the first was done. A request that
//! comes later can't claim that, however soon it comes: there is no time in which a spent token is
//! harmless. A thief who races the owner on purpose gets nothing if he loses, and ends the login
//! with the owner's next request if he wins. A page that is open in several tabs takes turns
//! (`navigator.locks`), because its second request may be late only by the way it came.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vocab::limits::REFRESH_TOKEN_TTL;
use vocab::{Actor, Digest, Draft, EventKind, LoginId, UserId};

use crate::login::orgs_of;
use crate::model::SignedIn;
use crate::service::commit_for;
use crate::store::{accounts, logins};
use crate::token::Purpose;
use crate::{Orgs, OrgsError};

/// Which refresh tokens are being renewed by this process, and by how many requests.
#[derive(Default)]
pub(crate) struct Renewing(Mutex<HashMap<Digest, u32>>);

struct Renewal<'a> {
    all: &'a Renewing,
    digest: Digest,
    /// Whether another request was there with the same token when this one came.
    overlaps: bool,
}

impl Renewing {
    fn enter(&self, digest: Digest) -> Renewal<'_> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(digest).or_default();
        *count += 1;
        Renewal {
            all: self,
            digest,
            overlaps: *count > 1,
        }
    }
}

impl Drop for Renewal<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.digest);
            }
        }
    }
}

impl Orgs {
    /// Spends a refresh token for a new pair.
    ///
    /// # Errors
    /// [`OrgsError::Refused`] if it is unknown, expired or spent (then its login has ended);
    /// [`OrgsError::Raced`] if another request with it was first while this one was there; storage.
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, OrgsError> {
        let digest = Purpose::Refresh.digest(token).ok_or(OrgsError::Refused)?;
        let arrived = self.now();
        let renewal = self.renewing().enter(digest);
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        let now = self.now();
        if let Some((login, user)) = logins::spend_refresh(&mut tx, digest, now).await? {
            let tokens = self.issue(&mut tx, login, now).await?;
            logins::extend(&mut tx, login, now.plus(REFRESH_TOKEN_TTL)).await?;
            let user = accounts::find_in(&mut tx, user).await?;
            let memberships = accounts::memberships_in(&mut tx, user.id).await?;
            tx.commit_unrecorded("a login's tokens were renewed")
                .await?;
            return Ok(SignedIn {
                user,
                tokens,
                memberships,
            });
        }
        let Some((login, user, spent_at)) = logins::spent_refresh(&mut tx, digest).await? else {
            return Err(OrgsError::Refused);
        };
        if renewal.overlaps || spent_at >= arrived {
            return Err(OrgsError::Raced);
        }
        drop(tx);
        self.end_family(user, login).await?;
        Err(OrgsError::Refused)
    }

    async fn end_family(&self, user: UserId, login: LoginId) -> Result<(), OrgsError> {
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        if !logins::end(&mut tx, user, login, "reuse", self.now()).await? {
            return Ok(());
        }
        let orgs = orgs_of(&accounts::memberships_in(&mut tx, user).await?);
        let event = Draft::new(EventKind::LoginReuseDetected, login).fact("user", user.to_string());
        self.commit_loss(commit_for(tx, orgs, vec![event])).await?;
        tracing::warn!(%login, %user, "a spent refresh token was shown; the login has ended");
        Ok(())
    }
}
