//! Making an account, with an organisation of one's own or by an invitation.

use db::StoreError;
use vocab::{Actor, Draft, EventKind, ExposeSecret as _, Role, SecretString, UserId};

use crate::login::Origin;
use crate::model::{Membership, Method, Organisation, SignedIn, User};
use crate::store::{accounts, organisations};
use crate::{Orgs, OrgsError, email, password};

/// What somebody registers with.
#[derive(Debug)]
pub struct Registration {
    /// The address, as it was typed.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// How the person wants to be called.
    pub name: String,
    /// The name of the new organisation; one is found if there is none.
    pub org_name: Option<String>,
    /// The token of an invitation: then the person joins that organisation instead.
    pub invitation: Option<SecretString>,
}

impl Orgs {
    /// Makes an account, and an organisation with it as the owner; or, with an invitation, a
    /// member of that organisation. Signs the person in.
    ///
    /// # Errors
    /// The address is taken or no address, the password breaks a rule, the invitation does not
    /// fit, registration is closed; storage.
    pub async fn register(
        &self,
        new: Registration,
        origin: &Origin,
    ) -> Result<(SignedIn, Organisation), OrgsError> {
        if !self.config().open_registration && new.invitation.is_none() {
            return Err(OrgsError::RegistrationClosed);
        }
        let email = email::normalise(&new.email, "/email")?;
        password::check(new.password.expose_secret(), &email, "/password")?;
        let hash = self.passwords().hash(&new.password, self.random()).await?;
        let user = self.user(email, new.name);
        let mut tx = self.authority().system_write(Actor::user(user.id)).await?;
        let inserted = accounts::insert(&mut tx, &user, Some(hash)).await;
        inserted.map_err(taken)?;
        let (org, role, joined) = match new.invitation {
            Some(token) => {
                let (org, role, event) = self.accept(&mut tx, token.expose_secret(), &user).await?;
                (org, role, vec![event])
            }
            None => {
                let name = new
                    .org_name
                    .unwrap_or_else(|| format!("{}'s organisation", user.name));
                let org = self.organisation(name);
                organisations::insert(&mut tx, &org, user.id).await?;
                let created = Draft::new(EventKind::OrgCreated, org.id);
                (
                    org.clone(),
                    Role::Owner,
                    vec![created, joined_as(user.id, Role::Owner)],
                )
            }
        };
        let client = origin.client.as_deref();
        let (tokens, started) = self
            .begin(&mut tx, user.id, Method::Registration, client)
            .await?;
        tx.record_for(org.id, Draft::new(EventKind::UserRegistered, user.id));
        for event in joined {
            tx.record_for(org.id, event);
        }
        tx.record_for(org.id, started);
        tx.commit().await?;
        let memberships = vec![Membership {
            org: org.clone(),
            role,
        }];
        Ok((
            SignedIn {
                user,
                tokens,
                memberships,
            },
            org,
        ))
    }

    pub(crate) fn user(&self, email: String, name: String) -> User {
        User {
            id: self.new_id(),
            email,
            name,
            created_at: self.now(),
        }
    }

    pub(crate) fn organisation(&self, name: String) -> Organisation {
        Organisation {
            id: self.new_id(),
            name,
            created_at: self.now(),
        }
    }
}

pub(crate) fn joined_as(user: UserId, role: Role) -> Draft {
    Draft::new(EventKind::MemberJoined, user).fact("role", role.as_str())
}

pub(crate) fn taken(error: StoreError) -> OrgsError {
    if error.is_conflict_on("email") {
        OrgsError::EmailTaken
    } else {
        error.into()
    }
}
