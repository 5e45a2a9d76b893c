//! Posting messages: the message, and the runs that answer it.

use agents::{Agent, AgentError};
use db::{OrgContext, WriteTx};
use runs::{HasRead, Input, NewRun, Queued, Run};
use vault::Query;
use vocab::{AgentId, Draft, EventKind, MessageId, RunId, SessionId, limits};

use super::{Chat, index, member};
use crate::ChatError;
use crate::model::{
    Author, Fork, Mentions, Message, NewMessage, OnBusy, Session, SessionStatus, invalid,
};
use crate::store::{self, Place, Speaker, Turn};

/// The media type of a message's text.
pub(crate) const MEDIA: &str = "text/markdown";

/// A message in a transaction, with its runs. Once that is committed, hand this to
/// [`Chat::posted`].
#[must_use]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// The runs that answer it, in the order in which they will.
    pub(super) queued: Vec<Queued>,
    /// The run that it steers instead.
    pub(super) steered: Option<Run>,
    /// The runs whose end was asked for.
    pub(super) cancelled: Vec<RunId>,
}

impl Posted {
    /// The runs that answer it, in the order in which they will; none if it speaks to people alone,
    /// or steers a run.
    pub fn answering(&self) -> impl Iterator<Item = &Run> {
        self.queued.iter().map(|queued| &queued.run)
    }

    /// The run that it was handed to while it is under way.
    #[must_use]
    pub fn steered(&self) -> Option<&Run> {
        self.steered.as_ref()
    }
}

impl Chat {
    /// Posts a message: the message, and the runs that answer it. The agents that it mentions
    /// answer, or else the session's first one; a message that mentions people and no agent is
    /// theirs to answer, and starts nothing.
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
        self.post_at(ctx, tx, (id, At::TheEnd), new).await
    }

    pub(super) async fn post_at(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        (id, at): (SessionId, At),
        new: NewMessage,
    ) -> Result<Posted, ChatError> {
        check_text(&new.text)?;
        let session = self.open_in(tx, id).await?;
        let agents = answering(tx, &session, &new).await?;
        let told = new.addressed.told.as_ref().unwrap_or(&new.text);
        let inputs = inputs(&agents, told)?;
        // The session's lock comes before its row, as at the end of a run.
        let cancelled = match inputs.is_empty() {
            true => Vec::new(),
            false => self.make_way(ctx, tx, id, new.on_busy).await?,
        };
        let edits = match at {
            At::TheEnd => None,
            At::AFork(fork, edited) => {
                self.fork(tx, id, (fork, "edits", edited)).await?;
                Some(edited)
            }
        };
        self.check_attachments(tx, id, &new.attachments).await?;
        let said = (new.text.as_str(), new.addressed.mentions);
        let (mut message, parent) = self.said(ctx, tx, (id, None), said).await?;
        message.attachments = new.attachments;
        let asked: Vec<String> = agents.iter().map(|agent| agent.id.to_string()).collect();
        let event = posted(&message).fact("for_agents", asked);
        tx.record(event.fact_if("edits", edits.map(|it| it.to_string())));
        let mut queued = Vec::with_capacity(inputs.len());
        for (agent, input) in inputs {
            let run = turn_in(&session, agent, input);
            queued.push(self.runs.enqueue_in(ctx, tx, run).await?);
        }
        message.run = queued.first().map(|it| it.run.id);
        store::insert_message(tx, &message, parent).await?;
        index(&self.content, tx, &message, &new.text).await?;
        for it in &queued {
            let turn = Turn {
                message: message.id,
                branch: message.branch,
            };
            store::insert_turn(tx, id, (it.run.id, turn)).await?;
        }
        if edits.is_some() {
            let stored = store::message(tx, message.id).await?;
            message = stored.unwrap_or(message);
        }
        Ok(Posted {
            message,
            queued,
            steered: None,
            cancelled,
        })
    }

    /// Sets a committed message's runs going.
    pub fn posted(&self, posted: Posted) {
        if !posted.cancelled.is_empty() {
            self.runs.cancelled(&posted.cancelled);
        }
        if posted.steered.is_some() {
            self.runs.poked();
        }
        for queued in posted.queued {
            self.runs.started(queued);
        }
    }

    /// A session whose messages are there, and of which this process is the controller.
    pub(super) async fn open_in(
        &self,
        tx: &mut WriteTx,
        id: SessionId,
    ) -> Result<Session, ChatError> {
        let session = self.get_in(tx, id).await?;
        self.control(tx, id).await?;
        in_the_tables(session)
    }

    /// A session whose messages are there.
    pub(super) async fn there_in(
        &self,
        tx: &mut impl Query,
        id: SessionId,
    ) -> Result<Session, ChatError> {
        in_the_tables(self.get_in(tx, id).await?)
    }

    /// The caller's message at the end of that branch, or of the current one: in no row yet, with the
    /// position of its parent.
    pub(super) async fn said(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        (id, branch): (SessionId, Option<u32>),
        (text, mentions): (&str, Mentions),
    ) -> Result<(Message, u32), ChatError> {
        let now = ctx.now();
        let place = store::next_place(tx, id, branch, (Speaker::Person, now)).await?;
        let Place {
            position,
            branch,
            parent,
        } = match place {
            Some(place) => place,
            // Since it was looked at.
            None => {
                return Err(self
                    .open_in(tx, id)
                    .await
                    .err()
                    .unwrap_or(ChatError::Changed));
            }
        };
        let content = self.content.seal(tx, id, MEDIA, text.as_bytes()).await?;
        let message = Message {
            id: ctx.new_id(),
            session: id,
            position,
            branch,
            parent: parent.1,
            siblings: 1,
            author: ctx.actor().user.map_or(Author::System, Author::User),
            run: None,
            reply_to: None,
            mentions,
            attachments: Vec::new(),
            account: None,
            citations: None,
            content,
            size_bytes: text.len() as u64,
            failed: false,
            has_read: HasRead::default(),
            created_at: now,
        };
        Ok((message, parent.0))
    }

    /// Does with the runs of the session that are not over what the message wants done.
    pub(super) async fn make_way(
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
}

