//! What clients read.

use runs::http::RunView;
use runs::{Account, Citation, RunUsage};
use serde::Serialize;
use utoipa::ToSchema;
use vocab::{AgentId, ArtifactId, Digest, MessageId, RunId, SessionId, Timestamp, UserId};

use crate::model::{
    ArchiveInfo, Author, Member, Message, Reaction, ReadMark, Session, SessionStatus, Spent,
};
use crate::service::{Posted, Regenerating, Shown};

/// A session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    /// `ses_…`
    #[schema(value_type = String)]
    id: SessionId,
    title: String,
    labels: Vec<String>,
    status: SessionStatus,
    /// The workspace of its files.
    workspace: String,
    /// Its agents; the first answers what mentions or names no other.
    #[schema(value_type = Vec<String>)]
    agent_ids: Vec<AgentId>,
    #[schema(value_type = Option<String>)]
    created_by: Option<UserId>,
    version: u32,
    /// How many messages it has, on all its branches.
    message_count: u32,
    /// How many branches its messages have grown; 1 as long as nothing was edited or regenerated.
    branches: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
    /// The archive of its messages, where one session is asked for and has one.
    archive: Option<ArchiveView>,
    /// Whether a legal hold keeps it from being deleted.
    held: bool,
    /// What its runs have taken of models, those that are over.
    usage: SessionUsageView,
}

/// What the runs of a session took of models.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionUsageView {
    /// As far as prices are known.
    cost_usd_micros: u64,
    input_tokens: u64,
    /// Of these, read from a provider's cache.
    cached_input_tokens: u64,
    output_tokens: u64,
}

impl From<Spent> for SessionUsageView {
    fn from(it: Spent) -> Self {
        Self {
            cost_usd_micros: it.cost_usd_micros,
            input_tokens: it.input_tokens,
            cached_input_tokens: it.cached_input_tokens,
            output_tokens: it.output_tokens,
        }
    }
}

/// The archive of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArchiveView {
    /// The keyed digest of the whole; `session.archived` carries it in the record.
    #[schema(value_type = String)]
    digest: Digest,
    messages: u32,
    /// How large it is, compressed.
    size_bytes: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<ArchiveInfo> for ArchiveView {
    fn from(it: ArchiveInfo) -> Self {
        Self {
            digest: it.digest,
            messages: it.messages,
            size_bytes: it.size_bytes,
            created_at: it.made_at,
        }
    }
}

impl SessionView {
    pub(super) fn with(session: Session, archive: Option<ArchiveInfo>) -> Self {
        Self {
            archive: archive.map(ArchiveView::from),
            ..Self::from(session)
        }
    }
}

impl From<Session> for SessionView {
    fn from(it: Session) -> Self {
        Self {
            id: it.id,
            title: it.title,
            labels: it.labels,
            status: it.status,
            workspace: it.workspace,
            agent_ids: it.agents,
            created_by: it.created_by,
            version: it.version,
            message_count: it.message_count,
            branches: it.forks + 1,
            created_at: it.created_at,
            updated_at: it.updated_at,
            archived_at: it.archived_at,
            archive: None,
            held: it.held,
            usage: it.spent.into(),
        }
    }
}

/// A member of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionMemberView {
    /// `usr_…`
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
}

impl From<Member> for SessionMemberView {
    fn from(it: Member) -> Self {
        Self {
            user_id: it.user,
            added_at: it.added_at,
        }
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuthorView {
    /// A person.
    User {
        /// `usr_…`
        #[schema(value_type = String)]
        user_id: UserId,
    },
    /// An agent.
    Agent {
        /// `agt_…`
        #[schema(value_type = String)]
        agent_id: AgentId,
    },
    /// Chancery itself.
    System,
}

/// A message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageView {
    /// `msg_…`
    #[schema(value_type = String)]
    id: MessageId,
    #[schema(value_type = String)]
    session_id: SessionId,
    /// Its place among the session's messages, from 1.
    position: u32,
    /// `msg_…`: the message before it on its branch.
    #[schema(value_type = Option<String>)]
    parent_id: Option<MessageId>,
    /// How many messages stand in this place, on one branch or another; 1 if there is no other.
    siblings: u32,
    author: AuthorView,
    /// The run that answers it (the first, if several do), that it steers, or that it is the answer
    /// of.
    #[schema(value_type = Option<String>)]
    run_id: Option<RunId>,
    /// `msg_…`: the message that it answers.
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// Whom it mentions: `agt_…` and `usr_…`.
    mentions: Vec<String>,
    /// The artifacts that go with it (`art_…`): what somebody attached, or what its run saved.
    #[schema(value_type = Vec<String>)]
    attachments: Vec<ArtifactId>,
    /// What the run whose answer it is took of models; null if it took nothing. Runs that it started
    /// have messages or runs of their own.
    usage: Option<RunUsage>,
    /// The files and addresses that the run behind an answer has read, at most 32. It read them; whether
    /// the answer rests on them is not said.
    sources: Vec<String>,
    /// What the answer cites, as its provider says, at most 32 places.
    citations: Vec<CitationView>,
    /// The text, in Markdown; null once it was erased.
    content: Option<String>,
    size_bytes: u64,
    /// Whether it says why a run failed.
    failed: bool,
    /// The reactions to it, the first first.
    reactions: Vec<ReactionView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A place that an answer cites. What is said of it comes from outside: show it as text, and do not
/// follow it unasked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CitationView {
    /// An address of `http` or `https`; null if it is a document that the provider was given.
    url: Option<String>,
    /// What the place is called; empty if nobody said.
    title: String,
    /// The first character of the answer's text that rests on it; null if that is not known.
    start: Option<u32>,
    /// The first character behind those.
    end: Option<u32>,
}

impl From<&Citation> for CitationView {
    fn from(it: &Citation) -> Self {
        Self {
            url: it.url.clone(),
            title: it.title.clone(),
            start: it.span.map(|(start, _)| start),
            end: it.span.map(|(_, end)| end),
        }
    }
}

/// Reactions of one kind.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReactionView {
    emoji: String,
    /// How many people gave it.
    count: u32,
    /// Whether you did.
    mine: bool,
}

