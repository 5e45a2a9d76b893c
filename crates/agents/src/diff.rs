//! What differs between two versions of an agent.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::Definition;

/// A member of a definition that is another in another version.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its name.
    pub member: String,
    /// What it was; null if it was not there.
    pub from: Value,
    /// What it is; null if it is not there.
    pub to: Value,
}

/// What has to change for one definition to become another, by the names of the members.
#[must_use]
pub fn diff(from: &Definition, to: &Definition) -> Vec<Difference> {
    let (from, to) = (members(from), members(to));
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let of = |all: &Map<String, Value>, name: &str| all.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| Difference {
            member: name.clone(),
            from: of(&from, name),
            to: of(&to, name),
        })
        .filter(|it| it.from != it.to)
        .collect()
}

/// Texts, numbers and lists, which are always JSON.
fn members(definition: &Definition) -> Map<String, Value> {
    match serde_json::to_value(definition) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_a_difference() {
        let one = Definition::rules("clerk");
        assert_eq!(diff(&one, &one), []);
        let two = Definition {
            max_steps: 7,
            budget_usd_micros: Some(1),
            ..one.clone()
        };
        let difference = |member: &str, from, to| Difference {
            member: member.to_owned(),
            from,
            to,
        };
        let expected = [
            difference("budget_usd_micros", Value::Null, json!(1)),
            difference("max_steps", json!(one.max_steps), json!(7)),
        ];
        assert_eq!(diff(&one, &two), expected);
        assert_eq!(diff(&two, &one).len(), 2);
    }
}
