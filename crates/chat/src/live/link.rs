//! Following a session's controller at another process.
//!
//! A room that somebody uses in this process has a task which finds out who the controller is. If it
//! is another process, a link goes there: up go who is there and what is written here, down comes how
//! things stand and each change. When the link ends, or this process loses the chat, it looks again;
//! each link begins with how things stand at both ends, so nothing has to be kept for one that broke.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use vocab::{OrgId, SessionId};

use super::Live;
use super::change::Change;
use super::room::{Source, Told};
use crate::placement::{Place, Placements};

/// How many changes wait on a link before it counts as broken.
pub const LINK_BACKLOG: usize = 1_024;
/// How soon the controller is looked for again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long a link has to last for the next one to be tried at once.
const LASTING: Duration = Duration::from_secs(5);

/// Reaches the other processes of the installation. The server implements it.
pub trait Peers: Send + Sync {
    /// Opens a link to a session's controller at this address, which [attends](Live::attend) it.
    fn link<'a>(
        &'a self,
        address: &'a str,
        org: OrgId,
        session: SessionId,
    ) -> BoxFuture<'a, io::Result<Link>>;
}

/// One end of a link: the follower's.
pub struct Link {
    /// What goes on here, for the controller.
    pub up: mpsc::Sender<Change>,
    /// What the controller tells. It ends with the link.
    pub down: mpsc::Receiver<Change>,
}

/// Keeps a room in touch with its session's controller until the room is gone.
pub(super) async fn keep(
    live: Live,
    (org, session): (OrgId, SessionId),
    number: u64,
    mut gone: oneshot::Receiver<()>,
) {
    let Some((placements, _)) = live.elsewhere() else {
        return;
    };
    let mut wait = AGAIN.0;
    loop {
        let begun = Instant::now();
        let once = look_and_follow(&live, (org, session), number);
        tokio::select! {
            _ = &mut gone => return,
            () = once => {}
        }
        placements.forget(session);
        if begun.elapsed() > LASTING {
            wait = AGAIN.0;
        }
        tokio::select! {
            _ = &mut gone => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(AGAIN.1);
    }
}

async fn look_and_follow(live: &Live, (org, session): (OrgId, SessionId), number: u64) {
    let Some((placements, peers)) = live.elsewhere() else {
        return;
    };
    match placements.place(org, session).await {
        Ok(place @ Place::Here { .. }) => {
            live.in_seat(session, number, |room| room.lead());
            stay(placements, session, &place).await;
        }
        Ok(Place::There { address }) => match peers.link(&address, org, session).await {
            Ok(link) => follow(live, session, number, link).await,
            Err(error) => {
                tracing::debug!(%error, %session, "a chat's controller can't be reached");
            }
        },
        Ok(Place::Nowhere) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the controller of a chat can't be looked up");
        }
    }
}

/// Waits until this process is not the controller any more; as long as it is needed, it stays.
async fn stay(placements: &Placements, session: SessionId, place: &Place) {
    let mut touch = tokio::time::interval(Duration::from_secs(60));
    let mut lost = std::pin::pin!(placements.lost(session, place));
    loop {
        tokio::select! {
            () = &mut lost => return,
            _ = touch.tick() => placements.touch(session),
        }
    }
}

async fn follow(live: &Live, session: SessionId, number: u64, link: Link) {
    let Link { up, mut down } = link;
    if live
        .in_seat(session, number, |room| room.follow(up))
        .is_none()
    {
        return;
    }
    let _linked = Linked::new();
    while let Some(change) = down.recv().await {
        if live.in_seat(session, number, |room| room.told(change)) != Some(true) {
            return;
        }
    }
}

/// Counts open links.
struct Linked;

impl Linked {
    fn new() -> Self {
        metrics::gauge!("chancery_chat_links").increment(1.0);
        Self
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        metrics::gauge!("chancery_chat_links").decrement(1.0);
    }
}

impl Live {
    /// Lets another process follow a session, as long as this one is its controller and neither end
    /// closes: takes in what goes on there, and tells it how things stand and each change.
    pub async fn attend(
        &self,
        (org, session): (OrgId, SessionId),
        mut up: mpsc::Receiver<Change>,
        down: mpsc::Sender<Change>,
    ) {
        let Some((placements, _)) = self.elsewhere() else {
            return;
        };
        let Ok(place @ Place::Here { .. }) = placements.place(org, session).await else {
            return;
        };
        let mut lost = std::pin::pin!(placements.lost(session, &place));
        let source = Source(self.next_number());
        let attending = Attending {
            live: self,
            session,
            source,
        };
        let (mut changes, mut standing) = attending.begin();
        loop {
            for change in standing.drain(..) {
                if down.send(change).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = &mut lost => return,
                change = up.recv() => match change {
                    Some(change) => self.within(session, |room| room.add(source, change)),
                    None => return,
                },
                told = changes.recv() => match told {
                    Ok(told) => standing.push(told.change.clone()),
                    Err(RecvError::Lagged(_)) => (changes, standing) = attending.begin(),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

/// What another process has added to a room goes with its link.
struct Attending<'a> {
    live: &'a Live,
    session: SessionId,
    source: Source,
}

impl Attending<'_> {
    /// How things stand, and from there each change.
    fn begin(&self) -> (broadcast::Receiver<Arc<Told>>, Vec<Change>) {
        self.live.within(self.session, |room| {
            let mut standing = vec![Change::Anew];
            standing.extend(room.standing());
            (room.subscribe(), standing)
        })
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        self.live
            .within(self.session, |room| room.remove(self.source));
    }
}
