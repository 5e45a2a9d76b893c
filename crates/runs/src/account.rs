//! What a run has taken of models and what it has read, counted from its journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vocab::{Target, limits};

/// How many sources are named; a run may read more.
const SOURCES_MAX: usize = 32;

/// What a run has taken and read. It counts the run's own calls; a run that it started has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What models cost, in micro-USD, as far as their prices are known.
    pub cost_usd_micros: u64,
    /// How many calls had no known price.
    pub unpriced: u32,
    /// Tokens read, cached or not.
    pub input_tokens: u64,
    /// Of these, read from a provider's cache.
    pub cached_input_tokens: u64,
    /// Tokens put out, thinking included.
    pub output_tokens: u64,
    /// Who answered, as `provider/model`, each once.
    pub models: Vec<String>,
    /// The files and addresses that it read, as its record names them, each once.
    pub sources: Vec<String>,
    /// What the last answer cites. It is part of what a model said, so it is never stored beside the
    /// rest, but sealed with the answer.
    #[serde(skip)]
    pub citations: Vec<Citation>,
}

/// A place that an answer cites, in its provider's words: what they say of it is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Its address, `http` or `https`; none if it is a document that the provider was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is called; empty if nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Which characters of the answer's text rest on it: from one to before another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
}

/// What a run took of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunUsage {
    /// As far as prices are known.
    pub cost_usd_micros: u64,
    /// How many calls had no known price.
    pub unpriced: u32,
    /// Cached or not.
    pub input_tokens: u64,
    /// Of these, read from a provider's cache.
    pub cached_input_tokens: u64,
    /// Thinking included.
    pub output_tokens: u64,
    /// `provider/model`, as they served.
    pub models: Vec<String>,
}

impl Account {
    /// What was taken of models; nothing, if none was asked.
    #[must_use]
    pub fn usage(&self) -> Option<RunUsage> {
        let models = self.models.clone();
        (!models.is_empty()).then_some(RunUsage {
            cost_usd_micros: self.cost_usd_micros,
            unpriced: self.unpriced,
            input_tokens: self.input_tokens,
            cached_input_tokens: self.cached_input_tokens,
            output_tokens: self.output_tokens,
            models,
        })
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts an answer of `model.call`.
    pub(crate) fn answered(&mut self, output: &Value) {
        match output.get("cost_usd_micros").and_then(Value::as_u64) {
            Some(cost) => self.cost_usd_micros = self.cost_usd_micros.saturating_add(cost),
            None => self.unpriced = self.unpriced.saturating_add(1),
        }
        let usage = output.get("usage");
        let tokens = |name: &str| usage.and_then(|it| it.get(name)?.as_u64()).unwrap_or(0);
        self.input_tokens = self.input_tokens.saturating_add(tokens("input_tokens"));
        let cached = tokens("cached_input_tokens");
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(cached);
        self.output_tokens = self.output_tokens.saturating_add(tokens("output_tokens"));
        let cited = output.get("citations").map(Vec::deserialize);
        self.citations = cited.and_then(Result::ok).unwrap_or_default();
        self.citations.truncate(limits::CITATIONS_MAX);
        if let Some(served) = output.get("served").and_then(Value::as_str) {
            put(&mut self.models, served.to_owned());
        }
    }

    /// Notes that something was read.
    pub(crate) fn read(&mut self, target: &Target) {
        if let Some(source) = source(target) {
            put(&mut self.sources, source);
        }
    }
}

fn put(list: &mut Vec<String>, item: String) {
    if list.len() < SOURCES_MAX && !list.contains(&item) {
        list.push(item);
    }
}

/// What was read, if it is a place that a reader can go to.
fn source(target: &Target) -> Option<String> {
    match target {
        Target::File { path, .. } => Some(path.clone()),
        Target::Http {
            scheme,
            host,
            port,
            path,
            ..
        } => Some(match (scheme.as_str(), port) {
            ("https", 443) | ("http", 80) => format!("{scheme}://{host}{path}"),
            _ => format!("{scheme}://{host}:{port}{path}"),
        }),
        Target::Process { .. }
        | Target::Skill { .. }
        | Target::Artifact { .. }
        | Target::Agent { .. }
        | Target::Model { .. }
        | Target::Secret { .. }
        | Target::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_summed_and_models_named_once() {
        let mut account = Account::default();
        assert!(account.is_empty());
        let usage = json!({ "input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 3 });
        let answer = |served: &str, cost: Value| json!({ "parts": [], "usage": usage, "served": served, "cost_usd_micros": cost });
        account.answered(&answer("a/one", json!(7)));
        account.answered(&answer("b/two", Value::Null));
        account.answered(&answer("a/one", json!(5)));
        let Account {
            cost_usd_micros,
            unpriced,
            input_tokens,
            cached_input_tokens,
            output_tokens,
            ..
        } = account;
        assert_eq!((cost_usd_micros, unpriced), (12, 1));
        assert_eq!(
            (input_tokens, cached_input_tokens, output_tokens),
            (30, 12, 9)
        );
        assert_eq!(account.models, ["a/one", "b/two"]);
    }

    #[test]
    fn the_last_answer_is_the_one_that_cites() {
        let mut account = Account::default();
        let page = json!({ "url": "https://example.com/a", "title": "A", "span": [0, 4] });
        account.answered(&json!({ "citations": [page, { "title": "notes.pdf" }] }));
        let cited = |url: Option<&str>, title: &str, span| Citation {
            url: url.map(str::to_owned),
            title: title.to_owned(),
            span,
        };
        let expected = [
            cited(Some("https://example.com/a"), "A", Some((0, 4))),
            cited(None, "notes.pdf", None),
        ];
        assert_eq!(account.citations, expected);
        let stored = serde_json::to_string(&account).unwrap();
        assert!(!stored.contains("example.com"), "{stored}");
        let many = vec![page; limits::CITATIONS_MAX + 1];
        account.answered(&json!({ "citations": many }));
        assert_eq!(account.citations.len(), limits::CITATIONS_MAX);
        account.answered(&json!({ "parts": [] }));
        assert_eq!(account.citations, []);
    }

    #[test]
    fn what_is_read_is_named_once_and_not_without_end() {
        let mut account = Account::default();
        for number in 0..100 {
            let target = Target::File {
                path: format!("notes/{}.md", number / 2),
                workspace: "main".into(),
                size_bytes: None,
            };
            account.read(&target);
        }
        assert_eq!(account.sources.len(), SOURCES_MAX);
        assert_eq!(account.sources[..2], ["notes/0.md", "notes/1.md"]);
    }
}
