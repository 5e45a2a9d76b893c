//! Putting the house together: which part gets which, in the order in which they depend on each
//! other. No part is made anywhere else.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agents::Skills;
use chat::{Answers, Chat, Live};
use db::{Authority, Blobs, Db};
use edge::{Edge, EdgeConfig, OpenApiRouter, Quota};
use journal::{Hub, Sequencer};
use models::public::{Door, RunTokens};
use models::{Gateway, GatewayConfig};
use nodes::{Nodes, Timing};
use orgs::{Orgs, OrgsConfig};
use policy::capability::{PublicKey, Signer};
use runs::{Engine, Parts, Runs, Worker};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tools::plans::{Plans, Turnstile};
use tools::{Broker, Policies, Road};
use vault::{MasterKeys, Vault};
use vocab::{Clock, JobId, Random};
use zeroize::Zeroizing;

use crate::ServerError;
use crate::adapters::{
    Accounts, InForce, Ledger, LogKeys, Membership, RunsAsk, SkillPages, SkillShelf,
};
use crate::briefing::Briefings;
use crate::config::{self, Config, ProcessRole};
use crate::events::{self, Record};
use crate::meta;
use crate::relay::ToControllers;
use crate::run_tokens;
use crate::several::Several;
use crate::thinking::Models;
use vault::MasterKeySource;

/// How often what has expired is cleaned up.
const SWEEP: Duration = Duration::from_secs(300);

/// Every part of an installation, in one process.
pub(crate) struct App {
    pub db: Db,
    pub authority: Authority,
    pub vault: Vault,
    pub orgs: Orgs,
    pub models: Gateway,
    pub run_tokens: RunTokens,
    pub nodes: Nodes,
    pub runs: Runs,
    pub chat: Chat,
    pub skills: Skills,
    pub policies: Policies,
    pub worker: Option<Worker>,
    pub hub: Hub,
    pub edge: Edge,
    pub router: axum::Router,
    pub several: Option<Several>,
    pub stopping: CancellationToken,
}

/// Makes a folder: nobody else on this machine has any business in there.
pub(crate) fn private_folder(folder: &Path) -> Result<(), ServerError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(ServerError::DataDir)
}

/// Opens the database of a configuration.
pub(crate) async fn open_database(config: &Config) -> Result<(Db, Authority), ServerError> {
    private_folder(&config.data_dir)?;
    Ok(Db::open(&config.database(), Clock::system(), Random::system()).await?)
}

/// The keys under which everything else is encrypted. A file is made at the first start, and never
/// where something is encrypted already: a new key would open nothing.
pub(crate) async fn master_keys(
    config: &Config,
    authority: &Authority,
) -> Result<MasterKeys, ServerError> {
    let keys = match &config.master_key {
        MasterKeySource::File(path) if !vault::is_in_use(authority).await? => {
            MasterKeys::load_or_create(path, &Random::system())?
        }
        source => MasterKeys::load(source).await?,
    };
    Ok(keys)
}

/// What organisations may do with tools, by the names of plans.
pub(crate) fn plans(config: &Config) -> Result<Plans, ServerError> {
    let config::Plans { file, default } = &config.plans;
    Ok(Plans::load(file.as_deref(), default)?)
}

/// The store of large ciphertexts.
pub(crate) fn blobs(config: &Config) -> Result<Blobs, ServerError> {
    Blobs::local(&config.data_dir.join("blobs")).map_err(ServerError::DataDir)
}

