//! From a token to a caller: what every request waits for.

use std::time::Duration;

use db::{OrgContext, StoreError};
use edge::{AuthError, Authenticator, Caller, Credential, Standing};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use vocab::{Actor, Digest, OrgId, Role, Timestamp, UserId};

use crate::Orgs;
use crate::known::Shown;
use crate::store::logins::{self, KeyHolder};
use crate::token::Purpose;

/// How exact the time of a key's last use is. Each note of it is a write.
const USE_NOTED_EVERY: Duration = Duration::from_secs(300);

/// A caller, and when the token expires.
type Found = (Caller, Option<Timestamp>);

impl Authenticator for Orgs {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        async move {
            // A text that can be neither costs no statement.
            let access = Purpose::Access.digest(token);
            let digest = access
                .or_else(|| Purpose::Key.digest(token))
                .ok_or(AuthError::Refused)?;
            let shown = (digest, org);
            if !self.remembers() {
                let look_up = async { Ok(self.look_up(access, shown).await?.0) };
                return self.lookups().share(shown, look_up).await;
            }
            if let Some(caller) = self.known().find(digest, org, self.now()) {
                return Ok(caller);
            }
            let version = self.known().version();
            let (caller, expires_at) = self.look_up(access, shown).await?;
            // A stranger may become a member at any moment, and that is nobody's loss.
            if !matches!(caller.standing(), Standing::Stranger) {
                self.known()
                    .remember(version, shown, expires_at, self.now(), &caller);
            }
            Ok(caller)
        }
        .boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        Self::changes(self)
    }
}

impl Orgs {
    async fn look_up(
        &self,
        access: Option<Digest>,
        (digest, org): Shown,
    ) -> Result<Found, AuthError> {
        match access {
            Some(access) => self.by_access_token(access, org).await,
            None => self.by_key(digest, org).await,
        }
    }

    async fn by_access_token(
        &self,
        digest: Digest,
        org: Option<OrgId>,
    ) -> Result<Found, AuthError> {
        let mut tx = self.authority().system_read().await?;
        let holder = logins::by_access_token(&mut tx, digest, org, self.now()).await?;
        let holder = holder.ok_or(AuthError::Refused)?;
        let standing = match (org, holder.role) {
            (None, _) => Standing::NoOrganisation,
            (Some(_), None) => Standing::Stranger,
            (Some(org), Some(role)) => Standing::Member(self.authority().context(
                org,
                Actor::user(holder.user),
                role,
            )),
        };
        let caller = Caller::new(holder.user, Credential::Login(holder.login), standing);
        Ok((caller, Some(holder.expires_at)))
    }

    async fn by_key(&self, digest: Digest, org: Option<OrgId>) -> Result<Found, AuthError> {
        let mut tx = self.authority().system_read().await?;
        let holder = logins::by_key(&mut tx, digest, self.now()).await?;
        drop(tx);
        let holder = holder.ok_or(AuthError::Refused)?;
        self.note_use(&holder).await;
        let standing = if org.is_none_or(|org| org == holder.org) {
            let actor = Actor::key(holder.user, holder.key);
            Standing::Member(self.authority().context(holder.org, actor, holder.role))
        } else {
            Standing::Stranger
        };
        let caller = Caller::new(holder.user, Credential::Key(holder.key), standing);
        Ok((caller, holder.expires_at))
    }

    /// Notes that a key is in use. A note that can't be written keeps nobody out.
    async fn note_use(&self, holder: &KeyHolder) {
        let now = self.now();
        if holder
            .used_at
            .is_some_and(|at| now.since(at) < USE_NOTED_EVERY)
        {
            return;
        }
        let noted: Result<(), StoreError> = async {
            let actor = Actor::system("orgs");
            let mut tx = self.authority().system_write(actor).await?;
            logins::touch_key(&mut tx, holder.org, holder.key, now).await?;
            tx.commit_unrecorded("the time of a key's last use").await
        }
        .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of an API key was not noted");
        }
    }

    /// The context of a member, from the installation's own part (a first start, the demo).
    #[must_use]
    pub fn context(&self, org: OrgId, user: UserId, role: Role) -> OrgContext {
        self.authority().context(org, Actor::user(user), role)
    }
}
