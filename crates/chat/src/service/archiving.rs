//! Archiving a session, and restoring it.
//!
//! An archive is made outside of any transaction and put into the blob store first. The transaction
//! that follows checks that nothing has happened in the session meanwhile, gives the archive its row,
//! and takes the session's rows away; so a crash leaves either all rows, and a blob that the vault's
//! sweep deletes, or the archive. Restoring is the same the other way round: the rows come back in
//! the transaction that lets go of the archive.

use bytes::Bytes;
use db::{OrgContext, ReadTx, StoreError, WriteTx};
use vault::{Content, ContentError, Prepared};
use vocab::{Digest, Draft, EventKind, MessageId, SessionId};

use super::{Chat, citations, member};
use crate::ChatError;
use crate::archive::{self, FORMAT, KeptMessage, Manifest, Parts};
use crate::model::{ArchiveInfo, Session, SessionStatus, words};
use crate::service::MEDIA;
use crate::store;

/// How often an archive is made anew because something happened in the session meanwhile.
const TRIES: u32 = 3;

/// Why a session is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Somebody asked for it.
    Asked,
    /// Nobody has used it for as long as the organisation says.
    Quiet,
}

impl Because {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Quiet => "quiet",
        }
    }
}

/// A session as it was when its archive was begun.
struct Seen {
    session: Session,
    /// The last event of it.
    event: Option<i64>,
}

/// An archive that is in the blob store and in no row yet.
struct Made {
    manifest: Manifest,
    parts: Parts,
    /// The texts that nothing but messages and summaries names.
    texts: Vec<Digest>,
    object: Prepared,
    size_bytes: u64,
}

impl Chat {
    /// Archives a session: its messages, and all that stands beside them, move into one sealed object.
    /// Archiving it again changes nothing.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session; it has runs that are not over, or more
    /// messages than an archive holds; somebody keeps using it.
    pub async fn archive(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        because: Because,
    ) -> Result<Session, ChatError> {
        member(ctx)?;
        for _ in 0..TRIES {
            let mut read = ctx.read().await?;
            let session = self.get_in(&mut read, id).await?;
            if session.status == SessionStatus::Archived {
                return Ok(session);
            }
            if self.runs.is_busy(&mut read, id).await? {
                return Err(ChatError::Busy);
            }
            let event = store::last_event(&mut read, id).await?;
            let made = self.make(ctx, read, &session).await?;
            let seen = Seen { session, event };
            if let Some(archived) = self.swap(ctx, &seen, &made, because).await? {
                return Ok(archived);
            }
        }
        Err(ChatError::Changed)
    }

    /// Makes the archive and puts it into the blob store.
    async fn make(
        &self,
        ctx: &OrgContext,
        mut read: ReadTx,
        session: &Session,
    ) -> Result<Made, ChatError> {
        let id = session.id;
        let mut parts = store::parts(&mut read, id).await?;
        let of_one = |it: &KeptMessage| [Some(it.digest), it.cited].into_iter().flatten();
        let mut texts: Vec<Digest> = parts.messages.iter().flat_map(of_one).collect();
        texts.extend(parts.summaries.iter().filter_map(|it| it.digest));
        texts.sort_unstable();
        texts.dedup();
        let opened = self.content.open_many(&mut read, id, &texts).await?;
        for message in &mut parts.messages {
            // Erasing takes all of a session, and leaves nothing to keep in an archive.
            let bytes = opened.get(&message.digest).ok_or(ChatError::Erased)?;
            message.text = String::from_utf8_lossy(bytes).into_owned();
            if let Some(digest) = message.cited {
                message.citations = citations::read(opened.get(&digest).ok_or(ChatError::Erased)?);
            }
        }
        for summary in &mut parts.summaries {
            if let Some(digest) = summary.digest {
                let bytes = opened.get(&digest).ok_or(ChatError::Erased)?;
                summary.text = String::from_utf8_lossy(bytes).into_owned();
            }
        }
        let (first_seq, last_seq) = store::sealed(&mut read, id).await?;
        let named = store::named_elsewhere(&mut read, id).await?;
        texts.retain(|digest| !named.contains(digest));
        drop((read, opened));
        let manifest = Manifest {
            format: FORMAT,
            org: ctx.org(),
            session: id,
            made_at_us: ctx.now().as_micros(),
            first_seq,
            last_seq,
            parts: Vec::new(),
        };
        let packed = on_its_own_thread(move || {
            let packed = archive::pack(manifest, &parts);
            packed.map(|(manifest, whole)| (manifest, whole, parts))
        });
        let (manifest, whole, parts) = packed.await??;
        let size_bytes = whole.len() as u64;
        let object = self
            .content
            .prepare_blob(ctx, id, archive::MEDIA, Bytes::from(whole));
        Ok(Made {
            manifest,
            parts,
            texts,
            object: object.await?,
            size_bytes,
        })
    }

