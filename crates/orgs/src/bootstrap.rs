//! The first owner of a new installation.

use vocab::{Actor, Draft, EventKind, ExposeSecret as _, Role, SecretString};

use crate::model::{Organisation, User};
use crate::register::joined_as;
use crate::store::{accounts, organisations};
use crate::{Orgs, OrgsError, email, password};

/// Who owns a new installation.
#[derive(Debug)]
pub struct NewOwner {
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The first organisation's name.
    pub org_name: String,
    /// A password; without one, the owner comes in by a one-time link.
    pub password: Option<SecretString>,
}

/// What was made.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The owner.
    pub user: User,
    /// The first organisation.
    pub org: Organisation,
    /// A token for `POST /v1/auth/link`, to be shown once, if there is no password.
    pub link: Option<SecretString>,
}

impl Orgs {
    /// Makes the first owner and the first organisation. Does nothing, and answers `None`, if
    /// there is anybody already.
    ///
    /// # Errors
    /// The address is none, or the password breaks a rule; storage.
    pub async fn bootstrap(&self, new: NewOwner) -> Result<Option<Bootstrapped>, OrgsError> {
        let email = email::normalise(&new.email, "/email")?;
        let hash = match &new.password {
            Some(secret) => {
                password::check(secret.expose_secret(), &email, "/password")?;
                Some(self.passwords().hash(secret, self.random()).await?)
            }
            None => None,
        };
        let (user, org) = (self.user(email, new.name), self.organisation(new.org_name));
        let mut tx = self
            .authority()
            .system_write(Actor::system("bootstrap"))
            .await?;
        if accounts::any(&mut tx).await? {
            return Ok(None);
        }
        let without_password = hash.is_none();
        accounts::insert(&mut tx, &user, hash)
            .await
            .map_err(crate::register::taken)?;
        organisations::insert(&mut tx, &org, user.id).await?;
        tx.record_for(org.id, Draft::new(EventKind::OrgCreated, org.id));
        tx.record_for(org.id, Draft::new(EventKind::UserRegistered, user.id));
        tx.record_for(org.id, joined_as(user.id, Role::Owner));
        tx.commit().await?;
        let link = if without_password {
            Some(self.sign_in_link(user.id).await?)
        } else {
            None
        };
        Ok(Some(Bootstrapped { user, org, link }))
    }

    /// The first owner of the installation who can sign in, for the operator's command line.
    ///
    /// # Errors
    /// Storage.
    pub async fn first_owner(&self) -> Result<Option<(User, Organisation)>, OrgsError> {
        let mut tx = self.authority().system_read().await?;
        Ok(accounts::first_owner(&mut tx).await?)
    }

    /// A key for the command line of the machine that the installation runs on.
    ///
    /// # Errors
    /// Storage.
    pub async fn command_line_key(&self, ctx: &db::OrgContext) -> Result<SecretString, OrgsError> {
        let new = crate::NewKey {
            name: "this machine's command line".to_owned(),
            role: None,
            expires_at: None,
        };
        let shown = |_: &crate::model::ApiKey, text: &SecretString| text.expose_secret().to_owned();
        Ok(self
            .create_key(ctx, new, &edge::Key::absent(), shown)
            .await?
            .into())
    }
}
