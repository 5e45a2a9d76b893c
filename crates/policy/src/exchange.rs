//! One exchange with a model: asked about before it begins, and again as more of it is known.

use std::sync::Arc;

use guard::{Categories, Category, Counts};
use vocab::Action;

use crate::compile::PolicySet;
use crate::decide::{Decision, Verdict};
use crate::question::{Flow, Question};
use crate::schema::index;

/// How the rules on an action bear on a call that something else permits already, as an API key
/// permits to ask models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// Not at all: there are none, or they permit it to everybody.
    None,
    /// They only forbid: what none forbids goes by the other permission.
    Fence,
    /// They permit it to some, so it takes their permission too.
    Decides,
}

impl PolicySet {
    /// How the rules on an action bear on what something else permits.
    #[must_use]
    pub fn bearing(&self, action: Action) -> Bearing {
        let slice = &self.slices[index(action)];
        match (slice.all.is_empty() || slice.open, slice.permits.is_empty()) {
            (true, _) => Bearing::None,
            (false, true) => Bearing::Fence,
            (false, false) => Bearing::Decides,
        }
    }

    /// Whether anything that is found in what is handed over may change a decision on this action, so
    /// that it has to be looked for.
    #[must_use]
    pub fn looks(&self, action: Action) -> bool {
        self.slices[index(action)].looks
    }
}

/// An exchange that was decided on, on its way.
#[derive(Debug, Clone)]
pub struct Exchange {
    set: Arc<PolicySet>,
    question: Question,
    bearing: Bearing,
    decision: Decision,
    /// What was found in the answer so far.
    heard: Categories,
    /// What was masked, both ways.
    masked: Counts,
}

/// Why an exchange may not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Why, in a sentence.
    pub reason: String,
    /// What would have to change.
    pub suggested_fix: Option<String>,
    /// What was found, this way.
    pub detected: Categories,
    /// Which way.
    pub flow: Flow,
}

impl Exchange {
    /// One that was decided on already, on the road that agents' actions take.
    #[must_use]
    pub fn decided(set: Arc<PolicySet>, question: Question, decision: Decision) -> Self {
        Self {
            set,
            question,
            bearing: Bearing::Decides,
            decision,
            heard: Categories::NONE,
            masked: Counts::default(),
        }
    }

    /// Decides on one that something else permits. Nobody can be asked meanwhile, so what takes a
    /// person's approval is refused.
    ///
    /// # Errors
    /// It may not be.
    pub fn begin(set: Arc<PolicySet>, question: Question) -> Result<Self, Blocked> {
        let bearing = set.bearing(question.action);
        let decision = set.decide(&question);
        let refused = match decision.verdict {
            Verdict::Allow => false,
            Verdict::RequireApproval { .. } => true,
            Verdict::Deny => is_no(bearing, &decision),
        };
        let mut it = Self::decided(set, question, decision);
        it.bearing = bearing;
        if refused {
            let decision = it.decision.clone();
            return Err(it.blocked(decision, it.question.context.detected, Flow::Out));
        }
        Ok(it)
    }

    /// Whether anything that is found in the answer may change something.
    #[must_use]
    pub fn looks(&self) -> bool {
        self.set.looks(self.question.action)
    }

    /// What is to be masked, as far as is known.
    #[must_use]
    pub fn mask(&self) -> Categories {
        self.decision.mask
    }

    /// What was found in what was sent.
    #[must_use]
    pub fn sent(&self) -> Categories {
        self.question.context.detected
    }

    /// What was found in the answer so far.
    #[must_use]
    pub fn heard(&self) -> Categories {
        self.heard
    }

    /// What was masked so far, both ways.
    #[must_use]
    pub fn masked(&self) -> &Counts {
        &self.masked
    }

    /// Puts down that something was masked.
    pub fn note(&mut self, counts: &Counts) {
        self.masked.merge(counts);
    }

    /// Something was found in the answer: whether it is masked. Each category is decided on once.
    ///
    /// # Errors
    /// The answer may not go on.
    pub fn hear(&mut self, category: Category) -> Result<bool, Blocked> {
        if self.heard.add(category) {
            let mut question = self.question.clone();
            question.context.flow = Flow::In;
            question.context.detected = self.heard;
            let decision = self.set.decide(&question);
            // A person who was asked before has agreed to the call, not to what comes back.
            let stricter = decision.verdict.strictness() > self.decision.verdict.strictness();
            let refused = match decision.verdict {
                Verdict::Allow => false,
                Verdict::RequireApproval { .. } => stricter,
                Verdict::Deny => is_no(self.bearing, &decision),
            };
            if refused {
                return Err(self.blocked(decision, self.heard, Flow::In));
            }
            self.decision.mask = self.decision.mask.and(decision.mask);
        }
        Ok(self.decision.mask.has(category))
    }

    fn blocked(&self, decision: Decision, detected: Categories, flow: Flow) -> Blocked {
        let reason = match decision.verdict {
            Verdict::RequireApproval { .. } => {
                format!(
                    "{}; nobody can be asked in the middle of a call",
                    decision.reason
                )
            }
            Verdict::Allow | Verdict::Deny => decision.reason,
        };
        Blocked {
            reason,
            suggested_fix: decision.suggested_fix,
            detected,
            flow,
        }
    }
}

/// Where rules only forbid, a denial because none permits is none.
fn is_no(bearing: Bearing, decision: &Decision) -> bool {
    match bearing {
        Bearing::None => false,
        Bearing::Fence => !decision.determining.is_empty(),
        Bearing::Decides => true,
    }
}
