//! What runs have to do with their session: they see its labels, and what a turn gave is posted as
//! the agent's message in the transaction that ends the run. With it begin the turns that follow: of
//! agents that the answer mentions, and for steering messages that the run never took.

use agents::Agent;
use db::{OrgContext, StoreError, WriteTx};
use futures::future::BoxFuture;
use runs::{Account, Citation, Ended, HasRead, Input, NewRun, Run, RunError, State};
use serde_json::Value;
use vault::{Artifacts, Content, ContentError};
use vocab::{AgentId, SessionId, canonical, limits};

use crate::ChatError;
use crate::model::{Author, Mentions, Message, Session, mentioned};
use crate::service::{
    MEDIA, STEER, Steering, agents_named, check_input, citations, end_summary, index,
    posted_event as posted, told, turn_in,
};
use crate::store::{self, Place, Speaker};

/// The end of a text that was cut.
const CUT: &str = "\n… (cut)";

/// Posts the answers of runs. Cheap to clone.
#[derive(Clone)]
pub struct Answers {
    content: Content,
    artifacts: Artifacts,
}

/// A turn that has come to its end: whose it was, where, and the transaction that ends it.
struct Turn<'a> {
    ctx: &'a OrgContext,
    tx: &'a mut WriteTx,
    run: &'a Run,
    session: Session,
    agent: AgentId,
    /// What the run had read.
    has_read: HasRead,
    account: &'a Account,
    /// What its answer cites.
    citations: Vec<Citation>,
}

impl Answers {
    /// Answers whose texts live in this content, and that name what their runs saved.
    #[must_use]
    pub fn new(content: Content, artifacts: Artifacts) -> Self {
        Self { content, artifacts }
    }

    /// Posts what a turn gave, and lets the agents answer that it mentions.
    async fn answer(&self, turn: &mut Turn<'_>, text: &str, failed: bool) -> Result<(), ChatError> {
        let (ctx, session) = (turn.ctx, turn.session.id);
        let now = ctx.now();
        let asked = store::turn(turn.tx, turn.run.id).await?;
        let branch = asked.map(|asked| asked.branch);
        let place = store::next_place(turn.tx, session, branch, (Speaker::Agent, now)).await?;
        let Some(Place {
            position,
            branch,
            parent,
        }) = place
        else {
            return Ok(());
        };
        let reply_to = asked.map(|asked| asked.message);
        // Why a run failed is no agent's word, and may quote anything.
        let handles = if failed { Vec::new() } else { mentioned(text) };
        let mut mentioned = agents_named(turn.tx, &turn.session.agents, &handles).await?;
        mentioned.retain(|agent| agent.id != turn.agent);
        let (asked, unasked) = self.may_answer(turn, &mentioned, text).await?;
        let most = u32::try_from(limits::ATTACHMENTS_MAX).unwrap_or(u32::MAX);
        let attachments = self.artifacts.made_by(turn.tx, turn.run.id, most).await?;
        let citations = citations::seal(&self.content, turn.tx, session, &turn.citations).await?;
        let content = self.content.seal(turn.tx, session, MEDIA, text.as_bytes());
        let message = Message {
            id: ctx.new_id(),
            session,
            position,
            branch,
            parent: parent.1,
            siblings: 1,
            author: Author::Agent(turn.agent),
            run: Some(turn.run.id),
            reply_to,
            mentions: Mentions {
                agents: mentioned.iter().map(|agent| agent.id).collect(),
                people: Vec::new(),
            },
            attachments,
            account: (!turn.account.is_empty()).then(|| turn.account.clone()),
            citations,
            content: content.await?,
            size_bytes: text.len() as u64,
            failed,
            has_read: turn.has_read,
            created_at: now,
        };
        store::insert_message(turn.tx, &message, parent.0).await?;
        index(&self.content, turn.tx, &message, text).await?;
        let ids = |ids: Vec<AgentId>| -> Option<Vec<String>> {
            let ids: Vec<String> = ids.iter().map(AgentId::to_string).collect();
            (!ids.is_empty()).then_some(ids)
        };
        let event = posted(&message).about_run(turn.run.id);
        let for_agents = asked.iter().map(|(agent, _)| *agent).collect();
        turn.tx.record(
            event
                .fact_if("for_agents", ids(for_agents))
                .fact_if("unanswered_by", ids(unasked)),
        );
        for asked in asked {
            turn.follow(&self.content, asked, &message).await?;
        }
        Ok(())
    }

    /// Which of the agents that an answer mentions may answer it, with what they are told; and which
    /// may not, because they are not active or agents have spoken among themselves for long enough.
    async fn may_answer(
        &self,
        turn: &mut Turn<'_>,
        mentioned: &[Agent],
        text: &str,
    ) -> Result<(Vec<(AgentId, Input)>, Vec<AgentId>), ChatError> {
        let names = mentioned.iter().map(|agent| &agent.definition.name);
        let told = told(text, names).unwrap_or_else(|| text.to_owned());
        let (mut may, mut may_not) = (Vec::new(), Vec::new());
        for agent in mentioned {
            let input = turn_of(agent, &told);
            let most = limits::AGENT_TURNS_MAX;
            match input {
                Some(input) if store::spend_agent_turn(turn.tx, turn.session.id, most).await? => {
                    may.push((agent.id, input));
                }
                Some(_) | None => may_not.push(agent.id),
            }
        }
        Ok((may, may_not))
    }

