//! `/v1/orgs`: organisations.

use axum::extract::State;
use edge::{Admin, Caller, Json, Key, OpenApiRouter, Owner, Page, Person, Problem, Viewer, routes};
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use vocab::Role;

use super::account::visible;
use super::wire::{OrgView, valid_name};
use crate::Orgs;

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, rename, delete))
        .routes(routes!(leave))
}

/// The caller's organisations
///
/// All of them, on one page.
#[utoipa::path(
    get, path = "/v1/orgs", tag = "orgs", operation_id = "org_list",
    responses((status = 200, body = Page<OrgView>), (status = 401, body = Problem)),
    security(("bearer" = ["caller"])),
)]
async fn list(State(orgs): State<Orgs>, caller: Caller) -> Result<Json<Page<OrgView>>, Problem> {
    let (_, memberships) = orgs.person(caller.user()).await?;
    Ok(Json(Page {
        items: visible(&caller, memberships)?,
        next_cursor: None,
    }))
}

/// An organisation's name.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrgBody {
    /// The name.
    #[garde(custom(valid_name))]
    name: String,
}

/// Make an organisation
///
/// The caller becomes its owner.
#[utoipa::path(
    post, path = "/v1/orgs", tag = "orgs", operation_id = "org_create",
    request_body = OrgBody,
    responses((status = 201, body = OrgView), (status = 401, body = Problem), (status = 422, body = Problem)),
    security(("bearer" = ["person"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn create(
    State(orgs): State<Orgs>,
    person: Person,
    key: Key,
    Json(body): Json<OrgBody>,
) -> Result<(StatusCode, Json<OrgView>), Problem> {
    let answer = |org: &crate::model::Organisation| OrgView::new(org.clone(), Role::Owner);
    let view = orgs
        .create_org(person.user, body.name.trim().to_owned(), &key, answer)
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// An organisation
#[utoipa::path(
    get, path = "/v1/orgs/{org_id}", tag = "orgs", operation_id = "org_show",
    params(("org_id" = String, Path, description = "`org_…`")),
    responses((status = 200, body = OrgView), (status = 401, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn show(State(orgs): State<Orgs>, Viewer(ctx): Viewer) -> Result<Json<OrgView>, Problem> {
    let org = orgs.org(&ctx).await?;
    Ok(Json(OrgView::new(org, ctx.role())))
}

/// Rename an organisation
#[utoipa::path(
    patch, path = "/v1/orgs/{org_id}", tag = "orgs", operation_id = "org_update",
    params(("org_id" = String, Path, description = "`org_…`")),
    request_body = OrgBody,
    responses(
        (status = 200, body = OrgView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn rename(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    Json(body): Json<OrgBody>,
) -> Result<Json<OrgView>, Problem> {
    let org = orgs.rename_org(&ctx, body.name.trim()).await?;
    Ok(Json(OrgView::new(org, ctx.role())))
}

/// Close an organisation
///
/// Nobody can act in it any more, and none of its keys works. Its record stays.
#[utoipa::path(
    delete, path = "/v1/orgs/{org_id}", tag = "orgs", operation_id = "org_delete",
    params(("org_id" = String, Path, description = "`org_…`")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["owner"])),
)]
async fn delete(State(orgs): State<Orgs>, Owner(ctx): Owner) -> Result<StatusCode, Problem> {
    orgs.delete_org(&ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave an organisation
///
/// The last owner can't.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/leave", tag = "orgs", operation_id = "org_leave",
    params(("org_id" = String, Path, description = "`org_…`")),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the caller is the last owner"),
    ),
    security(("bearer" = ["viewer"])),
)]
async fn leave(
    State(orgs): State<Orgs>,
    person: Person,
    Viewer(ctx): Viewer,
) -> Result<StatusCode, Problem> {
    orgs.remove_member(&ctx, person.user).await?;
    Ok(StatusCode::NO_CONTENT)
}
