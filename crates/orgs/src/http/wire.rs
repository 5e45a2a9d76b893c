//! What several routes answer with.

use edge::Credential;
use serde::Serialize;
use utoipa::ToSchema;
use vocab::limits::ACCESS_TOKEN_TTL;
use vocab::{ExposeSecret as _, OrgId, Role, Timestamp, UserId};

use crate::model::{Membership, Organisation, SignedIn, User};

/// A person, as the person is to be shown to him- or herself and to fellow members.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// `usr_…`
    #[schema(value_type = String)]
    pub id: UserId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            created_at: user.created_at,
        }
    }
}

/// An organisation, with what the caller may do there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrgView {
    /// `org_…`
    #[schema(value_type = String)]
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// The caller's role.
    #[schema(value_type = RoleName)]
    pub role: Role,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl OrgView {
    pub(super) fn new(org: Organisation, role: Role) -> Self {
        Self {
            id: org.id,
            name: org.name,
            role,
            created_at: org.created_at,
        }
    }
}

impl From<Membership> for OrgView {
    fn from(membership: Membership) -> Self {
        Self::new(membership.org, membership.role)
    }
}

/// A role in an organisation; each may do what those before it may.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Sees, and changes nothing.
    Viewer,
    /// Works.
    Member,
    /// Runs the organisation.
    Admin,
    /// Everything, and the organisation itself.
    Owner,
}

/// Somebody who has just signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedInView {
    /// The person.
    pub user: UserView,
    /// The organisations of the person.
    pub orgs: Vec<OrgView>,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    #[schema(example = 900)]
    pub expires_in: u64,
    /// For `POST /v1/auth/refresh`, where it did not go into a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl SignedInView {
    pub(super) fn new(signed_in: &SignedIn) -> Self {
        let SignedIn {
            user,
            tokens,
            memberships,
        } = signed_in;
        Self {
            user: user.clone().into(),
            orgs: memberships.iter().cloned().map(OrgView::from).collect(),
            access_token: tokens.access.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_TTL.as_secs(),
            refresh_token: None,
        }
    }

    pub(super) fn with_refresh(mut self, signed_in: &SignedIn) -> Self {
        self.refresh_token = Some(signed_in.tokens.refresh.expose_secret().to_owned());
        self
    }
}

/// What the caller showed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CredentialView {
    /// The access token of a login.
    Login {
        /// `lgn_…`
        #[schema(value_type = String)]
        id: vocab::LoginId,
    },
    /// An API key.
    ApiKey {
        /// `key_…`
        #[schema(value_type = String)]
        id: vocab::KeyId,
    },
}

impl From<Credential> for CredentialView {
    fn from(credential: Credential) -> Self {
        match credential {
            Credential::Login(id) => Self::Login { id },
            Credential::Key(id) => Self::ApiKey { id },
        }
    }
}

/// Trims a name, and refuses an empty one and control characters.
pub(super) fn valid_name(text: &str, _: &()) -> garde::Result {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(garde::Error::new("expected a name"));
    }
    if trimmed.chars().count() > vocab::limits::NAME_CHARS_MAX {
        let message = format!(
            "expected at most {} characters",
            vocab::limits::NAME_CHARS_MAX
        );
        return Err(garde::Error::new(message));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(garde::Error::new("expected no control characters"));
    }
    Ok(())
}

/// [`valid_name`], where there is one.
pub(super) fn valid_optional_name(text: &Option<String>, context: &()) -> garde::Result {
    text.as_deref()
        .map_or(Ok(()), |text| valid_name(text, context))
}
