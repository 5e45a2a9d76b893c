//! Models: the gateway between whoever asks a model and whoever runs one.
//!
//! An organisation brings **providers** ([`model::Provider`]: an account at Anthropic, OpenAI, …, or
//! a server of its own) and gives names to **profiles** ([`model::Profile`]: targets, a strategy
//! to choose among them, limits and prices). A call names a profile, or a provider and a model.
//!
//! Invariants
//! - A provider's secret is named by its id, opened by the vault for that provider alone, and put
//!   into a request as it leaves. No answer, event, error or log line has it.
//! - What a change changes is in force for this process from its commit on, and for every other
//!   process within a second. Policies, which others keep, bear on the public routes within a second.
//! - What goes to a model on the public routes, and what comes back, passes the guardrails of the
//!   organisation's policies first; if these can't be had, nothing goes.
//!
//! Deliberately absent: the wire forms of the dialects (see `dialects`), the loop of an agent (see
//! `agents`), and any host that nobody configured.

mod account;
mod admit;
mod adopt;
mod catalog;
mod complete;
mod dispatch;
mod error;
mod failure;
mod gateway;
pub mod http;
mod intake;
mod latency;
mod ledger;
pub mod model;
mod need;
pub mod prices;
mod probe;
pub mod public;
mod rails;
mod recording;
mod route;
mod scripted;
pub mod service;
mod span;
mod store;
mod tab;
mod upstream;
mod usage;

pub use adopt::Environment;
pub use complete::{Completion, Served};
pub use error::ModelsError;
pub use failure::{ModelError, RawError};
pub use gateway::{Gateway, GatewayConfig, Spender};
pub use ledger::{Budget, ParseScopeError, Period, Scope};
pub use probe::{Flaw, Probe};
pub use rails::{Rules, RulesError};
pub use route::Asked;
