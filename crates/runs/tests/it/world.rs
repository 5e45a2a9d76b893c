//! An installation whose server can die: the database, the node and the outside live on.

use std::sync::Arc;
use std::time::Duration;

use agents::{Definition, service};
use db::testing::TestDb;
use db::{Authority, Blobs, Db, OrgContext, StoreError, WriteTx};
use futures::future::BoxFuture;
use policy::approval::Scope;
use policy::capability::Signer;
use runs::{
    Ended, Engine, Input, NewRun, Parts, Resolution, Run, RunError, Runs, Sessions, State,
    WaitingFor, Worker,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tools::plans::{Plans, Turnstile};
use tools::policies::NewPolicy;
use tools::{Answer, Broker, Policies, Road};
use vault::{MasterKeys, Vault};
use vocab::{Actor, ApprovalId, Clock, JobId, Random, Role, RunId, SessionId};

use crate::models::Copyist;
use crate::node::Node;
use crate::sink::Sink;

/// What is allowed here: reading but for secrets, writing after a question, this machine.
pub const POLICY: &str = r#"
@id("read") permit (principal, action == Chancery::Action::"file.read", resource);
@id("secrets") @reason("secrets stay shut")
forbid (principal, action == Chancery::Action::"file.read", resource)
when { resource.components.contains("secrets") };
@id("write") @require_approval("writing asks a person")
permit (principal, action == Chancery::Action::"file.write", resource);
@id("fetch") permit (principal, action == Chancery::Action::"http.fetch",
resource in Chancery::Host::"127.0.0.1");
@id("save") permit (principal, action == Chancery::Action::"artifact.save", resource);
@id("call") permit (principal, action == Chancery::Action::"agent.call", resource);
@id("noop") permit (principal, action == Chancery::Action::"noop", resource);
"#;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub db: TestDb,
    /// A person, who sees the database from outside, whatever becomes of the server.
    pub ctx: OrgContext,
    pub authority: Authority,
    /// What people do with runs, beside the server.
    pub people: Runs,
    pub policies: Policies,
    outside: Outside,
    _folder: tempfile::TempDir,
}

/// What outlives every server.
pub struct Outside {
    pub clock: Clock,
    pub node: Node,
    pub sink: Sink,
    signer: Arc<Signer>,
    vault: Vault,
    http: egress::Client,
}

impl std::ops::Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

/// One life of the server.
pub struct Life {
    pub db: Db,
    /// The person, as this process knows her.
    pub ctx: OrgContext,
    pub runs: Runs,
    pub wake: Arc<Notify>,
    stopping: CancellationToken,
    worker: Worker,
    running: JoinHandle<()>,
}

/// Sessions with labels that a test names; nobody posts anything.
pub struct Labels(pub Vec<String>);

impl Sessions for Labels {
    fn labels<'a>(
        &'a self,
        _: &'a OrgContext,
        _: SessionId,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn ended<'a>(
        &'a self,
        _: &'a OrgContext,
        _: &'a mut WriteTx,
        _: Ended<'a>,
    ) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(async { Ok(()) })
    }
}

/// What agents are told here: there is a model, and nothing was said before.
pub struct Told;

impl runs::Briefing for Told {
    fn of<'a>(
        &'a self,
        _: &'a OrgContext,
        _: &'a Run,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<runs::Told, StoreError>> {
        // Only where a test is about that, the workspace's files for agents are read.
        let workspace = matches!(input, Input::AgentTurn { agent, .. } if agent.name == "guided");
        let offer = |name| json!({ "name": name, "description": "", "schema": {} });
        let names = ["file.read", "file.write", "http.fetch", "agent.call"];
        let tools = Value::Array(names.map(offer).to_vec());
        let reader = offer("artifact.read");
        let known =
            json!({ "model": "main", "tools": tools, "reader": reader, "workspace": workspace });
        Box::pin(async move {
            Ok(runs::Told {
                known,
                ..runs::Told::default()
            })
        })
    }

    fn model<'a>(
        &'a self,
        _: &'a OrgContext,
        _: vocab::ModelProfileId,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async { Ok(Some("other".to_owned())) })
    }
}

