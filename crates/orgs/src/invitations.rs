//! Invitations: how somebody becomes a member.

use db::{OrgContext, SystemWrite};
use edge::Key;
use http::StatusCode;
use serde::Serialize;
use vocab::limits::INVITATION_TTL;
use vocab::{Actor, Draft, EventKind, ExposeSecret as _, InvitationId, Role, SecretString, UserId};

use crate::mail::Mail;
use crate::model::{Invitation, Membership, Organisation, User};
use crate::register::joined_as;
use crate::store::{accounts, invitations, members, organisations};
use crate::token::{Purpose, Token};
use crate::{Orgs, OrgsError, email};

/// How many invitations of an organisation may be open.
const OPEN_MAX: u32 = 500;

impl Orgs {
    /// Invites somebody by address. The token is in the mail and in the answer, and nowhere else.
    ///
    /// # Errors
    /// The role is above the caller's; the person is a member; too many are open; storage or mail.
    pub async fn invite<A: Serialize + Sync>(
        &self,
        ctx: &OrgContext,
        email: &str,
        role: Role,
        key: &Key,
        answer: impl FnOnce(&Invitation, &SecretString) -> A,
    ) -> Result<A, OrgsError> {
        let email = email::normalise(email, "/email")?;
        if role > ctx.role() {
            return Err(OrgsError::AboveOwnRole(role));
        }
        let invited_by = ctx.actor().user.ok_or(OrgsError::NotFound("member"))?;
        let mut tx = self.authority().system_read().await?;
        if members::has_email(&mut tx, ctx.org(), &email).await? {
            return Err(OrgsError::AlreadyMember);
        }
        drop(tx);
        let token = Token::new(Purpose::Invitation, ctx.random());
        let now = ctx.now();
        let expires_at = now.plus(INVITATION_TTL);
        let id = ctx.new_id();
        let new = Invitation {
            id,
            email,
            role,
            invited_by,
            created_at: now,
            expires_at,
        };
        let mut tx = ctx.write().await?;
        if invitations::count_open(&mut tx, now).await? >= OPEN_MAX {
            return Err(OrgsError::TooManyThings {
                what: "open invitations",
                limit: OPEN_MAX,
            });
        }
        invitations::insert(&mut tx, &new, token.digest).await?;
        tx.record(Draft::new(EventKind::MemberInvited, id).fact("role", role.as_str()));
        let answer = answer(&new, &token.text);
        key.claim(&mut tx, StatusCode::CREATED, &answer).await?;
        tx.commit().await?;
        // The invitation stands, and its token is in the answer: a mail that can't be handed over
        // does not undo it.
        if let Err(error) = self.mail_invitation(&new, &token.text).await {
            tracing::warn!(
                error = &error as &(dyn std::error::Error + 'static),
                "an invitation was not mailed"
            );
        }
        Ok(answer)
    }

    async fn mail_invitation(
        &self,
        invitation: &Invitation,
        token: &SecretString,
    ) -> Result<(), crate::mail::MailError> {
        let text = format!(
            "You are invited into an organisation on Chancery. Accept within a week:\n\n\
             {}/invitation#token={}",
            self.config().public_url,
            token.expose_secret(),
        );
        let (to, subject) = (invitation.email.clone(), "You are invited".to_owned());
        self.mailer()
            .send(Mail {
                to,
                subject,
                text: text.into(),
            })
            .await
    }

    /// A page of the open invitations.
    ///
    /// # Errors
    /// Storage.
    pub async fn invitations(
        &self,
        ctx: &OrgContext,
        after: Option<InvitationId>,
        fetch: u32,
    ) -> Result<Vec<Invitation>, OrgsError> {
        Ok(invitations::list_open(&mut ctx.read().await?, after, fetch, ctx.now()).await?)
    }

    /// Makes an open invitation useless.
    ///
    /// # Errors
    /// There is none; storage.
    pub async fn revoke_invitation(
        &self,
        ctx: &OrgContext,
        id: InvitationId,
    ) -> Result<(), OrgsError> {
        let mut tx = ctx.write().await?;
        if !invitations::revoke(&mut tx, id, ctx.now()).await? {
            return Err(OrgsError::NotFound("invitation"));
        }
        tx.record(Draft::new(EventKind::InvitationRevoked, id));
        Ok(tx.commit().await?)
    }

    /// Makes a person who is signed in a member.
    ///
    /// # Errors
    /// The invitation is not there any more, is for another address, or the person is a member;
    /// storage.
    pub async fn accept_invitation(
        &self,
        user: UserId,
        token: &str,
    ) -> Result<Membership, OrgsError> {
        let mut tx = self.authority().system_write(Actor::user(user)).await?;
        let user = accounts::find_in(&mut tx, user).await?;
        let (org, role, event) = self.accept(&mut tx, token, &user).await?;
        tx.record_for(org.id, event);
        tx.commit().await?;
        Ok(Membership { org, role })
    }

    /// Spends an invitation for a person, within a transaction.
    pub(crate) async fn accept(
        &self,
        tx: &mut SystemWrite,
        token: &str,
        user: &User,
    ) -> Result<(Organisation, Role, Draft), OrgsError> {
        let not_found = OrgsError::NotFound("invitation");
        let Some(digest) = Purpose::Invitation.digest(token) else {
            return Err(not_found);
        };
        let now = self.now();
        let accepted = invitations::accept(tx, digest, now).await?;
        let (org, invitation) = accepted.ok_or(not_found)?;
        if invitation.email != user.email {
            return Err(OrgsError::InvitationForAnother);
        }
        let joined = organisations::join(tx, org, user.id, invitation.role, now).await;
        joined.map_err(|error| match error {
            db::StoreError::Conflict { .. } => OrgsError::AlreadyMember,
            other => other.into(),
        })?;
        let org = organisations::find_system(tx, org).await?;
        let event = joined_as(user.id, invitation.role);
        Ok((
            org,
            invitation.role,
            event.fact("invitation", invitation.id.to_string()),
        ))
    }
}
