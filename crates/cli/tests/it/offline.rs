//! What the CLI does without a server.

use std::process::{Command, Stdio};

use crate::installation::{Printed, finish, program};

fn alone(args: &[&str], variables: &[(&str, &str)]) -> Printed {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHANCERY_") {
            command.env_remove(name);
        }
    }
    command
        .env("XDG_CONFIG_HOME", folder.path())
        .current_dir(folder.path());
    command.envs(variables.iter().copied()).args(args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    finish(command.spawn().unwrap())
}

#[test]
fn a_failure_is_one_line_that_says_what_to_do() {
    // Nothing ever listens on the discard port of this machine.
    let printed = alone(&["runs", "--url", "http://127.0.0.1:9"], &[]).exits(1);
    assert_eq!(printed.err.lines().count(), 1, "{printed:?}");
    assert!(printed.err.contains("chancery up"), "{printed:?}");
    let printed = alone(&["runs", "--url", "http://127.0.0.1:9", "--json"], &[]).exits(1);
    let problem: serde_json::Value = serde_json::from_str(&printed.err).unwrap();
    assert!(problem["error"]["message"].is_string(), "{printed:?}");
    alone(&["runs", "--url", "127.0.0.1:7300"], &[]).exits(2);
    alone(&["dance"], &[]).exits(2);
    alone(&["audit", "verify", "nothing.ndjson"], &[]).exits(1);
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_its_secrets() {
    let variables = [
        ("CHANCERY_DATABASE_URL", "postgres://me:s3cret@db/x"),
        ("CHANCERY_LISTEN", "127.0.0.1:1"),
    ];
    let printed = alone(&["config", "show"], &variables).exits(0);
    let printed = printed
        .says("the variable `CHANCERY_LISTEN`")
        .says("me:********@db/x");
    assert!(!printed.out.contains("s3cret"));
    let printed = alone(&["config", "show"], &[("CHANCERY_LISTN", "x")]).exits(2);
    assert!(
        printed.err.contains("did you mean `CHANCERY_LISTEN`?"),
        "{printed:?}"
    );
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        alone(&["completions", shell], &[])
            .exits(0)
            .says("approvals");
    }
    alone(&["--help"], &[]).exits(0).says("Exit codes");
    alone(&["--version"], &[])
        .exits(0)
        .says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_is_printed() {
    let document = alone(&["openapi"], &[]).exits(0).json();
    assert!(document["paths"]["/v1/runs"].is_object());
}