/// What a life may be other than usual.
pub struct Setting {
    pub programs: runs::Programs,
    pub labels: Vec<String>,
    pub alone: bool,
    pub concurrency: usize,
    pub models: Arc<dyn tools::model::ModelGateway>,
    pub plans: Plans,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            programs: Arc::new(agents::programs),
            labels: Vec::new(),
            alone: true,
            concurrency: 8,
            models: Arc::new(Copyist),
            plans: Plans::unlimited(),
        }
    }
}

impl World {
    pub fn vault(&self) -> &Vault {
        &self.outside.vault
    }

    pub async fn new(db: TestDb) -> Self {
        Self::at(db, Clock::system()).await
    }

    /// An installation whose clock the test may hold.
    pub async fn at(db: TestDb, clock: Clock) -> Self {
        let random = Random::system();
        let opened = Db::open(&db.config, clock.clone(), random.clone()).await;
        let (_, authority) = opened.unwrap();
        let owner = db.org().await;
        let ctx = authority.context(owner.org(), owner.actor().clone(), owner.role());
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path()).unwrap();
        let keys = MasterKeys::generate(&random).unwrap();
        let vault = Vault::new(keys, blobs, clock.clone(), random.clone());
        let signer = Arc::new(Signer::generate(&random).unwrap());
        let node = Node::new(signer.public(), ctx.clone());
        let outside = Outside {
            clock,
            node,
            sink: Sink::new().await,
            signer,
            vault,
            http: egress::Client::new(egress::Trust::Only(Vec::new())).unwrap(),
        };
        let people = outside.server(
            (authority.db().clone(), authority.clone()),
            &Setting::default(),
        );
        let world = Self {
            db,
            ctx,
            authority,
            outside,
            people: Runs::new(people.engine, None),
            policies: Policies::default(),
            _folder: folder,
        };
        world.publish(POLICY).await;
        world
    }

    pub async fn publish(&self, cedar: &str) {
        let policy = NewPolicy {
            name: "all".into(),
            cedar: cedar.into(),
            comment: String::new(),
            managed: false,
        };
        self.policies.publish(&self.ctx, policy).await.unwrap();
    }

    /// An agent with every tool.
    pub async fn agent(&self, name: &str) -> agents::Agent {
        let known = service::known_tools(&self.ctx).await.unwrap();
        let definition = Definition {
            tools: known.clone(),
            ..Definition::rules(name)
        };
        self.agent_of(definition, &known).await
    }

    /// An agent with every tool for which a model plans.
    pub async fn thinker(&self, name: &str) -> agents::Agent {
        let known = service::known_tools(&self.ctx).await.unwrap();
        let definition = Definition {
            planner: agents::model::Planner::Model,
            tools: known.clone(),
            ..Definition::rules(name)
        };
        self.agent_of(definition, &known).await
    }

    async fn agent_of(&self, definition: Definition, known: &[String]) -> agents::Agent {
        let mut tx = self.ctx.write().await.unwrap();
        let made = service::create(&self.ctx, &mut tx, definition, known).await;
        tx.commit().await.unwrap();
        made.unwrap()
    }

    /// Starts the server.
    pub async fn live(&self) -> Life {
        self.live_as(Setting::default()).await
    }

    pub async fn live_as(&self, setting: Setting) -> Life {
        let Prepared {
            db,
            authority,
            engine,
            wake,
        } = self.prepare(&setting).await;
        let (actor, role) = (self.ctx.actor().clone(), self.ctx.role());
        let stopping = CancellationToken::new();
        let worker = Worker::new(engine.clone(), setting.concurrency, stopping.clone());
        Life {
            db,
            ctx: authority.context(self.ctx.org(), actor, role),
            runs: Runs::new(engine, Some(worker.clone())),
            wake,
            stopping,
            running: tokio::spawn({
                let worker = worker.clone();
                async move { worker.run(setting.alone).await }
            }),
            worker,
        }
    }

    /// A server that is there and works on nothing yet.
    async fn prepare(&self, setting: &Setting) -> Prepared {
        let opened = Db::open(&self.db.config, self.clock.clone(), Random::system()).await;
        let (db, authority) = opened.unwrap();
        self.sink.reached_from(db.faults().clone());
        self.server((db, authority), setting)
    }

    /// Another member of the organisation.
    pub fn somebody_else(&self) -> OrgContext {
        let other = Actor::user(self.ctx.new_id());
        self.authority.context(self.ctx.org(), other, Role::Member)
    }

    /// What a run left behind: names and contents.
    pub async fn artifacts(&self, run: RunId) -> Vec<(String, Vec<u8>)> {
        let filter = vault::ArtifactFilter {
            run: Some(run),
            session: None,
        };
        let service = &self.vault.artifacts;
        let mut found = Vec::new();
        for artifact in service.list(&self.ctx, &filter, None, 10).await.unwrap() {
            let (artifact, bytes) = service.content(&self.ctx, artifact.id).await.unwrap();
            found.push((artifact.name, bytes.to_vec()));
        }
        found
    }

    /// Answers a request for approval, as the route does.
    pub async fn answer(&self, life: &Life, id: ApprovalId, answer: Answer) {
        let asked = tools::find_approval(&self.ctx, id).await.unwrap().unwrap();
        let mut tx = self.ctx.write().await.unwrap();
        let answered = life
            .runs
            .answer_in(&self.ctx, &mut tx, &asked, (&answer, None));
        answered.await.unwrap();
        tx.commit().await.unwrap();
        life.runs.poked();
    }

    /// Watches a run until it is in a state that fits; people say yes to everything on the way,
    /// unless somebody wants the run to end, and decide `unknown` about outcomes that nobody knows. `None` if the server died before.
    pub async fn watch(
        &self,
        life: &Life,
        run: RunId,
        unknown: Resolution,
        fits: impl Fn(&State) -> bool,
    ) -> Option<Run> {
        let mut commits = life.db.commits();
        let watching = async {
            loop {
                if life.db.faults().is_dead() {
                    return None;
                }
                let found = self.people.get(&self.ctx, run).await.unwrap();
                if fits(&found.state) {
                    return Some(found);
                }
                match found.state {
                    State::Waiting {
                        waiting_for: WaitingFor::Approval { approval },
                    } => {
                        let asked = tools::find_approval(&self.ctx, approval).await.unwrap();
                        let asked = asked.unwrap();
                        let open = asked.expires_at > self.ctx.now();
                        let open = open && !found.cancel_requested;
                        if open && asked.status == tools::Status::Pending {
                            let scope = Scope::Once;
                            self.answer(life, approval, Answer::Approve { scope }).await;
                        }
                    }
                    State::Waiting {
                        waiting_for: WaitingFor::Decision { .. },
                    } => {
                        // Twice is once: the run may not have taken the first word yet.
                        let _ = self.people.resolve(&self.ctx, run, unknown).await;
                        life.wake.notify_one();
                    }
                    _ => {}
                }
                tokio::select! {
                    _ = commits.changed() => {}
                    () = life.db.faults().died() => {}
                }
            }
        };
        match tokio::time::timeout(PATIENCE, watching).await {
            Ok(found) => found,
            Err(_) => panic!("{:?}", self.people.get(&self.ctx, run).await),
        }
    }

    /// Watches a run to its end in a server that does not die.
    pub async fn end(&self, life: &Life, run: RunId) -> Run {
        let fail = Resolution::Fail;
        self.watch(life, run, fail, State::is_over).await.unwrap()
    }

    /// What a run answered.
    pub async fn answer_of(&self, run: &Run) -> Value {
        let answer = self.people.answer(&self.ctx, run).await.unwrap();
        answer.unwrap_or(Value::Null)
    }

    /// The journal of a run: kinds and facts, in order, and that it has no gap.
    pub async fn journal(&self, run: RunId) -> Vec<(String, Value)> {
        let sql = "SELECT run_seq, kind, data FROM events WHERE org_id = $1 AND run_id = $2 \
            AND run_seq IS NOT NULL ORDER BY run_seq";
        let mut tx = self.ctx.read().await.unwrap();
        let rows = tx.all(sql, &db::params![run]).await.unwrap();
        let entry = |(at, row): (usize, &db::Row)| {
            let seq: i64 = row.get(0).unwrap();
            assert_eq!(seq, i64::try_from(at).unwrap() + 1, "a gap in the journal");
            let data: String = row.get(2).unwrap();
            (row.get(1).unwrap(), serde_json::from_str(&data).unwrap())
        };
        rows.iter().enumerate().map(entry).collect()
    }

    pub async fn kinds(&self, run: RunId) -> Vec<String> {
        let journal = self.journal(run).await;
        journal.into_iter().map(|(kind, _)| kind).collect()
    }

    pub async fn count(&self, run: RunId, kind: &str) -> usize {
        let kinds = self.kinds(run).await;
        kinds.iter().filter(|it| *it == kind).count()
    }
}

