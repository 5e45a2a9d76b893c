//! Runs: one piece of work each, durable, recorded, and repeatable.
//!
//! A run is a row and a journal. The journal's entries are events of the organisation's record that
//! carry the run and a number. A [`Program`] is a pure state machine that is fed the outcomes in the
//! journal and says which effects it wants next. The [`Worker`] claims a run, folds its journal
//! ([`fold`]), asks the program, and walks each effect over the stations of the road
//! (`stations.rs`, `attempts.rs`), appending what each said before it acts on it (`append.rs`). A run that
//! waits for a person, a time, a signal, a node or another run is parked: it costs a row.
//!
//! Invariants
//! - Only the worker that holds a run appends to its journal, under the epoch of its lease. A person's
//!   answer, a cancel or a signal is a row of its own that the worker finds.
//! - Whatever may have an effect is in the journal before it is attempted. An attempt without an
//!   outcome after a crash is asked about (a node remembers), repeated if that is harmless, and
//!   otherwise left to a person.
//! - A run's state is a function of its journal: folding it again gives the same (`replay.rs`).
//!
//! Deliberately absent: what the programs do (`agents`), the meaning of tools and policies
//! (`tools`), and any clock or network but through those.

mod account;
mod append;
mod asking;
mod attempts;
mod children;
mod engine;
mod error;
pub mod fold;
mod follow;
pub mod http;
mod model;
mod program;
mod recorded;
mod replay;
mod service;
mod simulate;
mod span;
mod stations;
mod steps;
mod store;
mod worker;

pub use account::{Account, Citation, RunUsage};
pub use asking::MayNotAsk;
pub use engine::{Briefing, Directory, Ended, Engine, Parts, Sessions, Told};
pub use error::RunError;
pub use follow::{follow_in, untaken_signals};
pub use model::{NewRun, Parent, Run, State, WaitingFor};
pub use policy::HasRead;
pub use program::{
    ARTIFACT_READ, Again, AgentSnapshot, Effect, FailedAt, Failure, Finish, Input, MODEL_CALL,
    Next, OneTool, Outcome, Program, Programs, Stretch, ToolError, ToolResult, Wanted,
};
pub use recorded::{End, Noted, Recorded, What};
pub use replay::{Changes, Divergence, Report, StepReport};
pub use service::{Queued, Resolution, Runs};
pub use simulate::{Flip, Simulated, simulate};
pub use steps::{RunStep, StepState};
pub use store::{Census, RunFilter, census};
pub use worker::Worker;
