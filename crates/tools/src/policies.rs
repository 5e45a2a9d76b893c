//! An organisation's policies: published, versioned, compiled once, and kept by revision so that
//! a decision can be taken again years later.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use db::{OrgContext, StoreError};
use policy::{PolicyProblem, PolicySet, PolicySource};
use vocab::{Digest, Draft, EventKind, OrgId, PolicyId, Timestamp, limits};

use crate::store;

/// One policy in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Whether it is the ceiling that the others can only narrow.
    pub managed: bool,
    /// Which version of it this is, from 1.
    pub version: u32,
    /// Its text.
    pub cedar: String,
    /// What its author said about this version.
    pub comment: String,
    /// Who published it: an actor as canonical JSON.
    pub published_by: String,
    /// When.
    pub published_at: Timestamp,
}

/// A policy as it was published once. It stays, also when the policy is no longer in force.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyVersion {
    /// Which version, from 1.
    pub version: u32,
    /// Whether it was the ceiling that the others can only narrow.
    pub managed: bool,
    /// Its text.
    pub cedar: String,
    /// What its author said about it.
    pub comment: String,
    /// Who published it: an actor as canonical JSON.
    pub published_by: String,
    /// When.
    pub published_at: Timestamp,
}

/// Why a policy was not published, deleted or loaded.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// There is no policy of this name.
    #[error("no policy is called `{0}`")]
    NotFound(String),
    /// There is no such version of it.
    #[error("the policy `{name}` has no version {version}")]
    NoVersion {
        /// The policy's name.
        name: String,
        /// The version that was asked for.
        version: u32,
    },
    /// The name is not one.
    #[error(
        "a policy's name has 1 to {} letters, digits, `.`, `_` or `-`",
        limits::NAME_CHARS_MAX
    )]
    Name,
    /// The text is too long, or there are too many.
    #[error("{0}")]
    Limit(String),
    /// The set that would result does not compile.
    #[error("the policies do not compile")]
    Invalid(Vec<PolicyProblem>),
    /// The set that a record names is not stored here.
    #[error("no policies of revision `{0}` are stored")]
    UnknownRevision(Digest),
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

/// What is to be published.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// The name.
    pub name: String,
    /// The text.
    pub cedar: String,
    /// What the author says about it.
    pub comment: String,
    /// Whether it is a ceiling for the others.
    pub managed: bool,
}

/// A compiled set, and the texts it was made of.
#[derive(Debug)]
pub struct InForce {
    /// The compiled set.
    pub set: Arc<PolicySet>,
    /// Its texts.
    pub sources: Vec<PolicySource>,
}

/// The policies of every organisation. Cheap to clone.
#[derive(Clone, Default)]
pub struct Policies {
    compiled: Arc<RwLock<HashMap<OrgId, Cached>>>,
}

#[derive(Clone)]
struct Cached {
    /// The sum of versions that it was compiled from: what tells another process's publication.
    stamp: i64,
    in_force: Arc<InForce>,
}

impl Policies {
    /// The policies in force. One small read tells whether they changed since they were compiled.
    ///
    /// # Errors
    /// The database; a stored policy that no longer compiles, which denies everything until it is
    /// mended.
    pub async fn in_force(&self, ctx: &OrgContext) -> Result<Arc<InForce>, PolicyError> {
        let mut tx = ctx.read().await?;
        let stamp = store::policy_stamp(&mut tx).await?;
        let cached = self.read().get(&ctx.org()).cloned();
        if let Some(cached) = cached.filter(|cached| cached.stamp == stamp) {
            return Ok(cached.in_force);
        }
        let sources = sources(store::policies(&mut tx).await?);
        drop(tx);
        let in_force = Arc::new(compile(sources)?);
        let cached = Cached {
            stamp,
            in_force: Arc::clone(&in_force),
        };
        self.compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ctx.org(), cached);
        Ok(in_force)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<OrgId, Cached>> {
        self.compiled.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The policies as they were under a revision.
    ///
    /// # Errors
    /// The revision was never in force here.
    pub async fn of_revision(
        &self,
        ctx: &OrgContext,
        revision: Digest,
    ) -> Result<InForce, PolicyError> {
        let mut tx = ctx.read().await?;
        let members = store::policy_set(&mut tx, revision).await?;
        let members = members.ok_or(PolicyError::UnknownRevision(revision))?;
        let mut sources = Vec::with_capacity(members.len());
        for (name, version) in members {
            let source = store::policy_version(&mut tx, &name, version).await?;
            sources.push(source.ok_or(PolicyError::UnknownRevision(revision))?);
        }
        compile(sources)
    }

    /// All policies in force, by name.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, ctx: &OrgContext) -> Result<Vec<Policy>, PolicyError> {
        Ok(store::policies(&mut ctx.read().await?).await?)
    }