impl App {
    /// Builds every part. The database must be migrated.
    pub(crate) async fn build(
        config: &Config,
        (db, authority): (Db, Authority),
    ) -> Result<Self, ServerError> {
        let vault = Vault::new(
            master_keys(config, &authority).await?,
            blobs(config)?,
            db.clock().clone(),
            db.random().clone(),
        );
        let signer = Arc::new(signer(&vault, &authority).await?);
        let public: Arc<[PublicKey]> = Arc::new([signer.public()]);
        let stopping = CancellationToken::new();

        let orgs = Orgs::new(authority.clone(), orgs_config(config), mailer(config, &db));
        let (clock, random) = (db.clock().clone(), db.random().clone());
        let policies = Policies::default();
        let models = Gateway::with_rules(
            vault.clone(),
            clock,
            random,
            GatewayConfig::default(),
            Arc::new(InForce(policies.clone())),
        );
        let models = models.map_err(ServerError::Tls)?;
        let run_tokens = RunTokens::new(authority.clone());
        let shown = signer.public().to_string();
        let keys = Arc::new(move || vec![shown.clone()]);
        let nodes = Nodes::open(authority.clone(), keys, Timing::default()).await?;
        let http = egress::Client::new(egress::Trust::System).map_err(ServerError::Tls)?;
        let several = Several::open(config, &vault, &authority).await?;
        let live = match &several {
            Some(it) => Live::among(it.placements.clone(), Arc::new(it.peers.clone())),
            None => Live::new(),
        };
        let skills = Skills::new(vault.content.clone());
        let thinking = Models {
            gateway: models.clone(),
            content: vault.content.clone(),
            live: live.clone(),
        };
        let broker = Broker::new(public, http, vault.clone(), Arc::new(nodes.clone()))
            .with_models(Arc::new(thinking))
            .with_skills(Arc::new(SkillPages(skills.clone())));
        let turnstile = Turnstile::new(authority.clone(), plans(config)?);
        let road = Road::new(policies.clone(), signer, broker, turnstile);
        let people = Arc::new(Membership(orgs.clone()));
        let wake = Arc::new(Notify::new());
        let briefings = Briefings {
            skills: skills.clone(),
            people: people.clone(),
            content: vault.content.clone(),
            models: models.clone(),
            context_percent: config.chat.context_percent,
            wake: Arc::clone(&wake),
            artifacts: vault.artifacts.clone(),
            nodes: Arc::new(nodes.clone()),
        };
        let engine = Engine::new(Parts {
            authority: authority.clone(),
            road,
            vault: vault.clone(),
            programs: Arc::new(agents::programs),
            directory: Arc::new(agents::Directory),
            sessions: Arc::new(Answers::new(vault.content.clone(), vault.artifacts.clone())),
            briefing: Arc::new(briefings),
            holder: JobId::generate(db.clock(), db.random()).to_string(),
            wake,
        });
        let worker = config.has(ProcessRole::Worker).then(|| {
            Worker::new(
                engine.clone(),
                config.worker.concurrency,
                stopping.child_token(),
            )
        });
        let runs = Runs::new(engine, worker.clone());
        let chat = Chat::new(chat::Parts {
            authority: authority.clone(),
            runs: runs.clone(),
            content: vault.content.clone(),
            artifacts: vault.artifacts.clone(),
            people,
            live,
            placements: several.as_ref().map(|it| it.placements.clone()),
        });
        nodes.set_skills(Arc::new(SkillShelf(skills.source(authority.clone()))));
        nodes.set_ledger(Arc::new(Ledger(runs.clone())));
        wake_runs_on_connection(&nodes, &runs);

        let hub = Hub::new();
        let edge = Edge::new(
            edge_config(config),
            authority.clone(),
            Arc::new(orgs.clone()),
        );
        if let Some(it) = &several {
            edge.relay_by(Arc::new(ToControllers {
                placements: it.placements.clone(),
                peers: it.peers.clone(),
                chat: chat.clone(),
            }));
        }
        let areas = areas(&Areas {
            orgs: &orgs,
            vault: &vault,
            models: &models,
            run_tokens: &run_tokens,
            runs: &runs,
            skills: &skills,
            chat: &chat,
            nodes: &nodes,
            hub: &hub,
            authority: &authority,
        });
        let (router, _document) = edge.finish(areas.routes);
        // Models may think for minutes, and their clients have keys and errors of their own.
        let router = router.merge(areas.gateway);
        Ok(Self {
            db,
            authority,
            vault,
            orgs,
            models,
            run_tokens,
            nodes,
            runs,
            chat,
            skills,
            policies,
            worker,
            hub,
            edge,
            router,
            several,
            stopping,
        })
    }

