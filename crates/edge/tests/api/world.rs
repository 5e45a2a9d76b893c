//! An edge over a few routes that count what they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::State;
use axum::response::Response;
use db::testing::TestDb;
use db::{Authority, params};
use edge::testing::Client;
use edge::{
    AuthError, Authenticator, Caller, Credential, Edge, EdgeConfig, Json, Key, Member,
    OpenApiRouter, Problem, Standing, Viewer, routes,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, watch};
use vocab::{Actor, Draft, EventKind, LoginId, OrgId, Role, UserId};

/// Knows the tokens `viewer`, `member`, … in one organisation, and whoever is not banned.
pub struct Gate {
    authority: Authority,
    org: OrgId,
    user: UserId,
    banned: watch::Sender<u64>,
}

impl Authenticator for Gate {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        let role: Option<Role> = token.parse().ok();
        let found = role.filter(|_| *self.banned.borrow() == 0).map(|role| {
            let standing = match org {
                None => Standing::NoOrganisation,
                Some(org) if org == self.org => {
                    Standing::Member(self.authority.context(org, Actor::user(self.user), role))
                }
                Some(_) => Standing::Stranger,
            };
            let login = LoginId::from_uuid(self.user.uuid());
            Caller::new(self.user, Credential::Login(login), standing)
        });
        Box::pin(async move { found.ok_or(AuthError::Refused) })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.banned.subscribe()
    }
}

/// What the routes share.
#[derive(Clone)]
pub struct Shop {
    pub effects: Arc<AtomicU32>,
    /// What `/v1/slow` waits for.
    pub gate: Arc<Semaphore>,
    pub frames: Arc<std::sync::Mutex<Option<mpsc::Receiver<edge::sse::Frame>>>>,
}

#[derive(serde::Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Order {
    name: String,
    #[serde(default)]
    fail: Option<u16>,
}

#[utoipa::path(post, path = "/v1/atomic", request_body = Order, responses((status = 201)),
    security(("bearer" = ["member"])), extensions(("x-idempotency" = json!("atomic"))))]
async fn atomic(
    State(shop): State<Shop>,
    Member(ctx): Member,
    key: Key,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut tx = ctx.write().await?;
    if let Some(status) = order.fail {
        return Err(failure(status));
    }
    let mut count = tx
        .execute(
            "UPDATE organisations SET version = version + 1 WHERE org_id = $1",
            &[],
        )
        .await?;
    tx.record(Draft::new(EventKind::OrgUpdated, ctx.org()));
    count += u64::from(shop.effects.load(Ordering::SeqCst));
    let answer = json!({"name": order.name, "count": count});
    key.claim(&mut tx, StatusCode::CREATED, &answer).await?;
    tx.commit().await?;
    shop.effects.fetch_add(1, Ordering::SeqCst);
    Ok((StatusCode::CREATED, Json(answer)))
}

#[utoipa::path(post, path = "/v1/reserved/{place}", request_body = Order, responses((status = 201)),
    security(("bearer" = ["member"])))]
async fn reserved(
    State(shop): State<Shop>,
    _member: Member,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if let Some(status) = order.fail {
        return Err(failure(status));
    }
    let count = shop.effects.fetch_add(1, Ordering::SeqCst) + 1;
    Ok((
        StatusCode::CREATED,
        Json(json!({"name": order.name, "count": count})),
    ))
}

#[utoipa::path(post, path = "/v1/slow", responses((status = 200)), security(("bearer" = ["member"])))]
async fn slow(State(shop): State<Shop>, _member: Member) -> Json<Value> {
    let permit = shop.gate.acquire().await.unwrap();
    permit.forget();
    Json(json!({"count": shop.effects.fetch_add(1, Ordering::SeqCst) + 1}))
}

#[utoipa::path(get, path = "/v1/panic", responses((status = 200)), security(("bearer" = ["public"])))]
#[expect(clippy::panic, reason = "that is what it is for")]
async fn panics() -> StatusCode {
    panic!("the secret of hunter2 at /etc/passwd")
}

