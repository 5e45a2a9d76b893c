//! A session as it is exported: all of it, whether its messages are in the tables or in its archive.
//!
//! Messages are read page by page, so that an export takes no more memory than a page; those of an
//! archive are in one piece anyway.

use std::collections::HashMap;
use std::vec;

use db::OrgContext;
use runs::{Run, RunFilter};
use serde_json::Value;
use vault::{Artifact, ArtifactFilter};
use vocab::{AgentId, MessageId, RunId, SessionId, Timestamp, UserId};

use super::{Chat, citations};
use crate::ChatError;
use crate::archive::{KeptBranch, KeptMember, KeptMessage, KeptReaction, KeptRead, KeptTurn};
use crate::model::{Session, SessionStatus};
use crate::store;

/// How many messages, runs or events are read together.
const PAGE: u32 = 200;

/// A session to be exported, but for its messages.
pub(crate) struct Export {
    pub session: Session,
    pub members: Vec<KeptMember>,
    pub reads: Vec<KeptRead>,
    pub branches: Vec<KeptBranch>,
    pub artifacts: Vec<Artifact>,
    /// The names of those people and agents that have one.
    pub names: HashMap<String, String>,
    pub made_at: Timestamp,
}

/// One message of an export.
pub(crate) struct ExportedMessage {
    pub message: KeptMessage,
    /// None once it was erased.
    pub text: Option<String>,
    pub reactions: Vec<KeptReaction>,
    /// The runs that answer it.
    pub answered_by: Vec<RunId>,
}

/// The messages of an export, in the order of their positions.
pub(crate) struct Messages {
    source: Source,
    session: SessionId,
    reactions: HashMap<MessageId, Vec<KeptReaction>>,
    turns: HashMap<MessageId, Vec<RunId>>,
}

enum Source {
    /// In the tables, behind this position.
    Rows(u32),
    /// In an archive.
    Archive(vec::IntoIter<KeptMessage>),
}

/// An event that an export refers to.
pub(crate) struct Step {
    pub seq: u64,
    pub kind: String,
    pub run: Option<RunId>,
    pub subject: String,
    pub at: Timestamp,
    pub facts: Value,
    /// What the next ones are asked for with.
    pub place: i64,
}

impl Chat {
    /// Begins to export a session.
    ///
    /// # Errors
    /// There is no such session; its archive is missing or damaged.
    pub(crate) async fn export(
        &self,
        ctx: &OrgContext,
        id: SessionId,
    ) -> Result<(Export, Messages), ChatError> {
        let mut tx = ctx.read().await?;
        let session = self.get_in(&mut tx, id).await?;
        let archive = store::archive(&mut tx, id).await?;
        let (source, parts) = match (session.status, archive) {
            (SessionStatus::Archived, Some(archive)) => {
                drop(tx);
                let mut parts = self.unpacked(ctx, id, archive.digest).await?;
                let messages = std::mem::take(&mut parts.messages);
                (Source::Archive(messages.into_iter()), parts)
            }
            _ => (Source::Rows(0), store::beside(&mut tx, id).await?),
        };
        let filter = ArtifactFilter {
            session: Some(id),
            run: None,
        };
        let mut artifacts = Vec::new();
        loop {
            let before = artifacts.last().map(|it: &Artifact| it.id);
            let page = self.artifacts.list(ctx, &filter, before, PAGE).await?;
            let full = page.len() == PAGE as usize;
            artifacts.extend(page);
            if !full {
                break;
            }
        }
        let people: Vec<UserId> = parts.members.iter().map(|it| it.user).collect();
        let mut names = self.people_named(ctx, &people).await?;
        names.extend(self.agents_named(ctx, &session.agents).await?);
        let mut reactions: HashMap<MessageId, Vec<KeptReaction>> = HashMap::new();
        for it in parts.reactions {
            reactions.entry(it.message).or_default().push(it);
        }
        let mut turns: HashMap<MessageId, Vec<RunId>> = HashMap::new();
        for KeptTurn { run, message, .. } in parts.turns {
            turns.entry(message).or_default().push(run);
        }
        let export = Export {
            session,
            members: parts.members,
            reads: parts.reads,
            branches: parts.branches,
            artifacts,
            names,
            made_at: ctx.now(),
        };
        let messages = Messages {
            source,
            session: id,
            reactions,
            turns,
        };
        Ok((export, messages))
    }

