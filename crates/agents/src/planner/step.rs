//! One step: its forms, reading it, and writing it.

use std::fmt;
use std::time::Duration;

use super::text::Text;
use super::value::{self, Written, WrittenText};
use super::{Why, duration};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the language's table says what each value is")]
pub enum Step {
    /// `list [PATH]`
    List { path: Option<String> },
    /// `read PATH`
    Read { path: String },
    /// `write PATH: TEXT`
    Write { path: String, text: Text },
    /// `search PATTERN [in PATH]`
    Search {
        pattern: String,
        path: Option<String>,
    },
    /// `fetch URL`
    Fetch { url: String },
    /// `run skill NAME [on PATH]`
    RunSkill { name: String, path: Option<String> },
    /// `save artifact NAME from PATH`
    SaveArtifact { name: String, path: String },
    /// `call agent NAME: TEXT`
    CallAgent { name: String, text: Text },
    /// `shell: COMMAND`
    Shell { command: String },
    /// `wait DURATION`
    Wait { wait: Duration },
    /// `noop`
    Noop,
}

/// A form that a step can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the steps")]
pub enum Form {
    List,
    Read,
    Write,
    Search,
    Fetch,
    RunSkill,
    SaveArtifact,
    CallAgent,
    Shell,
    Wait,
    Noop,
}

impl Form {
    /// Every form, in the order of the language's table.
    pub const ALL: [Self; 11] = [
        Self::List,
        Self::Read,
        Self::Write,
        Self::Search,
        Self::Fetch,
        Self::RunSkill,
        Self::SaveArtifact,
        Self::CallAgent,
        Self::Shell,
        Self::Wait,
        Self::Noop,
    ];

    /// The first word of the form.
    const fn verb(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Search => "search",
            Self::Fetch => "fetch",
            Self::RunSkill => "run",
            Self::SaveArtifact => "save",
            Self::CallAgent => "call",
            Self::Shell => "shell",
            Self::Wait => "wait",
            Self::Noop => "noop",
        }
    }

    /// The form as it is written, in backticks.
    const fn pattern(self) -> &'static str {
        match self {
            Self::List => "`list PATH`",
            Self::Read => "`read PATH`",
            Self::Write => "`write PATH: TEXT`",
            Self::Search => "`search PATTERN in PATH`",
            Self::Fetch => "`fetch URL`",
            Self::RunSkill => "`run skill NAME on PATH`",
            Self::SaveArtifact => "`save artifact NAME from PATH`",
            Self::CallAgent => "`call agent NAME: TEXT`",
            Self::Shell => "`shell: COMMAND`",
            Self::Wait => "`wait DURATION`",
            Self::Noop => "`noop`",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern())
    }
}

/// Reads the trimmed text of step `number`.
pub(super) fn parse(text: &str, number: u32) -> Result<Step, Why> {
    let end = text
        .find(|c: char| c.is_whitespace() || c == ':')
        .unwrap_or(text.len());
    let (verb, rest) = text.split_at(end);
    let known = Form::ALL
        .into_iter()
        .find(|form| form.verb().eq_ignore_ascii_case(verb));
    let Some(form) = known else {
        return Err(nearest(verb).map_or(Why::Unknown, Why::Near));
    };
    parse_as(form, rest, number)?.ok_or(Why::Near(form))
}

/// Nothing if the rest does not fit the form.
fn parse_as(form: Form, rest: &str, number: u32) -> Result<Option<Step>, Why> {
    if rest.starts_with(':') && form != Form::Shell {
        return Ok(None);
    }
    match form {
        Form::List => Ok(Some(Step::List { path: owned(rest)? })),
        Form::Read => Ok(owned(rest)?.map(|path| Step::Read { path })),
        Form::Write => {
            let parts = named_text(rest, number)?;
            Ok(parts.map(|(path, text)| Step::Write { path, text }))
        }
        Form::Search => search(rest.trim()),
        Form::Fetch => {
            let url = owned(rest)?.filter(|url| !url.contains(char::is_whitespace));
            Ok(url.map(|url| Step::Fetch { url }))
        }
        Form::RunSkill => after(rest, "skill").map_or(Ok(None), run_skill),
        Form::SaveArtifact => after(rest, "artifact").map_or(Ok(None), save_artifact),
        Form::CallAgent => {
            let Some(rest) = after(rest, "agent") else {
                return Ok(None);
            };
            let parts = named_text(rest, number)?;
            Ok(parts.map(|(name, text)| Step::CallAgent { name, text }))
        }
        Form::Shell => {
            let Some(command) = rest.trim_start().strip_prefix(':') else {
                return Ok(None);
            };
            Ok(owned(command)?.map(|command| Step::Shell { command }))
        }
        Form::Wait => duration::parse(rest)
            .map(|wait| Some(Step::Wait { wait }))
            .ok_or(Why::Duration),
        Form::Noop => Ok(rest.trim().is_empty().then_some(Step::Noop)),
    }
}

