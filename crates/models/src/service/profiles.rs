//! Profiles: names that clients ask for.

use db::{OrgContext, WriteTx};
use vault::Query;
use vocab::{Draft, EventKind, ModelProfileId};

use super::{admin, taken};
use crate::ModelsError;
use crate::model::{Profile, ProfileDefinition};
use crate::store::{profiles, providers};

/// The name of the profile for whoever names none.
pub const USUAL_PROFILE: &str = "default";
/// How many profiles an organisation has at most.
const PROFILES_MAX: u32 = 1_000;

/// Makes a profile.
///
/// # Errors
/// The caller is no admin; the definition does not fit; the name is taken; there are too many.
pub async fn create_profile(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    definition: ProfileDefinition,
) -> Result<Profile, ModelsError> {
    admin(ctx)?;
    let definition = definition.checked()?;
    if profiles::count(tx).await? >= PROFILES_MAX {
        return Err(ModelsError::TooMany {
            what: "model profiles",
            limit: PROFILES_MAX,
        });
    }
    let (id, now) = (ctx.new_id(), ctx.now());
    let profile = Profile {
        id,
        version: 1,
        definition,
        created_at: now,
        updated_at: now,
    };
    fits(tx, &profile).await?;
    let inserted = profiles::insert(tx, &profile).await;
    taken(inserted, "model profile", &profile.definition.name)?;
    tx.record(changed(EventKind::ModelProfileCreated, &profile));
    Ok(profile)
}

/// Changes a profile: the result of `change` becomes its next version. A change that changes nothing
/// makes no version, and records nothing.
///
/// # Errors
/// As [`create_profile`]; there is no such profile; somebody else changed it in between.
pub async fn update_profile(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: ModelProfileId,
    change: impl FnOnce(ProfileDefinition) -> ProfileDefinition,
) -> Result<Profile, ModelsError> {
    admin(ctx)?;
    let seen = get_profile_in(tx, id).await?;
    let definition = change(seen.definition.clone()).checked()?;
    if definition == seen.definition {
        return Ok(seen);
    }
    let version = seen.version + 1;
    let profile = Profile {
        version,
        definition,
        updated_at: ctx.now(),
        ..seen
    };
    fits(tx, &profile).await?;
    let updated = profiles::update(tx, &profile).await;
    if !taken(updated, "model profile", &profile.definition.name)? {
        return Err(ModelsError::Changed);
    }
    tx.record(changed(EventKind::ModelProfileUpdated, &profile));
    Ok(profile)
}

/// Deletes a profile; its name is free again.
///
/// # Errors
/// The caller is no admin; there is no such profile.
pub async fn delete_profile(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: ModelProfileId,
) -> Result<(), ModelsError> {
    admin(ctx)?;
    let profile = get_profile_in(tx, id).await?;
    if !profiles::delete(tx, id).await? {
        return Err(ModelsError::NoProfile(id));
    }
    tx.record(changed(EventKind::ModelProfileDeleted, &profile));
    Ok(())
}

/// One profile.
///
/// # Errors
/// There is no such profile.
pub async fn get_profile(ctx: &OrgContext, id: ModelProfileId) -> Result<Profile, ModelsError> {
    get_profile_in(&mut ctx.read().await?, id).await
}

/// One profile, within a transaction.
///
/// # Errors
/// There is no such profile.
pub async fn get_profile_in(
    tx: &mut impl Query,
    id: ModelProfileId,
) -> Result<Profile, ModelsError> {
    profiles::get(tx, id)
        .await?
        .ok_or(ModelsError::NoProfile(id))
}

/// What an agent is given that names no profile: the one that is called [`USUAL_PROFILE`], or else the
/// organisation's only one. Among several, nobody guesses.
///
/// # Errors
/// The database.
pub async fn usual_profile(ctx: &OrgContext) -> Result<Option<Profile>, ModelsError> {
    let mut tx = ctx.read().await?;
    if let Some(usual) = profiles::by_name(&mut tx, USUAL_PROFILE).await? {
        return Ok(Some(usual));
    }
    let mut found = profiles::list(&mut tx, None, 2).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// Profiles in the order in which they were made, those after `after`.
///
/// # Errors
/// The database.
pub async fn list_profiles(
    ctx: &OrgContext,
    after: Option<ModelProfileId>,
    limit: u32,
) -> Result<Vec<Profile>, ModelsError> {
    Ok(profiles::list(&mut ctx.read().await?, after, limit).await?)
}

/// The name is free, and the providers are there.
async fn fits(tx: &mut WriteTx, profile: &Profile) -> Result<(), ModelsError> {
    let name = &profile.definition.name;
    match profiles::by_name(tx, name).await? {
        Some(other) if other.id != profile.id => {
            return Err(ModelsError::NameTaken {
                what: "model profile",
                name: name.clone(),
            });
        }
        Some(_) | None => {}
    }
    for (at, target) in profile.definition.targets.iter().enumerate() {
        if providers::get(tx, target.provider_id).await?.is_none() {
            let pointer = format!("/targets/{at}/provider_id");
            return Err(ModelsError::invalid(pointer, "there is no such provider"));
        }
    }
    Ok(())
}

fn changed(kind: EventKind, it: &Profile) -> Draft {
    let definition = &it.definition;
    let target = |it: &crate::model::Target| format!("{}/{}", it.provider_id, it.model);
    let targets: Vec<String> = definition.targets.iter().map(target).collect();
    Draft::new(kind, it.id)
        .fact("name", definition.name.as_str())
        .fact("version", it.version)
        .fact("targets", targets)
}
