//! Posting and reading messages.

use agents::Agent;
use db::{OrgContext, WriteTx};
use runs::{Input, NewRun, Queued};
use vault::ContentError;
use vocab::{Draft, EventKind, RunId, SessionId, limits};

use super::{Chat, member};
use crate::ChatError;
use crate::model::{Author, Message, NewMessage, OnBusy, Session, SessionStatus, invalid};
use crate::store;

/// The media type of a message's text.
pub(crate) const MEDIA: &str = "text/markdown";

/// A message and its run in a transaction. Once that is committed, hand this to [`Chat::posted`].
#[must_use]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// Its run.
    pub queued: Queued,
    /// The runs whose end was asked for.
    cancelled: Vec<RunId>,
}

/// The direction in which messages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The oldest first, after this position.
    Oldest(u32),
    /// The newest first, before this position, or from the last one.
    Newest(Option<u32>),
}

impl Chat {
    /// Posts a message: the message, and the run that answers it.
    ///
    /// # Errors
    /// There is no such session; it is archived, or busy and the message was not to
    /// wait; no agent can answer; the text is empty or too long.
    pub async fn post(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        new: NewMessage,
    ) -> Result<Posted, ChatError> {
        member(ctx)?;
        check_text(&new.text)?;
        let session = self.get_in(tx, id).await?;
        if session.status == SessionStatus::Archived {
            return Err(ChatError::Archived);
        }
        let agent = answering(tx, &session, &new).await?;
        let input = Input::AgentTurn {
            agent: agent.snapshot(),
            message: new.text.clone(),
        };
        check_input(&input)?;
        // The session's lock comes before its row, as at the end of a run.
        let cancelled = self.make_way(ctx, tx, id, new.on_busy).await?;
        let now = ctx.now();
        let position = store::next_position(tx, id, now)
            .await?
            .ok_or(ChatError::NotFound(id))?;
        let content = self
            .content
            .seal(tx, id, MEDIA, new.text.as_bytes())
            .await?;
        let mut message = Message {
            id: ctx.new_id(),
            session: id,
            position,
            author: ctx.actor().user.map_or(Author::System, Author::User),
            run: None,
            content,
            size_bytes: new.text.len() as u64,
            failed: false,
            created_at: now,
        };
        tx.record(posted(&message).fact("for_agent", agent.id.to_string()));
        let workspace = session.workspace;
        let run = NewRun {
            input,
            workspace,
            session: Some(id),
            agent: Some(agent.id),
            parent: None,
        };
        let queued = self.runs.enqueue_in(ctx, tx, run).await?;
        message.run = Some(queued.run.id);
        store::insert_message(tx, &message).await?;
        Ok(Posted {
            message,
            queued,
            cancelled,
        })
    }

    /// Sets a committed message's run going.
    pub fn posted(&self, posted: Posted) {
        if !posted.cancelled.is_empty() {
            self.runs.cancelled(&posted.cancelled);
        }
        self.runs.started(posted.queued);
    }

    /// Does with the runs of the session that are not over what the message wants done.
    async fn make_way(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        on_busy: OnBusy,
    ) -> Result<Vec<RunId>, ChatError> {
        let open = self.runs.open_in_session(tx, id).await?;
        match (on_busy, open.first()) {
            (_, None) | (OnBusy::Enqueue, Some(_)) => Ok(Vec::new()),
            (OnBusy::Reject, Some(_)) => Err(ChatError::Busy),
            (OnBusy::Interrupt, Some(run)) => Ok(self.runs.cancel_in(ctx, tx, run).await?),
        }
    }

    /// Messages of a session with their texts; a text that was erased is absent.
    ///
    /// # Errors
    /// There is no such session; a text can't be opened.
    pub async fn messages(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        from: Reading,
        limit: u32,
    ) -> Result<Vec<(Message, Option<String>)>, ChatError> {
        let mut tx = ctx.read().await?;
        self.get_in(&mut tx, id).await?;
        let messages = match from {
            Reading::Oldest(after) => store::messages_after(&mut tx, id, after, limit).await?,
            Reading::Newest(before) => store::messages_before(&mut tx, id, before, limit).await?,
        };
        let mut opened = Vec::with_capacity(messages.len());
        for message in messages {
            let text = match self.content.open_in(&mut tx, message.content).await {
                Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                Err(ContentError::Erased) => None,
                Err(error) => return Err(error.into()),
            };
            opened.push((message, text));
        }
        Ok(opened)
    }
}

/// The event of a message.
pub(crate) fn posted(message: &Message) -> Draft {
    let draft = Draft::new(EventKind::MessagePosted, message.id)
        .in_session(Some(message.session))
        .fact("position", message.position)
        .with_content(message.content);
    match message.author {
        Author::User(user) => draft.fact("author", user.to_string()),
        Author::Agent(agent) => draft.fact("author", agent.to_string()),
        Author::System => draft,
    }
}

/// The agent that answers a message.
async fn answering(
    tx: &mut WriteTx,
    session: &Session,
    new: &NewMessage,
) -> Result<Agent, ChatError> {
    let id = match new.agent {
        Some(named) if session.agents.contains(&named) => named,
        Some(named) => {
            return Err(invalid(
                "agent_id",
                format!("agent `{named}` is not in the session"),
            ));
        }
        None => *session.agents.first().ok_or(ChatError::NoAgent)?,
    };
    match agents::service::get_in(tx, id).await {
        Ok(agent) => Ok(agent.ready()?),
        // Deleted since it was put into the session.
        Err(agents::AgentError::NotFound(_)) => Err(ChatError::NoAgent),
        Err(error) => Err(error.into()),
    }
}

fn check_text(text: &str) -> Result<(), ChatError> {
    if text.trim().is_empty() {
        return Err(invalid("content", "expected a text"));
    }
    if text.len() > limits::CONTENT_INLINE_BYTES_MAX {
        return Err(ChatError::TooLong);
    }
    Ok(())
}

/// The input of a run is sealed within its transaction, so it has to be small.
fn check_input(input: &Input) -> Result<(), ChatError> {
    let size = serde_json::to_vec(input).map_or(usize::MAX, |json| json.len());
    if size > limits::CONTENT_INLINE_BYTES_MAX {
        return Err(ChatError::TooLong);
    }
    Ok(())
}
