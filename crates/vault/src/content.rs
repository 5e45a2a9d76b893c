//! Content: personal or bulky bytes, sealed under their subject's key and named by a keyed digest.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use db::{BlobError, Blobs, OrgContext, Row, Sql, StoreError, WriteTx, params};
use vocab::{Digest, OrgId, SubjectId, Timestamp, limits};

use crate::crypto::Refused;
use crate::keyring::{KeyError, Keyring};
use crate::query::Query;
use crate::subject::{Standing, Subject, SubjectKeys, Subjects};

/// How long a prepared blob may wait for its transaction. The sweep spares blobs twice as long.
pub(crate) const ATTACH_WITHIN: Duration = Duration::from_secs(30 * 60);
/// From how many bytes on the work is left to a thread that may block.
const BLOCKING_FROM_BYTES: usize = 256 * 1024;
/// The longest media type, in bytes.
const MEDIA_BYTES_MAX: usize = 128;

/// Why a content was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The organisation has no content of that digest.
    #[error("the content was not found")]
    NotFound,
    /// It is there no more: what it belonged to was erased.
    #[error("the content was erased")]
    Erased,
    /// The stored bytes are not those that were sealed.
    #[error("the stored content is damaged")]
    Damaged,
    /// It was prepared too long ago, or its subject has got another key since: prepare it again.
    #[error("the content has to be prepared again")]
    Stale,
    /// More than [`limits::CONTENT_BYTES_MAX`].
    #[error("a content has at most {} bytes", limits::CONTENT_BYTES_MAX)]
    TooLarge,
    /// More than [`limits::CONTENT_INLINE_BYTES_MAX`], and not prepared before the transaction.
    #[error(
        "a content of more than {} bytes is prepared first",
        limits::CONTENT_INLINE_BYTES_MAX
    )]
    TooLargeToSeal,
    /// Not a media type.
    #[error("expected a media type such as `text/plain`")]
    Media,
    /// A key can't be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blob store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl ContentError {
    /// The database's error, if it is the database that failed.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Keys(error) => error.store_error(),
            Self::NotFound
            | Self::Erased
            | Self::Damaged
            | Self::Stale
            | Self::TooLarge
            | Self::TooLargeToSeal
            | Self::Media
            | Self::Blobs(_) => None,
        }
    }

    /// Whether the same may succeed if it is tried again, from its preparation on.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Stale | Self::Blobs(BlobError::Unavailable(_)) => true,
            Self::Store(error) => error.is_retryable(),
            Self::Keys(error) => error.is_retryable(),
            Self::NotFound
            | Self::Erased
            | Self::Damaged
            | Self::TooLarge
            | Self::TooLargeToSeal
            | Self::Media
            | Self::Blobs(BlobError::NotFound) => false,
        }
    }
}

impl From<Refused> for ContentError {
    fn from(refused: Refused) -> Self {
        Self::Keys(refused.into())
    }
}

/// A content that is sealed and, if it is large, in the blob store, but in no row yet.
#[derive(Debug)]
pub struct Prepared {
    keys: Arc<SubjectKeys>,
    digest: Digest,
    media: String,
    size_bytes: u64,
    body: Body,
    at: Timestamp,
}

/// Where the sealed bytes are.
enum Body {
    Inline(Vec<u8>),
    Blob(String),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(sealed) => write!(f, "Inline({} bytes)", sealed.len()),
            Self::Blob(name) => write!(f, "Blob({name})"),
        }
    }
}

