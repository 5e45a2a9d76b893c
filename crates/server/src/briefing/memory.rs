//! What an agent is told of the chat so far: as many of the last messages as there is room for, and a
//! summary of those before them.
//!
//! The room is a share of what the agent's model reads. Once what the summary does not cover takes
//! most of it, another summary begins, beside the turn and not before it: what does not fit meanwhile
//! is left out, and the record says so.

use std::collections::HashMap;

use agents::conversation::Earlier;
use agents::summary::Material;
use chat::{Author, Before, Message};
use db::{OrgContext, StoreError};
use runs::{AgentSnapshot, HasRead, Run, Stretch};
use serde_json::{Map, Value, json};
use vocab::{AgentId, SessionId, UserId, limits};

use super::{Briefings, named, statement};

/// How much of the room is taken when a summary begins, in hundredths.
const BEGIN_AT: u64 = 75;
/// How much of the room the messages take at most that a summary leaves as they are, in hundredths.
const LEAVE: u64 = 40;

/// What is told of the chat so far.
#[derive(Default)]
pub(super) struct Memory {
    pub summary: Option<String>,
    /// The oldest first.
    pub messages: Vec<Earlier>,
    pub left_out: u32,
    /// What those had read who wrote it.
    pub has_read: HasRead,
    /// What the record says of it.
    pub facts: Map<String, Value>,
}

impl Briefings {
    /// What a turn is told of the chat before it, in the room that its model has.
    pub(super) async fn memory(
        &self,
        ctx: &OrgContext,
        run: &Run,
        (agent, model): (&AgentSnapshot, Option<&str>),
    ) -> Result<Memory, StoreError> {
        let (Some(session), None) = (run.session, run.parent) else {
            return Ok(Memory::default());
        };
        let most = limits::CONTEXT_MESSAGES_MAX;
        let before = chat::before_turn(&self.content, ctx, (session, run.id), most).await;
        let before = before.map_err(statement)?;
        let room = self.room(ctx, model).await?;
        let names = self.names(ctx, &before.messages).await?;
        let memory = remembered(&before, (room, run.agent), &names);
        if let (Some(acting), true) = (run.agent, is_due(&before, room)) {
            self.summarise(ctx, (run, session, acting), agent, (&before, room))
                .await?;
        }
        Ok(memory)
    }

    /// What a run that summarises is given.
    pub(super) async fn material(
        &self,
        ctx: &OrgContext,
        session: SessionId,
        stretch: &Stretch,
    ) -> Result<(Material, HasRead), StoreError> {
        let most = limits::CONTEXT_MESSAGES_MAX;
        let said = chat::summarised(&self.content, ctx, (session, stretch), most).await;
        let (messages, previous) = said.map_err(statement)?;
        let names = self.names(ctx, &messages).await?;
        let mut has_read = HasRead::default();
        let mut earlier = Vec::new();
        for (message, text) in &messages {
            let (Some(text), Some((_, by))) = (text, names.of(message, None)) else {
                continue;
            };
            has_read = has_read.and(message.has_read);
            let text = cut(text, limits::SUMMARISED_MESSAGE_BYTES_MAX);
            earlier.push(Earlier {
                own: false,
                by,
                text,
            });
        }
        let previous = previous.and_then(|(summary, text)| {
            has_read = has_read.and(summary.has_read);
            text
        });
        let model = named(ctx, stretch.agent.model_profile_id).await?;
        let material = Material {
            model: model.unwrap_or_default(),
            previous,
            messages: earlier,
        };
        Ok((material, has_read))
    }

    /// How many tokens the chat may take of what a model reads.
    async fn room(&self, ctx: &OrgContext, model: Option<&str>) -> Result<u64, StoreError> {
        let most = tokens(limits::CONTEXT_BYTES_MAX as u64);
        let Some(model) = model else { return Ok(most) };
        let reads = match self.models.context_tokens(ctx, model).await {
            Ok(reads) => reads,
            // The question itself will say what is wrong with the model.
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a model's context"
                );
                None
            }
        };
        let share = |reads: u64| reads.saturating_mul(u64::from(self.context_percent)) / 100;
        Ok(reads.map_or(most, |reads| share(reads).min(most)))
    }

    /// Begins a summary of the oldest messages that none covers. That it can't begin is no failure of
    /// the turn.
    async fn summarise(
        &self,
        ctx: &OrgContext,
        (run, session, acting): (&Run, SessionId, AgentId),
        agent: &AgentSnapshot,
        (before, room): (&Before, u64),
    ) -> Result<(), StoreError> {
        let after = before.summary.as_ref().map_or(0, |(it, _)| it.upto);
        let along = (session, before.branch);
        let most = limits::CONTEXT_MESSAGES_MAX;
        let oldest = chat::messages_along(ctx, along, (after, most)).await;
        let oldest = oldest.map_err(statement)?;
        let Some(covered) = stretch(&oldest, before, room) else {
            return Ok(());
        };
        let (first, last) = (&covered[0], &covered[covered.len() - 1]);
        let stretch = Stretch {
            // Of the agent, what asking its model takes.
            agent: AgentSnapshot {
                instructions: String::new(),
                tools: Vec::new(),
                ..agent.clone()
            },
            branch: last.branch,
            after,
            upto: last.position,
            previous: before.summary.as_ref().map(|(it, _)| it.run),
        };
        let ctx = ctx.acting_as(run.actor.clone());
        let place = (session, acting, run.workspace.as_str());
        let begun = chat::begin_summary(&self.content, &ctx, place, (first.position, stretch));
        match begun.await {
            Ok(Some(_)) => self.wake.notify_one(),
            Ok(None) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, run = %run.id, "a summary did not begin");
            }
        }
        Ok(())
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
}

