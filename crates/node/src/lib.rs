//! Node
pub mod process;
pub mod sandbox;