    /// Starts what works by itself: the worker, the sequencer, the sweeper.
    pub(crate) fn start(&self, config: &Config) -> tokio_util::task::TaskTracker {
        let tasks = tokio_util::task::TaskTracker::new();
        if let Some(worker) = self.worker.clone() {
            let alone = self.db.engine() == db::Engine::Sqlite;
            tasks.spawn(async move { worker.run(alone).await });
        }
        // One process seals; the others that have listeners hear from it what was sealed.
        if config.has(ProcessRole::Sweeper) || config.has(ProcessRole::Api) {
            let keys = Arc::new(LogKeys(self.vault.clone()));
            let sequencer = Sequencer::new(self.authority.clone(), keys, self.hub.clone());
            tasks.spawn(sequencer.run(self.stopping.clone().cancelled_owned()));
        }
        let (models, authority) = (self.models.clone(), self.authority.clone());
        let stopping = self.stopping.clone().cancelled_owned();
        tasks.spawn(async move { models.run(&authority, stopping).await });
        if config.has(ProcessRole::Sweeper) {
            tasks.spawn(sweep(
                self.authority.clone(),
                self.vault.clone(),
                self.chat.clone(),
                self.orgs.clone(),
                self.run_tokens.clone(),
                self.edge.clone(),
                self.stopping.clone(),
            ));
        }
        if let Some(several) = &self.several {
            let answering = (self.chat.live().clone(), self.router.clone());
            several.start(answering, &self.stopping, &tasks);
        }
        tasks.close();
        tasks
    }
}

/// What the routes are made of.
struct Areas<'a> {
    orgs: &'a Orgs,
    vault: &'a Vault,
    models: &'a Gateway,
    run_tokens: &'a RunTokens,
    runs: &'a Runs,
    skills: &'a Skills,
    chat: &'a Chat,
    nodes: &'a Nodes,
    hub: &'a Hub,
    authority: &'a Authority,
}

/// The routes behind the edge, and those beside it.
struct Routes {
    /// All of the document is here, the routes behind the edge are.
    routes: OpenApiRouter,
    /// What speaks the dialects of model providers.
    gateway: axum::Router,
}

fn areas(of: &Areas<'_>) -> Routes {
    let record = Record {
        hub: of.hub.clone(),
        runs: of.runs.clone(),
        authority: of.authority.clone(),
        keys: Arc::new(LogKeys(of.vault.clone())),
    };
    let accounts = Arc::new(Accounts(of.runs.clone()));
    let caller = Arc::new(of.orgs.clone());
    let asks = Arc::new(RunsAsk(of.runs.clone()));
    let door = Door::new(of.models.clone(), caller, of.run_tokens.clone(), asks);
    let (gateway, described) = models::public::routes(door);
    let routes = OpenApiRouter::with_openapi(described)
        .merge(orgs::routes(of.orgs.clone()))
        .merge(models::http::routes(of.models.clone(), accounts))
        .merge(agents::http::routes(of.skills.clone()))
        .merge(chat::http::routes(of.chat.clone(), of.hub.clone()))
        .merge(runs::http::routes(of.runs.clone()))
        .merge(run_tokens::routes(run_tokens::Desk {
            runs: of.runs.clone(),
            tokens: of.run_tokens.clone(),
        }))
        .merge(tools::http::routes(
            of.runs.engine().road().clone(),
            of.vault.clone(),
        ))
        .merge(nodes::http::routes(of.nodes.clone()))
        .merge(events::routes(record))
        .merge(meta::routes(
            of.authority.clone(),
            of.runs.engine().road().turnstile().clone(),
        ));
    Routes { routes, gateway }
}

/// The key that signs capability tokens: the same for every process of the installation.
async fn signer(vault: &Vault, authority: &Authority) -> Result<Signer, ServerError> {
    let bytes = seed(vault, authority, "capability-signer").await?;
    Signer::from_bytes(&bytes).map_err(|_| ServerError::SignerDamaged)
}

