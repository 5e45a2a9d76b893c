//! What the tests share: drivers, workspaces, skills.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use node::error::ToolError;
use node::files::{Answer, FileCall};
use node::process::{Mount, Process, Ran};
use node::sandbox::Namespaces;
use node::workspace::{Workspace, Workspaces};
use protocol::skill::{File, Package};
use protocol::{JobLimits, Output};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use vocab::{Clock, OrgId, Random, Timestamp};

pub fn helper() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_chancery-node"))
}

/// A folder that foreign code may be shown: the temporary folder itself is closed to nobody.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(dir.path().join("staging")).unwrap();
        Self { dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn namespaces(&self) -> Namespaces {
        Namespaces::new(helper(), self.path().join("staging"))
    }

    pub fn workspaces(&self) -> Workspaces {
        Workspaces::open(self.path().join("workspaces"), Random::system()).unwrap()
    }

    pub fn workspace(&self) -> Workspace {
        self.workspaces()
            .get(org(1), &"default".parse().unwrap())
            .unwrap()
    }

    pub fn mount(&self, writable: bool) -> Mount {
        let workspace = self.workspace();
        self.workspaces().adopt(&workspace).unwrap();
        Mount {
            path: workspace.path().to_owned(),
            writable,
        }
    }
}

pub fn org(seed: u64) -> OrgId {
    let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_000_000));
    OrgId::generate(&clock, &Random::seeded(seed))
}

/// A command line in the sandbox.
pub fn shell(script: &str) -> Process {
    Process {
        command: ["/bin/sh", "-c", script].map(str::to_owned).into(),
        folder: None,
        input: Vec::new(),
        workspace: None,
        skill: None,
        network: false,
        limits: JobLimits {
            timeout_ms: 20_000,
            ..JobLimits::default()
        },
    }
}

pub async fn run(place: &Place, process: &Process) -> Ran {
    place
        .namespaces()
        .run(process, &CancellationToken::new())
        .await
        .unwrap()
}

pub fn stdout(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stdout.bytes).into_owned()
}

pub fn stderr(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stderr.bytes).into_owned()
}

/// A call of a file tool.
#[expect(
    clippy::needless_pass_by_value,
    reason = "called with `json!` in place"
)]
pub fn call(workspace: &Workspace, tool: &str, arguments: Value) -> Result<Answer, ToolError> {
    let call = FileCall::parse(tool, &arguments)?.unwrap();
    call.run(workspace, Instant::now() + Duration::from_secs(20))
}

pub fn text(answer: Answer) -> String {
    match answer.output {
        Output::Text(text) => text,
        Output::Json(value) => panic!("not text: {value}"),
    }
}

pub fn json(answer: Answer) -> Value {
    match answer.output {
        Output::Json(value) => value,
        Output::Text(text) => panic!("not JSON: {text}"),
    }
}

/// A skill of one script.
pub fn skill(name: &str, needs: &str, script: &str) -> Package {
    let mut package = Package::default();
    let mut add = |path: &str, executable, text: String| {
        package
            .insert(
                path,
                File {
                    executable,
                    bytes: text.into_bytes(),
                },
            )
            .unwrap();
    };
    add(
        "SKILL.md",
        false,
        format!("---\nname: {name}\ndescription: For a test.\n---\n"),
    );
    let sidecar = format!("version = 1\nentry = [\"./run.sh\"]\n[needs]\n{needs}\n");
    add("skill.chancery.toml", false, sidecar);
    add("run.sh", true, format!("#!/bin/sh\n{script}\n"));
    package
}
