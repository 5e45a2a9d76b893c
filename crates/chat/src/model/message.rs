//! A message.

use runs::{Account, HasRead};
use serde::Deserialize;
use vocab::{AgentId, ArtifactId, Digest, MessageId, RunId, SessionId, Timestamp, UserId};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The session it is in.
    pub session: SessionId,
    /// Its place among the session's messages, from 1.
    pub position: u32,
    /// Its branch.
    pub branch: u32,
    /// The message before it on its branch.
    pub parent: Option<MessageId>,
    /// How many messages follow that one, on one branch or another; itself among them.
    pub siblings: u32,
    /// Who wrote it.
    pub author: Author,
    /// The run that answers it (the first, if several do), that it steers, or that it is the answer
    /// of.
    pub run: Option<RunId>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Mentions,
    /// The artifacts that go with it: what a person attached, or what its run saved.
    pub attachments: Vec<ArtifactId>,
    /// What the run whose answer it is took of models and read, if there is anything to say.
    pub account: Option<Account>,
    /// The digest of what its text cites, as JSON, if it cites anything.
    pub citations: Option<Digest>,
    /// The digest of its text.
    pub content: Digest,
    /// The size of its text, in bytes.
    pub size_bytes: u64,
    /// Whether it says why a run failed.
    pub failed: bool,
    /// What whoever wrote it had read: nothing if that is a person.
    pub has_read: HasRead,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// Whom a message mentions, in the order in which it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Agents of the session.
    pub agents: Vec<AgentId>,
    /// Members of the session.
    pub people: Vec<UserId>,
}

impl Mentions {
    /// Whether it mentions nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty() && self.people.is_empty()
    }

    /// Their ids, agents first: how they are stored and shown.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let agents = self.agents.iter().map(AgentId::to_string);
        agents
            .chain(self.people.iter().map(UserId::to_string))
            .collect()
    }

    /// Reads what [`ids`](Self::ids) gave; nothing if one of them is neither.
    #[must_use]
    pub fn of(ids: &[String]) -> Option<Self> {
        let mut mentions = Self::default();
        for id in ids {
            match (id.parse(), id.parse()) {
                (Ok(agent), _) => mentions.agents.push(agent),
                (Err(_), Ok(user)) => mentions.people.push(user),
                (Err(_), Err(_)) => return None,
            }
        }
        Some(mentions)
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A person.
    User(UserId),
    /// An agent.
    Agent(AgentId),
    /// Chancery itself.
    System,
}

/// A message to be posted.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// The text.
    pub text: String,
    /// What to do if a run of the session is not over.
    pub on_busy: OnBusy,
    /// Which of the session's agents answers, whomever the text mentions.
    pub agent: Option<AgentId>,
    /// To whom the text speaks.
    pub addressed: Addressed,
    /// The artifacts of the session that go with it.
    pub attachments: Vec<ArtifactId>,
}

/// To whom a text speaks, and what it says to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addressed {
    /// Whom it mentions.
    pub mentions: Mentions,
    /// The text without the mentions at its beginning, if there are any.
    pub told: Option<String>,
}

/// What to do with a message while a run of the session is not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBusy {
    /// Its run waits for those before it.
    #[default]
    Enqueue,
    /// The run that is under way is cancelled; those that wait keep their places.
    Interrupt,
    /// The message is refused.
    Reject,
}
