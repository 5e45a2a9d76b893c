//! Sessions and messages.
