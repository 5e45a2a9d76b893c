//! What a policy says about itself beside its condition.

use std::sync::Arc;

use cedar_policy::Effect;
use guard::{Categories, Category};

/// The annotations that mean something here.
pub(crate) const KNOWN: [&str; 8] = [
    "id",
    "reason",
    "suggested_fix",
    "risk",
    "require_approval",
    "four_eyes",
    "mask",
    "description",
];

/// The longest name that a rule may have, in characters.
const ID_CHARS_MAX: usize = vocab::limits::NAME_CHARS_MAX;

/// The annotations of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Annotations {
    pub id: Option<Arc<str>>,
    pub reason: Option<Arc<str>>,
    pub suggested_fix: Option<Arc<str>>,
    pub risk: u8,
    /// What it says why a person is asked; empty if it says nothing.
    pub require_approval: Option<Arc<str>>,
    pub four_eyes: bool,
    /// What is masked where it permits.
    pub mask: Categories,
}

/// A message and what to do about it.
pub(crate) type Complaint = (String, String);

impl Annotations {
    /// Takes one annotation in.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Complaint> {
        let text = || Some(Arc::from(value));
        match key {
            "id" => self.id = Some(checked_id(value)?),
            "reason" => self.reason = text(),
            "suggested_fix" => self.suggested_fix = text(),
            "risk" => self.risk = checked_risk(value)?,
            "require_approval" => self.require_approval = text(),
            "four_eyes" => self.four_eyes = checked_flag(value)?,
            "mask" => self.mask = checked_categories(value)?,
            "description" => {}
            unknown => return Err(complain_unknown(unknown)),
        }
        Ok(())
    }

    /// What does not fit together.
    pub fn check(&self, effect: Effect) -> Result<(), Complaint> {
        if effect == Effect::Forbid && self.require_approval.is_some() {
            return Err((
                "a forbid can't ask for approval: it denies".to_owned(),
                "write a permit with `@require_approval`, and exclude the case from this forbid"
                    .to_owned(),
            ));
        }
        if effect == Effect::Forbid && !self.mask.is_empty() {
            return Err((
                "a forbid has nothing to mask: it denies".to_owned(),
                "write a permit with `@mask`, and exclude the case from this forbid".to_owned(),
            ));
        }
        if self.four_eyes && self.require_approval.is_none() {
            return Err((
                "`@four_eyes` says who may approve, and nothing here asks for approval".to_owned(),
                "add `@require_approval`".to_owned(),
            ));
        }
        Ok(())
    }
}

fn checked_id(value: &str) -> Result<Arc<str>, Complaint> {
    let long = value.chars().count() > ID_CHARS_MAX;
    if value.is_empty() || long || value.chars().any(char::is_control) {
        return Err((
            "the rule's id is empty, too long, or has control characters".to_owned(),
            format!("use 1 to {ID_CHARS_MAX} printable characters"),
        ));
    }
    Ok(Arc::from(value))
}

fn checked_risk(value: &str) -> Result<u8, Complaint> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|risk| digits && *risk <= 100)
        .ok_or_else(|| {
            (
                format!("`{value}` is not a risk"),
                "use a whole number from 0 to 100".to_owned(),
            )
        })
}

/// One or more categories with commas between. None at all would mask nothing, which nobody means.
fn checked_categories(value: &str) -> Result<Categories, Complaint> {
    let names = value.split(',').map(|name| name.trim().parse::<Category>());
    names.collect::<Result<Categories, _>>().map_err(|error| {
        let all = Category::ALL.map(|it| format!("`{it}`")).join(", ");
        (
            format!("`@mask` has no category in it that is known: {error}"),
            format!("write some of {all}, with commas between"),
        )
    })
}

fn checked_flag(value: &str) -> Result<bool, Complaint> {
    if value.is_empty() {
        return Ok(true);
    }
    Err((
        format!("`@four_eyes` takes no value, and has `{value}`"),
        "write `@four_eyes` alone, or leave it out".to_owned(),
    ))
}

/// A misspelt `@require_approval` would turn a question to a person into a plain yes, so what is
/// not known is refused.
fn complain_unknown(key: &str) -> Complaint {
    let nearest = KNOWN.iter().min_by_key(|known| distance(key, known));
    let all = KNOWN.map(|known| format!("`@{known}`")).join(", ");
    let help = match nearest {
        Some(near) if distance(key, near) <= 3 => format!("did you mean `@{near}`?"),
        Some(_) | None => format!("the annotations are {all}"),
    };
    (format!("no annotation is called `@{key}`"), help)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
