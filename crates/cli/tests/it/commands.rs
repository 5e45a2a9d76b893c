//! Each command of the client against a real server, its failures included.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::installation::{Installation, Printed, finish, interrupt, needs_node, next_line};

/// Runs a command that reads its standard input.
pub fn given(installation: &Installation, args: &[&str], input: &str) -> Printed {
    let mut command = installation.command();
    command.args(args).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    finish(child)
}

/// Runs a command as somebody else: with this key, or with a configuration of their own.
fn as_other(installation: &Installation, args: &[&str], variable: (&str, &Path)) -> Printed {
    let mut command = installation.command();
    command.args(args).env(variable.0, variable.1);
    finish(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

/// The next line that a command prints while it goes on, as JSON.
fn next_json(child: &mut Child) -> Value {
    let line = next_line(child);
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[track_caller]
fn fails(installation: &Installation, args: &[&str], code: i32, says: &str) {
    let printed = installation.cli(args).exits(code);
    assert!(printed.err.contains(says), "no `{says}` in {printed:?}");
    if code == 1 {
        assert_eq!(printed.err.lines().count(), 1, "{printed:?}");
    }
}

fn lists(installation: &Installation) {
    let with_a_default = [
        "runs",
        "approvals",
        "secrets",
        "providers",
        "profiles",
        "budgets",
        "usage",
        "keys",
        "agents",
        "skills",
        "tools",
        "artifacts",
        "nodes",
        "node",
        "members",
    ];
    let words = with_a_default.map(|word| vec![word]);
    let named = [vec!["policy", "list"], vec!["audit", "events"]];
    for words in words.into_iter().chain(named) {
        installation.cli(&words).exits(0);
        let listed = installation.cli(&[words, vec!["--json"]].concat()).exits(0);
        assert!(listed.json()["items"].is_array(), "{listed:?}");
    }
    let cut = installation
        .cli(&["audit", "events", "--limit", "2"])
        .exits(0);
    assert!(cut.err.contains("more than these 2"), "{cut:?}");
    let whole = installation.cli(&["tools"]).exits(0).says("file.read");
    assert_eq!(whole.err, "");
    installation
        .cli(&["agents", "show", "demo"])
        .exits(0)
        .says("rules");
    installation
        .cli(&["agents", "versions", "demo"])
        .exits(0)
        .says("VERSION");
    let same = installation
        .cli(&["agents", "diff", "demo", "1", "1"])
        .exits(0);
    assert!(same.err.contains("nothing differs"), "{same:?}");
    installation
        .cli(&["agents", "rollback", "demo", "1"])
        .exits(0)
        .says("as in version 1 again");
    fails(
        installation,
        &["agents", "rollback", "demo", "99"],
        1,
        "not found",
    );
    installation
        .cli(&["whoami"])
        .exits(0)
        .says("owner@chancery.local");
    let secret = installation.cli(&["policy", "schema"]).exits(0);
    assert!(secret.out.contains("namespace Chancery"), "{secret:?}");
}

fn failures(installation: &Installation) {
    let no_run = "there is no run `run_x`; `chancery runs` lists them";
    for words in [
        "runs show",
        "runs watch",
        "runs cancel",
        "runs token",
        "replay",
    ] {
        let words: Vec<&str> = words.split(' ').chain(["run_x"]).collect();
        fails(installation, &words, 1, no_run);
    }
    fails(
        installation,
        &["runs", "resolve", "run_x", "skip"],
        1,
        no_run,
    );
    let no_approval = "there is no approval `apr_x`; `chancery approvals` lists them";
    for verb in ["show", "approve", "deny"] {
        fails(installation, &["approvals", verb, "apr_x"], 1, no_approval);
    }
    fails(
        installation,
        &["artifacts", "get", "art_x"],
        1,
        "there is no artifact `art_x`",
    );
    fails(
        installation,
        &["agents", "pause", "x"],
        1,
        "there is no agent `x`",
    );
    fails(
        installation,
        &["nodes", "revoke", "x"],
        1,
        "there is no node `x`",
    );
    fails(
        installation,
        &["keys", "delete", "x"],
        1,
        "there is no API key `x`",
    );
    fails(
        installation,
        &["policy", "show", "x"],
        1,
        "there is no policy `x`",
    );
    fails(
        installation,
        &["members", "remove", "x"],
        1,
        "there is no member `x`",
    );
    fails(installation, &["tools", "invoke", "x"], 1, "not found");
    fails(
        installation,
        &["run", "list", "--agent", "x"],
        1,
        "no agent is called `x`; there are demo",
    );
    fails(
        installation,
        &["--org", "x", "runs"],
        1,
        "`chancery whoami` lists them",
    );
    fails(
        installation,
        &["policy", "check", "file.fly"],
        1,
        "intent.tool: no tool is called",
    );
    fails(
        installation,
        &["policy", "check", "file.read", "{"],
        2,
        "are not JSON; give an object".split(';').next().unwrap(),
    );
    fails(
        installation,
        &["runs", "list", "--state", "waitin"],
        2,
        "'waiting'",
    );
    fails(
        installation,
        &["approvals", "list", "--status", "x"],
        2,
        "pending",
    );
    fails(
        installation,
        &["secrets", "create", "empty"],
        2,
        "pipe it into standard input",
    );
    fails(
        installation,
        &["audit", "proof", "999999"],
        1,
        "sealed events",
    );
    let json = installation
        .cli(&["runs", "show", "run_x", "--json"])
        .exits(1);
    let failure: Value = serde_json::from_str(&json.err).unwrap();
    assert_eq!(failure["error"]["problem"]["status"], 404, "{json:?}");
}

fn policies(installation: &Installation) {
    installation
        .cli(&[
            "policy",
            "check",
            "file.read",
            r#"{"path": "notes/todo.md"}"#,
            "--agent",
            "demo",
        ])
        .exits(0)
        .says("✓ allowed\n  why")
        .says("demo#read-files");
    installation
        .cli(&[
            "policy",
            "check",
            "file.write",
            r#"{"path": "notes/x", "content": ""}"#,
        ])
        .exits(0)
        .says("? asks a person");
    let denied = [
        "policy",
        "check",
        "file.write",
        r#"{"path": "x", "content": ""}"#,
        "--agent",
        "demo",
    ];
    // In the agent's workspace, and on a node that enforces: the rule that is suggested must fit.
    installation
        .cli(&denied)
        .exits(0)
        .says("✗ denied")
        .says(r#"resource.workspace == "demo""#);
    let rule = installation
        .cli(&[&denied[..], &["--json"]].concat())
        .json();
    std::fs::write(
        installation.path("more.cedar"),
        rule["suggested_fix"].as_str().unwrap(),
    )
    .unwrap();
    installation
        .cli(&[
            "policy",
            "publish",
            "more.cedar",
            "--comment",
            "as suggested",
        ])
        .exits(0)
        .says("version 1");
    installation.cli(&denied).exits(0).says("✓ allowed");
    installation
        .cli(&["policy", "show", "more"])
        .exits(0)
        .says("permit");
    installation
        .cli(&["policy", "delete", "more"])
        .exits(0)
        .says("out of force");
    installation.cli(&denied).exits(0).says("✗ denied");
    std::fs::write(installation.path("bad.cedar"), "permit (principal").unwrap();
    let bad = installation
        .cli(&["policy", "publish", "bad.cedar"])
        .exits(1);
    assert!(
        bad.err.contains("line 1") && bad.err.contains("nothing changed"),
        "{bad:?}"
    );
    fails(
        installation,
        &["policy", "simulate", "bad.cedar"],
        1,
        "line 1",
    );
    fails(
        installation,
        &["policy", "publish", "none.cedar"],
        1,
        "can't read `none.cedar`",
    );
}

fn keys_and_secrets(installation: &Installation) {
    given(
        installation,
        &["secrets", "create", "token"],
        "a-long-secret\n",
    )
    .exits(0)
    .says("is stored");
    given(
        installation,
        &["secrets", "rotate", "token"],
        "another-secret",
    )
    .exits(0)
    .says("has version 2");
    installation
        .cli(&[
            "secrets",
            "grant",
            "token",
            "--tool",
            "http.fetch",
            "--agent",
            "demo",
        ])
        .exits(0)
        .says("http.fetch");
    installation
        .cli(&["secrets", "rotate-key"])
        .exits(0)
        .says("data key 2");
    let listed = installation.cli(&["secrets", "--json"]).exits(0);
    assert!(!listed.out.contains("another-secret"), "{listed:?}");
    installation
        .cli(&["secrets", "delete", "token"])
        .exits(0)
        .says("is deleted");

    let made = installation
        .cli(&["keys", "create", "ci", "--role", "viewer"])
        .exits(0);
    let key = Path::new(made.out.trim());
    let variable = ("CHANCERY_API_KEY", key);
    as_other(installation, &["whoami"], variable)
        .exits(0)
        .says("by an API key");
    let refused = as_other(installation, &["secrets", "rotate-key"], variable).exits(1);
    assert!(refused.err.contains("admin"), "{refused:?}");
    let refused = as_other(installation, &["audit", "rotate-key"], variable).exits(1);
    assert!(refused.err.contains("owner"), "{refused:?}");
    installation.cli(&["keys", "delete", "ci"]).exits(0);
    let ended = as_other(installation, &["runs"], variable).exits(1);
    assert!(
        ended.err.contains("does not know this API key"),
        "{ended:?}"
    );

    installation
        .cli(&["nodes", "create", "mine"])
        .exits(0)
        .says("chn_");
    installation
        .cli(&["node", "revoke", "mine"])
        .exits(0)
        .says("is revoked");
    installation
        .cli(&["members", "invite", "a@b.example"])
        .exits(0)
        .says("cin_");
}

/// A tool of one's own is a request to where a policy lets it go, with its secret put in there.
fn http_tools(installation: &Installation) {
    let url = installation.livez().replace("livez", "v1/{thing}");
    let tool = serde_json::json!({
        "description": "Looks at this server.", "url_template": url,
        "headers": [{"name": "authorization", "value": "Bearer ", "secret": "status-token"}],
        "schema": {"type": "object", "properties": {"thing": {"type": "string"}},
                   "required": ["thing"], "additionalProperties": false},
    });
    std::fs::write(installation.path("status.json"), tool.to_string()).unwrap();
    let define = ["tools", "define", "status", "status.json"];
    installation.cli(&define).exits(0).says("version 1");
    installation.cli(&define).exits(0).says("version 2");
    installation
        .cli(&["tools"])
        .exits(0)
        .says("Looks at this server.");
    let made = installation
        .cli(&["keys", "create", "for the tool", "--role", "viewer"])
        .exits(0);
    given(
        installation,
        &["secrets", "create", "status-token"],
        &made.out,
    )
    .exits(0);
    let arguments = r#"{"thing": "me"}"#;
    let invoke = ["tools", "invoke", "status", arguments];
    let run = installation.begin(&invoke);
    installation
        .approve_until_over(run)
        .exits(1)
        .says("SECRET_NOT_GRANTED");
    installation
        .cli(&["secrets", "grant", "status-token", "--tool", "status"])
        .exits(0);
    let run = installation.begin(&invoke);
    let done = installation
        .approve_until_over(run)
        .exits(0)
        .says("owner@chancery.local");
    assert!(!done.out.contains(made.out.trim()), "{done:?}");
    std::fs::write(installation.path("status.json"), "{").unwrap();
    fails(installation, &define, 2, "is not JSON");
    installation.cli(&["tools", "remove", "status"]).exits(0);
    fails(
        installation,
        &["tools", "remove", "status"],
        1,
        "there is no HTTP tool `status`",
    );
}

/// Another device shows a code, and whoever is signed in here approves it.
fn another_device(installation: &Installation) {
    let theirs = installation.path("theirs");
    let variable = ("XDG_CONFIG_HOME", theirs.as_path());
    let unknown = as_other(installation, &["runs"], variable).exits(1);
    assert!(unknown.err.contains("run `chancery login`"), "{unknown:?}");
    let mut command = installation.command();
    command
        .args(["login", "--json"])
        .env(variable.0, variable.1);
    let mut login = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let code = next_json(&mut login)["user_code"]
        .as_str()
        .unwrap()
        .to_owned();
    // A key is nobody who could vouch for a device.
    fails(
        installation,
        &["login", "--approve", &code],
        1,
        "chancery login --email",
    );
    let ours = installation.path("ours");
    let words = installation.page.split_whitespace();
    let password = words.skip_while(|word| *word != "password").nth(1).unwrap();
    let mut command = installation.command();
    command.args([
        "login",
        "--email",
        "owner@chancery.local",
        "--password-stdin",
    ]);
    command.env("XDG_CONFIG_HOME", &ours).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(password.as_bytes()).unwrap();
    drop(stdin);
    finish(child).exits(0).says("you are signed in");
    let person = ("XDG_CONFIG_HOME", ours.as_path());
    let wrong = as_other(installation, &["login", "--approve", "WRONG"], person).exits(1);
    assert!(wrong.err.contains("error: "), "{wrong:?}");
    as_other(installation, &["login", "--approve", &code], person)
        .exits(0)
        .says("is signed in");
    finish(login).exits(0).says("owner@chancery.local");
    as_other(installation, &["whoami"], variable)
        .exits(0)
        .says("signed in");
    as_other(installation, &["logout"], variable)
        .exits(0)
        .says("signed out");
    as_other(installation, &["runs"], variable).exits(1);
}

/// The inbox in another terminal shows what comes, and ends at Ctrl-C.
fn inbox(installation: &Installation) {
    let mut watching = installation.begin(&["approvals", "watch", "--json"]);
    let asked = installation
        .cli(&["run", "--no-wait", "write notes/inbox.md: x"])
        .exits(3);
    let shown = next_json(&mut watching);
    assert_eq!(shown["agent_name"], "demo", "{shown}");
    let approval = shown["id"].as_str().unwrap();
    assert!(asked.err.contains(approval), "{asked:?}");
    let waiting = shown["run_id"].as_str().unwrap();
    let key = installation.cli(&["runs", "token", waiting]).exits(0);
    assert!(
        key.out.starts_with("crn_") && key.out.lines().count() == 1,
        "{key:?}"
    );
    installation
        .cli(&["runs", "token", waiting, "--shell", "--ttl-s", "60"])
        .exits(0)
        .says("export ANTHROPIC_BASE_URL='http")
        .says("/gateway/openai/v1'")
        .says("export OPENAI_API_KEY='crn_");
    interrupt(&watching, Signal::INT);
    finish(watching).exits(130);
    installation
        .cli(&["approvals", "show", approval])
        .exits(0)
        .says("demo (agt_")
        .says("+ x")
        .says("chancery approvals approve");
    installation
        .cli(&["approvals", "approve", approval, "--scope", "run"])
        .exits(0)
        .says("for the rest of this run");
    let run = shown["run_id"].as_str().unwrap();
    installation
        .cli(&["runs", "watch", run])
        .exits(0)
        .says("✓ succeeded");
    fails(installation, &["runs", "token", run], 1, "the run is over");
    installation
        .cli(&["runs", "cancel", run])
        .exits(0)
        .says("is over already: succeeded");
    let grants = installation
        .cli(&["approvals", "grants", "--json"])
        .exits(0)
        .json();
    let grant = grants["items"][0]["id"].as_str().unwrap();
    installation
        .cli(&["approvals", "grants"])
        .exits(0)
        .says("\"file.write\" on the path");
    installation
        .cli(&["approvals", "revoke", grant])
        .exits(0)
        .says("holds no longer");
    fails(
        installation,
        &["approvals", "revoke", "grt_x"],
        1,
        "there is no grant `grt_x`",
    );
    installation
        .cli(&["approvals", "list", "--status", "granted"])
        .exits(0)
        .says(approval);
}

/// The record's key is replaced: who trusts the old one still proves everything, offline.
fn rotated_log_key(installation: &Installation) {
    let first = installation
        .cli(&["audit", "checkpoint", "--json"])
        .exits(0)
        .json();
    let first = first["keys"][0].as_str().unwrap().to_owned();
    let rotated = installation
        .cli(&["audit", "rotate-key", "--json"])
        .exits(0)
        .json();
    let second = rotated["key"].as_str().unwrap();
    assert_ne!(first, second);
    installation.cli(&["tools", "invoke", "noop"]).exits(0);
    installation
        .cli(&["audit", "export", "-o", "rotated.ndjson"])
        .exits(0);
    for key in [first.as_str(), second] {
        installation
            .cli(&["audit", "verify", "rotated.ndjson", "--key", key])
            .exits(0)
            .says(&format!("signed by   {second}"));
    }
    let stranger = first.replace(&first[first.len() - 6..], "AAAAA=");
    let refused = installation.cli(&["audit", "verify", "rotated.ndjson", "--key", &stranger]);
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
    installation
        .cli(&["audit", "events", "--kind", "log.key_rotated"])
        .exits(0)
        .says("log.key_rotated");
    installation
        .cli(&["audit", "proof", "2"])
        .exits(0)
        .says("event 2 in the record of");
}

fn every_command(installation: &Installation) {
    needs_node();
    lists(installation);
    failures(installation);
    policies(installation);
    keys_and_secrets(installation);
    crate::models::providers_profiles_budgets_usage(installation);
    http_tools(installation);
    another_device(installation);
    inbox(installation);
    rotated_log_key(installation);
}

#[test]
fn every_command_on_sqlite() {
    every_command(&Installation::sqlite());
}

#[test]
fn every_command_on_postgres() {
    every_command(&Installation::postgres());
}
