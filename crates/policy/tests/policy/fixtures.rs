//! Questions and policies to begin with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use policy::{Context, PolicyProblem, PolicySet, PolicySource, Principal, Question, Verdict};
use vocab::{
    Action, AgentId, Digest, HttpMethod, Id, OrgId, Role, RunId, Target, Timestamp, UserId,
};

/// An id that differs for each `n`.
pub fn id<K: vocab::IdKind>(n: u128) -> Id<K> {
    Id::from_uuid(uuid::Uuid::from_u128(n))
}

pub fn org() -> OrgId {
    id(1)
}
pub fn run() -> RunId {
    id(2)
}
pub fn agent() -> AgentId {
    id(3)
}
pub fn user() -> UserId {
    id(4)
}

/// A Tuesday in UTC, 22:13:20.
pub const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// An agent of a member asks for this.
pub fn ask(action: Action, target: Target) -> Question {
    Question {
        org: org(),
        principal: Principal::Agent {
            id: agent(),
            name: "scribe".to_owned(),
            labels: BTreeSet::from(["demo".to_owned()]),
            user: Some(user()),
        },
        role: Role::Member,
        tool: action.as_str().to_owned(),
        action,
        target,
        target_labels: BTreeSet::new(),
        context: Context::new("agent_turn", NOW),
    }
}

pub fn file(path: &str) -> Target {
    Target::File {
        path: path.to_owned(),
        workspace: "demo".to_owned(),
        size_bytes: None,
    }
}

pub fn http(method: HttpMethod, host: &str, port: u16, path: &str) -> Target {
    Target::Http {
        method,
        scheme: "http".to_owned(),
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    }
}

pub fn skill(name: &str) -> Target {
    Target::Skill {
        name: name.to_owned(),
        digest: Some(Digest::of(name.as_bytes())),
        workspace: "demo".to_owned(),
    }
}

/// One question for each action.
pub fn one_of_each() -> Vec<Question> {
    let name = || "n\"ame\u{202e}\n".to_owned();
    let target = |action| match action {
        Action::FileRead => file("notes/todo.md"),
        Action::FileWrite => Target::File {
            path: "notes/résumé \"x\".md".to_owned(),
            workspace: "demo".to_owned(),
            size_bytes: Some(12),
        },
        Action::HttpFetch => http(HttpMethod::Post, "api.example", 8443, "/v1/things"),
        Action::ProcessExec => Target::Process {
            command: "ls -l \\ | wc\n".to_owned(),
            workspace: "demo".to_owned(),
        },
        Action::SkillRun | Action::SkillRead => skill("word-count"),
        Action::SecretUse => Target::Secret { name: name() },
        Action::ArtifactSave | Action::ArtifactRead => Target::Artifact {
            name: name(),
            source: None,
        },
        Action::AgentCall => Target::Agent { name: name() },
        Action::ModelCall => Target::Model { name: name() },
        Action::Noop => Target::Nothing,
    };
    Action::ALL
        .iter()
        .map(|action| ask(*action, target(*action)))
        .collect()
}

pub fn source(name: &str, cedar: &str) -> PolicySource {
    PolicySource {
        name: name.to_owned(),
        cedar: cedar.to_owned(),
        managed: false,
    }
}

pub fn managed(name: &str, cedar: &str) -> PolicySource {
    PolicySource {
        managed: true,
        ..source(name, cedar)
    }
}

pub fn compile(sources: &[PolicySource]) -> PolicySet {
    PolicySet::compile(sources).unwrap_or_else(|problems| panic!("{}", list(&problems)))
}

pub fn list(problems: &[PolicyProblem]) -> String {
    problems.iter().map(|each| format!("{each}\n")).collect()
}

/// What one policy says.
pub fn verdict(cedar: &str, question: &Question) -> Verdict {
    compile(&[source("p", cedar)]).decide(question).verdict
}

pub const ASK: Verdict = Verdict::RequireApproval { four_eyes: false };

/// The project's shared test data, which is beside a checkout and not in it.
pub fn shared(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/testdata")
        .join(path)
}
