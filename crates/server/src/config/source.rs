//! Where values come from: the list of all settings, the four places, and their order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};
use serde::Serialize;

use super::raw::Raw;
use super::{ConfigError, FILE, Overrides};

const PREFIX: &str = "CHANCERY_";
const MASK: &str = "********";

/// One setting, and what is to be known about it besides its type.
struct Key {
    path: &'static str,
    /// Whether a variable's value is taken as it is, rather than read as a number or a boolean.
    text: bool,
    secret: bool,
}

const fn text(path: &'static str) -> Key {
    Key {
        path,
        text: true,
        secret: false,
    }
}

const fn value(path: &'static str) -> Key {
    Key {
        path,
        text: false,
        secret: false,
    }
}

const fn secret(path: &'static str) -> Key {
    Key {
        path,
        text: true,
        secret: true,
    }
}

/// Every setting there is.
const KEYS: &[Key] = &[
    text("data_dir"),
    text("listen"),
    text("public_url"),
    secret("database.url"),
    value("database.connections_max"),
    value("database.prepare_statements"),
    text("roles"),
    value("demo"),
    text("owner.email"),
    secret("owner.password"),
    text("master_key.file"),
    text("master_key.environment"),
    text("master_key.command"),
    value("node.local"),
    text("node.binary"),
    text("log.format"),
    text("log.level"),
    value("rate_limits.auth_per_minute"),
    value("rate_limits.api_per_minute"),
    text("cors_origins"),
    text("secure_cookies"),
    value("proxies"),
    text("metrics_listen"),
    secret("metrics_token"),
    value("worker.concurrency"),
    text("peers.listen"),
    text("peers.address"),
    value("chat.context_percent"),
    text("plans.file"),
    text("plans.default"),
];

/// Variables with our prefix that are somebody else's: those of the client, of tests, and those
/// that Kubernetes sets for a service called `chancery`.
const FOREIGN: &[&str] = &["URL", "ORG", "API_KEY", "CONFIG", "BIN", "MASTER_KEY"];
const FOREIGN_PREFIXES: &[&str] = &["TEST_", "NODE_", "SERVICE_", "PORT", "BENCH_"];

/// The name of the variable that always works for a setting.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").to_uppercase())
}

fn key_of_variable(name: &str) -> Option<&'static Key> {
    let name = name.strip_prefix(PREFIX)?.to_lowercase();
    KEYS.iter()
        .find(|key| key.path.replace('.', "__") == name || key.path.replace('.', "_") == name)
}

/// One setting of the effective configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its key, with dots between the levels.
    pub key: &'static str,
    /// Its value, masked if it is a secret; null if it has none.
    pub value: serde_json::Value,
    /// Where the value came from, in words.
    pub source: String,
    /// The variable that sets it.
    pub variable: String,
}

/// The merged places.
pub(super) struct Sources {
    figment: Figment,
    /// Which variable gave a value, by setting.
    variables: BTreeMap<&'static str, String>,
}

/// Values with one name for where they come from.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Layer {
    fn put(&mut self, path: &str, value: Value) {
        insert(&mut self.values, path, value);
    }
}

