//! A gateway that listens on a port of this machine.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::testing::TestDb;
use db::{Authority, OrgContext};
use edge::{AuthError, Authenticator, Caller, Credential, Edge, EdgeConfig, Standing};
use futures::future::BoxFuture;
use nodes::{Nodes, Timing};
use protocol::{Dispatch, Grants, JobLimits, Requirements, WorkspaceSlug};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vocab::{
    Clock, Digest, Id, Intent, JobId, NodeId, OrgId, Random, Role, SecretString, Target, UserId,
};

use crate::fake::Fake;

/// Patient where a busy machine may be slow, and impatient where a test waits for the end.
pub const TIMING: Timing = Timing {
    lease: Duration::from_secs(20),
    heartbeat: Duration::from_millis(100),
    hello: Duration::from_millis(1500),
    reconnect: Duration::from_secs(10),
    answer: Duration::from_secs(10),
    overdue: Duration::from_secs(10),
};

/// One process of the control plane.
pub struct World {
    pub nodes: Nodes,
    pub address: SocketAddr,
    pub router: axum::Router,
    pub people: Arc<People>,
    server: JoinHandle<()>,
}

/// Who may call: tokens that the tests give out.
#[derive(Default)]
pub struct People(Mutex<HashMap<String, (OrgContext, Authority)>>);

impl People {
    /// A token for somebody with this role in the context's organisation.
    pub fn token(&self, db: &TestDb, ctx: &OrgContext, role: Role) -> String {
        let token = format!("{role} of {}", ctx.org());
        let context = db.authority.context(ctx.org(), ctx.actor().clone(), role);
        self.0
            .lock()
            .unwrap()
            .insert(token.clone(), (context, db.authority.clone()));
        token
    }
}

impl Authenticator for People {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        _: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        let found = self.0.lock().unwrap().get(token).cloned();
        let (clock, random) = (Clock::system(), Random::system());
        Box::pin(async move {
            let (context, _) = found.ok_or(AuthError::Refused)?;
            let user = context
                .actor()
                .user
                .unwrap_or(UserId::generate(&clock, &random));
            let credential = Credential::Login(Id::generate(&clock, &random));
            Ok(Caller::new(user, credential, Standing::Member(context)))
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }
}

impl World {
    pub async fn start(db: &TestDb) -> Self {
        Self::start_with(db, TIMING).await
    }

    pub async fn start_with(db: &TestDb, timing: Timing) -> Self {
        Self::start_at(db, timing, "127.0.0.1:0".parse().unwrap(), Vec::new()).await
    }

    pub async fn start_at(
        db: &TestDb,
        timing: Timing,
        address: SocketAddr,
        keys: Vec<String>,
    ) -> Self {
        let keys = Arc::new(move || keys.clone());
        let nodes = Nodes::open(db.authority.clone(), keys, timing)
            .await
            .unwrap();
        let people = Arc::new(People::default());
        let authenticator = Arc::clone(&people) as Arc<dyn Authenticator>;
        let edge = Edge::new(EdgeConfig::default(), db.authority.clone(), authenticator);
        let (router, _) = edge.finish(nodes::http::routes(nodes.clone()));
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router
            .clone()
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            nodes,
            address,
            router,
            people,
            server,
        }
    }

    /// The process is gone, and whoever was connected to it is not any more.
    pub async fn stop(self) {
        self.server.abort();
        self.nodes.shutdown(Duration::from_secs(5)).await;
        drop(self.server.await);
    }

    /// A node of the organisation.
    pub async fn enrol(&self, ctx: &OrgContext, name: &str) -> (NodeId, SecretString) {
        let enrolment = self.nodes.enrol(ctx, name).await.unwrap();
        let (node, credential) = enrolment.commit().await.unwrap();
        (node.id, credential)
    }

    /// A node of the organisation that is connected.
    pub async fn connected(&self, ctx: &OrgContext, name: &str) -> Fake {
        let (_, credential) = self.enrol(ctx, name).await;
        Fake::welcomed(self.address, &credential).await
    }

    /// The shared node, connected.
    pub async fn shared(&self) -> Fake {
        let local = self.nodes.enrol_local(None).await.unwrap();
        Fake::welcomed(self.address, &local.credential).await
    }

    /// Waits until the gateway holds this connection to be over.
    pub async fn gone(&self, node: NodeId) {
        for _ in 0..500 {
            if !self.nodes.is_connected(node) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{node} is still connected");
    }
}

/// A job that lists a workspace.
pub fn job(ctx: &OrgContext, workspace: &str) -> Dispatch {
    Dispatch {
        job: ctx.new_id(),
        epoch: 0,
        token: "token".into(),
        intent: Intent {
            org: ctx.org(),
            run: ctx.new_id(),
            step: 1,
            agent: None,
            tool: "file.list".into(),
            arguments: json!({}),
            target: Target::File {
                path: String::new(),
                workspace: workspace.into(),
                size_bytes: None,
            },
        },
        workspace: workspace.parse::<WorkspaceSlug>().unwrap(),
        limits: JobLimits {
            timeout_ms: 60_000,
            ..JobLimits::default()
        },
        grants: Grants::default(),
        requirements: Requirements::default(),
    }
}

/// A job that runs a skill.
pub fn skill_job(ctx: &OrgContext, digest: Digest) -> Dispatch {
    let mut job = job(ctx, "default");
    job.intent.target = Target::Skill {
        name: "count".into(),
        digest: Some(digest),
        workspace: "default".into(),
    };
    job
}

/// Begins to dispatch, in a task of its own.
pub fn dispatching(
    world: &World,
    ctx: &OrgContext,
    node: NodeId,
    job: Dispatch,
) -> JoinHandle<nodes::Fate> {
    let (nodes, org) = (world.nodes.clone(), ctx.org());
    tokio::spawn(async move { nodes.dispatch(org, node, job).await })
}

/// Begins to inquire, in a task of its own.
pub fn inquiring(
    world: &World,
    ctx: &OrgContext,
    node: NodeId,
    job: JobId,
) -> JoinHandle<nodes::Fate> {
    let (nodes, org) = (world.nodes.clone(), ctx.org());
    tokio::spawn(async move { nodes.inquire(org, node, job).await })
}

/// How many events of a kind an organisation's record holds, with the last one's data.
pub async fn events(ctx: &OrgContext, kind: &str) -> (usize, serde_json::Value) {
    let mut tx = ctx.read().await.unwrap();
    let sql = "SELECT data FROM events WHERE org_id = $1 AND kind = $2 ORDER BY ord";
    let rows = tx.all(sql, &db::params![kind]).await.unwrap();
    let last = rows.last().map(|row| row.get::<String>(0).unwrap());
    let last = last
        .map(|text| serde_json::from_str(&text).unwrap())
        .unwrap_or_default();
    (rows.len(), last)
}

/// How many rows of sent jobs the organisation has.
pub async fn rows(ctx: &OrgContext) -> u32 {
    let mut tx = ctx.read().await.unwrap();
    let sql = "SELECT count(*) FROM node_jobs WHERE org_id = $1";
    tx.one(sql, &[]).await.unwrap().get(0).unwrap()
}
