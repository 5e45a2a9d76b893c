//! Finding messages by their words, though their texts are sealed.

use db::{OrgContext, WriteTx};
use vault::{Content, Subject};
use vocab::{MessageId, SessionId, limits};

use super::{Chat, Shown};
use crate::ChatError;
use crate::model::{Message, Search, words};
use crate::store;

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The message as it is shown.
    pub shown: Shown,
    /// The part of its text around what was searched for.
    pub excerpt: String,
}

/// One page of what was found, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The messages.
    pub hits: Vec<Hit>,
    /// What the next page is asked for with, if there may be one.
    pub next: Option<MessageId>,
    /// How many sessions were looked through.
    pub sessions: u32,
    /// How many there are beside those.
    pub left_out: u32,
}

/// Puts the words of a message beside it, in the transaction that posts it.
pub(crate) async fn index(
    content: &Content,
    tx: &mut WriteTx,
    message: &Message,
    text: &str,
) -> Result<(), ChatError> {
    let words = words(text);
    let blind = content.blind(tx, message.session, &words).await?;
    store::insert_words(tx, message.session, (message.id, &blind)).await?;
    Ok(())
}

impl Chat {
    /// Messages that have every word of a question, and every phrase in double quotes as it is. Those
    /// of one session, or of the sessions that were active last.
    ///
    /// # Errors
    /// There is no such session; the question has no word, or too many.
    pub async fn search(
        &self,
        ctx: &OrgContext,
        (question, session): (&str, Option<SessionId>),
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Found, ChatError> {
        let search = Search::parse(question)?;
        let mut tx = ctx.read().await?;
        let (sessions, all) = match session {
            Some(id) => {
                self.there_in(&mut tx, id).await?;
                (vec![id], 1)
            }
            None => {
                let most = limits::SEARCH_SESSIONS_MAX;
                let all = store::count_sessions(&mut tx).await?;
                (store::active_sessions(&mut tx, most).await?, all)
            }
        };
        let subjects: Vec<Subject> = sessions.iter().copied().map(Subject::from).collect();
        let asked = self
            .content
            .blind_each(&mut tx, &subjects, &search.words)
            .await?;
        let ids = store::find(&mut tx, &asked, (before, limit)).await?;
        let full = u32::try_from(ids.len()).unwrap_or(u32::MAX) >= limit;
        let next = ids.last().copied().filter(|_| full);
        let looked = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        let mut hits = Vec::with_capacity(ids.len());
        for id in ids {
            let message = self.message_in(&mut tx, id).await?;
            for shown in self.shown(ctx, &mut tx, vec![message]).await? {
                hits.extend(hit(&search, shown));
            }
        }
        Ok(Found {
            hits,
            next,
            sessions: looked,
            left_out: all.saturating_sub(looked),
        })
    }
}

/// A message that fits; one that was erased meanwhile does not.
fn hit(search: &Search, shown: Shown) -> Option<Hit> {
    let text = shown.text.as_deref().filter(|text| search.fits(text))?;
    let excerpt = search.excerpt(text);
    Some(Hit { shown, excerpt })
}
