//! The chancery binary: server and client in one.

fn main() {}
