//! The wire: routes, their types, and what an error looks like outside.

mod account;
mod auth;
mod cookie;
mod device;
mod invitations;
mod keys;
mod members;
mod organisations;
pub mod wire;

use std::error::Error;

use ::http::StatusCode;
use edge::{OpenApiRouter, Problem};

use crate::error::DeviceRefusal;
use crate::{Orgs, OrgsError};

/// Every route of this crate.
pub fn routes(orgs: Orgs) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(device::routes())
        .merge(account::routes())
        .merge(organisations::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(keys::routes())
        .with_state(orgs)
}

impl From<OrgsError> for Problem {
    fn from(error: OrgsError) -> Self {
        use OrgsError as E;
        let text = error.to_string();
        let internal = |error: &OrgsError| {
            tracing::error!(
                error = error as &(dyn Error + 'static),
                "sign-in failed on our side"
            );
        };
        match error {
            E::Invalid { pointer, message } => Self::invalid_field(pointer, message),
            E::Refused => Self::new(StatusCode::UNAUTHORIZED, "CREDENTIALS_REFUSED", text),
            E::Raced => Self::conflict("REFRESH_RACED", text)
                .fix("go on with the newer refresh token")
                .retryable(),
            E::TooMany(problem) => problem,
            E::EmailTaken => {
                Self::conflict("EMAIL_TAKEN", text).fix("sign in, or ask for a new password")
            }
            E::RegistrationClosed => Self::new(StatusCode::FORBIDDEN, "REGISTRATION_CLOSED", text)
                .fix("ask somebody of the organisation to invite you"),
            E::NotFound(what) => Self::not_found(what),
            E::AboveOwnRole(role) => Self::forbidden(role),
            E::LastOwner => Self::conflict("LAST_OWNER", text)
                .fix("make somebody else an owner first, or delete the organisation"),
            E::AlreadyMember => Self::conflict("ALREADY_MEMBER", text),
            E::InvitationForAnother => {
                Self::new(StatusCode::FORBIDDEN, "INVITATION_FOR_ANOTHER", text)
                    .fix("sign in with the address that was invited")
            }
            E::TooManyThings { .. } => Self::conflict("LIMIT_REACHED", text),
            E::Device(refusal) => device_problem(refusal),
            E::Claim(error) => error.into(),
            E::Store(error) => error.into(),
            E::Mail(_) => {
                internal(&error);
                Self::unavailable("MAIL_UNAVAILABLE", text)
            }
            E::Hash(_) => {
                internal(&error);
                Self::internal()
            }
        }
    }
}

/// RFC 8628, section 3.5: status 400, and the code in `error`.
fn device_problem(refusal: DeviceRefusal) -> Problem {
    let bad = |code, detail: &'static str| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    match refusal {
        DeviceRefusal::Pending => bad("AUTHORIZATION_PENDING", "nobody has approved the code yet")
            .retryable()
            .oauth("authorization_pending"),
        DeviceRefusal::SlowDown => bad(
            "SLOW_DOWN",
            "nobody has approved the code yet, and this is asking too often",
        )
        .fix("wait five seconds longer between two questions")
        .retryable()
        .oauth("slow_down"),
        DeviceRefusal::Denied => bad("ACCESS_DENIED", "the person said no").oauth("access_denied"),
        DeviceRefusal::Expired => {
            bad("EXPIRED_TOKEN", "nobody approved the code in time").oauth("expired_token")
        }
        DeviceRefusal::Unknown => bad(
            "INVALID_GRANT",
            "there is no such device code, or it was used",
        )
        .oauth("invalid_grant"),
    }
}
