//! The one way out by HTTP for the trusted side.
//!
//! A URL becomes an [`HttpTarget`] (what will really be dialled, whatever the spelling), the caller's
//! gate decides on it and answers with an [`Allowance`], the name is resolved once, every address is
//! classified, and only then is a connection opened, to one of exactly those addresses. A redirect
//! walks the same road again from the start.
//!
//! ```text
//! parse ─► gate (policy) ─► port ─► resolve once ─► classify all ─► dial pinned ─► TLS ─► exchange
//!   ▲                                                                                       │
//!   └──────────────────────── redirect, at most `redirects_max` times ◄─────────────────────┘
//! ```
//!
//! Invariants
//! - Nothing is resolved before the gate has agreed, and nothing is dialled before every resolved
//!   address is [`AddressClass::Public`] or named by the allowance. One refused address refuses the
//!   host: a name that mixes inside and outside is either an attack or a mistake, and the answer must
//!   not depend on the order of a DNS reply.
//! - The address dialled is one that was classified. A connection of a fetch serves one request and
//!   is never pooled, so no request rides on a connection that was checked for another. Who opens a
//!   [`Connection`] to keep it answers for that.
//! - Every wait has a deadline and every buffer a limit ([`Limits`]), on the wire and decompressed.
//! - No error, no `Debug` and no log line shows a header value, a body, a path or a query.
//! - An error knows its [`Delivery`]: whether the request can have reached the peer, counted in bytes
//!   that the socket took, not guessed from the kind of failure.
//!
//! Deliberately absent: proxies (the environment's are ignored), cookies, caches, connection pools,
//! HTTP/2, `br` and `zstd` decoding, client certificates, any way to accept an invalid certificate,
//! and policy itself, which is the caller's gate.

mod address;
mod admit;
mod allowance;
mod body;
mod client;
mod connection;
mod dial;
mod error;
mod exchange;
mod limits;
mod meter;
mod progress;
mod redirect;
mod request;
mod resolve;
mod response;
mod target;
mod tls;

pub use address::{AddressClass, UnknownAddressClass, classify};
pub use allowance::{Allowance, Endpoint, Refusal};
pub use client::{Client, Gate, Hop};
pub use connection::Connection;
pub use dial::{Dial, SystemDialer};
pub use error::{Delivery, EgressError, Failure, Phase, UrlFault};
pub use limits::{Limits, Overflow};
pub use meter::Meter;
pub use request::Request;
pub use resolve::{Resolve, SystemResolver};
pub use response::{HopRecord, Response};
pub use target::{Host, HttpTarget, Scheme, URL_BYTES_MAX, parse_target};
pub use tls::Trust;
