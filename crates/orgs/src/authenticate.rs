//! From a token to a caller: what every request waits for.

use db::{OrgContext, StoreError};
use edge::{AuthError, Authenticator, Caller, Credential, Standing};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::sync::watch;
use vocab::{Actor, Digest, OrgId, Role, UserId};

use crate::store::logins::{self, KeyHolder};
use crate::token::Purpose;
use crate::Orgs;

/// How exact the time of a key's last use is. Each note of it is a write.
const USE_NOTED_EVERY: Duration = Duration::from_secs(300);

impl Authenticator for Orgs {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        async move {
            // A text that can be neither costs no statement.
            if let Some(digest) = Purpose::Access.digest(token) {
                self.by_access_token(digest, org).await
            } else if let Some(digest) = Purpose::Key.digest(token) {
                self.by_key(digest, org).await
            } else {
                Err(AuthError::Refused)
            }
        }
        .boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        Self::changes(self)
    }
}

impl Orgs {
    async fn by_access_token(
        &self,
        digest: Digest,
        org: Option<OrgId>,
    ) -> Result<Caller, AuthError> {
        let mut tx = self.authority().system_read().await?;
        let holder = logins::by_access_token(&mut tx, digest, org, self.now()).await?;
        let holder = holder.ok_or(AuthError::Refused)?;
        let standing = match (org, holder.role) {
            (None, _) => Standing::NoOrganisation,
            (Some(_), None) => Standing::Stranger,
            (Some(org), Some(role)) => {
                Standing::Member(self.authority().context(org, Actor::user(holder.user), role))
            }
        };
        Ok(Caller::new(holder.user, Credential::Login(holder.login), standing))
    }

    async fn by_key(&self, digest: Digest, org: Option<OrgId>) -> Result<Caller, AuthError> {
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
        Ok(Caller::new(holder.user, Credential::Key(holder.key), standing))
    }

    /// Notes that a key is in use. A note that can't be written keeps nobody out.
    async fn note_use(&self, holder: &KeyHolder) {
        let now = self.now();
        if holder.used_at.is_some_and(|at| now.since(at) < USE_NOTED_EVERY) {
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
