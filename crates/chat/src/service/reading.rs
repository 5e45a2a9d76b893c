//! Reading messages.

use db::{OrgContext, ReadTx};
use vault::{Content, ContentError};
use vocab::{MessageId, RunId, SessionId};

use runs::Citation;

use super::summaries::text_of;
use super::{Chat, citations};
use crate::ChatError;
use crate::model::{Author, Message, Reaction, Summary};
use crate::store::{self, Range};

/// The direction in which messages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The oldest first, after this position.
    Oldest(u32),
    /// The newest first, before this position, or from the last one.
    Newest(Option<u32>),
}

/// Which messages are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// Those along the current branch.
    #[default]
    Current,
    /// Those along the branch that this message is on.
    Through(MessageId),
    /// This one and those that stand in the same place on other branches.
    SiblingsOf(MessageId),
    /// All, on every branch.
    All,
}

/// A message as it is shown to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The message.
    pub message: Message,
    /// Its text; none once it was erased.
    pub text: Option<String>,
    /// What it cites; nothing once it was erased.
    pub citations: Vec<Citation>,
    /// The reactions to it, the first first.
    pub reactions: Vec<Reaction>,
}

impl Chat {
    /// Messages of a session as the caller sees them.
    ///
    /// # Errors
    /// There is no such session, or no such message in it; it is archived; a text can't be opened.
    pub async fn messages(
        &self,
        ctx: &OrgContext,
        (id, which): (SessionId, Which),
        from: Reading,
        limit: u32,
    ) -> Result<Vec<Shown>, ChatError> {
        let mut tx = ctx.read().await?;
        let session = self.there_in(&mut tx, id).await?;
        let range = match which {
            Which::Current => Range::Along(session.branch),
            Which::Through(message) => {
                Range::Along(self.branch_through(&mut tx, id, message).await?)
            }
            Which::SiblingsOf(message) => {
                let message = self.message_in(&mut tx, message).await?;
                if message.session != id {
                    return Err(ChatError::NoMessage(message.id));
                }
                Range::Siblings(message.position)
            }
            Which::All => Range::All,
        };
        let messages = match from {
            Reading::Oldest(after) => {
                store::messages_after(&mut tx, id, range, (after, limit)).await?
            }
            Reading::Newest(before) => {
                store::messages_before(&mut tx, id, range, (before, limit)).await?
            }
        };
        self.shown(ctx, &mut tx, messages).await
    }

    /// Messages of one session as the caller sees them.
    pub(super) async fn shown(
        &self,
        ctx: &OrgContext,
        tx: &mut ReadTx,
        messages: Vec<Message>,
    ) -> Result<Vec<Shown>, ChatError> {
        let places = messages.iter().map(|message| message.position);
        let (Some(first), Some(last)) = (places.clone().min(), places.max()) else {
            return Ok(Vec::new());
        };
        let session = messages[0].session;
        let viewer = ctx.actor().user;
        let mut reactions = store::reactions(tx, session, (first, last), viewer).await?;
        let opened = opened(&self.content, tx, messages).await?;
        let mut shown = Vec::with_capacity(opened.len());
        for (message, text) in opened {
            shown.push(Shown {
                reactions: reactions.remove(&message.id).unwrap_or_default(),
                citations: self.cited(tx, &message).await?,
                message,
                text,
            });
        }
        Ok(shown)
    }

    async fn cited(&self, tx: &mut ReadTx, message: &Message) -> Result<Vec<Citation>, ChatError> {
        let Some(digest) = message.citations else {
            return Ok(Vec::new());
        };
        match self.content.open_in(tx, digest).await {
            Ok(bytes) => Ok(citations::read(&bytes)),
            Err(ContentError::Erased) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a run may know of its session when its turn begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The branch at whose end it answers.
    pub branch: u32,
    /// The summary that covers most of that branch, with its text.
    pub summary: Option<(Summary, String)>,
    /// Messages that the summary does not cover, the oldest first; a text that was erased is none.
    pub messages: Vec<(Message, Option<String>)>,
    /// Whether there are more before them that the summary does not cover.
    pub more: bool,
    /// The position of the message that is answered; what people say behind it has turns of its own.
    pub answers: u32,
}

/// What a run may know of its session when its turn begins: a summary, and at most so many messages of
/// its branch after that, with their texts. People's messages that come after the one that it answers
/// have turns of their own.
///
/// # Errors
/// A text can't be opened.
pub async fn before_turn(
    content: &Content,
    ctx: &OrgContext,
    (session, run): (SessionId, RunId),
    limit: u32,
) -> Result<Before, ChatError> {
    let mut tx = ctx.read().await?;
    let turn = store::turn(&mut tx, run).await?;
    let answered = turn.map(|turn| turn.message);
    let branch = turn.map_or(0, |turn| turn.branch);
    let summary = summary_of(content, &mut tx, (session, branch)).await?;
    let upto = summary.as_ref().map_or(0, |(it, _)| it.upto);
    let along = Range::Along(branch);
    let mut newest = store::messages_before(&mut tx, session, along, (None, limit)).await?;
    let full = u32::try_from(newest.len()).is_ok_and(|many| many == limit);
    let more = full
        && newest
            .last()
            .is_some_and(|oldest| oldest.position > upto + 1);
    let place = newest.iter().find(|it| Some(it.id) == answered);
    let place = place.map_or(u32::MAX, |it| it.position);
    let known = |it: &Message| match it.author {
        Author::Agent(_) | Author::System => Some(it.id) != answered,
        Author::User(_) => it.position < place,
    };
    newest.retain(|it| it.position > upto && known(it));
    newest.reverse();
    Ok(Before {
        branch,
        summary,
        messages: opened(content, &mut tx, newest).await?,
        more,
        answers: place,
    })
}

/// The summary that covers most of a branch, unless it was erased.
async fn summary_of(
    content: &Content,
    tx: &mut ReadTx,
    along: (SessionId, u32),
) -> Result<Option<(Summary, String)>, ChatError> {
    let Some(summary) = store::summary_along(tx, along).await? else {
        return Ok(None);
    };
    let text = text_of(content, tx, &summary).await?;
    Ok(text.map(|text| (summary, text)))
}

/// Messages with their texts; one that was erased has none.
pub(super) async fn opened(
    content: &Content,
    tx: &mut ReadTx,
    messages: Vec<Message>,
) -> Result<Vec<(Message, Option<String>)>, ChatError> {
    let mut opened = Vec::with_capacity(messages.len());
    for message in messages {
        let text = match content.open_in(tx, message.content).await {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(ContentError::Erased) => None,
            Err(error) => return Err(error.into()),
        };
        opened.push((message, text));
    }
    Ok(opened)
}
