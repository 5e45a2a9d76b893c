//! `/v1/api-keys`.

use axum::extract::State;
use edge::{Json, Key, Member, OpenApiRouter, Page, PageParams, Paging, Path, Problem, routes};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{ExposeSecret as _, KeyId, Role, SecretString, Timestamp, UserId};

use super::wire::{RoleName, valid_name};
use crate::Orgs;
use crate::keys::NewKey;
use crate::model::ApiKey;

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyView {
    /// `key_…`
    #[schema(value_type = String)]
    id: KeyId,
    /// What it is for.
    name: String,
    /// The most that it may do.
    #[schema(value_type = RoleName)]
    role: Role,
    /// How its text begins.
    #[schema(example = "chk_Ab3dEf")]
    prefix: String,
    /// Whose it is.
    #[schema(value_type = String)]
    user_id: UserId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it works.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was last used, to within five minutes.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            prefix: key.prefix,
            user_id: key.user,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.used_at,
        }
    }
}

/// A new API key, with its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct NewKeyView {
    /// The key.
    #[serde(flatten)]
    about: KeyView,
    /// For `Authorization: Bearer`. Shown this once.
    key: String,
}

/// A key to be made.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyBody {
    /// What it is for.
    #[garde(custom(valid_name))]
    name: String,
    /// The most that it may do; the caller's own role if it is left out, and never more.
    #[garde(skip)]
    #[schema(value_type = Option<RoleName>)]
    role: Option<Role>,
    /// Until when it works; until it is deleted if it is left out.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Make an API key
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "orgs", operation_id = "api_key_create",
    request_body = KeyBody,
    responses(
        (status = 201, body = NewKeyView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the organisation has as many as it may have"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic-secret"))),
)]
async fn create(
    State(orgs): State<Orgs>,
    Member(ctx): Member,
    key: Key,
    Json(body): Json<KeyBody>,
) -> Result<(StatusCode, Json<NewKeyView>), Problem> {
    let name = body.name.trim().to_owned();
    let new = NewKey {
        name,
        role: body.role,
        expires_at: body.expires_at,
    };
    let answer = |made: &ApiKey, text: &SecretString| NewKeyView {
        about: made.clone().into(),
        key: text.expose_secret().to_owned(),
    };
    let view = orgs.create_key(&ctx, new, &key, answer).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// API keys
///
/// An admin sees all, others see their own; the oldest first.
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "orgs", operation_id = "api_key_list",
    params(PageParams),
    responses((status = 200, body = Page<KeyView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn list(
    State(orgs): State<Orgs>,
    Member(ctx): Member,
    paging: Paging,
) -> Result<Json<Page<KeyView>>, Problem> {
    let keys = orgs.api_keys(&ctx, paging.after()?, paging.fetch()).await?;
    Ok(Json(
        Page::cut(keys, &paging, |key| key.id).map(KeyView::from),
    ))
}

/// Delete an API key
///
/// It stops working with this. An admin deletes any, others their own.
#[utoipa::path(
    delete, path = "/v1/api-keys/{key_id}", tag = "orgs", operation_id = "api_key_delete",
    params(("key_id" = String, Path, description = "`key_…`")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn delete(
    State(orgs): State<Orgs>,
    Member(ctx): Member,
    Path(id): Path<KeyId>,
) -> Result<StatusCode, Problem> {
    orgs.delete_key(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
