//! Server: the whole control plane, put together and run.
//!
//! Its life: a [`Config`](config::Config) is loaded; [`up`] or [`serve`] opens the database, brings
//! its schema up, builds every part in `compose.rs`, listens, and works until it is told to stop.
//! Then it takes no more requests, lets what is under way come to an end, and goes.
//!
//! Invariants
//! - Domains meet here and nowhere else: where one needs another, it owns a small trait that
//!   `adapters.rs` implements.
//! - Nothing answers before the schema is there, and nothing works after the listener is closed but
//!   what was begun before.
//!
//! Deliberately absent: any rule of a domain.

mod adapters;
mod attached;
mod backup;
mod briefing;
mod compose;
pub mod config;
mod demo;
mod doctor;
mod embedded;
mod events;
mod keys;
mod local_node;
mod logging;
mod meta;
mod metrics;
mod peers;
mod plans;
mod relay;
mod run_tokens;
mod several;
mod telemetry;
mod thinking;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use db::{OrgContext, StoreError};
use metrics_exporter_prometheus::PrometheusHandle;
use orgs::NewOwner;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use vocab::{Actor, Role, SecretString};

use crate::compose::App;
use crate::config::Config;
use crate::metrics::Metrics;

pub use backup::{backup, restore};
pub use doctor::{Check, Status, doctor};
pub use embedded::Embedded;
pub use keys::{Rewrapped, add_master_key, master_keys, missing_key_file, rewrap};
pub use plans::{OrganisationPlan, assign_plan, organisation_plans, plans};
pub use telemetry::{Telemetry, TelemetryError};

