//! An engine with its worker, a record with its sequencer, and routes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agents::{Agent, Definition, service};
use chat::{
    Answers, Chat, ChatError, Live, Message, NewMessage, NewSession, OnBusy, Placements, Posted,
    Reading, Session, Which,
};
use db::testing::TestDb;
use db::{Authority, Blobs, OrgContext};
use edge::testing::Client;
use edge::{AuthError, Authenticator, Caller, Credential, Edge, EdgeConfig, Standing};
use futures::future::BoxFuture;
use journal::{Hub, Sequencer, testing::PlainKeys};
use policy::capability::Signer;
use runs::{Engine, Parts, Run, Runs, State, Worker};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tools::model::ModelGateway;
use tools::node::{Delivery, Job, NodeGateway, NodeReport};
use tools::plans::{Plans, Turnstile};
use tools::{Broker, Policies, Road, ToolResult, policies::NewPolicy};
use vault::{MasterKeys, Vault};
use vocab::{
    Actor, AgentId, Clock, Intent, JobId, LoginId, MessageId, NodeId, OrgId, Random, Role, RunId,
    SessionId, UserId,
};

use crate::people::Everybody;
use crate::script;

pub struct World {
    pub db: TestDb,
    pub ctx: OrgContext,
    pub chat: Chat,
    pub runs: Runs,
    pub vault: Vault,
    pub people: Arc<Everybody>,
    pub client: Client,
    stopping: CancellationToken,
    folder: tempfile::TempDir,
}

/// Another process on the same database and blobs, without a worker: a test can let it die.
pub struct Beside {
    pub db: db::Db,
    pub authority: Authority,
    pub ctx: OrgContext,
    pub chat: Chat,
    /// What it holds, if it holds chats.
    pub placements: Option<Placements>,
    _stopping: CancellationToken,
}

/// A model whose second answer has no known price.
struct Priced;

impl ModelGateway for Priced {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let cost = (intent.step != 2).then_some(7);
        let pages = json!([
            { "url": "https://example.com/a", "title": "A", "span": [0, 3] },
            { "title": "notes.pdf" },
        ]);
        let reply = json!({ "parts": [], "stop": "done", "served": "fake/one", "citations": pages,
            "cost_usd_micros": cost, "usage":
            { "input_tokens": 100, "cached_input_tokens": 40, "output_tokens": 5 } });
        Box::pin(async { ToolResult::success(reply) })
    }
}

/// No node is ever there.
struct NoNodes;

impl NodeGateway for NoNodes {
    fn node_for(&self, _: OrgId, _: &str) -> Option<NodeReport> {
        None
    }
    fn dispatch(&self, _: OrgId, _: NodeId, _: Job) -> BoxFuture<'_, Delivery> {
        Box::pin(async { Delivery::Away })
    }
    fn inquire(&self, _: OrgId, _: NodeId, _: JobId) -> BoxFuture<'_, Delivery> {
        Box::pin(async { Delivery::Away })
    }
    fn acknowledge(&self, _: OrgId, _: NodeId, _: JobId) {}
    fn cancel(&self, _: OrgId, _: NodeId, _: JobId) {}
}

/// A token is a role.
struct Gate {
    authority: Authority,
    user: UserId,
    org: OrgId,
    changes: watch::Sender<u64>,
}

