//! The decision: what the rules that hold amount to.

use std::fmt;
use std::sync::Arc;

use guard::Categories;
use serde::{Deserialize, Serialize};

use crate::compile::{PolicySet, Rule, rule_index};
use crate::entities::Case;
use crate::evaluate::{Evaluation, evaluate};
use crate::phrase;
use crate::question::Question;
use crate::risk;
use crate::schema::index;
use crate::suggest;

/// What a policy set says to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// The rules that made it so, in the order of the policies. Empty if nothing permits it.
    pub determining: Vec<PolicyRef>,
    /// Why, in a sentence.
    pub reason: String,
    /// What would have to change, for a denial: either one Cedar rule that would flip this decision
    /// and no other, or, where a rule forbids it, which one and how.
    pub suggested_fix: Option<String>,
    /// From 0 to 100: the larger of [`risk::score`] and what the determining rules say.
    pub risk: u8,
    /// Whether a rule that permits it names the host in its scope, which is what it takes for a
    /// request to a private address.
    pub names_host: bool,
    /// What is to be masked in what is handed over, both ways: what any permit that holds says.
    #[serde(default, skip_serializing_if = "Categories::is_empty")]
    pub mask: Categories,
}

/// The answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Verdict {
    /// It may happen.
    Allow,
    /// It may happen once a person has approved it.
    RequireApproval {
        /// Whether it takes a person other than the one for whom it is asked.
        four_eyes: bool,
    },
    /// It may not happen.
    Deny,
}

impl Verdict {
    /// The name that the API and the record use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::RequireApproval { .. } => "require_approval",
            Self::Deny => "deny",
        }
    }

    /// How strict it is: a larger number allows less.
    #[must_use]
    pub const fn strictness(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::RequireApproval { four_eyes: false } => 1,
            Self::RequireApproval { four_eyes: true } => 2,
            Self::Deny => 3,
        }
    }
}

/// One rule of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The policy's name.
    pub policy: Arc<str>,
    /// Which rule of it, from 1.
    pub index: u32,
    /// The rule's `@id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Arc<str>>,
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{}#{id}", self.policy),
            None => write!(f, "{}#{}", self.policy, self.index),
        }
    }
}

impl Rule {
    fn named(&self) -> PolicyRef {
        PolicyRef {
            policy: Arc::clone(&self.policy),
            index: self.index,
            id: self.annotations.id.clone(),
        }
    }

    const fn asks(&self) -> bool {
        self.annotations.require_approval.is_some()
    }
}

impl PolicySet {
    /// Decides. Whatever goes wrong on the way denies.
    #[must_use]
    pub fn decide(&self, question: &Question) -> Decision {
        let risk = risk::score(question);
        let slice = &self.slices[index(question.action)];
        let case = match Case::build(question, risk, slice.mentions) {
            Ok(case) => case,
            Err(error) => return deny(&[], risk, error.to_string(), None),
        };
        let evaluation = evaluate(&slice.all, &case.entities, &case.request);
        if !evaluation.errors.is_empty() {
            return self.broken(&evaluation, risk);
        }
        let holding = self.rules_of(&evaluation);
        if holding.is_empty() {
            self.unpermitted(question, risk)
        } else if evaluation.allowed {
            self.permitted(question, &holding, risk)
        } else {
            self.forbidden(question, &case, &holding, risk)
        }
    }

    fn rules_of(&self, evaluation: &Evaluation) -> Vec<&Rule> {
        let mut indices: Vec<usize> = evaluation
            .determining
            .iter()
            .filter_map(rule_index)
            .collect();
        indices.sort_unstable();
        indices
            .into_iter()
            .filter_map(|index| self.rules.get(index))
            .collect()
    }

