//! One job: what the gateway asks, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::{Digest, Intent, JobId};

use crate::enforcement::{Driver, Level};
use crate::limits;
use crate::path::WorkspaceSlug;

/// One attempt to perform one intent on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// The attempt. A node acts on it at most once.
    pub job: JobId,
    /// The lease under which it is sent; the result carries it back.
    pub epoch: u64,
    /// The capability token that names this node, run, tool and the intent's digest.
    pub token: String,
    /// What is to be done, exactly.
    pub intent: Intent,
    /// The workspace; the same one that the intent's target names.
    pub workspace: WorkspaceSlug,
    /// The most that it may use.
    pub limits: JobLimits,
    /// What foreign code may reach.
    pub grants: Grants,
    /// What the boundary around it must be.
    pub requirements: Requirements,
}

/// The most that a job may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobLimits {
    /// Wall time, in milliseconds.
    pub timeout_ms: u64,
    /// Memory of all its processes together, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads at any time.
    pub processes: u32,
    /// What is kept of standard output and of standard error, in bytes each.
    pub stream_bytes: u64,
    /// The largest file that it may write, in bytes.
    pub file_bytes: u64,
    /// Processor time a second, in thousandths of one processor.
    pub cpu_millis: u32,
}

impl Default for JobLimits {
    fn default() -> Self {
        let timeout_ms = u64::try_from(vocab::limits::TOOL_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        Self {
            timeout_ms,
            memory_bytes: 512 * 1024 * 1024,
            processes: 128,
            stream_bytes: 256 * 1024,
            file_bytes: limits::FILE_BYTES_MAX,
            cpu_millis: 1_000,
        }
    }
}

impl JobLimits {
    /// These limits, none of them zero and none beyond what any job may ask for.
    #[must_use]
    pub fn clamped(self) -> Self {
        let timeout_max = u64::try_from(limits::JOB_TIMEOUT_MAX.as_millis()).unwrap_or(u64::MAX);
        Self {
            timeout_ms: self.timeout_ms.clamp(1, timeout_max),
            memory_bytes: self
                .memory_bytes
                .clamp(1024 * 1024, limits::JOB_MEMORY_BYTES_MAX),
            processes: self.processes.clamp(1, limits::JOB_PROCESSES_MAX),
            stream_bytes: self.stream_bytes.clamp(1, limits::STREAM_BYTES_MAX),
            file_bytes: self.file_bytes.clamp(1, limits::FILE_BYTES_MAX),
            cpu_millis: self.cpu_millis.clamp(10, 1_000_000),
        }
    }
}

/// How a job may reach its workspace. Ordered: each holds what those before it hold.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Not at all.
    #[default]
    None,
    /// To read.
    Read,
    /// To read and write.
    Write,
}

/// What foreign code may reach. It gets what it declares to need, and is refused if that is more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// The network.
    pub network: bool,
    /// The workspace.
    pub workspace: Access,
}

/// What the boundary around foreign code must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// The least level of enforcement.
    pub enforcement: Level,
    /// This driver and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
}

impl Default for Requirements {
    fn default() -> Self {
        Self {
            enforcement: Level::Enforced,
            driver: None,
        }
    }
}

/// What became of a job. `ok` says that there is no `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether it did what was asked.
    pub ok: bool,
    /// What a file tool answers. Absent for a process, whose answer is its streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Whether anything of output, streams or artifacts was cut.
    pub truncated: bool,
    /// Files that a process left in `/out`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The exit code of a process that exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What a process wrote to standard output; invalid UTF-8 is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What a process wrote to standard error; invalid UTF-8 is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// Wall time, in milliseconds.
    pub duration_ms: u64,
    /// What it used.
    pub usage: Usage,
    /// Why it did not do what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// The answer of a file tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Text.
    Text(String),
    /// A JSON value.
    Json(Value),
}

/// A file that a process left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Relative to `/out`.
    pub path: String,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// The content.
    #[serde(with = "crate::frame::base64_bytes", rename = "content_base64")]
    pub content: Vec<u8>,
}

/// What a job used. Zero where it was not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// The most memory held at once, in bytes.
    pub memory_bytes_max: u64,
}

