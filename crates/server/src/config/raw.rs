//! The configuration as it is written, and the checks that make a [`Config`] of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use tracing_subscriber::EnvFilter;
use vault::MasterKeySource;
use vocab::SecretString;

use super::source::Sources;
use super::{
    Chat, Config, ConfigError, Database, LocalNode, Log, LogFormat, MASTER_KEY_FILE, Owner, Peers,
    Plans, RateLimits, SecureCookies, Worker, sqlite_path,
};

/// The most connections that are of any use to one process.
const CONNECTIONS_MAX: usize = 1_000;
/// The most runs that one process takes at once.
const CONCURRENCY_MAX: usize = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Raw {
    data_dir: PathBuf,
    listen: String,
    public_url: Option<String>,
    database: RawDatabase,
    #[serde(deserialize_with = "list")]
    roles: Vec<String>,
    demo: bool,
    owner: RawOwner,
    master_key: RawMasterKey,
    node: RawNode,
    log: RawLog,
    rate_limits: RawRateLimits,
    #[serde(deserialize_with = "list")]
    cors_origins: Vec<String>,
    secure_cookies: String,
    proxies: usize,
    metrics_listen: Option<String>,
    metrics_token: Option<String>,
    worker: RawWorker,
    peers: RawPeers,
    chat: RawChat,
    plans: RawPlans,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawDatabase {
    url: Option<String>,
    connections_max: usize,
    prepare_statements: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawOwner {
    email: String,
    password: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct RawMasterKey {
    file: Option<PathBuf>,
    environment: Option<String>,
    #[serde(default, deserialize_with = "words")]
    command: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawNode {
    local: bool,
    binary: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawLog {
    format: String,
    level: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawRateLimits {
    auth_per_minute: u32,
    api_per_minute: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawWorker {
    concurrency: usize,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct RawPeers {
    listen: Option<String>,
    address: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawChat {
    context_percent: u8,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawPlans {
    file: Option<PathBuf>,
    default: String,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            data_dir: "./chancery-data".into(),
            listen: "127.0.0.1:7300".into(),
            public_url: None,
            database: RawDatabase {
                url: None,
                connections_max: 32,
                prepare_statements: true,
            },
            roles: super::ProcessRole::ALL
                .iter()
                .map(ToString::to_string)
                .collect(),
            demo: true,
            owner: RawOwner {
                email: "owner@chancery.local".into(),
                password: None,
            },
            master_key: RawMasterKey::default(),
            node: RawNode {
                local: true,
                binary: None,
            },
            log: RawLog {
                format: "text".into(),
                level: "info".into(),
            },
            rate_limits: RawRateLimits {
                auth_per_minute: 120,
                api_per_minute: 12_000,
            },
            cors_origins: Vec::new(),
            secure_cookies: "auto".into(),
            proxies: 0,
            metrics_listen: None,
            metrics_token: None,
            worker: RawWorker { concurrency: 64 },
            peers: RawPeers::default(),
            chat: RawChat {
                context_percent: 50,
            },
            plans: RawPlans {
                file: None,
                default: "unlimited".into(),
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

/// A list, or a text with commas.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match TextOrList::deserialize(deserializer)? {
        TextOrList::List(list) => list,
        TextOrList::Text(text) => {
            let parts = text.split(',').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        }
    })
}

/// A list, or a text with spaces.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match TextOrList::deserialize(deserializer)? {
        TextOrList::List(list) => list,
        TextOrList::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
    })
}

/// Checks what was written.
pub(super) fn check(sources: &Sources, raw: Raw) -> Result<Config, ConfigError> {
    let wrong = |key: &str, why: &str| sources.invalid(key, why);
    let data_dir = path(sources, "data_dir", raw.data_dir)?;
    let concurrency = raw.worker.concurrency;
    if !(1..=CONCURRENCY_MAX).contains(&concurrency) {
        return Err(wrong("worker.concurrency", "expected 1 to 10000"));
    }
    let context_percent = raw.chat.context_percent;
    if !(1..=90).contains(&context_percent) {
        return Err(wrong("chat.context_percent", "expected 1 to 90"));
    }
    let metrics_listen = raw.metrics_listen.as_deref();
    let metrics_listen = metrics_listen
        .map(|text| address(sources, "metrics_listen", text))
        .transpose()?;
    let log = check_log(sources, &raw.log)?;
    let public_url = raw
        .public_url
        .map(|url| base_url(sources, "public_url", &url))
        .transpose()?;
    let plans_file = raw.plans.file.map(|it| path(sources, "plans.file", it));
    let binary = raw
        .node
        .binary
        .map(|it| path(sources, "node.binary", it))
        .transpose()?;
    Ok(Config {
        listen: address(sources, "listen", &raw.listen)?,
        public_url,
        database: check_database(sources, raw.database)?,
        roles: roles(sources, &raw.roles)?,
        demo: raw.demo,
        owner: owner(sources, raw.owner)?,
        master_key: master_key(sources, raw.master_key, &data_dir)?,
        node: LocalNode {
            local: raw.node.local,
            binary,
        },
        log,
        rate_limits: RateLimits {
            auth_per_minute: raw.rate_limits.auth_per_minute,
            api_per_minute: raw.rate_limits.api_per_minute,
        },
        cors_origins: origins(sources, raw.cors_origins)?,
        secure_cookies: match raw.secure_cookies.as_str() {
            "auto" => SecureCookies::Auto,
            "always" | "true" => SecureCookies::Always,
            "never" | "false" => SecureCookies::Never,
            _ => {
                return Err(wrong(
                    "secure_cookies",
                    "expected `auto`, `always` or `never`",
                ));
            }
        },
        proxies: raw.proxies,
        metrics_listen,
        metrics_token: metrics_token(sources, raw.metrics_token)?,
        worker: Worker { concurrency },
        peers: peers(sources, raw.peers)?,
        chat: Chat { context_percent },
        plans: Plans {
            file: plans_file.transpose()?,
            default: raw.plans.default,
        },
        data_dir,
    })
}

fn peers(sources: &Sources, raw: RawPeers) -> Result<Peers, ConfigError> {
    let listen = raw.listen.as_deref();
    let listen = listen.map(|text| address(sources, "peers.listen", text));
    let fits = |address: &String| {
        let authority: Option<axum::http::uri::Authority> = address.parse().ok();
        authority
            .is_some_and(|it| it.port_u16().is_some_and(|port| port > 0) && !address.contains('@'))
    };
    if raw.address.as_ref().is_some_and(|it| !fits(it)) {
        let why = "expected a host and a port, such as `10.0.0.7:7301`";
        return Err(sources.invalid("peers.address", why));
    }
    Ok(Peers {
        listen: listen.transpose()?,
        address: raw.address,
    })
}

fn path(sources: &Sources, key: &str, path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.as_os_str().is_empty() {
        return Err(sources.invalid(key, "expected a path"));
    }
    if path.starts_with("~") {
        return Err(sources.invalid(key, "`~` is not expanded here; write the path out"));
    }
    Ok(path)
}

fn address(sources: &Sources, key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    let why = "expected an address and a port, such as `127.0.0.1:7300` or `[::]:7300`";
    text.parse().map_err(|_| sources.invalid(key, why))
}

/// A URL of scheme, host and port alone; without the final slash.
fn base_url(sources: &Sources, key: &str, url: &str) -> Result<String, ConfigError> {
    let base = url.strip_suffix('/').unwrap_or(url);
    let parsed: Option<axum::http::Uri> = base.parse().ok();
    let fits = parsed.is_some_and(|uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.authority().is_some_and(|it| !it.as_str().contains('@'));
        scheme && host && matches!(uri.path_and_query().map(|it| it.as_str()), None | Some("/"))
    });
    let why = "expected `http://` or `https://`, a host and perhaps a port, and no path";
    if fits {
        Ok(base.to_owned())
    } else {
        Err(sources.invalid(key, why))
    }
}

fn check_database(sources: &Sources, raw: RawDatabase) -> Result<Database, ConfigError> {
    if !(1..=CONNECTIONS_MAX).contains(&raw.connections_max) {
        return Err(sources.invalid("database.connections_max", "expected 1 to 1000"));
    }
    if let Some(url) = &raw.url {
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let sqlite = sqlite_path(url).is_some_and(|path| !path.as_os_str().is_empty());
        if !postgres && !sqlite {
            let why = "expected `postgres://USER:PASSWORD@HOST/DATABASE` or `sqlite:PATH`; \
                       leave it out for an SQLite file in the data folder";
            return Err(sources.invalid("database.url", why));
        }
    }
    Ok(Database {
        url: raw.url.map(Into::into),
        connections_max: raw.connections_max,
        prepare_statements: raw.prepare_statements,
    })
}

fn roles(sources: &Sources, names: &[String]) -> Result<BTreeSet<super::ProcessRole>, ConfigError> {
    use super::ProcessRole::{Gateway, Worker};
    let roles: Result<BTreeSet<_>, _> = names.iter().map(|name| name.parse()).collect();
    match roles {
        // A worker hands jobs to the nodes whose connections its own process holds.
        Ok(roles) if roles.contains(&Worker) != roles.contains(&Gateway) => {
            Err(sources.invalid("roles", "expected `worker` and `gateway` together"))
        }
        Ok(roles) if !roles.is_empty() => Ok(roles),
        Ok(_) => Err(sources.invalid("roles", "expected at least one role")),
        Err(error) => Err(sources.invalid("roles", &super::ParseRoleError::to_string(&error))),
    }
}

fn owner(sources: &Sources, raw: RawOwner) -> Result<Owner, ConfigError> {
    let parts = raw.email.split_once('@');
    if parts.is_none_or(|(name, host)| name.is_empty() || host.is_empty()) {
        return Err(sources.invalid("owner.email", "expected an email address"));
    }
    Ok(Owner {
        email: raw.email,
        password: raw.password.map(Into::into),
    })
}

fn master_key(
    sources: &Sources,
    raw: RawMasterKey,
    data_dir: &std::path::Path,
) -> Result<MasterKeySource, ConfigError> {
    let mut command = raw.command.into_iter();
    match (raw.file, raw.environment, command.next()) {
        (None, None, None) => Ok(MasterKeySource::File(data_dir.join(MASTER_KEY_FILE))),
        (Some(file), None, None) => Ok(MasterKeySource::File(path(
            sources,
            "master_key.file",
            file,
        )?)),
        (None, Some(name), None) => Ok(MasterKeySource::Environment(name)),
        (None, None, Some(program)) => Ok(MasterKeySource::Command {
            program,
            args: command.collect(),
        }),
        (Some(_), _, _) | (_, Some(_), _) => {
            let why = "set one of `file`, `environment` and `command`, not several";
            Err(sources.invalid("master_key", why))
        }
    }
}

/// The shortest token that nobody finds by trying.
const METRICS_TOKEN_CHARS_MIN: usize = 16;

fn metrics_token(
    sources: &Sources,
    token: Option<String>,
) -> Result<Option<SecretString>, ConfigError> {
    let chars = token.as_ref().map_or(usize::MAX, |it| it.chars().count());
    if chars < METRICS_TOKEN_CHARS_MIN {
        return Err(sources.invalid("metrics_token", "expected 16 characters or more"));
    }
    Ok(token.map(Into::into))
}

fn check_log(sources: &Sources, raw: &RawLog) -> Result<Log, ConfigError> {
    let format = match raw.format.as_str() {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => return Err(sources.invalid("log.format", "expected `text` or `json`")),
    };
    if raw.level.is_empty() || EnvFilter::try_new(&raw.level).is_err() {
        let why = "expected a level such as `info`, or directives such as `info,runs=debug`";
        return Err(sources.invalid("log.level", why));
    }
    Ok(Log {
        format,
        level: raw.level.clone(),
    })
}

fn origins(sources: &Sources, origins: Vec<String>) -> Result<Vec<String>, ConfigError> {
    origins
        .iter()
        .map(|it| base_url(sources, "cors_origins", it))
        .collect()
}
