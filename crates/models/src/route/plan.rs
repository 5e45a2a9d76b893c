//! Which targets a name stands for.

use std::collections::BTreeSet;
use std::sync::Arc;

use vocab::ModelProfileId;

use crate::ModelError;
use crate::account::Account;
use crate::catalog::OrgModels;
use crate::model::{Capability, Params, Profile, Strategy, Target};
use crate::prices::{self, Price};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A profile, by its id.
    Profile(ModelProfileId),
    /// A profile's name, or `provider/model`.
    Named(String),
}

impl From<ModelProfileId> for Asked {
    fn from(id: ModelProfileId) -> Self {
        Self::Profile(id)
    }
}

impl From<&str> for Asked {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// A target that can be asked.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub account: Arc<Account>,
    /// What the provider calls the model.
    pub model: String,
    pub weight: u32,
    /// `None` if nobody prices it.
    pub price: Option<Price>,
    pub context_tokens: Option<u64>,
    pub output_tokens_max: Option<u64>,
    /// `None` is everything.
    pub capabilities: Option<BTreeSet<Capability>>,
}

impl Candidate {
    /// What an answer of it has at most, where so much was asked for.
    pub fn output_limit(&self, asked: u64) -> u64 {
        self.output_tokens_max.map_or(asked, |most| most.min(asked))
    }

    /// As clients name it: `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.account.name, self.model)
    }
}

/// The targets that a name stands for.
pub(crate) struct Plan {
    /// The name after aliases: a profile's, or `provider/model`.
    pub name: String,
    pub profile: Option<Arc<Profile>>,
    pub strategy: Strategy,
    pub params: Params,
    pub candidates: Vec<Candidate>,
    /// Targets that can't be asked at all, each with why.
    pub broken: Vec<String>,
}

/// Finds the targets of a name.
///
/// # Errors
/// There is no such profile, provider or model.
pub(crate) fn plan(models: &OrgModels, asked: &Asked) -> Result<Plan, ModelError> {
    let unknown = |name: &dyn ToString| ModelError::UnknownModel(name.to_string());
    let name = match asked {
        Asked::Profile(id) => {
            let profile = models.profile(*id).ok_or_else(|| unknown(id))?;
            return Ok(of_profile(models, profile));
        }
        Asked::Named(name) => name,
    };
    if let Some(profile) = models.profile_named(name) {
        return Ok(of_profile(models, profile));
    }
    let (provider, model) = name.split_once('/').ok_or_else(|| unknown(name))?;
    let id = models
        .provider_named(provider)
        .filter(|_| !model.is_empty());
    let target = Target::new(id.ok_or_else(|| unknown(name))?, model);
    let mut plan = Plan {
        name: name.clone(),
        profile: None,
        strategy: Strategy::Priority,
        params: Params::default(),
        candidates: Vec::new(),
        broken: Vec::new(),
    };
    plan.add(models, &target, None);
    Ok(plan)
}

fn of_profile(models: &OrgModels, profile: &Arc<Profile>) -> Plan {
    let definition = &profile.definition;
    let mut plan = Plan {
        name: definition.name.clone(),
        profile: Some(Arc::clone(profile)),
        strategy: definition.strategy,
        params: definition.params,
        candidates: Vec::with_capacity(definition.targets.len()),
        broken: Vec::new(),
    };
    for target in &definition.targets {
        plan.add(models, target, definition.price);
    }
    plan
}

impl Plan {
    fn add(&mut self, models: &OrgModels, target: &Target, price: Option<Price>) {
        let account = match models.account(target.provider_id) {
            Some(Ok(account)) => account,
            Some(Err(why)) => {
                let provider = target.provider_id;
                return self
                    .broken
                    .push(format!("provider `{provider}` can't be used: {why}"));
            }
            // A profile's providers can't be deleted; one that was read a moment later can.
            None => return,
        };
        let listed = prices::find(&target.model);
        self.candidates.push(Candidate {
            account: Arc::clone(account),
            model: target.model.clone(),
            weight: target.weight,
            price: target
                .price
                .or(price)
                .or(listed.map(|it| it.price))
                .or(account.is_free().then(Price::default)),
            context_tokens: target
                .context_tokens
                .or(listed.and_then(|it| it.context_tokens)),
            output_tokens_max: target
                .output_tokens_max
                .or(listed.and_then(|it| it.output_tokens_max)),
            capabilities: target.capabilities.clone(),
        });
    }
}
