//! Skills: packages in the Agent Skills format, published under a name and named by their digest.
//!
//! Publishing under a name that exists makes a new version; the packages of earlier versions stay
//! until the skill is deleted, because a run that is under way may still need the one that its
//! capability names. A package is a sealed content of the organisation; its digest
//! (`protocol::skill`) is computed here and never taken from the sender. A sidecar that pins another
//! digest is refused, so a package that was changed after its author pinned it can't be published.

mod store;

use db::{Authority, OrgContext, StoreError, WriteTx};
use protocol::skill::{FrontMatter, Manifest, Package, Sidecar};
use serde::{Deserialize, Serialize};
use vault::{Content, ContentError, Prepared, Query, Subject};
use vocab::{Actor, Digest, Draft, EventKind, OrgId, Role, SkillId, Timestamp};

use crate::SkillError;

const MEDIA: &str = "application/x-tar";

/// A skill in its current version.
#[derive(Debug, Clone, PartialEq)]
pub struct Skill {
    /// Its id.
    pub id: SkillId,
    /// The current version, from 1.
    pub version: u32,
    /// The digest of the current package.
    pub digest: Digest,
    /// What the package says about itself.
    pub manifest: SkillManifest,
    /// The size of the package as a tar, in bytes.
    pub size_bytes: u64,
    /// When the skill was first published.
    pub created_at: Timestamp,
    /// When this version was published.
    pub updated_at: Timestamp,
}

/// What a package says about itself. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillManifest {
    /// The front matter of `SKILL.md`.
    pub front: FrontMatter,
    /// The text below it.
    pub instructions: String,
    /// How to run it; absent in a skill that is instructions alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar: Option<Sidecar>,
}

/// A package that was checked and stored, and is not published yet.
pub struct Publication {
    digest: Digest,
    manifest: SkillManifest,
    package: Prepared,
}

/// The registry of skills. Cheap to clone.
#[derive(Clone)]
pub struct Skills {
    content: Content,
}