fn owned(raw: &str) -> Result<Option<String>, Why> {
    Ok(value::read(raw)?.map(|text| text.into_owned()))
}

/// What follows a second keyword.
fn after<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = rest.trim_start();
    let head = rest.get(..keyword.len())?;
    let tail = &rest[keyword.len()..];
    let ends = tail.starts_with(char::is_whitespace);
    (ends && head.eq_ignore_ascii_case(keyword)).then(|| tail.trim())
}

fn search(rest: &str) -> Result<Option<Step>, Why> {
    let (pattern, path) = match value::split_last(rest, "in") {
        Some((pattern, path)) => (pattern, owned(path)?),
        None => (rest, None),
    };
    Ok(owned(pattern)?.map(|pattern| Step::Search { pattern, path }))
}

fn run_skill(rest: &str) -> Result<Option<Step>, Why> {
    let (name, rest) = value::split_word(rest);
    let path = match after(rest, "on") {
        Some(path) => owned(path)?,
        None if rest.trim().is_empty() => None,
        None => return Ok(None),
    };
    let name = owned(name)?.filter(|name| !name.contains(char::is_whitespace));
    Ok(name.map(|name| Step::RunSkill { name, path }))
}

fn save_artifact(rest: &str) -> Result<Option<Step>, Why> {
    let Some((name, path)) = value::split_last(rest, "from") else {
        return Ok(None);
    };
    let both = owned(name)?.zip(owned(path)?);
    Ok(both.map(|(name, path)| Step::SaveArtifact { name, path }))
}

/// `NAME: TEXT`
fn named_text(rest: &str, number: u32) -> Result<Option<(String, Text)>, Why> {
    let Some((name, text)) = value::split_colon(rest)? else {
        return Ok(None);
    };
    let Some(name) = owned(name)? else {
        return Ok(None);
    };
    let text = value::read(text)?.unwrap_or_default();
    Ok(Some((name, Text::parse(&text, number)?)))
}

/// The form whose verb takes the fewest changes of a letter to become this one, if two at most.
fn nearest(verb: &str) -> Option<Form> {
    const CHANGES_MAX: usize = 2;
    if verb.len() > 16 {
        return None;
    }
    let verb = verb.to_lowercase();
    let near = Form::ALL
        .into_iter()
        .map(|form| (changes(&verb, form.verb()), form));
    let (count, form) = near.min_by_key(|(count, _)| *count)?;
    // More than half of a word changed is another word.
    (count <= CHANGES_MAX && count * 2 <= form.verb().len()).then_some(form)
}

/// The Levenshtein distance.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { path: None } => f.write_str("list"),
            Self::List { path: Some(path) } => write!(f, "list {}", Written(path)),
            Self::Read { path } => write!(f, "read {}", Written(path)),
            Self::Write { path, text } => {
                write!(
                    f,
                    "write {}: {}",
                    Written(path),
                    WrittenText(&text.to_string())
                )
            }
            Self::Search {
                pattern,
                path: None,
            } => write!(f, "search {}", Written(pattern)),
            Self::Search {
                pattern,
                path: Some(path),
            } => {
                write!(f, "search {} in {}", Written(pattern), Written(path))
            }
            Self::Fetch { url } => write!(f, "fetch {}", WrittenText(url)),
            Self::RunSkill { name, path: None } => write!(f, "run skill {}", Written(name)),
            Self::RunSkill {
                name,
                path: Some(path),
            } => {
                write!(f, "run skill {} on {}", Written(name), Written(path))
            }
            Self::SaveArtifact { name, path } => {
                write!(f, "save artifact {} from {}", Written(name), Written(path))
            }
            Self::CallAgent { name, text } => {
                write!(
                    f,
                    "call agent {}: {}",
                    Written(name),
                    WrittenText(&text.to_string())
                )
            }
            Self::Shell { command } => write!(f, "shell: {}", WrittenText(command)),
            Self::Wait { wait } => write!(f, "wait {}", duration::Written(*wait)),
            Self::Noop => f.write_str("noop"),
        }
    }
}
