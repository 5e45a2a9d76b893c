//! `/v1/me`: the caller's own account.

use axum::extract::State;
use edge::{
    Caller, ClientAddress, Credential, Json, OpenApiRouter, Page, PageParams, Paging, Path, Person,
    Problem, routes,
};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{LoginId, Timestamp};

use super::wire::{CredentialView, OrgView, UserView};
use crate::Orgs;
use crate::model::{Login, Membership};

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
        .routes(routes!(password))
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub(super) struct MeView {
    /// The person; for an API key, whose it is.
    user: UserView,
    /// The organisations and the roles in them; for an API key, its own with what it may do there.
    memberships: Vec<OrgView>,
    /// What the caller showed.
    credential: CredentialView,
}

/// Who am I
#[utoipa::path(
    get, path = "/v1/me", tag = "account", operation_id = "me",
    responses((status = 200, body = MeView), (status = 401, body = Problem)),
    security(("bearer" = ["caller"])),
)]
async fn me(State(orgs): State<Orgs>, caller: Caller) -> Result<Json<MeView>, Problem> {
    let (user, memberships) = orgs.person(caller.user()).await?;
    Ok(Json(MeView {
        user: user.into(),
        memberships: visible(&caller, memberships)?,
        credential: caller.credential().into(),
    }))
}

/// A login sees all organisations of its person; a key sees its own, with its own role.
pub(super) fn visible(
    caller: &Caller,
    memberships: Vec<Membership>,
) -> Result<Vec<OrgView>, Problem> {
    let all = memberships.into_iter().map(OrgView::from);
    match caller.credential() {
        Credential::Login(_) => Ok(all.collect()),
        Credential::Key(_) => {
            let ctx = caller.context()?;
            let own = all.filter(|view| view.id == ctx.org());
            Ok(own
                .map(|view| OrgView {
                    role: ctx.role(),
                    ..view
                })
                .collect())
        }
    }
}

/// One device on which the person is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginView {
    /// `lgn_…`
    #[schema(value_type = String)]
    id: LoginId,
    /// `registration`, `password`, `device` or `link`.
    method: String,
    /// What the device called itself.
    client: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its tokens were last renewed.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
}

impl LoginView {
    fn new(login: Login, current: LoginId) -> Self {
        Self {
            current: login.id == current,
            id: login.id,
            method: login.method,
            client: login.client,
            created_at: login.created_at,
            last_used_at: login.used_at,
        }
    }
}

/// Where am I signed in
#[utoipa::path(
    get, path = "/v1/me/sessions", tag = "account", operation_id = "me_sessions",
    params(PageParams),
    responses((status = 200, body = Page<LoginView>), (status = 401, body = Problem)),
    security(("bearer" = ["person"])),
)]
async fn sessions(
    State(orgs): State<Orgs>,
    person: Person,
    paging: Paging,
) -> Result<Json<Page<LoginView>>, Problem> {
    let logins = orgs
        .logins(person.user, paging.after()?, paging.fetch())
        .await?;
    let page = Page::cut(logins, &paging, |login| login.id);
    Ok(Json(page.map(|login| LoginView::new(login, person.login))))
}

/// Sign out there
#[utoipa::path(
    delete, path = "/v1/me/sessions/{login_id}", tag = "account", operation_id = "me_session_end",
    params(("login_id" = String, Path, description = "`lgn_…`")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = ["person"])),
)]
async fn end_session(
    State(orgs): State<Orgs>,
    person: Person,
    Path(login): Path<LoginId>,
) -> Result<StatusCode, Problem> {
    orgs.revoke_login(person.user, login).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The old password and the new one.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct PasswordBody {
    /// The present password.
    #[schema(format = Password)]
    current_password: String,
    /// The new one.
    #[schema(format = Password)]
    new_password: String,
}

/// Change my password
///
/// Ends all other logins of the person.
#[utoipa::path(
    post, path = "/v1/me/password", tag = "account", operation_id = "me_password",
    request_body = PasswordBody,
    responses((status = 204), (status = 401, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)),
    security(("bearer" = ["person"])),
)]
async fn password(
    State(orgs): State<Orgs>,
    person: Person,
    address: ClientAddress,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let (present, new) = (body.current_password.into(), body.new_password.into());
    orgs.change_password(person.user, person.login, &present, &new, address.0)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
