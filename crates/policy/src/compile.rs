//! From the texts of policies to a set that can decide.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet as CedarSet, PrincipalConstraint,
    ResourceConstraint, ValidationMode, ValidationWarning,
};
use vocab::{Action, Digest, limits};

use crate::annotations::{Annotations, Complaint};
use crate::lexical::{self, NESTING_MAX, OPERATORS_MAX, TooComplex};
use crate::mentions::{Mentions, Word};
use crate::problem::PolicyProblem;
use crate::schema::{NAMES, VALIDATOR};

/// The text of one policy: any number of Cedar rules under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// Its name, unique in its organisation.
    pub name: String,
    /// Its text.
    pub cedar: String,
    /// Whether the organisation manages it, so that others can only narrow what it says.
    pub managed: bool,
}

/// The policies of one organisation, checked, and sliced by action.
#[derive(Clone)]
pub struct PolicySet {
    pub(crate) rules: Vec<Rule>,
    /// In the order of [`Action::ALL`]; a rule's id is its index in `rules`.
    pub(crate) slices: Vec<Slice>,
    /// Whether a managed rule permits anything, so that managed permits are the ceiling.
    pub(crate) capped: bool,
    revision: Digest,
}

/// The rules that can apply to one action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slice {
    pub all: CedarSet,
    /// Without the forbids, for telling what is missing beside an exception.
    pub permits: CedarSet,
    /// What the rules mention.
    pub mentions: Mentions,
    /// Whether what was found in what is handed over may change the answer.
    pub looks: bool,
    /// Whether nothing about a question can change the answer, which is yes.
    pub open: bool,
}

/// One Cedar rule and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub policy: Arc<str>,
    /// Which rule of its policy it is, from 1.
    pub index: u32,
    pub managed: bool,
    pub permits: bool,
    pub annotations: Annotations,
    /// Whether its scope names one host.
    pub names_host: bool,
    mentions: Mentions,
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PolicySet");
        debug
            .field("rules", &self.rules.len())
            .field("revision", &self.revision);
        debug.finish_non_exhaustive()
    }
}

impl PolicySet {
    /// Parses the policies, checks them strictly against the schema, and slices them by action.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, in the order of the texts.
    pub fn compile(sources: &[PolicySource]) -> Result<Self, Vec<PolicyProblem>> {
        let compiled = lexical::on_a_large_stack(|| Compiler::default().compile(sources));
        compiled.unwrap_or_else(|error| Err(vec![PolicyProblem::at("", "", 0, error.to_string())]))
    }

    /// What this set is made of: equal for equal sources, in whatever order they came.
    #[must_use]
    pub const fn revision(&self) -> Digest {
        self.revision
    }

    /// Whether managed policies permit anything. If so they are the ceiling: what they don't permit
    /// is denied, and other policies can only forbid it or ask for approval.
    #[must_use]
    pub const fn is_capped(&self) -> bool {
        self.capped
    }

    /// How many rules there are, in all policies.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}

#[derive(Default)]
struct Compiler {
    rules: Vec<Rule>,
    policies: Vec<Policy>,
    /// For each rule, which source it came from.
    origins: Vec<usize>,
    taken: usize,
    problems: Vec<PolicyProblem>,
}

impl Compiler {
    fn compile(mut self, sources: &[PolicySource]) -> Result<PolicySet, Vec<PolicyProblem>> {
        self.check_names(sources);
        for source in sources {
            self.take(source);
        }
        self.validate(sources);
        if self.problems.is_empty() {
            return Ok(self.finish(revision(sources)));
        }
        Err(self.problems)
    }

    fn check_names(&mut self, sources: &[PolicySource]) {
        if sources.len() > limits::POLICIES_MAX {
            let message = format!("more than {} policies", limits::POLICIES_MAX);
            self.problems.push(PolicyProblem::at("", "", 0, message));
        }
        let mut seen = HashSet::new();
        for source in sources.iter().filter(|source| !seen.insert(&source.name)) {
            let message = format!("two policies are called `{}`", source.name);
            self.problems
                .push(PolicyProblem::at(&source.name, "", 0, message));
        }
    }

    fn take(&mut self, source: &PolicySource) {
        let origin = self.taken;
        self.taken += 1;
        if source.cedar.len() > limits::POLICY_BYTES_MAX {
            let message = format!("longer than {} bytes", limits::POLICY_BYTES_MAX);
            self.problems
                .push(PolicyProblem::at(&source.name, "", 0, message));
            return;
        }
        if let Err(excess) = lexical::check(&source.cedar) {
            let (byte, (message, help)) = complexity_complaint(excess);
            let problem = PolicyProblem::at(&source.name, &source.cedar, byte, message);
            self.problems.push(problem.with_help(help));
            return;
        }
        match source.cedar.parse::<CedarSet>() {
            Ok(parsed) => self.take_rules(source, origin, &parsed),
            Err(errors) => self.problems.extend(
                errors
                    .iter()
                    .map(|each| PolicyProblem::of(&source.name, &source.cedar, 0, each)),
            ),
        }
    }

