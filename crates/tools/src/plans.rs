//! Plans and limits: how much an organisation may do with tools, and where requests may go.
//!
//! A plan is a named set of limits ([`Bounds`]). The operator says which plan an organisation has; its
//! admins may set limits of their own beside it, and of two limits the tighter one holds. What a call
//! is held against is the [`Rules`] of its organisation; the [`Turnstile`] counts calls in and out.
//!
//! ```text
//! enter ──► reserved in one row ──► (attempt, metered) ──► settled in the same row
//!   │                                    │
//!   └─ refused, which is recorded        └─ its process dies: it runs out with its lease
//! ```
//!
//! Invariants
//! - No number of processes lets in more than a limit allows: a row of the organisation has the whole
//!   count, and changes only from the version that was read.
//! - An organisation without limits has no row, and a call of it writes nothing.
//! - Only the operator changes which plan an organisation has: the organisation's own contexts have no
//!   right to write it.
//! - A plan that nobody knows any more allows nothing.
//!
//! Not limited here ([`is_counted`]): models, which have budgets, and `agent.call`, whose run makes
//! calls of its own.

mod bounds;
mod refusal;
mod service;
mod store;
mod turnstile;
mod used;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use vocab::Action;

use crate::spec;

pub use bounds::{Bounds, BoundsError, HostPattern, Limit, ParseHostError};
pub use refusal::{LimitReached, Max, Refusal, SetBy};
pub use service::{
    Assigned, LimitsError, OwnBounds, Reading, Standing, assign, assignments, look, update,
};
pub use turnstile::Turnstile;
pub(crate) use turnstile::{Entered, Pass};

/// The plans that were known when this was built.
const BUILT_IN: &str = include_str!("../plans.json");

/// A named set of limits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it is for, in one sentence.
    #[serde(default)]
    pub description: String,
    /// Its limits.
    #[serde(default)]
    pub limits: Bounds,
}

/// Every plan that an organisation can have, and which one it has if nobody said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    known: BTreeMap<String, Arc<Plan>>,
    default: Arc<Plan>,
}

/// Why there are no plans.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// The file can't be read.
    #[error("the file of plans `{path}` can't be read")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not say what plans are.
    #[error("the file of plans is not valid: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A limit is none.
    #[error("the plan `{plan}`: {source}")]
    Bounds {
        /// Which plan.
        plan: String,
        /// What is wrong.
        source: BoundsError,
    },
    /// The default is none of them.
    #[error("no plan is called `{0}`")]
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    plans: Vec<Plan>,
}

impl Plans {
    /// The built-in plans, with those of a file added or in their place, and the name of the default.
    ///
    /// # Errors
    /// The file, or a name that no plan has.
    pub fn load(file: Option<&Path>, default: &str) -> Result<Self, PlansError> {
        let mut plans = serde_json::from_str::<Book>(BUILT_IN)?.plans;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|source| PlansError::File {
                path: path.display().to_string(),
                source,
            })?;
            plans.extend(serde_json::from_str::<Book>(&text)?.plans);
        }
        Self::of(plans, default)
    }

    /// Exactly these plans; of two with one name the later one.
    ///
    /// # Errors
    /// A limit that is none, or a name that no plan has.
    pub fn of(plans: Vec<Plan>, default: &str) -> Result<Self, PlansError> {
        let mut known = BTreeMap::new();
        for plan in plans {
            plan.limits.check().map_err(|source| PlansError::Bounds {
                plan: plan.name.clone(),
                source,
            })?;
            known.insert(plan.name.clone(), Arc::new(plan));
        }
        let default = known
            .get(default)
            .cloned()
            .ok_or_else(|| PlansError::Unknown(default.to_owned()))?;
        Ok(Self { known, default })
    }

    /// One plan without a limit, for everybody.
    #[must_use]
    pub fn unlimited() -> Self {
        let plan = Arc::new(Plan {
            name: "unlimited".to_owned(),
            description: String::new(),
            limits: Bounds::default(),
        });
        Self {
            known: BTreeMap::from([(plan.name.clone(), Arc::clone(&plan))]),
            default: plan,
        }
    }

    /// Every plan, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.known.values().map(AsRef::as_ref)
    }

    /// The plan that an organisation has if nobody said so.
    #[must_use]
    pub fn default_plan(&self) -> &Plan {
        &self.default
    }

    /// The plan of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Plan>> {
        self.known.get(name)
    }

    /// The plan of an organisation that was given this one. One that is not there any more allows
    /// nothing, until the operator says what else.
    fn of_organisation(&self, assigned: Option<&str>) -> Arc<Plan> {
        let Some(name) = assigned else {
            return Arc::clone(&self.default);
        };
        self.known.get(name).cloned().unwrap_or_else(|| {
            tracing::error!(plan = name, "an organisation has a plan that is not there");
            Arc::new(Plan {
                name: name.to_owned(),
                description: String::new(),
                limits: Bounds {
                    tool_calls_per_day: Some(0),
                    ..Bounds::default()
                },
            })
        })
    }
}

