//! What a tool is: its name, its arguments, what it does to the world and who carries it out.

use serde_json::{Value, json};
use vocab::Action;

/// Who carries a tool out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executor {
    /// The broker, in this process.
    Broker,
    /// A node.
    Node,
    /// The run engine: the tool starts another run.
    Engine,
}

/// What a run has read once the tool has answered: the labels that policies reason about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reads {
    /// Nothing that anybody else wrote.
    Nothing,
    /// What belongs to the organisation.
    Private,
    /// What anybody may have written.
    Untrusted,
}

/// A tool, as the registry lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The name by which runs ask for it.
    pub name: String,
    /// One sentence for people and models.
    pub description: String,
    /// JSON Schema of its arguments.
    pub schema: Value,
    /// The effect that policies decide on.
    pub action: Action,
    /// Whether a second attempt with the same arguments does no harm.
    pub idempotent: bool,
    /// Who carries it out.
    pub executor: Executor,
    /// What its answer lets into the run.
    pub reads: Reads,
}

struct Builtin {
    name: &'static str,
    description: &'static str,
    action: Action,
    idempotent: bool,
    executor: Executor,
    reads: Reads,
    required: &'static [&'static str],
    properties: fn() -> Value,
}

/// The built-in tools, in the order in which they are listed.
#[must_use]
pub fn builtins() -> Vec<ToolSpec> {
    BUILTINS.iter().map(Builtin::spec).collect()
}

/// The built-in tool of this name.
#[must_use]
pub fn builtin(name: &str) -> Option<ToolSpec> {
    BUILTINS
        .iter()
        .find(|tool| tool.name == name)
        .map(Builtin::spec)
}

/// What the built-in tool of this name does.
pub(crate) fn builtin_action(name: &str) -> Option<Action> {
    let mut tools = BUILTINS.iter();
    tools.find(|tool| tool.name == name).map(|it| it.action)
}

impl Builtin {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            schema: json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": (self.properties)(),
                "required": self.required,
                "additionalProperties": false,
            }),
            action: self.action,
            idempotent: self.idempotent,
            executor: self.executor,
            reads: self.reads,
        }
    }
}

const fn text_of(description: &'static str) -> (&'static str, &'static str) {
    ("string", description)
}

fn object(members: &[(&str, (&str, &str))]) -> Value {
    let member = |(name, (kind, description)): &(&str, (&str, &str))| {
        (
            (*name).to_owned(),
            json!({ "type": kind, "description": description }),
        )
    };
    Value::Object(members.iter().map(member).collect())
}

const PATH: (&str, &str) = text_of("relative to the session's workspace");

