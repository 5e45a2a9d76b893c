//! Configuration: one typed value out of defaults, `chancery.toml`, variables and flags.
//!
//! Later places win: defaults, then the file, then `CHANCERY_…` variables, then flags. A key that
//! nobody reads is an error, wherever it stands, because a misspelled limit that is quietly ignored
//! is worse than a program that does not start. In a variable's name two underscores part the
//! levels (`CHANCERY_DATABASE__URL`), and one is enough where it is clear (`CHANCERY_DATABASE_URL`).
//! A variable that is set to nothing counts as not set.
//!
//! Relative paths are relative to the working directory.

mod raw;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use vault::MasterKeySource;
use vocab::SecretString;

pub use source::Setting;

/// The file that is read if it is there and no other is named.
pub const FILE: &str = "chancery.toml";
/// The SQLite database in the data folder.
pub const SQLITE_FILE: &str = "chancery.db";
/// The master key in the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";

/// What a server is to do.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of everything that the server keeps on this machine.
    pub data_dir: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Under which URL people reach it, without a final slash, if not under `listen`.
    pub public_url: Option<String>,
    /// The database.
    pub database: Database,
    /// What this process does.
    pub roles: BTreeSet<ProcessRole>,
    /// Whether a first start makes a demo organisation.
    pub demo: bool,
    /// The first owner.
    pub owner: Owner,
    /// Where the master keys come from.
    pub master_key: MasterKeySource,
    /// The node that the server starts beside itself.
    pub node: LocalNode,
    /// The log.
    pub log: Log,
    /// How often callers may come.
    pub rate_limits: RateLimits,
    /// Which origins of other sites may use the API from a browser.
    pub cors_origins: Vec<String>,
    /// Whether cookies are for HTTPS alone.
    pub secure_cookies: SecureCookies,
    /// How many reverse proxies of the operator's stand in front.
    pub proxies: usize,
    /// Where metrics are served, if apart from the API.
    pub metrics_listen: Option<SocketAddr>,
    /// Who reads metrics has to show this. Without a listener of their own, metrics are served
    /// beside the API, and only if there is a token.
    pub metrics_token: Option<SecretString>,
    /// The workers.
    pub worker: Worker,
    /// How the processes of one installation talk to each other. Postgres alone.
    pub peers: Peers,
    /// Chats.
    pub chat: Chat,
    /// What organisations may do with tools.
    pub plans: Plans,
}

/// Which database, and how.
#[derive(Debug, Clone)]
pub struct Database {
    /// `postgres://…` or `sqlite:PATH`; without it, an SQLite file in the data folder.
    pub url: Option<SecretString>,
    /// How many connections this process opens at most. Postgres alone.
    pub connections_max: usize,
    /// Whether statements are prepared once for each connection. Postgres alone.
    pub prepare_statements: bool,
}

/// The first owner, made when there is nobody yet.
#[derive(Debug, Clone)]
pub struct Owner {
    /// With which address they sign in.
    pub email: String,
    /// With which password; without one, the first start prints a way to sign in.
    pub password: Option<SecretString>,
}

/// The node that the server starts beside itself.
#[derive(Debug, Clone)]
pub struct LocalNode {
    /// Whether it does.
    pub local: bool,
    /// The program; without it, `chancery-node` beside this program.
    pub binary: Option<PathBuf>,
}

/// The log, on standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// Its form.
    pub format: LogFormat,
    /// A level, or directives such as `info,runs=debug`.
    pub level: String,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How often callers may come. 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// How many requests a minute one address may send to `/v1/auth/`.
    pub auth_per_minute: u32,
    /// How many requests a minute one caller may send elsewhere.
    pub api_per_minute: u32,
}

/// Whether cookies are for HTTPS alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureCookies {
    /// If the public URL is an HTTPS one.
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// How the processes of one installation talk to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peers {
    /// Where this process listens for the others; without it, at the address of the API with any port.
    pub listen: Option<SocketAddr>,
    /// How the others reach it, as `HOST:PORT`; without it, where it listens, or by the address of this
    /// machine on the way to the database.
    pub address: Option<String>,
}

/// Chats.
#[derive(Debug, Clone)]
pub struct Chat {
    /// How much of what its model reads an agent is told of the chat at most, in hundredths; what
    /// is older is summarised.
    pub context_percent: u8,
}