    /// Puts the archive in the place of the rows; nothing if something happened in the session since.
    async fn swap(
        &self,
        ctx: &OrgContext,
        seen: &Seen,
        made: &Made,
        because: Because,
    ) -> Result<Option<Session>, ChatError> {
        let id = seen.session.id;
        let mut tx = ctx.write().await?;
        // This takes the lock that whoever starts a run takes.
        self.runs.open_in_session(&mut tx, id).await?;
        if self.runs.is_busy(&mut tx, id).await? {
            return Err(ChatError::Busy);
        }
        store::lock(&mut tx, id).await?;
        let mut session = seen.session.clone();
        session.status = SessionStatus::Archived;
        session.archived_at = Some(ctx.now());
        session.version += 1;
        let same = store::last_event(&mut tx, id).await? == seen.event
            && store::set_status(&mut tx, &seen.session, &session).await?
            && store::take(&mut tx, id, &made.parts).await?;
        if !same {
            return Ok(None);
        }
        self.content.remove_many(&mut tx, id, &made.texts).await?;
        let info = ArchiveInfo {
            digest: self.content.attach(&mut tx, &made.object).await?,
            messages: u32::try_from(made.parts.messages.len()).unwrap_or(u32::MAX),
            size_bytes: made.size_bytes,
            made_at: ctx.now(),
        };
        store::insert_archive(&mut tx, id, &info).await?;
        tx.record(archived(&session, made, &info).fact("because", because.as_str()));
        tx.commit().await?;
        Ok(Some(session))
    }

    /// Restores an archived session: everything is where it was. Restoring one that is not archived
    /// changes nothing.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session; its archive is missing, damaged or out of
    /// reach, and then nothing is changed.
    pub async fn restore(&self, ctx: &OrgContext, id: SessionId) -> Result<Session, ChatError> {
        member(ctx)?;
        let mut read = ctx.read().await?;
        let session = self.get_in(&mut read, id).await?;
        if session.status != SessionStatus::Archived {
            return Ok(session);
        }
        // Without an archive, it was archived before there were any, and has its rows.
        let info = store::archive(&mut read, id).await?;
        drop(read);
        let mut parts = match &info {
            Some(info) => self.unpacked(ctx, id, info.digest).await?,
            None => Parts::default(),
        };
        let mut tx = ctx.write().await?;
        store::lock(&mut tx, id).await?;
        let mut restored = session.clone();
        restored.status = SessionStatus::Active;
        restored.archived_at = None;
        restored.updated_at = ctx.now();
        restored.version += 1;
        if !store::set_status(&mut tx, &session, &restored).await? {
            drop(tx);
            let now = self.get(ctx, id).await?;
            // Somebody else restored it.
            return match now.status {
                SessionStatus::Archived => Err(ChatError::Changed),
                SessionStatus::Active | SessionStatus::Idle => Ok(now),
            };
        }
        put_back(&self.content, &mut tx, id, &mut parts).await?;
        let mut blob = None;
        if let Some(info) = &info {
            store::delete_archive(&mut tx, id).await?;
            blob = self.content.forget(&mut tx, info.digest).await?;
        }
        let event = Draft::new(EventKind::SessionRestored, id)
            .in_session(Some(id))
            .fact("version", restored.version)
            .fact("messages", parts.messages.len());
        let digest = info.map(|info| info.digest.to_string());
        tx.record(event.fact_if("archive", digest));
        tx.commit().await?;
        self.content.discard(ctx, blob).await;
        Ok(restored)
    }

