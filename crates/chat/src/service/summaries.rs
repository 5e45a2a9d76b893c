//! Rolling summaries: what covers what, and the runs that write them.
//!
//! One begins when a turn's context no longer fits ([`begin_summary`]), as a run beside the session's
//! turns, which wait for nothing; it is there with the end of that run. A session has at most one under
//! way. A turn takes the one that covers most of its branch ([`before_turn`](super::before_turn)).

use db::{OrgContext, WriteTx};
use runs::{Ended, HasRead, Input, NewRun, Run, State, Stretch};
use serde::Deserialize as _;
use vault::{Content, ContentError, Query};
use vocab::{AgentId, Draft, EventKind, RunId, SessionId};

use super::posting::MEDIA;
use super::reading::opened;
use super::{Chat, check_input};
use crate::ChatError;
use crate::model::{Message, Summary, SummaryState};
use crate::store::{self, Range};

/// A summary with its text; none once it was erased.
pub type Told = (Summary, Option<String>);

impl Chat {
    /// The summaries of a session, the newest first, with their texts.
    ///
    /// # Errors
    /// There is no such session; it is archived; a text can't be opened.
    pub async fn summaries(
        &self,
        ctx: &OrgContext,
        id: SessionId,
        (before, limit): (Option<RunId>, u32),
    ) -> Result<Vec<Told>, ChatError> {
        let mut tx = ctx.read().await?;
        self.there_in(&mut tx, id).await?;
        let found = store::summaries(&mut tx, id, (before, limit)).await?;
        let mut told = Vec::with_capacity(found.len());
        for summary in found {
            let text = text_of(&self.content, &mut tx, &summary).await?;
            told.push((summary, text));
        }
        Ok(told)
    }
}

/// The text of a summary; none if it is not there, or was erased.
pub(super) async fn text_of(
    content: &Content,
    tx: &mut impl Query,
    summary: &Summary,
) -> Result<Option<String>, ChatError> {
    let Some(digest) = summary.content else {
        return Ok(None);
    };
    match content.open_in(tx, digest).await {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(ContentError::Erased) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Messages along a branch after a position, the oldest first, without their texts.
///
/// # Errors
/// The database.
pub async fn messages_along(
    ctx: &OrgContext,
    (session, branch): (SessionId, u32),
    (after, limit): (u32, u32),
) -> Result<Vec<Message>, ChatError> {
    let mut tx = ctx.read().await?;
    let along = Range::Along(branch);
    Ok(store::messages_after(&mut tx, session, along, (after, limit)).await?)
}

/// What a summary is made of: the messages, and the summary before them.
///
/// # Errors
/// A text can't be opened.
pub async fn summarised(
    content: &Content,
    ctx: &OrgContext,
    (session, stretch): (SessionId, &Stretch),
    limit: u32,
) -> Result<(Vec<(Message, Option<String>)>, Option<Told>), ChatError> {
    let mut tx = ctx.read().await?;
    let along = Range::Along(stretch.branch);
    let mut messages =
        store::messages_after(&mut tx, session, along, (stretch.after, limit)).await?;
    messages.retain(|it| it.position <= stretch.upto);
    let messages = opened(content, &mut tx, messages).await?;
    let previous = match stretch.previous {
        None => None,
        Some(run) => store::summary(&mut tx, (session, run)).await?,
    };
    let previous = match previous {
        None => None,
        Some(summary) => {
            let text = text_of(content, &mut tx, &summary).await?;
            Some((summary, text))
        }
    };
    Ok((messages, previous))
}

/// Begins a summary of a stretch whose first message is at `from`, in the name of whoever the context
/// speaks for. Nothing begins while the session has another one under way. A worker finds the run.
///
/// # Errors
/// The database.
pub async fn begin_summary(
    content: &Content,
    ctx: &OrgContext,
    (session, agent, workspace): (SessionId, AgentId, &str),
    (from, stretch): (u32, Stretch),
) -> Result<Option<Run>, ChatError> {
    let (branch, upto, previous) = (stretch.branch, stretch.upto, stretch.previous);
    let input = Input::Summary(Box::new(stretch));
    check_input(&input)?;
    let new = NewRun {
        input,
        workspace: workspace.to_owned(),
        session: Some(session),
        agent: Some(agent),
        parent: None,
        has_read: HasRead::default(),
    };
    let mut tx = ctx.write().await?;
    let run = runs::follow_in(content, ctx, &mut tx, new).await?;
    let summary = Summary {
        run: run.id,
        session,
        branch,
        from,
        upto,
        from_message: None,
        upto_message: None,
        previous,
        state: SummaryState::Running,
        content: None,
        model: None,
        cost_usd_micros: None,
        input_tokens: None,
        output_tokens: None,
        has_read: HasRead::default(),
        created_at: run.created_at,
        ended_at: None,
    };
    if !store::insert_summary(&mut tx, &summary).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(run))
}

/// Keeps what a run has summarised, or that it came to nothing, in the transaction that ends it.
pub(crate) async fn end_summary(
    content: &Content,
    ctx: &OrgContext,
    tx: &mut WriteTx,
    (session, ended): (SessionId, &Ended<'_>),
) -> Result<(), ChatError> {
    let Some(begun) = store::summary(tx, (session, ended.run.id)).await? else {
        return Ok(());
    };
    let answer = match ended.state {
        State::Succeeded => ended.answer,
        State::Failed { .. }
        | State::Cancelled
        | State::Queued
        | State::Dispatching
        | State::Running
        | State::Waiting { .. } => None,
    };
    let written = answer.and_then(|it| agents::summary::Summary::deserialize(it).ok());
    let now = Some(ctx.now());
    let Some(written) = written else {
        let failed = Summary {
            state: SummaryState::Failed,
            ended_at: now,
            ..begun
        };
        store::end_summary(tx, &failed).await?;
        return Ok(());
    };
    let digest = content.seal(tx, session, MEDIA, written.text.as_bytes());
    let digest = digest.await?;
    let ready = Summary {
        state: SummaryState::Ready,
        content: Some(digest),
        model: Some(written.model),
        cost_usd_micros: written.cost_usd_micros,
        input_tokens: Some(written.input_tokens),
        output_tokens: Some(written.output_tokens),
        has_read: ended.has_read,
        ended_at: now,
        ..begun
    };
    if store::end_summary(tx, &ready).await? {
        tx.record(event(&ready, digest));
    }
    Ok(())
}

fn event(it: &Summary, digest: vocab::Digest) -> Draft {
    Draft::new(EventKind::SessionSummarised, it.session)
        .in_session(Some(it.session))
        .about_run(it.run)
        .fact("branch", it.branch)
        .fact("from_position", it.from)
        .fact("upto_position", it.upto)
        .fact_if("previous", it.previous.map(|it| it.to_string()))
        .fact_if("model", it.model.clone())
        .fact_if("cost_usd_micros", it.cost_usd_micros)
        .with_content(digest)
}