/// The seed of a key of the installation, sealed in the database: the same for every process.
pub(crate) async fn seed(
    vault: &Vault,
    authority: &Authority,
    name: &'static str,
) -> Result<Zeroizing<[u8; 32]>, ServerError> {
    let random = authority.db().random().clone();
    let make = move || Zeroizing::new(random.bytes::<32>().to_vec());
    let values = &vault.values;
    let stored = values.installation_get_or_create(authority, name, make);
    let bytes = stored.await?.bytes;
    let bytes = bytes.as_slice().try_into();
    Ok(Zeroizing::new(
        bytes.map_err(|_| ServerError::SignerDamaged)?,
    ))
}

fn orgs_config(config: &Config) -> OrgsConfig {
    OrgsConfig {
        public_url: config.url(),
        https: config.https(),
        open_registration: true,
    }
}

fn mailer(config: &Config, db: &Db) -> Arc<dyn orgs::mail::Mailer> {
    let folder = config.data_dir.join("outbox");
    Arc::new(orgs::mail::Outbox::new(
        folder,
        db.clock().clone(),
        db.random().clone(),
    ))
}

fn edge_config(config: &Config) -> EdgeConfig {
    let quota = |per_minute: u32| (per_minute > 0).then(|| Quota::per_minute(per_minute));
    EdgeConfig {
        auth_quota: quota(config.rate_limits.auth_per_minute),
        api_quota: quota(config.rate_limits.api_per_minute),
        cors_origins: config
            .cors_origins
            .iter()
            .filter_map(|it| it.parse().ok())
            .collect(),
        proxies: config.proxies,
        https: config.https(),
        pages: Some(web::answer),
        ..EdgeConfig::default()
    }
}

fn wake_runs_on_connection(nodes: &Nodes, runs: &Runs) {
    let runs = runs.clone();
    nodes.on_connected(move |_node, _org| {
        let runs = runs.clone();
        // Detached: it is one small transaction, and losing it costs the next look at the queue.
        tokio::spawn(async move {
            if let Err(error) = runs.node_is_there().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "runs were not woken"
                );
            }
        });
    });
}

async fn sweep(
    authority: Authority,
    vault: Vault,
    chat: Chat,
    orgs: Orgs,
    run_tokens: RunTokens,
    edge: Edge,
    stopping: CancellationToken,
) {
    let (clock, random) = (authority.db().clock(), authority.db().random());
    let holder = JobId::generate(clock, random).to_string();
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = vault.sweep(&authority).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "contents were not swept"
            );
        }
        if let Err(error) = chat.sweep(&authority, &holder, clock.now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sessions were not swept"
            );
        }
        if let Err(error) = orgs.sweep().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "logins were not swept"
            );
        }
        if let Err(error) = run_tokens.sweep().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "tokens of runs were not swept"
            );
        }
        if let Err(error) = edge.sweep().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "keys were not swept"
            );
        }
    }
}

/// The OpenAPI document of the routes, without an installation behind them.
pub(crate) async fn document() -> Result<String, ServerError> {
    let folder = std::env::temp_dir().join(format!("chancery-openapi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(ServerError::DataDir)?;
    let built = document_in(&folder).await;
    let _ = std::fs::remove_dir_all(&folder);
    built
}

async fn document_in(folder: &Path) -> Result<String, ServerError> {
    let overrides = crate::config::Overrides {
        data_dir: Some(folder.to_owned()),
        ..Default::default()
    };
    let config = crate::config::load_from(&overrides, std::iter::empty(), folder)?.config;
    let (db, authority) = open_database(&config).await?;
    db.migrate().await?;
    let app = App::build(&config, (db, authority)).await?;
    let areas = areas(&Areas {
        orgs: &app.orgs,
        vault: &app.vault,
        models: &app.models,
        run_tokens: &app.run_tokens,
        runs: &app.runs,
        skills: &app.skills,
        chat: &app.chat,
        nodes: &app.nodes,
        hub: &app.hub,
        authority: &app.authority,
    });
    let (_, document) = app.edge.finish(areas.routes);
    document
        .to_pretty_json()
        .map_err(|error| ServerError::Document(error.into()))
}
