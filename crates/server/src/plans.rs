//! Giving organisations their plans, by whoever operates the installation.

use tools::plans::{self, Plan};
use vocab::OrgId;

use crate::ServerError;
use crate::compose;
use crate::config::Config;

/// An organisation and its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationPlan {
    /// Its id.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// The plan that it has.
    pub plan: String,
    /// Whether that is the default, which nobody gave it.
    pub is_default: bool,
}

/// Every plan, and the name of the default.
///
/// # Errors
/// The file of plans.
pub fn plans(config: &Config) -> Result<(Vec<Plan>, String), ServerError> {
    let plans = compose::plans(config)?;
    let default = plans.default_plan().name.clone();
    Ok((plans.iter().cloned().collect(), default))
}

/// Every organisation with its plan.
///
/// # Errors
/// The file of plans, or the database.
pub async fn organisation_plans(config: &Config) -> Result<Vec<OrganisationPlan>, ServerError> {
    let default = compose::plans(config)?.default_plan().name.clone();
    let (_db, authority) = compose::open_database(config).await?;
    let found = plans::assignments(&authority).await?;
    let of = |it: plans::Assigned| OrganisationPlan {
        org: it.org,
        name: it.name,
        is_default: it.plan.is_none(),
        plan: it.plan.unwrap_or_else(|| default.clone()),
    };
    Ok(found.into_iter().map(of).collect())
}

/// Gives the organisation of this id or name a plan, or without one the default again. Servers that
/// run follow within a second.
///
/// # Errors
/// There is no such plan, or no one such organisation.
pub async fn assign_plan(
    config: &Config,
    id_or_name: &str,
    plan: Option<&str>,
) -> Result<(), ServerError> {
    let known = compose::plans(config)?;
    let (_db, authority) = compose::open_database(config).await?;
    let all = plans::assignments(&authority).await?;
    let id: Option<OrgId> = id_or_name.parse().ok();
    let mut meant = all
        .iter()
        .filter(|it| Some(it.org) == id || it.name == id_or_name);
    let (Some(one), None) = (meant.next(), meant.next()) else {
        return Err(ServerError::Organisation(id_or_name.to_owned()));
    };
    plans::assign(&authority, &known, one.org, plan).await?;
    Ok(())
}
