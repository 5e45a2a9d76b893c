//! What agents are told before their turns, put together from those who know: the session, the
//! registry of tools, the skills, and the model profiles.

mod memory;

use std::sync::Arc;

use agents::Skills;
use agents::conversation::{Attachment, Briefing, Offer, Shown};
use chat::{ChatError, People};
use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use models::{Gateway, ModelsError};
use runs::{ARTIFACT_READ, AgentSnapshot, HasRead, Input, Run, Told};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tools::ToolSpec;
use tools::node::NodeGateway;
use vault::{Artifacts, Content, ContentError};
use vocab::{ModelProfileId, limits};

use crate::attached::Showing;

/// How many skills an agent is told of.
const SKILLS_MAX: u32 = 100;

/// Those who know.
pub(crate) struct Briefings {
    pub skills: Skills,
    pub people: Arc<dyn People>,
    pub content: Content,
    pub artifacts: Artifacts,
    /// Knows how much models read.
    pub models: Gateway,
    /// How much of what its model reads an agent is told of the chat at most, in hundredths.
    pub context_percent: u8,
    /// Rung when a run may be due.
    pub wake: Arc<Notify>,
    pub nodes: Arc<dyn NodeGateway>,
}

impl runs::Briefing for Briefings {
    fn of<'a>(
        &'a self,
        ctx: &'a OrgContext,
        run: &'a Run,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Told, StoreError>> {
        Box::pin(async move {
            match (input, run.session) {
                (Input::AgentTurn { agent, .. }, _) => self.brief(ctx, run, agent).await,
                (Input::Summary(stretch), Some(session)) => {
                    let (material, has_read) = self.material(ctx, session, stretch).await?;
                    told(&material, has_read, Map::new())
                }
                (Input::Tool { .. } | Input::Replay(_) | Input::Summary(_), _) => {
                    Ok(Told::default())
                }
            }
        })
    }

    fn model<'a>(
        &'a self,
        ctx: &'a OrgContext,
        profile: ModelProfileId,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(named(ctx, Some(profile)))
    }
}

impl Briefings {
    async fn brief(
        &self,
        ctx: &OrgContext,
        run: &Run,
        agent: &AgentSnapshot,
    ) -> Result<Told, StoreError> {
        let profile = profile(ctx, agent.model_profile_id).await?;
        let (model, sees) = profile.unzip();
        let sees = sees.unwrap_or_default();
        let memory = self.memory(ctx, run, (agent, model.as_deref())).await?;
        let attachments = self.attachments(ctx, run, sees).await?;
        let has_read = memory.has_read.and(read_in(&attachments));
        let briefing = Briefing {
            model: model.unwrap_or_default(),
            messages: memory.messages,
            cut: memory.left_out > 0,
            left_out: memory.left_out,
            summary: memory.summary,
            tools: offers(ctx, agent).await?,
            reader: tools::builtin(ARTIFACT_READ).map(offer),
            skills: self.skills(ctx, agent).await?,
            workspace: agent.has_tool("file.read")
                && self.nodes.node_for(ctx.org(), &run.workspace).is_some(),
            notes: Vec::new(),
            attachments,
        };
        told(&briefing, has_read, memory.facts)
    }

    /// What goes with the message that a run answers, and what of it its model is shown.
    async fn attachments(
        &self,
        ctx: &OrgContext,
        run: &Run,
        sees: bool,
    ) -> Result<Vec<Attachment>, StoreError> {
        let failed = |error: ChatError| StoreError::Statement(error.into());
        let found = chat::attached(&self.artifacts, ctx, run.id).await;
        let mut showing = Showing {
            room: limits::ATTACHED_TEXT_BYTES_MAX,
            images: if sees { limits::ATTACHED_IMAGES_MAX } else { 0 },
        };
        let mut attachments = Vec::new();
        for it in found.map_err(failed)? {
            let bytes = match showing.wants(&it) {
                true => self.content.open(ctx, it.digest).await.map(Some),
                false => Ok(None),
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(ContentError::Erased) => continue,
                Err(error) => return Err(StoreError::Statement(error.into())),
            };
            attachments.push(Attachment {
                shown: bytes.map_or(Shown::Note, |bytes| showing.show(&it, &bytes)),
                artifact: it.id,
                name: it.name,
                media: it.media,
                size_bytes: it.size_bytes,
                digest: it.digest,
            });
        }
        Ok(attachments)
    }

    async fn skills(
        &self,
        ctx: &OrgContext,
        agent: &AgentSnapshot,
    ) -> Result<Vec<(String, String)>, StoreError> {
        if !agent.has_tool("skill.run") && !agent.has_tool("skill.read") {
            return Ok(Vec::new());
        }
        let skills = self.skills.list(ctx, None, SKILLS_MAX).await;
        let skills = skills.map_err(|error| StoreError::Statement(error.into()))?;
        let told = |it: agents::Skill| (it.manifest.front.name, it.manifest.front.description);
        Ok(skills.into_iter().map(told).collect())
    }
}

/// What a turn that is shown these has read. Who attached a file need not have written it.
fn read_in(attachments: &[Attachment]) -> HasRead {
    let shown = attachments.iter().any(|it| match it.shown {
        Shown::Text { .. } | Shown::Image => true,
        Shown::Note => false,
    });
    HasRead {
        trusted: false,
        private: shown,
        untrusted: shown,
    }
}

fn told(
    known: &impl serde::Serialize,
    has_read: HasRead,
    facts: Map<String, Value>,
) -> Result<Told, StoreError> {
    Ok(Told {
        known: serde_json::to_value(known).map_err(statement)?,
        has_read,
        facts,
    })
}

/// The name of a profile, or of the usual one.
async fn named(ctx: &OrgContext, id: Option<ModelProfileId>) -> Result<Option<String>, StoreError> {
    Ok(profile(ctx, id).await?.map(|(name, _)| name))
}

/// The name of a profile, or of the usual one; and whether its models are shown pictures.
async fn profile(
    ctx: &OrgContext,
    id: Option<ModelProfileId>,
) -> Result<Option<(String, bool)>, StoreError> {
    let found = match id {
        Some(id) => models::service::get_profile(ctx, id).await.map(Some),
        None => models::service::usual_profile(ctx).await,
    };
    match found {
        Ok(profile) => Ok(profile.map(|it| {
            let sees = it.definition.takes_images();
            (it.definition.name, sees)
        })),
        Err(ModelsError::NoProfile(_)) => Ok(None),
        Err(ModelsError::Store(error)) => Err(error),
        Err(error) => Err(StoreError::Statement(error.into())),
    }
}

fn offer(it: ToolSpec) -> Offer {
    Offer {
        name: it.name,
        description: it.description,
        schema: it.schema,
    }
}

/// The agent's tools, built in and configured.
async fn offers(ctx: &OrgContext, agent: &AgentSnapshot) -> Result<Vec<Offer>, StoreError> {
    let configured = tools::http_tools::list(ctx).await?;
    let configured = configured.into_iter().map(|it| Offer {
        name: it.name,
        description: it.description,
        schema: it.schema,
    });
    let builtin = tools::builtins().into_iter().map(offer);
    let all = builtin.chain(configured);
    Ok(all.filter(|it| agent.tools.contains(&it.name)).collect())
}

/// What went wrong on the way to the database, or back.
fn statement(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Statement(error.into())
}
