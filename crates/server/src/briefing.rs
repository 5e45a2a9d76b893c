//! What agents are told before their turns, put together from those who know: the session, the
//! registry of tools, the skills, and the model profiles.

use std::collections::HashMap;
use std::sync::Arc;

use agents::Skills;
use agents::conversation::{Briefing, Earlier, Offer};
use chat::{Author, Message, People};
use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use models::ModelsError;
use runs::{ARTIFACT_READ, AgentSnapshot, Input, Run};
use serde_json::Value;
use tools::ToolSpec;
use tools::node::NodeGateway;
use vault::Content;
use vocab::{AgentId, UserId, limits};

/// How many skills an agent is told of.
const SKILLS_MAX: u32 = 100;

/// Those who know.
pub(crate) struct Briefings {
    pub skills: Skills,
    pub people: Arc<dyn People>,
    pub content: Content,
    pub nodes: Arc<dyn NodeGateway>,
}

impl runs::Briefing for Briefings {
    fn of<'a>(
        &'a self,
        ctx: &'a OrgContext,
        run: &'a Run,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let Input::AgentTurn { agent, .. } = input else {
                return Ok(Value::Null);
            };
            let briefing = self.brief(ctx, run, agent).await?;
            serde_json::to_value(briefing).map_err(|error| StoreError::Statement(error.into()))
        })
    }
}

impl Briefings {
    async fn brief(
        &self,
        ctx: &OrgContext,
        run: &Run,
        agent: &AgentSnapshot,
    ) -> Result<Briefing, StoreError> {
        let model = profile(ctx, agent).await?;
        let (messages, cut) = self.said_before(ctx, run).await?;
        Ok(Briefing {
            model: model.unwrap_or_default(),
            messages,
            cut,
            summary: None,
            tools: offers(ctx, agent).await?,
            reader: tools::builtin(ARTIFACT_READ).map(offer),
            skills: self.skills(ctx, agent).await?,
            workspace: agent.has_tool("file.read")
                && self.nodes.node_for(ctx.org(), &run.workspace).is_some(),
            notes: Vec::new(),
        })
    }

    /// Earlier messages, the oldest first, as many of the last ones as fit; and whether there are
    /// more.
    async fn said_before(
        &self,
        ctx: &OrgContext,
        run: &Run,
    ) -> Result<(Vec<Earlier>, bool), StoreError> {
        let (Some(session), None) = (run.session, run.parent) else {
            return Ok((Vec::new(), false));
        };
        let most = limits::CONTEXT_MESSAGES_MAX;
        let known = chat::before_turn(&self.content, ctx, (session, run.id), most).await;
        let known = known.map_err(|error| StoreError::Statement(error.into()))?;
        let names = self.names(ctx, &known).await?;
        let (mut room, mut cut) = (limits::CONTEXT_BYTES_MAX, false);
        let mut messages = Vec::new();
        for (message, text) in known.into_iter().rev() {
            let Some(text) = text else { continue };
            if text.len() > room {
                cut = true;
                break;
            }
            room -= text.len();
            let (own, by) = match message.author {
                Author::Agent(id) => (run.agent == Some(id), names.agents.get(&id)),
                Author::User(id) => (false, names.people.get(&id)),
                Author::System => continue,
            };
            let by = by.cloned().unwrap_or_else(|| "somebody".to_owned());
            messages.push(Earlier { own, by, text });
        }
        messages.reverse();
        Ok((messages, cut))
    }

    async fn names(
        &self,
        ctx: &OrgContext,
        known: &[(Message, Option<String>)],
    ) -> Result<Names, StoreError> {
        let (mut users, mut ids) = (Vec::new(), Vec::new());
        for (message, _) in known {
            match message.author {
                Author::User(user) => users.push(user),
                Author::Agent(agent) => ids.push(agent),
                Author::System => {}
            }
        }
        users.sort_unstable();
        users.dedup();
        ids.sort_unstable();
        ids.dedup();
        let mut agents = HashMap::new();
        for id in ids {
            if let Ok(agent) = agents::service::get(ctx, id).await {
                agents.insert(id, agent.definition.name);
            }
        }
        let people = self.people.names(ctx, &users).await?.into_iter().collect();
        Ok(Names { agents, people })
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

struct Names {
    agents: HashMap<AgentId, String>,
    people: HashMap<UserId, String>,
}

/// The name of the profile that plans for an agent: its own, or the usual one.
async fn profile(ctx: &OrgContext, agent: &AgentSnapshot) -> Result<Option<String>, StoreError> {
    let found = match agent.model_profile_id {
        Some(id) => models::service::get_profile(ctx, id).await.map(Some),
        None => models::service::usual_profile(ctx).await,
    };
    match found {
        Ok(profile) => Ok(profile.map(|it| it.definition.name)),
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
