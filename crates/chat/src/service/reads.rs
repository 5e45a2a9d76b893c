//! How far people have read, and that they type: what others may see at once and no record keeps.

use db::OrgContext;
use vocab::{Role, SessionId};

use super::{Chat, member};
use crate::ChatError;
use crate::model::{ReadMark, invalid};
use crate::store;

impl Chat {
    /// Notes how far the caller has read a session. A mark only moves forward.
    ///
    /// # Errors
    /// There is no such session; it does not have so many messages; nobody reads.
    pub async fn mark_read(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        position: u32,
    ) -> Result<ReadMark, ChatError> {
        let session = self.there_in(&mut ctx.read().await?, id).await?;
        if position > session.message_count {
            let message = format!("the session has {} messages", session.message_count);
            return Err(invalid("position", message));
        }
        let user = ctx.actor().user;
        let mark = ReadMark {
            user: user.ok_or(ChatError::RoleTooLow(Role::Viewer))?,
            position,
            read_at: ctx.now(),
        };
        let mut tx = self.authority.system_write(ctx.actor().clone()).await?;
        let kept = store::mark_read(&mut tx, (ctx.org(), id), mark).await?;
        tx.commit_unrecorded("how far somebody has read").await?;
        if kept == mark {
            self.live.read(id, mark.user, position);
        }
        Ok(kept)
    }

    /// How far everybody has read a session who has.
    ///
    /// # Errors
    /// There is no such session.
    pub async fn reads(&self, ctx: &OrgContext, id: SessionId) -> Result<Vec<ReadMark>, ChatError> {
        let mut tx = ctx.read().await?;
        self.there_in(&mut tx, id).await?;
        Ok(store::reads(&mut tx, id).await?)
    }

    /// Tells whoever listens to a session that the caller is typing.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session.
    pub async fn typing(&self, ctx: &OrgContext, id: SessionId) -> Result<(), ChatError> {
        member(ctx)?;
        self.get(ctx, id).await?;
        if let Some(user) = ctx.actor().user {
            self.live.typing(id, user, ctx.now());
        }
        Ok(())
    }
}