impl Outside {
    fn server(&self, (db, authority): (Db, Authority), setting: &Setting) -> Prepared {
        let broker = Broker::new(
            [self.signer.public()].into(),
            self.http.clone(),
            self.vault.clone(),
            self.node.reached_from(db.faults().clone()),
        )
        .with_models(Arc::clone(&setting.models));
        let wake = Arc::new(Notify::new());
        let engine = Engine::new(Parts {
            authority: authority.clone(),
            road: Road::new(
                Policies::default(),
                Arc::clone(&self.signer),
                broker,
                Turnstile::new(authority.clone(), setting.plans.clone()),
            ),
            vault: self.vault.clone(),
            programs: Arc::clone(&setting.programs),
            directory: Arc::new(agents::Directory),
            sessions: Arc::new(Labels(setting.labels.clone())),
            briefing: Arc::new(Told),
            holder: JobId::generate(&Clock::system(), &Random::system()).to_string(),
            wake: Arc::clone(&wake),
        });
        Prepared {
            db,
            authority,
            engine,
            wake,
        }
    }
}

/// A server before its worker starts.
struct Prepared {
    db: Db,
    authority: Authority,
    engine: Engine,
    wake: Arc<Notify>,
}

impl Life {
    /// The end of this process. Whatever it still does, its store calls fail if it died by its
    /// faults; a process that is stopped without having died stays a zombie and can do no harm.
    pub fn end(self) {
        self.stopping.cancel();
        self.running.abort();
    }

    /// From now on this process claims nothing and extends no lease, as if it got no time; what is
    /// under way goes on.
    pub async fn stall(&mut self) {
        self.running.abort();
        let _ = (&mut self.running).await;
    }

    /// Stops as a process does that is told to, and waits for what is under way.
    pub async fn finished(self) {
        self.stopping.cancel();
        self.worker.run(false).await;
    }
}

pub fn tool(name: &str, arguments: Value) -> NewRun {
    NewRun {
        input: Input::Tool {
            tool: name.to_owned(),
            arguments,
        },
        workspace: "default".to_owned(),
        session: None,
        agent: None,
        parent: None,
        has_read: runs::HasRead::default(),
    }
}

pub fn turn(agent: &agents::Agent, message: &str) -> NewRun {
    NewRun {
        input: Input::AgentTurn {
            agent: agent.snapshot(),
            message: message.to_owned(),
        },
        agent: Some(agent.id),
        ..tool("", json!({}))
    }
}