    /// The next messages of an export; none behind the last.
    pub(crate) async fn next_exported(
        &self,
        ctx: &OrgContext,
        from: &mut Messages,
    ) -> Result<Vec<ExportedMessage>, ChatError> {
        let page: Vec<(KeptMessage, Option<String>)> = match &mut from.source {
            Source::Archive(messages) => messages
                .take(PAGE as usize)
                .map(|mut message| {
                    let text = std::mem::take(&mut message.text);
                    (message, Some(text))
                })
                .collect(),
            Source::Rows(after) => {
                let mut tx = ctx.read().await?;
                let page = store::rows_after(&mut tx, from.session, *after, PAGE).await?;
                *after = page.last().map_or(*after, |it| it.position);
                let of_one = |it: &KeptMessage| [Some(it.digest), it.cited].into_iter().flatten();
                let digests: Vec<_> = page.iter().flat_map(of_one).collect();
                let texts = self
                    .content
                    .open_many(&mut tx, from.session, &digests)
                    .await?;
                let text = |it: &KeptMessage| {
                    let bytes = texts.get(&it.digest)?;
                    Some(String::from_utf8_lossy(bytes).into_owned())
                };
                let cited = |mut it: KeptMessage| {
                    let bytes = it.cited.and_then(|digest| texts.get(&digest));
                    it.citations = bytes.map(|it| citations::read(it)).unwrap_or_default();
                    it
                };
                let opened: Vec<_> = page.iter().map(text).collect();
                page.into_iter().map(cited).zip(opened).collect()
            }
        };
        let exported = page.into_iter().map(|(message, text)| ExportedMessage {
            reactions: from.reactions.remove(&message.id).unwrap_or_default(),
            answered_by: from.turns.remove(&message.id).unwrap_or_default(),
            message,
            text,
        });
        Ok(exported.collect())
    }

    /// The next runs of a session, the newest first.
    pub(crate) async fn next_runs(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        before: Option<RunId>,
    ) -> Result<Vec<Run>, ChatError> {
        let filter = RunFilter {
            session: Some(id),
            ..RunFilter::default()
        };
        Ok(self.runs.list(ctx, &filter, before, PAGE).await?)
    }

    /// The next sealed events about what the runs of a session did, behind this one.
    pub(crate) async fn next_steps(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        after: i64,
    ) -> Result<Vec<Step>, ChatError> {
        Ok(store::steps(&mut ctx.read().await?, id, (after, PAGE)).await?)
    }

    /// The names of those people who have one, by their ids.
    pub(crate) async fn people_named(
        &self,
        ctx: &OrgContext,
        people: &[UserId],
    ) -> Result<HashMap<String, String>, ChatError> {
        let names = self.people.names(ctx, people).await?;
        let named = names.into_iter().map(|(id, name)| (id.to_string(), name));
        Ok(named.collect())
    }

    /// The names of those agents that are there, by their ids.
    pub(crate) async fn agents_named(
        &self,
        ctx: &OrgContext,
        agents: &[AgentId],
    ) -> Result<HashMap<String, String>, ChatError> {
        let mut tx = ctx.read().await?;
        let mut names = HashMap::new();
        for id in agents {
            match agents::service::get_in(&mut tx, *id).await {
                Ok(agent) => drop(names.insert(id.to_string(), agent.definition.name)),
                Err(agents::AgentError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(names)
    }
}
