//! Chat: sessions, in which people and agents share messages, a workspace and runs.
//!
//! The life of a message: a person posts it; the message and the runs that answer it are committed
//! together ([`Chat::post`]); runs of one session go one after the other; and the agent's message is
//! committed together with the end of its run ([`Answers`]). What a client watches in between are
//! the session's events of the record.
//!
//! Whom a message mentions answers it. An answer that mentions another agent is answered by it, a
//! bounded number of times until a person speaks again. A message may also steer the turn that is
//! under way ([`Chat::steer`]).
//!
//! The life of a session: active → idle → archived, by sweeps or because somebody asked, and back with
//! its next message. An archive is one sealed object that holds everything that the messages consist
//! of (`archive.rs`); the record stays where it is. A session whose runs are not over is not archived,
//! and one with a legal hold is not deleted.
//!
//! Everybody of an organisation sees its sessions, as they see its runs and its record; whoever is
//! at least a member of it may post and change them. The members of a session are who takes part in
//! it: a list for people, which gives no right and takes none.
//!
//! Invariants
//! - A message without its run, or an answer without the end of its run, does not exist.
//! - `position` counts the messages of a session from 1 without gaps, whatever the clock says.
//! - The text of a message is a sealed content of its session; events carry its digest.
//! - A message is found by digests of its words under a key of its session, which is its only index.
//! - With several processes, people's messages are written by the session's controller alone
//!   ([`placement`]), and an agent's by whoever holds its run.
//! - What is live ([`live`]) is never all there is: whoever missed it finds what counts in a message.
//!
//! What no longer fits into an agent's context is summarised ([`begin_summary`]). A summary holds for the
//! path up to its last message, so a branch that leaves that path has nothing of it.
//!
//! Deliberately absent: private sessions (runs and the record would have to hide as much).

mod answers;
mod archive;
mod error;
pub mod http;
pub mod live;
mod model;
pub mod placement;
mod service;
mod store;

pub use answers::Answers;
pub use archive::ArchiveError;
pub use error::ChatError;
pub use live::Live;
pub use model::{
    Addressed, ArchiveInfo, Author, ChatSettings, Hold, Member, Mentions, Message, NewMessage,
    NewSession, OnBusy, Reaction, ReadMark, RetentionAction, RetentionRule, Session, SessionChange,
    SessionStatus, Spent, Summary, SummaryState,
};
pub use placement::Placements;
pub use service::{
    Again, Because, Before, Chat, Found, Hit, Parts, People, Posted, Reading, Regenerating, STEER,
    Shown, SweptSessions, Told, Which, attached, before_turn, begin_summary, messages_along,
    summarised,
};