/// What people and agents are called.
struct Names {
    agents: HashMap<AgentId, String>,
    people: HashMap<UserId, String>,
}

impl Names {
    /// Who wrote a message, and whether that is this agent; nobody wrote what Chancery says itself.
    fn of(&self, message: &Message, own: Option<AgentId>) -> Option<(bool, String)> {
        let (own, by) = match message.author {
            Author::Agent(id) => (own == Some(id), self.agents.get(&id)),
            Author::User(id) => (false, self.people.get(&id)),
            Author::System => return None,
        };
        Some((own, by.cloned().unwrap_or_else(|| "somebody".to_owned())))
    }
}

/// The summary and as many of the last messages as there is room for.
fn remembered(before: &Before, (room, own): (u64, Option<AgentId>), names: &Names) -> Memory {
    let mut memory = Memory::default();
    let mut left = room;
    if let Some((summary, text)) = &before.summary {
        // At about four bytes a token: however little a model reads, half is for the messages.
        let text = cut(text, usize::try_from(room * 2).unwrap_or(usize::MAX));
        left = left.saturating_sub(tokens(text.len() as u64));
        memory.summary = Some(text);
        memory.has_read = summary.has_read;
        let upto = json!(summary.upto);
        memory
            .facts
            .insert("summary".to_owned(), json!(summary.run));
        memory.facts.insert("summary_upto".to_owned(), upto);
    }
    let mut fitted = 0;
    for (message, text) in before.messages.iter().rev() {
        let (Some(text), Some((own, by))) = (text, names.of(message, own)) else {
            fitted += 1;
            continue;
        };
        let size = tokens(text.len() as u64);
        if size > left {
            break;
        }
        left -= size;
        fitted += 1;
        memory.has_read = memory.has_read.and(message.has_read);
        memory.messages.push(Earlier {
            own,
            by,
            text: text.clone(),
        });
    }
    memory.messages.reverse();
    let cut = before.messages.len() - fitted + usize::from(before.more);
    memory.left_out = u32::try_from(cut).unwrap_or(u32::MAX);
    if cut > 0 {
        let left_out = json!(memory.left_out);
        memory.facts.insert("left_out".to_owned(), left_out);
    }
    memory
}

/// Whether what no summary covers takes so much of the room that a summary has to begin.
fn is_due(before: &Before, room: u64) -> bool {
    let summary = before
        .summary
        .as_ref()
        .map_or(0, |(_, text)| text.len() as u64);
    let said: u64 = before.messages.iter().map(|(it, _)| size(it)).sum();
    before.more || tokens(summary) + said > room * BEGIN_AT / 100
}

/// The oldest messages that a summary is to cover: all but the last ones, but no more than its own
/// question has room for, and nothing from the message on that is answered.
fn stretch<'a>(oldest: &'a [Message], before: &Before, room: u64) -> Option<&'a [Message]> {
    let place = oldest.partition_point(|it| it.position < before.answers);
    let mut end = oldest[..place].len();
    if !before.more {
        let mut left = 0;
        while end > 0 && left + size(&oldest[end - 1]) <= room * LEAVE / 100 {
            left += size(&oldest[end - 1]);
            end -= 1;
        }
    }
    let (mut taken, mut upto) = (0, 0);
    for message in &oldest[..end] {
        taken += size(message).min(tokens(limits::SUMMARISED_MESSAGE_BYTES_MAX as u64));
        if upto > 0 && taken > room {
            break;
        }
        upto += 1;
    }
    (upto > 0).then(|| &oldest[..upto])
}

fn size(message: &Message) -> u64 {
    tokens(message.size_bytes)
}

/// About how many tokens so many bytes of text are, with what stands around them.
const fn tokens(bytes: u64) -> u64 {
    bytes / 4 + 8
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let (head, rest) = text.split_at(text.floor_char_boundary(most));
    format!("{head}\n… (cut: {} more bytes)", rest.len())
}