/// How long the local node may take to connect before the server says that it is ready without it.
const NODE_PATIENCE: Duration = Duration::from_secs(3);

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data folder.
    #[error("the data folder can't be used")]
    DataDir(#[source] std::io::Error),
    /// The database.
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The master key.
    #[error("the master key can't be used")]
    MasterKey(#[from] vault::MasterKeyError),
    /// A sealed value.
    #[error("a key of the installation can't be opened")]
    Value(#[from] vault::ValueError),
    /// A key below the master key.
    #[error("a key of the installation can't be used")]
    Keys(#[from] vault::KeyError),
    /// The plans.
    #[error(transparent)]
    Plans(#[from] tools::plans::PlansError),
    /// A plan can't be given.
    #[error(transparent)]
    Limits(#[from] tools::plans::LimitsError),
    /// No organisation is meant by a name, or several are.
    #[error("no one organisation is called `{0}`; name it by its id")]
    Organisation(String),
    /// The record's keys.
    #[error("the keys of the record can't be used")]
    Journal(#[from] journal::JournalError),
    /// Measuring.
    #[error("nothing can be measured")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// The environment does not say well where spans go.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Keys come from elsewhere.
    #[error("the master keys do not come from a file; add a key where they come from")]
    NoKeyFile,
    /// Other processes would not find this one.
    #[error("how other processes reach this one is not known; set `peers.address`")]
    PeerAddress(#[source] std::io::Error),
    /// A key that is made of a sealed seed.
    #[error("a key of the installation is damaged")]
    SignerDamaged,
    /// The TLS client.
    #[error("the certificates of this machine can't be used")]
    Tls(#[source] rustls::Error),
    /// The listener.
    #[error("the address {address} can't be taken")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Serving.
    #[error("serving failed")]
    Serve(#[source] std::io::Error),
    /// The first owner.
    #[error("the first owner can't be made")]
    Owner(#[from] orgs::OrgsError),
    /// The demo.
    #[error("the demo can't be set up")]
    Demo(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The nodes.
    #[error("the local node can't be enrolled")]
    Nodes(#[from] nodes::NodesError),
    /// This program.
    #[error("the path of this program can't be found")]
    NodeBinary(#[source] std::io::Error),
    /// The node's program.
    #[error("the program of the local node is not at `{}`", .0.display())]
    NoNodeBinary(PathBuf),
    /// The document.
    #[error("the OpenAPI document can't be written")]
    Document(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Only SQLite installations are backed up this way.
    #[error("only an installation on SQLite is backed up this way; for Postgres use pg_dump")]
    NotEmbedded,
    /// The target is there already.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// Another server works on the same database.
    #[error("another server is running on `{}`", .0.display())]
    InUse(PathBuf),
    /// Reading or writing a backup.
    #[error("the backup can't be read or written")]
    Backup(#[source] std::io::Error),
}

impl ServerError {
    pub(crate) fn demo(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Demo(error.into())
    }
}

/// An error with everything behind it, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        // Some errors say what their sources say.
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

/// What a started server says about itself, once.
pub struct Ready {
    /// Where it answers.
    pub url: String,
    /// The owner's address.
    pub owner_email: String,
    /// How the owner signs in.
    pub sign_in: SignIn,
    /// What the demo has to try.
    pub demo: Option<DemoHints>,
    /// A key for the command line on this machine, made at the first start.
    pub cli_key: Option<SecretString>,
}

/// How the owner signs in.
pub enum SignIn {
    /// With this password, which was made just now and is shown once.
    Password(String),
    /// With the password that the configuration gave, or as before.
    Existing,
}

/// What the demo has to try.
pub struct DemoHints {
    /// A URL of this server that the demo's policy asks about.
    pub status_url: String,
}

/// Runs everything in one process until a signal says stop: the embedded installation.
///
/// # Errors
/// The server does not start, or serving fails.
pub async fn up(config: Config, on_ready: impl FnOnce(Ready)) -> Result<(), ServerError> {
    let exporter = observe(&config)?;
    let measured = metrics::install()?;
    let _alone = alone(&config)?;
    let app = start(&config).await?;
    let listener = listen(config.listen).await?;
    let ready = first_start(&app, &config).await?;
    if config.demo {
        demo::adopt_models(&app).await?;
    }
    let tasks = app.start(&config);
    if let Some(exporter) = exporter {
        tasks.spawn(exporter.run(app.stopping.clone()));
    }
    let router = measure(&app, &config, measured, &tasks).await?;
    let connected = Arc::new(Notify::new());
    let node = if config.node.local {
        let told = Arc::clone(&connected);
        app.nodes.on_connected(move |_, _| told.notify_one());
        Some(local_node::keep(&config, &app.nodes, app.stopping.clone()).await?)
    } else {
        None
    };
    let served = {
        let mut serving = pin!(answer(&app, router, listener));
        // It answers already; what is said to be ready should also have its node.
        let node_is_there = async {
            if node.is_some() {
                let _ = tokio::time::timeout(NODE_PATIENCE, connected.notified()).await;
            }
        };
        tokio::select! {
            served = &mut serving => served,
            () = node_is_there => {
                on_ready(ready);
                serving.await
            }
        }
    };
    app.stopping.cancel();
    tasks.wait().await;
    if let Some(node) = node {
        let _ = node.await;
    }
    served
}

/// Runs the roles of a configuration until a signal says stop.
///
/// # Errors
/// As [`up`].
pub async fn serve(config: Config) -> Result<(), ServerError> {
    let exporter = observe(&config)?;
    let measured = metrics::install()?;
    let _alone = alone(&config)?;
    let app = start(&config).await?;
    let listener = listen(config.listen).await?;
    let tasks = app.start(&config);
    if let Some(exporter) = exporter {
        tasks.spawn(exporter.run(app.stopping.clone()));
    }
    let router = measure(&app, &config, measured, &tasks).await?;
    let served = answer(&app, router, listener).await;
    app.stopping.cancel();
    tasks.wait().await;
    served
}

/// Logs, and makes spans if the environment says where they go; answers what sends them.
fn observe(config: &Config) -> Result<Option<telemetry::Exporter>, ServerError> {
    let telemetry = Telemetry::read(|name| std::env::var(name).ok())?;
    let (spans, exporter) = telemetry.map(telemetry::pair).unzip();
    logging::install(&config.log, spans);
    Ok(exporter)
}

/// Brings the schema up; answers what ran.
///
/// # Errors
/// The database.
pub async fn migrate(config: &Config) -> Result<Vec<&'static str>, ServerError> {
    let (db, _) = compose::open_database(config).await?;
    Ok(db.migrate().await?)
}

/// The OpenAPI document.
///
/// # Errors
/// The temporary folder can't be used.
pub async fn openapi_json() -> Result<String, ServerError> {
    compose::document().await
}

/// An SQLite file has one server: a second one would take the runs that the first works on for
/// those of a dead one. Held while the answer lives, and given back by the system if it dies.
fn alone(config: &Config) -> Result<Option<std::fs::File>, ServerError> {
    use rustix::fs::{FlockOperation, flock};
    let db::DatabaseConfig::Sqlite { path } = config.database() else {
        return Ok(None);
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    if let Some(folder) = name.parent() {
        compose::private_folder(folder)?;
    }
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(ServerError::DataDir)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ServerError::InUse(path)),
        Err(error) => Err(ServerError::DataDir(error.into())),
    }
}

async fn start(config: &Config) -> Result<App, ServerError> {
    let (db, authority) = compose::open_database(config).await?;
    db.migrate().await?;
    App::build(config, (db, authority)).await
}

/// Serves metrics where the configuration says: at a listener of their own, beside the API for who
/// has the token, or nowhere. Answers the routes of the API's listener.
async fn measure(
    app: &App,
    config: &Config,
    handle: PrometheusHandle,
    tasks: &TaskTracker,
) -> Result<axum::Router, ServerError> {
    let token = config.metrics_token.clone();
    let beside = token.is_some() && config.metrics_listen.is_none();
    let metrics = Metrics::new(handle, app.authority.clone(), app.nodes.clone(), token);
    if let Some(address) = config.metrics_listen {
        let listener = listen(address).await?;
        tasks.spawn(metrics.clone().serve(listener, app.stopping.clone()));
    }
    tasks.spawn(metrics.clone().upkeep(app.stopping.clone()));
    let router = app.router.clone();
    Ok(match beside {
        true => router.merge(metrics.router()),
        false => router,
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServerError::Listen { address, source })
}

/// Makes the owner, the organisation and the demo if there is nobody yet.
async fn first_start(app: &App, config: &Config) -> Result<Ready, ServerError> {
    let generated = config
        .owner
        .password
        .is_none()
        .then(|| generated_password(app));
    let password = generated.clone().map(SecretString::from);
    let new = NewOwner {
        email: config.owner.email.clone(),
        name: "Owner".to_owned(),
        org_name: if config.demo {
            "Demo".to_owned()
        } else {
            "Home".to_owned()
        },
        password: password.or_else(|| config.owner.password.clone()),
    };
    let demo = config.demo.then(|| DemoHints {
        status_url: format!("{}/livez", config::local_url(config.listen)),
    });
    let url = config.url();
    let Some(made) = app.orgs.bootstrap(new).await? else {
        let owner = app.orgs.first_owner().await?;
        let owner_email = owner.map_or_else(|| config.owner.email.clone(), |(user, _)| user.email);
        return Ok(Ready {
            url,
            owner_email,
            sign_in: SignIn::Existing,
            demo,
            cli_key: None,
        });
    };
    let ctx = owner_context(app, &made);
    if config.demo {
        demo::set_up(app, &ctx, &config.data_dir.join("node")).await?;
    }
    let cli_key = app.orgs.command_line_key(&ctx).await?;
    let sign_in = generated.map_or(SignIn::Existing, SignIn::Password);
    let owner_email = made.user.email;
    Ok(Ready {
        url,
        owner_email,
        sign_in,
        demo,
        cli_key: Some(cli_key),
    })
}

/// Twenty characters that are easy to read out: about a hundred bits.
fn generated_password(app: &App) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = |_| {
        let at = app.db.random().below(LETTERS.len() as u64);
        char::from(LETTERS[usize::try_from(at).unwrap_or(0)])
    };
    (0..20).map(letter).collect()
}

fn owner_context(app: &App, made: &orgs::Bootstrapped) -> OrgContext {
    app.authority
        .context(made.org.id, Actor::user(made.user.id), Role::Owner)
}

async fn answer(app: &App, router: axum::Router, listener: TcpListener) -> Result<(), ServerError> {
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    // A piece of a stream must not wait until the one before it was acknowledged.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let stopping = app.stopping.clone();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        tokio::select! {
            () = signal() => {}
            () = stopping.cancelled() => {}
        }
        // Streams and nodes end with it; they would keep the listener open for ever.
        stopping.cancel();
    });
    let stopped = app.stopping.clone();
    let patience = async {
        stopped.cancelled().await;
        app.nodes.shutdown(vocab::limits::REQUEST_TIMEOUT / 6).await;
        tokio::time::sleep(vocab::limits::REQUEST_TIMEOUT / 6).await;
    };
    let served = tokio::select! {
        served = serving => served.map_err(ServerError::Serve),
        // Whoever still reads a stream resumes it after the next start.
        () = patience => Ok(()),
    };
    app.edge.drain().await;
    served
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM can't be heard");
            let _ = interrupt.await;
        }
    }
}
