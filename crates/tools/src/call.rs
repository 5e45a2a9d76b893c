//! From a tool's name and raw arguments to a checked call with its target.
//!
//! Arguments stay exactly as they came: what is approved and digested is what will be executed. A
//! call only *reads* them, to refuse what does not fit and to say what the action acts on.

use serde::Deserialize;
use serde_json::Value;
use vocab::{Action, ArtifactId, Digest, HttpMethod, Source, Target, limits};

use crate::model;
use crate::spec::{Executor, Reads, ToolSpec};

/// A call that fits its tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The tool's name.
    pub tool: String,
    /// The effect that policies decide on.
    pub action: Action,
    /// What it acts on.
    pub target: Target,
    /// Who carries it out.
    pub executor: Executor,
    /// Whether an attempt whose outcome is unknown may simply be repeated.
    pub idempotent: bool,
    /// What its answer lets into the run.
    pub reads: Reads,
}

impl Call {
    /// What it does before its own effect, for policy to decide on as well: whoever may not read a
    /// file may not save a copy of it either.
    #[must_use]
    pub fn first(&self) -> Option<(Action, Target)> {
        match &self.target {
            Target::Artifact { source, .. } => {
                source.as_ref().map(|it| (Action::FileRead, it.file()))
            }
            Target::File { .. }
            | Target::Http { .. }
            | Target::Process { .. }
            | Target::Skill { .. }
            | Target::Agent { .. }
            | Target::Model { .. }
            | Target::Secret { .. }
            | Target::Nothing => None,
        }
    }
}

/// Why a call does not fit its tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No tool has this name.
    #[error("no tool is called `{0}`")]
    UnknownTool(String),
    /// The arguments are not what the tool takes.
    #[error("{0}")]
    Arguments(String),
}

/// Where a call is made: the facts that its target needs besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The workspace of the session.
    pub workspace: &'a str,
    /// The digest of the package of the skill that the call names.
    pub skill: Option<Digest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileArguments {
    path: Option<String>,
    #[serde(rename = "offset")]
    _offset: Option<u64>,
    #[serde(rename = "limit")]
    _limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteArguments {
    path: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditArguments {
    path: String,
    #[serde(rename = "old")]
    _old: String,
    #[serde(rename = "new")]
    _new: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    #[serde(rename = "pattern")]
    _pattern: String,
    path: Option<String>,
}

/// The arguments of `http.fetch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchArguments {
    pub url: String,
    pub method: Option<String>,
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    pub body: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecArguments {
    command: String,
    #[serde(rename = "cwd")]
    _cwd: Option<String>,
    #[serde(rename = "timeout_ms")]
    _timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillArguments {
    name: String,
    #[serde(rename = "args", default)]
    _args: Vec<String>,
    #[serde(rename = "input")]
    _input: Option<String>,
}

/// The arguments of `skill.read`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillReadArguments {
    pub name: String,
    pub path: Option<String>,
}

/// The arguments of `artifact.read`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArtifactReadArguments {
    pub id: ArtifactId,
    #[serde(default)]
    pub offset: u64,
    pub limit: Option<u64>,
}

/// The arguments of `artifact.save`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArtifactArguments {
    pub name: String,
    pub content: Option<String>,
    pub path: Option<String>,
}

/// The arguments of `agent.call`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentArguments {
    /// The agent's name.
    pub agent: String,
    /// What to ask.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

/// Reads arguments as what a tool takes.
pub(crate) fn read<'de, T: Deserialize<'de>>(arguments: &'de Value) -> Result<T, CallError> {
    T::deserialize(arguments).map_err(|error| CallError::Arguments(error.to_string()))
}

