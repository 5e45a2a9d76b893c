//! Editing and regenerating: nothing is overwritten, the tree of messages grows another branch.

use db::{OrgContext, WriteTx};
use runs::{Input, NewRun, Queued, Run};
use vault::ContentError;
use vocab::{AgentId, Draft, EventKind, MessageId, RunId, SessionId, limits};

use super::posting::{At, Posted, check_input, turn_in};
use super::{Chat, member};
use crate::ChatError;
use crate::model::{Author, Fork, Message, NewMessage, OnBusy, Session, invalid, through};
use crate::store::{self, Turn};

/// An answer that is to be given once more, as it was asked for.
#[derive(Debug, Clone)]
pub struct Again {
    answer: Message,
    /// The agent.
    agent: AgentId,
    /// The message that is answered.
    reply_to: MessageId,
    /// What the agent was told.
    told: String,
}

/// A run that answers a message once more, in a transaction. Once that is committed, hand this to
/// [`Chat::regenerating`].
#[must_use]
pub struct Regenerating {
    /// The message that it answers.
    pub reply_to: MessageId,
    /// The message behind which the answer will stand.
    pub parent: Option<MessageId>,
    queued: Queued,
    cancelled: Vec<RunId>,
}

impl Regenerating {
    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.queued.run
    }
}

impl Chat {
    /// One message, within a transaction.
    ///
    /// # Errors
    /// There is none here.
    pub async fn message_in(
        &self,
        tx: &mut impl vault::Query,
        id: MessageId,
    ) -> Result<Message, ChatError> {
        let found = store::message(tx, id).await?;
        found.ok_or(ChatError::NoMessage(id))
    }

    /// Says something else in the place of a message: a new branch that begins with it, and goes on
    /// from there.
    ///
    /// # Errors
    /// There is no such message; it is not the caller's; and as [`Chat::post`].
    pub async fn edit(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: MessageId,
        new: NewMessage,
    ) -> Result<Posted, ChatError> {
        member(ctx)?;
        let edited = self.message_in(tx, id).await?;
        if ctx.actor().user.map(Author::User) != Some(edited.author) {
            return Err(ChatError::NotTheAuthor);
        }
        // The session's lock comes before its row.
        self.runs.open_in_session(tx, edited.session).await?;
        let at = At::AFork(self.before(tx, &edited).await?, id);
        self.post_at(ctx, tx, (edited.session, at), new).await
    }

    /// How an answer was asked for, to be asked for again: by the same agent unless another is named.
    ///
    /// # Errors
    /// There is no such message; it is no agent's answer to a message; what was asked was erased.
    pub async fn asked(
        &self,
        ctx: &OrgContext,
        id: MessageId,
        agent: Option<AgentId>,
    ) -> Result<Again, ChatError> {
        let mut tx = ctx.read().await?;
        let answer = self.message_in(&mut tx, id).await?;
        let (Author::Agent(author), Some(run)) = (answer.author, answer.run) else {
            return Err(ChatError::NoAnswer);
        };
        let turn = store::turn(&mut tx, run).await?;
        let reply_to = turn.ok_or(ChatError::NoAnswer)?.message;
        drop(tx);
        let run = self.runs.get(ctx, run).await?;
        let input = match self.content.open(ctx, run.input).await {
            Ok(input) => input,
            Err(ContentError::Erased) => return Err(ChatError::Erased),
            Err(error) => return Err(error.into()),
        };
        let input = serde_json::from_slice(&input)
            .map_err(|error| db::StoreError::Statement(error.into()))?;
        let told = match input {
            Input::AgentTurn { message, .. } => message,
            Input::Tool { .. } | Input::Replay(_) | Input::Summary(_) => {
                return Err(ChatError::NoAnswer);
            }
        };
        Ok(Again {
            answer,
            agent: agent.unwrap_or(author),
            reply_to,
            told,
        })
    }

