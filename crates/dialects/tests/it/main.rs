//! The dialects from outside: documents as providers and clients write them, and generated ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod anthropic;
mod citations;
mod converse;
mod errors;
mod fragments;
mod gemini;
mod generated;
mod openai_chat;
mod openai_responses;
mod recorded;
mod refusals;
mod round_trips;
mod same_family;
mod sse;
mod streams;
