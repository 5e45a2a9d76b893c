//! One-time sign-in links: how the first owner gets in, and how an operator lets somebody in.

use std::time::Duration;

use vocab::{Actor, SecretString, UserId};

use crate::login::{Origin, orgs_of};
use crate::model::{Method, SignedIn};
use crate::service::commit_for;
use crate::store::accounts::{self, OneTime};
use crate::token::{Purpose, Token};
use crate::{Orgs, OrgsError};

/// What the tokens are for, as it is stored.
pub(crate) const PURPOSE: &str = "sign_in";

/// How long a link can be used.
const LINK_TTL: Duration = Duration::from_secs(3600);

impl Orgs {
    /// Makes a token that signs this person in once, within an hour. For the operator of the
    /// installation alone: there is no route to it. Links from before stop working.
    ///
    /// # Errors
    /// Storage.
    pub async fn sign_in_link(&self, user: UserId) -> Result<SecretString, OrgsError> {
        let now = self.now();
        let token = Token::new(Purpose::Link, self.random());
        let row = OneTime {
            digest: token.digest,
            purpose: PURPOSE,
            user: Some(user),
            expires_at: now.plus(LINK_TTL),
        };
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        accounts::void_one_time(&mut tx, user, PURPOSE, now).await?;
        accounts::insert_one_time(&mut tx, &row).await?;
        tx.commit_unrecorded("a sign-in link").await?;
        Ok(token.text)
    }

    /// Signs in with such a token.
    ///
    /// # Errors
    /// It is unknown, spent or expired; storage.
    pub async fn redeem_link(&self, token: &str, origin: &Origin) -> Result<SignedIn, OrgsError> {
        let digest = Purpose::Link.digest(token).ok_or(OrgsError::Refused)?;
        let mut tx = self.authority().system_read().await?;
        let user = accounts::holder_of_one_time(&mut tx, digest, PURPOSE, self.now()).await?;
        let account = accounts::by_id(&mut tx, user.ok_or(OrgsError::Refused)?).await?;
        drop(tx);
        if account.suspended {
            return Err(OrgsError::Refused);
        }
        let user = account.user;
        let mut tx = self.authority().system_write(Actor::user(user.id)).await?;
        let spent = accounts::spend_one_time(&mut tx, digest, PURPOSE, self.now()).await?;
        if spent != Some(user.id) {
            return Err(OrgsError::Refused);
        }
        let memberships = accounts::memberships_in(&mut tx, user.id).await?;
        let client = origin.client.as_deref();
        let (tokens, event) = self.begin(&mut tx, user.id, Method::Link, client).await?;
        commit_for(tx, orgs_of(&memberships), vec![event]).await?;
        Ok(SignedIn {
            user,
            tokens,
            memberships,
        })
    }
}