/// Why a job did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What happened.
    pub code: FailureCode,
    /// The same for a person, without secrets and without paths of the node's machine.
    pub message: String,
    /// Whether the same intent may succeed later.
    pub retryable: bool,
    /// Whether the job was begun. If not, nothing was done, and it may be sent anew with a new token.
    pub executed: bool,
}

macro_rules! failure_codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, retryable = $retryable:literal;)*) => {
        /// Why a job did not do what was asked. Append-only: codes are kept in records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl FailureCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The persisted name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Whether the same intent may succeed later, without anybody changing it.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable),* }
            }
        }
    };
}

failure_codes! {
    /// The token is missing, forged, expired, or bound to something else.
    TokenInvalid = "TOKEN_INVALID", retryable = false;
    /// The token was spent by another job.
    TokenSpent = "TOKEN_SPENT", retryable = false;
    /// The job was sent under a lease that is not the present one.
    StaleEpoch = "STALE_EPOCH", retryable = true;
    /// The node's lease ran out before the job began.
    LeaseLost = "LEASE_LOST", retryable = true;
    /// The job id was used for another intent.
    JobMismatch = "JOB_MISMATCH", retryable = false;
    /// The job was done and acknowledged; its outcome is no longer kept.
    JobForgotten = "JOB_FORGOTTEN", retryable = false;
    /// The node finishes what it has and takes nothing new.
    Draining = "DRAINING", retryable = true;
    /// All of the node's slots are taken.
    NodeBusy = "NODE_BUSY", retryable = true;
    /// The node can't write the job down.
    SpoolUnavailable = "SPOOL_UNAVAILABLE", retryable = true;
    /// The tool is not one that runs on a node.
    ToolUnknown = "TOOL_UNKNOWN", retryable = false;
    /// The arguments are not what the tool takes.
    ArgumentsInvalid = "ARGUMENTS_INVALID", retryable = false;
    /// The intent's target is not what its arguments say, or names another workspace.
    TargetMismatch = "TARGET_MISMATCH", retryable = false;
    /// What was required of the boundary can't be had here.
    EnforcementUnavailable = "ENFORCEMENT_UNAVAILABLE", retryable = false;
    /// The skill needs what was not granted.
    NeedNotGranted = "NEED_NOT_GRANTED", retryable = false;
    /// The path leads out of the workspace.
    PathOutsideWorkspace = "PATH_OUTSIDE_WORKSPACE", retryable = false;
    /// The text is no path.
    PathInvalid = "PATH_INVALID", retryable = false;
    /// The path leads to what git keeps to itself.
    PathProtected = "PATH_PROTECTED", retryable = false;
    /// There is nothing by that name.
    NotFound = "NOT_FOUND", retryable = false;
    /// It is not a regular file.
    NotAFile = "NOT_A_FILE", retryable = false;
    /// It is not a directory.
    NotADirectory = "NOT_A_DIRECTORY", retryable = false;
    /// It is not UTF-8 text.
    NotText = "NOT_TEXT", retryable = false;
    /// The file has other names, so writing it would change what is elsewhere.
    HardLinked = "HARD_LINKED", retryable = false;
    /// It is larger than the limit.
    TooLarge = "TOO_LARGE", retryable = false;
    /// The text to be replaced is not in the file.
    EditNotFound = "EDIT_NOT_FOUND", retryable = false;
    /// The text to be replaced is in the file more than once.
    EditAmbiguous = "EDIT_AMBIGUOUS", retryable = false;
    /// The pattern is not a regular expression, or too costly a one.
    PatternInvalid = "PATTERN_INVALID", retryable = false;
    /// The operating system says no.
    PermissionDenied = "PERMISSION_DENIED", retryable = false;
    /// The disk is full.
    DiskFull = "DISK_FULL", retryable = true;
    /// The file system can't be written.
    ReadOnly = "READ_ONLY", retryable = true;
    /// Reading or writing failed.
    IoFailed = "IO_FAILED", retryable = true;
    /// No skill by that digest can be had.
    SkillUnavailable = "SKILL_UNAVAILABLE", retryable = true;
    /// The skill's package is not what its digest says, or not a proper package.
    SkillInvalid = "SKILL_INVALID", retryable = false;
    /// The process ended with another exit code than zero.
    ExitNonZero = "EXIT_NON_ZERO", retryable = false;
    /// The process was ended by a signal.
    Killed = "KILLED", retryable = false;
    /// The time limit was reached.
    TimedOut = "TIMED_OUT", retryable = false;
    /// The memory limit was reached.
    OutOfMemory = "OUT_OF_MEMORY", retryable = false;
    /// The gateway cancelled the job, or the node was stopped.
    Cancelled = "CANCELLED", retryable = false;
    /// The boundary could not be set up for this job; nothing ran.
    SandboxFailed = "SANDBOX_FAILED", retryable = true;
    /// The outcome is larger than a frame.
    ResultTooLarge = "RESULT_TOO_LARGE", retryable = false;
    /// Something that should not happen.
    Internal = "INTERNAL", retryable = false;
}