impl Skills {
    /// A registry that keeps its packages in this store.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content }
    }

    /// Checks a package and puts its bytes into the store: before the write transaction, because
    /// the store may be slow.
    ///
    /// # Errors
    /// The caller is no admin; the package is no skill; its sidecar pins another digest.
    pub async fn prepare(
        &self,
        ctx: &OrgContext,
        package: &Package,
    ) -> Result<Publication, SkillError> {
        admin(ctx)?;
        let Manifest {
            front,
            instructions,
            sidecar,
        } = Manifest::of(package)?;
        let digest = package.digest();
        if let Some(pinned) = sidecar.as_ref().and_then(|sidecar| sidecar.digest)
            && pinned != digest
        {
            return Err(SkillError::Pin {
                pinned,
                actual: digest,
            });
        }
        let tar = package.to_tar()?;
        let package = self
            .content
            .prepare(ctx, Subject::Organisation, MEDIA, tar.into())
            .await?;
        let manifest = SkillManifest {
            front,
            instructions,
            sidecar,
        };
        Ok(Publication {
            digest,
            manifest,
            package,
        })
    }

    /// The skill of the publication's name as it is now.
    ///
    /// # Errors
    /// The database.
    pub async fn current(
        &self,
        tx: &mut impl Query,
        publication: &Publication,
    ) -> Result<Option<Skill>, SkillError> {
        Ok(store::by_name(tx, &publication.manifest.front.name).await?)
    }

    /// Publishes a package under the name in its `SKILL.md`. Publishing the current package again
    /// changes nothing and records nothing.
    ///
    /// # Errors
    /// The caller is no admin; somebody else published under the name at the same time.
    pub async fn publish(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        publication: &Publication,
    ) -> Result<Skill, SkillError> {
        admin(ctx)?;
        let Publication {
            digest,
            manifest,
            package,
        } = publication;
        let seen = store::by_name(tx, &manifest.front.name).await?;
        if let Some(seen) = &seen
            && seen.digest == *digest
        {
            return Ok(seen.clone());
        }
        let now = ctx.now();
        let skill = Skill {
            id: seen.as_ref().map_or_else(|| ctx.new_id(), |seen| seen.id),
            version: seen.as_ref().map_or(1, |seen| seen.version + 1),
            digest: *digest,
            manifest: manifest.clone(),
            size_bytes: package.size_bytes(),
            created_at: seen.as_ref().map_or(now, |seen| seen.created_at),
            updated_at: now,
        };
        let content = self.content.attach(tx, package).await?;
        if !store::publish(tx, &skill, content, ctx.actor()).await? {
            return Err(SkillError::Changed);
        }
        tx.record(changed(EventKind::SkillPublished, &skill).with_content(content));
        Ok(skill)
    }

    /// Deletes a skill with all its versions. A run that still needs one of them fails.
    ///
    /// # Errors
    /// The caller is no admin; there is no such skill.
    pub async fn delete(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SkillId,
    ) -> Result<(), SkillError> {
        admin(ctx)?;
        let skill = store::get(tx, id).await?.ok_or(SkillError::NotFound(id))?;
        if !store::delete(tx, id).await? {
            return Err(SkillError::NotFound(id));
        }
        tx.record(changed(EventKind::SkillDeleted, &skill));
        Ok(())
    }

    /// One skill.
    ///
    /// # Errors
    /// There is no such skill.
    pub async fn get(&self, ctx: &OrgContext, id: SkillId) -> Result<Skill, SkillError> {
        store::get(&mut ctx.read().await?, id)
            .await?
            .ok_or(SkillError::NotFound(id))
    }

    /// Skills in the order of their names, those after `after`.
    ///
    /// # Errors
    /// The database.
    pub async fn list(
        &self,
        ctx: &OrgContext,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Skill>, SkillError> {
        Ok(store::list(&mut ctx.read().await?, after, limit).await?)
    }

    /// The package with this digest as an uncompressed tar, whichever version it is.
    ///
    /// # Errors
    /// The database or the store; [`ContentError::Erased`] if it was erased.
    pub async fn package(
        &self,
        ctx: &OrgContext,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, SkillError> {
        let content = store::package(&mut ctx.read().await?, digest).await?;
        let Some(content) = content else {
            return Ok(None);
        };
        match self.content.open(ctx, content).await {
            Ok(tar) => Ok(Some(tar.to_vec())),
            Err(ContentError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What hands packages to nodes, which are of no organisation and ask for one's digest.
    #[must_use]
    pub fn source(&self, authority: Authority) -> SkillPackages {
        SkillPackages {
            skills: self.clone(),
            authority,
        }
    }
}

/// The packages of all organisations, for the nodes that run them. Cheap to clone.
#[derive(Clone)]
pub struct SkillPackages {
    skills: Skills,
    authority: Authority,
}

impl SkillPackages {
    /// The package with this digest as an uncompressed tar, if the organisation has it.
    ///
    /// # Errors
    /// As [`Skills::package`].
    pub async fn package(&self, org: OrgId, digest: Digest) -> Result<Option<Vec<u8>>, SkillError> {
        let ctx = self
            .authority
            .context(org, Actor::system("skills"), Role::Viewer);
        self.skills.package(&ctx, digest).await
    }
}

/// The digest of the package that runs under a name now.
///
/// # Errors
/// The database.
pub async fn digest(tx: &mut impl Query, name: &str) -> Result<Option<Digest>, StoreError> {
    Ok(store::by_name(tx, name).await?.map(|skill| skill.digest))
}

fn admin(ctx: &OrgContext) -> Result<(), SkillError> {
    if ctx.role() < Role::Admin {
        return Err(SkillError::RoleTooLow(Role::Admin));
    }
    Ok(())
}

fn changed(kind: EventKind, skill: &Skill) -> Draft {
    let draft = Draft::new(kind, skill.id).fact("name", skill.manifest.front.name.as_str());
    draft
        .fact("version", skill.version)
        .fact("digest", skill.digest.to_string())
}
