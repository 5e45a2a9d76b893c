//! Node
pub mod authorise;
pub mod docker;
pub mod drivers;
pub mod error;
pub mod execute;
pub mod files;
pub mod lease;
pub mod plan;
pub mod process;
pub mod sandbox;
pub mod session;
pub mod skills;
pub mod spool;
pub mod worker;
pub mod workspace;
