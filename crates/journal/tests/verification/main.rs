//! Exports, good and changed in every way: the verifier says what the specification says, and so
//! does the second verifier, which shares no code with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod cases;
mod changes;
mod document;
mod log;
mod second;
mod speed;