/// Checks a call of a built-in tool and names its target.
///
/// # Errors
/// Arguments that do not fit.
pub fn check(
    spec: &ToolSpec,
    arguments: &Value,
    around: Surroundings<'_>,
) -> Result<Call, CallError> {
    let most = if spec.action == Action::ModelCall {
        limits::MODEL_QUESTION_BYTES_MAX
    } else {
        limits::ARGUMENTS_BYTES_MAX
    };
    let size = arguments.to_string().len();
    if size > most {
        return Err(CallError::Arguments(format!(
            "the arguments have {size} bytes; at most {most} are taken"
        )));
    }
    let mut idempotent = spec.idempotent;
    let mut executor = spec.executor;
    let target = match spec.name.as_str() {
        "file.list" | "file.read" => {
            let path = read::<FileArguments>(arguments)?.path;
            if path.is_none() && spec.name == "file.read" {
                return Err(CallError::Arguments("missing field `path`".into()));
            }
            file(path.as_deref().unwrap_or(""), around, None)?
        }
        "file.write" => {
            let it: WriteArguments = read(arguments)?;
            file(&it.path, around, Some(it.content.len() as u64))?
        }
        "file.edit" => file(&read::<EditArguments>(arguments)?.path, around, None)?,
        "file.search" => file(
            read::<SearchArguments>(arguments)?
                .path
                .as_deref()
                .unwrap_or(""),
            around,
            None,
        )?,
        "http.fetch" => {
            let (target, method) = fetch_target(&read(arguments)?)?;
            idempotent = method.is_idempotent();
            target
        }
        "shell.exec" => Target::Process {
            command: read::<ExecArguments>(arguments)?.command,
            workspace: around.workspace.to_owned(),
        },
        "skill.run" => {
            let name = read::<SkillArguments>(arguments)?.name;
            Target::Skill {
                name,
                digest: around.skill,
                workspace: around.workspace.to_owned(),
            }
        }
        "skill.read" => Target::Skill {
            name: read::<SkillReadArguments>(arguments)?.name,
            digest: around.skill,
            workspace: around.workspace.to_owned(),
        },
        "artifact.read" => Target::Artifact {
            name: read::<ArtifactReadArguments>(arguments)?.id.to_string(),
            source: None,
        },
        "artifact.save" => {
            let it: ArtifactArguments = read(arguments)?;
            if it.content.is_some() == it.path.is_some() {
                return Err(CallError::Arguments(
                    "give either `content` or `path`".into(),
                ));
            }
            let source = match it.path {
                Some(path) => Some(Source {
                    path: workspace_path(&path)?,
                    workspace: around.workspace.to_owned(),
                }),
                None => None,
            };
            if source.is_some() {
                // The bytes are where the files are; they come back with the answer.
                executor = Executor::Node;
            }
            Target::Artifact {
                name: bounded_name(it.name)?,
                source,
            }
        }
        "agent.call" => Target::Agent {
            name: bounded_name(read::<AgentArguments>(arguments)?.agent)?,
        },
        "model.call" => match model::asked(arguments) {
            Some(name) => Target::Model {
                name: bounded_name(name.to_owned())?,
            },
            None => return Err(CallError::Arguments("missing field `model`".into())),
        },
        "noop" => read::<NoArguments>(arguments).map(|_| Target::Nothing)?,
        other => return Err(CallError::UnknownTool(other.to_owned())),
    };
    Ok(Call {
        tool: spec.name.clone(),
        action: spec.action,
        target,
        executor,
        idempotent,
        reads: spec.reads,
    })
}

fn bounded_name(name: String) -> Result<String, CallError> {
    let fits = !name.is_empty()
        && name.chars().count() <= limits::NAME_CHARS_MAX
        && !name.chars().any(char::is_control);
    if fits {
        return Ok(name);
    }
    Err(CallError::Arguments(format!(
        "a name has 1 to {} characters",
        limits::NAME_CHARS_MAX
    )))
}

fn file(
    path: &str,
    around: Surroundings<'_>,
    size_bytes: Option<u64>,
) -> Result<Target, CallError> {
    let path = if path.is_empty() || path == "." {
        String::new()
    } else {
        workspace_path(path)?
    };
    Ok(Target::File {
        path,
        workspace: around.workspace.to_owned(),
        size_bytes,
    })
}

fn workspace_path(path: &str) -> Result<String, CallError> {
    let parsed = protocol::WorkspacePath::parse(path);
    let parsed = parsed.map_err(|error| CallError::Arguments(error.to_string()))?;
    Ok(parsed.as_str().to_owned())
}

/// The target of a request, in the spelling that will be dialled.
pub(crate) fn http_target(target: &egress::HttpTarget, method: HttpMethod) -> Target {
    Target::Http {
        method,
        scheme: target.scheme().as_str().to_owned(),
        host: target.host().to_string(),
        port: target.port(),
        path: target.path().to_owned(),
    }
}

fn fetch_target(arguments: &FetchArguments) -> Result<(Target, HttpMethod), CallError> {
    let token = arguments.method.as_deref().unwrap_or("GET");
    let method = HttpMethod::parse(token)
        .ok_or_else(|| CallError::Arguments(format!("`{token}` is not a method that is sent")))?;
    let target = egress::parse_target(&arguments.url)
        .map_err(|error| CallError::Arguments(error.to_string()))?;
    Ok((http_target(&target, method), method))
}