/// Whether calls of a tool are limited. How an agent thinks is no call of a tool: what it may ask of
/// models its budgets say. An agent that is called makes calls of its own.
pub(crate) fn is_counted(tool: &str) -> bool {
    !matches!(
        spec::builtin_action(tool),
        Some(Action::ModelCall | Action::AgentCall)
    )
}

/// What the calls of an organisation are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The plan that the operator gave it.
    pub plan: Arc<Plan>,
    /// What its admins set beside it.
    pub own: Bounds,
}

impl Rules {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plan.limits.is_empty() && self.own.is_empty()
    }

    /// A limit that is a number: the tighter one of the two.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> Option<Max> {
        let max = |value, set_by| Max {
            limit,
            value,
            set_by,
        };
        let plan = self.plan.limits.number(limit);
        let own = self.own.number(limit);
        match (plan, own) {
            (Some(plan), Some(own)) if own < plan => Some(max(own, SetBy::Organisation)),
            (Some(plan), Some(_) | None) => Some(max(plan, SetBy::Plan)),
            (None, Some(own)) => Some(max(own, SetBy::Organisation)),
            (None, None) => None,
        }
    }

    /// The limit that this much would be more than.
    fn exceeded(&self, limit: Limit, wanted: u64) -> Option<Max> {
        self.limit(limit).filter(|max| wanted > max.value)
    }

    /// Why no request may go to this host, if none may.
    #[must_use]
    pub fn bars(&self, host: &str) -> Option<Refusal> {
        let of = |bounds: &Bounds, set_by| Some((bounds.bars(host)?, set_by));
        let (limit, set_by) =
            of(&self.plan.limits, SetBy::Plan).or_else(|| of(&self.own, SetBy::Organisation))?;
        Some(Refusal {
            limit,
            set_by,
            max: None,
            used: 0,
            needs: None,
            resets_at: None,
            host: Some(host.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_plans_are_sound_and_a_default_has_to_be_one() {
        let plans = Plans::load(None, "unlimited").unwrap();
        let names: Vec<&str> = plans.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["team", "trial", "unlimited"]);
        assert!(plans.default_plan().limits.is_empty());
        let unknown = Plans::load(None, "gold");
        assert!(matches!(unknown, Err(PlansError::Unknown(name)) if name == "gold"));
    }

    #[test]
    fn a_file_adds_plans_and_puts_others_in_the_place_of_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plans.json");
        let text = r#"{"plans": [{"name": "gold"}, {"name": "trial", "limits": {"tool_calls_per_day": 1}}]}"#;
        std::fs::write(&file, text).unwrap();
        let plans = Plans::load(Some(&file), "gold").unwrap();
        assert_eq!(
            plans.get("trial").unwrap().limits.tool_calls_per_day,
            Some(1)
        );
        assert_eq!(plans.iter().count(), 4);
        std::fs::write(
            &file,
            r#"{"plans": [{"name": "x", "limits": {"tool_calls": 1}}]}"#,
        )
        .unwrap();
        assert!(matches!(
            Plans::load(Some(&file), "x"),
            Err(PlansError::Syntax(_))
        ));
    }

    #[test]
    fn the_tighter_limit_holds_and_says_whose_it_is() {
        let of = |calls| Bounds {
            tool_calls_per_day: calls,
            ..Bounds::default()
        };
        for (plan, own, holds) in [
            (None, None, None),
            (Some(5), None, Some((5, SetBy::Plan))),
            (Some(5), Some(4), Some((4, SetBy::Organisation))),
            (Some(5), Some(9), Some((5, SetBy::Plan))),
            (None, Some(9), Some((9, SetBy::Organisation))),
        ] {
            let plan = Plan {
                name: "x".to_owned(),
                description: String::new(),
                limits: of(plan),
            };
            let (plan, own) = (Arc::new(plan), of(own));
            let limit = Rules { plan, own }.limit(Limit::ToolCallsPerDay);
            assert_eq!(limit.map(|it| (it.value, it.set_by)), holds);
        }
    }

    #[test]
    fn a_plan_that_is_gone_allows_nothing() {
        let plan = Plans::unlimited().of_organisation(Some("gone"));
        assert_eq!(plan.limits.tool_calls_per_day, Some(0));
        let plan = Plans::unlimited().of_organisation(None);
        assert!(plan.limits.is_empty());
    }
}
