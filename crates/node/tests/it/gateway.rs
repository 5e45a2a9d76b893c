//! A gateway for tests. It checks every frame that it gets, and the node is the real program.

use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use policy::capability::{Claims, Executor, Signer, mint};
use protocol::frame::{JobEpoch, JobRef, JobResult, Lease, Welcome};
use protocol::{
    Access, Dispatch, GatewayFrame, Grants, Hello, JobLimits, Level, NodeFrame, Outcome,
    PROTOCOL_VERSION, Requirements,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use vocab::{CapabilityId, Clock, Intent, JobId, NodeId, OrgId, Random, RunId, Target, Timestamp};

pub const CREDENTIAL: &str = "node-credential-of-a-test";
const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway's side of the world.
pub struct Gateway {
    listener: TcpListener,
    pub signer: Signer,
    pub node: NodeId,
    pub org: OrgId,
    pub run: RunId,
    clock: Clock,
    random: Random,
    epoch: u64,
}

/// One connection of a node.
pub struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub epoch: u64,
    /// Whether heartbeats are answered.
    pub renews: bool,
    lease_ms: u64,
}

/// A node as a process of its own.
pub struct Node {
    child: Child,
    pub dir: PathBuf,
}

impl Gateway {
    pub async fn new() -> Self {
        let (clock, random) = (Clock::system(), Random::system());
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            signer: Signer::generate(&random).unwrap(),
            node: NodeId::generate(&clock, &random),
            org: OrgId::generate(&clock, &random),
            run: RunId::generate(&clock, &random),
            clock,
            random,
            epoch: 0,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Starts a node on a folder.
    pub fn start(&self, dir: &TempDir, arguments: &[&str]) -> Node {
        let credential = dir.path().join("credential");
        std::fs::write(&credential, format!("{CREDENTIAL}\n")).unwrap();
        let data = dir.path().join("data");
        let child = Command::new(crate::support::helper())
            .args(["--gateway", &format!("ws://{}", self.address())])
            .arg("--credential-file")
            .arg(&credential)
            .arg("--data-dir")
            .arg(&data)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Node { child, dir: data }
    }

    /// Waits for a node and checks how it comes.
    pub async fn accept(&self) -> Peer {
        let accepting = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            let check = |request: &Request, response: Response| {
                assert_eq!(request.uri().path(), "/v1/nodes/connect");
                let authorization = request.headers().get("authorization").unwrap();
                assert_eq!(
                    authorization.to_str().unwrap(),
                    format!("Bearer {CREDENTIAL}")
                );
                Ok(response)
            };
            tokio_tungstenite::accept_hdr_async(stream, check)
                .await
                .unwrap()
        };
        let socket = tokio::time::timeout(PATIENCE, accepting)
            .await
            .expect("no node connects");
        Peer {
            socket,
            epoch: 0,
            renews: true,
            lease_ms: 0,
        }
    }

    /// Waits for a node, greets it, and lets it in under the next lease.
    pub async fn welcome(&mut self) -> (Peer, Hello) {
        self.welcome_for(15_000, 1_000).await
    }

    pub async fn welcome_for(&mut self, lease_ms: u64, heartbeat_ms: u64) -> (Peer, Hello) {
        let mut peer = self.accept().await;
        let hello = peer.hello().await;
        self.epoch += 1;
        peer.epoch = self.epoch;
        peer.lease_ms = lease_ms;
        let welcome = Welcome {
            node_id: self.node,
            lease_epoch: self.epoch,
            lease_ms,
            heartbeat_ms,
            capability_keys: vec![self.signer.public().to_string()],
        };
        peer.send(&GatewayFrame::Welcome(welcome)).await;
        (peer, hello)
    }

    pub fn job(&self) -> JobId {
        JobId::generate(&self.clock, &self.random)
    }

    pub fn intent(&self, tool: &str, arguments: Value, target: Target) -> Intent {
        let (org, run) = (self.org, self.run);
        Intent {
            org,
            run,
            step: 1,
            agent: None,
            tool: tool.to_owned(),
            arguments,
            target,
        }
    }

    pub fn file(&self, tool: &str, path: &str, arguments: Value) -> Intent {
        let workspace = "default".to_owned();
        let target = Target::File {
            path: path.to_owned(),
            workspace,
            size_bytes: None,
        };
        self.intent(tool, arguments, target)
    }

    pub fn shell(&self, command: &str) -> Intent {
        let target = Target::Process {
            command: command.to_owned(),
            workspace: "default".to_owned(),
        };
        self.intent("shell.exec", json!({"command": command}), target)
    }

