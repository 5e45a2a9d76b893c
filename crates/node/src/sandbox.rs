//! The boundary around foreign code: namespaces, a root of its own, no privileges, a filter of
//! system calls, Landlock, control groups and limits.
//!
//! The node starts itself anew as `chancery-node sandbox-init` ([`init`]): one thread, one purpose.
//! That process reads what to do from a socket ([`spec`]), enters namespaces, builds a root
//! ([`mounts`]), gives up every privilege and executes the command. The node's side is [`run`].
//!
//! Invariants
//! - A step that fails ends the sandbox before the command runs; there is no way around a step.
//! - The command has no descriptor but its three streams, no environment but the one given, and no
//!   file of the machine but programs and libraries.
//! - When the socket closes, be it that the node died, everything inside is killed.
//! - As root the node gives foreign code the identity of nobody, in a user namespace of its own.
//!
//! Deliberately absent: a fallback. What can't be set up here is reported by the probe as a gap, and
//! a job that requires more is refused.

pub mod cgroup;
pub mod checks;
mod collect;
mod confine;
pub mod init;
pub mod mounts;
pub mod run;
mod seccomp;
mod spare;
pub mod spec;
mod sys;

pub use run::{Namespaces, SandboxError};