    fn take_rules(&mut self, source: &PolicySource, origin: usize, parsed: &CedarSet) {
        let complain = |byte, (message, help): Complaint| {
            PolicyProblem::at(&source.name, &source.cedar, byte, message).with_help(help)
        };
        for template in parsed.templates() {
            let at = template.as_ref().loc().map_or(0, |loc| loc.start());
            self.problems.push(complain(at, template_complaint()));
        }
        let mut in_order: Vec<&Policy> = parsed.policies().collect();
        in_order.sort_by_key(|policy| start(policy));
        let mut ids = HashSet::new();
        let name: Arc<str> = Arc::from(source.name.as_str());
        for (position, policy) in in_order.into_iter().enumerate() {
            let (annotations, complaints) = read_annotations(policy);
            self.problems
                .extend(complaints.into_iter().map(|(at, each)| complain(at, each)));
            if annotations
                .id
                .as_ref()
                .is_some_and(|id| !ids.insert(Arc::clone(id)))
            {
                self.problems
                    .push(complain(start(policy), duplicate_complaint()));
            }
            let id = PolicyId::new(self.rules.len().to_string());
            self.rules.push(Rule {
                policy: Arc::clone(&name),
                index: u32::try_from(position + 1).unwrap_or(u32::MAX),
                managed: source.managed,
                permits: policy.effect() == Effect::Permit,
                names_host: names_host(&policy.resource_constraint()),
                mentions: mentions(policy),
                annotations,
            });
            if !mask_fits(policy, &self.rules) {
                self.problems
                    .push(complain(start(policy), mask_complaint()));
            }
            self.policies.push(policy.new_id(id));
            self.origins.push(origin);
        }
    }

    fn validate(&mut self, sources: &[PolicySource]) {
        let all = match CedarSet::from_policies(self.policies.iter().cloned()) {
            Ok(all) => all,
            Err(error) => {
                self.problems.push(PolicyProblem::of("", "", 0, &error));
                return;
            }
        };
        let result = VALIDATOR.validate(&all, ValidationMode::Strict);
        let mut wrong = HashSet::new();
        let mut found = Vec::new();
        for error in result.validation_errors() {
            wrong.insert(error.policy_id());
            found.push(self.locate(sources, error.policy_id(), error));
        }
        // A forbid that can never hold protects nothing, and whoever wrote it thinks that it does.
        // Where something else is wrong with the rule, that is the reason.
        for warning in result.validation_warnings() {
            let impossible = matches!(warning, ValidationWarning::ImpossiblePolicy(_));
            if impossible && !wrong.contains(warning.policy_id()) {
                found.push(self.locate(sources, warning.policy_id(), warning));
            }
        }
        found.sort_by(|(a, left), (b, right)| {
            let key = |problem: &PolicyProblem| (problem.line, problem.column);
            a.cmp(b)
                .then(key(left).cmp(&key(right)))
                .then(left.message.cmp(&right.message))
        });
        // One mistake is found once for each action that the rule can apply to.
        found.dedup_by_key(|(origin, problem)| (*origin, problem.line, problem.column));
        self.problems
            .extend(found.into_iter().map(|(_, problem)| problem));
    }

    fn locate(
        &self,
        sources: &[PolicySource],
        id: &PolicyId,
        diagnostic: &dyn miette::Diagnostic,
    ) -> (usize, PolicyProblem) {
        let rule = rule_index(id)
            .filter(|rule| *rule < self.rules.len())
            .unwrap_or(0);
        let origin = self.origins[rule];
        let source = &sources[origin];
        let fallback = start(&self.policies[rule]);
        (
            origin,
            PolicyProblem::of(&source.name, &source.cedar, fallback, diagnostic),
        )
    }

    fn finish(self, revision: Digest) -> PolicySet {
        PolicySet {
            slices: Action::ALL
                .iter()
                .map(|action| self.slice(*action))
                .collect(),
            capped: self.rules.iter().any(|rule| rule.managed && rule.permits),
            rules: self.rules,
            revision,
        }
    }