/// The session, unless its messages are in an archive.
fn in_the_tables(session: Session) -> Result<Session, ChatError> {
    match session.status {
        SessionStatus::Active | SessionStatus::Idle => Ok(session),
        SessionStatus::Archived => Err(ChatError::Archived),
    }
}

/// The event of a message.
pub(crate) fn posted(message: &Message) -> Draft {
    let draft = Draft::new(EventKind::MessagePosted, message.id)
        .in_session(Some(message.session))
        .fact("position", message.position)
        .with_content(message.content);
    let draft = match message.author {
        Author::User(user) => draft.fact("author", user.to_string()),
        Author::Agent(agent) => draft.fact("author", agent.to_string()),
        Author::System => draft,
    };
    let draft = match message.citations {
        Some(citations) => draft.with_content(citations),
        None => draft,
    };
    let mentions = (!message.mentions.is_empty()).then(|| message.mentions.ids());
    let attachments: Vec<String> = message
        .attachments
        .iter()
        .map(ToString::to_string)
        .collect();
    draft
        .fact_if(
            "attachments",
            (!attachments.is_empty()).then_some(attachments),
        )
        .fact_if("parent", message.parent.map(|it| it.to_string()))
        .fact_if("reply_to", message.reply_to.map(|it| it.to_string()))
        .fact_if("mentions", mentions)
}

/// Where a message is put.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// At the end of the current branch.
    TheEnd,
    /// At the beginning of a new one, in the place of this message.
    AFork(Fork, MessageId),
}

/// An agent's turn in a session.
pub(crate) fn turn_in(session: &Session, agent: AgentId, input: Input) -> NewRun {
    NewRun {
        input,
        workspace: session.workspace.clone(),
        session: Some(session.id),
        agent: Some(agent),
        parent: None,
        has_read: HasRead::default(),
    }
}

/// The agents that answer a message.
async fn answering(
    tx: &mut WriteTx,
    session: &Session,
    new: &NewMessage,
) -> Result<Vec<Agent>, ChatError> {
    let mentions = &new.addressed.mentions;
    let ids: Vec<AgentId> = match (new.agent, session.agents.first()) {
        (Some(named), _) if session.agents.contains(&named) => vec![named],
        (Some(named), _) => {
            let message = format!("agent `{named}` is not in the session");
            return Err(invalid("agent_id", message));
        }
        (None, _) if !mentions.is_empty() => {
            let agents = mentions.agents.iter().copied();
            agents.filter(|it| session.agents.contains(it)).collect()
        }
        (None, Some(first)) => vec![*first],
        (None, None) => return Err(ChatError::NoAgent),
    };
    let mut agents = Vec::with_capacity(ids.len());
    for id in ids {
        match agents::service::get_in(tx, id).await {
            Ok(agent) => agents.push(agent.ready()?),
            // Deleted since it was put into the session.
            Err(AgentError::NotFound(_)) => return Err(ChatError::NoAgent),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(agents)
}

fn inputs(agents: &[Agent], told: &str) -> Result<Vec<(AgentId, Input)>, ChatError> {
    let input = |agent: &Agent| {
        let input = Input::AgentTurn {
            agent: agent.snapshot(),
            message: told.to_owned(),
        };
        check_input(&input)?;
        Ok((agent.id, input))
    };
    agents.iter().map(input).collect()
}

pub(super) fn check_text(text: &str) -> Result<(), ChatError> {
    if text.trim().is_empty() {
        return Err(invalid("content", "expected a text"));
    }
    if text.len() > limits::CONTENT_INLINE_BYTES_MAX {
        return Err(ChatError::TooLong);
    }
    Ok(())
}

/// The input of a run is sealed within its transaction, so it has to be small.
pub(crate) fn check_input(input: &Input) -> Result<(), ChatError> {
    let size = serde_json::to_vec(input).map_or(usize::MAX, |json| json.len());
    if size > limits::CONTENT_INLINE_BYTES_MAX {
        return Err(ChatError::TooLong);
    }
    Ok(())
}
