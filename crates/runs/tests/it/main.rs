//! The engine, as the rest of the house sees it: real databases, the real road, real programs. Nodes
//! and outside hosts are stood in for by things that count what was done to them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod agentdojo;
mod attacks;
mod crash;
mod delegation;
mod engine;
mod guardrails;
mod injection;
mod labels;
mod limits;
mod models;
mod node;
mod programs;
mod replay;
mod reruns;
mod sink;
mod time;
mod whole;
mod world;
