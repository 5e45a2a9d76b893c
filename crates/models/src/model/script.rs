//! Scripts: what a scripted provider answers.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ModelsError;

/// How many rules a script has at most, and each of its rules steps.
const RULES_MAX: usize = 100;
const STEPS_MAX: usize = 20;
/// The largest script as JSON, in bytes.
const SCRIPT_BYTES_MAX: usize = 64 << 10;
/// The largest compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// What a provider of the type `scripted` answers: the first rule that fits the last message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// In the order in which they are tried; between 1 and 100.
    pub rules: Vec<Rule>,
}

/// What is answered to messages that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A regular expression that is looked for in the last message of the user, whatever the case of its
    /// letters ([syntax](https://docs.rs/regex/latest/regex/#syntax)). Without one, every message
    /// fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The answers, one after the other: the first to the message, the next ones to the results of
    /// the tools that the one before it called. Between 1 and 20; the last one must call nothing.
    pub steps: Vec<Step>,
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The text. `{name}` and `{1}` stand for what the groups of `when` found, `{message}` for the
    /// message, `{result}` for the last tool's result.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub say: String,
    /// The tools that are called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call: Vec<ScriptedCall>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// Such as `file.read`.
    pub tool: String,
    /// Its arguments; texts in them are filled in as those of `say` are.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub arguments: Map<String, Value>,
}

impl Script {
    /// The patterns of the rules.
    ///
    /// # Errors
    /// What is wrong with the script, and where.
    pub fn patterns(&self) -> Result<Vec<Option<Regex>>, ModelsError> {
        let size = serde_json::to_vec(self).map_or(usize::MAX, |it| it.len());
        if size > SCRIPT_BYTES_MAX {
            let message = format!("a script has at most {SCRIPT_BYTES_MAX} bytes");
            return Err(ModelsError::invalid("/script", message));
        }
        if !(1..=RULES_MAX).contains(&self.rules.len()) {
            let message = format!("a script has between 1 and {RULES_MAX} rules");
            return Err(ModelsError::invalid("/script/rules", message));
        }
        let rules = self.rules.iter().enumerate();
        rules.map(|(number, rule)| rule.pattern(number)).collect()
    }
}

impl Rule {
    fn pattern(&self, number: usize) -> Result<Option<Regex>, ModelsError> {
        let wrong = |member: &str, message: String| {
            ModelsError::invalid(format!("/script/rules/{number}/{member}"), message)
        };
        if !(1..=STEPS_MAX).contains(&self.steps.len()) {
            let message = format!("a rule has between 1 and {STEPS_MAX} steps");
            return Err(wrong("steps", message));
        }
        let (calling, last) = self.steps.split_at(self.steps.len() - 1);
        if let Some(at) = calling.iter().position(|step| step.call.is_empty()) {
            let message = "only the last step calls nothing".to_owned();
            return Err(wrong(&format!("steps/{at}/call"), message));
        }
        if last.iter().any(|step| !step.call.is_empty()) {
            let message = "the last step calls nothing: somebody waits for an answer".to_owned();
            return Err(wrong(&format!("steps/{}/call", calling.len()), message));
        }
        let Some(pattern) = &self.when else {
            return Ok(None);
        };
        let compiled = RegexBuilder::new(pattern)
            .case_insensitive(true)
            .size_limit(PATTERN_BYTES_MAX)
            .build();
        match compiled {
            Ok(compiled) => Ok(Some(compiled)),
            Err(error) => Err(wrong("when", error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Where the flaw of a script is; empty if it has none.
    fn flaw(rules: Value) -> String {
        let script: Script = serde_json::from_value(json!({ "rules": rules })).unwrap();
        match script.patterns() {
            Ok(_) => String::new(),
            Err(ModelsError::Invalid { pointer, .. }) => pointer,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_script_says_where_it_is_wrong() {
        let say = json!({"say": "hello"});
        let call = json!({"call": [{"tool": "file.list"}]});
        assert_eq!(flaw(json!([{"steps": [say]}])), "");
        assert_eq!(flaw(json!([{"when": "list", "steps": [call, say]}])), "");
        assert_eq!(flaw(json!([])), "/script/rules");
        assert_eq!(flaw(json!([{"steps": []}])), "/script/rules/0/steps");
        assert_eq!(
            flaw(json!([{"steps": [say]}, {"when": "(", "steps": [say]}])),
            "/script/rules/1/when"
        );
        assert_eq!(
            flaw(json!([{"steps": [say, say]}])),
            "/script/rules/0/steps/0/call"
        );
        assert_eq!(
            flaw(json!([{"steps": [call]}])),
            "/script/rules/0/steps/0/call"
        );
        assert_eq!(
            flaw(json!([{"when": "(a{1000}){1000}", "steps": [say]}])),
            "/script/rules/0/when"
        );
        let long = json!({"say": "x".repeat(SCRIPT_BYTES_MAX)});
        assert_eq!(flaw(json!([{"steps": [long]}])), "/script");
    }
}
