//! Sessions and messages with a real engine, a real record and both databases; no node, so that the
//! agents here wait and do nothing.

mod http;
mod posting;
mod sessions;
mod world;
