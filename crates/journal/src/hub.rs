//! Live streams of sealed events.
//!
//! The sequencer publishes each batch after its commit; a subscription first reads the database up
//! to the present and then listens. Nothing grows without bound: what a subscription misses while
//! it is slow, it reads from the database, and if that is more than
//! [`vocab::limits::SSE_BACKLOG_MAX`] events it is ended with [`StreamEnd::SlowReader`]. It can be
//! resumed from the last seq that it delivered.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db::OrgContext;
use tokio::sync::broadcast::{self, error::RecvError};
use vocab::OrgId;
use vocab::limits::SSE_BACKLOG_MAX;

use crate::error::JournalError;
use crate::reader;
use crate::sealed::{Filter, SealedEvent};

/// How many messages wait for the slowest listener of an organisation.
const MESSAGES: usize = 64;
/// How many events one message holds at most.
const EVENTS_PER_MESSAGE: usize = 64;
/// How many events a subscription reads from the database at once.
const PAGE: u32 = 200;

/// Where sealed events are told, in one process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<HashMap<OrgId, broadcast::Sender<Message>>>>);

/// Events `first` to `last` were sealed.
#[derive(Debug, Clone)]
struct Message {
    first: u64,
    last: u64,
    /// `None` if they have to be read from the database.
    events: Option<Arc<[Arc<SealedEvent>]>>,
}

impl Hub {
    /// A hub that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<OrgId, broadcast::Sender<Message>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody listens to this organisation's events.
    #[must_use]
    pub fn is_heard(&self, org: OrgId) -> bool {
        self.channels()
            .get(&org)
            .is_some_and(|channel| channel.receiver_count() > 0)
    }

    pub(crate) fn is_heard_at_all(&self) -> bool {
        let mut channels = self.channels();
        channels.retain(|_, channel| channel.receiver_count() > 0);
        !channels.is_empty()
    }

    pub(crate) fn publish(
        &self,
        org: OrgId,
        first: u64,
        last: u64,
        events: Option<Vec<SealedEvent>>,
    ) {
        let mut channels = self.channels();
        let Some(channel) = channels.get(&org) else {
            return;
        };
        if channel.receiver_count() == 0 {
            channels.remove(&org);
            return;
        }
        // Sending fails only if nobody listens any more.
        let Some(events) = events else {
            let _ = channel.send(Message {
                first,
                last,
                events: None,
            });
            return;
        };
        let events: Vec<Arc<SealedEvent>> = events.into_iter().map(Arc::new).collect();
        for some in events.chunks(EVENTS_PER_MESSAGE) {
            let (Some(first), Some(last)) = (some.first(), some.last()) else {
                continue;
            };
            let (first, last) = (first.seq, last.seq);
            let _ = channel.send(Message {
                first,
                last,
                events: Some(some.into()),
            });
        }
    }

    fn listen(&self, org: OrgId) -> broadcast::Receiver<Message> {
        let mut channels = self.channels();
        channels
            .entry(org)
            .or_insert_with(|| broadcast::channel(MESSAGES).0)
            .subscribe()
    }

    /// The events of the caller's organisation after `after_seq` that fit the filter: first those
    /// that are sealed already, then each as it is sealed.
    #[must_use]
    pub fn subscribe(&self, ctx: &OrgContext, after_seq: u64, filter: Filter) -> Subscription {
        Subscription {
            live: self.listen(ctx.org()),
            ctx: ctx.clone(),
            filter,
            seen: after_seq,
            ready: VecDeque::new(),
            catching_up: Some(usize::MAX),
        }
    }

    /// The same without those that are sealed already.
    ///
    /// # Errors
    /// The database.
    pub async fn subscribe_from_now(
        &self,
        ctx: &OrgContext,
        filter: Filter,
    ) -> Result<Subscription, JournalError> {
        let subscription = self.subscribe(ctx, 0, filter);
        let seen = reader::size(ctx).await?;
        Ok(Subscription {
            seen,
            ..subscription
        })
    }
}

/// One listener's place in the record.
pub struct Subscription {
    live: broadcast::Receiver<Message>,
    ctx: OrgContext,
    filter: Filter,
    /// Every event up to here was delivered, is ready, or does not fit the filter.
    seen: u64,
    ready: VecDeque<Arc<SealedEvent>>,
    /// How many events may still be read from the database before the listener is too slow; `None`
    /// while it is up to date.
    catching_up: Option<usize>,
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamEnd {
    /// The listener was too slow; it may resume after the last event that it got.
    #[error("the reader is too slow; resume after the last event that it has")]
    SlowReader,
    /// The database.
    #[error("the record can't be read")]
    Journal(#[from] JournalError),
    /// The process ends.
    #[error("the stream is closed")]
    Closed,
}

impl Subscription {
    /// The next event. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StreamEnd`]; after it there is nothing more.
    pub async fn next(&mut self) -> Result<Arc<SealedEvent>, StreamEnd> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.catching_up {
                Some(budget) => self.catch_up(budget).await?,
                None => self.listen().await?,
            }
        }
    }

    /// The next event of those that are sealed already, or nothing once there are no more: from then
    /// on [`next`](Self::next) waits for those to come. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_sealed(&mut self) -> Result<Option<Arc<SealedEvent>>, StreamEnd> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            match self.catching_up {
                Some(budget) => self.catch_up(budget).await?,
                None => return Ok(None),
            }
        }
    }

    async fn catch_up(&mut self, budget: usize) -> Result<(), StreamEnd> {
        let page = reader::events(&self.ctx, &self.filter, self.seen, PAGE).await?;
        let budget = match budget {
            usize::MAX => usize::MAX,
            bounded => bounded
                .checked_sub(page.events.len())
                .ok_or(StreamEnd::SlowReader)?,
        };
        self.seen = self.seen.max(page.next);
        self.ready.extend(page.events.into_iter().map(Arc::new));
        self.catching_up = page.more.then_some(budget);
        Ok(())
    }

    async fn listen(&mut self) -> Result<(), StreamEnd> {
        let message = match self.live.recv().await {
            Ok(message) => message,
            Err(RecvError::Lagged(_)) => {
                self.catching_up = Some(SSE_BACKLOG_MAX);
                return Ok(());
            }
            Err(RecvError::Closed) => return Err(StreamEnd::Closed),
        };
        if message.last <= self.seen {
            return Ok(());
        }
        match message.events {
            Some(events) if message.first <= self.seen + 1 => {
                let new = events.iter().filter(|event| event.seq > self.seen);
                self.ready
                    .extend(new.filter(|event| self.filter.matches(event)).cloned());
                self.seen = message.last;
            }
            Some(_) | None => self.catching_up = Some(SSE_BACKLOG_MAX),
        }
        Ok(())
    }
}
