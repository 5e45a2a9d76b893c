//! The gateway: what the routes, and agents in this process, ask models with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use db::{Authority, OrgContext, StoreError, WriteTx};
use egress::Trust;
use vault::{Secrets, Vault};
use vocab::limits::{
    MODEL_BETWEEN_TIMEOUT, MODEL_CONNECT_TIMEOUT, MODEL_FIRST_BYTE_TIMEOUT, MODEL_WHOLE_TIMEOUT,
};
use vocab::{AgentId, Clock, JobId, KeyId, ProjectId, Random, RunId, SessionId, UserId};

use crate::ModelError;
use crate::catalog::Catalog;
use crate::dispatch::Dispatcher;
use crate::ledger::{Ledger, RENEW};
use crate::rails::Rules;
use crate::route::{Asked, Breakers, Latencies, plan};
use crate::upstream::{Deadlines, Upstream};

/// How often dead processes are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// The model gateway of this process. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    vault: Vault,
    clock: Clock,
    random: Random,
    upstream: Upstream,
    catalog: Catalog,
    breakers: Breakers,
    latencies: Latencies,
    ledger: Ledger,
    deadlines: Deadlines,
}

/// How long providers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayConfig {
    /// For a connection.
    pub connect_timeout: Duration,
    /// Until the first byte of an answer.
    pub first_byte_timeout: Duration,
    /// From each piece of a stream to the next.
    pub between_timeout: Duration,
    /// For a whole answer.
    pub whole_timeout: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            connect_timeout: MODEL_CONNECT_TIMEOUT,
            first_byte_timeout: MODEL_FIRST_BYTE_TIMEOUT,
            between_timeout: MODEL_BETWEEN_TIMEOUT,
            whole_timeout: MODEL_WHOLE_TIMEOUT,
        }
    }
}

/// On whose account a call is: whose budgets it is held against, and under whose name it is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spender {
    /// The agent that asks.
    pub agent: Option<AgentId>,
    /// The person behind it.
    pub user: Option<UserId>,
    /// The API key that was shown.
    pub key: Option<KeyId>,
    /// The run that it is a step of.
    pub run: Option<RunId>,
    /// The session that the run belongs to.
    pub session: Option<SessionId>,
    /// The project that it is for.
    pub project: Option<ProjectId>,
    /// What the run may spend in all, if its agent says so.
    pub run_budget_usd_micros: Option<u64>,
}

impl Gateway {
    /// A gateway whose secrets are in this vault.
    ///
    /// # Errors
    /// The machine's certificates can't be used.
    pub fn new(
        vault: Vault,
        clock: Clock,
        random: Random,
        config: GatewayConfig,
    ) -> Result<Self, rustls::Error> {
        Self::open(vault, (clock, random), config, None)
    }

    /// The same, with policies that calls on the public routes are held against.
    ///
    /// # Errors
    /// The machine's certificates can't be used.
    pub fn with_rules(
        vault: Vault,
        clock: Clock,
        random: Random,
        config: GatewayConfig,
        rules: Arc<dyn Rules>,
    ) -> Result<Self, rustls::Error> {
        Self::open(vault, (clock, random), config, Some(rules))
    }

    fn open(
        vault: Vault,
        (clock, random): (Clock, Random),
        config: GatewayConfig,
        rules: Option<Arc<dyn Rules>>,
    ) -> Result<Self, rustls::Error> {
        let upstream = Upstream::new(egress::Client::new(Trust::System)?);
        Ok(Self(Arc::new(Inner {
            catalog: Catalog::new(upstream.clone(), vault.secrets.clone(), rules),
            vault,
            ledger: Ledger::new(JobId::generate(&clock, &random)),
            clock,
            random,
            upstream,
            breakers: Breakers::default(),
            latencies: Latencies::default(),
            deadlines: Deadlines {
                connect: config.connect_timeout,
                first_byte: config.first_byte_timeout,
                between: config.between_timeout,
                whole: config.whole_timeout,
            },
        })))
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.vault.secrets
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// How many tokens a model reads and writes together: of a profile, as many as each of its
    /// targets does. `None` if nobody knows of any.
    ///
    /// # Errors
    /// There is no such model, or the database.
    pub async fn context_tokens(
        &self,
        ctx: &OrgContext,
        model: impl Into<Asked>,
    ) -> Result<Option<u64>, ModelError> {
        let models = self.catalog().of(ctx).await?;
        let plan = plan(&models, &model.into())?;
        let known = plan.candidates.iter().filter_map(|it| it.context_tokens);
        Ok(known.min())
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn random(&self) -> &Random {
        &self.0.random
    }

    pub(crate) fn latencies(&self) -> &Latencies {
        &self.0.latencies
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        self.0.deadlines
    }

    pub(crate) fn dispatcher(&self) -> Dispatcher<'_> {
        Dispatcher {
            clock: &self.0.clock,
            random: &self.0.random,
            breakers: &self.0.breakers,
            latencies: &self.0.latencies,
            deadlines: self.0.deadlines,
        }
    }

    /// Commits a change of what calls are decided by, so that the next call sees it.
    pub(crate) async fn commit_change(
        &self,
        ctx: &OrgContext,
        tx: WriteTx,
    ) -> Result<(), StoreError> {
        let committed = tx.commit().await;
        // Whatever was said: it may have happened.
        self.0.catalog.forget(ctx.org());
        committed
    }

    /// Writes down what calls cost, says that this process is alive, and settles what dead ones left
    /// open, until `stop` is ready and every call has ended. Without it, calls are let in until too
    /// many wait to be written.
    pub async fn run(&self, authority: &Authority, stop: impl Future<Output = ()>) {
        let ledger = &self.0.ledger;
        let mut writing = std::pin::pin!(ledger.write_groups(&self.0.vault, stop));
        let mut renewals = tokio::time::interval(RENEW);
        let mut sweeps = tokio::time::interval(SWEEP);
        loop {
            let done = tokio::select! {
                () = &mut writing => return,
                _ = renewals.tick() => ledger.renew(authority).await,
                _ = sweeps.tick() => self.sweep(authority).await.map(drop),
            };
            if let Err(error) = done {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "the upkeep of the model gateway failed");
            }
        }
    }

    /// Closes connections that nobody used for a while, and settles calls that a process left open
    /// when it died; answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self, authority: &Authority) -> Result<usize, StoreError> {
        self.0.upstream.sweep();
        self.0.ledger.sweep(authority, &self.0.vault).await
    }

    /// Writes down now what has been settled. For tests and tools; [`Gateway::run`] is the usual way.
    pub async fn write_down(&self) -> bool {
        self.0.ledger.write_all(&self.0.vault).await
    }
}
