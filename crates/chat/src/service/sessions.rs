//! Sessions themselves: making, changing, archiving.

use db::{OrgContext, WriteTx};
use vault::Query;
use vocab::{AgentId, Draft, EventKind, SessionId};

use super::{Chat, member};
use crate::ChatError;
use crate::model::{
    AGENTS_MAX, Member, NewSession, Session, SessionChange, SessionStatus, Spent, check, distinct,
    invalid,
};
use crate::store;

impl Chat {
    /// Makes a session. Its creator is its first member.
    ///
    /// # Errors
    /// The caller is a viewer; a value does not fit; an agent is not there.
    pub async fn create(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        new: NewSession,
    ) -> Result<Session, ChatError> {
        member(ctx)?;
        let agents = distinct(new.agents);
        let first = check_agents(tx, &agents).await?;
        let now = ctx.now();
        let mut labels = new.labels;
        labels.sort_unstable();
        let session = Session {
            id: ctx.new_id(),
            title: new.title,
            labels: distinct(labels),
            status: SessionStatus::Active,
            workspace: new.workspace.or(first).unwrap_or_else(default_workspace),
            agents,
            created_by: ctx.actor().user,
            version: 1,
            message_count: 0,
            branch: 0,
            forks: 0,
            created_at: now,
            updated_at: now,
            archived_at: None,
            held: false,
            spent: Spent::default(),
        };
        check(&session)?;
        store::insert(tx, &session).await?;
        if let Some(user) = session.created_by {
            store::add_member(
                tx,
                session.id,
                Member {
                    user,
                    added_at: now,
                },
            )
            .await?;
        }
        tx.record(changed(EventKind::SessionCreated, &session));
        Ok(session)
    }

    /// One session.
    ///
    /// # Errors
    /// There is none here.
    pub async fn get(&self, ctx: &OrgContext, id: SessionId) -> Result<Session, ChatError> {
        self.get_in(&mut ctx.read().await?, id).await
    }

    /// One session, within a transaction.
    ///
    /// # Errors
    /// There is none here.
    pub async fn get_in(&self, tx: &mut impl Query, id: SessionId) -> Result<Session, ChatError> {
        store::get(tx, id).await?.ok_or(ChatError::NotFound(id))
    }

    /// Sessions, the newest first.
    ///
    /// # Errors
    /// The database.
    pub async fn list(
        &self,
        ctx: &OrgContext,
        status: Option<SessionStatus>,
        before: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, ChatError> {
        let mut tx = ctx.read().await?;
        Ok(store::list(&mut tx, (status, before), limit).await?)
    }

    /// Changes a session. A change that changes nothing records nothing.
    ///
    /// # Errors
    /// There is none here; a value does not fit; somebody else changed it in between.
    pub async fn update(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        change: SessionChange,
    ) -> Result<Session, ChatError> {
        member(ctx)?;
        let seen = self.get_in(tx, id).await?;
        let mut session = seen.clone();
        session.title = change.title.unwrap_or(session.title);
        session.workspace = change.workspace.unwrap_or(session.workspace);
        if let Some(mut labels) = change.labels {
            labels.sort_unstable();
            session.labels = distinct(labels);
        }
        if let Some(agents) = change.agents {
            session.agents = distinct(agents);
            check_agents(tx, &session.agents).await?;
        }
        check(&session)?;
        if session != seen && session.status == SessionStatus::Idle {
            session.status = SessionStatus::Active;
        }
        self.put(ctx, tx, &seen, session, EventKind::SessionUpdated)
            .await
    }

    async fn put(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        seen: &Session,
        mut session: Session,
        kind: EventKind,
    ) -> Result<Session, ChatError> {
        if session == *seen {
            return Ok(session);
        }
        session.version += 1;
        session.updated_at = ctx.now();
        if !store::update(tx, &session).await? {
            return Err(ChatError::Changed);
        }
        tx.record(changed(kind, &session));
        Ok(session)
    }
}

/// Checks that the agents are there; answers the workspace of the first.
async fn check_agents(tx: &mut WriteTx, agents: &[AgentId]) -> Result<Option<String>, ChatError> {
    if agents.len() > AGENTS_MAX {
        return Err(invalid(
            "agent_ids",
            format!("expected at most {AGENTS_MAX} agents"),
        ));
    }
    let mut workspace = None;
    for id in agents {
        match agents::service::get_in(tx, *id).await {
            Ok(agent) => workspace = workspace.or(Some(agent.definition.workspace)),
            Err(agents::AgentError::NotFound(id)) => {
                return Err(invalid("agent_ids", format!("agent `{id}` not found")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(workspace)
}

fn default_workspace() -> String {
    agents::model::WORKSPACE_DEFAULT.to_owned()
}

/// Titles and labels are people's words: the record says only that they changed.
fn changed(kind: EventKind, session: &Session) -> Draft {
    let agents: Vec<String> = session.agents.iter().map(AgentId::to_string).collect();
    Draft::new(kind, session.id)
        .in_session(Some(session.id))
        .fact("version", session.version)
        .fact("status", session.status.as_str())
        .fact("workspace", session.workspace.as_str())
        .fact("agents", agents)
}
