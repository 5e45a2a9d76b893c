//! The service, and what all its parts share.

use std::net::IpAddr;
use std::sync::Arc;

use db::{Authority, Engine, StoreError, SystemWrite};
use edge::{Limit, Quota};
use tokio::sync::watch;
use vocab::ids::IdKind;
use vocab::limits::REFRESH_TOKEN_TTL;
use vocab::{Draft, Id, OrgId, Random, Timestamp};

use crate::known::Known;
use crate::lookups::Lookups;
use crate::mail::Mailer;
use crate::password::Passwords;
use crate::refresh::Renewing;
use crate::{OrgsConfig, OrgsError, store};

/// How many passwords somebody may try for one address, a minute and from one place.
const TRIES_PER_MINUTE: u32 = 10;

/// Organisations, people, logins and keys. Cheap to clone.
#[derive(Clone)]
pub struct Orgs(Arc<Inner>);

struct Inner {
    authority: Authority,
    config: OrgsConfig,
    mailer: Arc<dyn Mailer>,
    passwords: Passwords,
    tries: Option<Limit<(IpAddr, String)>>,
    renewing: Renewing,
    known: Known,
    lookups: Lookups,
    changes: watch::Sender<u64>,
}

impl Orgs {
    /// The service over a database, with a way to send mails.
    #[must_use]
    pub fn new(authority: Authority, config: OrgsConfig, mailer: Arc<dyn Mailer>) -> Self {
        Self(Arc::new(Inner {
            authority,
            config,
            mailer,
            passwords: Passwords::new(),
            tries: Limit::new(Some(Quota::per_minute(TRIES_PER_MINUTE))),
            renewing: Renewing::default(),
            known: Known::default(),
            lookups: Lookups::default(),
            changes: watch::channel(0).0,
        }))
    }

    /// Deletes tokens and logins that ended long ago; answers how many rows. To be called now and
    /// then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.now();
        let mut tx = self
            .authority()
            .system_write(vocab::Actor::system("orgs"))
            .await?;
        // As long as a spent refresh token could still be shown by a thief.
        let swept = store::logins::sweep(&mut tx, now, now.minus(REFRESH_TOKEN_TTL)).await?;
        tx.commit_unrecorded("expired tokens").await?;
        Ok(swept)
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.0.authority
    }

    pub(crate) fn config(&self) -> &OrgsConfig {
        &self.0.config
    }

    pub(crate) fn mailer(&self) -> &dyn Mailer {
        &*self.0.mailer
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn renewing(&self) -> &Renewing {
        &self.0.renewing
    }

    pub(crate) fn random(&self) -> &Random {
        self.0.authority.db().random()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.authority.db().clock().now()
    }

    pub(crate) fn new_id<K: IdKind>(&self) -> Id<K> {
        Id::generate(self.0.authority.db().clock(), self.random())
    }

    /// Counts a try to guess somebody's password.
    pub(crate) fn count_try(&self, from: IpAddr, email: &str) -> Result<(), OrgsError> {
        let Some(limit) = &self.0.tries else {
            return Ok(());
        };
        limit
            .check(&(from, email.to_owned()))
            .map(drop)
            .map_err(OrgsError::TooMany)
    }

    pub(crate) fn known(&self) -> &Known {
        &self.0.known
    }

    pub(crate) fn lookups(&self) -> &Lookups {
        &self.0.lookups
    }

    /// Whether callers may be remembered: only where nobody else writes.
    pub(crate) fn remembers(&self) -> bool {
        self.0.authority.db().engine() == Engine::Sqlite
    }

    /// Commits what takes a right away, and then forgets remembered callers and tells open
    /// streams. Both happen even if whoever asked goes away in between, and whatever the commit
    /// says: it may have happened.
    pub(crate) async fn commit_loss(
        &self,
        commit: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) -> Result<(), StoreError> {
        let this = self.clone();
        let told = tokio::spawn(async move {
            let losing = this.0.known.losing();
            let done = commit.await;
            drop(losing);
            this.0
                .changes
                .send_modify(|version| *version = version.wrapping_add(1));
            done
        });
        told.await
            .unwrap_or_else(|error| Err(StoreError::CommitUnknown(error.into())))
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

/// Commits what happened to a person, with an event in each organisation that the person is in.
pub(crate) async fn commit_for(
    mut tx: SystemWrite,
    orgs: Vec<OrgId>,
    events: Vec<Draft>,
) -> Result<(), StoreError> {
    if orgs.is_empty() {
        return tx
            .commit_unrecorded("a person who is in no organisation")
            .await;
    }
    for org in orgs {
        for event in &events {
            tx.record_for(org, event.clone());
        }
    }
    tx.commit().await
}