    /// Some permit holds and no forbid does: `Allow` or `RequireApproval`, or `Deny` where managed
    /// permits are the ceiling and none of them is among those that hold.
    fn permitted(&self, question: &Question, holding: &[&Rule], risk: u8) -> Decision {
        let masks = holding.iter().map(|rule| rule.annotations.mask);
        let mask = masks.fold(Categories::NONE, Categories::and);
        let (permits, others): (Vec<&Rule>, Vec<&Rule>) = holding
            .iter()
            .partition(|rule| rule.managed || !self.capped);
        if permits.is_empty() {
            return self.unpermitted(question, risk);
        }
        let plain: Vec<&Rule> = permits
            .iter()
            .copied()
            .filter(|rule| !rule.asks())
            .collect();
        let mut carrying = if plain.is_empty() { permits } else { plain };
        let names_host = carrying.iter().any(|rule| rule.names_host);
        // Below the ceiling others can't permit, but they can ask.
        carrying.extend(others.into_iter().filter(|rule| rule.asks()));
        let asking: Vec<&Rule> = carrying
            .iter()
            .copied()
            .filter(|rule| rule.asks())
            .collect();
        let verdict = if asking.is_empty() {
            Verdict::Allow
        } else {
            let four_eyes = asking.iter().any(|rule| rule.annotations.four_eyes);
            Verdict::RequireApproval { four_eyes }
        };
        Decision {
            verdict,
            reason: why_permitted(asking.first().or(carrying.first()).copied()),
            suggested_fix: None,
            risk: risk_of(&carrying, risk),
            determining: carrying.into_iter().map(Rule::named).collect(),
            names_host,
            mask,
        }
    }

    fn unpermitted(&self, question: &Question, risk: u8) -> Decision {
        let who = if self.capped {
            "no managed policy"
        } else {
            "no policy"
        };
        let target = phrase::target(&question.target);
        let reason = format!("{who} permits `{}` on {target}", question.action);
        deny(
            &[],
            risk,
            reason,
            Some(suggest::permit(question, self.capped)),
        )
    }

    fn forbidden(&self, question: &Question, case: &Case, by: &[&Rule], risk: u8) -> Decision {
        let slice = &self.slices[index(question.action)];
        let without = evaluate(&slice.permits, &case.entities, &case.request);
        let permitted = self
            .rules_of(&without)
            .iter()
            .any(|rule| rule.managed || !self.capped);
        let first = by.first().map(|rule| &rule.annotations);
        let named: Vec<PolicyRef> = by.iter().map(|rule| rule.named()).collect();
        let reason = match first.and_then(|annotations| annotations.reason.as_ref()) {
            Some(reason) => reason.to_string(),
            None => format!("{} forbids it", list(&named)),
        };
        let own = first.and_then(|annotations| annotations.suggested_fix.as_deref());
        let missing = (!permitted).then(|| suggest::permit(question, self.capped));
        let fix = suggest::exception(question, &list(&named), own, missing.as_deref());
        deny(by, risk, reason, Some(fix))
    }

    fn broken(&self, evaluation: &Evaluation, risk: u8) -> Decision {
        let failed = |each: &crate::evaluate::EvaluationError| {
            let rule = rule_index(&each.policy).and_then(|index| self.rules.get(index))?;
            Some((rule, each.message.clone()))
        };
        let mut failures: Vec<(&Rule, String)> =
            evaluation.errors.iter().filter_map(failed).collect();
        failures.sort_by_key(|(rule, _)| rule.named().to_string());
        let rules: Vec<&Rule> = failures.iter().map(|(rule, _)| *rule).collect();
        let said: Vec<String> = failures
            .iter()
            .map(|(rule, message)| format!("`{}` can't be evaluated: {message}", rule.named()))
            .collect();
        let named: Vec<PolicyRef> = rules.iter().map(|rule| rule.named()).collect();
        let fix = format!(
            "correct {}; until then it denies whatever it fails on",
            list(&named)
        );
        deny(&rules, risk, said.join("; "), Some(fix))
    }
}

fn deny(by: &[&Rule], risk: u8, reason: String, suggested_fix: Option<String>) -> Decision {
    Decision {
        verdict: Verdict::Deny,
        determining: by.iter().map(|rule| rule.named()).collect(),
        reason,
        suggested_fix,
        risk: risk_of(by, risk),
        names_host: false,
        mask: Categories::NONE,
    }
}

fn risk_of(rules: &[&Rule], risk: u8) -> u8 {
    rules
        .iter()
        .map(|rule| rule.annotations.risk)
        .fold(risk, u8::max)
}

fn why_permitted(rule: Option<&Rule>) -> String {
    let Some(rule) = rule else {
        return String::new();
    };
    let asked = rule
        .annotations
        .require_approval
        .as_deref()
        .filter(|text| !text.is_empty());
    match asked.or(rule.annotations.reason.as_deref()) {
        Some(text) => text.to_owned(),
        None if rule.asks() => format!("`{}` permits it once a person approves", rule.named()),
        None => format!("`{}` permits it", rule.named()),
    }
}

fn list(rules: &[PolicyRef]) -> String {
    rules
        .iter()
        .map(|rule| format!("`{rule}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
