//! Protocol: what the gateway and a node say to each other, and what a skill package is.
//!
//! A node connects out by WebSocket and both sides exchange JSON text frames: the node says
//! [`Hello`](NodeFrame::Hello), the gateway answers [`Welcome`](GatewayFrame::Welcome) with a lease,
//! and from then on sends jobs ([`Dispatch`]) and acknowledges their results. One job is one attempt
//! to perform one intent.
//!
//! The life of a job: `Dispatch` → the node verifies the token and writes the job down → it acts →
//! it writes the [`Outcome`] down → `Result` → `Ack` → the node forgets the outcome and remembers
//! only that the token is spent. After any break of the connection the gateway asks with `Inquire`;
//! the node answers `Running`, `Result`, `Unknown` (it began, and what became of it is not known)
//! or `Absent` (it never began here).
//!
//! Invariants
//! - A frame is at most [`limits::FRAME_BYTES_MAX`] bytes, checked before it is parsed and before it
//!   is sent.
//! - Only the greeting ([`Hello`], [`Welcome`], [`Refused`](GatewayFrame::Refused)) tolerates unknown
//!   members, so that two versions can find out that they differ; everything else refuses them.
//! - Codes are append-only: they are kept in records.
//! - A skill's digest is a function of its paths, modes and bytes alone ([`skill`]).
//!
//! Deliberately absent: connections, retries and anything that runs code. Reading a folder into a
//! package ([`skill::folder`]) is the only I/O.

pub mod enforcement;
pub mod frame;
pub mod job;
pub mod limits;
pub mod path;
pub mod skill;

pub use enforcement::{Driver, DriverReport, Enforcement, Gap, GapCode, Level};
pub use frame::{FrameError, GatewayFrame, Hello, NodeFrame, RefusalCode, Welcome};
pub use job::{
    Access, Artifact, Dispatch, Failure, FailureCode, Grants, JobLimits, Outcome, Output,
    Requirements, Usage,
};
pub use path::{PathError, WorkspacePath, WorkspaceSlug};

/// The version of the frames. A gateway refuses a node that speaks another.
pub const PROTOCOL_VERSION: u32 = 1;