    /// Answers, one after the other, what steered the run and was not taken by it.
    async fn hand_on(&self, turn: &mut Turn<'_>) -> Result<(), ChatError> {
        let untaken = runs::untaken_signals(turn.tx, turn.run.id, STEER).await?;
        for digest in untaken {
            let steering = match self.content.open_in(turn.tx, digest).await {
                Ok(bytes) => serde_json::from_slice::<Steering>(&bytes).ok(),
                Err(ContentError::Erased) => None,
                Err(error) => return Err(error.into()),
            };
            // Anybody who may send signals may send one of this name with anything in it.
            let Some(steering) = steering else { continue };
            let found = store::message(turn.tx, steering.message_id).await?;
            let here = found.filter(|it| it.session == turn.session.id);
            let Some(message) = here else { continue };
            let agent = match agents::service::get_in(turn.tx, turn.agent).await {
                Ok(agent) => agent,
                Err(agents::AgentError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let told = told(&steering.content, std::iter::once(&agent.definition.name));
            if let Some(input) = turn_of(&agent, &told.unwrap_or(steering.content)) {
                let asked = (agent.id, input);
                turn.follow(&self.content, asked, &message).await?;
            }
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// Puts a turn behind this one: an agent answers a message, in the name of whoever started the
    /// turn that ends.
    async fn follow(
        &mut self,
        content: &Content,
        (agent, input): (AgentId, Input),
        message: &Message,
    ) -> Result<(), ChatError> {
        let ctx = self.ctx.acting_as(self.run.actor.clone());
        let new = NewRun {
            has_read: message.has_read,
            ..turn_in(&self.session, agent, input)
        };
        let run = runs::follow_in(content, &ctx, self.tx, new).await?;
        let turn = store::Turn {
            message: message.id,
            branch: message.branch,
        };
        store::insert_turn(self.tx, self.session.id, (run.id, turn)).await?;
        Ok(())
    }
}

impl runs::Sessions for Answers {
    fn labels<'a>(
        &'a self,
        ctx: &'a OrgContext,
        session: SessionId,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move { store::labels(&mut ctx.read().await?, session).await })
    }

    /// An agent's turn that a message started is answered: with what it gave, or with why it
    /// failed. A run that was cancelled, one that another run started, and a single tool call post
    /// nothing; one that summarised leaves its summary.
    fn ended<'a>(
        &'a self,
        ctx: &'a OrgContext,
        tx: &'a mut WriteTx,
        ended: Ended<'a>,
    ) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(async move {
            let run = ended.run;
            if let Some(session) = run.session
                && !ended.account.is_empty()
            {
                store::charge(tx, session, ended.account).await?;
            }
            let (Some(session), Some(agent), None) = (run.session, run.agent, run.parent) else {
                return Ok(());
            };
            if run.kind == "summary" {
                let kept = end_summary(&self.content, ctx, tx, (session, &ended));
                return kept.await.map_err(unended);
            }
            let (text, failed) = match ended.state {
                State::Succeeded => (ended.answer.map(said).unwrap_or_default(), false),
                State::Failed { failure } => (failure.message.clone(), true),
                State::Cancelled
                | State::Queued
                | State::Dispatching
                | State::Running
                | State::Waiting { .. } => return Ok(()),
            };
            let Some(session) = store::get(tx, session).await? else {
                return Ok(());
            };
            let mut turn = Turn {
                ctx,
                tx,
                run,
                session,
                agent,
                has_read: ended.has_read,
                account: ended.account,
                citations: cited(ended.answer, &ended.account.citations),
            };
            let done = async {
                self.hand_on(&mut turn).await?;
                self.answer(&mut turn, &bounded(text), failed).await
            };
            done.await.map_err(unended)
        })
    }
}

/// An answer as a message: a text is itself, and what fits an agent's schema stays the JSON that it is.
fn said(answer: &Value) -> String {
    match answer {
        Value::String(text) => text.clone(),
        other => canonical::to_string(other).unwrap_or_else(|_| other.to_string()),
    }
}

/// What an answer cites. One that fits a schema is not the text that the model wrote, and the spans are
/// of that.
fn cited(answer: Option<&Value>, citations: &[Citation]) -> Vec<Citation> {
    match answer {
        None => Vec::new(),
        Some(Value::String(_)) => citations.to_vec(),
        Some(_) => {
            let whole = |it: &Citation| Citation {
                span: None,
                ..it.clone()
            };
            citations.iter().map(whole).collect()
        }
    }
}

/// What an agent is asked to do, if it can be.
fn turn_of(agent: &Agent, told: &str) -> Option<Input> {
    let agent = agent.clone().ready().ok()?;
    let input = Input::AgentTurn {
        agent: agent.snapshot(),
        message: told.to_owned(),
    };
    check_input(&input).ok()?;
    Some(input)
}

/// Why a run could not be ended, as runs know it.
fn unended(error: ChatError) -> RunError {
    match error {
        ChatError::Run(error) => error,
        ChatError::Content(error) => error.into(),
        ChatError::Store(error) | ChatError::Agent(agents::AgentError::Store(error)) => {
            error.into()
        }
        other => StoreError::Statement(other.into()).into(),
    }
}

/// A text that fits into the transaction.
fn bounded(mut text: String) -> String {
    if text.len() > limits::CONTENT_INLINE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(limits::CONTENT_INLINE_BYTES_MAX - CUT.len()));
        text.push_str(CUT);
    }
    text
}
