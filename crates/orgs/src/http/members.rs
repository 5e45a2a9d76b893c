//! `/v1/members`: who is in the organisation.

use axum::extract::State;
use edge::{Admin, Json, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Viewer, routes};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{Role, Timestamp, UserId};

use super::wire::RoleName;
use crate::Orgs;
use crate::members::MemberChange;
use crate::model::MemberRecord;

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(update, remove))
}

/// A member.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    /// `usr_…`
    #[schema(value_type = String)]
    user_id: UserId,
    /// The address.
    email: String,
    /// The name.
    name: String,
    /// The role.
    #[schema(value_type = RoleName)]
    role: Role,
    /// Whether the member may do nothing at the moment.
    suspended: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
}

impl From<MemberRecord> for MemberView {
    fn from(member: MemberRecord) -> Self {
        Self {
            user_id: member.user.id,
            email: member.user.email,
            name: member.user.name,
            role: member.role,
            suspended: member.suspended_at.is_some(),
            joined_at: member.joined_at,
        }
    }
}

/// Members
///
/// In the order in which they joined.
#[utoipa::path(
    get, path = "/v1/members", tag = "orgs", operation_id = "member_list",
    params(PageParams),
    responses((status = 200, body = Page<MemberView>), (status = 401, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(orgs): State<Orgs>,
    Viewer(ctx): Viewer,
    paging: Paging,
) -> Result<Json<Page<MemberView>>, Problem> {
    let members = orgs.members(&ctx, paging.after()?, paging.fetch()).await?;
    let page = Page::cut(members, &paging, |member| {
        (member.joined_at, member.user.id)
    });
    Ok(Json(page.map(MemberView::from)))
}

/// What is to change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct MemberBody {
    /// Another role.
    #[schema(value_type = Option<RoleName>)]
    role: Option<Role>,
    /// `true` takes every right away until it is `false` again.
    suspended: Option<bool>,
}

/// Change a member
///
/// Nobody is raised above the caller's own role, and the last owner stays one.
#[utoipa::path(
    patch, path = "/v1/members/{user_id}", tag = "orgs", operation_id = "member_update",
    params(("user_id" = String, Path, description = "`usr_…`")),
    request_body = MemberBody,
    responses(
        (status = 200, body = MemberView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "it is the last owner"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
)]
async fn update(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    Path(user): Path<UserId>,
    Json(body): Json<MemberBody>,
) -> Result<Json<MemberView>, Problem> {
    let change = MemberChange {
        role: body.role,
        suspended: body.suspended,
    };
    Ok(Json(orgs.change_member(&ctx, user, change).await?.into()))
}

/// Remove a member
///
/// The member's API keys and open invitations go as well.
#[utoipa::path(
    delete, path = "/v1/members/{user_id}", tag = "orgs", operation_id = "member_remove",
    params(("user_id" = String, Path, description = "`usr_…`")),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "it is the last owner"),
    ),
    security(("bearer" = ["admin"])),
)]
async fn remove(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Problem> {
    orgs.remove_member(&ctx, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
