//! Where one domain needs another: small traits that the consumer owns, implemented here.

use std::sync::Arc;

use agents::{AgentError, SkillError, SkillPackages, Skills};
use chat::People;
use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use journal::{KeyStore, KeyStoreError, Seed};
use models::http::Scopes;
use models::public::{Asking, Leave, OpenRuns};
use models::{ModelsError, Scope};
use nodes::{JobLedger, JobStep, SkillSource};
use orgs::Orgs;
use protocol::skill::Package;
use runs::{MayNotAsk, RunError, Runs};
use tools::skill::SkillTexts;
use vault::Vault;
use vocab::{Digest, OrgId, RunId, UserId};

/// What skills say of themselves, out of the registry.
pub(crate) struct SkillPages(pub Skills);

impl SkillTexts for SkillPages {
    fn text<'a>(
        &'a self,
        ctx: &'a OrgContext,
        package: Digest,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async move {
            let tar = self
                .0
                .package(ctx, package)
                .await
                .map_err(|error| match error {
                    SkillError::Store(error) => error,
                    error => StoreError::Statement(error.into()),
                })?;
            let package = tar.and_then(|tar| Package::from_tar(&tar).ok());
            let file = package.as_ref().and_then(|it| it.file(path));
            Ok(file.and_then(|it| String::from_utf8(it.bytes.clone()).ok()))
        })
    }
}

/// The skills that nodes ask for, out of the registry.
pub(crate) struct SkillShelf(pub SkillPackages);

impl SkillSource for SkillShelf {
    fn package(&self, org: OrgId, digest: Digest) -> BoxFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            match self.0.package(org, digest).await {
                Ok(package) => package,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a skill is missing"
                    );
                    None
                }
            }
        })
    }
}

/// What the gateway asks about outcomes, out of the runs' journals.
pub(crate) struct Ledger(pub Runs);

impl JobLedger for Ledger {
    fn is_settled(&self, org: OrgId, job: JobStep) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            self.0
                .is_settled(org, job.run, job.job)
                .await
                .unwrap_or(false)
        })
    }
}

/// The record's signing keys, wrapped by the vault.
pub(crate) struct LogKeys(pub Vault);

const LOG_KEY: &str = "log signing key";

impl KeyStore for LogKeys {
    fn seal(&self, org: OrgId, seed: Seed) -> BoxFuture<'_, Result<Vec<u8>, KeyStoreError>> {
        let wrapped = self.0.values.wrap(org, LOG_KEY, &*seed);
        Box::pin(async move { wrapped.map_err(|error| KeyStoreError(error.into())) })
    }

    fn open(&self, org: OrgId, sealed: Vec<u8>) -> BoxFuture<'_, Result<Seed, KeyStoreError>> {
        let opened = self.0.values.unwrap(org, LOG_KEY, &sealed);
        Box::pin(async move {
            let bytes = opened.map_err(|error| KeyStoreError(error.into()))?;
            let seed: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| KeyStoreError("a signing key has 32 bytes".into()))?;
            Ok(Seed::new(seed))
        })
    }

    fn is_stale(&self, sealed: &[u8]) -> bool {
        self.0.values.is_stale(sealed)
    }
}

/// Who is a member, for the sharing of sessions.
pub(crate) struct Membership(pub Orgs);

impl People for Membership {
    fn is_member<'a>(
        &'a self,
        ctx: &'a OrgContext,
        user: UserId,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { orgs::is_member(ctx, user).await })
    }

    fn names<'a>(
        &'a self,
        ctx: &'a OrgContext,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<(UserId, String)>, StoreError>> {
        Box::pin(self.0.names(ctx, users))
    }
}

/// What budgets can be set on, from whoever has it.
pub(crate) struct Accounts(pub Runs);

impl Scopes for Accounts {
    fn has<'a>(
        &'a self,
        ctx: &'a OrgContext,
        scope: Scope,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            match scope {
                Scope::Org => Ok(true),
                // There are none yet.
                Scope::Project(_) => Ok(false),
                Scope::User(user) => orgs::is_member(ctx, user).await,
                Scope::Key(key) => orgs::has_key(ctx, key).await,
                Scope::Agent(agent) => match agents::service::get(ctx, agent).await {
                    Ok(_) => Ok(true),
                    Err(AgentError::NotFound(_)) => Ok(false),
                    Err(AgentError::Store(error)) => Err(error),
                    Err(error) => Err(StoreError::Statement(error.into())),
                },
                Scope::Run(run) => match self.0.get(ctx, run).await {
                    Ok(_) => Ok(true),
                    Err(RunError::NotFound(_)) => Ok(false),
                    Err(RunError::Store(error)) => Err(error),
                    Err(error) => Err(StoreError::Statement(error.into())),
                },
                Scope::Profile(profile) => match models::service::get_profile(ctx, profile).await {
                    Ok(_) => Ok(true),
                    Err(ModelsError::NoProfile(_)) => Ok(false),
                    Err(ModelsError::Store(error)) => Err(error),
                    Err(error) => Err(StoreError::Statement(error.into())),
                },
            }
        })
    }
}

/// The policies in force, for the model gateway.
pub(crate) struct InForce(pub tools::Policies);

impl models::Rules for InForce {
    fn in_force<'a>(
        &'a self,
        ctx: &'a OrgContext,
    ) -> BoxFuture<'a, Result<Arc<policy::PolicySet>, models::RulesError>> {
        Box::pin(async move {
            let found = self.0.in_force(ctx).await?;
            Ok(Arc::clone(&found.set))
        })
    }
}

/// What runs may ask models, for the tokens of runs.
pub(crate) struct RunsAsk(pub Runs);

impl OpenRuns for RunsAsk {
    fn may_ask<'a>(
        &'a self,
        ctx: &'a OrgContext,
        run: RunId,
        asked: Asking<'a>,
    ) -> BoxFuture<'a, Result<Option<Vec<Leave>>, StoreError>> {
        let leave = |answer| match answer {
            Ok(()) => Leave::Granted,
            Err(MayNotAsk(reason)) => Leave::Refused { reason },
        };
        Box::pin(async move {
            let Asking {
                models,
                spent_usd_micros,
            } = asked;
            let answers = self.0.may_ask(ctx, run, models, spent_usd_micros).await;
            let answers = answers.map_err(|error| match error {
                RunError::Store(error) => error,
                error => StoreError::Statement(error.into()),
            })?;
            Ok(answers.map(|answers| answers.into_iter().map(leave).collect()))
        })
    }
}
