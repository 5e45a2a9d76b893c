//! The agent's tools as a model sees them, and back.

use std::collections::BTreeMap;

use runs::Effect;
use serde_json::Value;

use super::rounds::Call;
use crate::conversation::{Offer, Part};

/// The longest name that every provider takes.
const NAME_CHARS_MAX: usize = 64;

/// Tools under names that every provider takes: letters, digits, `_` and `-`.
#[derive(Default)]
pub(super) struct Offers {
    list: Vec<Offer>,
    tools: BTreeMap<String, String>,
}

impl Offers {
    /// These tools, under names that differ.
    pub(super) fn of(tools: &[Offer]) -> Self {
        let mut offers = Self::default();
        tools.iter().for_each(|tool| offers.add(tool));
        offers
    }

    /// One more tool, unless it is there already.
    pub(super) fn add(&mut self, tool: &Offer) {
        if self.tools.values().any(|there| *there == tool.name) {
            return;
        }
        let name = self.free(&tool.name);
        self.tools.insert(name.clone(), tool.name.clone());
        self.list.push(Offer {
            name,
            ..tool.clone()
        });
    }

    pub(super) fn list(&self) -> &[Offer] {
        &self.list
    }

    fn free(&self, tool: &str) -> String {
        let plain = |it: char| {
            if it.is_ascii_alphanumeric() || it == '-' {
                it
            } else {
                '_'
            }
        };
        let name: String = tool.chars().map(plain).take(NAME_CHARS_MAX - 4).collect();
        let numbered = |number: u32| format!("{name}_{number}");
        let mut names = std::iter::once(name.clone()).chain((2..).map(numbered));
        names
            .find(|it| !self.tools.contains_key(it))
            .unwrap_or_else(|| name.clone())
    }

    /// What a part of a reply calls, if it is a call.
    pub(super) fn call(&self, part: &Part) -> Option<Call> {
        let Part::ToolCall {
            id,
            name,
            arguments,
            ..
        } = part
        else {
            return None;
        };
        Some(Call {
            id: id.clone(),
            effect: self.effect(name, arguments),
        })
    }

    fn effect(&self, name: &str, arguments: &str) -> Result<Effect, String> {
        let Some(tool) = self.tools.get(name) else {
            let names: Vec<&str> = self.list.iter().map(|it| it.name.as_str()).collect();
            let there = names.join(", ");
            return Err(format!("There is no tool `{name}`. There are: {there}."));
        };
        let written = if arguments.trim().is_empty() {
            "{}"
        } else {
            arguments
        };
        match serde_json::from_str::<Value>(written) {
            Ok(arguments @ Value::Object(_)) => Ok(Effect::Tool {
                tool: tool.clone(),
                arguments,
            }),
            Ok(_) => Err("The arguments are JSON, but no object.".to_owned()),
            Err(error) => Err(format!("The arguments are no JSON: {error}.")),
        }
    }
}