    pub fn claims(&self, intent: &Intent) -> Claims {
        Claims {
            token_id: CapabilityId::generate(&self.clock, &self.random),
            org: intent.org,
            run: intent.run,
            executor: Executor::Node(self.node),
            tool: intent.tool.clone(),
            intent: intent.digest().unwrap(),
            expires_at: self.now().plus(Duration::from_secs(300)),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A good job of an intent, as the present lease would send it.
    pub fn dispatch(&self, intent: Intent) -> Dispatch {
        let token = mint(&self.signer, &self.claims(&intent)).unwrap();
        Dispatch {
            job: self.job(),
            epoch: self.epoch,
            token,
            intent,
            workspace: "default".parse().unwrap(),
            limits: JobLimits {
                timeout_ms: 20_000,
                ..JobLimits::default()
            },
            grants: Grants {
                network: false,
                workspace: Access::Write,
            },
            requirements: Requirements {
                enforcement: Level::Partial,
                driver: None,
            },
        }
    }
}

impl Peer {
    pub async fn hello(&mut self) -> Hello {
        match self.raw().await {
            Some(NodeFrame::Hello(hello)) => {
                assert_eq!(hello.protocol, PROTOCOL_VERSION);
                hello
            }
            other => panic!("not a hello: {other:?}"),
        }
    }

    pub async fn send(&mut self, frame: &GatewayFrame) {
        self.socket
            .send(Message::text(frame.encode().unwrap()))
            .await
            .unwrap();
    }

    pub async fn send_text(&mut self, text: String) {
        let _ = self.socket.send(Message::text(text)).await;
    }

    pub async fn dispatch(&mut self, dispatch: &Dispatch) {
        self.send(&GatewayFrame::Dispatch(Box::new(dispatch.clone())))
            .await;
    }

    pub async fn ack(&mut self, job: JobId) {
        self.send(&GatewayFrame::Ack(JobRef { job })).await;
    }

    /// The next frame; nothing when the connection ends.
    async fn raw(&mut self) -> Option<NodeFrame> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next());
        match next.await.expect("the node says nothing")? {
            Ok(Message::Text(text)) => Some(NodeFrame::decode(text.as_str()).unwrap()),
            Ok(Message::Close(_)) | Err(_) => None,
            Ok(other) => panic!("not a frame: {other:?}"),
        }
    }

    /// The next frame that is not a heartbeat; heartbeats are checked and answered.
    pub async fn next(&mut self) -> Option<NodeFrame> {
        loop {
            match self.raw().await? {
                NodeFrame::Heartbeat(heartbeat) => {
                    assert_eq!(heartbeat.epoch, self.epoch);
                    if self.renews {
                        let lease = Lease {
                            epoch: self.epoch,
                            lease_ms: self.lease_ms,
                        };
                        let frame = GatewayFrame::Lease(lease).encode().unwrap();
                        let _ = self.socket.send(Message::text(frame)).await;
                    }
                }
                NodeFrame::Hello(_) => panic!("a second hello"),
                frame => return Some(frame),
            }
        }
    }

    pub async fn result(&mut self) -> JobResult {
        match self.next().await {
            Some(NodeFrame::Result(result)) => {
                let outcome = &result.outcome;
                assert_eq!(outcome.ok, outcome.error.is_none(), "{outcome:?}");
                result
            }
            other => panic!("not a result: {other:?}"),
        }
    }

    /// Sends a job, takes its outcome, and acknowledges it.
    pub async fn perform(&mut self, dispatch: &Dispatch) -> Outcome {
        self.dispatch(dispatch).await;
        let result = self.result().await;
        assert_eq!((result.job, result.epoch), (dispatch.job, dispatch.epoch));
        self.ack(result.job).await;
        *result.outcome
    }

    /// Whether nothing but heartbeats comes for a while.
    pub async fn is_quiet(&mut self, for_ms: u64) -> bool {
        tokio::time::timeout(Duration::from_millis(for_ms), self.next())
            .await
            .is_err()
    }

    /// Cuts the connection without a word, as a broken network does.
    pub fn cut(self) {
        let stream = self.socket.into_inner();
        let _ = rustix::net::shutdown(&stream, rustix::net::Shutdown::Both);
        assert!(stream.as_raw_fd() >= 0);
    }
}

impl Node {
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    pub async fn exit(mut self) -> std::process::ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("does not exit")
            .unwrap()
    }

    pub fn workspace(&self, org: OrgId) -> PathBuf {
        self.dir
            .join("workspaces")
            .join(org.to_string())
            .join("default")
    }
}

/// Waits until a file is there.
pub async fn appears(path: &Path) {
    for _ in 0..400 {
        if path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{} does not appear", path.display());
}

pub fn unknown(job: JobId, epoch: u64) -> NodeFrame {
    NodeFrame::Unknown(JobEpoch { job, epoch })
}