impl Authenticator for Gate {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        org: Option<OrgId>,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        let found = token.parse::<Role>().ok().map(|role| {
            let standing = match org {
                None => Standing::NoOrganisation,
                Some(org) if org == self.org => {
                    Standing::Member(self.authority.context(org, Actor::user(self.user), role))
                }
                Some(_) => Standing::Stranger,
            };
            let login = LoginId::from_uuid(self.user.uuid());
            Caller::new(self.user, Credential::Login(login), standing)
        });
        Box::pin(async move { found.ok_or(AuthError::Refused) })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

impl World {
    pub async fn new(db: TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_in(folder.path());
        let ctx = db.org().await;
        let policies = Policies::default();
        let policy = NewPolicy {
            name: "noop".into(),
            cedar: "permit (principal, action in [Chancery::Action::\"noop\", \
                Chancery::Action::\"model.call\"], resource);"
                .into(),
            comment: String::new(),
            managed: false,
        };
        policies.publish(&ctx, policy).await.unwrap();
        let stopping = CancellationToken::new();
        let (runs, worker) = engine(&db.authority, &vault, policies, &stopping);
        let alone = db.db.engine() == db::Engine::Sqlite;
        tokio::spawn(async move { worker.run(alone).await });
        let hub = Hub::new();
        let sequencer = Sequencer::new(db.authority.clone(), Arc::new(PlainKeys), hub.clone());
        tokio::spawn(sequencer.run(stopping.clone().cancelled_owned()));
        let people = Arc::new(Everybody::default());
        let chat = Chat::new(chat::Parts {
            authority: db.authority.clone(),
            runs: runs.clone(),
            content: vault.content.clone(),
            artifacts: vault.artifacts.clone(),
            people: people.clone(),
            live: Live::new(),
            placements: None,
        });
        let client = client(&db, &ctx, &chat, &vault, hub);
        Self {
            db,
            ctx,
            chat,
            runs,
            vault,
            people,
            client,
            stopping,
            folder,
        }
    }

    /// Another process.
    pub async fn beside(&self) -> Beside {
        self.beside_as(None).await
    }

    /// The same, which holds chats under an address if it has one.
    pub async fn beside_as(&self, address: Option<&str>) -> Beside {
        let (clock, random) = (Clock::system(), Random::system());
        let (db, authority) = db::Db::open(&self.db.config, clock, random).await.unwrap();
        let vault = vault_in(self.folder.path());
        let stopping = CancellationToken::new();
        let (runs, _) = engine(&authority, &vault, Policies::default(), &stopping);
        let placements = address.map(|it| Placements::new(authority.clone(), it.to_owned()));
        if let Some(placements) = &placements {
            placements.join().await.unwrap();
        }
        let chat = Chat::new(chat::Parts {
            authority: authority.clone(),
            runs,
            content: vault.content.clone(),
            artifacts: vault.artifacts.clone(),
            people: self.people.clone(),
            live: Live::new(),
            placements: placements.clone(),
        });
        let actor = self.ctx.actor().clone();
        let ctx = authority.context(self.ctx.org(), actor, Role::Owner);
        Beside {
            db,
            authority,
            ctx,
            chat,
            placements,
            _stopping: stopping,
        }
    }