impl Failure {
    /// A failure before anything was done.
    #[must_use]
    pub fn refused(code: FailureCode, message: impl Into<String>) -> Self {
        Self::new(code, message.into(), false)
    }

    /// A failure of a job that was begun.
    #[must_use]
    pub fn executed(code: FailureCode, message: impl Into<String>) -> Self {
        Self::new(code, message.into(), true)
    }

    fn new(code: FailureCode, mut message: String, executed: bool) -> Self {
        message.truncate(message.floor_char_boundary(limits::MESSAGE_BYTES_MAX));
        Self {
            code,
            message,
            retryable: code.retryable(),
            executed,
        }
    }
}

impl Outcome {
    /// A file tool's answer.
    #[must_use]
    pub fn success(output: Output) -> Self {
        Self {
            ok: true,
            output: Some(output),
            ..Self::empty()
        }
    }

    /// Nothing but why it failed.
    #[must_use]
    pub fn failure(failure: Failure) -> Self {
        Self {
            error: Some(failure),
            ..Self::empty()
        }
    }

    /// Whether the job was begun.
    #[must_use]
    pub fn was_executed(&self) -> bool {
        self.error.as_ref().is_none_or(|failure| failure.executed)
    }

    /// The answer in one value: a file tool's text or JSON; for a process an object of `exit_code`,
    /// `stdout` and `stderr`; `null` if there is neither.
    #[must_use]
    pub fn answer(&self) -> Value {
        match (&self.output, &self.stdout) {
            (Some(Output::Text(text)), _) => Value::from(text.as_str()),
            (Some(Output::Json(value)), _) => value.clone(),
            (None, Some(stdout)) => serde_json::json!({
                "exit_code": self.exit_code,
                "stdout": stdout,
                "stderr": self.stderr,
            }),
            (None, None) => Value::Null,
        }
    }

    fn empty() -> Self {
        Self {
            ok: false,
            output: None,
            truncated: false,
            artifacts: Vec::new(),
            exit_code: None,
            stdout: None,
            stderr: None,
            duration_ms: 0,
            usage: Usage::default(),
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_never_zero_and_never_endless() {
        let zero = JobLimits {
            timeout_ms: 0,
            memory_bytes: 0,
            processes: 0,
            stream_bytes: 0,
            file_bytes: 0,
            cpu_millis: 0,
        };
        let low = zero.clamped();
        assert!(low.timeout_ms > 0 && low.memory_bytes > 0 && low.processes > 0);
        let endless = JobLimits {
            timeout_ms: u64::MAX,
            memory_bytes: u64::MAX,
            ..zero
        }
        .clamped();
        assert_eq!(endless.timeout_ms, 3_600_000);
        assert_eq!(endless.memory_bytes, limits::JOB_MEMORY_BYTES_MAX);
        assert_eq!(JobLimits::default().clamped(), JobLimits::default());
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let failure = Failure::executed(FailureCode::Internal, "ä".repeat(2_000));
        assert!(failure.message.len() <= limits::MESSAGE_BYTES_MAX);
        assert!(failure.message.chars().all(|c| c == 'ä'));
    }

    #[test]
    fn no_code_is_used_twice() {
        let mut seen = std::collections::HashSet::new();
        assert!(
            FailureCode::ALL
                .iter()
                .all(|code| seen.insert(code.as_str()))
        );
    }
}
