//! Guard: secrets and personal data in text, found and masked.
//!
//! [`find`] looks through a text, [`json::find_in`] through the strings and numbers of a JSON document
//! without reading it into a tree, and a [`Flow`] through a text that comes in pieces, holding back
//! just the end in which a match may still be under way. What is found has a [`Category`], which is
//! what policies speak of; whether it is masked or refused is theirs to say.
//!
//! Invariants
//! - Linear in the length of the text, whatever the text is: every pattern is bounded, and what a
//!   pattern proposes is judged within a bound.
//! - Few false alarms: what has a check digit is checked, what has a fixed form must have it, and
//!   what stands inside a longer word or number is left alone.
//! - A flow finds what [`find`] finds in the whole, wherever the text was cut.
//! - Masking changes the found ranges and no other byte, and what was JSON is JSON after it.
//! - The same text always gives the same answer: nothing here reads a clock, draws randomness or
//!   does I/O.
//!
//! Deliberately absent: names, addresses and whatever else takes a model to recognise; and what
//! somebody has encoded or encrypted so that it isn't recognised. Guardrails catch accidents and the
//! clumsy; what must not leave is stopped by policy before it is read.

mod category;
mod find;
mod flow;
pub mod json;
mod judge;
mod patterns;

pub use category::{Categories, Category, Counts, ParseCategoryError};
pub use find::{Found, find};
pub use flow::{Flow, Passed};