fn insert(dict: &mut Dict, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            dict.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = dict
                .entry(head.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

impl Sources {
    pub(super) fn gather(
        overrides: &Overrides,
        variables: impl IntoIterator<Item = (String, String)>,
        directory: &Path,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Raw::default()));
        if let Some((name, text)) = read_file(overrides, directory)? {
            figment = figment.merge(file_layer(name, &text)?);
        }
        let (environment, variables) = environment(variables)?;
        figment = figment.merge(environment).merge(flags(overrides));
        let sources = Self { figment, variables };
        sources.refuse_unknown()?;
        Ok(sources)
    }

    pub(super) fn extract(&self) -> Result<Raw, ConfigError> {
        self.figment.extract().map_err(|error| {
            let key = error.path.join(".");
            // The kind alone: the whole error would quote the value, which may be a secret.
            let why = match &error.kind {
                figment::error::Kind::InvalidType(_, expected) => format!("expected {expected}"),
                figment::error::Kind::InvalidValue(_, expected) => format!("expected {expected}"),
                _ => "the value has another form than expected".to_owned(),
            };
            self.invalid(&key, &why)
        })
    }

    /// The error that a setting's value is not valid.
    pub(super) fn invalid(&self, key: &str, why: &str) -> ConfigError {
        ConfigError::Invalid {
            key: key.to_owned(),
            place: self.place(key),
            why: why.to_owned(),
        }
    }

    pub(super) fn settings(&self) -> Vec<Setting> {
        KEYS.iter().map(|key| self.setting(key)).collect()
    }

    fn setting(&self, key: &'static Key) -> Setting {
        let value = self.figment.find_value(key.path).ok();
        let value = value
            .and_then(|it| serde_json::to_value(it).ok())
            .unwrap_or_default();
        let value = match value.as_str() {
            Some(text) if key.secret => masked(text).into(),
            Some(_) | None => value,
        };
        Setting {
            key: key.path,
            value,
            source: self.place(key.path),
            variable: variable(key.path),
        }
    }

    /// Where a setting's value comes from, in words.
    fn place(&self, key: &str) -> String {
        let name = self.figment.find_metadata(key).map(|it| it.name.as_ref());
        match (name, self.variables.get(key)) {
            (Some("variable"), Some(variable)) => format!("the variable `{variable}`"),
            (Some("flag"), _) => format!("the flag `{}`", flag(key)),
            (Some(name), _) if name.starts_with("the file") => name.to_owned(),
            (Some(_) | None, _) => "the default".to_owned(),
        }
    }

    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let data = self.figment.data().unwrap_or_default();
        let mut leaves = Vec::new();
        for dict in data.values() {
            collect_leaves(dict, "", &mut leaves);
        }
        let unknown = leaves
            .into_iter()
            .find(|path| KEYS.iter().all(|key| key.path != path));
        let Some(key) = unknown else { return Ok(()) };
        // A table in place of a value, or the other way round, is a wrong value, not a wrong name.
        let shadows = |known: &&Key| known.path.starts_with(&format!("{key}."));
        let below = |known: &&Key| key.starts_with(&format!("{}.", known.path));
        if KEYS.iter().any(|known| shadows(&known)) {
            return Err(self.invalid(&key, "expected a table"));
        }
        if let Some(known) = KEYS.iter().find(below) {
            return Err(self.invalid(known.path, "expected a value, not a table"));
        }
        let like = similar(&key, KEYS.iter().map(|it| it.path.to_owned()));
        Err(ConfigError::Unknown {
            place: self.place(&key),
            key,
            like,
        })
    }
}

fn flag(key: &str) -> &'static str {
    match key {
        "data_dir" => "--data-dir",
        "listen" => "--listen",
        "database.url" => "--database-url",
        "demo" => "--no-demo",
        _ => "--roles",
    }
}

fn collect_leaves(dict: &Dict, prefix: &str, out: &mut Vec<String>) {
    for (name, value) in dict {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Dict(_, inner) => collect_leaves(inner, &path, out),
            // The defaults write the options that are not set as nothing at all.
            Value::Empty(..) => {}
            Value::String(..)
            | Value::Char(..)
            | Value::Bool(..)
            | Value::Num(..)
            | Value::Array(..) => out.push(path),
        }
    }
}

