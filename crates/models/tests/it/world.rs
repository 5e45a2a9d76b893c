//! A gateway behind its routes, for callers whose token is a role.

use std::sync::{Arc, Mutex};

use db::testing::TestDb;
use db::{Authority, Blobs, OrgContext, StoreError};
use edge::testing::Client;
use edge::{AuthError, Authenticator, Caller, Credential, Edge, EdgeConfig, Standing};
use fakes::Fake;
use futures::future::BoxFuture;
use models::public::{Asking, Door, Leave, OpenRuns, RunTokens};
use models::{Gateway, GatewayConfig, Rules};
use serde_json::{Value, json};
use tokio::sync::watch;
use vault::{MasterKeys, Vault};
use vocab::{
    Actor, Clock, Digest, KeyId, LoginId, ModelProfileId, OrgId, Random, Role, RunId, UserId,
};

pub struct World {
    pub db: TestDb,
    pub ctx: OrgContext,
    /// Another organisation, in which every role is known too.
    pub other: OrgId,
    pub vault: Vault,
    pub gateway: Gateway,
    pub run_tokens: RunTokens,
    pub runs: OneRun,
    /// In the organisation of `ctx`, as nobody.
    pub client: Client,
    _folder: tempfile::TempDir,
}

/// A token is a role, in every organisation that the test made; `chk_` before it makes it a key.
struct Gate {
    authority: Authority,
    user: UserId,
    orgs: Vec<OrgId>,
    changes: watch::Sender<u64>,
}

impl Authenticator for Gate {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        let (role, key) = match token.strip_prefix("chk_") {
            Some(role) => (role, true),
            None => (token, false),
        };
        let found = role.parse::<Role>().ok().map(|role| {
            let standing = match org {
                None => Standing::NoOrganisation,
                Some(org) if self.orgs.contains(&org) => {
                    Standing::Member(self.authority.context(org, Actor::user(self.user), role))
                }
                Some(_) => Standing::Stranger,
            };
            let credential = match key {
                true => Credential::Key(KeyId::from_uuid(self.user.uuid())),
                false => Credential::Login(LoginId::from_uuid(self.user.uuid())),
            };
            Caller::new(self.user, credential, standing)
        });
        Box::pin(async move { found.ok_or(AuthError::Refused) })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

impl World {
    pub async fn new(db: TestDb) -> Self {
        Self::with(db, GatewayConfig::default()).await
    }

    /// With policies, of which each call on the public routes is asked.
    pub async fn ruled(db: TestDb, rules: impl Rules + 'static) -> Self {
        Self::open(db, GatewayConfig::default(), Some(Arc::new(rules))).await
    }

    pub async fn with(db: TestDb, config: GatewayConfig) -> Self {
        Self::open(db, config, None).await
    }

    async fn open(db: TestDb, config: GatewayConfig, rules: Option<Arc<dyn Rules>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let random = Random::system();
        let vault = Vault::new(
            MasterKeys::generate(&random).unwrap(),
            Blobs::local(folder.path()).unwrap(),
            Clock::system(),
            random,
        );
        let (ctx, other) = (db.org().await, db.org().await);
        let gate = Gate {
            authority: db.authority.clone(),
            user: ctx.actor().user.unwrap(),
            orgs: vec![ctx.org(), other.org()],
            changes: watch::Sender::new(0),
        };
        let limits = EdgeConfig {
            auth_quota: None,
            api_quota: None,
            ..EdgeConfig::default()
        };
        let gate = Arc::new(gate);
        let edge = Edge::new(limits, db.authority.clone(), gate.clone());
        let (clock, random) = (Clock::system(), Random::system());
        let gateway = match rules {
            Some(rules) => Gateway::with_rules(vault.clone(), clock, random, config, rules),
            None => Gateway::new(vault.clone(), clock, random, config),
        };
        let gateway = gateway.unwrap();
        let (router, _) = edge.finish(models::http::routes(gateway.clone(), Arc::new(Everything)));
        let run_tokens = RunTokens::new(db.authority.clone());
        let runs = OneRun::default();
        let door = Door::new(
            gateway.clone(),
            gate,
            run_tokens.clone(),
            Arc::new(runs.clone()),
        );
        let (public, _) = models::public::routes(door);
        let client = Client::new(router.merge(public)).org(ctx.org());
        Self {
            db,
            ctx,
            other: other.org(),
            vault,
            gateway,
            run_tokens,
            runs,
            client,
            _folder: folder,
        }
    }

    pub fn as_role(&self, role: &str) -> Client {
        self.client.clone().bearer(role)
    }

    /// A secret, by its id.
    pub async fn secret(&self, value: &str) -> String {
        let mut tx = self.ctx.write().await.unwrap();
        let name = format!("s{}", hex::encode(self.ctx.random().bytes::<8>()));
        let secrets = &self.vault.secrets;
        let made = secrets
            .create(&self.ctx, &mut tx, &name, &value.into())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        made.id.to_string()
    }

