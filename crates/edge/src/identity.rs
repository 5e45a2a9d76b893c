//! Who asks: from a request to an authenticated caller, and to what a handler's signature demands.
//!
//! Edge owns the seam ([`Authenticator`]) and the rules of the wire; who holds which token is known
//! to the crate that implements it. Each request is looked up once, before its handler, and the
//! answer is kept beside the request. A public route never asks for it, so an outdated token on
//! the way to a fresh one does no harm there.
//!
//! The organisation is the one that an API key belongs to; with a person's token, the one that the
//! path names (routes with `{org_id}` in their template) or else the header `X-Org-Id`. Not being a
//! member of it looks exactly as if it did not exist.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request};
use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use tokio::sync::watch;
use vocab::{KeyId, LoginId, OrgId, Role, UserId};

use crate::Problem;

/// The header that names the organisation.
pub const ORG_HEADER: &str = "x-org-id";

/// Turns a token into a caller. Implemented once, by the crate that knows the tokens.
pub trait Authenticator: Send + Sync + 'static {
    /// Looks a token up, and the caller's standing in the organisation that is asked for.
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>>;

    /// Changes whenever somebody's rights may have shrunk. Open streams look again then.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// Why nobody was authenticated.
#[derive(Debug)]
pub enum AuthError {
    /// The token is unknown, expired or revoked, or its holder is suspended.
    Refused,
    /// It could not be looked up.
    Store(StoreError),
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The access token of a login.
    Login(LoginId),
    /// An API key.
    Key(KeyId),
}

/// Where the caller stands in the organisation that was asked for.
#[derive(Clone)]
pub enum Standing {
    /// A member of it.
    Member(OrgContext),
    /// It does not exist, or not for this caller.
    Stranger,
    /// None was asked for.
    NoOrganisation,
}

/// A caller with a valid identity. As an extractor it takes any: a login or an API key, with or
/// without an organisation (scope `caller`).
#[derive(Clone)]
pub struct Caller {
    user: UserId,
    credential: Credential,
    standing: Standing,
}

impl Caller {
    /// A caller whose token was found valid.
    #[must_use]
    pub const fn new(user: UserId, credential: Credential, standing: Standing) -> Self {
        Self {
            user,
            credential,
            standing,
        }
    }

    /// The person; for an API key, the one who made it.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// What the caller showed.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.credential
    }

    /// Where the caller stands in the organisation that was asked for.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The caller in the organisation that was asked for.
    ///
    /// # Errors
    /// None was asked for, or it is not there for this caller.
    pub fn context(&self) -> Result<&OrgContext, Problem> {
        match &self.standing {
            Standing::Member(context) => Ok(context),
            Standing::Stranger => Err(Problem::not_found("organisation")),
            Standing::NoOrganisation => Err(org_required()),
        }
    }

    /// The caller in that organisation, if the role there is at least `least`.
    fn at_least(&self, least: Role) -> Result<OrgContext, Problem> {
        let context = self.context()?;
        if context.role() < least {
            return Err(Problem::forbidden(least));
        }
        Ok(context.clone())
    }
}

fn org_required() -> Problem {
    let detail = "the request does not say in which organisation it acts";
    Problem::unprocessable("ORG_REQUIRED", detail)
        .fix("send `X-Org-Id` with one of the organisations that `GET /v1/me` lists")
}

/// What became of the request's token. Kept beside the request.
#[derive(Clone)]
pub(crate) enum Identity {
    Anonymous,
    Known(Arc<Caller>),
    Refused(Problem),
}

impl Identity {
    pub(crate) fn caller(&self) -> Result<&Arc<Caller>, Problem> {
        match self {
            Self::Known(caller) => Ok(caller),
            Self::Anonymous => Err(Problem::unauthenticated()),
            Self::Refused(problem) => Err(problem.clone()),
        }
    }
}

/// What a request shows of its caller, kept for looking again later.
#[derive(Clone)]
pub(crate) struct Shown {
    token: Option<Arc<str>>,
    org: Asked,
}

#[derive(Clone, Copy)]
enum Asked {
    Nothing,
    Org(OrgId),
    /// Something that names no organisation.
    Nonsense,
}

impl Shown {
    pub(crate) fn of(request: &Request) -> Self {
        let token = bearer(request.headers()).map(Arc::from);
        Self {
            token,
            org: org_asked(request),
        }
    }

    pub(crate) async fn identify(&self, authenticator: &dyn Authenticator) -> Identity {
        let Some(token) = &self.token else {
            return Identity::Anonymous;
        };
        let org = match self.org {
            Asked::Org(org) => Some(org),
            Asked::Nothing | Asked::Nonsense => None,
        };
        match authenticator.authenticate(token, org).await {
            Ok(mut caller) => {
                if matches!(self.org, Asked::Nonsense) {
                    caller.standing = Standing::Stranger;
                }
                Identity::Known(Arc::new(caller))
            }
            Err(AuthError::Refused) => Identity::Refused(Problem::unauthenticated()),
            Err(AuthError::Store(error)) => Identity::Refused(error.into()),
        }
    }
}

/// The token of `Authorization: Bearer …`, if there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next()?, values.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let whole = second.is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    whole.then_some(token)
}

fn org_asked(request: &Request) -> Asked {
    let parse = |text: &str| text.parse().map_or(Asked::Nonsense, Asked::Org);
    if let Some(route) = request.extensions().get::<MatchedPath>()
        && let Some(at) = route
            .as_str()
            .split('/')
            .position(|part| part == "{org_id}")
    {
        return parse(request.uri().path().split('/').nth(at).unwrap_or_default());
    }
    let mut values = request.headers().get_all(ORG_HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Asked::Nothing,
        (Some(value), None) => parse(value.to_str().unwrap_or_default().trim()),
        (Some(_), Some(_)) => Asked::Nonsense,
    }
}

fn caller(parts: &Parts) -> Result<&Arc<Caller>, Problem> {
    match parts.extensions.get::<Identity>() {
        Some(identity) => identity.caller(),
        None => {
            tracing::error!("a handler asks for its caller on a router without the edge's layers");
            Err(Problem::internal())
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        caller(parts).map(|caller| Self::clone(caller))
    }
}

/// A person who signed in, in no organisation in particular (scope `person`). An API key is none.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The person.
    pub user: UserId,
    /// The login that the token belongs to.
    pub login: LoginId,
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts)?;
        match caller.credential {
            Credential::Login(login) => Ok(Self {
                user: caller.user,
                login,
            }),
            Credential::Key(_) => {
                let detail = "this needs a person who signed in; an API key is not enough";
                Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "PERSON_REQUIRED",
                    detail,
                ))
            }
        }
    }
}

macro_rules! roles {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone)]
            pub struct $name(pub OrgContext);

            impl<S: Send + Sync> FromRequestParts<S> for $name {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                    caller(parts)?.at_least(Role::$name).map(Self)
                }
            }
        )*
    };
}

roles! {
    /// A caller who is at least a viewer in the organisation (scope `viewer`).
    Viewer;
    /// A caller who is at least a member in the organisation (scope `member`).
    Member;
    /// A caller who is at least an admin in the organisation (scope `admin`).
    Admin;
    /// A caller who is an owner of the organisation (scope `owner`).
    Owner;
}
