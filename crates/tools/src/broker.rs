//! The broker: verifies a token and carries out what it names, here or through a node.

mod jobs;
mod masking;
mod outbound;
mod reading;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use db::OrgContext;
use policy::HasRead;
use policy::capability::{self, Expected, PublicKey};
use serde_json::{Value, json};
use vault::{Prepared, Vault};
use vocab::{CapabilityId, Intent, JobId, SessionId, Timestamp};

use crate::call::{self, ArtifactArguments};
use crate::model::{ModelGateway, NoModels};
use crate::node::NodeGateway;
use crate::plans::{Limit, Pass, Refusal};
use crate::result::ToolResult;
use crate::road::{Permit, Ruling};
use crate::skill::{NoSkills, SkillTexts};

pub(crate) use jobs::enforcement;
pub(crate) use outbound::request_bounds;

/// What an attempt came to.
#[derive(Debug)]
pub enum Attempted {
    /// It came to an end, good or bad.
    Done(Box<Done>),
    /// It may have happened; nobody knows.
    Unknown {
        /// What is known, for people.
        detail: String,
        /// The limit whose rest for the day ended it, if one did.
        limit: Option<Limit>,
    },
    /// The node that has it is away; ask again when it is back.
    NodeAway,
    /// A limit of the organisation kept it out: nothing was done.
    Refused(Box<Refusal>),
    /// It never left: no node could be reached.
    NotSent {
        /// Why, for people.
        detail: String,
    },
}

/// The end of an attempt, with the artifacts that are to be saved with it.
#[derive(Debug)]
pub struct Done {
    /// The result, still without the ids of its artifacts.
    pub result: ToolResult,
    /// What is to be saved in the transaction that records the result.
    pub artifacts: Vec<(String, Prepared)>,
    /// Secrets that went out with it: name and version.
    pub secrets_used: Vec<(vocab::SecretId, String, u32)>,
    /// What whoever reads the result has read, beside what its tool says of itself.
    pub has_read: HasRead,
}

impl Done {
    fn with(result: ToolResult) -> Attempted {
        Attempted::Done(Box::new(Self {
            result,
            artifacts: Vec::new(),
            secrets_used: Vec::new(),
            has_read: HasRead::default(),
        }))
    }
}

/// One intent on its way to whoever carries it out.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// What is to be done.
    pub intent: &'a Intent,
    /// The token that allows it.
    pub token: &'a str,
    /// The attempt.
    pub job: JobId,
    /// What the policies said, for redirects.
    pub ruling: &'a Ruling,
    /// The session, to which contents belong.
    pub session: Option<SessionId>,
    /// How many bytes it may move, and where it may be led to.
    pub(crate) pass: &'a Pass,
}

/// Carries out what is permitted. Cheap to clone.
#[derive(Clone)]
pub struct Broker {
    keys: Arc<[PublicKey]>,
    http: egress::Client,
    vault: Vault,
    nodes: Arc<dyn NodeGateway>,
    models: Arc<dyn ModelGateway>,
    skills: Arc<dyn SkillTexts>,
    spent: Arc<Mutex<Spent>>,
}

/// The tokens that were used here, until they expire.
#[derive(Default)]
struct Spent {
    ids: HashMap<CapabilityId, Timestamp>,
    swept_at: Option<Timestamp>,
}

impl Spent {
    /// False if the token was used before.
    fn spend(&mut self, id: CapabilityId, expires_at: Timestamp, now: Timestamp) -> bool {
        let due = self.swept_at.is_none_or(|at| now.since(at).as_secs() >= 10);
        if due {
            self.ids.retain(|_, expires_at| *expires_at > now);
            self.swept_at = Some(now);
        }
        self.ids.insert(id, expires_at).is_none()
    }
}

