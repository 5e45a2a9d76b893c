//! Texts for people, made of what the server says. Pure: values in, lines out.

pub mod approval;
pub mod replay;
pub mod steps;
pub mod target;
