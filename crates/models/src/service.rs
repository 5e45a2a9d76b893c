//! What can be done with providers and profiles. Mutations take the caller's write transaction and
//! record their events in it; the caller commits.

mod budgets;
mod profiles;
mod providers;
mod settings;

use db::{OrgContext, StoreError};
use vocab::Role;

use crate::ModelsError;

pub use budgets::{delete_budget, set_budget};
pub(crate) use budgets::{get_budget, list_budgets, spent_in};
pub use profiles::{
    USUAL_PROFILE, create_profile, delete_profile, get_profile, get_profile_in, list_profiles,
    update_profile, usual_profile,
};
pub use providers::{
    create_provider, delete_provider, get_provider, get_provider_in, is_provider_named,
    list_providers, update_provider,
};

pub(crate) use settings::{recording, set_recording};

fn admin(ctx: &OrgContext) -> Result<(), ModelsError> {
    if ctx.role() < Role::Admin {
        return Err(ModelsError::RoleTooLow(Role::Admin));
    }
    Ok(())
}

/// What the database says when two take a name at the same moment.
fn taken<T>(
    result: Result<T, StoreError>,
    what: &'static str,
    name: &str,
) -> Result<T, ModelsError> {
    result.map_err(|error| match error {
        StoreError::Conflict { .. } => ModelsError::NameTaken {
            what,
            name: name.to_owned(),
        },
        other => ModelsError::Store(other),
    })
}
