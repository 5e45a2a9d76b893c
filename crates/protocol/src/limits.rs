//! Limits of the wire and of packages.

use std::time::Duration;

/// The largest frame, in bytes. It holds the largest outcome with every byte escaped as `\u00XX`.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest output of a file tool, in bytes.
pub const OUTPUT_BYTES_MAX: usize = vocab::limits::TOOL_OUTPUT_BYTES_MAX;
/// The largest standard output and the largest standard error of a process, in bytes each.
pub const STREAM_BYTES_MAX: u64 = 512 * 1024;
/// The largest message in a failure, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 2_000;
/// How many artifacts one job may hand back.
pub const ARTIFACTS_MAX: usize = 64;
/// The most that all artifacts of one job hold together, in bytes.
pub const ARTIFACTS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The longest path in a workspace, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;
/// The longest component of a path, in bytes (`NAME_MAX`).
pub const COMPONENT_BYTES_MAX: usize = 255;
/// The longest workspace name, in bytes.
pub const SLUG_BYTES_MAX: usize = 64;

/// The largest file that a tool reads or writes, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The longest time that a job may ask for.
pub const JOB_TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// The most memory that a job may ask for, in bytes.
pub const JOB_MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// The most processes that a job may ask for.
pub const JOB_PROCESSES_MAX: u32 = 4_096;

/// The largest skill package as it travels (an uncompressed tar), in bytes.
pub const SKILL_PACKAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most files in a skill package.
pub const SKILL_FILES_MAX: usize = 512;
/// The longest skill name, in characters (Agent Skills specification).
pub const SKILL_NAME_CHARS_MAX: usize = 64;
/// The longest skill description, in characters (Agent Skills specification).
pub const SKILL_DESCRIPTION_CHARS_MAX: usize = 1_024;
/// The most arguments of a skill.
pub const SKILL_ARGS_MAX: usize = 128;
/// The largest argument of a skill, in bytes.
pub const SKILL_ARG_BYTES_MAX: usize = 64 * 1024;
/// The largest input of a skill, in bytes.
pub const SKILL_INPUT_BYTES_MAX: usize = 1024 * 1024;
