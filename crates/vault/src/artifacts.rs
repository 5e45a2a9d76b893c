//! Artifacts: contents with a name that a run or a person wants to keep.

use bytes::Bytes;
use db::{OrgContext, Row, StoreError, Value, WriteTx, params};
use serde::Serialize;
use vocab::{ArtifactId, Digest, Draft, EventKind, RunId, SessionId, Timestamp, limits};

use crate::content::{Content, ContentError, Prepared};
use crate::query::Query;

/// Why an artifact was not saved or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The organisation has no such artifact.
    #[error("the artifact was not found")]
    NotFound,
    /// An empty or overlong name, or one with control characters.
    #[error(
        "a name has 1 to {} characters, none of them a control character",
        limits::NAME_CHARS_MAX
    )]
    Name,
    /// Its content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArtifactError {
    /// The database's error, if it is the database that failed.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Content(error) => error.store_error(),
            Self::NotFound | Self::Name => None,
        }
    }
}

/// An artifact, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The name that it was saved under; several may have the same.
    pub name: String,
    /// Its media type.
    pub media: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The digest that names its content.
    pub digest: Digest,
    /// The session that it was saved in.
    pub session: Option<SessionId>,
    /// The run that saved it.
    pub run: Option<RunId>,
    /// When it was saved.
    pub created_at: Timestamp,
}

/// What to save.
#[derive(Debug)]
pub struct NewArtifact<'a> {
    /// Its id, made by whoever has to name it before it is saved.
    pub id: ArtifactId,
    /// Its name.
    pub name: &'a str,
    /// Its content, prepared before the transaction in the subject that it belongs to.
    pub content: &'a Prepared,
    /// The session that it is saved in.
    pub session: Option<SessionId>,
    /// The run that saves it.
    pub run: Option<RunId>,
}

/// Which artifacts to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArtifactFilter {
    /// Those of one session.
    pub session: Option<SessionId>,
    /// Those of one run.
    pub run: Option<RunId>,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Artifacts(Content);

const INSERT: &str = "INSERT INTO artifacts (org_id, id, name, digest, session_id, run_id, \
    created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const REMOVE_OF_SESSION: &str = "DELETE FROM artifacts WHERE org_id = $1 AND session_id = $2";

macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT a.id, a.name, c.media, c.size_bytes, a.digest, a.session_id, a.run_id, \
             a.created_at_us FROM artifacts a JOIN content c ON c.org_id = a.org_id AND \
             c.digest = a.digest WHERE a.org_id = $1 ",
            $($rest),*
        )
    };
}

const GET: &str = select!("AND a.id = $2");
const MADE_BY: &str =
    "SELECT id FROM artifacts WHERE org_id = $1 AND run_id = $2 ORDER BY id LIMIT $3";
const LIST: &str = select!("AND a.id < $3 ORDER BY a.id DESC LIMIT $2");
const LIST_OF_SESSION: &str =
    select!("AND a.id < $3 AND a.session_id = $4 ORDER BY a.id DESC LIMIT $2");
const LIST_OF_RUN: &str = select!("AND a.id < $3 AND a.run_id = $4 ORDER BY a.id DESC LIMIT $2");
const LIST_OF_BOTH: &str =
    select!("AND a.id < $3 AND a.session_id = $4 AND a.run_id = $5 ORDER BY a.id DESC LIMIT $2");

impl Artifacts {
    pub(crate) fn new(content: Content) -> Self {
        Self(content)
    }

    /// Saves an artifact.
    ///
    /// # Errors
    /// [`ArtifactError::Name`], those of [`Content::attach`], and outages.
    pub async fn save(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        new: NewArtifact<'_>,
    ) -> Result<Artifact, ArtifactError> {
        check_name(new.name)?;
        let digest = self.0.attach(tx, new.content).await?;
        let artifact = Artifact {
            id: new.id,
            name: new.name.to_owned(),
            media: new.content.media().to_owned(),
            size_bytes: new.content.size_bytes(),
            digest,
            session: new.session,
            run: new.run,
            created_at: ctx.now(),
        };
        let Artifact {
            id,
            session,
            run,
            created_at,
            ..
        } = artifact;
        tx.execute(
            INSERT,
            &params![id, new.name, digest, session, run, created_at],
        )
        .await?;
        tx.record(saved(&artifact));
        Ok(artifact)
    }

