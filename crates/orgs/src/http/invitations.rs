//! `/v1/invitations`.

use axum::extract::State;
use edge::{
    Admin, Json, Key, OpenApiRouter, Page, PageParams, Paging, Path, Person, Problem, routes,
};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{ExposeSecret as _, InvitationId, Role, SecretString, Timestamp, UserId};

use super::wire::{OrgView, RoleName};
use crate::Orgs;
use crate::model::Invitation;

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .routes(routes!(accept))
}

/// An open invitation.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationView {
    /// `inv_…`
    #[schema(value_type = String)]
    id: InvitationId,
    /// Whom it is for.
    email: String,
    /// The role that it gives.
    #[schema(value_type = RoleName)]
    role: Role,
    /// Who invited.
    #[schema(value_type = String)]
    invited_by: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(it: Invitation) -> Self {
        let Invitation {
            id,
            email,
            role,
            invited_by,
            created_at,
            expires_at,
        } = it;
        Self {
            id,
            email,
            role,
            invited_by,
            created_at,
            expires_at,
        }
    }
}

/// A new invitation, with its token.
#[derive(Serialize, ToSchema)]
pub(super) struct NewInvitationView {
    /// The invitation.
    #[serde(flatten)]
    invitation: InvitationView,
    /// Shown this once. The mail to the address holds it as well.
    token: String,
}

/// Whom to invite.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct InvitationBody {
    /// The address.
    email: String,
    /// The role; not above the caller's own.
    #[schema(value_type = RoleName)]
    role: Role,
}

/// Invite somebody
#[utoipa::path(
    post, path = "/v1/invitations", tag = "orgs", operation_id = "invitation_create",
    request_body = InvitationBody,
    responses(
        (status = 201, body = NewInvitationView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the person is a member already"),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["admin"])),
    extensions(("x-idempotency" = json!("atomic-secret"))),
)]
async fn create(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    key: Key,
    Json(body): Json<InvitationBody>,
) -> Result<(StatusCode, Json<NewInvitationView>), Problem> {
    let answer = |invitation: &Invitation, token: &SecretString| NewInvitationView {
        invitation: invitation.clone().into(),
        token: token.expose_secret().to_owned(),
    };
    let view = orgs
        .invite(&ctx, &body.email, body.role, &key, answer)
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Open invitations
///
/// The oldest first.
#[utoipa::path(
    get, path = "/v1/invitations", tag = "orgs", operation_id = "invitation_list",
    params(PageParams),
    responses((status = 200, body = Page<InvitationView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn list(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    paging: Paging,
) -> Result<Json<Page<InvitationView>>, Problem> {
    let open = orgs
        .invitations(&ctx, paging.after()?, paging.fetch())
        .await?;
    let page = Page::cut(open, &paging, |invitation| invitation.id);
    Ok(Json(page.map(InvitationView::from)))
}

/// Revoke an invitation
#[utoipa::path(
    delete, path = "/v1/invitations/{invitation}", tag = "orgs", operation_id = "invitation_revoke",
    params(("invitation" = String, Path, description = "`inv_…`")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn revoke(
    State(orgs): State<Orgs>,
    Admin(ctx): Admin,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    orgs.revoke_invitation(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accept an invitation
///
/// As the person whom it is for, signed in.
#[utoipa::path(
    post, path = "/v1/invitations/{invitation}/accept", tag = "orgs", operation_id = "invitation_accept",
    params(("invitation" = String, Path, description = "The invitation's token, `cin_…`")),
    responses(
        (status = 200, body = OrgView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "it is for another address"),
        (status = 404, body = Problem, description = "unknown, accepted, revoked or expired"),
        (status = 409, body = Problem, description = "the person is a member already"),
    ),
    security(("bearer" = ["person"])),
)]
async fn accept(
    State(orgs): State<Orgs>,
    person: Person,
    Path(token): Path<String>,
) -> Result<Json<OrgView>, Problem> {
    Ok(Json(
        orgs.accept_invitation(person.user, &token).await?.into(),
    ))
}