impl From<Reaction> for ReactionView {
    fn from(it: Reaction) -> Self {
        Self {
            emoji: it.emoji,
            count: it.count,
            mine: it.mine,
        }
    }
}

impl From<Shown> for MessageView {
    fn from(it: Shown) -> Self {
        let reactions = it.reactions.into_iter().map(ReactionView::from).collect();
        Self {
            reactions,
            citations: it.citations.iter().map(CitationView::from).collect(),
            ..Self::new(it.message, it.text)
        }
    }
}

impl MessageView {
    /// A message that nobody has reacted to.
    fn new(it: Message, text: Option<String>) -> Self {
        let author = match it.author {
            Author::User(user_id) => AuthorView::User { user_id },
            Author::Agent(agent_id) => AuthorView::Agent { agent_id },
            Author::System => AuthorView::System,
        };
        Self {
            id: it.id,
            session_id: it.session,
            position: it.position,
            parent_id: it.parent,
            siblings: it.siblings,
            author,
            run_id: it.run,
            reply_to: it.reply_to,
            mentions: it.mentions.ids(),
            attachments: it.attachments,
            usage: it.account.as_ref().and_then(Account::usage),
            sources: it.account.map(|it| it.sources).unwrap_or_default(),
            citations: Vec::new(),
            content: text,
            size_bytes: it.size_bytes,
            failed: it.failed,
            reactions: Vec::new(),
            created_at: it.created_at,
        }
    }
}

/// How far a person has read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadView {
    /// `usr_…`
    #[schema(value_type = String)]
    user_id: UserId,
    /// The position of the last message that they have read.
    position: u32,
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
}

impl From<ReadMark> for ReadView {
    fn from(it: ReadMark) -> Self {
        Self {
            user_id: it.user,
            position: it.position,
            read_at: it.read_at,
        }
    }
}

/// A posted message and the runs that answer it.
#[derive(Serialize, ToSchema)]
pub struct PostedView {
    message: MessageView,
    /// The run that answers it, the first if several do, or that it steers. Null if the message
    /// mentions people and no agent: then they are who answers.
    run: Option<RunView>,
    /// Every run that answers it, in the order in which they will.
    runs: Vec<RunView>,
    /// Whether it was handed to the run, which is under way. If that ends without taking it, it is
    /// answered as the next message.
    steers: bool,
}

impl PostedView {
    pub(super) fn new(posted: &Posted, text: String) -> Self {
        let runs: Vec<RunView> = posted.answering().cloned().map(RunView::from).collect();
        let steered = posted.steered().cloned().map(RunView::from);
        Self {
            message: MessageView::new(posted.message.clone(), Some(text)),
            steers: steered.is_some(),
            run: steered.or_else(|| runs.first().cloned()),
            runs,
        }
    }
}

/// A run that answers a message once more.
#[derive(Serialize, ToSchema)]
pub struct RegeneratingView {
    run: RunView,
    /// `msg_…`: the message that it answers.
    #[schema(value_type = String)]
    reply_to: MessageId,
    /// `msg_…`: the message behind which the answer will stand.
    #[schema(value_type = Option<String>)]
    parent_id: Option<MessageId>,
}

impl RegeneratingView {
    pub(super) fn new(it: &Regenerating) -> Self {
        Self {
            run: it.run().clone().into(),
            reply_to: it.reply_to,
            parent_id: it.parent,
        }
    }
}
