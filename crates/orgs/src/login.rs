//! Signing in with a password, signing out, and the logins of a person.

use std::net::IpAddr;

use db::{StoreError, SystemWrite};
use vocab::limits::{ACCESS_TOKEN_TTL, REFRESH_TOKEN_TTL};
use vocab::{Actor, Draft, EventKind, LoginId, OrgId, SecretString, Timestamp, UserId};

use crate::model::{Login, Membership, Method, SignedIn, Tokens, User};
use crate::service::commit_for;
use crate::store::{accounts, logins};
use crate::token::{Purpose, Token};
use crate::{Orgs, OrgsError, email, password};

/// The longest name of a device that is kept, in characters.
const CLIENT_CHARS_MAX: usize = 200;

/// Where a sign-in comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address.
    pub address: IpAddr,
    /// What the device calls itself.
    pub client: Option<String>,
}

/// The organisations of these memberships.
pub(crate) fn orgs_of(memberships: &[Membership]) -> Vec<OrgId> {
    memberships
        .iter()
        .map(|membership| membership.org.id)
        .collect()
}

impl Orgs {
    /// Signs a person in with a password.
    ///
    /// # Errors
    /// [`OrgsError::Refused`] alike for an unknown address, a wrong password and a suspended
    /// person; too many tries; storage.
    pub async fn log_in(
        &self,
        email: &str,
        password: &SecretString,
        origin: &Origin,
    ) -> Result<SignedIn, OrgsError> {
        // What can't be an address has no account; it is refused like one.
        let email = email::normalise(email, "/email").unwrap_or_default();
        self.count_try(origin.address, &email)?;
        let mut tx = self.authority().system_read().await?;
        let account = accounts::by_email(&mut tx, &email).await?;
        drop(tx);
        let hash = account
            .as_ref()
            .and_then(|account| account.password_hash.clone());
        let fits = self.passwords().verify(password, hash).await?;
        let account = account.filter(|account| fits && !account.suspended);
        let user = account.ok_or(OrgsError::Refused)?.user;
        self.sign_in(user, Method::Password, origin.client.as_deref())
            .await
    }

    /// Begins a login of somebody who has proved to be this person.
    pub(crate) async fn sign_in(
        &self,
        user: User,
        method: Method,
        client: Option<&str>,
    ) -> Result<SignedIn, OrgsError> {
        let mut tx = self.authority().system_write(Actor::user(user.id)).await?;
        let memberships = accounts::memberships_in(&mut tx, user.id).await?;
        let (tokens, event) = self.begin(&mut tx, user.id, method, client).await?;
        commit_for(tx, orgs_of(&memberships), vec![event]).await?;
        Ok(SignedIn {
            user,
            tokens,
            memberships,
        })
    }

    /// Adds a login with its first tokens to a transaction.
    pub(crate) async fn begin(
        &self,
        tx: &mut SystemWrite,
        user: UserId,
        method: Method,
        client: Option<&str>,
    ) -> Result<(Tokens, Draft), StoreError> {
        let (now, id) = (self.now(), self.new_id());
        let client: Option<String> = client.map(|it| it.chars().take(CLIENT_CHARS_MAX).collect());
        let login = logins::NewLogin {
            id,
            user,
            method,
            client: client.as_deref(),
            now,
            expires_at: now.plus(REFRESH_TOKEN_TTL),
        };
        logins::insert(tx, &login).await?;
        let tokens = self.issue(tx, id, now).await?;
        let event = Draft::new(EventKind::LoginStarted, id)
            .fact("method", method.as_str())
            .fact("user", user.to_string());
        Ok((tokens, event))
    }

    /// Adds a pair of tokens for a login to a transaction.
    pub(crate) async fn issue(
        &self,
        tx: &mut SystemWrite,
        login: LoginId,
        now: Timestamp,
    ) -> Result<Tokens, StoreError> {
        let access = Token::new(Purpose::Access, self.random());
        let refresh = Token::new(Purpose::Refresh, self.random());
        logins::insert_access(tx, login, access.digest, now.plus(ACCESS_TOKEN_TTL)).await?;
        logins::insert_refresh(tx, login, refresh.digest, now.plus(REFRESH_TOKEN_TTL)).await?;
        Ok(Tokens {
            login,
            access: access.text,
            refresh: refresh.text,
        })
    }