    /// Restores a session that is archived, for what is to be done with it next.
    ///
    /// # Errors
    /// As [`Chat::restore`].
    pub async fn awake(&self, ctx: &OrgContext, id: SessionId) -> Result<(), ChatError> {
        if self.get(ctx, id).await?.status == SessionStatus::Archived {
            self.restore(ctx, id).await?;
        }
        Ok(())
    }

    /// The archive of a session, if its messages are in one.
    ///
    /// # Errors
    /// The database.
    pub async fn archive_of(
        &self,
        ctx: &OrgContext,
        id: SessionId,
    ) -> Result<Option<ArchiveInfo>, ChatError> {
        Ok(store::archive(&mut ctx.read().await?, id).await?)
    }

    /// What an archive holds, checked.
    pub(super) async fn unpacked(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        digest: Digest,
    ) -> Result<Parts, ChatError> {
        let whole = match self.content.open(ctx, digest).await {
            Ok(whole) => whole,
            Err(ContentError::Damaged | ContentError::NotFound) => {
                let why = "the object is missing, or is not what was put there".to_owned();
                return Err(archive::ArchiveError::Damaged(why).into());
            }
            Err(ContentError::Erased) => return Err(ChatError::Erased),
            Err(error) => return Err(error.into()),
        };
        let owner = (ctx.org(), id);
        let unpacked = on_its_own_thread(move || archive::unpack(owner, &whole));
        Ok(unpacked.await??.1)
    }
}

/// Puts the rows of an archive back, with the words by which its messages are found.
async fn put_back(
    content: &Content,
    tx: &mut WriteTx,
    id: SessionId,
    parts: &mut Parts,
) -> Result<(), ChatError> {
    for message in &mut parts.messages {
        message.cited = citations::seal(content, tx, id, &message.citations).await?;
    }
    let texts: Vec<&[u8]> = parts.messages.iter().map(|it| it.text.as_bytes()).collect();
    let sealed = content.seal_many(tx, id, MEDIA, &texts).await?;
    let same = |(message, digest): (&KeptMessage, &Digest)| message.digest == *digest;
    if !parts.messages.iter().zip(&sealed).all(same) {
        let why = "a text is not the one that its message names".to_owned();
        return Err(archive::ArchiveError::Damaged(why).into());
    }
    for summary in parts.summaries.iter_mut().filter(|it| it.digest.is_some()) {
        let sealed = content.seal(tx, id, MEDIA, summary.text.as_bytes()).await?;
        summary.digest = Some(sealed);
    }
    store::put_back(tx, id, parts).await?;
    let mut found: Vec<(MessageId, vault::BlindWord)> = Vec::new();
    for message in &parts.messages {
        let blind = content.blind(tx, id, &words(&message.text)).await?;
        found.extend(blind.into_iter().map(|word| (message.id, word)));
    }
    // In the order of the table.
    found.sort_unstable_by_key(|(message, word)| (*word, *message));
    store::insert_words_of(tx, id, &found).await?;
    Ok(())
}

fn archived(session: &Session, made: &Made, info: &ArchiveInfo) -> Draft {
    let part = |it: &archive::Part| (it.name.clone(), it.rows.into());
    let rows: serde_json::Map<String, serde_json::Value> =
        made.manifest.parts.iter().map(part).collect();
    Draft::new(EventKind::SessionArchived, session.id)
        .in_session(Some(session.id))
        .fact("version", session.version)
        .fact("format", made.manifest.format)
        .fact("rows", rows)
        .fact("size_bytes", info.size_bytes)
        .fact_if("first_seq", made.manifest.first_seq)
        .fact_if("last_seq", made.manifest.last_seq)
        .with_content(info.digest)
}

/// Packing and unpacking would hold a thread that others need.
pub(super) async fn on_its_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unavailable(error.into()))
}
