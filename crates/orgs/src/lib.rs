//! Orgs: organisations and the people in them; how people sign in, and what their tokens open.
//!
//! A person registers, or is invited, and is then a member of organisations with a role in each. A
//! **login** is one device of one person. It holds access tokens, which live for minutes, and one
//! refresh token, which is replaced at every use; whoever shows a replaced one ends the login,
//! because then two parties hold what only one may ([`Orgs::refresh`]). An **API key** belongs to a
//! member, in one organisation, with a role of its own that is never more than the member's.
//!
//! One statement looks a request's token up together with the login, the person, the membership
//! and the organisation ([`Orgs`] implements [`edge::Authenticator`]); on SQLite what it found is
//! remembered until anybody loses a right (`known.rs`), on Postgres requests that come together share
//! it (`lookups.rs`). So whatever was ended, removed, suspended,
//! demoted or deleted is so from the next request on, and open streams are told at once.
//!
//! Invariants
//! - No token and no password is stored: tokens as SHA-256, passwords as Argon2id.
//! - An organisation that has members keeps an active owner. Nobody gives or takes a role above
//!   the own one.
//! - Events hold ids and roles, never an address or a name: those stand in tables, where they can
//!   be erased. What happens to a person as such (a login, a password) is in the record of every
//!   organisation that the person is a member of.
//! - An unknown address and a wrong password answer alike, after the same work.
//!
//! Deliberately absent: OpenID Connect, second factors, plans and their limits, and the delivery of
//! mail: [`mail::Outbox`] leaves each mail as a file for the operator, until a [`mail::Mailer`]
//! with a server behind it is put in its place.

mod authenticate;
mod bootstrap;
mod config;
mod device;
mod email;
mod error;
pub mod http;
mod invitations;
mod keys;
mod known;
mod link;
mod login;
mod lookups;
pub mod mail;
mod members;
pub mod model;
mod organisations;
mod password;
mod refresh;
mod register;
mod reset;
mod service;
mod store;
mod token;

pub use bootstrap::{Bootstrapped, NewOwner};
pub use config::OrgsConfig;
pub use device::{DeviceGrant, DeviceRequest};
pub use error::{DeviceRefusal, OrgsError};
pub use http::routes;
pub use keys::{NewKey, has_key};
pub use login::Origin;
pub use members::{MemberChange, is_member};
pub use register::Registration;
pub use service::Orgs;
