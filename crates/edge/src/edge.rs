//! The edge itself: one router out of many areas, with everything around it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use db::{Authority, StoreError};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use vocab::limits::REQUEST_TIMEOUT;

use crate::idempotency::Idempotency;
use crate::identity::Authenticator;
use crate::rate::{Limit, Quota, Who};
use crate::relay::Relay;
use crate::{docs, fallback, inner, openapi, outer};

/// How an edge behaves.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// How often an address may come to `/v1/auth/`; no limit if there is none.
    pub auth_quota: Option<Quota>,
    /// How often a caller may come in one organisation, and an address without a valid identity
    /// anywhere; no limit if there is none.
    pub api_quota: Option<Quota>,
    /// How long a handler may take until its answer begins.
    pub request_timeout: Duration,
    /// Which origins of other sites may use the API from a browser. Usually none.
    pub cors_origins: Vec<HeaderValue>,
    /// How many reverse proxies of the operator's stand in front and add to `X-Forwarded-For`.
    pub proxies: usize,
    /// Whether it is reached by HTTPS: then browsers are told to keep to it.
    pub https: bool,
    /// What is shown to people at addresses that no route has; a problem, if it has nothing either.
    pub pages: Option<Pages>,
}

/// Answers a request that no route has, or doesn't.
pub type Pages = fn(&Method, &Uri, &HeaderMap) -> Option<Response>;

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            auth_quota: Some(Quota::per_minute(120)),
            api_quota: Some(Quota::per_minute(12_000)),
            request_timeout: REQUEST_TIMEOUT,
            cors_origins: Vec::new(),
            proxies: 0,
            https: false,
            pages: None,
        }
    }
}

/// What every request passes through. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Shared>);

struct Shared {
    config: EdgeConfig,
    authority: Authority,
    authenticator: Arc<dyn Authenticator>,
    tasks: TaskTracker,
    relay: OnceLock<Arc<dyn Relay>>,
}

/// What the layers of one router share.
pub(crate) struct Passage {
    pub config: EdgeConfig,
    pub authority: Authority,
    pub authenticator: Arc<dyn Authenticator>,
    pub auth_limit: Option<Limit<Who>>,
    pub api_limit: Option<Limit<Who>>,
    pub idempotency: Arc<Idempotency>,
    pub relay: Option<Arc<dyn Relay>>,
}

impl Edge {
    /// An edge that asks this authenticator who its callers are.
    #[must_use]
    pub fn new(
        config: EdgeConfig,
        authority: Authority,
        authenticator: Arc<dyn Authenticator>,
    ) -> Self {
        let tasks = TaskTracker::new();
        Self(Arc::new(Shared {
            config,
            authority,
            authenticator,
            tasks,
            relay: OnceLock::new(),
        }))
    }

    /// Has this relay decide which process answers what concerns it. To be called before
    /// [`finish`](Self::finish), and once.
    pub fn relay_by(&self, relay: Arc<dyn Relay>) {
        if self.0.relay.set(relay).is_err() {
            tracing::error!("an edge has a relay already; it keeps that");
        }
    }

    /// Puts everything around the areas' routes: identity, limits, idempotency, headers, problems
    /// for whatever is not there, the OpenAPI document and its pages. Call it once, with all areas.
    pub fn finish(&self, areas: OpenApiRouter) -> (Router, utoipa::openapi::OpenApi) {
        let (routes, document) = OpenApiRouter::with_openapi(openapi::base())
            .merge(areas)
            .split_for_parts();
        let shared = &self.0;
        let idempotency =
            Idempotency::new(shared.authority.clone(), &document, shared.tasks.clone());
        let passage = Arc::new(Passage {
            auth_limit: Limit::new(shared.config.auth_quota),
            api_limit: Limit::new(shared.config.api_quota),
            config: shared.config.clone(),
            authority: shared.authority.clone(),
            authenticator: Arc::clone(&shared.authenticator),
            idempotency: Arc::new(idempotency),
            relay: shared.relay.get().cloned(),
        });
        let pages = Arc::new(docs::Pages::new(&document));
        let shown = shared.config.pages;
        let router = routes
            .route("/v1/openapi.json", get(docs::document))
            .route("/docs", get(docs::page))
            .route("/docs/{file}", get(docs::file))
            .layer(axum::Extension(pages))
            .fallback(move |request: Request| fallback::not_found(shown, request))
            .method_not_allowed_fallback(fallback::method_not_allowed)
            .layer(axum::middleware::from_fn_with_state(
                Arc::clone(&passage),
                inner::pass,
            ));
        let router = match cors(&self.0.config.cors_origins) {
            Some(cors) => router.layer(cors),
            None => router,
        };
        (
            router.layer(axum::middleware::from_fn_with_state(passage, outer::pass)),
            document,
        )
    }

    /// Forgets idempotency keys that have expired; answers how many. To be called now and then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        crate::idempotency::sweep(&self.0.authority).await
    }

    /// Waits for requests that go on though their clients have gone. To be called once the server
    /// takes no more requests.
    pub async fn drain(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// Nothing is shared with other sites unless they are listed.
fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let name = http::HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.iter().cloned()))
            .allow_credentials(true)
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                name(crate::identity::ORG_HEADER),
                name(crate::idempotency::HEADER),
                name("last-event-id"),
            ])
            .expose_headers([
                header::RETRY_AFTER,
                name(crate::idempotency::REPLAY_HEADER),
                name(outer::TRACE_HEADER),
            ])
            .max_age(Duration::from_secs(600)),
    )
}