    /// The versions of a policy before one of them, or from the newest on, at most `limit`.
    ///
    /// # Errors
    /// None of this name was ever in force.
    pub async fn versions(
        &self,
        ctx: &OrgContext,
        name: &str,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PolicyVersion>, PolicyError> {
        let mut tx = ctx.read().await?;
        let found = store::policy_versions(&mut tx, name, before, limit).await?;
        if found.is_empty() && before.is_none() {
            return Err(PolicyError::NotFound(name.to_owned()));
        }
        Ok(found)
    }

    /// One version of a policy.
    ///
    /// # Errors
    /// There is none.
    pub async fn version(
        &self,
        ctx: &OrgContext,
        name: &str,
        version: u32,
    ) -> Result<PolicyVersion, PolicyError> {
        let newest = self.versions(ctx, name, version.checked_add(1), 1).await?;
        let found = newest.into_iter().find(|it| it.version == version);
        found.ok_or_else(|| PolicyError::NoVersion {
            name: name.to_owned(),
            version,
        })
    }

    /// Publishes a policy, new or as the next version of itself, if the whole set still compiles.
    ///
    /// # Errors
    /// As in [`PolicyError`].
    pub async fn publish(&self, ctx: &OrgContext, new: NewPolicy) -> Result<Policy, PolicyError> {
        check_name(&new.name)?;
        if new.cedar.len() > limits::POLICY_BYTES_MAX {
            let limit = limits::POLICY_BYTES_MAX;
            return Err(PolicyError::Limit(format!(
                "a policy has at most {limit} bytes"
            )));
        }
        let mut tx = ctx.write().await?;
        store::lock_policies(&mut tx).await?;
        let mut all = store::policies(&mut tx).await?;
        let before = all.iter().position(|policy| policy.name == new.name);
        if before.is_none() && all.len() >= limits::POLICIES_MAX {
            let limit = limits::POLICIES_MAX;
            return Err(PolicyError::Limit(format!(
                "there are at most {limit} policies"
            )));
        }
        let version = store::last_version(&mut tx, &new.name).await? + 1;
        let published = Policy {
            id: before
                .and_then(|at| all.get(at))
                .map_or_else(|| ctx.new_id(), |it| it.id),
            name: new.name,
            managed: new.managed,
            version,
            cedar: new.cedar,
            comment: new.comment,
            published_by: serde_json::to_string(ctx.actor()).unwrap_or_default(),
            published_at: ctx.now(),
        };
        match before.and_then(|at| all.get_mut(at)) {
            Some(old) => *old = published.clone(),
            None => all.push(published.clone()),
        }
        let members = members(&all);
        let revision = compile(sources(all))?.set.revision();
        store::put_policy(&mut tx, &published).await?;
        store::put_policy_set(&mut tx, revision, &members, ctx.now()).await?;
        tx.record(
            Draft::new(EventKind::PolicyPublished, published.id)
                .fact("name", published.name.as_str())
                .fact("version", published.version)
                .fact("managed", published.managed)
                .fact("digest", Digest::of(published.cedar.as_bytes()).to_string())
                .fact("revision", revision.to_string()),
        );
        tx.commit().await?;
        Ok(published)
    }

    /// Takes a policy out of force; its versions stay.
    ///
    /// # Errors
    /// There is none of this name.
    pub async fn delete(&self, ctx: &OrgContext, name: &str) -> Result<(), PolicyError> {
        let mut tx = ctx.write().await?;
        store::lock_policies(&mut tx).await?;
        let mut all = store::policies(&mut tx).await?;
        let at = all.iter().position(|policy| policy.name == name);
        let gone = all.remove(at.ok_or_else(|| PolicyError::NotFound(name.to_owned()))?);
        let members = members(&all);
        let revision = compile(sources(all))?.set.revision();
        store::delete_policy(&mut tx, &gone.name).await?;
        store::put_policy_set(&mut tx, revision, &members, ctx.now()).await?;
        tx.record(
            Draft::new(EventKind::PolicyDeleted, gone.id)
                .fact("name", gone.name.as_str())
                .fact("version", gone.version)
                .fact("revision", revision.to_string()),
        );
        tx.commit().await?;
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), PolicyError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fits = !name.is_empty() && name.len() <= limits::NAME_CHARS_MAX && name.chars().all(plain);
    if fits { Ok(()) } else { Err(PolicyError::Name) }
}

fn sources(policies: Vec<Policy>) -> Vec<PolicySource> {
    let source = |it: Policy| PolicySource {
        name: it.name,
        cedar: it.cedar,
        managed: it.managed,
    };
    policies.into_iter().map(source).collect()
}

fn members(policies: &[Policy]) -> Vec<(String, u32)> {
    policies
        .iter()
        .map(|it| (it.name.clone(), it.version))
        .collect()
}

fn compile(sources: Vec<PolicySource>) -> Result<InForce, PolicyError> {
    let set = PolicySet::compile(&sources).map_err(PolicyError::Invalid)?;
    Ok(InForce {
        set: Arc::new(set),
        sources,
    })
}
