//! What this crate speaks of.

use vocab::{InvitationId, KeyId, LoginId, OrgId, Role, SecretString, Timestamp, UserId};

/// A person with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// Whose.
    pub id: UserId,
    /// Normalised.
    pub email: String,
    /// As the person wants to be called.
    pub name: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// An organisation: the tenant.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Which.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An organisation, and what somebody may do there.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The organisation.
    pub org: Organisation,
    /// The role in it.
    pub role: Role,
}

/// A member of an organisation, as the others see it.
#[derive(Debug, Clone)]
pub struct MemberRecord {
    /// The person.
    pub user: User,
    /// The role.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// Since when the member may do nothing, if so.
    pub suspended_at: Option<Timestamp>,
}

/// How somebody signed in. The names are persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By registering.
    Registration,
    /// With a password.
    Password,
    /// With a device code.
    Device,
    /// With a one-time link.
    Link,
}

impl Method {
    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Password => "password",
            Self::Device => "device",
            Self::Link => "link",
        }
    }
}

/// One device of one person.
#[derive(Debug, Clone)]
pub struct Login {
    /// Which.
    pub id: LoginId,
    /// How it began, as [`Method::as_str`] spells it.
    pub method: String,
    /// What the device called itself.
    pub client: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub used_at: Timestamp,
}

/// The tokens of a login, as they are handed out once.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The login.
    pub login: LoginId,
    /// For the `Authorization` header.
    pub access: SecretString,
    /// For the next renewal, once.
    pub refresh: SecretString,
}

/// Somebody who has just signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The person.
    pub user: User,
    /// The tokens.
    pub tokens: Tokens,
    /// Where the person is a member.
    pub memberships: Vec<Membership>,
}

/// An invitation that is neither accepted nor revoked.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Whom it is for, normalised.
    pub email: String,
    /// The role that it gives.
    pub role: Role,
    /// Who invited.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// An API key, without its secret.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Which.
    pub id: KeyId,
    /// For whom it acts.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// How its text begins, to recognise it.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within five minutes.
    pub used_at: Option<Timestamp>,
}
