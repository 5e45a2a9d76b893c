//! Many small contents of one subject at once: what an archive takes out of the table, and puts back.

use std::collections::HashMap;

use bytes::Bytes;
use db::{OrgContext, Row, Sql, WriteTx, params};
use serde_json::json;
use vocab::{Digest, OrgId, limits};

use crate::content::{Content, ContentError, check_media};
use crate::query::Query;
use crate::subject::{Standing, Subject, SubjectKeys};

/// How many contents one statement reads or deletes.
const AT_ONCE: usize = 1_000;

// `IN`, for `= ANY` of an array that the planner does not know has each row compared with each digest.
const OPEN: Sql = Sql::Each {
    sqlite: "SELECT digest, media, sealed, blob FROM content WHERE org_id = $1 AND subject_id = $2 \
        AND digest IN (SELECT unhex(value) FROM json_each($3))",
    postgres: "SELECT digest, media, sealed, blob FROM content WHERE org_id = $1 \
        AND subject_id = $2 AND digest IN (SELECT decode(value, 'hex') FROM \
        jsonb_array_elements_text(CAST(CAST($3 AS text) AS jsonb)))",
};
const REMOVE: Sql = Sql::Each {
    sqlite: "DELETE FROM content WHERE org_id = $1 AND subject_id = $2 AND sealed IS NOT NULL \
        AND digest IN (SELECT unhex(value) FROM json_each($3))",
    postgres: "DELETE FROM content WHERE org_id = $1 AND subject_id = $2 AND sealed IS NOT NULL \
        AND digest IN (SELECT decode(value, 'hex') FROM \
        jsonb_array_elements_text(CAST(CAST($3 AS text) AS jsonb)))",
};
const INSERT: Sql = Sql::Each {
    sqlite: "INSERT INTO content (org_id, digest, subject_id, media, size_bytes, sealed, \
        created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO content (org_id, digest, subject_id, media, size_bytes, sealed, \
        created_at_us) SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::text[], \
        $5::bigint[], $6::bytea[], $7::bigint[]) ON CONFLICT DO NOTHING",
};
// One object of which no row is left, together with its name in the blob store.
const FORGET: &str = "DELETE FROM content WHERE org_id = $1 AND digest = $2 RETURNING blob";

impl Content {
    /// The bytes of those of these contents that the subject has; none of a subject that was erased.
    ///
    /// # Errors
    /// [`ContentError::Damaged`] if one does not open, and outages.
    pub async fn open_many(
        &self,
        tx: &mut impl Query,
        subject: impl Into<Subject>,
        digests: &[Digest],
    ) -> Result<HashMap<Digest, Bytes>, ContentError> {
        let (org, id) = (tx.org_id(), subject.into().id(tx.org_id()));
        let mut opened = HashMap::with_capacity(digests.len());
        let Standing::Keyed(keys) = self.subjects.find(tx, id).await? else {
            return Ok(opened);
        };
        for some in digests.chunks(AT_ONCE) {
            for row in tx.rows(OPEN, &params![id, hexes(some)]).await? {
                let digest: Digest = row.get(0)?;
                opened.insert(digest, self.opened_row(org, &keys, &row).await?);
            }
        }
        Ok(opened)
    }

    /// Stores many contents of one media type within a transaction, each of at most
    /// [`limits::CONTENT_INLINE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// As [`Content::seal`].
    pub async fn seal_many(
        &self,
        tx: &mut WriteTx,
        subject: impl Into<Subject>,
        media: &str,
        contents: &[&[u8]],
    ) -> Result<Vec<Digest>, ContentError> {
        check_media(media)?;
        let subject = subject.into();
        let id = subject.id(tx.org());
        let keys = self.keys_in(tx, subject).await?;
        let now = self.now();
        let mut digests = Vec::with_capacity(contents.len());
        for some in contents.chunks(AT_ONCE) {
            let mut rows = Vec::with_capacity(some.len());
            for bytes in some {
                if bytes.len() > limits::CONTENT_INLINE_BYTES_MAX {
                    return Err(ContentError::TooLargeToSeal);
                }
                let digest = keys.digest(bytes);
                let sealed = keys.seal(digest, media, bytes)?;
                let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                rows.push(params![digest, id, media, size, sealed, now].to_vec());
                digests.push(digest);
            }
            tx.insert_all(INSERT, &rows).await?;
        }
        Ok(digests)
    }

    /// Takes small contents out of the table; answers how many were there. The caller has them
    /// elsewhere, and knows that nothing else names them.
    ///
    /// # Errors
    /// An artifact names one of them; outages.
    pub async fn remove_many(
        &self,
        tx: &mut WriteTx,
        subject: impl Into<Subject>,
        digests: &[Digest],
    ) -> Result<u64, ContentError> {
        let id = subject.into().id(tx.org());
        let mut removed = 0;
        for some in digests.chunks(AT_ONCE) {
            removed += tx.execute(REMOVE, &params![id, hexes(some)]).await?;
        }
        Ok(removed)
    }

    /// Takes one content out of the table that nothing names any more. Once that is committed, hand
    /// what this answers to [`Content::discard`].
    ///
    /// # Errors
    /// Something names it; outages.
    pub async fn forget(
        &self,
        tx: &mut WriteTx,
        digest: Digest,
    ) -> Result<Option<String>, ContentError> {
        let row = tx.optional(FORGET, &params![digest]).await?;
        Ok(row.map(|row| row.get(0)).transpose()?.flatten())
    }

    /// Deletes the blob of a content that was forgotten. One that stays behind has no row any more,
    /// and the sweep deletes it.
    pub async fn discard(&self, ctx: &OrgContext, blob: Option<String>) {
        let Some(blob) = blob else { return };
        if let Err(error) = self.blobs.delete(ctx.org(), &blob).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a blob is left for the sweep");
        }
    }

    async fn opened_row(
        &self,
        org: OrgId,
        keys: &SubjectKeys,
        row: &Row,
    ) -> Result<Bytes, ContentError> {
        let digest: Digest = row.get(0)?;
        let media: String = row.get(1)?;
        let mut sealed: Vec<u8> = match (row.get(2)?, row.get::<Option<String>>(3)?) {
            (Some(sealed), None) => sealed,
            (None, Some(blob)) => Vec::from(self.blob(org, &blob).await?),
            (None, None) | (Some(_), Some(_)) => return Err(ContentError::Damaged),
        };
        let range = keys.open_in_place(digest, &media, &mut sealed);
        let range = range.ok_or(ContentError::Damaged)?;
        Ok(Bytes::from(sealed).slice(range))
    }
}

fn hexes(digests: &[Digest]) -> String {
    let all: Vec<String> = digests
        .iter()
        .map(|it| hex::encode(it.as_bytes()))
        .collect();
    json!(all).to_string()
}