    /// A provider on this machine, by its id.
    pub async fn provider(&self, name: &str) -> String {
        let new =
            json!({"type": "openai_compatible", "name": name, "base_url": "http://127.0.0.1:9/v1"});
        let made = self
            .as_role("admin")
            .post("/v1/providers", new)
            .await
            .expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A provider of a type that the fake plays, with a key that it knows. Its name is its type.
    pub async fn fake(&self, fake: &Fake, kind: &str) -> String {
        let base = match kind {
            "azure_openai" => "/openai/v1",
            "openrouter" => "/api/v1",
            "openai_compatible" => "/local/v1",
            "anthropic" | "openai" | "gemini" | "bedrock" => "",
            other => panic!("the fake plays no {other}"),
        };
        let secret = self.secret(fakes::KEY).await;
        let mut new =
            json!({"type": kind, "name": kind, "base_url": fake.url(base), "secret_id": secret});
        if kind == "bedrock" {
            new["region"] = json!(fakes::AWS_REGION);
        }
        let made = self
            .as_role("admin")
            .post("/v1/providers", new)
            .await
            .expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A profile of these targets, by its id.
    pub async fn profile(
        &self,
        name: &str,
        strategy: &str,
        targets: &[(&str, &str)],
    ) -> ModelProfileId {
        let target =
            |(provider, model): &(&str, &str)| json!({"provider_id": provider, "model": model});
        let targets: Vec<Value> = targets.iter().map(target).collect();
        let new = json!({"name": name, "strategy": strategy, "targets": targets});
        let made = self
            .as_role("admin")
            .post("/v1/model-profiles", new)
            .await
            .expect(201);
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// What the record keeps of a call, opened, in order.
    pub async fn contents(&self, call: &str) -> Vec<Vec<u8>> {
        let sql = "SELECT content FROM events WHERE org_id = $1 AND subject = $2 ORDER BY ord";
        let mut tx = self.ctx.read().await.unwrap();
        let rows = tx.all(sql, &db::params![call]).await.unwrap();
        drop(tx);
        let mut found = Vec::new();
        for row in rows {
            let named: Option<String> = row.get(0).unwrap();
            let named: Vec<Digest> =
                serde_json::from_str(named.as_deref().unwrap_or("[]")).unwrap();
            for digest in named {
                let bytes = self.vault.content.open(&self.ctx, digest).await.unwrap();
                found.push(bytes.to_vec());
            }
        }
        found
    }

    /// Who stands behind the first event of a call.
    pub async fn actor_of(&self, call: &str) -> Value {
        let sql = "SELECT actor FROM events WHERE org_id = $1 AND subject = $2 ORDER BY ord";
        let mut tx = self.ctx.read().await.unwrap();
        let row = tx.one(sql, &db::params![call]).await.unwrap();
        let actor: String = row.get(0).unwrap();
        serde_json::from_str(&actor).unwrap()
    }

    /// The kinds and facts of what was recorded about a subject, in order.
    pub async fn events(&self, subject: &str) -> Vec<(String, Value)> {
        let sql = "SELECT kind, data FROM events WHERE org_id = $1 AND subject = $2 ORDER BY ord";
        let mut tx = self.ctx.read().await.unwrap();
        let rows = tx.all(sql, &db::params![subject]).await.unwrap();
        let event = |row: &db::Row| {
            let (kind, data): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            (kind, serde_json::from_str(&data).unwrap())
        };
        rows.iter().map(event).collect()
    }
}

/// Everything that a budget could be set on is there, but for one run.
struct Everything;

/// The run that is not there.
pub const MISSING: &str = "run_01890000-0000-7000-8000-00000000dead";

impl models::http::Scopes for Everything {
    fn has<'a>(
        &'a self,
        _: &'a OrgContext,
        scope: models::Scope,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(scope.to_string() != MISSING) })
    }
}

/// A run that is open until it is said to be over, and may ask every model but one.
#[derive(Clone, Default)]
pub struct OneRun(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    over: bool,
    spent: Vec<u64>,
}

/// The model that the run may not ask.
pub const FORBIDDEN: &str = "anthropic/claude-haiku-3";

impl OneRun {
    pub fn end(&self) {
        self.0.lock().unwrap().over = true;
    }

    /// What was said to be spent, each time that it was asked about a model.
    pub fn spent(&self) -> Vec<u64> {
        self.0.lock().unwrap().spent.clone()
    }
}

impl OpenRuns for OneRun {
    fn may_ask<'a>(
        &'a self,
        _: &'a OrgContext,
        _: RunId,
        asked: Asking<'a>,
    ) -> BoxFuture<'a, Result<Option<Vec<Leave>>, StoreError>> {
        let mut seen = self.0.lock().unwrap();
        if !asked.models.is_empty() {
            seen.spent.push(asked.spent_usd_micros);
        }
        let leave = |(name, _): &(&str, _)| match *name {
            FORBIDDEN => Leave::Refused {
                reason: "it is forbidden".to_owned(),
            },
            _ => Leave::Granted,
        };
        let leaves = (!seen.over).then(|| asked.models.iter().map(leave).collect());
        Box::pin(async move { Ok(leaves) })
    }
}
