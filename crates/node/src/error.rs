//! Why a tool did not do what was asked, in terms of the wire's codes.

use std::io;

use protocol::{FailureCode, PathError};
use rustix::io::Errno;

/// Why a tool did not do what was asked. The message is for a person and names no path of this
/// machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// What happened.
    pub code: FailureCode,
    /// The same for a person.
    pub message: String,
}

impl ToolError {
    /// An error with its message.
    #[must_use]
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// What the operating system said about a path of the workspace.
    #[must_use]
    pub fn at(path: &str, error: Errno) -> Self {
        use FailureCode as C;
        let (code, what) = match error {
            Errno::NOENT => (C::NotFound, "does not exist"),
            Errno::LOOP => (
                C::PathOutsideWorkspace,
                "leads through a link, and links are not followed",
            ),
            Errno::XDEV => (C::PathOutsideWorkspace, "leads out of the workspace"),
            Errno::NOTDIR => (
                C::NotADirectory,
                "leads through something that is not a directory",
            ),
            Errno::ISDIR | Errno::NXIO => (C::NotAFile, "is not a regular file"),
            Errno::ACCESS | Errno::PERM => (C::PermissionDenied, "may not be accessed"),
            Errno::NAMETOOLONG => (C::PathInvalid, "has too long a name"),
            Errno::NOSPC | Errno::DQUOT => (C::DiskFull, "does not fit on the disk"),
            Errno::ROFS => (C::ReadOnly, "is on a file system that can't be written"),
            Errno::NOTEMPTY | Errno::EXIST => (C::NotAFile, "is something else already"),
            _ => (C::IoFailed, "could not be read or written"),
        };
        Self::new(code, format!("`{}` {what}", shown(path)))
    }

    /// The same for an error of the standard library.
    #[must_use]
    pub fn io(path: &str, error: &io::Error) -> Self {
        Self::at(path, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// What is wrong with a path as it was written.
    #[must_use]
    pub fn path(path: &str, error: PathError) -> Self {
        let code = match error {
            PathError::Absolute | PathError::Traversal => FailureCode::PathOutsideWorkspace,
            PathError::Empty
            | PathError::EmptyComponent
            | PathError::Control
            | PathError::TooLong => FailureCode::PathInvalid,
        };
        Self::new(code, format!("`{}`: {error}", shown(path)))
    }
}

/// A caller's text as it is put into a message: short, without control characters.
fn shown(text: &str) -> String {
    let plain = text
        .chars()
        .take(200)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    plain.collect()
}
