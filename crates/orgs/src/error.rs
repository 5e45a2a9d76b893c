//! What can go wrong here, without a word about HTTP.

use db::StoreError;
use edge::ClaimError;
use vocab::Role;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum OrgsError {
    /// A value that breaks a rule; the pointer says which.
    #[error("`{pointer}`: {message}")]
    Invalid {
        /// A JSON pointer into the request.
        pointer: &'static str,
        /// The rule.
        message: String,
    },
    /// Wrong address or password, or a token that is unknown, spent or expired.
    #[error("the credentials are not valid")]
    Refused,
    /// The same refresh token was being used by another request at the same time.
    #[error("the refresh token was being renewed by another request")]
    Raced,
    /// Too many attempts.
    #[error("too many attempts")]
    TooMany(edge::Problem),
    /// The address has an account.
    #[error("the address has an account already")]
    EmailTaken,
    /// Nobody may register by themselves here.
    #[error("registration needs an invitation")]
    RegistrationClosed,
    /// It is not there, or not the caller's to see.
    #[error("the {0} was not found")]
    NotFound(&'static str),
    /// More than the caller may give or take away.
    #[error("this needs the role `{0}`")]
    AboveOwnRole(Role),
    /// The organisation would have no owner left.
    #[error("an organisation keeps at least one owner")]
    LastOwner,
    /// The person is in the organisation.
    #[error("the person is a member already")]
    AlreadyMember,
    /// The invitation is for another address.
    #[error("the invitation is for another address")]
    InvitationForAnother,
    /// The organisation has as many as it may have.
    #[error("there are {limit} {what} already")]
    TooManyThings {
        /// What.
        what: &'static str,
        /// How many.
        limit: u32,
    },
    /// The device code: see RFC 8628, section 3.5.
    #[error("the device code can't be redeemed")]
    Device(DeviceRefusal),
    /// A mail could not be handed over.
    #[error("the mail could not be delivered")]
    Mail(#[source] crate::mail::MailError),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(String),
    /// The idempotency key was not claimed.
    #[error("the idempotency key was not claimed")]
    Claim(ClaimError),
    /// Storage failed.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

impl From<ClaimError> for OrgsError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

/// Why a device gets no token, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRefusal {
    /// Nobody has decided.
    Pending,
    /// Nobody has decided, and the device asks too often.
    SlowDown,
    /// The person said no.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// There is no such code, or it was redeemed.
    Unknown,
}

impl OrgsError {
    pub(crate) fn invalid(pointer: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            pointer,
            message: message.into(),
        }
    }
}
