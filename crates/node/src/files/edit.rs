//! `file.edit {path, old, new}`: one place of a file, which `old` must name without doubt.

use std::io::Read as _;

use protocol::limits::FILE_BYTES_MAX;
use protocol::{FailureCode, WorkspacePath};
use serde::Deserialize;

use super::{Answer, write};
use crate::error::ToolError;
use crate::workspace::Workspace;

/// What to edit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// The file.
    pub path: String,
    /// What is there now, exactly once.
    pub old: String,
    /// What shall be there instead.
    pub new: String,
}

pub(super) fn run(
    workspace: &Workspace,
    path: &WorkspacePath,
    arguments: &Arguments,
) -> Result<Answer, ToolError> {
    let refused = |code, message: &str| ToolError::new(code, message);
    if arguments.old.is_empty() {
        return Err(refused(FailureCode::ArgumentsInvalid, "`old` is empty"));
    }
    let open = workspace.open_file(path)?;
    if open.size > FILE_BYTES_MAX {
        return Err(refused(
            FailureCode::TooLarge,
            "the file is too large to be edited",
        ));
    }
    let mut bytes = Vec::new();
    open.file
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| ToolError::io(path.as_str(), &error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| refused(FailureCode::NotText, "the file is not UTF-8 text"))?;
    let at = only_place(&text, &arguments.old)?;
    let (before, after) = (&text[..at], &text[at + arguments.old.len()..]);
    write::put(workspace, path, &[before, &arguments.new, after].concat())
}

/// Where `old` is. Places that overlap are two.
fn only_place(text: &str, old: &str) -> Result<usize, ToolError> {
    let at = text
        .find(old)
        .ok_or_else(|| ToolError::new(FailureCode::EditNotFound, "`old` is not in the file"))?;
    let next = at + text[at..].chars().next().map_or(1, char::len_utf8);
    if text[next..].contains(old) {
        let message = "`old` is in the file more than once; give more of what surrounds it";
        return Err(ToolError::new(FailureCode::EditAmbiguous, message));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_without_doubt() {
        let code = |text, old| only_place(text, old).map_err(|error| error.code);
        assert_eq!(code("one two three", "two"), Ok(4));
        assert_eq!(code("äöü", "ö"), Ok(2));
        assert_eq!(code("one", "two"), Err(FailureCode::EditNotFound));
        assert_eq!(code("two two", "two"), Err(FailureCode::EditAmbiguous));
        assert_eq!(code("aaa", "aa"), Err(FailureCode::EditAmbiguous));
    }
}
