//! Forgetting a subject: its key goes first, which is what counts; its bytes follow.

use db::{OrgContext, Row, StoreError, WriteTx, params};
use vocab::{Draft, EventKind, OrgId, SubjectId};

use crate::content::{Content, ContentError};
use crate::query::Query;
use crate::subject::Subject;

/// How many rows one transaction wipes: SQLite's one writer is held meanwhile.
const WIPED_AT_ONCE: u32 = 500;

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// How many contents can't be read any more.
    pub contents: u64,
}

// A subject that never had a content gets a row as well: nothing may be sealed in it later.
const TOMBSTONE: &str = "INSERT INTO subjects (org_id, id, created_at_us, erased_at_us) \
    VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING";
const DESTROY: &str = "UPDATE subjects SET key_id = NULL, wrapped = NULL, data_key_version = NULL, \
    erased_at_us = $3 WHERE org_id = $1 AND id = $2 AND erased_at_us IS NULL";
const COUNT: &str = "SELECT count(*) FROM content WHERE org_id = $1 AND subject_id = $2";
const STILL_THERE: &str = "SELECT digest, blob FROM content WHERE org_id = $1 AND subject_id = $2 \
    AND (sealed IS NOT NULL OR blob IS NOT NULL) LIMIT $3";
const WIPE: &str =
    "UPDATE content SET sealed = NULL, blob = NULL WHERE org_id = $1 AND digest = $2";
const UNFINISHED: &str = "SELECT s.id FROM subjects s WHERE s.org_id = $1 AND s.erased_at_us IS NOT \
    NULL AND EXISTS (SELECT 1 FROM content c WHERE c.org_id = $1 AND c.subject_id = s.id AND \
    (c.sealed IS NOT NULL OR c.blob IS NOT NULL)) LIMIT 100";

impl Content {
    /// Destroys a subject's key. When this returns, nothing of the subject can be read, and its
    /// rows and blobs hold no bytes any more; their digests stay. Nothing can be sealed in the
    /// subject from now on. Doing it again finishes what was interrupted.
    ///
    /// The caller decides who may ask for it.
    ///
    /// # Errors
    /// Outages. Once the key is gone it stays gone; the sweep wipes what is left.
    pub async fn erase(
        &self,
        ctx: &OrgContext,
        subject: impl Into<Subject>,
    ) -> Result<Erased, ContentError> {
        let subject = subject.into();
        let mut tx = ctx.write().await?;
        let contents = self.erase_in(&mut tx, subject).await?;
        match contents {
            Some(_) => tx.commit().await?,
            None => drop(tx),
        }
        self.finish_erasure(ctx, subject).await?;
        Ok(Erased {
            contents: contents.unwrap_or_default(),
        })
    }

    /// Destroys a subject's key within a transaction. Once that is committed, call
    /// [`Content::finish_erasure`]. Answers how many contents can't be read any more; nothing if it
    /// was erased before, and then nothing is recorded.
    ///
    /// # Errors
    /// Outages.
    pub async fn erase_in(
        &self,
        tx: &mut WriteTx,
        subject: impl Into<Subject>,
    ) -> Result<Option<u64>, ContentError> {
        let subject = subject.into();
        let (id, now) = (subject.id(tx.org()), self.now());
        let contents: u64 = tx.one(COUNT, &params![id]).await?.get(0)?;
        let made = tx.execute(TOMBSTONE, &params![id, now]).await?;
        let destroyed = tx.execute(DESTROY, &params![id, now]).await?;
        if made + destroyed == 0 {
            return Ok(None);
        }
        let event = Draft::new(EventKind::ContentErased, id).fact("contents", contents);
        tx.record(event.in_session(subject.session()));
        Ok(Some(contents))
    }

    /// Wipes the bytes of a subject whose key is gone.
    ///
    /// # Errors
    /// Outages; the sweep wipes what is left.
    pub async fn finish_erasure(
        &self,
        ctx: &OrgContext,
        subject: impl Into<Subject>,
    ) -> Result<(), ContentError> {
        let id = subject.into().id(ctx.org());
        self.subjects.forget(ctx.org(), id);
        self.wipe(ctx, id).await.map(drop)
    }

    /// Wipes what interrupted erasures left; answers how many contents that were.
    pub(crate) async fn finish_erasures(&self, ctx: &OrgContext) -> Result<u64, ContentError> {
        let unfinished = ctx.read().await?.all(UNFINISHED, &[]).await?;
        let mut wiped = 0;
        for row in unfinished {
            wiped += self.wipe(ctx, row.get(0)?).await?;
        }
        Ok(wiped)
    }

    async fn wipe(&self, ctx: &OrgContext, id: SubjectId) -> Result<u64, ContentError> {
        let mut all = 0;
        loop {
            let still_there = still_there(&mut ctx.read().await?, id).await?;
            if still_there.is_empty() {
                return Ok(all);
            }
            let mut tx = ctx.write().await?;
            wipe_rows(&mut tx, &still_there).await?;
            let wiped = still_there.len() as u64;
            tx.record(Draft::new(EventKind::ContentErased, id).fact("wiped", wiped));
            tx.commit().await?;
            // A blob that stays behind here has no row any more, and the sweep deletes it.
            self.delete_blobs(ctx.org(), &still_there).await?;
            all += wiped;
        }
    }

    async fn delete_blobs(&self, org: OrgId, rows: &[Row]) -> Result<(), ContentError> {
        for row in rows {
            if let Some(name) = row.get::<Option<String>>(1)? {
                self.blobs.delete(org, &name).await?;
            }
        }
        Ok(())
    }
}

async fn still_there(tx: &mut impl Query, id: SubjectId) -> Result<Vec<Row>, StoreError> {
    tx.rows(STILL_THERE.into(), &params![id, WIPED_AT_ONCE])
        .await
}

async fn wipe_rows(tx: &mut WriteTx, rows: &[Row]) -> Result<(), StoreError> {
    let digests: Result<Vec<_>, StoreError> = rows
        .iter()
        .map(|row| Ok(vec![row.get::<vocab::Digest>(0)?.into()]))
        .collect();
    tx.execute_each(WIPE, &digests?).await?;
    Ok(())
}