    /// The files of the blob store.
    pub fn blobs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("blobs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path),
                }
            }
        }
        found
    }

    /// How many rows of these tables belong to a session.
    pub async fn rows(&self, session: SessionId) -> [i64; 7] {
        const COUNT: [&str; 7] = [
            "SELECT count(*) FROM messages WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM message_turns WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM message_words WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM session_branches WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM session_members WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM session_reads WHERE org_id = $1 AND session_id = $2",
            "SELECT count(*) FROM session_archives WHERE org_id = $1 AND session_id = $2",
        ];
        let mut counts = [0; 7];
        let mut read = self.ctx.read().await.unwrap();
        for (count, sql) in counts.iter_mut().zip(COUNT) {
            let row = read.one(sql, &db::params![session]).await.unwrap();
            *count = row.get(0).unwrap();
        }
        counts
    }

    pub async fn agent(&self, name: &str) -> Agent {
        let known = service::known_tools(&self.ctx).await.unwrap();
        let definition = Definition {
            tools: known.clone(),
            ..Definition::rules(name)
        };
        let mut tx = self.ctx.write().await.unwrap();
        let agent = service::create(&self.ctx, &mut tx, definition, &known)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        agent
    }

    pub async fn session(&self, agents: &[&Agent]) -> Session {
        let agents = agents.iter().map(|agent| agent.id).collect();
        self.make(NewSession {
            agents,
            ..NewSession::default()
        })
        .await
        .unwrap()
    }

    pub async fn make(&self, new: NewSession) -> Result<Session, ChatError> {
        let mut tx = self.ctx.write().await?;
        let session = self.chat.create(&self.ctx, &mut tx, new).await?;
        tx.commit().await?;
        Ok(session)
    }

    pub async fn say(&self, session: SessionId, text: &str) -> Run {
        self.post(session, text, OnBusy::Enqueue).await.unwrap()
    }

    pub async fn post(
        &self,
        session: SessionId,
        text: &str,
        on_busy: OnBusy,
    ) -> Result<Run, ChatError> {
        let new = NewMessage {
            text: text.into(),
            on_busy,
            ..NewMessage::default()
        };
        self.post_as(&self.ctx, session, new).await
    }

    pub async fn post_as(
        &self,
        ctx: &OrgContext,
        session: SessionId,
        new: NewMessage,
    ) -> Result<Run, ChatError> {
        let (_, runs) = self.send_as(ctx, session, new).await?;
        Ok(runs.into_iter().next().expect("somebody answers"))
    }

    /// Posts a message as the API does; answers it with the runs that answer it.
    pub async fn send_as(
        &self,
        ctx: &OrgContext,
        session: SessionId,
        mut new: NewMessage,
    ) -> Result<(Message, Vec<Run>), ChatError> {
        new.addressed = self.chat.addressed(ctx, session, &new.text).await?;
        let mut tx = ctx.write().await?;
        let posted = self.chat.post(ctx, &mut tx, session, new).await?;
        tx.commit().await?;
        Ok(self.posted(posted))
    }

    pub async fn send(&self, session: SessionId, text: &str) -> (Message, Vec<Run>) {
        let new = NewMessage {
            text: text.into(),
            ..NewMessage::default()
        };
        self.send_as(&self.ctx, session, new).await.unwrap()
    }

    /// Steers the session; answers the message and the run that it steers.
    pub async fn steer(&self, session: SessionId, text: &str) -> (Message, Option<RunId>) {
        let ctx = &self.ctx;
        let addressed = self.chat.addressed(ctx, session, text).await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let said = (text.to_owned(), addressed);
        let posted = self.chat.steer(ctx, &mut tx, session, said).await.unwrap();
        tx.commit().await.unwrap();
        let steered = posted.steered().map(|run| run.id);
        (self.posted(posted).0, steered)
    }

    fn posted(&self, posted: Posted) -> (Message, Vec<Run>) {
        let answer = (
            posted.message.clone(),
            posted.answering().cloned().collect(),
        );
        self.chat.posted(posted);
        answer
    }

    /// Edits a message as the API does.
    pub async fn edit(
        &self,
        ctx: &OrgContext,
        id: MessageId,
        text: &str,
    ) -> Result<(Message, Vec<Run>), ChatError> {
        let mut tx = ctx.write().await?;
        let new = NewMessage {
            text: text.into(),
            ..NewMessage::default()
        };
        let posted = self.chat.edit(ctx, &mut tx, id, new).await?;
        tx.commit().await?;
        Ok(self.posted(posted))
    }

    /// Regenerates an answer as the API does.
    pub async fn regenerate(
        &self,
        ctx: &OrgContext,
        id: MessageId,
        agent: Option<AgentId>,
    ) -> Result<Run, ChatError> {
        let again = self.chat.asked(ctx, id, agent).await?;
        let mut tx = ctx.write().await?;
        let on_busy = OnBusy::Enqueue;
        let it = self.chat.regenerate(ctx, &mut tx, again, on_busy).await?;
        tx.commit().await?;
        let run = it.run().clone();
        self.chat.regenerating(it);
        Ok(run)
    }

    pub async fn choose(&self, session: SessionId, id: MessageId) -> Result<Session, ChatError> {
        let mut tx = self.ctx.write().await?;
        let chosen = self
            .chat
            .choose_branch(&self.ctx, &mut tx, session, id)
            .await?;
        tx.commit().await?;
        Ok(chosen)
    }

    /// Waits until no run of the session is left; answers its messages.
    pub async fn until_quiet(&self, session: SessionId) -> Vec<(Message, Option<String>)> {
        let filter = runs::RunFilter {
            session: Some(session),
            ..runs::RunFilter::default()
        };
        for _ in 0..3_000 {
            let runs = self.runs.list(&self.ctx, &filter, None, 200).await.unwrap();
            if runs.iter().all(|run| run.state.is_over()) {
                return self.messages(session).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("runs go on and on");
    }

    /// Waits until a run is in a state that fits.
    pub async fn until(&self, run: RunId, fits: impl Fn(&State) -> bool) -> Run {
        for _ in 0..3_000 {
            let found = self.runs.get(&self.ctx, run).await.unwrap();
            if fits(&found.state) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.runs.get(&self.ctx, run).await);
    }

    pub async fn messages(&self, session: SessionId) -> Vec<(Message, Option<String>)> {
        let which = (session, Which::Current);
        let from = Reading::Oldest(0);
        let shown = self.chat.messages(&self.ctx, which, from, 100).await;
        let shown = shown.unwrap().into_iter();
        shown.map(|it| (it.message, it.text)).collect()
    }

    pub async fn kinds(&self, session: SessionId) -> Vec<String> {
        let sql = "SELECT kind FROM events WHERE org_id = $1 AND session_id = $2 ORDER BY ord";
        let rows = self
            .ctx
            .read()
            .await
            .unwrap()
            .all(sql, &db::params![session])
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    pub fn role(&self, role: Role) -> OrgContext {
        let user = UserId::generate(&Clock::system(), &Random::system());
        self.db
            .authority
            .context(self.ctx.org(), Actor::user(user), role)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn vault_in(folder: &Path) -> Vault {
    let random = Random::system();
    let master = MasterKeys::load_or_create(&folder.join("master.key"), &random).unwrap();
    let blobs = Blobs::local(&folder.join("blobs")).unwrap();
    Vault::new(master, blobs, Clock::system(), random)
}

fn engine(
    authority: &Authority,
    vault: &Vault,
    policies: Policies,
    stopping: &CancellationToken,
) -> (Runs, Worker) {
    let signer = Arc::new(Signer::generate(&Random::system()).unwrap());
    let http = egress::Client::new(egress::Trust::System).unwrap();
    let broker = Broker::new(
        [signer.public()].into(),
        http,
        vault.clone(),
        Arc::new(NoNodes),
    )
    .with_models(Arc::new(Priced));
    let turnstile = Turnstile::new(authority.clone(), Plans::unlimited());
    let engine = Engine::new(Parts {
        authority: authority.clone(),
        road: Road::new(policies, signer, broker, turnstile),
        vault: vault.clone(),
        programs: Arc::new(script::programs),
        directory: Arc::new(agents::Directory),
        sessions: Arc::new(Answers::new(vault.content.clone(), vault.artifacts.clone())),
        briefing: Arc::new(script::NoBriefing),
        holder: "test".into(),
        wake: Arc::new(Notify::new()),
    });
    let worker = Worker::new(engine.clone(), 8, stopping.child_token());
    (Runs::new(engine, Some(worker.clone())), worker)
}

fn client(db: &TestDb, ctx: &OrgContext, chat: &Chat, vault: &Vault, hub: Hub) -> Client {
    let gate = Gate {
        authority: db.authority.clone(),
        user: ctx.actor().user.unwrap(),
        org: ctx.org(),
        changes: watch::Sender::new(0),
    };
    let config = EdgeConfig {
        auth_quota: None,
        api_quota: None,
        ..EdgeConfig::default()
    };
    let edge = Edge::new(config, db.authority.clone(), Arc::new(gate));
    let skills = agents::Skills::new(vault.content.clone());
    let routes = chat::http::routes(chat.clone(), hub).merge(agents::http::routes(skills));
    let (router, _) = edge.finish(routes);
    Client::new(router).org(ctx.org())
}
