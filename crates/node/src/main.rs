//! The untrusted side: sandbox, files, skills, shell.
fn main() -> std::process::ExitCode {
    node::sandbox::init::main()
}
