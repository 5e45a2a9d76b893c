//! Skills: packages in the Agent Skills format, pinned by a digest.
//!
//! A skill is a folder with a `SKILL.md` (YAML front matter with `name` and `description`, then
//! instructions) and whatever scripts and files it comes with. To be runnable it also holds
//! `skill.chancery.toml`, the sidecar: which command to run, what that command needs, and the digest
//! that pins the folder.
//!
//! # The digest, version 1
//!
//! SHA-256 over the ASCII text `chancery-skill-v1` and a zero byte, then for every file, in the
//! byte order of their paths: the length of the path as a big-endian `u64`, the path, one byte `x`
//! (executable) or `-`, the length of the content as a big-endian `u64`, the content. Directories,
//! owners, times and other mode bits do not count. The content of the sidecar counts as the
//! canonical JSON (RFC 8785) of what it says without its `digest`, so the digest can stand in the
//! file that it covers and a comment in it can change.
//!
//! # The package
//!
//! An uncompressed tar of regular files and directories. Links, devices, absolute paths, `..`,
//! names that appear twice, and names that are both a file and a directory are refused.

mod digest;
pub mod folder;
mod manifest;
mod package;

pub use manifest::{FrontMatter, Manifest, ManifestError, Needs, SIDECAR, SKILL_MD, Sidecar};
pub use package::{File, Package, PackageError};
