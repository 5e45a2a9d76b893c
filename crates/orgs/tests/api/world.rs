//! One installation for a test: its own database, router and outbox.

use std::sync::Arc;

use axum::response::Response;
use db::testing::TestDb;
use edge::testing::{Answer, Client};
use edge::{Edge, EdgeConfig, OpenApiRouter, Viewer};
use futures::StreamExt as _;
use orgs::mail::Outbox;
use orgs::{Orgs, OrgsConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse battery";

pub struct World {
    pub db: TestDb,
    pub orgs: Orgs,
    pub client: Client,
    pub document: Value,
    pub outbox: TempDir,
}

/// A person who registered.
pub struct Someone {
    pub client: Client,
    pub email: String,
    pub user: String,
    pub org: String,
    pub refresh: String,
}

/// A stream of nothing, to see when it ends.
async fn quiet_stream(Viewer(_): Viewer, guard: edge::sse::Guard) -> Response {
    edge::sse::respond(guard, futures::stream::pending().boxed())
}

impl World {
    pub async fn new(db: TestDb) -> Self {
        Self::with(db, OrgsConfig::default(), unlimited()).await
    }

    #[expect(clippy::unused_async, reason = "a world is made where a runtime is")]
    pub async fn with(db: TestDb, config: OrgsConfig, edge: EdgeConfig) -> Self {
        let outbox = tempfile::tempdir().unwrap();
        let (clock, random) = (db.db.clock().clone(), db.db.random().clone());
        let mailer = Arc::new(Outbox::new(outbox.path().to_owned(), clock, random));
        let orgs = Orgs::new(db.authority.clone(), config, mailer);
        let edge = Edge::new(edge, db.authority.clone(), Arc::new(orgs.clone()));
        let areas = OpenApiRouter::new()
            .merge(orgs::routes(orgs.clone()))
            .route("/v1/test/stream", axum::routing::get(quiet_stream));
        let (router, document) = edge.finish(areas);
        let document = serde_json::to_value(&document).unwrap();
        Self {
            db,
            orgs,
            client: Client::new(router),
            document,
            outbox,
        }
    }

    pub async fn register(&self, name: &str) -> Someone {
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "name": name, "org_name": format!("{name}'s")});
        self.someone(email, self.client.post("/v1/auth/register", body).await)
    }

    pub fn someone(&self, email: String, answer: Answer) -> Someone {
        let refresh = answer.cookie("chancery_refresh").unwrap();
        let body = answer.expect(201);
        let org = body["org"]["id"].as_str().unwrap().to_owned();
        let token = body["access_token"].as_str().unwrap();
        let client = self.client.clone().bearer(token).org(&org);
        let user = body["user"]["id"].as_str().unwrap().to_owned();
        Someone {
            client,
            email,
            user,
            org,
            refresh,
        }
    }

    /// Somebody with an account of their own who joins another's organisation with this role.
    pub async fn join(&self, owner: &Someone, name: &str, role: &str) -> Someone {
        let mut someone = self.register(name).await;
        let body = json!({"email": someone.email, "role": role});
        let invitation = owner.client.post("/v1/invitations", body).await.expect(201);
        let path = format!(
            "/v1/invitations/{}/accept",
            invitation["token"].as_str().unwrap()
        );
        someone.client.post(&path, json!({})).await.expect(200);
        someone.org.clone_from(&owner.org);
        someone.client = someone.client.org(&owner.org);
        someone
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.client
            .post(
                "/v1/auth/login",
                json!({"email": email, "password": password}),
            )
            .await
    }

    pub async fn refresh(&self, cookie: &str) -> Answer {
        let client = self
            .client
            .clone()
            .header("cookie", format!("chancery_refresh={cookie}"));
        client.raw("POST", "/v1/auth/refresh", "").await
    }

    /// The token of the newest mail to somebody.
    pub fn mailed_token(&self, to: &str) -> Option<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.outbox.path())
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        names.sort();
        let texts = names
            .iter()
            .rev()
            .map(|path| std::fs::read_to_string(path).unwrap());
        let mine = texts
            .into_iter()
            .find(|text| text.starts_with(&format!("To: {to}\n")))?;
        let (_, rest) = mine.split_once("#token=")?;
        Some(rest.split_whitespace().next()?.to_owned())
    }

    /// The kinds of events in an organisation's record, in order.
    pub async fn kinds(&self, org: &str) -> Vec<String> {
        let mut tx = self.db.authority.system_read().await.unwrap();
        let org: vocab::OrgId = org.parse().unwrap();
        let sql = "SELECT kind FROM events WHERE org_id = $1 ORDER BY ord";
        let rows = tx.all(sql, &db::params![org]).await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }
}

pub fn unlimited() -> EdgeConfig {
    EdgeConfig {
        auth_quota: None,
        api_quota: None,
        ..EdgeConfig::default()
    }
}
