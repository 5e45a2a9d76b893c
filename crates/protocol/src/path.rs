//! Names of workspaces and paths in them.
//!
//! These checks are the first net: they make two spellings of one path one, and refuse what can
//! never be meant. The second net is the node's kernel, which resolves a path beneath an open
//! directory and never follows a link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{COMPONENT_BYTES_MAX, PATH_BYTES_MAX, SLUG_BYTES_MAX};

/// A path in a workspace: relative, UTF-8, `/` between components, no `..`, no empty component, no
/// control character. `.` components are dropped, and the workspace itself is written `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspacePath(String);

/// Why a text is not a path in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing at all.
    #[error("the path is empty")]
    Empty,
    /// Begins with `/`.
    #[error("the path is absolute; give one relative to the workspace")]
    Absolute,
    /// Has a `..` component.
    #[error("the path leads out of the workspace")]
    Traversal,
    /// Has two slashes in a row, or one at the end.
    #[error("the path has an empty component")]
    EmptyComponent,
    /// Has NUL or another control character.
    #[error("the path has a control character")]
    Control,
    /// Longer than [`PATH_BYTES_MAX`], or a component longer than [`COMPONENT_BYTES_MAX`].
    #[error("the path is too long")]
    TooLong,
}

impl WorkspacePath {
    /// The workspace itself.
    #[must_use]
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Reads a path as a caller wrote it.
    ///
    /// # Errors
    /// What [`PathError`] names.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        let mut kept = Vec::new();
        for component in text.split('/') {
            match component {
                "" => return Err(PathError::EmptyComponent),
                ".." => return Err(PathError::Traversal),
                "." => {}
                long if long.len() > COMPONENT_BYTES_MAX => return Err(PathError::TooLong),
                name => kept.push(name),
            }
        }
        Ok(Self(kept.join("/")))
    }

    /// The one spelling of this path; `.` for the workspace itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// Whether this is the workspace itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The components, outermost first; none for the workspace itself.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// The directory that holds it and its own name; nothing for the workspace itself.
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, &str)> {
        if self.0.is_empty() {
            return None;
        }
        match self.0.rsplit_once('/') {
            Some((parent, name)) => Some((Self(parent.to_owned()), name)),
            None => Some((Self::root(), &self.0)),
        }
    }

    /// Whether it leads into what git keeps to itself (`.git`), in any spelling that some file
    /// system takes for that name.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        // A backslash parts components where NTFS is read.
        self.0.split(['/', '\\']).any(is_git_dir)
    }
}

/// Whether git, on any of its platforms, could take this name for `.git`: without regard to case,
/// without the code points that HFS+ ignores, without what NTFS drops at the end, and by its short
/// name (git's own `is_hfs_dotgit` and `is_ntfs_dotgit`).
#[must_use]
pub fn is_git_dir(component: &str) -> bool {
    let visible: String = component
        .chars()
        .filter(|c| !is_ignored_by_hfs(*c))
        .collect();
    let before_stream = visible.split(':').next().unwrap_or_default();
    let trimmed = before_stream.trim_end_matches([' ', '.']);
    trimmed.eq_ignore_ascii_case(".git") || trimmed.eq_ignore_ascii_case("git~1")
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a workspace: lower-case ASCII letters, digits, `-`, `_` and `.`, the first a letter or
/// a digit, at most [`SLUG_BYTES_MAX`] of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceSlug(String);

/// The text is not the name of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`, the first a letter or a digit")]
pub struct ParseSlugError;

impl WorkspaceSlug {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkspaceSlug {
    type Err = ParseSlugError;

    fn from_str(text: &str) -> Result<Self, ParseSlugError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let first = text.bytes().next().is_some_and(plain);
        let rest = text
            .bytes()
            .all(|b| plain(b) || matches!(b, b'-' | b'_' | b'.'));
        if first && rest && text.len() <= SLUG_BYTES_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseSlugError)
        }
    }
}

impl fmt::Display for WorkspaceSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for WorkspaceSlug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkspaceSlug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_has_one_spelling() {
        let read = |text| WorkspacePath::parse(text).map(|path| path.as_str().to_owned());
        assert_eq!(read("notes/todo.md").as_deref(), Ok("notes/todo.md"));
        assert_eq!(read("./notes/./todo.md").as_deref(), Ok("notes/todo.md"));
        assert_eq!(read(".").as_deref(), Ok("."));
        assert_eq!(
            read("naïve/日本 語.txt").as_deref(),
            Ok("naïve/日本 語.txt")
        );
        assert_eq!(
            read("..hidden/a..b/...").as_deref(),
            Ok("..hidden/a..b/...")
        );
    }

    #[test]
    fn what_is_no_path_in_a_workspace_is_refused() {
        let refused = |text: &str| WorkspacePath::parse(text).unwrap_err();
        assert_eq!(refused(""), PathError::Empty);
        assert_eq!(refused("/etc/passwd"), PathError::Absolute);
        assert_eq!(refused("a/../b"), PathError::Traversal);
        assert_eq!(refused(".."), PathError::Traversal);
        assert_eq!(refused("a//b"), PathError::EmptyComponent);
        assert_eq!(refused("a/"), PathError::EmptyComponent);
        assert_eq!(refused("a\0b"), PathError::Control);
        assert_eq!(refused("a\nb"), PathError::Control);
        assert_eq!(refused(&"x".repeat(256)), PathError::TooLong);
        assert_eq!(refused(&"x/".repeat(2_048)), PathError::EmptyComponent);
        assert_eq!(refused(&"xy/".repeat(2_048)), PathError::TooLong);
    }

    #[test]
    fn git_is_protected_in_every_spelling_and_its_neighbours_are_not() {
        let protected = |text| WorkspacePath::parse(text).unwrap().is_protected();
        for inside in [
            ".git",
            ".git/config",
            "a/.GIT/hooks/post-checkout",
            "a/.gIt./x",
            "a/.git /x",
            ".g\u{200c}it/config",
            "\u{feff}.git/config",
            "git~1/config",
            ".git::$INDEX_ALLOCATION/config",
            "a\\.git\\config",
        ] {
            assert!(protected(inside), "{inside:?}");
        }
        for beside in [
            ".gitignore",
            ".github/workflows/a.yml",
            "git/config",
            "a.git/x",
            "x.git",
            "git~2",
        ] {
            assert!(!protected(beside), "{beside:?}");
        }
    }

    #[test]
    fn a_slug_is_one_harmless_directory_name() {
        for good in ["default", "ses_018bcfe5-6800-7000", "a", "9.x"] {
            assert_eq!(good.parse::<WorkspaceSlug>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            ".git",
            "a/b",
            "A",
            "-a",
            "a b",
            "é",
            "a\0",
            &"a".repeat(65),
        ] {
            assert_eq!(bad.parse::<WorkspaceSlug>(), Err(ParseSlugError), "{bad:?}");
        }
    }
}
