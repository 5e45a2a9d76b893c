//! What a skill says about itself: the front matter of `SKILL.md` and the sidecar.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vocab::Digest;
use vocab::canonical::{self, CanonicalError};

use super::package::Package;
use crate::enforcement::{Driver, Level};
use crate::job::Access;
use crate::limits::{SKILL_DESCRIPTION_CHARS_MAX, SKILL_NAME_CHARS_MAX};

/// The file that makes a folder a skill.
pub const SKILL_MD: &str = "SKILL.md";
/// The file that makes a skill runnable.
pub const SIDECAR: &str = "skill.chancery.toml";

/// The largest `SKILL.md` or sidecar that is read, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// The front matter of `SKILL.md` (Agent Skills specification). Members that it does not name are
/// ignored, as other programs add their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontMatter {
    /// Lower-case letters, digits and single hyphens, at most 64.
    pub name: String,
    /// What it does and when to use it, at most 1,024 characters.
    pub description: String,
    /// The licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What it expects of its surroundings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<String>,
    /// Anything else that its author notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// How to run a skill, and what pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// The version of this format: 1.
    pub version: u32,
    /// The digest of the package, once it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The command and its first arguments. A command with a `/` is an executable file of the skill;
    /// one without is looked up in `/usr/local/bin`, `/usr/bin` and `/bin`.
    pub entry: Vec<String>,
    /// What the command needs. What it does not name it does not get.
    #[serde(default)]
    pub needs: Needs,
}

/// What a skill's command needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// The network.
    pub network: bool,
    /// The workspace: `none`, `read` or `write`.
    pub workspace: Access,
    /// Memory, in bytes; what the job gives if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Time, in milliseconds; what the job gives if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Processes and threads at once; what the job gives if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// The driver that it must run under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    /// The least enforcement under which its author wants it run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Level>,
}

/// What a package says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// From `SKILL.md`.
    pub front: FrontMatter,
    /// The instructions below the front matter.
    pub instructions: String,
    /// From the sidecar; absent in a skill that is instructions alone.
    pub sidecar: Option<Sidecar>,
}

/// Why a package is not a skill.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file that must be there is not.
    #[error("the package has no `{0}`")]
    Missing(&'static str),
    /// Not UTF-8, or larger than 256 KiB.
    #[error("`{0}` is not a text of at most 256 KiB")]
    NotText(&'static str),
    /// `SKILL.md` does not begin with `---`, YAML, `---`.
    #[error("`SKILL.md` has no front matter between two lines of `---`")]
    NoFrontMatter,
    /// The YAML can't be read.
    #[error("the front matter of `SKILL.md` can't be read: {0}")]
    Yaml(String),
    /// The sidecar can't be read.
    #[error("`skill.chancery.toml` can't be read: {0}")]
    Toml(String),
    /// The name breaks the rules.
    #[error("the skill's name `{0}` is not 1 to 64 lower-case letters, digits and single hyphens")]
    Name(String),
    /// The description is empty or too long.
    #[error("the skill's description must have 1 to 1024 characters")]
    Description,
    /// Another version of the sidecar.
    #[error("the sidecar has version {0}; only 1 is known")]
    Version(u32),
    /// The entry is empty or has a NUL.
    #[error("the sidecar's entry is not a command")]
    Entry,
    /// The entry names a file that the package lacks or that is not executable.
    #[error("the entry `{0}` is not an executable file of the package")]
    EntryMissing(String),
}

impl Sidecar {
    /// Reads a sidecar.
    ///
    /// # Errors
    /// Text that is not TOML, unknown members, another version, an empty entry.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let sidecar: Self =
            toml::from_str(text).map_err(|error| ManifestError::Toml(error.to_string()))?;
        if sidecar.version != 1 {
            return Err(ManifestError::Version(sidecar.version));
        }
        let command = sidecar
            .entry
            .first()
            .is_some_and(|command| !command.is_empty());
        if !command || sidecar.entry.iter().any(|part| part.contains('\0')) {
            return Err(ManifestError::Entry);
        }
        Ok(sidecar)
    }

    /// What it says without its digest, in canonical JSON: what the digest covers.
    pub(super) fn canonical(&self) -> Result<String, CanonicalError> {
        let unpinned = Self {
            digest: None,
            ..self.clone()
        };
        let value = serde_json::to_value(unpinned)
            .map_err(|error| CanonicalError::Write(std::io::Error::other(error)))?;
        canonical::to_string(&value)
    }
}

impl Manifest {
    /// Reads what a package says about itself.
    ///
    /// # Errors
    /// What [`ManifestError`] names.
    pub fn of(package: &Package) -> Result<Self, ManifestError> {
        let (front, instructions) = front_matter(text(package, SKILL_MD)?)?;
        let sidecar = match package.file(SIDECAR) {
            None => None,
            Some(_) => Some(Sidecar::parse(text(package, SIDECAR)?)?),
        };
        if let Some(sidecar) = &sidecar {
            check_entry(package, &sidecar.entry)?;
        }
        Ok(Self {
            front,
            instructions: instructions.to_owned(),
            sidecar,
        })
    }
}

fn text<'a>(package: &'a Package, name: &'static str) -> Result<&'a str, ManifestError> {
    let file = package.file(name).ok_or(ManifestError::Missing(name))?;
    if file.bytes.len() > TEXT_BYTES_MAX {
        return Err(ManifestError::NotText(name));
    }
    std::str::from_utf8(&file.bytes).map_err(|_| ManifestError::NotText(name))
}

fn front_matter(text: &str) -> Result<(FrontMatter, &str), ManifestError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().ok_or(ManifestError::NoFrontMatter)?;
    if first.trim_end() != "---" {
        return Err(ManifestError::NoFrontMatter);
    }
    let (mut yaml_end, yaml_start) = (first.len(), first.len());
    for line in lines {
        if line.trim_end() == "---" {
            let front = parse_front(&text[yaml_start..yaml_end])?;
            return Ok((front, text[yaml_end + line.len()..].trim()));
        }
        yaml_end += line.len();
    }
    Err(ManifestError::NoFrontMatter)
}

fn parse_front(yaml: &str) -> Result<FrontMatter, ManifestError> {
    let front: FrontMatter =
        serde_saphyr::from_str(yaml).map_err(|error| ManifestError::Yaml(error.to_string()))?;
    if !is_name(&front.name) {
        return Err(ManifestError::Name(front.name));
    }
    let chars = front.description.chars().count();
    if front.description.trim().is_empty() || chars > SKILL_DESCRIPTION_CHARS_MAX {
        return Err(ManifestError::Description);
    }
    Ok(front)
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=SKILL_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn check_entry(package: &Package, entry: &[String]) -> Result<(), ManifestError> {
    let Some(command) = entry.first().filter(|command| command.contains('/')) else {
        return Ok(());
    };
    let path = command.strip_prefix("./").unwrap_or(command);
    match package.file(path) {
        Some(file) if file.executable => Ok(()),
        Some(_) | None => Err(ManifestError::EntryMissing(command.clone())),
    }
}