    /// Takes the rows of a session's artifacts away, names and all; answers how many there were.
    ///
    /// # Errors
    /// Outages.
    pub async fn remove_of_session(
        &self,
        tx: &mut WriteTx,
        session: SessionId,
    ) -> Result<u64, ArtifactError> {
        Ok(tx.execute(REMOVE_OF_SESSION, &params![session]).await?)
    }

    /// The organisation's artifacts, the newest first, before the one with that id.
    ///
    /// # Errors
    /// Outages.
    pub async fn list(
        &self,
        ctx: &OrgContext,
        filter: &ArtifactFilter,
        before: Option<ArtifactId>,
        limit: u32,
    ) -> Result<Vec<Artifact>, ArtifactError> {
        // No id sorts behind this one.
        let before = before.map_or_else(last_id, Value::from);
        let mut values = vec![limit.into(), before];
        let statement = match (filter.session, filter.run) {
            (None, None) => LIST,
            (Some(_), None) => LIST_OF_SESSION,
            (None, Some(_)) => LIST_OF_RUN,
            (Some(_), Some(_)) => LIST_OF_BOTH,
        };
        values.extend(filter.session.map(Value::from));
        values.extend(filter.run.map(Value::from));
        let rows = ctx.read().await?.all(statement, &values).await?;
        rows.iter().map(artifact).collect()
    }

    /// One artifact.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], and outages.
    pub async fn get(&self, ctx: &OrgContext, id: ArtifactId) -> Result<Artifact, ArtifactError> {
        self.get_in(&mut ctx.read().await?, id).await
    }

    /// One artifact, within a transaction.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], and outages.
    pub async fn get_in(
        &self,
        tx: &mut impl Query,
        id: ArtifactId,
    ) -> Result<Artifact, ArtifactError> {
        let found = tx.first(GET.into(), &params![id]).await?;
        artifact(&found.ok_or(ArtifactError::NotFound)?)
    }

    /// The first artifacts that a run saved, the oldest first.
    ///
    /// # Errors
    /// Outages.
    pub async fn made_by(
        &self,
        tx: &mut impl Query,
        run: RunId,
        most: u32,
    ) -> Result<Vec<ArtifactId>, ArtifactError> {
        let rows = tx.rows(MADE_BY.into(), &params![run, most]).await?;
        let ids: Result<Vec<ArtifactId>, StoreError> = rows.iter().map(|row| row.get(0)).collect();
        Ok(ids?)
    }

    /// One artifact with its bytes.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`], those of [`Content::open`], and outages.
    pub async fn content(
        &self,
        ctx: &OrgContext,
        id: ArtifactId,
    ) -> Result<(Artifact, Bytes), ArtifactError> {
        let artifact = self.get(ctx, id).await?;
        let bytes = self.0.open(ctx, artifact.digest).await?;
        Ok((artifact, bytes))
    }
}

fn saved(artifact: &Artifact) -> Draft {
    let event = Draft::new(EventKind::ArtifactSaved, artifact.id)
        .fact("name", artifact.name.clone())
        .fact("media", artifact.media.clone())
        .fact("size_bytes", artifact.size_bytes)
        .in_session(artifact.session)
        .with_content(artifact.digest);
    match artifact.run {
        Some(run) => event.about_run(run),
        None => event,
    }
}

fn artifact(row: &Row) -> Result<Artifact, ArtifactError> {
    Ok(Artifact {
        id: row.get(0)?,
        name: row.get(1)?,
        media: row.get(2)?,
        size_bytes: row.get(3)?,
        digest: row.get(4)?,
        session: row.get(5)?,
        run: row.get(6)?,
        created_at: row.get(7)?,
    })
}

fn last_id() -> Value {
    ArtifactId::from_uuid(uuid::Uuid::max()).into()
}

fn check_name(name: &str) -> Result<(), ArtifactError> {
    let count = name.chars().count();
    let fits = (1..=limits::NAME_CHARS_MAX).contains(&count);
    if fits && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(ArtifactError::Name)
    }
}
