//! Profiles: names for targets, and how to choose among them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vocab::canonical::INTEGER_MAX;
use vocab::{ModelProfileId, ProviderId, Timestamp};

use super::check_name;
use crate::ModelsError;
use crate::prices::Price;

/// How many targets a profile has at most.
const TARGETS_MAX: usize = 16;
/// The longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 256;
/// The largest weight of a target.
pub const WEIGHT_MAX: u32 = 1_000_000;
/// More tokens than any model reads or writes.
const TOKENS_MAX: u64 = 1_000_000_000;

/// A model profile of an organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its id.
    pub id: ModelProfileId,
    /// The version, from 1.
    pub version: u32,
    /// What it is.
    pub definition: ProfileDefinition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a profile is. Stored as JSON; members that are added later need a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileDefinition {
    /// By which clients ask for it; unique in its organisation.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Where a call can go.
    pub targets: Vec<Target>,
    /// How one of them is chosen.
    pub strategy: Strategy,
    /// What a call leaves out.
    #[serde(default)]
    pub params: Params,
    /// What tokens cost, if not what the table says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What calls of this profile may cost and how often they may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Limits>,
}

/// A place where a call can go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Whose model it is.
    pub provider_id: ProviderId,
    /// What the provider calls the model.
    pub model: String,
    /// Its share of the calls, where shares are weighted.
    #[serde(default = "one")]
    pub weight: u32,
    /// What tokens cost here, if not what the profile or the table says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// How many tokens it reads and writes together, if not what the table says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// How many tokens it writes at most, if not what the table says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u64>,
    /// What it can do; everything if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<BTreeSet<Capability>>,
}

const fn one() -> u32 {
    1
}

impl Target {
    /// A model, of which nobody says more than the table does.
    #[must_use]
    pub fn new(provider_id: ProviderId, model: impl Into<String>) -> Self {
        Self {
            provider_id,
            model: model.into(),
            weight: one(),
            price: None,
            context_tokens: None,
            output_tokens_max: None,
            capabilities: None,
        }
    }
}

/// How a target is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first that works.
    #[default]
    Priority,
    /// By chance, in proportion to the weights.
    Weighted,
    /// The one that began to answer soonest of late.
    LeastLatency,
    /// The one that costs least for this call.
    Cheapest,
}

/// What a model can do beyond text.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// It calls tools.
    Tools,
    /// It sees images.
    Images,
    /// It thinks, and says so.
    Thinking,
    /// It answers in a form that a schema gives.
    StructuredOutput,
}

/// Every capability.
pub const CAPABILITIES: [Capability; 4] = [
    Capability::Tools,
    Capability::Images,
    Capability::Thinking,
    Capability::StructuredOutput,
];

/// What calls leave out. Where a request is forwarded as it came, only the limit is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Params {
    /// How freely the model chooses its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// From how likely words it chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many tokens an answer has at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
}

/// What somebody may spend, and how often they may come. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// In a day of UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_usd_micros: Option<u64>,
    /// In a month of UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_usd_micros: Option<u64>,
    /// In one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_run_usd_micros: Option<u64>,
    /// Calls in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute, read and written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
}

impl Limits {
    /// Whether it limits nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The stricter of each.
    pub(crate) fn strictest(&self, other: &Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            [one, other].into_iter().flatten().min()
        }
        Self {
            daily_usd_micros: least(self.daily_usd_micros, other.daily_usd_micros),
            monthly_usd_micros: least(self.monthly_usd_micros, other.monthly_usd_micros),
            per_run_usd_micros: least(self.per_run_usd_micros, other.per_run_usd_micros),
            requests_per_minute: least(self.requests_per_minute, other.requests_per_minute),
            tokens_per_minute: least(self.tokens_per_minute, other.tokens_per_minute),
        }
    }

    /// `pointer` is where they stand.
    pub(crate) fn check(&self, pointer: &str) -> Result<(), ModelsError> {
        let sums = [
            ("daily_usd_micros", self.daily_usd_micros),
            ("monthly_usd_micros", self.monthly_usd_micros),
            ("per_run_usd_micros", self.per_run_usd_micros),
            ("tokens_per_minute", self.tokens_per_minute),
        ];
        // What every reader of JSON keeps exactly.
        let wrong = sums
            .iter()
            .find(|(_, it)| it.is_some_and(|it| it > INTEGER_MAX));
        match wrong {
            Some((member, _)) => {
                let message = format!("expected a number up to {INTEGER_MAX}");
                Err(ModelsError::invalid(format!("{pointer}/{member}"), message))
            }
            None => Ok(()),
        }
    }
}

impl ProfileDefinition {
    /// Whether any of its models can be shown pictures.
    #[must_use]
    pub fn takes_images(&self) -> bool {
        self.targets.iter().any(|target| {
            let can = target.capabilities.as_ref();
            can.is_none_or(|can| can.contains(&Capability::Images))
        })
    }

