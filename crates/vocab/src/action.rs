//! What kinds of effect an action can have: the vocabulary of policies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal;)*) => {
        /// An effect on the world, as policies name it. Append-only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The persisted name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

actions! {
    /// Reads, lists or searches files of a workspace.
    FileRead = "file.read";
    /// Creates or changes a file of a workspace.
    FileWrite = "file.write";
    /// Sends an HTTP request.
    HttpFetch = "http.fetch";
    /// Runs a command in a shell.
    ProcessExec = "process.exec";
    /// Runs a skill.
    SkillRun = "skill.run";
    /// Puts a secret into a request at egress.
    SecretUse = "secret.use";
    /// Keeps a file as an artifact.
    ArtifactSave = "artifact.save";
    /// Starts another agent.
    AgentCall = "agent.call";
    /// Does nothing; for trying the road out.
    Noop = "noop";
    /// Sends what a run has gathered to a model, and takes its answer.
    ModelCall = "model.call";
    /// Reads on in an artifact of the run itself.
    ArtifactRead = "artifact.read";
    /// Reads what a skill says of itself.
    SkillRead = "skill.read";
}

/// The text names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no action is called `{0}`")]
pub struct ParseActionError(String);

impl FromStr for Action {
    type Err = ParseActionError;

    fn from_str(text: &str) -> Result<Self, ParseActionError> {
        let found = Self::ALL.iter().find(|action| action.as_str() == text);
        found
            .copied()
            .ok_or_else(|| ParseActionError(text.to_owned()))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