    /// Has a message answered once more: a new branch, whose next message is the answer.
    ///
    /// # Errors
    /// The session is archived, or busy and this was not to wait; the agent is not in the session, or
    /// can't answer.
    pub async fn regenerate(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        again: Again,
        on_busy: OnBusy,
    ) -> Result<Regenerating, ChatError> {
        member(ctx)?;
        let id = again.answer.session;
        let session = self.open_in(tx, id).await?;
        let input = answering(tx, &session, &again).await?;
        let cancelled = self.make_way(ctx, tx, id, on_busy).await?;
        let fork = self.before(tx, &again.answer).await?;
        let forked = (fork, "regenerates", again.answer.id);
        let branch = self.fork(tx, id, forked).await?;
        // What it answers may itself be an agent's answer.
        let asked = self.message_in(tx, again.reply_to).await?;
        let run = NewRun {
            has_read: asked.has_read,
            ..turn_in(&session, again.agent, input)
        };
        let queued = self.runs.enqueue_in(ctx, tx, run).await?;
        let turn = Turn {
            message: again.reply_to,
            branch,
        };
        store::insert_turn(tx, id, (queued.run.id, turn)).await?;
        Ok(Regenerating {
            reply_to: again.reply_to,
            parent: again.answer.parent,
            queued,
            cancelled,
        })
    }

    /// Sets a committed run going.
    pub fn regenerating(&self, it: Regenerating) {
        if !it.cancelled.is_empty() {
            self.runs.cancelled(&it.cancelled);
        }
        self.runs.started(it.queued);
    }

    /// Goes on with the branch that a message is on; of several, with the one that was gone on with
    /// last. Going on with the current one changes and records nothing.
    ///
    /// # Errors
    /// The caller is a viewer; there is no such session, or no such message in it.
    pub async fn choose_branch(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        id: SessionId,
        message: MessageId,
    ) -> Result<Session, ChatError> {
        member(ctx)?;
        let session = self.open_in(tx, id).await?;
        let branch = self.branch_through(tx, id, message).await?;
        if store::choose(tx, id, branch).await? {
            let event = Draft::new(EventKind::SessionBranchChosen, id).in_session(Some(id));
            tx.record(event.fact("branch", branch));
        }
        Ok(Session { branch, ..session })
    }

    /// The branch that a message of a session is on; of several, the one that was chosen last.
    pub(super) async fn branch_through(
        &self,
        tx: &mut impl vault::Query,
        id: SessionId,
        message: MessageId,
    ) -> Result<u32, ChatError> {
        let message = self.message_in(tx, message).await?;
        if message.session != id {
            return Err(ChatError::NoMessage(message.id));
        }
        let branches = store::branches(tx, id).await?;
        Ok(through(&branches, (message.branch, message.position)))
    }

    /// The fork at which a branch takes another way than this message.
    async fn before(&self, tx: &mut WriteTx, message: &Message) -> Result<Fork, ChatError> {
        let Some(parent) = message.parent else {
            return Ok(Fork { from: 0, at: 0 });
        };
        let parent = self.message_in(tx, parent).await?;
        Ok(Fork {
            from: parent.branch,
            at: parent.position,
        })
    }

    /// Forks a session and records why. Answers the number of the branch.
    pub(super) async fn fork(
        &self,
        tx: &mut WriteTx,
        id: SessionId,
        (fork, why, message): (Fork, &str, MessageId),
    ) -> Result<u32, ChatError> {
        let most = limits::SESSION_FORKS_MAX;
        let branch = store::fork(tx, id, (fork, most)).await?;
        let branch = branch.ok_or(ChatError::TooManyForks)?;
        tx.record(
            Draft::new(EventKind::SessionForked, id)
                .in_session(Some(id))
                .fact("branch", branch)
                .fact("from", fork.from)
                .fact("at", fork.at)
                .fact(why, message.to_string()),
        );
        Ok(branch)
    }
}

/// What the agent is asked that answers again.
async fn answering(tx: &mut WriteTx, session: &Session, again: &Again) -> Result<Input, ChatError> {
    if !session.agents.contains(&again.agent) {
        let message = format!("agent `{}` is not in the session", again.agent);
        return Err(invalid("agent_id", message));
    }
    let agent = match agents::service::get_in(tx, again.agent).await {
        Ok(agent) => agent.ready()?,
        Err(agents::AgentError::NotFound(_)) => return Err(ChatError::NoAgent),
        Err(error) => return Err(error.into()),
    };
    let input = Input::AgentTurn {
        agent: agent.snapshot(),
        message: again.told.clone(),
    };
    check_input(&input)?;
    Ok(input)
}
