//! The public routes: OpenAI's dialects under `/gateway/openai/v1`, Anthropic's under
//! `/gateway/anthropic/v1`.
//!
//! Whoever has an API key of this server, or a run's token, uses it as if it were the vendor's. Within
//! a family a request is forwarded byte for byte, but for the credential, the model's name and a limit
//! that the profile says; between families it is translated, and what can't be is refused. Whatever
//! goes wrong is said in the words of the client's own dialect, in a stream too.
//!
//! These routes stand beside the edge's layers, not behind them: a model may think for minutes, its
//! clients have error envelopes of their own, and their keys may come as `x-api-key`.
//!
//! Invariants
//! - Nothing of the client's credential goes to a provider, and nothing of a provider's to a client.
//! - What was sent to the client is never taken back: once its first byte is on the way, no other
//!   target is tried.
//! - A client that goes away stops the provider, and pays for what had come.

mod body;
mod door;
mod entry;
mod envelope;
mod generate;
mod models;
mod other;
mod routes;
mod run_token;
mod stream;

pub use door::Door;
pub(crate) use entry::Entry;
pub use routes::routes;
pub(crate) use run_token::StoredToken;
pub use run_token::{Asking, Issued, Leave, OpenRuns, RunTokens};