impl Prepared {
    /// The digest that names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its media type.
    #[must_use]
    pub fn media(&self) -> &str {
        &self.media
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// What is known of a content beside its bytes; it outlives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentInfo {
    /// Its media type.
    pub media: String,
    /// How many bytes it has, or had.
    pub size_bytes: u64,
    /// What it belongs to.
    pub subject: SubjectId,
    /// Whether that was erased.
    pub erased: bool,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Content {
    pub(crate) subjects: Subjects,
    pub(crate) blobs: Blobs,
}

/// What became of an insert.
enum Placed {
    /// The row is there, by this insert or an earlier one.
    Here,
    /// The subject has no row yet.
    NoSubject,
    Erased,
    /// The subject has another key than the one it was sealed under.
    OtherKey,
}

// The columns come from the subject's row, so there is nothing to insert unless that row still has
// the key that the bytes were sealed under.
const INSERT: Sql = Sql::Each {
    sqlite: "INSERT INTO content (org_id, digest, subject_id, media, size_bytes, sealed, blob, \
        created_at_us) SELECT org_id, $4, id, $5, $6, $7, $8, $9 FROM subjects \
        WHERE org_id = $1 AND id = $2 AND key_id = $3 ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO content (org_id, digest, subject_id, media, size_bytes, sealed, blob, \
        created_at_us) SELECT org_id, $4::bytea, id, $5::text, $6::bigint, $7::bytea, $8::text, \
        $9::bigint FROM subjects \
        WHERE org_id = $1 AND id = $2 AND key_id = $3 ON CONFLICT DO NOTHING",
};
const WHY_NOT: &str = "SELECT key_id, erased_at_us, EXISTS (SELECT 1 FROM content c WHERE \
    c.org_id = $1 AND c.digest = $3) FROM subjects WHERE org_id = $1 AND id = $2";
const OPEN: &str = "SELECT c.subject_id, c.media, c.sealed, c.blob, s.key_id, s.erased_at_us, \
    s.wrapped, d.version, d.master_key_id, d.wrapped FROM content c JOIN subjects s ON s.org_id = \
    c.org_id AND s.id = c.subject_id LEFT JOIN data_keys d ON d.org_id = s.org_id AND d.version = \
    s.data_key_version WHERE c.org_id = $1 AND c.digest = $2";
const DESCRIBE: &str = "SELECT c.media, c.size_bytes, c.subject_id, s.erased_at_us, \
    c.created_at_us FROM content c JOIN subjects s ON s.org_id = c.org_id AND s.id = c.subject_id \
    WHERE c.org_id = $1 AND c.digest = $2";

impl Content {
    pub(crate) fn new(keyring: Keyring, blobs: Blobs) -> Self {
        Self {
            subjects: Subjects::new(keyring),
            blobs,
        }
    }

    /// Stores a content of at most [`limits::CONTENT_INLINE_BYTES_MAX`] bytes within a transaction.
    /// The same bytes in the same subject have the same digest and are stored once.
    ///
    /// # Errors
    /// [`ContentError::TooLargeToSeal`], [`ContentError::Media`], [`ContentError::Erased`] if the
    /// subject is gone, and outages.
    pub async fn seal(
        &self,
        tx: &mut WriteTx,
        subject: impl Into<Subject>,
        media: &str,
        bytes: &[u8],
    ) -> Result<Digest, ContentError> {
        if bytes.len() > limits::CONTENT_INLINE_BYTES_MAX {
            return Err(ContentError::TooLargeToSeal);
        }
        check_media(media)?;
        let (org, id) = (tx.org(), subject.into().id(tx.org()));
        if let Some(keys) = self.subjects.cached(org, id) {
            let prepared = self.sealed_inline(keys, media, bytes)?;
            match self.attach(tx, &prepared).await {
                // The key in memory is out of date; the row knows better.
                Err(ContentError::Stale) => self.subjects.forget(org, id),
                done => return done,
            }
        }
        let keys = match self.subjects.find(tx, id).await? {
            Standing::Unknown => self.subjects.fresh(org, id)?,
            Standing::Erased => return Err(ContentError::Erased),
            Standing::Keyed(keys) => keys,
        };
        let mut prepared = self.sealed_inline(keys, media, bytes)?;
        if matches!(self.attach(tx, &prepared).await, Err(ContentError::Stale)) {
            // Another transaction was the first to use the subject, between the two statements.
            let Standing::Keyed(keys) = self.subjects.find(tx, id).await? else {
                return Err(ContentError::Stale);
            };
            prepared = self.sealed_inline(keys, media, bytes)?;
        }
        self.attach(tx, &prepared).await
    }

    /// A subject's keys within a transaction, to compute digests with; they are made if there are none
    /// yet.
    ///
    /// # Errors
    /// [`ContentError::Erased`] if the subject is gone, and outages.
    pub async fn keys_in(
        &self,
        tx: &mut WriteTx,
        subject: impl Into<Subject>,
    ) -> Result<Arc<SubjectKeys>, ContentError> {
        let (org, id) = (tx.org(), subject.into().id(tx.org()));
        let mut standing = self.subjects.find(tx, id).await?;
        if matches!(standing, Standing::Unknown) {
            let keys = self.subjects.fresh(org, id)?;
            self.subjects.insert(tx, &keys).await?;
            // Another transaction may have been the first.
            standing = self.subjects.find(tx, id).await?;
        }
        match standing {
            Standing::Keyed(keys) => Ok(keys),
            Standing::Erased => Err(ContentError::Erased),
            Standing::Unknown => Err(ContentError::Stale),
        }
    }

    /// Seals a content of any allowed size and puts a large one into the blob store, before the
    /// transaction in which [`Content::attach`] gives it a row.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`], [`ContentError::Media`], [`ContentError::Erased`] if the subject
    /// is gone, and outages.
    pub async fn prepare(
        &self,
        ctx: &OrgContext,
        subject: impl Into<Subject>,
        media: &str,
        bytes: Bytes,
    ) -> Result<Prepared, ContentError> {
        if bytes.len() > limits::CONTENT_INLINE_BYTES_MAX {
            return self.prepare_blob(ctx, subject, media, bytes).await;
        }
        check_media(media)?;
        let keys = self.keys_before(ctx, subject.into()).await?;
        self.sealed_inline(keys, media, &bytes)
    }

    /// The same, with the bytes in the blob store however few they are.
    ///
    /// # Errors
    /// As [`Content::prepare`].
    pub async fn prepare_blob(
        &self,
        ctx: &OrgContext,
        subject: impl Into<Subject>,
        media: &str,
        bytes: Bytes,
    ) -> Result<Prepared, ContentError> {
        if bytes.len() > limits::CONTENT_BYTES_MAX {
            return Err(ContentError::TooLarge);
        }
        check_media(media)?;
        let org = ctx.org();
        let keys = self.keys_before(ctx, subject.into()).await?;
        let at = self.now();
        let size_bytes = bytes.len() as u64;
        let (digest, sealed) = seal_large(Arc::clone(&keys), media.to_owned(), bytes).await?;
        let name = hex::encode(self.subjects.keyring().random().bytes::<16>());
        self.blobs.put(org, &name, sealed).await?;
        let body = Body::Blob(name);
        Ok(Prepared {
            keys,
            digest,
            media: media.to_owned(),
            size_bytes,
            body,
            at,
        })
    }

    /// A subject's keys before a transaction; new ones, which no row has yet, if it has none.
    async fn keys_before(
        &self,
        ctx: &OrgContext,
        subject: Subject,
    ) -> Result<Arc<SubjectKeys>, ContentError> {
        let (org, id) = (ctx.org(), subject.id(ctx.org()));
        if let Some(keys) = self.subjects.cached(org, id) {
            return Ok(keys);
        }
        match self.subjects.find(&mut ctx.read().await?, id).await? {
            Standing::Unknown => Ok(self.subjects.fresh(org, id)?),
            Standing::Erased => Err(ContentError::Erased),
            Standing::Keyed(keys) => Ok(keys),
        }
    }

    /// Gives a prepared content its row.
    ///
    /// # Errors
    /// [`ContentError::Stale`] if it has to be prepared again, [`ContentError::Erased`] if the
    /// subject is gone, and outages.
    pub async fn attach(
        &self,
        tx: &mut WriteTx,
        prepared: &Prepared,
    ) -> Result<Digest, ContentError> {
        let waited = self.now().since(prepared.at);
        if matches!(prepared.body, Body::Blob(_)) && waited > ATTACH_WITHIN {
            return Err(ContentError::Stale);
        }
        let mut placed = self.place(tx, prepared).await?;
        if matches!(placed, Placed::NoSubject) {
            self.subjects.insert(tx, &prepared.keys).await?;
            placed = self.place(tx, prepared).await?;
        }
        match placed {
            Placed::Here => {
                self.subjects.remember(&prepared.keys);
                Ok(prepared.digest)
            }
            Placed::Erased => {
                self.subjects.forget(tx.org(), prepared.keys.id);
                Err(ContentError::Erased)
            }
            Placed::NoSubject | Placed::OtherKey => Err(ContentError::Stale),
        }
    }

    /// The bytes of a content.
    ///
    /// # Errors
    /// [`ContentError::NotFound`], [`ContentError::Erased`], [`ContentError::Damaged`], and outages.
    pub async fn open(&self, ctx: &OrgContext, digest: Digest) -> Result<Bytes, ContentError> {
        // The transaction ends before a blob is fetched.
        let found = self.find(&mut ctx.read().await?, digest).await?;
        self.opened(ctx.org(), digest, found).await
    }

    /// The bytes of several contents, in the order of their digests: one transaction for all.
    ///
    /// # Errors
    /// As [`Content::open`], of the first that can't be opened.
    pub async fn open_all(
        &self,
        ctx: &OrgContext,
        digests: &[Digest],
    ) -> Result<Vec<Bytes>, ContentError> {
        let mut all = Vec::with_capacity(digests.len());
        let mut tx = ctx.read().await?;
        for digest in digests {
            all.push(self.find(&mut tx, *digest).await?);
        }
        // The transaction ends before a blob is fetched.
        drop(tx);
        let mut opened = Vec::with_capacity(all.len());
        for (digest, found) in digests.iter().zip(all) {
            opened.push(self.opened(ctx.org(), *digest, found).await?);
        }
        Ok(opened)
    }

    /// The bytes of a content, as a transaction sees it.
    ///
    /// # Errors
    /// As [`Content::open`].
    pub async fn open_in(
        &self,
        tx: &mut impl Query,
        digest: Digest,
    ) -> Result<Bytes, ContentError> {
        let found = self.find(tx, digest).await?;
        self.opened(tx.org_id(), digest, found).await
    }

    /// What is known of a content beside its bytes, erased or not.
    ///
    /// # Errors
    /// [`ContentError::NotFound`], and outages.
    pub async fn describe(
        &self,
        tx: &mut impl Query,
        digest: Digest,
    ) -> Result<ContentInfo, ContentError> {
        let found = tx.first(DESCRIBE.into(), &params![digest]).await?;
        let row = found.ok_or(ContentError::NotFound)?;
        Ok(ContentInfo {
            media: row.get(0)?,
            size_bytes: row.get(1)?,
            subject: row.get(2)?,
            erased: row.get::<Option<i64>>(3)?.is_some(),
            created_at: row.get(4)?,
        })
    }

    /// A subject's keys as the database has them now, to compute digests with.
    ///
    /// # Errors
    /// [`ContentError::NotFound`] before the subject's first content, [`ContentError::Erased`], and
    /// outages.
    pub async fn keys(
        &self,
        ctx: &OrgContext,
        subject: impl Into<Subject>,
    ) -> Result<Arc<SubjectKeys>, ContentError> {
        let id = subject.into().id(ctx.org());
        match self.subjects.find(&mut ctx.read().await?, id).await? {
            Standing::Unknown => Err(ContentError::NotFound),
            Standing::Erased => Err(ContentError::Erased),
            Standing::Keyed(keys) => Ok(keys),
        }
    }

    fn sealed_inline(
        &self,
        keys: Arc<SubjectKeys>,
        media: &str,
        bytes: &[u8],
    ) -> Result<Prepared, ContentError> {
        let digest = keys.digest(bytes);
        let body = Body::Inline(keys.seal(digest, media, bytes)?);
        let size_bytes = bytes.len() as u64;
        let at = self.now();
        Ok(Prepared {
            keys,
            digest,
            media: media.to_owned(),
            size_bytes,
            body,
            at,
        })
    }

    async fn place(&self, tx: &mut WriteTx, it: &Prepared) -> Result<Placed, ContentError> {
        let (sealed, blob) = match &it.body {
            Body::Inline(sealed) => (Some(sealed.clone()), None),
            Body::Blob(name) => (None, Some(name.clone())),
        };
        let (subject, key_id) = (it.keys.id, it.keys.key_id.as_slice());
        let size = i64::try_from(it.size_bytes).unwrap_or(i64::MAX);
        let media = it.media.as_str();
        let row = params![
            subject,
            key_id,
            it.digest,
            media,
            size,
            sealed,
            blob,
            self.now()
        ];
        if tx.execute(INSERT, &row).await? == 1 {
            return Ok(Placed::Here);
        }
        let Some(row) = tx.optional(WHY_NOT, &params![subject, it.digest]).await? else {
            return Ok(Placed::NoSubject);
        };
        let known: Option<Vec<u8>> = row.get(0)?;
        Ok(match (row.get::<Option<i64>>(1)?, row.get::<bool>(2)?) {
            (Some(_), _) => Placed::Erased,
            (None, true) if known.as_deref() == Some(key_id) => Placed::Here,
            (None, _) => Placed::OtherKey,
        })
    }

    async fn find(&self, tx: &mut impl Query, digest: Digest) -> Result<Found, ContentError> {
        let found = tx.first(OPEN.into(), &params![digest]).await?;
        let row = found.ok_or(ContentError::NotFound)?;
        let keys = match self.subjects.read(tx.org_id(), row.get(0)?, &row, 4)? {
            Standing::Keyed(keys) => keys,
            Standing::Erased | Standing::Unknown => return Err(ContentError::Erased),
        };
        Ok(Found {
            keys,
            media: row.get(1)?,
            body: body(&row)?,
        })
    }

    async fn opened(&self, org: OrgId, digest: Digest, it: Found) -> Result<Bytes, ContentError> {
        let sealed = match it.body {
            Body::Inline(sealed) => sealed,
            Body::Blob(name) => Vec::from(self.blob(org, &name).await?),
        };
        let work = sealed.len();
        let open = move || {
            let mut sealed = sealed;
            let range = it.keys.open_in_place(digest, &it.media, &mut sealed)?;
            Some(Bytes::from(sealed).slice(range))
        };
        on_a_fitting_thread(work, open)
            .await?
            .ok_or(ContentError::Damaged)
    }

    /// A blob that a row names: without it, the content is damaged.
    pub(crate) async fn blob(&self, org: OrgId, name: &str) -> Result<Bytes, ContentError> {
        match self.blobs.get(org, name).await {
            Ok(bytes) => Ok(bytes),
            Err(BlobError::NotFound) => Err(ContentError::Damaged),
            Err(error @ BlobError::Unavailable(_)) => Err(error.into()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.subjects.keyring().clock().now()
    }
}

/// A content's row, with the keys that open it.
struct Found {
    keys: Arc<SubjectKeys>,
    media: String,
    body: Body,
}

fn body(row: &Row) -> Result<Body, ContentError> {
    match (row.get(2)?, row.get(3)?) {
        (Some(sealed), None) => Ok(Body::Inline(sealed)),
        (None, Some(name)) => Ok(Body::Blob(name)),
        (None, None) | (Some(_), Some(_)) => Err(ContentError::Damaged),
    }
}

async fn seal_large(
    keys: Arc<SubjectKeys>,
    media: String,
    bytes: Bytes,
) -> Result<(Digest, Bytes), ContentError> {
    let work = bytes.len();
    let seal = move || {
        let digest = keys.digest(&bytes);
        Ok((digest, Bytes::from(keys.seal(digest, &media, &bytes)?)))
    };
    on_a_fitting_thread(work, seal).await?
}

/// Runs work over that many bytes here, or where blocking harms nobody.
async fn on_a_fitting_thread<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ContentError> {
    if bytes < BLOCKING_FROM_BYTES {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unavailable(error.into()).into())
}

pub(crate) fn check_media(media: &str) -> Result<(), ContentError> {
    let halves = media.split_once('/');
    let full = halves.is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    let plain = media.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if full && plain && media.len() <= MEDIA_BYTES_MAX {
        Ok(())
    } else {
        Err(ContentError::Media)
    }
}
