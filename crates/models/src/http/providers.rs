//! `/v1/providers`

use axum::extract::State;
use edge::{
    Admin, Change, Json, Key, Member, OpenApiRouter, OptionalJson, Page, PageParams, Paging, Path,
    Problem, routes,
};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{ProviderId, SecretId, Timestamp, limits};

use crate::model::{Provider, ProviderDefinition, ProviderKind, Script};
use crate::{Flaw, Gateway, service};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(test))
}

/// A model provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProviderView {
    /// `prv_…`
    #[schema(value_type = String)]
    id: ProviderId,
    version: u32,
    name: String,
    #[serde(rename = "type")]
    kind: ProviderKind,
    /// Null where it is at its type's usual place.
    base_url: Option<String>,
    /// `sec_…`
    #[schema(value_type = Option<String>)]
    secret_id: Option<SecretId>,
    region: Option<String>,
    api_version: Option<String>,
    private_network: bool,
    script: Option<Script>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Provider> for ProviderView {
    fn from(it: Provider) -> Self {
        let definition = it.definition;
        Self {
            id: it.id,
            version: it.version,
            name: definition.name,
            kind: definition.kind,
            base_url: definition.base_url,
            secret_id: definition.secret,
            region: definition.region,
            api_version: definition.api_version,
            private_network: definition.private_network,
            script: definition.script,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// A new provider.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct NewProvider {
    #[serde(rename = "type")]
    kind: ProviderKind,
    /// As in `name/model`: letters, digits, `.`, `_`, `-`.
    name: String,
    /// Where it is, up to the part before `/chat/completions`, `/messages` or `/models`. Left out
    /// where the type has a usual place.
    #[garde(inner(length(bytes, max = limits::URL_BYTES_MAX)))]
    base_url: Option<String>,
    /// `sec_…`: what it is shown. Naming it here lets this provider use it, and nobody else.
    #[schema(value_type = Option<String>)]
    secret_id: Option<SecretId>,
    /// The AWS region, of `bedrock` alone.
    region: Option<String>,
    /// An `api-version` older than `v1`, of `azure_openai` alone.
    api_version: Option<String>,
    /// Whether the host's name may lead to an address inside this network. An address, or
    /// `localhost`, needs no permission beside being written.
    #[serde(default)]
    private_network: bool,
    /// What is answered, of `scripted` alone: a provider without a key and without a model.
    script: Option<Script>,
}

impl From<NewProvider> for ProviderDefinition {
    fn from(new: NewProvider) -> Self {
        Self {
            name: new.name,
            kind: new.kind,
            base_url: new.base_url,
            secret: new.secret_id,
            region: new.region,
            api_version: new.api_version,
            private_network: new.private_network,
            script: new.script,
        }
    }
}

/// A change of a provider. What is left out stays as it is; its type never changes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct ProviderChange {
    name: Option<String>,
    /// Null for the usual place.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    base_url: Change<String>,
    /// `sec_…`, or null for none
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    secret_id: Change<SecretId>,
    region: Option<String>,
    /// Null for `v1`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    api_version: Change<String>,
    private_network: Option<bool>,
    script: Option<Script>,
}

impl ProviderChange {
    fn apply(self, to: ProviderDefinition) -> ProviderDefinition {
        let mut changed = ProviderDefinition {
            name: self.name.unwrap_or(to.name),
            kind: to.kind,
            base_url: to.base_url,
            secret: to.secret,
            region: self.region.or(to.region),
            api_version: to.api_version,
            private_network: self.private_network.unwrap_or(to.private_network),
            script: self.script.or(to.script),
        };
        self.base_url.apply(&mut changed.base_url);
        self.secret_id.apply(&mut changed.secret);
        self.api_version.apply(&mut changed.api_version);
        changed
    }
}

/// Make a provider.
///
/// Its secret is used for requests to it, from within this server, and is never shown.
#[utoipa::path(
    post, path = "/v1/providers", tag = "models", operation_id = "provider_create",
    request_body = NewProvider,
    responses(
        (status = 201, body = ProviderView),
        (status = 409, body = Problem, description = "the name is taken"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn create(
    State(gateway): State<Gateway>,
    Admin(ctx): Admin,
    key: Key,
    Json(new): Json<NewProvider>,
) -> Result<(StatusCode, Json<ProviderView>), Problem> {
    let mut tx = ctx.write().await?;
    let made = service::create_provider(&ctx, &mut tx, gateway.secrets(), new.into()).await?;
    let view = ProviderView::from(made);
    key.claim(&mut tx, StatusCode::CREATED, &view).await?;
    gateway.commit_change(&ctx, tx).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// List providers, in the order in which they were made.
#[utoipa::path(
    get, path = "/v1/providers", tag = "models", operation_id = "provider_list",
    params(PageParams),
    responses((status = 200, body = Page<ProviderView>), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn list(Member(ctx): Member, paging: Paging) -> Result<Json<Page<ProviderView>>, Problem> {
    let found = service::list_providers(&ctx, paging.after()?, paging.fetch()).await?;
    Ok(Json(
        Page::cut(found, &paging, |it| it.id).map(ProviderView::from),
    ))
}

/// Read a provider.
#[utoipa::path(
    get, path = "/v1/providers/{provider_id}", tag = "models", operation_id = "provider_get",
    params(("provider_id" = String, Path, description = "`prv_…`")),
    responses((status = 200, body = ProviderView), (status = 404, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn get(
    Member(ctx): Member,
    Path(id): Path<ProviderId>,
) -> Result<Json<ProviderView>, Problem> {
    Ok(Json(service::get_provider(&ctx, id).await?.into()))
}

/// Change a provider. Calls that are under way go on as they began.
#[utoipa::path(
    patch, path = "/v1/providers/{provider_id}", tag = "models", operation_id = "provider_update",
    params(("provider_id" = String, Path, description = "`prv_…`")),
    request_body = ProviderChange,
    responses(
        (status = 200, body = ProviderView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the name is taken"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn update(
    State(gateway): State<Gateway>,
    Admin(ctx): Admin,
    Path(id): Path<ProviderId>,
    Json(change): Json<ProviderChange>,
) -> Result<Json<ProviderView>, Problem> {
    let mut tx = ctx.write().await?;
    let before = service::get_provider_in(&mut tx, id).await?;
    let secrets = gateway.secrets();
    let after = service::update_provider(&ctx, &mut tx, secrets, id, |it| change.apply(it)).await?;
    if after != before {
        gateway.commit_change(&ctx, tx).await?;
    }
    Ok(Json(after.into()))
}

/// Delete a provider that no profile leads to. Its secret stays.
#[utoipa::path(
    delete, path = "/v1/providers/{provider_id}", tag = "models", operation_id = "provider_delete",
    params(("provider_id" = String, Path, description = "`prv_…`")),
    responses(
        (status = 204),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "a model profile leads to it"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn delete(
    State(gateway): State<Gateway>,
    Admin(ctx): Admin,
    Path(id): Path<ProviderId>,
) -> Result<StatusCode, Problem> {
    let mut tx = ctx.write().await?;
    service::delete_provider(&ctx, &mut tx, gateway.secrets(), id).await?;
    gateway.commit_change(&ctx, tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What to try.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct TestBody {
    /// A model of the provider that is to say a few tokens. Without one, the provider is asked which
    /// models it has.
    #[garde(inner(length(bytes, min = 1, max = 256)))]
    model: Option<String>,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
struct TestView {
    /// Whether the provider can be used.
    ok: bool,
    latency_ms: u64,
    /// Models that the provider lists, at most two hundred.
    models: Vec<String>,
    /// What is wrong, if something is.
    problem: Option<FlawView>,
}

/// What is wrong with a provider.
#[derive(Serialize, ToSchema)]
struct FlawView {
    /// Stable, in upper snake case.
    code: &'static str,
    /// In words, with what the provider said.
    message: String,
    /// What to do about it.
    suggested_fix: &'static str,
}

impl From<Flaw> for FlawView {
    fn from(it: Flaw) -> Self {
        Self {
            code: it.code,
            message: it.message,
            suggested_fix: it.fix,
        }
    }
}

/// Try a provider: one small call, and precisely what is wrong.
#[utoipa::path(
    post, path = "/v1/providers/{provider_id}/test", tag = "models", operation_id = "provider_test",
    params(("provider_id" = String, Path, description = "`prv_…`")),
    request_body = Option<TestBody>,
    responses(
        (status = 200, body = TestView, description = "what was found, good or bad"),
        (status = 404, body = Problem),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn test(
    State(gateway): State<Gateway>,
    Admin(ctx): Admin,
    Path(id): Path<ProviderId>,
    _key: Key,
    OptionalJson(body): OptionalJson<TestBody>,
) -> Result<Json<TestView>, Problem> {
    let model = body.unwrap_or_default().model;
    let probe = gateway.probe(&ctx, id, model.as_deref()).await?;
    Ok(Json(TestView {
        ok: probe.flaw.is_none(),
        latency_ms: u64::try_from(probe.latency.as_millis()).unwrap_or(u64::MAX),
        models: probe.models,
        problem: probe.flaw.map(FlawView::from),
    }))
}
