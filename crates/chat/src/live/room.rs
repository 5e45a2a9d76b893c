//! A room: a session that somebody listens to, or in which something is being written.
//!
//! What is going on there comes from several sources: the listeners and writers of this process, and
//! those of every other process that [attends](super::Live::attend). The controller of the session
//! puts them together. In the room of a process that follows the controller, its own source is told
//! upwards, and how things stand is what comes back.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use vocab::{AgentId, RunId, Timestamp, UserId, limits};

use super::change::{Change, Delta};

/// How many changes wait for the slowest listener of a session before it is told anew.
pub(super) const BACKLOG: usize = 128;
/// How often it is passed on that somebody is typing.
const TYPING_EVERY: Duration = Duration::from_secs(1);

/// Where something that goes on comes from: a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source(pub u64);

impl Source {
    /// This process.
    pub const HERE: Self = Self(0);
}

/// A change, told to everybody in a room.
#[derive(Debug)]
pub(super) struct Told {
    pub change: Change,
    /// As a frame, if streams are told of it: written once for all of them.
    pub delta: Option<Delta>,
}

/// A text that is being written.
#[derive(Debug, Clone)]
struct Text {
    agent: AgentId,
    so_far: String,
}

impl Text {
    fn standing(&self, run: RunId) -> Change {
        Change::Text {
            run_id: run,
            agent_id: self.agent,
            text: self.so_far.clone(),
            reset: true,
        }
    }
}

/// What goes on by one source, or in all.
#[derive(Debug, Default)]
struct Part {
    /// Who listens, and how often.
    present: BTreeMap<UserId, usize>,
    texts: BTreeMap<RunId, Text>,
}

impl Part {
    fn is_empty(&self) -> bool {
        self.present.is_empty() && self.texts.is_empty()
    }

    /// Takes a change in. What is beyond the length of a message is cut off the change.
    fn apply(&mut self, change: &mut Change) {
        match change {
            Change::Anew => *self = Self::default(),
            Change::Text {
                run_id,
                agent_id,
                text,
                reset,
            } => {
                let it = self.texts.entry(*run_id).or_insert_with(|| Text {
                    agent: *agent_id,
                    so_far: String::new(),
                });
                if *reset {
                    it.so_far.clear();
                }
                let left = limits::CONTENT_INLINE_BYTES_MAX - it.so_far.len();
                text.truncate(text.floor_char_boundary(left));
                it.so_far.push_str(text);
            }
            Change::Ended { run_id } => {
                self.texts.remove(run_id);
            }
            Change::Presence {
                present,
                gone,
                reset,
            } => {
                if *reset {
                    self.present.clear();
                }
                for user in present {
                    *self.present.entry(*user).or_insert(0) += 1;
                }
                for user in gone {
                    self.leave(*user);
                }
            }
            Change::Typing { .. } | Change::Read { .. } => {}
        }
    }

    fn leave(&mut self, user: UserId) {
        if let Some(times) = self.present.get_mut(&user) {
            *times -= 1;
            if *times == 0 {
                self.present.remove(&user);
            }
        }
    }
}

/// A task that keeps the room in touch with the session's controller, wherever that is.
pub(super) struct Seat {
    pub number: u64,
    /// Dropped with the room, which ends the task.
    pub _room: oneshot::Sender<()>,
}

/// The controller is another process.
struct Following {
    /// To the controller. Closed if it was too slow, which ends the link.
    up: mpsc::Sender<Change>,
    /// How things stand, as the controller tells.
    view: Part,
}

pub(super) struct Room {
    changes: broadcast::Sender<Arc<Told>>,
    parts: BTreeMap<Source, Part>,
    following: Option<Following>,
    /// When it was last passed on that somebody is typing.
    typing: HashMap<UserId, Timestamp>,
    pub seat: Option<Seat>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            changes: broadcast::channel(BACKLOG).0,
            parts: BTreeMap::new(),
            following: None,
            typing: HashMap::new(),
            seat: None,
        }
    }
}

impl Room {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.receiver_count() == 0 && self.parts.values().all(Part::is_empty)
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Told>> {
        self.changes.subscribe()
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, change: Change) {
        let delta = change.delta();
        // It fails only if nobody does.
        let _ = self.changes.send(Arc::new(Told { change, delta }));
    }

