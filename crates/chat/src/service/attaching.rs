//! Files that people put into a session, and what goes with messages.

use bytes::Bytes;
use db::{OrgContext, WriteTx};
use vault::{Artifact, ArtifactError, Artifacts, NewArtifact, Prepared};
use vocab::{ArtifactId, RunId, SessionId, limits};

use super::{Chat, member};
use crate::ChatError;
use crate::model::invalid;
use crate::store;

impl Chat {
    /// Seals a file of the session and puts it into the blob store, before the transaction in which
    /// [`Chat::keep_file`] makes it an artifact.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session; the media type is none; the file is too large.
    pub async fn prepare_file(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        (media, bytes): (&str, Bytes),
    ) -> Result<Prepared, ChatError> {
        member(ctx)?;
        self.get(ctx, id).await?;
        match self.content.prepare(ctx, id, media, bytes).await {
            Ok(prepared) => Ok(prepared),
            Err(error @ vault::ContentError::Media) => {
                Err(invalid("content-type", error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a prepared file an artifact of the session.
    ///
    /// # Errors
    /// There is no such session any more; the name does not fit.
    pub async fn keep_file(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        (name, content): (&str, &Prepared),
    ) -> Result<Artifact, ChatError> {
        self.get_in(tx, id).await?;
        let new = NewArtifact {
            id: ctx.new_id(),
            name,
            content,
            session: Some(id),
            run: None,
        };
        Ok(self.artifacts.save(ctx, tx, new).await?)
    }

    /// Checks that artifacts can go with a message: they are of its session.
    pub(super) async fn check_attachments(
        &self,
        tx: &mut WriteTx,
        id: SessionId,
        attachments: &[ArtifactId],
    ) -> Result<(), ChatError> {
        let max = limits::ATTACHMENTS_MAX;
        if attachments.len() > max {
            return Err(invalid("attachments", format!("expected at most {max}")));
        }
        for (index, artifact) in attachments.iter().enumerate() {
            if attachments[..index].contains(artifact) {
                return Err(invalid(
                    "attachments",
                    format!("`{artifact}` is there twice"),
                ));
            }
            let found = match self.artifacts.get_in(tx, *artifact).await {
                Ok(found) => Some(found),
                Err(ArtifactError::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            if found.is_none_or(|it| it.session != Some(id)) {
                let message = format!("the session has no artifact `{artifact}`");
                return Err(invalid("attachments", message));
            }
        }
        Ok(())
    }
}

/// What goes with the message that a run answers; nothing if it answers none.
///
/// # Errors
/// The database.
pub async fn attached(
    artifacts: &Artifacts,
    ctx: &OrgContext,
    run: RunId,
) -> Result<Vec<Artifact>, ChatError> {
    let mut tx = ctx.read().await?;
    let Some(turn) = store::turn(&mut tx, run).await? else {
        return Ok(Vec::new());
    };
    let message = store::message(&mut tx, turn.message).await?;
    let mut attached = Vec::new();
    for id in message.map(|it| it.attachments).unwrap_or_default() {
        match artifacts.get_in(&mut tx, id).await {
            Ok(artifact) => attached.push(artifact),
            Err(ArtifactError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(attached)
}
