//! Organisations: making, renaming, deleting them.

use db::OrgContext;
use edge::Key;
use http::StatusCode;
use serde::Serialize;
use vocab::{Actor, Draft, EventKind, Role, UserId};

use crate::model::Organisation;
use crate::register::joined_as;
use crate::store::organisations;
use crate::{Orgs, OrgsError};

impl Orgs {
    /// Makes an organisation with this person as its owner. `answer` is what the caller will be
    /// told, kept with the idempotency key.
    ///
    /// # Errors
    /// The key was used; storage.
    pub async fn create_org<A: Serialize + Sync>(
        &self,
        owner: UserId,
        name: String,
        key: &Key,
        answer: impl FnOnce(&Organisation) -> A,
    ) -> Result<A, OrgsError> {
        let org = self.organisation(name);
        let mut tx = self.authority().system_write(Actor::user(owner)).await?;
        organisations::insert(&mut tx, &org, owner).await?;
        tx.record_for(org.id, Draft::new(EventKind::OrgCreated, org.id));
        tx.record_for(org.id, joined_as(owner, Role::Owner));
        let answer = answer(&org);
        key.claim_system(&mut tx, StatusCode::CREATED, &answer)
            .await?;
        tx.commit().await?;
        Ok(answer)
    }

    /// The organisation of a context.
    ///
    /// # Errors
    /// Storage.
    pub async fn org(&self, ctx: &OrgContext) -> Result<Organisation, OrgsError> {
        Ok(organisations::find(&mut ctx.read().await?).await?)
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// Storage.
    pub async fn rename_org(
        &self,
        ctx: &OrgContext,
        name: &str,
    ) -> Result<Organisation, OrgsError> {
        let mut tx = ctx.write().await?;
        let org = organisations::rename(&mut tx, name).await?;
        tx.record(Draft::new(EventKind::OrgUpdated, org.id).fact("changed", vec!["name"]));
        tx.commit().await?;
        Ok(org)
    }

    /// Closes it: from now on it is nobody's. Its record stays where it is.
    ///
    /// # Errors
    /// Storage.
    pub async fn delete_org(&self, ctx: &OrgContext) -> Result<(), OrgsError> {
        let mut tx = ctx.write().await?;
        if !organisations::delete(&mut tx, ctx.now()).await? {
            return Err(OrgsError::NotFound("organisation"));
        }
        tx.record(Draft::new(EventKind::OrgDeleted, ctx.org()));
        Ok(self.commit_loss(tx.commit()).await?)
    }
}