/// What organisations may do with tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    /// A file of plans beside the built-in ones, or in the place of those of the same name.
    pub file: Option<PathBuf>,
    /// The plan that an organisation has if the operator gave it none.
    pub default: String,
}

/// The workers of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// How many runs go on at once.
    pub concurrency: usize,
}

/// A part of the server that a process can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessRole {
    /// Answers the API.
    Api,
    /// Carries out runs.
    Worker,
    /// Holds the connections of nodes.
    Gateway,
    /// Seals the record, ends what has expired, and cleans up.
    Sweeper,
}

impl ProcessRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Api, Self::Worker, Self::Gateway, Self::Sweeper];

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Gateway => "gateway",
            Self::Sweeper => "sweeper",
        }
    }
}

impl fmt::Display for ProcessRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `api`, `worker`, `gateway` or `sweeper`")]
pub struct ParseRoleError;

impl FromStr for ProcessRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(ParseRoleError)
    }
}

impl Config {
    /// The database, as `db` takes it.
    #[must_use]
    pub fn database(&self) -> db::DatabaseConfig {
        use vocab::ExposeSecret as _;
        match &self.database.url {
            None => db::DatabaseConfig::Sqlite {
                path: self.data_dir.join(SQLITE_FILE),
            },
            Some(url) => match sqlite_path(url.expose_secret()) {
                Some(path) => db::DatabaseConfig::Sqlite { path },
                None => db::DatabaseConfig::Postgres {
                    url: url.clone(),
                    connections_max: self.database.connections_max,
                    prepare_statements: self.database.prepare_statements,
                },
            },
        }
    }

    /// The URL under which the server is reached, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| local_url(self.listen))
    }

    /// Whether browsers reach it by HTTPS.
    #[must_use]
    pub fn https(&self) -> bool {
        match self.secure_cookies {
            SecureCookies::Always => true,
            SecureCookies::Never => false,
            SecureCookies::Auto => self
                .public_url
                .as_deref()
                .is_some_and(|url| url.starts_with("https://")),
        }
    }

    /// Whether this process has a role.
    #[must_use]
    pub fn has(&self, role: ProcessRole) -> bool {
        self.roles.contains(&role)
    }
}

/// The URL of a listener for programs on the same machine.
#[must_use]
pub fn local_url(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", listen.port());
    }
    format!("http://{listen}")
}

/// The path of `sqlite:PATH` or `sqlite://PATH`.
fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(Path::new(rest.strip_prefix("//").unwrap_or(rest)).to_owned())
}

/// What the command line says. `None` says nothing.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: this file, which must be there.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--no-demo` is `Some(false)`.
    pub demo: Option<bool>,
    /// `--roles`.
    pub roles: Option<Vec<String>>,
}

/// A configuration, and where each value came from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The configuration.
    pub config: Config,
    /// Every value, in the order of the documentation; secrets are masked.
    pub settings: Vec<Setting>,
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named can't be read.
    #[error("the configuration file `{path}` can't be read: {why}")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The file is not TOML.
    #[error("{source_name} is not valid: {why}")]
    Syntax {
        /// Which.
        source_name: String,
        /// Why.
        why: String,
    },
    /// Nothing reads this key.
    #[error("{place} sets `{key}`, which is no setting{}", like.as_ref().map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    Unknown {
        /// The key, or the variable's name.
        key: String,
        /// Where it stands.
        place: String,
        /// The setting with the most similar name.
        like: Option<String>,
    },
    /// The value is not one that the key takes.
    #[error("`{key}` (from {place}) is not valid: {why}")]
    Invalid {
        /// The key.
        key: String,
        /// Where it stands.
        place: String,
        /// Why. It never holds a secret.
        why: String,
    },
}

/// Reads the configuration of this process.
///
/// # Errors
/// [`ConfigError`]: the first thing that is wrong.
pub fn load(overrides: &Overrides) -> Result<Effective, ConfigError> {
    // Names and values that are not UTF-8 are none of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_from(overrides, variables, Path::new(""))
}

/// Reads a configuration from these variables, in this working directory.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    overrides: &Overrides,
    variables: impl IntoIterator<Item = (String, String)>,
    directory: &Path,
) -> Result<Effective, ConfigError> {
    let sources = source::Sources::gather(overrides, variables, directory)?;
    let raw = sources.extract()?;
    let config = raw::check(&sources, raw)?;
    Ok(Effective {
        settings: sources.settings(),
        config,
    })
}
