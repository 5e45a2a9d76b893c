//! What is asked of a policy set: who wants which effect, on what, in which situation.

use std::collections::BTreeSet;

use guard::Categories;
use serde::{Deserialize, Serialize};
use vocab::{Action, AgentId, OrgId, Role, Target, Timestamp, UserId};

/// One question. It holds everything that a decision depends on, so a recorded question can be put
/// to another policy set later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The organisation in which it happens.
    pub org: OrgId,
    /// Who acts.
    pub principal: Principal,
    /// The role of the person who acts, or for whom the agent acts.
    pub role: Role,
    /// The tool that asks.
    pub tool: String,
    /// The effect that is asked for.
    pub action: Action,
    /// What it acts on.
    pub target: Target,
    /// Labels of what it acts on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub target_labels: BTreeSet<String>,
    /// The situation.
    pub context: Context,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Principal {
    /// A person who invokes a tool directly.
    User {
        /// The person.
        id: UserId,
    },
    /// An agent in a run.
    Agent {
        /// The agent.
        id: AgentId,
        /// Its name.
        name: String,
        /// Its labels.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        labels: BTreeSet<String>,
        /// The person for whom it acts, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
    },
}

/// The situation in which something is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Labels of the session.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub session_labels: BTreeSet<String>,
    /// The kind of the run, such as `agent_turn`.
    pub run_kind: String,
    /// What the run has read so far.
    pub has_read: HasRead,
    /// What the run has spent so far, in millionths of a US dollar.
    pub spend_usd_micros: i64,
    /// The present instant.
    pub now: Timestamp,
    /// What the node on which it would happen really enforces.
    pub enforcement: Enforcement,
    /// Risk that the caller knows of, from 0 to 100; the decision takes the larger of this and
    /// [`crate::risk::score`].
    pub risk: u8,
    /// What guardrails found in what is handed over.
    #[serde(default, skip_serializing_if = "Categories::is_empty")]
    pub detected: Categories,
    /// Which way it is handed over.
    #[serde(default, skip_serializing_if = "Flow::is_out")]
    pub flow: Flow,
}

/// Which way something is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// To a tool or a model.
    #[default]
    Out,
    /// From a model to who asked it.
    In,
}

impl Flow {
    /// The name that policies use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }

    /// What serde asks, by reference.
    fn is_out(&self) -> bool {
        *self == Self::Out
    }
}

impl Context {
    /// A situation in which nothing was read or spent yet, executed by the server itself.
    #[must_use]
    pub fn new(run_kind: &str, now: Timestamp) -> Self {
        Self {
            session_labels: BTreeSet::new(),
            run_kind: run_kind.to_owned(),
            has_read: HasRead::default(),
            spend_usd_micros: 0,
            now,
            enforcement: Enforcement::InProcess,
            risk: 0,
            detected: Categories::NONE,
            flow: Flow::Out,
        }
    }
}

/// What a run has read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HasRead {
    /// Something that the organisation vouches for.
    pub trusted: bool,
    /// Something that must not leave the organisation.
    pub private: bool,
    /// Something that anybody may have written, and that may hold instructions.
    pub untrusted: bool,
}

impl HasRead {
    /// What both have read.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            trusted: self.trusted || other.trusted,
            private: self.private || other.private,
            untrusted: self.untrusted || other.untrusted,
        }
    }
}

/// What a node really enforces, as it has probed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// The server executes it itself; no foreign code runs.
    InProcess,
    /// Nothing is enforced; the limits are told and not more.
    Advisory,
    /// Some of the isolation is in place.
    Partial,
    /// All of the isolation is in place.
    Enforced,
}

impl Enforcement {
    /// Every level.
    pub const ALL: [Self; 4] = [
        Self::InProcess,
        Self::Advisory,
        Self::Partial,
        Self::Enforced,
    ];

    /// The name that policies use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProcess => "in_process",
            Self::Advisory => "advisory",
            Self::Partial => "partial",
            Self::Enforced => "enforced",
        }
    }
}

/// Why a question can't be put to any policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The action does not act on such a target.
    #[error("the action `{0}` doesn't act on such a target")]
    Mismatch(Action),
    /// The path is not in canonical form.
    #[error("the path `{0}` isn't relative and free of empty, `.` and `..` components")]
    Path(String),
    /// The request's target is not in canonical form.
    #[error("the target `{0}` isn't a canonical HTTP or HTTPS address")]
    Address(String),
    /// Cedar refused a value.
    #[error("the question can't be put to the policy engine: {0}")]
    Engine(String),
}

impl Question {
    /// Whether action and target fit together and the target is in canonical form, so that one
    /// target has one spelling and a policy that names it can't be bypassed by another.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<(), QuestionError> {
        let fits = match (&self.target, self.action) {
            (Target::File { path, .. }, Action::FileRead | Action::FileWrite) => {
                return check_path(path);
            }
            (
                Target::Http {
                    scheme, host, path, ..
                },
                Action::HttpFetch,
            ) => {
                return check_address(scheme, host, path);
            }
            (Target::Process { .. }, Action::ProcessExec)
            | (Target::Skill { .. }, Action::SkillRun | Action::SkillRead)
            | (Target::Artifact { .. }, Action::ArtifactSave | Action::ArtifactRead)
            | (Target::Agent { .. }, Action::AgentCall)
            | (Target::Model { .. }, Action::ModelCall)
            | (Target::Secret { .. }, Action::SecretUse)
            | (Target::Nothing, Action::Noop) => true,
            (
                Target::File { .. }
                | Target::Http { .. }
                | Target::Process { .. }
                | Target::Skill { .. }
                | Target::Artifact { .. }
                | Target::Agent { .. }
                | Target::Model { .. }
                | Target::Secret { .. }
                | Target::Nothing,
                _,
            ) => false,
        };
        if fits {
            Ok(())
        } else {
            Err(QuestionError::Mismatch(self.action))
        }
    }
}

fn check_path(path: &str) -> Result<(), QuestionError> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if path.is_empty() || path.split('/').all(plain) {
        return Ok(());
    }
    Err(QuestionError::Path(path.to_owned()))
}

fn check_address(scheme: &str, host: &str, path: &str) -> Result<(), QuestionError> {
    let odd =
        |c: char| c.is_whitespace() || c.is_control() || c.is_uppercase() || "/\\@?#".contains(c);
    let canonical = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !host.contains(odd)
        && path.starts_with('/')
        && !path.contains(['?', '#']);
    if canonical {
        Ok(())
    } else {
        Err(QuestionError::Address(format!("{scheme}://{host}{path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_has_one_spelling() {
        for good in [
            "",
            "a",
            "notes/todo.md",
            ".git/config",
            "a b/ü",
            "...",
            "a/.b",
        ] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "./a",
            "a/./b",
            "..",
            "a/../b",
            "a\0b",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_address_has_one_spelling() {
        for (scheme, host, path) in [
            ("http", "127.0.0.1", "/"),
            ("https", "api.example", "/v1"),
            ("http", "[::1]", "/"),
        ] {
            assert_eq!(check_address(scheme, host, path), Ok(()), "{host}{path}");
        }
        for (scheme, host, path) in [
            ("ftp", "a", "/"),
            ("HTTP", "a", "/"),
            ("http", "", "/"),
            ("http", "A", "/"),
            ("http", "a@b", "/"),
            ("http", "a/b", "/"),
            ("http", "a", ""),
            ("http", "a", "x"),
            ("http", "a", "/x?y"),
        ] {
            assert!(
                check_address(scheme, host, path).is_err(),
                "{scheme} {host}{path}"
            );
        }
    }
}
