//! Legal holds, and deleting what nothing holds.

use db::{OrgContext, WriteTx};
use vault::Subject;
use vocab::{Draft, EventKind, Role, SessionId};

use super::Chat;
use crate::ChatError;
use crate::model::{Hold, Session, check_reason};
use crate::store;

impl Chat {
    /// Holds a session: until it is released, it is not deleted, neither by anybody nor by a rule.
    ///
    /// # Errors
    /// The caller is no admin; there is no such session; it is held already; the reason is empty or
    /// too long.
    pub async fn hold(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        reason: &str,
    ) -> Result<Hold, ChatError> {
        admin(ctx)?;
        check_reason(reason)?;
        self.get_in(tx, id).await?;
        let sealed = self
            .content
            .seal(tx, Subject::Organisation, "text/plain", reason.as_bytes());
        let hold = Hold {
            by: ctx.actor().clone(),
            reason: sealed.await?,
            at: ctx.now(),
        };
        // Whoever deletes it locks it first.
        store::lock(tx, id).await?;
        if !store::insert_hold(tx, id, &hold).await? {
            return Err(ChatError::Held);
        }
        let event = Draft::new(EventKind::SessionHeld, id).in_session(Some(id));
        tx.record(event.with_content(hold.reason));
        Ok(hold)
    }

    /// Releases a session that is held.
    ///
    /// # Errors
    /// The caller is no admin; there is no such session; it is not held.
    pub async fn release(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
    ) -> Result<(), ChatError> {
        admin(ctx)?;
        self.get_in(tx, id).await?;
        if !store::delete_hold(tx, id).await? {
            return Err(ChatError::NotHeld);
        }
        tx.record(Draft::new(EventKind::SessionReleased, id).in_session(Some(id)));
        Ok(())
    }

    /// The hold on a session, with why it is there.
    ///
    /// # Errors
    /// The caller is no admin; there is no such session; it is not held.
    pub async fn held(&self, ctx: &OrgContext, id: SessionId) -> Result<(Hold, String), ChatError> {
        admin(ctx)?;
        let mut tx = ctx.read().await?;
        self.get_in(&mut tx, id).await?;
        let hold = store::hold(&mut tx, id).await?.ok_or(ChatError::NotHeld)?;
        let reason = self.content.open_in(&mut tx, hold.reason).await?;
        Ok((hold, String::from_utf8_lossy(&reason).into_owned()))
    }

    /// Deletes a session: its messages, its archive and the names of its artifacts go, and the key
    /// under which everything was sealed that was said and done in it. What remains is the record,
    /// which holds digests.
    ///
    /// # Errors
    /// The caller is no admin; there is no such session; it is held; it has runs that are not over.
    pub async fn delete(&self, ctx: &OrgContext, id: SessionId) -> Result<(), ChatError> {
        admin(ctx)?;
        self.remove(ctx, id, None).await.map(drop)
    }

    /// Deletes a session, if it is still as it was `seen`; false if it is not.
    pub(super) async fn remove(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        seen: Option<&Session>,
    ) -> Result<bool, ChatError> {
        let mut tx = ctx.write().await?;
        // This takes the lock that whoever starts a run takes.
        self.runs.open_in_session(&mut tx, id).await?;
        store::lock(&mut tx, id).await?;
        let session = self.get_in(&mut tx, id).await?;
        if session.held {
            return Err(ChatError::Held);
        }
        if self.runs.is_busy(&mut tx, id).await? {
            return Err(ChatError::Busy);
        }
        if seen.is_some_and(|seen| *seen != session) {
            return Ok(false);
        }
        let archive = store::archive(&mut tx, id).await?;
        store::delete_archive(&mut tx, id).await?;
        let [_, _, messages, ..] = store::clear(&mut tx, id).await?;
        let artifacts = self.artifacts.remove_of_session(&mut tx, id).await?;
        store::delete_session(&mut tx, id).await?;
        let kept = archive.map_or(0, |it| u64::from(it.messages));
        tx.record(
            Draft::new(EventKind::SessionDeleted, id)
                .in_session(Some(id))
                .fact("messages", messages + kept)
                .fact("artifacts", artifacts)
                .fact(
                    "because",
                    if seen.is_some() { "retention" } else { "asked" },
                ),
        );
        self.content.erase_in(&mut tx, id).await?;
        tx.commit().await?;
        // The key is gone; what is left of the bytes here, the sweep wipes.
        if let Err(error) = self.content.finish_erasure(ctx, id).await {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(
                error,
                "the bytes of a deleted session are left for the sweep"
            );
        }
        Ok(true)
    }
}

fn admin(ctx: &OrgContext) -> Result<(), ChatError> {
    if ctx.role() < Role::Admin {
        return Err(ChatError::RoleTooLow(Role::Admin));
    }
    Ok(())
}
