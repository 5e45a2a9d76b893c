//! stub
mod scan;
pub mod checkpoint;
pub mod entry;
pub mod export;
mod hex;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod verify;
