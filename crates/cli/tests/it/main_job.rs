//! The main job: from a message to a verified and replayed run, and over a crash in the middle.

use crate::installation::{Installation, finish, interrupt, needs_node, next_line};
use rustix::process::Signal;

fn steps(installation: &Installation) -> String {
    format!(
        "read notes/todo.md; run skill word-count on notes/todo.md; fetch {}; \
         write notes/summary.md: all is well",
        installation.livez()
    )
}

fn id_of_run(text: &str) -> String {
    let at = text.rfind("run_").expect("a run's id is printed");
    text[at..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
        .collect()
}

fn main_job(installation: &Installation) {
    needs_node();
    let run = installation.begin(&["run", &steps(installation)]);
    let printed = installation.approve_until_over(run).exits(0);
    let run = id_of_run(&printed.out);
    let printed = printed.says("✓ allowed").says("? asks").says("✓ succeeded");
    for tool in ["file.read", "skill.run", "http.fetch", "file.write"] {
        assert!(printed.out.contains(tool), "{tool} in {printed:?}");
    }

    installation
        .cli(&["audit", "verify"])
        .exits(0)
        .says("✓ proved");
    installation
        .cli(&["audit", "verify"])
        .exits(0)
        .says("remembered here");
    installation
        .cli(&["audit", "verify", "--remote"])
        .exits(0)
        .says("✓");
    tampering_is_found(installation);

    installation
        .cli(&["replay", &run])
        .exits(0)
        .says("✓ identical")
        .says("outside effects 0");
    let stricter = include_str!("../../../../demo/stricter.cedar");
    std::fs::write(installation.path("stricter.cedar"), stricter).unwrap();
    let replayed = installation
        .cli(&["replay", &run, "--policy", "stricter.cedar"])
        .exits(0);
    replayed
        .says("✗ it goes another way")
        .says("verdict: require_approval → ");
    installation
        .cli(&["policy", "simulate", "stricter.cedar"])
        .exits(0)
        .says("http.fetch");
    installation
        .cli(&["runs", "show", &run])
        .exits(0)
        .says("succeeded")
        .says("http.fetch");
    installation
        .cli(&["doctor", "--data-dir", "data"])
        .says("✓");
}

fn tampering_is_found(installation: &Installation) {
    installation
        .cli(&["audit", "export", "-o", "record.ndjson"])
        .exits(0);
    installation
        .cli(&["audit", "verify", "record.ndjson"])
        .exits(0)
        .says("✓ proved");
    let text = std::fs::read_to_string(installation.path("record.ndjson")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // The line of seq 5: the first line is the header.
    lines[5] = lines[5].replacen("\"kind\":\"", "\"kind\":\"x", 1);
    std::fs::write(
        installation.path("tampered.ndjson"),
        lines.join("\n") + "\n",
    )
    .unwrap();
    installation
        .cli(&["audit", "verify", "tampered.ndjson"])
        .exits(1)
        .says("event 5 is bad");
}

/// Where an agent that plans with a model finds an `AGENTS.md`, and where it finds none: nothing fails.
fn guided(installation: &Installation) {
    needs_node();
    let turn = |text: &str| {
        let args = ["run", text, "--agent", "guide"];
        installation.cli(&args).exits(0).says("✓ succeeded")
    };
    let shown = turn("read notes/todo.md");
    for line in ["AGENTS.md", "notes/AGENTS.md", "notes/todo.md"] {
        assert!(shown.out.contains(line), "{line} in {shown:?}");
    }
    // The one at the top is there; that of the folder isn't, and that reads as what it is.
    assert_eq!(shown.out.matches("there is none").count(), 1, "{shown:?}");
    assert!(!shown.out.contains("failed"), "{shown:?}");
    // A file that the model asked for itself and that is not there is a failure as ever.
    let missing = turn("read notes/nothing.md");
    assert!(missing.out.contains("failed: NOT_FOUND"), "{missing:?}");
}

#[test]
fn guided_on_sqlite() {
    guided(&Installation::sqlite());
}

#[test]
fn guided_on_postgres() {
    guided(&Installation::postgres());
}

#[test]
fn main_job_on_sqlite() {
    main_job(&Installation::sqlite());
}

#[test]
fn main_job_on_postgres() {
    main_job(&Installation::postgres());
}

/// Ctrl-C detaches, kill -9 of the server loses nothing, and whoever watches again sees the end.
fn over_a_crash(installation: &mut Installation) {
    let run = installation.begin(&[
        "run",
        "write notes/after.md: still here; read notes/after.md",
    ]);
    let approval = installation.pending();
    interrupt(&run, Signal::INT);
    let detached = finish(run).exits(130);
    assert!(detached.err.contains("the run goes on"), "{detached:?}");
    let run = id_of_run(&detached.err);

    let mut watching = installation.begin(&["runs", "watch", &run]);
    assert!(next_line(&mut watching).contains("file.write"));
    installation.kill();
    installation.up();
    installation
        .cli(&["runs", "show", &run])
        .exits(0)
        .says("waiting (approval)");
    installation
        .cli(&["approvals", "approve", &approval])
        .exits(0);
    let watched = finish(watching)
        .exits(0)
        .says("✓ succeeded")
        .says("still here");
    assert!(watched.err.contains("reconnecting"), "{watched:?}");
    installation
        .cli(&["audit", "verify"])
        .exits(0)
        .says("✓ proved");
}

#[test]
fn a_run_goes_on_over_a_crash_on_sqlite() {
    needs_node();
    over_a_crash(&mut Installation::sqlite());
}

#[test]
fn a_run_goes_on_over_a_crash_on_postgres() {
    needs_node();
    over_a_crash(&mut Installation::postgres());
}

/// The exit code says how it ended.
#[test]
fn exit_codes_say_how_a_run_ended() {
    needs_node();
    let installation = Installation::sqlite();
    installation
        .cli(&["run", "dance"])
        .exits(1)
        .says("PLAN_NOT_UNDERSTOOD");
    installation
        .cli(&["run", "list", "--json"])
        .exits(0)
        .says("\"kind\":\"run.succeeded\"");
    let waiting = installation
        .cli(&["run", "--no-wait", "write notes/x.md: y"])
        .exits(3);
    let approval = installation.pending();
    assert!(waiting.err.contains(&approval), "{waiting:?}");
    installation
        .cli(&["approvals", "show", &approval])
        .exits(0)
        .says("+ y");
    let run = id_of_run(&waiting.err.replace(&approval, ""));
    installation.cli(&["runs", "cancel", &run]).exits(0);
    installation
        .cli(&["runs", "watch", &run])
        .exits(4)
        .says("✗ cancelled");
    let denied = installation.begin(&["run", "write notes/z.md: y"]);
    let approval = installation.pending();
    installation
        .cli(&["approvals", "deny", &approval, "--comment", "not now"])
        .exits(0);
    finish(denied).exits(1).says("a person denied it");
    installation.cli(&["runs", "show", "run_nonsense"]).exits(1);
    installation
        .cli(&["run", "x", "--agent", "nobody"])
        .exits(1);
}
