//! What is found, what is not, and that neither depends on how a text comes.

mod flow;
mod json;
mod tables;
