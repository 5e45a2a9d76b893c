//! Node: the untrusted side. Everything that runs code which is not ours runs under it.
//!
//! A node connects out to the gateway ([`connect`]), greets it and gets a lease ([`session`],
//! [`lease`]), and takes jobs ([`worker`]). A job is one attempt to perform one intent: its token is
//! verified ([`authorise`]), its arguments are held against its target ([`plan`]), it is written down
//! ([`spool`]), it is done ([`execute`]) by a file tool ([`files`] on a [`workspace`]) or under a
//! driver ([`drivers`]: the namespaces of [`sandbox`], or [`docker`]), and what became of it is
//! written down and sent until the gateway has recorded it.
//!
//! Invariants
//! - Nothing is done that was not written down before, and nothing is done twice.
//! - Nothing is done without a token for exactly it, for this node, that was not spent.
//! - Nothing is begun without the lease. What was begun is finished and reported all the same.
//! - What a job requires of its boundary is there, or the job is refused.
//! - After its own crash the node says what it does not know. It never tries again by itself.
//!
//! Deliberately absent: a database, secrets of any organisation, and a listening socket.

pub mod authorise;
pub mod connect;
pub mod docker;
pub mod drivers;
pub mod error;
pub mod execute;
pub mod files;
pub mod lease;
pub mod plan;
pub mod process;
pub mod run;
pub mod sandbox;
pub mod session;
pub mod skills;
pub mod spool;
pub mod worker;
pub mod workspace;