const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "file.list",
        description: "Lists a folder of the workspace.",
        action: Action::FileRead,
        idempotent: true,
        executor: Executor::Node,
        reads: Reads::Private,
        required: &[],
        properties: || object(&[("path", PATH)]),
    },
    Builtin {
        name: "file.read",
        description: "Reads a text file of the workspace.",
        action: Action::FileRead,
        idempotent: true,
        executor: Executor::Node,
        reads: Reads::Private,
        required: &["path"],
        properties: || {
            object(&[
                ("path", PATH),
                ("offset", ("integer", "the first byte to read, from 0")),
                ("limit", ("integer", "how many bytes to read at most")),
            ])
        },
    },
    Builtin {
        name: "file.write",
        description: "Writes a file of the workspace whole, creating folders on the way.",
        action: Action::FileWrite,
        idempotent: true,
        executor: Executor::Node,
        reads: Reads::Nothing,
        required: &["path", "content"],
        properties: || {
            object(&[
                ("path", PATH),
                ("content", text_of("the whole new content")),
            ])
        },
    },
    Builtin {
        name: "file.edit",
        description: "Replaces one passage of a file, which must occur exactly once.",
        action: Action::FileWrite,
        idempotent: false,
        executor: Executor::Node,
        reads: Reads::Nothing,
        required: &["path", "old", "new"],
        properties: || {
            object(&[
                ("path", PATH),
                ("old", text_of("the passage as it stands")),
                ("new", text_of("what takes its place")),
            ])
        },
    },
    Builtin {
        name: "file.search",
        description: "Finds the lines of the workspace's text files that match a regular expression.",
        action: Action::FileRead,
        idempotent: true,
        executor: Executor::Node,
        reads: Reads::Private,
        required: &["pattern"],
        properties: || object(&[("pattern", text_of("a regular expression")), ("path", PATH)]),
    },
    Builtin {
        name: "http.fetch",
        description: "Sends one HTTP request to a host that the policy allows.",
        action: Action::HttpFetch,
        // Whether a request may be repeated depends on its method: see `Call::idempotent`.
        idempotent: false,
        executor: Executor::Broker,
        reads: Reads::Untrusted,
        required: &["url"],
        properties: || {
            object(&[
                ("url", text_of("an http or https URL")),
                ("method", text_of("GET unless given")),
                ("headers", ("object", "names and values")),
                ("body", text_of("the request's body")),
            ])
        },
    },
    Builtin {
        name: "shell.exec",
        description: "Runs a command in the node's sandbox; off unless the organisation turns it on.",
        action: Action::ProcessExec,
        idempotent: false,
        executor: Executor::Node,
        reads: Reads::Untrusted,
        required: &["command"],
        properties: || {
            object(&[
                ("command", text_of("a command line for the shell")),
                ("cwd", PATH),
                (
                    "timeout_ms",
                    ("integer", "how long it may take, in milliseconds"),
                ),
            ])
        },
    },
    Builtin {
        name: "skill.run",
        description: "Runs a skill in the node's sandbox.",
        action: Action::SkillRun,
        idempotent: false,
        executor: Executor::Node,
        reads: Reads::Untrusted,
        required: &["name"],
        properties: || {
            let mut properties = object(&[
                ("name", text_of("the skill's name")),
                (
                    "input",
                    text_of("what the skill reads from its standard input"),
                ),
            ]);
            properties["args"] = json!({ "type": "array", "items": { "type": "string" } });
            properties
        },
    },
    Builtin {
        name: "artifact.save",
        description: "Keeps a text, or a file of the workspace, as an artifact of the run.",
        action: Action::ArtifactSave,
        idempotent: true,
        executor: Executor::Broker,
        reads: Reads::Nothing,
        required: &["name"],
        properties: || {
            object(&[
                ("name", text_of("the artifact's name")),
                ("content", text_of("the text to keep")),
                ("path", PATH),
            ])
        },
    },
    Builtin {
        name: "artifact.read",
        description: "Reads on in a text: an artifact of this run, such as the whole of a result that was \
            cut, or a file that somebody attached in this chat.",
        action: Action::ArtifactRead,
        idempotent: true,
        executor: Executor::Broker,
        // What the run kept was given to it before; what somebody attached says of itself what it is.
        reads: Reads::Nothing,
        required: &["id"],
        properties: || {
            object(&[
                ("id", text_of("the artifact's id, `art_…`")),
                ("offset", ("integer", "the first byte to read, from 0")),
                ("limit", ("integer", "how many bytes to read at most")),
            ])
        },
    },
    Builtin {
        name: "skill.read",
        description: "Reads a skill's instructions, or another text of its package.",
        action: Action::SkillRead,
        idempotent: true,
        executor: Executor::Broker,
        // An admin published it, as an admin wrote the agent's own instructions.
        reads: Reads::Nothing,
        required: &["name"],
        properties: || {
            object(&[
                ("name", text_of("the skill's name")),
                (
                    "path",
                    text_of("a file of the skill; its `SKILL.md` unless given"),
                ),
            ])
        },
    },
    Builtin {
        name: "agent.call",
        description: "Asks another agent and waits for its answer.",
        action: Action::AgentCall,
        idempotent: true,
        executor: Executor::Engine,
        reads: Reads::Private,
        required: &["agent", "message"],
        properties: || {
            object(&[
                ("agent", text_of("the agent's name")),
                ("message", text_of("what to ask")),
            ])
        },
    },
    Builtin {
        name: "model.call",
        description: "Asks a model; how an agent whose planner is `model` thinks.",
        action: Action::ModelCall,
        // Asked again, it costs again, and harms nothing.
        idempotent: true,
        executor: Executor::Broker,
        reads: Reads::Nothing,
        required: &["model", "system", "messages"],
        properties: || {
            let mut properties = object(&[
                (
                    "model",
                    text_of("a model profile's name, or `provider/model`"),
                ),
                ("system", text_of("what the model is told to be")),
            ]);
            let turns = |about: &str| json!({ "type": "array", "items": { "type": "object" }, "description": about });
            properties["messages"] = turns("what was said so far, a person's words last");
            properties["tools"] = turns("what the model may call");
            properties["format"] =
                json!({ "type": "object", "description": "the JSON schema of the answer" });
            properties
        },
    },
    Builtin {
        name: "noop",
        description: "Does nothing; for trying the road out.",
        action: Action::Noop,
        idempotent: true,
        executor: Executor::Broker,
        reads: Reads::Nothing,
        required: &[],
        properties: || json!({}),
    },
];
