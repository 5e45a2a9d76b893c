//! `/v1/auth`: registering, signing in and out, passwords.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use edge::{Caller, ClientAddress, Credential, Json, OpenApiRouter, OptionalJson, Problem, routes};
use garde::Validate;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::SecretString;

use super::cookie;
use super::wire::{OrgView, SignedInView, UserView, valid_name, valid_optional_name};
use crate::login::Origin;
use crate::model::SignedIn;
use crate::register::Registration;
use crate::{Orgs, OrgsError};

pub(super) fn routes() -> OpenApiRouter<Orgs> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(forgot))
        .routes(routes!(reset))
        .routes(routes!(link))
}

/// Where a request comes from, and what it says about its device.
pub(super) fn origin(address: ClientAddress, headers: &HeaderMap) -> Origin {
    let client = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    Origin {
        address: address.0,
        client: client.map(ToOwned::to_owned),
    }
}

/// Puts the refresh token into its cookie and answers with the rest.
pub(super) fn enter<T: Serialize>(
    orgs: &Orgs,
    status: StatusCode,
    signed_in: &SignedIn,
    body: T,
) -> Response {
    let mut response = (status, Json(body)).into_response();
    cookie::set(
        response.headers_mut(),
        orgs.config(),
        &signed_in.tokens.refresh,
    );
    response
}

/// An account to be made.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterBody {
    /// The address.
    #[garde(skip)]
    #[schema(example = "ada@example.org")]
    email: String,
    /// At least 10 characters.
    #[garde(skip)]
    #[schema(format = Password)]
    password: String,
    /// How the person wants to be called.
    #[garde(custom(valid_name))]
    name: String,
    /// The name of the new organisation.
    #[garde(custom(valid_optional_name))]
    org_name: Option<String>,
    /// The token of an invitation: joins that organisation instead of making one.
    #[garde(skip)]
    invitation_token: Option<String>,
}

/// A new account.
#[derive(Serialize, ToSchema)]
pub(super) struct RegisteredView {
    /// The person.
    user: UserView,
    /// The organisation.
    org: OrgView,
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// How long the access token lives, in seconds.
    expires_in: u64,
}

/// Make an account
///
/// Makes an organisation with it as the owner, or joins the one of an invitation. The refresh
/// token comes as a cookie.
#[utoipa::path(
    post, path = "/v1/auth/register", tag = "auth", operation_id = "auth_register",
    request_body = RegisterBody,
    responses(
        (status = 201, body = RegisteredView),
        (status = 403, body = Problem, description = "registration takes an invitation here"),
        (status = 409, body = Problem, description = "the address has an account"),
        (status = 422, body = Problem), (status = 429, body = Problem),
    ),
    security(("bearer" = ["public"])),
)]
async fn register(
    State(orgs): State<Orgs>,
    address: ClientAddress,
    headers: HeaderMap,
    Json(body): Json<RegisterBody>,
) -> Result<Response, Problem> {
    let new = Registration {
        email: body.email,
        password: body.password.into(),
        name: body.name.trim().to_owned(),
        org_name: body.org_name.map(|name| name.trim().to_owned()),
        invitation: body.invitation_token.map(SecretString::from),
    };
    let (signed_in, org) = orgs.register(new, &origin(address, &headers)).await?;
    let SignedInView {
        user,
        orgs: memberships,
        access_token,
        token_type,
        expires_in,
        ..
    } = SignedInView::new(&signed_in);
    let org = memberships
        .into_iter()
        .find(|view| view.id == org.id)
        .ok_or_else(Problem::internal)?;
    let view = RegisteredView {
        user,
        org,
        access_token,
        token_type,
        expires_in,
    };
    Ok(enter(&orgs, StatusCode::CREATED, &signed_in, view))
}

/// An address and its password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct LoginBody {
    /// The address.
    email: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// Sign in with a password
///
/// The refresh token comes as a cookie.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "auth_login",
    request_body = LoginBody,
    responses(
        (status = 200, body = SignedInView),
        (status = 401, body = Problem, description = "no such address and password"),
        (status = 422, body = Problem), (status = 429, body = Problem),
    ),
    security(("bearer" = ["public"])),
)]
async fn login(
    State(orgs): State<Orgs>,
    address: ClientAddress,
    headers: HeaderMap,
    Json(body): Json<LoginBody>,
) -> Result<Response, Problem> {
    let password = SecretString::from(body.password);
    let signed_in = orgs
        .log_in(&body.email, &password, &origin(address, &headers))
        .await?;
    Ok(enter(
        &orgs,
        StatusCode::OK,
        &signed_in,
        SignedInView::new(&signed_in),
    ))
}

/// A refresh token, for clients without cookies.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct RefreshBody {
    /// The refresh token; the cookie's, if it is left out.
    refresh_token: Option<String>,
}

