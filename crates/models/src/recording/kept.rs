//! Contents that are kept whole: masked, and large ones sealed and stored, before the transaction that
//! names them. A transaction must not wait for a blob store.

use std::borrow::Cow;

use bytes::Bytes;
use db::{OrgContext, WriteTx};
use vault::{ContentError, Masker, Prepared, SecretError, Subject, Vault};
use vocab::Digest;
use vocab::limits::CONTENT_INLINE_BYTES_MAX;

use super::streams;

/// The media type of requests and answers, streams included.
const MEDIA: &str = "application/json";

/// A content on its way into the record.
pub(super) enum Kept {
    /// Sealed within the transaction.
    Small(Bytes),
    /// Sealed already.
    Large(Box<Prepared>),
}

/// What masks and stores the contents of one group.
pub(super) struct Keeper<'a> {
    vault: &'a Vault,
    /// Read when the first content is kept.
    masker: Option<Masker>,
}

impl<'a> Keeper<'a> {
    pub fn new(vault: &'a Vault) -> Self {
        Self {
            vault,
            masker: None,
        }
    }

    /// Makes a content ready, without the organisation's secrets; of a stream, without those that come
    /// in pieces.
    pub async fn prepare(
        &mut self,
        ctx: &OrgContext,
        subject: Subject,
        (bytes, streamed): (&Bytes, bool),
    ) -> Result<Kept, Unkept> {
        let masker = match &mut self.masker {
            Some(masker) => masker,
            none @ None => none.insert(self.vault.secrets.masker(ctx, None).await?),
        };
        let masked = match mask(masker, streamed, bytes) {
            Cow::Owned(masked) => masked.into(),
            Cow::Borrowed(_) => bytes.clone(),
        };
        if masked.len() <= CONTENT_INLINE_BYTES_MAX {
            return Ok(Kept::Small(masked));
        }
        let content = &self.vault.content;
        let prepared = content.prepare(ctx, subject, MEDIA, masked).await?;
        Ok(Kept::Large(Box::new(prepared)))
    }
}

fn mask<'a>(masker: &Masker, streamed: bool, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match streamed {
        true => streams::mask(masker, bytes),
        false => masker.mask_bytes(bytes),
    }
}

impl Kept {
    /// Gives the content its row.
    pub async fn put(
        &self,
        content: &vault::Content,
        tx: &mut WriteTx,
        subject: Subject,
    ) -> Result<Digest, ContentError> {
        match self {
            Self::Small(bytes) => content.seal(tx, subject, MEDIA, bytes).await,
            Self::Large(prepared) => content.attach(tx, prepared).await,
        }
    }
}

/// Why a content is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unkept {
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}