    fn slice(&self, action: Action) -> Slice {
        let mut slice = Slice::default();
        let capped = self.rules.iter().any(|rule| rule.managed && rule.permits);
        let (mut settled, mut permitted) = (true, false);
        let rules = self.policies.iter().zip(&self.rules);
        for (policy, rule) in rules.filter(|(policy, _)| can_apply(policy, action)) {
            // Adding fails for an id that is there twice, and ids are indices.
            let _ = slice.all.add(policy.clone());
            if rule.permits {
                let _ = slice.permits.add(policy.clone());
            }
            slice.mentions = slice.mentions.and(rule.mentions);
            let says = &rule.annotations;
            slice.looks |= !says.mask.is_empty();
            settled &= rule.permits
                && says.mask.is_empty()
                && says.require_approval.is_none()
                && !policy.has_non_scope_constraint();
            permitted |= (rule.managed || !capped)
                && policy.principal_constraint() == PrincipalConstraint::Any
                && policy.resource_constraint() == ResourceConstraint::Any;
        }
        slice.looks |= slice.mentions.has(Word::Detected) && !slice.all.is_empty();
        slice.open = settled && permitted;
        slice
    }
}

/// What a rule's text mentions; everything, if its text isn't known.
fn mentions(policy: &Policy) -> Mentions {
    let text = policy.as_ref().loc().and_then(|loc| loc.snippet());
    text.map_or(Mentions::ALL, Mentions::of)
}

/// The index of the rule that Cedar knows by this id.
pub(crate) fn rule_index(id: &PolicyId) -> Option<usize> {
    AsRef::<str>::as_ref(id).parse().ok()
}

/// Whether a policy's scope leaves this action in. The scope is what Cedar looks at first, so a
/// policy that is left out could neither have held nor have failed.
fn can_apply(policy: &Policy, action: Action) -> bool {
    let this = NAMES.action(action);
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *this,
        ActionConstraint::In(some) => some.contains(this),
    }
}

fn names_host(resource: &ResourceConstraint) -> bool {
    match resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => false,
        ResourceConstraint::In(uid)
        | ResourceConstraint::Eq(uid)
        | ResourceConstraint::IsIn(_, uid) => {
            *uid.type_name() == NAMES.host || *uid.type_name() == NAMES.endpoint
        }
    }
}

fn start(policy: &Policy) -> usize {
    policy.as_ref().loc().map_or(0, |loc| loc.start())
}

fn read_annotations(policy: &Policy) -> (Annotations, Vec<(usize, Complaint)>) {
    let mut annotations = Annotations::default();
    let mut complaints = Vec::new();
    for (key, annotation) in policy.as_ref().annotations() {
        if let Err(complaint) = annotations.set(key.as_ref(), annotation.val.as_str()) {
            let at = annotation
                .loc
                .as_ref()
                .map_or_else(|| start(policy), |loc| loc.start());
            complaints.push((at, complaint));
        }
    }
    if let Err(complaint) = annotations.check(policy.effect()) {
        complaints.push((start(policy), complaint));
    }
    (annotations, complaints)
}

/// What policies may have masked: what goes to models and to the outside, and what models answer.
const MASKABLE: [Action; 2] = [Action::ModelCall, Action::HttpFetch];

/// Whether a rule that masks, the last of these, applies only where something is masked.
fn mask_fits(policy: &Policy, rules: &[Rule]) -> bool {
    let masks = rules
        .last()
        .is_some_and(|rule| !rule.annotations.mask.is_empty());
    let others = Action::ALL.iter().filter(|it| !MASKABLE.contains(it));
    !masks || !others.into_iter().any(|it| can_apply(policy, *it))
}

fn mask_complaint() -> Complaint {
    (
        "`@mask` is for permits of `model.call` and `http.fetch` alone; elsewhere nothing is masked"
            .to_owned(),
        "name these actions in the scope, and permit others by a rule of their own".to_owned(),
    )
}

fn template_complaint() -> Complaint {
    (
        "a template with `?principal` or `?resource` is not a policy".to_owned(),
        "write the principal and the resource out".to_owned(),
    )
}

fn complexity_complaint(excess: TooComplex) -> (usize, Complaint) {
    match excess {
        TooComplex::Nesting(byte) => {
            let message = format!("brackets are nested deeper than {NESTING_MAX} levels");
            (byte, (message, "split the rule into several".to_owned()))
        }
        TooComplex::Operators(byte) => {
            let message = format!("the rule has more than {OPERATORS_MAX} operators");
            let help = "use `[…].contains(…)` for alternatives, or split the rule into several";
            (byte, (message, help.to_owned()))
        }
    }
}

fn duplicate_complaint() -> Complaint {
    (
        "another rule of this policy has the same `@id`".to_owned(),
        "give each its own".to_owned(),
    )
}

/// SHA-256 over each source in the order of names: the lengths of name and text as 64-bit
/// big-endian numbers, the two themselves, and one byte for `managed`.
fn revision(sources: &[PolicySource]) -> Digest {
    let mut sorted: Vec<&PolicySource> = sources.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut bytes = b"chancery policy set v1\n".to_vec();
    for source in sorted {
        for text in [&source.name, &source.cedar] {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.push(u8::from(source.managed));
    }
    Digest::of(&bytes)
}
