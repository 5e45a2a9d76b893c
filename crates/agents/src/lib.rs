//! Agents: who acts, and how they decide what to do.
//!
//! The **registry** keeps each agent as a row and every version that it ever had; a run takes a
//! snapshot of its agent when it is queued, so a change reaches the next run and never one that is
//! under way. The **planner** reads a message as steps without a model ([`planner`]), and
//! [`RulesTurn`] carries them out; an agent whose planner is `model` asks one what to do
//! ([`ModelTurn`]), in the words of [`conversation`]. Two more programs ask a model: one goes through a
//! run again with another model ([`rerun`]), one summarises what of a chat no longer fits
//! ([`summary`]). **Skills** are packages in the Agent Skills format, published once
//! under their digest and fetched by the nodes that run them.
//!
//! The life of an agent: active ⇄ paused → retired. A paused agent starts no runs; a retired one
//! never will again, but its versions stay readable for whoever reads an old run.
//!
//! Invariants
//! - Every change of an agent is a new version; versions are never changed or deleted.
//! - A name belongs to one agent of an organisation at a time.
//! - Programs are pure: the same input and the same outcomes ask for the same effects.
//! - A skill's package never changes under its digest; the package that runs is the one that the
//!   run's capability names.
//!
//! Deliberately absent: models themselves. A program asks for `model.call`, a tool like any other,
//! and whoever carries that out speaks to providers.

pub mod conversation;
pub mod diff;
mod directory;
mod error;
pub mod http;
pub mod model;
mod model_turn;
pub mod planner;
mod programs;
pub mod rerun;
mod schema;
pub mod service;
pub mod skills;
mod store;
pub mod summary;
mod turn;

pub use directory::Directory;
pub use error::{AgentError, SkillError};
pub use model::{Agent, AgentState, AgentVersion, Definition};
pub use model_turn::{ModelTurn, STEER};
pub use programs::programs;
pub use skills::{Skill, SkillPackages, Skills};
pub use turn::RulesTurn;
