//! The whole road against real listeners. What the listeners and the dialer counted is the oracle,
//! never the client's own word.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

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
