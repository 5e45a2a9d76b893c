//! The routes of providers, profiles, budgets, usage and settings.

mod budgets;
mod latency;
mod profiles;
mod providers;
mod settings;
mod usage;
mod wire;

use std::error::Error;
use std::sync::Arc;

use edge::{OpenApiRouter, Problem};
use vault::SecretError;

use crate::{Gateway, ModelsError};

pub use budgets::Scopes;
pub use profiles::ProfileView;
pub use providers::ProviderView;

/// The routes under `/v1/providers`, `/v1/model-profiles`, `/v1/budgets`, `/v1/usage` and
/// `/v1/model-settings`.
#[must_use]
pub fn routes(gateway: Gateway, scopes: Arc<dyn Scopes>) -> OpenApiRouter {
    providers::routes()
        .merge(profiles::routes())
        .merge(usage::routes())
        .merge(latency::routes())
        .merge(settings::routes())
        .with_state(gateway.clone())
        .merge(budgets::routes(gateway, scopes))
}

impl From<ModelsError> for Problem {
    fn from(error: ModelsError) -> Self {
        let text = error.to_string();
        match error {
            ModelsError::NoBudget(_) => Self::not_found("budget"),
            ModelsError::NoProvider(_) => Self::not_found("provider"),
            ModelsError::NoProfile(_) => Self::not_found("model profile"),
            ModelsError::NameTaken {
                what: "provider", ..
            } => Self::conflict("PROVIDER_NAME_TAKEN", text),
            ModelsError::NameTaken { .. } => Self::conflict("MODEL_PROFILE_NAME_TAKEN", text),
            ModelsError::RoleTooLow(least) => Self::forbidden(least),
            ModelsError::Invalid { pointer, message } => Self::invalid_field(pointer, message),
            ModelsError::InUse(_) => Self::conflict("PROVIDER_IN_USE", text)
                .fix("take it out of the profile's targets first"),
            ModelsError::Changed => Self::conflict("CHANGED", text).retryable(),
            ModelsError::TooMany { .. } => Self::conflict("TOO_MANY", text),
            ModelsError::Secret(source) => secret(source),
            ModelsError::Store(source) => source.into(),
        }
    }
}

fn secret(error: SecretError) -> Problem {
    match error {
        SecretError::Store(source) => source.into(),
        other => {
            let error = &other as &(dyn Error + 'static);
            tracing::error!(error, "a provider's secret can't be handled");
            Problem::internal()
        }
    }
}