    /// A name for these targets, tried in their order.
    #[must_use]
    pub fn new(name: impl Into<String>, targets: Vec<Target>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            targets,
            strategy: Strategy::Priority,
            params: Params::default(),
            price: None,
            budget: None,
        }
    }

    /// The definition, if it is sound. Whether its providers are there is the store's to say.
    ///
    /// # Errors
    /// The first member that is not.
    pub fn checked(self) -> Result<Self, ModelsError> {
        check_name(&self.name)?;
        if !(1..=TARGETS_MAX).contains(&self.targets.len()) {
            let message = format!("a profile has 1 to {TARGETS_MAX} targets");
            return Err(ModelsError::invalid("/targets", message));
        }
        for (at, target) in self.targets.iter().enumerate() {
            target.check(at)?;
        }
        let weighs = |target: &Target| target.weight > 0;
        if self.strategy == Strategy::Weighted && !self.targets.iter().any(weighs) {
            let message = "one target at least needs a weight above 0";
            return Err(ModelsError::invalid("/targets", message));
        }
        self.params.check()?;
        self.budget.unwrap_or_default().check("/budget")?;
        Ok(self)
    }
}

impl Target {
    fn check(&self, at: usize) -> Result<(), ModelsError> {
        let wrong = |member: &str, message: String| {
            Err(ModelsError::invalid(
                format!("/targets/{at}/{member}"),
                message,
            ))
        };
        let printable = !self
            .model
            .contains(|c: char| c.is_control() || c.is_whitespace());
        if !(1..=MODEL_BYTES_MAX).contains(&self.model.len()) || !printable {
            let message = format!("a model's name has 1 to {MODEL_BYTES_MAX} bytes and no spaces");
            return wrong("model", message);
        }
        if self.weight > WEIGHT_MAX {
            return wrong(
                "weight",
                format!("expected a number from 0 to {WEIGHT_MAX}"),
            );
        }
        let tokens = [
            ("context_tokens", self.context_tokens),
            ("output_tokens_max", self.output_tokens_max),
        ];
        for (member, limit) in tokens {
            if limit.is_some_and(|limit| !(1..=TOKENS_MAX).contains(&limit)) {
                return wrong(member, format!("expected a number from 1 to {TOKENS_MAX}"));
            }
        }
        Ok(())
    }
}

impl Params {
    fn check(&self) -> Result<(), ModelsError> {
        let within = |value: Option<f64>, most| value.is_none_or(|it| (0.0..=most).contains(&it));
        if !within(self.temperature, 2.0) {
            let message = "expected a number from 0 to 2";
            return Err(ModelsError::invalid("/params/temperature", message));
        }
        if !within(self.top_p, 1.0) {
            let message = "expected a number from 0 to 1";
            return Err(ModelsError::invalid("/params/top_p", message));
        }
        if self
            .max_output_tokens
            .is_some_and(|it| !(1..=TOKENS_MAX).contains(&it))
        {
            let message = format!("expected a number from 1 to {TOKENS_MAX}");
            return Err(ModelsError::invalid("/params/max_output_tokens", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(change: impl FnOnce(&mut ProfileDefinition)) -> Result<(), String> {
        let target = Target {
            provider_id: ProviderId::from_uuid(uuid::Uuid::nil()),
            model: "small".to_owned(),
            weight: 1,
            price: None,
            context_tokens: None,
            output_tokens_max: None,
            capabilities: None,
        };
        let mut definition = ProfileDefinition {
            name: "fast".to_owned(),
            description: String::new(),
            targets: vec![target.clone(), target],
            strategy: Strategy::Priority,
            params: Params::default(),
            price: None,
            budget: None,
        };
        change(&mut definition);
        match definition.checked() {
            Ok(_) => Ok(()),
            Err(ModelsError::Invalid { pointer, .. }) => Err(pointer),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_flaw_has_its_place() {
        assert_eq!(profile(|_| {}), Ok(()));
        let at = |pointer: &str| Err(pointer.to_owned());
        assert_eq!(profile(|it| it.name = "a/b".into()), at("/name"));
        assert_eq!(profile(|it| it.targets.clear()), at("/targets"));
        assert_eq!(
            profile(|it| it.targets[1].model = "a b".into()),
            at("/targets/1/model")
        );
        assert_eq!(
            profile(|it| it.targets[0].weight = WEIGHT_MAX + 1),
            at("/targets/0/weight")
        );
        assert_eq!(
            profile(|it| it.targets[0].context_tokens = Some(0)),
            at("/targets/0/context_tokens")
        );
        assert_eq!(
            profile(|it| it.params.temperature = Some(2.5)),
            at("/params/temperature")
        );
        assert_eq!(
            profile(|it| it.params.top_p = Some(f64::NAN)),
            at("/params/top_p")
        );
        assert_eq!(
            profile(|it| it.params.max_output_tokens = Some(0)),
            at("/params/max_output_tokens")
        );
        let weightless = |it: &mut ProfileDefinition| {
            it.strategy = Strategy::Weighted;
            it.targets.iter_mut().for_each(|target| target.weight = 0);
        };
        assert_eq!(profile(weightless), at("/targets"));
    }
}
