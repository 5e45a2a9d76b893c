//! The whole road against real listeners. What the listeners and the dialer counted is the oracle,
//! never the client's own word.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod bodies;
mod delivery;
mod peer;
mod rebinding;
mod redirects;
mod requests;
mod seams;
mod secrets;
mod spellings;
mod tls;
mod wpt;
