//! What an organisation has to ask, and its budgets: providers, opened, and profiles.
//!
//! A call must not wait for the database, so what it is decided by is kept in memory. What is more
//! than [`FRESH_FOR`] old is not used; where calls are frequent, it is read anew beside them before
//! ([`AHEAD_AFTER`]). It is forgotten at once when this process commits a change of it. So a change
//! made here is in force for the next call, and one made by another process, or a new version of a
//! secret, within a second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use db::OrgContext;
use policy::PolicySet;
use tokio::sync::Mutex;
use vault::Secrets;
use vocab::{ModelProfileId, OrgId, ProviderId};

use crate::ModelsError;
use crate::account::Account;
use crate::ledger::{Budget, Scope};
use crate::model::{Profile, Recording};
use crate::rails::Rules;
use crate::store::{budgets, profiles, providers, settings};
use crate::upstream::Upstream;

/// How old what a call is decided by may be.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How old it is when a call has it read anew without waiting for that.
const AHEAD_AFTER: Duration = Duration::from_millis(500);
/// How many organisations are kept in mind. If there are more, all are forgotten.
const ORGS_MAX: usize = 10_000;
/// How many organisations are read at once.
const TURNS: usize = 16;
/// More than an organisation can have.
const ALL: u32 = 100_000;

/// The models of every organisation that asked lately. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog(Arc<Inner>);

struct Inner {
    upstream: Upstream,
    secrets: Secrets,
    rules: Option<Arc<dyn Rules>>,
    known: RwLock<HashMap<OrgId, Arc<OrgModels>>>,
    /// Rises with each change; what was read before one is not kept after it.
    version: AtomicU64,
    /// One organisation is read once at a time. Several share a turn, by chance.
    turns: [Mutex<()>; TURNS],
}

/// What one organisation has to ask.
pub(crate) struct OrgModels {
    read_at: Instant,
    /// Whether a call has it read anew already.
    ahead: AtomicBool,
    accounts: HashMap<ProviderId, Result<Arc<Account>, Arc<str>>>,
    providers: HashMap<String, ProviderId>,
    profiles: HashMap<String, Arc<Profile>>,
    profile_names: HashMap<ModelProfileId, String>,
    budgets: HashMap<Scope, Budget>,
    recording: Recording,
    /// The policies in force, or why they can't be had; nothing where nobody keeps any.
    rules: Option<Result<Arc<PolicySet>, Arc<str>>>,
}

impl Catalog {
    pub fn new(upstream: Upstream, secrets: Secrets, rules: Option<Arc<dyn Rules>>) -> Self {
        Self(Arc::new(Inner {
            upstream,
            secrets,
            rules,
            known: RwLock::default(),
            version: AtomicU64::new(0),
            turns: std::array::from_fn(|_| Mutex::new(())),
        }))
    }

    /// What the caller's organisation has to ask.
    pub async fn of(&self, ctx: &OrgContext) -> Result<Arc<OrgModels>, ModelsError> {
        if let Some(found) = self.fresh(ctx.org()) {
            self.look_ahead(ctx, &found);
            return Ok(found);
        }
        let _turn = self.turn(ctx.org()).lock().await;
        // Somebody else may have read it while this one waited.
        if let Some(found) = self.fresh(ctx.org()) {
            return Ok(found);
        }
        self.renew(ctx).await
    }

