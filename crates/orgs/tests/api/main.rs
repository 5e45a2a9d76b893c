//! Through the router, on both databases.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod accounts;
mod devices;
mod invitations;
mod keys;
mod members;
mod mistakes;
mod organisations;
mod refresh;
mod streams;
mod world;
