//! The untrusted side: sandbox, files, skills, shell.

fn main() {}
