//! What people do with sessions. Mutations take the caller's write transaction and record their
//! events in it; the caller commits.

mod addressing;
mod archiving;
mod attaching;
mod branching;
pub(crate) mod citations;
mod exporting;
mod keeping;
mod members;
mod posting;
mod reactions;
mod reading;
mod reads;
mod searching;
mod sessions;
mod steering;
mod summaries;
mod sweeping;

use std::sync::Arc;

use db::{Authority, OrgContext, StoreError, WriteTx};
use futures::future::BoxFuture;
use runs::Runs;
use vault::{Artifacts, Content};
use vocab::{Role, SessionId, UserId};

use crate::ChatError;
use crate::live::Live;
use crate::placement::Placements;

pub(crate) use addressing::{agents_named, told};
pub use archiving::Because;
pub use attaching::attached;
pub use branching::{Again, Regenerating};
pub(crate) use exporting::{Export, ExportedMessage, Messages, Step};
pub use posting::Posted;
pub(crate) use posting::{MEDIA, check_input, posted as posted_event, turn_in};
pub use reading::{Before, Reading, Shown, Which, before_turn};
pub(crate) use searching::index;
pub use searching::{Found, Hit};
pub use steering::STEER;
pub(crate) use steering::Steering;
pub(crate) use summaries::end_summary;
pub use summaries::{Told, begin_summary, messages_along, summarised};
pub use sweeping::SweptSessions;

/// Knows who belongs to an organisation. The server implements it.
pub trait People: Send + Sync {
    /// Whether this person is a member of the caller's organisation.
    fn is_member<'a>(
        &'a self,
        ctx: &'a OrgContext,
        user: UserId,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The names of those of these people who are members of the caller's organisation.
    fn names<'a>(
        &'a self,
        ctx: &'a OrgContext,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<(UserId, String)>, StoreError>>;
}

/// What chat is made of.
pub struct Parts {
    /// Writes what belongs in nobody's record, such as how far somebody has read.
    pub authority: Authority,
    /// The runs that messages start.
    pub runs: Runs,
    /// Where texts live.
    pub content: Content,
    /// What runs and people keep in sessions.
    pub artifacts: Artifacts,
    /// Who belongs to an organisation.
    pub people: Arc<dyn People>,
    /// What happens at this moment and is not kept.
    pub live: Live,
    /// Which process controls which session; nothing in an installation of one process.
    pub placements: Option<Placements>,
}

/// Sessions of every organisation. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    authority: Authority,
    runs: Runs,
    content: Content,
    artifacts: Artifacts,
    people: Arc<dyn People>,
    live: Live,
    placements: Option<Placements>,
}

impl Chat {
    /// Chat made of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            authority,
            runs,
            content,
            artifacts,
            people,
            live,
            placements,
        } = parts;
        Self {
            authority,
            runs,
            content,
            artifacts,
            people,
            live,
            placements,
        }
    }

    /// Makes sure that this process is the session's controller until the transaction is over.
    async fn control(&self, tx: &mut WriteTx, id: SessionId) -> Result<(), ChatError> {
        match &self.placements {
            Some(placements) => placements.fence(tx, id).await,
            None => Ok(()),
        }
    }

    /// What happens at this moment and is not kept.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The runs that messages start.
    #[must_use]
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

fn member(ctx: &OrgContext) -> Result<(), ChatError> {
    if ctx.role() < Role::Member {
        return Err(ChatError::RoleTooLow(Role::Member));
    }
    Ok(())
}