    /// How things stand: who is there, and every text so far.
    pub(super) fn standing(&self) -> Vec<Change> {
        let parts: Vec<&Part> = match &self.following {
            Some(following) => vec![&following.view],
            None => self.parts.values().collect(),
        };
        let mut present: Vec<UserId> = parts
            .iter()
            .flat_map(|part| part.present.keys().copied())
            .collect();
        present.sort_unstable();
        present.dedup();
        let present = Change::Presence {
            present,
            gone: Vec::new(),
            reset: true,
        };
        let texts = parts.iter().flat_map(|part| &part.texts);
        let texts = texts.map(|(run, text)| text.standing(*run));
        std::iter::once(present).chain(texts).collect()
    }

    /// Whether somebody is there, as far as it is for this process to tell.
    fn is_there(&self, user: UserId) -> bool {
        match &self.following {
            Some(_) => {
                let here = self.parts.get(&Source::HERE);
                here.is_some_and(|part| part.present.contains_key(&user))
            }
            None => {
                let mut parts = self.parts.values();
                parts.any(|part| part.present.contains_key(&user))
            }
        }
    }

    /// Takes in what a source adds, and tells whoever has to hear of it.
    pub(super) fn add(&mut self, source: Source, mut change: Change) {
        if let Change::Presence { present, .. } = &mut change {
            let mut new = present.clone();
            new.retain(|user| !self.is_there(*user));
            self.parts.entry(source).or_default().apply(&mut change);
            if let Change::Presence {
                present,
                gone,
                reset,
            } = &mut change
            {
                *present = new;
                gone.retain(|user| !self.is_there(*user));
                // It was one source that began anew, and with nothing.
                *reset = false;
            }
        } else {
            self.parts.entry(source).or_default().apply(&mut change);
        }
        self.parts.retain(|_, part| !part.is_empty());
        if !changes_anything(&change) {
            return;
        }
        match &self.following {
            Some(following) => {
                if source == Source::HERE && following.up.try_send(change).is_err() {
                    // Too slow, or gone: the next link begins with how things stand.
                    self.following = None;
                }
            }
            None => self.tell(change),
        }
    }

    /// Takes out everything that a source has added.
    pub(super) fn remove(&mut self, source: Source) {
        let Some(part) = self.parts.remove(&source) else {
            return;
        };
        let mut gone: Vec<UserId> = part.present.into_keys().collect();
        gone.retain(|user| !self.is_there(*user));
        if self.following.is_some() {
            return;
        }
        for run_id in part.texts.into_keys() {
            self.tell(Change::Ended { run_id });
        }
        if !gone.is_empty() {
            self.tell(Change::Presence {
                present: Vec::new(),
                gone,
                reset: false,
            });
        }
    }

    /// From now on another process is the controller: it is told what goes on here.
    pub(super) fn follow(&mut self, up: mpsc::Sender<Change>) {
        if let Some(here) = self.parts.get(&Source::HERE) {
            // Each process counts its own listeners.
            let first = Change::Presence {
                present: here.present.keys().copied().collect(),
                gone: Vec::new(),
                reset: true,
            };
            let texts = here.texts.iter().map(|(run, text)| text.standing(*run));
            for change in std::iter::once(first).chain(texts) {
                if up.try_send(change).is_err() {
                    return;
                }
            }
        }
        let view = Part::default();
        self.following = Some(Following { up, view });
    }

    /// Takes in what the controller tells. False if it is not followed any more.
    pub(super) fn told(&mut self, mut change: Change) -> bool {
        let Some(following) = &mut self.following else {
            return false;
        };
        following.view.apply(&mut change);
        self.tell(change);
        true
    }

    /// From now on this process is the controller, or nobody is.
    pub(super) fn lead(&mut self) {
        if self.following.take().is_some() {
            for change in self.standing() {
                self.tell(change);
            }
        }
    }

    pub(super) fn typing(&mut self, user: UserId, now: Timestamp) {
        self.typing
            .retain(|_, told| now.since(*told) < TYPING_EVERY);
        if let Entry::Vacant(entry) = self.typing.entry(user) {
            entry.insert(now);
            self.tell(Change::Typing { user_id: user });
        }
    }
}

/// Nothing is told of a piece that was cut away, or of people who were there anyway.
fn changes_anything(change: &Change) -> bool {
    match change {
        Change::Text { text, reset, .. } => *reset || !text.is_empty(),
        Change::Presence {
            present,
            gone,
            reset,
        } => *reset || !present.is_empty() || !gone.is_empty(),
        Change::Anew | Change::Ended { .. } | Change::Typing { .. } | Change::Read { .. } => true,
    }
}