    /// Ends the login that a refresh token belongs to, if there is one.
    ///
    /// # Errors
    /// Storage.
    pub async fn log_out_by_refresh(&self, token: &str) -> Result<(), OrgsError> {
        let Some(digest) = Purpose::Refresh.digest(token) else {
            return Ok(());
        };
        let mut tx = self.authority().system_read().await?;
        let found = logins::by_refresh(&mut tx, digest).await?;
        drop(tx);
        match found {
            Some((login, user)) => self.end_login(user, login, "logout").await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends one login of a person.
    ///
    /// # Errors
    /// Storage.
    pub async fn log_out(&self, user: UserId, login: LoginId) -> Result<(), OrgsError> {
        self.end_login(user, login, "logout").await.map(drop)
    }

    /// Ends one login of a person from another.
    ///
    /// # Errors
    /// There is none; storage.
    pub async fn revoke_login(&self, user: UserId, login: LoginId) -> Result<(), OrgsError> {
        if self.end_login(user, login, "revoked").await? {
            return Ok(());
        }
        Err(OrgsError::NotFound("session"))
    }

    pub(crate) async fn end_login(
        &self,
        user: UserId,
        login: LoginId,
        by: &str,
    ) -> Result<bool, OrgsError> {
        let mut tx = self.authority().system_write(Actor::user(user)).await?;
        if !logins::end(&mut tx, user, login, by, self.now()).await? {
            return Ok(false);
        }
        let orgs = orgs_of(&accounts::memberships_in(&mut tx, user).await?);
        self.commit_loss(commit_for(tx, orgs, vec![ended(login, user, by)]))
            .await?;
        Ok(true)
    }

    /// A page of a person's logins, the newest first.
    ///
    /// # Errors
    /// Storage.
    pub async fn logins(
        &self,
        user: UserId,
        before: Option<LoginId>,
        fetch: u32,
    ) -> Result<Vec<Login>, OrgsError> {
        let mut tx = self.authority().system_read().await?;
        Ok(logins::list(&mut tx, user, before, fetch, self.now()).await?)
    }

    /// A person and where the person is a member.
    ///
    /// # Errors
    /// Storage.
    pub async fn person(&self, user: UserId) -> Result<(User, Vec<Membership>), OrgsError> {
        let mut tx = self.authority().system_read().await?;
        let found = accounts::find(&mut tx, user).await?;
        Ok((found, accounts::memberships(&mut tx, user).await?))
    }

    /// Changes a password, and ends the person's other logins.
    ///
    /// # Errors
    /// The present password is wrong, the new one breaks a rule; too many tries; storage.
    pub async fn change_password(
        &self,
        user: UserId,
        login: LoginId,
        present: &SecretString,
        new: &SecretString,
        from: IpAddr,
    ) -> Result<(), OrgsError> {
        use vocab::ExposeSecret as _;
        let mut tx = self.authority().system_read().await?;
        let account = accounts::by_id(&mut tx, user).await?;
        drop(tx);
        self.count_try(from, &account.user.email)?;
        password::check(new.expose_secret(), &account.user.email, "/new_password")?;
        if !self
            .passwords()
            .verify(present, account.password_hash)
            .await?
        {
            return Err(OrgsError::invalid(
                "/current_password",
                "not the present password",
            ));
        }
        let hash = self.passwords().hash(new, self.random()).await?;
        self.set_password(user, hash, Some(login), None).await
    }

    /// Stores a new password, spends the token that allowed it, and ends the person's logins.
    pub(crate) async fn set_password(
        &self,
        user: UserId,
        hash: String,
        but: Option<LoginId>,
        token: Option<vocab::Digest>,
    ) -> Result<(), OrgsError> {
        let now = self.now();
        let mut tx = self.authority().system_write(Actor::user(user)).await?;
        if let Some(digest) = token {
            let spent =
                accounts::spend_one_time(&mut tx, digest, crate::reset::PURPOSE, now).await?;
            if spent != Some(user) {
                return Err(OrgsError::Refused);
            }
        }
        accounts::set_password(&mut tx, user, hash).await?;
        // Whoever could reset the old password can't reset the new one.
        accounts::void_one_time(&mut tx, user, crate::reset::PURPOSE, now).await?;
        accounts::void_one_time(&mut tx, user, crate::link::PURPOSE, now).await?;
        let by = "password_changed";
        let gone = logins::end_others(&mut tx, user, but, by, now).await?;
        let orgs = orgs_of(&accounts::memberships_in(&mut tx, user).await?);
        let mut events = vec![Draft::new(EventKind::PasswordChanged, user)];
        events.extend(gone.into_iter().map(|login| ended(login, user, by)));
        Ok(self.commit_loss(commit_for(tx, orgs, events)).await?)
    }
}

fn ended(login: LoginId, user: UserId, by: &str) -> Draft {
    Draft::new(EventKind::LoginEnded, login)
        .fact("by", by)
        .fact("user", user.to_string())
}