#[utoipa::path(get, path = "/v1/stream", responses((status = 200)), security(("bearer" = ["viewer"])))]
async fn stream(
    State(shop): State<Shop>,
    _viewer: Viewer,
    guard: edge::sse::Guard,
    resume: edge::sse::Resume,
) -> Response {
    let receiver = shop.frames.lock().unwrap().take().unwrap();
    let hello = edge::sse::Frame::Delta {
        kind: "hello".into(),
        data: json!({"after": resume.0}).to_string().into(),
    };
    let rest = futures::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let source: BoxStream<'static, _> = Box::pin(futures::StreamExt::chain(
        futures::stream::iter([hello]),
        rest,
    ));
    edge::sse::respond(guard, source)
}

#[utoipa::path(post, path = "/v1/auth/knock", responses((status = 204)), security(("bearer" = ["public"])))]
async fn knock() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn failure(status: u16) -> Problem {
    let status = StatusCode::from_u16(status).unwrap();
    match status {
        StatusCode::SERVICE_UNAVAILABLE => Problem::queue_unavailable(),
        other => Problem::new(other, "ASKED_FOR", "as it was asked for"),
    }
}

pub struct World {
    pub db: TestDb,
    pub shop: Shop,
    pub edge: Edge,
    pub org: OrgId,
    pub gate: Arc<Gate>,
    pub frames: mpsc::Sender<edge::sse::Frame>,
    /// A member, in the organisation.
    pub client: Client,
    /// Nobody.
    pub nobody: Client,
}

impl World {
    pub async fn new(db: TestDb) -> Self {
        let config = EdgeConfig {
            auth_quota: None,
            api_quota: None,
            ..EdgeConfig::default()
        };
        Self::with(db, config).await
    }

    pub async fn with(db: TestDb, config: EdgeConfig) -> Self {
        let ctx = db.org().await;
        let gate = Arc::new(Gate {
            authority: db.authority.clone(),
            org: ctx.org(),
            user: ctx.actor().user.unwrap(),
            banned: watch::channel(0).0,
        });
        let (frames, receiver) = mpsc::channel(64);
        let shop = Shop {
            effects: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            frames: Arc::new(std::sync::Mutex::new(Some(receiver))),
        };
        let edge = Edge::new(config, db.authority.clone(), Arc::<Gate>::clone(&gate));
        let (client, nobody) = clients(&edge, &shop, ctx.org());
        Self {
            db,
            shop,
            edge,
            org: ctx.org(),
            gate,
            frames,
            client,
            nobody,
        }
    }

    /// The same database and shop after the process has died: another edge.
    pub fn restarted(&self) -> Client {
        let config = EdgeConfig {
            auth_quota: None,
            api_quota: None,
            ..EdgeConfig::default()
        };
        let edge = Edge::new(
            config,
            self.db.authority.clone(),
            Arc::<Gate>::clone(&self.gate),
        );
        clients(&edge, &self.shop, self.org).0
    }

    pub fn effects(&self) -> u32 {
        self.shop.effects.load(Ordering::SeqCst)
    }

    /// What the database says was done.
    pub async fn versions(&self) -> i64 {
        let mut tx = self.db.authority.system_read().await.unwrap();
        let sql = "SELECT version FROM organisations WHERE org_id = $1";
        tx.one(sql, &params![self.org])
            .await
            .unwrap()
            .get(0)
            .unwrap()
    }

    pub async fn stored_keys(&self) -> i64 {
        let mut tx = self.db.authority.system_read().await.unwrap();
        tx.one("SELECT count(*) FROM idempotency", &[])
            .await
            .unwrap()
            .get(0)
            .unwrap()
    }
}

impl Gate {
    /// Nobody is known any more.
    pub fn ban(&self) {
        self.banned.send_modify(|banned| *banned += 1);
    }

    /// Something changed, and nothing for us.
    pub fn rumour(&self) {
        self.banned.send_modify(|_| {});
    }
}

fn clients(edge: &Edge, shop: &Shop, org: OrgId) -> (Client, Client) {
    let areas = OpenApiRouter::new()
        .routes(routes!(atomic))
        .routes(routes!(reserved))
        .routes(routes!(slow))
        .routes(routes!(panics))
        .routes(routes!(stream))
        .routes(routes!(knock))
        .with_state(shop.clone());
    let (router, _) = edge.finish(areas);
    let nobody = Client::new(router);
    (nobody.clone().bearer("member").org(org), nobody)
}
