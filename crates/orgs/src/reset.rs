//! Forgotten passwords.

use vocab::limits::PASSWORD_RESET_TTL;
use vocab::{Actor, ExposeSecret as _, SecretString};

use crate::mail::Mail;
use crate::store::accounts::{self, OneTime};
use crate::token::{Purpose, Token};
use crate::{Orgs, OrgsError, email, password};

/// What the tokens are for, as it is stored.
pub(crate) const PURPOSE: &str = "password_reset";

impl Orgs {
    /// Sends a link by which a new password can be set, if the address has an account. Whether it
    /// has one can't be told from the answer; an address without one costs a write as well.
    ///
    /// # Errors
    /// Storage, or the mail can't be handed over.
    pub async fn forgot_password(&self, email: &str) -> Result<(), OrgsError> {
        let email = email::normalise(email, "/email")?;
        let mut tx = self.authority().system_read().await?;
        let account = accounts::by_email(&mut tx, &email)
            .await?
            .filter(|it| !it.suspended);
        drop(tx);
        let token = Token::new(Purpose::Reset, self.random());
        let row = OneTime {
            digest: token.digest,
            purpose: PURPOSE,
            user: account.as_ref().map(|account| account.user.id),
            expires_at: self.now().plus(PASSWORD_RESET_TTL),
        };
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        accounts::insert_one_time(&mut tx, &row).await?;
        tx.commit_unrecorded("a password reset was asked for")
            .await?;
        let Some(account) = account else {
            return Ok(());
        };
        let text = format!(
            "Somebody asked for a new password for this address. If it was you, set it within an \
             hour:\n\n{}/reset-password#token={}\n\nIf it was not you, do nothing.",
            self.config().public_url,
            token.text.expose_secret(),
        );
        let subject = "Set a new password".to_owned();
        let mail = Mail {
            to: account.user.email,
            subject,
            text: text.into(),
        };
        self.mailer().send(mail).await.map_err(OrgsError::Mail)
    }

    /// Sets a new password with the token of such a link, and ends all of the person's logins.
    ///
    /// # Errors
    /// The token is unknown, spent or expired; the password breaks a rule; storage.
    pub async fn reset_password(&self, token: &str, new: &SecretString) -> Result<(), OrgsError> {
        let digest = Purpose::Reset.digest(token).ok_or(OrgsError::Refused)?;
        let mut tx = self.authority().system_read().await?;
        let user = accounts::holder_of_one_time(&mut tx, digest, PURPOSE, self.now()).await?;
        let user = user.ok_or(OrgsError::Refused)?;
        let account = accounts::by_id(&mut tx, user).await?;
        drop(tx);
        password::check(new.expose_secret(), &account.user.email, "/password")?;
        let hash = self.passwords().hash(new, self.random()).await?;
        self.set_password(user, hash, None, Some(digest)).await
    }
}
