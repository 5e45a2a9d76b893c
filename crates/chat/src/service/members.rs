//! Members of sessions.

use db::{OrgContext, WriteTx};
use vocab::{Draft, EventKind, SessionId, UserId};

use super::{Chat, member};
use crate::ChatError;
use crate::model::Member;
use crate::store;

impl Chat {
    /// The members of a session, the first ones first.
    ///
    /// # Errors
    /// There is no such session.
    pub async fn members(&self, ctx: &OrgContext, id: SessionId) -> Result<Vec<Member>, ChatError> {
        let mut tx = ctx.read().await?;
        self.there_in(&mut tx, id).await?;
        Ok(store::members(&mut tx, id).await?)
    }

    /// Whether somebody can be a member of a session: a member of the organisation can. Asked
    /// before the write transaction.
    ///
    /// # Errors
    /// They can't.
    pub async fn check_person(&self, ctx: &OrgContext, user: UserId) -> Result<(), ChatError> {
        if self.people.is_member(ctx, user).await? {
            return Ok(());
        }
        Err(ChatError::Stranger(user))
    }

    /// Adds a member. Answers whether they were none before; if they were, nothing is recorded.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session.
    pub async fn add_member(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        user: UserId,
    ) -> Result<bool, ChatError> {
        member(ctx)?;
        self.there_in(tx, id).await?;
        let added = store::add_member(
            tx,
            id,
            Member {
                user,
                added_at: ctx.now(),
            },
        )
        .await?;
        if added {
            tx.record(about(EventKind::SessionMemberAdded, id, user));
        }
        Ok(added)
    }

    /// Removes a member.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session; they are no member.
    pub async fn remove_member(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        user: UserId,
    ) -> Result<(), ChatError> {
        member(ctx)?;
        self.there_in(tx, id).await?;
        if !store::remove_member(tx, id, user).await? {
            return Err(ChatError::NoMember(user));
        }
        tx.record(about(EventKind::SessionMemberRemoved, id, user));
        Ok(())
    }
}

fn about(kind: EventKind, session: SessionId, user: UserId) -> Draft {
    Draft::new(kind, session)
        .in_session(Some(session))
        .fact("user", user.to_string())
}