fn read_file(
    overrides: &Overrides,
    directory: &Path,
) -> Result<Option<(String, String)>, ConfigError> {
    let (path, named): (PathBuf, bool) = match &overrides.config {
        Some(path) => (directory.join(path), true),
        None => (directory.join(FILE), false),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((format!("the file `{}`", path.display()), text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(None),
        Err(error) => Err(ConfigError::File {
            path: path.display().to_string(),
            why: error.to_string(),
        }),
    }
}

fn file_layer(name: String, text: &str) -> Result<Layer, ConfigError> {
    match Toml::string(text).data() {
        Ok(mut profiles) => {
            let values = profiles.remove(&Profile::Default).unwrap_or_default();
            Ok(Layer { name, values })
        }
        // The parser quotes the line that it stumbles over, which may hold a secret.
        Err(_) => Err(ConfigError::Syntax {
            source_name: name,
            why: where_broken(text),
        }),
    }
}

/// The line at which a text stops being TOML.
fn where_broken(text: &str) -> String {
    let Err(error) = text.parse::<toml::Table>() else {
        return "it is not TOML".to_owned();
    };
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}

type Given = BTreeMap<&'static str, String>;

fn environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(Layer, Given), ConfigError> {
    let mut layer = Layer {
        name: "variable".to_owned(),
        values: Dict::new(),
    };
    let mut given = Given::new();
    // `master_key.environment` names a variable of the operator's choice.
    let all: BTreeMap<String, String> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    for (name, text) in &all {
        let Some(key) = key_of_variable(name) else {
            refuse_variable(name)?;
            continue;
        };
        if text.is_empty() {
            continue;
        }
        if given
            .get(key.path)
            .is_some_and(|first| all.get(first) != Some(text))
        {
            let why = "two variables set it to different values".to_owned();
            let place = format!("the variable `{name}`");
            return Err(ConfigError::Invalid {
                key: key.path.to_owned(),
                place,
                why,
            });
        }
        let value = if key.text {
            Value::from(text.clone())
        } else {
            parsed(text)
        };
        layer.put(key.path, value);
        given.insert(key.path, name.clone());
    }
    Ok((layer, given))
}

fn parsed(text: &str) -> Value {
    match (text.parse::<bool>(), text.parse::<u64>()) {
        (Ok(flag), _) => Value::from(flag),
        (_, Ok(number)) => Value::from(number),
        (Err(_), Err(_)) => Value::from(text.to_owned()),
    }
}

fn refuse_variable(name: &str) -> Result<(), ConfigError> {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    let foreign = FOREIGN.contains(&rest);
    if foreign
        || FOREIGN_PREFIXES
            .iter()
            .any(|prefix| rest.starts_with(prefix))
    {
        return Ok(());
    }
    let names = KEYS.iter().flat_map(|key| {
        [
            variable(key.path),
            format!("{PREFIX}{}", key.path.replace('.', "_").to_uppercase()),
        ]
    });
    let like = similar(name, names);
    let place = "the environment".to_owned();
    Err(ConfigError::Unknown {
        key: name.to_owned(),
        place,
        like,
    })
}

fn flags(overrides: &Overrides) -> Layer {
    let mut layer = Layer {
        name: "flag".to_owned(),
        values: Dict::new(),
    };
    if let Some(path) = &overrides.data_dir {
        layer.put("data_dir", Value::from(path.to_string_lossy().into_owned()));
    }
    if let Some(listen) = &overrides.listen {
        layer.put("listen", Value::from(listen.clone()));
    }
    if let Some(url) = &overrides.database_url {
        layer.put("database.url", Value::from(url.clone()));
    }
    if let Some(demo) = overrides.demo {
        layer.put("demo", Value::from(demo));
    }
    if let Some(roles) = &overrides.roles {
        layer.put("roles", Value::from(roles.join(",")));
    }
    layer
}

/// What of a secret may be shown: nothing, or for a URL everything but its password.
fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return MASK.to_owned();
    };
    // A query may carry a password too.
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(it, _)| (it, "?…"));
    match rest.rsplit_once('@') {
        None => format!("{scheme}://{rest}{query}"),
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{MASK}@{host}{query}")
        }
    }
}

/// The most similar of the names, if one is similar enough to be meant.
fn similar(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let scored = names.map(|name| (distance(wanted, &name), name));
    let (distance, name) = scored.min()?;
    (distance <= 1 + wanted.chars().count() / 5).then_some(name)
}

/// How many characters have to be added, removed or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