    /// Has what is about to be too old read anew, by a task of its own.
    fn look_ahead(&self, ctx: &OrgContext, found: &OrgModels) {
        if found.read_at.elapsed() < AHEAD_AFTER || found.ahead.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, ctx) = (self.clone(), ctx.clone());
        tokio::spawn(async move {
            let _turn = this.turn(ctx.org()).lock().await;
            // If it fails, the next call that needs it reads it, and says why.
            let _ = this.renew(&ctx).await;
        });
    }

    async fn renew(&self, ctx: &OrgContext) -> Result<Arc<OrgModels>, ModelsError> {
        let version = self.0.version.load(Ordering::SeqCst);
        let read = Arc::new(self.read(ctx).await?);
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ORGS_MAX {
            known.clear();
        }
        if version == self.0.version.load(Ordering::SeqCst) {
            known.insert(ctx.org(), Arc::clone(&read));
        }
        Ok(read)
    }

    /// Forgets what was known of an organisation: it has changed.
    pub fn forget(&self, org: OrgId) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        self.0.version.fetch_add(1, Ordering::SeqCst);
        known.remove(&org);
    }

    fn turn(&self, org: OrgId) -> &Mutex<()> {
        // The last byte of a UUIDv7 is random.
        &self.0.turns[usize::from(org.uuid().as_bytes()[15]) % TURNS]
    }

    fn fresh(&self, org: OrgId) -> Option<Arc<OrgModels>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&org)?;
        (found.read_at.elapsed() < FRESH_FOR).then(|| Arc::clone(found))
    }

    async fn read(&self, ctx: &OrgContext) -> Result<OrgModels, ModelsError> {
        let read_at = Instant::now();
        let mut tx = ctx.read().await?;
        let providers = providers::list(&mut tx, None, ALL).await?;
        let profiles = profiles::list(&mut tx, None, ALL).await?;
        let budgets = budgets::list(&mut tx).await?;
        let (recording, _) = settings::recording(&mut tx).await?;
        drop(tx);
        let used = self.0.secrets.use_for_providers(ctx).await?;
        let rules = match &self.0.rules {
            Some(rules) => {
                let found = rules.in_force(ctx).await;
                Some(found.map_err(|error| Arc::from(error.to_string())))
            }
            None => None,
        };
        let mut secrets: HashMap<_, _> = used.into_iter().collect();
        let mut found = OrgModels {
            read_at,
            ahead: AtomicBool::new(false),
            accounts: HashMap::new(),
            providers: HashMap::new(),
            profiles: HashMap::new(),
            profile_names: HashMap::new(),
            budgets: budgets.into_iter().map(|it| (it.scope, it)).collect(),
            recording,
            rules,
        };
        for provider in providers {
            let secret = secrets.remove(&provider.id);
            let account = match (&provider.definition.secret, secret) {
                (Some(_), None) => Err("its secret was deleted".into()),
                (_, Some(Err(error))) => Err(error.to_string().into()),
                (_, Some(Ok(secret))) => self.open(&provider, Some(&secret)),
                (None, None) => self.open(&provider, None),
            };
            found
                .providers
                .insert(provider.definition.name, provider.id);
            found.accounts.insert(provider.id, account);
        }
        for profile in profiles {
            let name = profile.definition.name.clone();
            found.profile_names.insert(profile.id, name.clone());
            found.profiles.insert(name, Arc::new(profile));
        }
        Ok(found)
    }

    fn open(
        &self,
        provider: &crate::model::Provider,
        secret: Option<&vault::UsedSecret>,
    ) -> Result<Arc<Account>, Arc<str>> {
        let opened = Account::open(&self.0.upstream, provider, secret);
        opened
            .map(Arc::new)
            .map_err(|error| error.to_string().into())
    }
}

impl OrgModels {
    /// The account of a provider, or what is wrong with it; `None` if there is no such provider.
    pub fn account(&self, id: ProviderId) -> Option<&Result<Arc<Account>, Arc<str>>> {
        self.accounts.get(&id)
    }

    /// The provider of this name.
    pub fn provider_named(&self, name: &str) -> Option<ProviderId> {
        self.providers.get(name).copied()
    }

    /// The profile of this name.
    pub fn profile_named(&self, name: &str) -> Option<&Arc<Profile>> {
        self.profiles.get(name)
    }

    /// The profile with this id.
    pub fn profile(&self, id: ModelProfileId) -> Option<&Arc<Profile>> {
        self.profiles.get(self.profile_names.get(&id)?)
    }

    /// The budget of a scope.
    pub fn budget(&self, scope: Scope) -> Option<&Budget> {
        self.budgets.get(&scope)
    }

    /// What is kept of what is asked and answered.
    pub fn recording(&self) -> Recording {
        self.recording
    }

    /// The policies in force, if anybody keeps any, or why they can't be had.
    pub fn rules(&self) -> Option<&Result<Arc<PolicySet>, Arc<str>>> {
        self.rules.as_ref()
    }

    /// Every profile, by name.
    pub fn profiles(&self) -> Vec<&Arc<Profile>> {
        let mut all: Vec<_> = self.profiles.values().collect();
        all.sort_unstable_by(|a, b| a.definition.name.cmp(&b.definition.name));
        all
    }
}
