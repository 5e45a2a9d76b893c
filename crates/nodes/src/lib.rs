//! Nodes: the gateway to the programs that run code which is not ours.
//!
//! The life of a node: an admin enrols it and gets a credential, shown once ([`Enrolment`]); the
//! node connects out by WebSocket with it ([`http`]) and says what it can enforce; it gets a
//! lease whose epoch is higher than every one before; jobs are sent to it and their outcomes come
//! back; it goes away and comes back; one day it is revoked and its connection is cut at once.
//!
//! The life of a job: [`Nodes::dispatch`] writes down that it is sent to this node, sends it, and
//! waits. The outcome goes to whoever waits. When the run has it in its journal,
//! [`Nodes::acknowledge`] lets the node and this crate forget it. If the connection breaks in
//! between, the wait goes on for a moment and asks the node anew when it is back; after that the
//! answer is [`Fate::Away`], and the run asks later by [`Nodes::inquire`], perhaps in another
//! process. An outcome that arrives when nobody waits is kept in memory, bounded; the node keeps it
//! as well until it is acknowledged.
//!
//! A node belongs to one organisation, or to the installation: the **shared** node, which
//! `chancery up` starts beside the server, serves every organisation. Shared nodes have no
//! organisation in their row; everybody sees them and no organisation can change them. What happens
//! to a shared node is recorded in the oldest organisation, the one that the installation was set
//! up with; before there is one, nobody has a record that could hold it.
//!
//! Invariants
//! - A node has at most one live connection; a new one takes over with a higher epoch, and the old
//!   one is closed. An epoch is never lower than the wall clock's seconds, so that it also rises
//!   over the restore of an old backup.
//! - An outcome is accepted for a job that was sent to this very node, under an epoch between the
//!   one of the first sending and the present one. Everything else a node says about a job changes
//!   nothing.
//! - `Ack` is sent only for an outcome that is in a journal, or for a job that was never sent or was
//!   acknowledged before.
//! - A job goes to the node that holds its workspace; which one that is, is decided once.
//! - Every queue, wait and memory here has a bound ([`limits`]).
//!
//! Deliberately absent: a way to run anything in this process, what a job means (see `tools`), the
//! signing of tokens (see `policy`), and the forwarding of jobs between processes of the control
//! plane: a node is reached through the process that it is connected to.

mod connect;
mod connection;
mod credential;
mod dispatch;
mod error;
mod gateway_impl;
mod greeting;
pub mod http;
mod hub;
mod jobs;
pub mod limits;
mod live;
mod model;
mod outcome;
mod pins;
mod registry;
mod results;
mod service;
mod skills;
mod store;

pub use credential::CREDENTIAL_PREFIX;
pub use dispatch::Fate;
pub use error::NodesError;
pub use model::{Introduction, Node, NodeStatus, Report};
pub use registry::{Enrolment, LocalNode};
pub use service::{CapabilityKeys, Nodes, OnConnected, Timing};
pub use skills::{JobLedger, JobStep, SkillSource};