impl Broker {
    /// A broker that trusts tokens of these keys.
    #[must_use]
    pub fn new(
        keys: Arc<[PublicKey]>,
        http: egress::Client,
        vault: Vault,
        nodes: Arc<dyn NodeGateway>,
    ) -> Self {
        Self {
            keys,
            http,
            vault,
            nodes,
            models: Arc::new(NoModels),
            skills: Arc::new(NoSkills),
            spent: Arc::default(),
        }
    }

    /// The same broker with a way to models.
    #[must_use]
    pub fn with_models(mut self, models: Arc<dyn ModelGateway>) -> Self {
        self.models = models;
        self
    }

    /// The same broker with what skills say of themselves.
    #[must_use]
    pub fn with_skills(mut self, skills: Arc<dyn SkillTexts>) -> Self {
        self.skills = skills;
        self
    }

    /// The way to nodes.
    #[must_use]
    pub fn nodes(&self) -> &Arc<dyn NodeGateway> {
        &self.nodes
    }

    /// Verifies the token as its executor, spends it, and acts in this process.
    pub(crate) async fn execute(
        &self,
        ctx: &OrgContext,
        way: Way<'_>,
        permit: &Permit,
    ) -> Attempted {
        let begun = Instant::now();
        if let Err(refusal) = self.admit(ctx, way, permit) {
            return Done::with(*refusal);
        }
        let mut attempted = match way.intent.tool.as_str() {
            "noop" => Done::with(ToolResult::success(Value::Null)),
            "artifact.save" => self.save_artifact(ctx, way).await,
            "artifact.read" => self.read_artifact(ctx, way).await,
            "skill.read" => self.read_skill(ctx, way).await,
            "http.fetch" => self.fetch(way).await,
            "model.call" => self.ask_model(ctx, way).await,
            name => self.http_tool(ctx, way, name).await,
        };
        if let Attempted::Done(done) = &mut attempted {
            done.result.duration_ms =
                u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        attempted
    }

    fn admit(
        &self,
        ctx: &OrgContext,
        way: Way<'_>,
        permit: &Permit,
    ) -> Result<(), Box<ToolResult>> {
        let now = ctx.now();
        // From the intent as it is about to be executed, not from what the permit says of it.
        let digest = way.intent.digest();
        let digest = digest.map_err(|error| refused("INTENT_INVALID", &error.to_string()))?;
        let expected = Expected {
            org: ctx.org(),
            run: way.intent.run,
            executor: permit.executor,
            tool: &way.intent.tool,
            intent: digest,
        };
        let verified = capability::verify(&self.keys, way.token, &expected, now)
            .map_err(|error| refused("TOKEN_INVALID", &error.to_string()))?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.spend(verified.token_id, verified.expires_at, now) {
            return Ok(());
        }
        let message = "the capability token was used before";
        Err(refused("TOKEN_SPENT", message).into())
    }

    async fn save_artifact(&self, ctx: &OrgContext, way: Way<'_>) -> Attempted {
        let arguments: ArtifactArguments = match call::read(&way.intent.arguments) {
            Ok(arguments) => arguments,
            Err(error) => return Done::with(refused("ARGUMENTS_INVALID", &error.to_string())),
        };
        let Some(content) = arguments.content else {
            return Done::with(refused("TARGET_MISMATCH", "a file is saved by its node"));
        };
        let content = Bytes::from(content);
        let size = content.len();
        let prepared = self
            .vault
            .content
            .prepare(ctx, way.session, "text/plain", content)
            .await;
        match prepared {
            Ok(prepared) => Attempted::Done(Box::new(Done {
                result: ToolResult::success(json!({ "name": arguments.name, "size_bytes": size })),
                artifacts: vec![(arguments.name, prepared)],
                secrets_used: Vec::new(),
                has_read: HasRead::default(),
            })),
            Err(error) => Done::with(storage_failed(&error)),
        }
    }
}

fn refused(code: &str, message: &str) -> ToolResult {
    ToolResult::failure(code, message, false)
}

fn storage_failed(error: &vault::ContentError) -> ToolResult {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a content can't be stored"
    );
    ToolResult::failure("STORAGE_FAILED", "the output could not be stored", true)
}