/// Renew the tokens
///
/// Spends the refresh token, and answers with a new pair. Showing a spent one ends the login. The
/// new refresh token comes the way the old one came: as a cookie, or in the body.
#[utoipa::path(
    post, path = "/v1/auth/refresh", tag = "auth", operation_id = "auth_refresh",
    request_body(content = Option<RefreshBody>),
    responses(
        (status = 200, body = SignedInView),
        (status = 401, body = Problem, description = "the token is unknown, expired or spent"),
        (status = 409, body = Problem, description = "another request was renewing it at this moment"),
    ),
    security(("bearer" = ["public"])),
)]
async fn refresh(
    State(orgs): State<Orgs>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<RefreshBody>,
) -> Result<Response, Problem> {
    if let Some(token) = body.and_then(|body| body.refresh_token) {
        let signed_in = orgs.refresh(&token).await?;
        let view = SignedInView::new(&signed_in).with_refresh(&signed_in);
        return Ok(Json(view).into_response());
    }
    let token = cookie::read(&headers, orgs.config()).ok_or(OrgsError::Refused)?;
    match orgs.refresh(&token).await {
        Ok(signed_in) => Ok(enter(
            &orgs,
            StatusCode::OK,
            &signed_in,
            SignedInView::new(&signed_in),
        )),
        Err(error @ OrgsError::Refused) => {
            let mut response = Problem::from(error).into_response();
            cookie::clear(response.headers_mut(), orgs.config());
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// Sign out
///
/// Ends the login of the access token, of the cookie, or of the refresh token in the body.
/// Signing out twice is signing out.
#[utoipa::path(
    post, path = "/v1/auth/logout", tag = "auth", operation_id = "auth_logout",
    request_body(content = Option<RefreshBody>),
    responses((status = 204)),
    security(("bearer" = ["public"])),
)]
async fn logout(
    State(orgs): State<Orgs>,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<RefreshBody>,
) -> Result<Response, Problem> {
    if let Ok(caller) = caller
        && let Credential::Login(login) = caller.credential()
    {
        orgs.log_out(caller.user(), login).await?;
    }
    let named = body.and_then(|body| body.refresh_token);
    if let Some(token) = named.or_else(|| cookie::read(&headers, orgs.config())) {
        orgs.log_out_by_refresh(&token).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie::clear(response.headers_mut(), orgs.config());
    Ok(response)
}

/// Whose password was forgotten.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct ForgotBody {
    /// The address.
    email: String,
}

/// Ask for a new password
///
/// Sends a link if the address has an account; the answer does not say whether it has.
#[utoipa::path(
    post, path = "/v1/auth/password/forgot", tag = "auth", operation_id = "auth_password_forgot",
    request_body = ForgotBody,
    responses((status = 202), (status = 422, body = Problem), (status = 429, body = Problem)),
    security(("bearer" = ["public"])),
)]
async fn forgot(
    State(orgs): State<Orgs>,
    Json(body): Json<ForgotBody>,
) -> Result<StatusCode, Problem> {
    orgs.forgot_password(&body.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A new password, and the token that allows it.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct ResetBody {
    /// The token of the link.
    token: String,
    /// The new password.
    #[schema(format = Password)]
    password: String,
}

/// Set a new password with a link
///
/// Ends all of the person's logins.
#[utoipa::path(
    post, path = "/v1/auth/password/reset", tag = "auth", operation_id = "auth_password_reset",
    request_body = ResetBody,
    responses(
        (status = 204),
        (status = 401, body = Problem, description = "the token is unknown, spent or expired"),
        (status = 422, body = Problem), (status = 429, body = Problem),
    ),
    security(("bearer" = ["public"])),
)]
async fn reset(
    State(orgs): State<Orgs>,
    Json(body): Json<ResetBody>,
) -> Result<StatusCode, Problem> {
    orgs.reset_password(&body.token, &body.password.into())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token of a one-time link.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct LinkBody {
    /// The token.
    token: String,
}

/// Sign in with a one-time link
///
/// The refresh token comes as a cookie.
#[utoipa::path(
    post, path = "/v1/auth/link", tag = "auth", operation_id = "auth_link",
    request_body = LinkBody,
    responses(
        (status = 200, body = SignedInView),
        (status = 401, body = Problem, description = "the token is unknown, spent or expired"),
        (status = 422, body = Problem), (status = 429, body = Problem),
    ),
    security(("bearer" = ["public"])),
)]
async fn link(
    State(orgs): State<Orgs>,
    address: ClientAddress,
    headers: HeaderMap,
    Json(body): Json<LinkBody>,
) -> Result<Response, Problem> {
    let signed_in = orgs
        .redeem_link(&body.token, &origin(address, &headers))
        .await?;
    Ok(enter(
        &orgs,
        StatusCode::OK,
        &signed_in,
        SignedInView::new(&signed_in),
    ))
}
