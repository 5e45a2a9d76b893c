//! What happens in a session at this moment and is not kept: text as it is written, who is typing,
//! who is there, how far somebody has read.
//!
//! Whoever listens gets first how things stand (the text of each run so far, who is there) and then
//! each change; both in one step, so nothing is missed or told twice in between. A listener that is
//! too slow for the changes is told again how things stand and goes on, so nothing queues up and
//! nobody is disconnected for it. All of it is gone with the processes; what counts becomes a message,
//! and that is durable.
//!
//! With several processes the session's controller puts together what goes on in all of them, and
//! tells them ([`link`]).

mod change;
mod link;
mod room;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::oneshot;
use vocab::{AgentId, OrgId, RunId, SessionId, Timestamp, UserId};

pub use change::{Change, Delta};
pub use link::{LINK_BACKLOG, Link, Peers};
use room::{Room, Seat, Source, Told};

use crate::placement::Placements;

/// The live side of the sessions, as one process sees it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Live(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rooms: Mutex<HashMap<SessionId, Room>>,
    /// Where else sessions may be controlled; nothing in an installation of one process.
    elsewhere: Option<(Placements, Arc<dyn Peers>)>,
    /// The last number that was given to a seat or to a source.
    number: AtomicU64,
}

impl Live {
    /// The live side of the only process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The live side of one process of several.
    #[must_use]
    pub fn among(placements: Placements, peers: Arc<dyn Peers>) -> Self {
        Self(Arc::new(Inner {
            elsewhere: Some((placements, peers)),
            ..Inner::default()
        }))
    }

    fn elsewhere(&self) -> Option<(&Placements, &dyn Peers)> {
        let (placements, peers) = self.0.elsewhere.as_ref()?;
        Some((placements, &**peers))
    }

    fn next_number(&self) -> u64 {
        self.0.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<SessionId, Room>> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the room of a session, and clears the room away if it is empty then.
    fn within<T>(&self, session: SessionId, what: impl FnOnce(&mut Room) -> T) -> T {
        let mut rooms = self.rooms();
        let room = rooms.entry(session).or_default();
        let done = what(room);
        if room.is_empty() {
            rooms.remove(&session);
        }
        done
    }

    /// Does something in the room of a session if there is one.
    fn if_heard(&self, session: SessionId, what: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms().get_mut(&session) {
            what(room);
        }
    }

    /// Does something in the room that this seat belongs to, if it is still there.
    fn in_seat<T>(
        &self,
        session: SessionId,
        number: u64,
        what: impl FnOnce(&mut Room) -> T,
    ) -> Option<T> {
        let mut rooms = self.rooms();
        let room = rooms.get_mut(&session)?;
        let seated = room.seat.as_ref().is_some_and(|it| it.number == number);
        seated.then(|| what(room))
    }

    /// Sees to it that a room which this process uses is in touch with the session's controller.
    fn seat(&self, org: OrgId, session: SessionId) {
        if self.0.elsewhere.is_none() {
            return;
        }
        let mut rooms = self.rooms();
        let Some(room) = rooms.get_mut(&session).filter(|it| it.seat.is_none()) else {
            return;
        };
        let (number, (here, gone)) = (self.next_number(), oneshot::channel());
        room.seat = Some(Seat {
            number,
            _room: here,
        });
        // Owned by the room: it ends when that is dropped.
        tokio::spawn(link::keep(self.clone(), (org, session), number, gone));
    }

    /// Listens to a session of this organisation as this person, who is there until the answer is
    /// dropped.
    #[must_use]
    pub fn listen(&self, (org, session): (OrgId, SessionId), user: Option<UserId>) -> Listener {
        let listener = self.within(session, |room| {
            if let Some(user) = user {
                room.add(Source::HERE, presence(user, true));
            }
            let changes = room.subscribe();
            Listener {
                live: self.clone(),
                session,
                user,
                changes,
                ready: standing(room),
            }
        });
        self.seat(org, session);
        listener
    }

    /// Begins a text that an agent writes in a run; it ends when the answer is dropped.
    #[must_use]
    pub fn write(&self, (org, session): (OrgId, SessionId), run: RunId, agent: AgentId) -> Writing {
        let writing = Writing {
            live: self.clone(),
            session,
            run,
            agent,
        };
        self.within(session, |room| {
            room.add(Source::HERE, writing.text("", true));
        });
        self.seat(org, session);
        writing
    }

    /// Tells that somebody is typing now.
    pub fn typing(&self, session: SessionId, user: UserId, now: Timestamp) {
        self.if_heard(session, |room| room.typing(user, now));
    }

    /// Tells how far somebody has read.
    pub fn read(&self, session: SessionId, user: UserId, position: u32) {
        let user_id = user;
        self.if_heard(session, |room| {
            room.tell(Change::Read { user_id, position });
        });
    }

    /// How many sessions somebody listens to or writes in.
    #[must_use]
    pub fn rooms_open(&self) -> usize {
        self.rooms().len()
    }
}

fn presence(user: UserId, there: bool) -> Change {
    let (present, gone) = match there {
        true => (vec![user], vec![]),
        false => (vec![], vec![user]),
    };
    Change::Presence {
        present,
        gone,
        reset: false,
    }
}

/// How things stand, as frames of a stream.
fn standing(room: &Room) -> VecDeque<Delta> {
    room.standing().iter().filter_map(Change::delta).collect()
}

/// A text that is being written. Dropping it ends the text: what stays of it is the message.
pub struct Writing {
    live: Live,
    session: SessionId,
    run: RunId,
    agent: AgentId,
}

impl Writing {
    fn text(&self, text: &str, reset: bool) -> Change {
        Change::Text {
            run_id: self.run,
            agent_id: self.agent,
            text: text.to_owned(),
            reset,
        }
    }

    /// Goes on with the text. What is beyond the length of a message is not told.
    pub fn push(&mut self, piece: &str) {
        let change = self.text(piece, false);
        self.live
            .if_heard(self.session, |room| room.add(Source::HERE, change));
    }

    /// Begins the text anew, as after an attempt that failed in its middle.
    pub fn reset(&mut self) {
        let change = self.text("", true);
        self.live
            .if_heard(self.session, |room| room.add(Source::HERE, change));
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let run_id = self.run;
        self.live.within(self.session, |room| {
            room.add(Source::HERE, Change::Ended { run_id });
        });
    }
}

/// One who listens to a session.
pub struct Listener {
    live: Live,
    session: SessionId,
    user: Option<UserId>,
    changes: broadcast::Receiver<Arc<Told>>,
    ready: VecDeque<Delta>,
}

impl Listener {
    /// The next change. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Delta {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return delta;
            }
            match self.changes.recv().await {
                Ok(told) => self.ready.extend(told.delta.clone()),
                // As long as this listens, the room is there.
                Err(RecvError::Closed) => std::future::pending().await,
                Err(RecvError::Lagged(_)) => self.begin_anew(),
            }
        }
    }

    fn begin_anew(&mut self) {
        let (changes, ready) = (&mut self.changes, &mut self.ready);
        self.live.if_heard(self.session, |room| {
            *changes = room.subscribe();
            *ready = standing(room);
        });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Before the room is looked at: this one does not listen any more.
        let nobody = broadcast::channel(1).1;
        drop(std::mem::replace(&mut self.changes, nobody));
        self.live.within(self.session, |room| {
            if let Some(user) = self.user {
                room.add(Source::HERE, presence(user, false));
            }
        });
    }
}

#[cfg(test)]
mod tests;
