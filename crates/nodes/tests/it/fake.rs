//! A node written by hand, which can say anything. It checks what it hears: every frame of the
//! gateway must be one.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use protocol::frame::{Heartbeat, JobEpoch, JobRef, JobResult};
use protocol::limits::FRAME_BYTES_MAX;
use protocol::{
    Dispatch, Driver, DriverReport, Enforcement, GatewayFrame, Hello, Level, NodeFrame, Outcome,
    Output, PROTOCOL_VERSION, RefusalCode, Usage,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use vocab::{ExposeSecret, JobId, NodeId, SecretString};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Fake {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What was heard before it was asked for.
    early: VecDeque<Heard>,
    pub id: NodeId,
    pub epoch: u64,
    pub keys: Vec<String>,
}

/// What a node heard last.
#[derive(Debug)]
pub enum Heard {
    Frame(GatewayFrame),
    /// The connection was closed with this code.
    Closed(Option<u16>),
}

pub fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        version: "9.9.9".into(),
        spool: "spool-1".into(),
        slots: 4,
        probes: Enforcement::of(vec![DriverReport {
            driver: Driver::Namespaces,
            level: Level::Enforced,
            mechanisms: vec!["seccomp".into()],
            gaps: Vec::new(),
        }]),
        spooled: Vec::new(),
    }
}

pub fn outcome(text: &str) -> Outcome {
    Outcome {
        ok: true,
        output: Some(Output::Text(text.into())),
        truncated: false,
        artifacts: Vec::new(),
        exit_code: None,
        stdout: None,
        stderr: None,
        duration_ms: 1,
        usage: Usage::default(),
        error: None,
    }
}

impl Fake {
    /// Opens a connection and says nothing.
    pub async fn open(address: SocketAddr, credential: &str) -> Result<Self, Error> {
        let url = format!("ws://{address}/v1/nodes/connect");
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {credential}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(2 * FRAME_BYTES_MAX);
        config.max_frame_size = Some(2 * FRAME_BYTES_MAX);
        let (socket, _) = connect_async_with_config(request, Some(config), true).await?;
        let id = "nod_00000000-0000-7000-8000-000000000000".parse().unwrap();
        Ok(Self {
            socket,
            early: VecDeque::new(),
            id,
            epoch: 0,
            keys: Vec::new(),
        })
    }

    /// The status with which a connection is refused before it is one.
    pub async fn refused_with(address: SocketAddr, credential: &str) -> u16 {
        match Self::open(address, credential).await {
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it was let in"),
        }
    }

    /// Connects and introduces itself; answers with what the gateway says to that.
    pub async fn greet(
        address: SocketAddr,
        credential: &SecretString,
        hello: Hello,
    ) -> (Self, Heard) {
        let mut fake = Self::open(address, credential.expose_secret())
            .await
            .unwrap();
        fake.say(&NodeFrame::Hello(hello)).await;
        let heard = fake.hear().await;
        (fake, heard)
    }

    pub async fn welcomed(address: SocketAddr, credential: &SecretString) -> Self {
        Self::welcomed_as(address, credential, hello()).await
    }

    pub async fn welcomed_as(address: SocketAddr, credential: &SecretString, hello: Hello) -> Self {
        let (mut fake, heard) = Self::greet(address, credential, hello).await;
        let Heard::Frame(GatewayFrame::Welcome(welcome)) = heard else {
            panic!("{heard:?}")
        };
        fake.id = welcome.node_id;
        fake.epoch = welcome.lease_epoch;
        fake.keys = welcome.capability_keys;
        // The answer to a heartbeat says that the place is taken. Whoever waited for the node may
        // have spoken before.
        fake.beat().await;
        let mut early = VecDeque::new();
        loop {
            match fake.hear().await {
                Heard::Frame(GatewayFrame::Lease(_)) => break,
                Heard::Closed(code) => panic!("closed with {code:?}"),
                heard => early.push_back(heard),
            }
        }
        fake.early = early;
        fake
    }

    pub async fn raw(&mut self, message: Message) {
        // A gateway that has closed already takes nothing more: what it said tells why.
        drop(self.socket.send(message).await);
    }

    pub async fn text(&mut self, text: &str) {
        self.raw(Message::text(text)).await;
    }

    pub async fn say(&mut self, frame: &NodeFrame) {
        self.text(&frame.encode().unwrap()).await;
    }

    pub async fn hear(&mut self) -> Heard {
        if let Some(heard) = self.early.pop_front() {
            return heard;
        }
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("the gateway says something")
            {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Frame(GatewayFrame::decode(&text).unwrap());
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// Expects to be sent away, with a word why and a close code.
    pub async fn dismissed(&mut self, code: RefusalCode) {
        let heard = self.hear().await;
        let Heard::Frame(GatewayFrame::Refused(refused)) = heard else {
            panic!("{heard:?}")
        };
        assert_eq!(refused.code, code, "{}", refused.message);
        let heard = self.hear().await;
        assert!(
            matches!(heard, Heard::Closed(Some(1008 | 1001))),
            "{heard:?}"
        );
    }

    pub async fn dispatched(&mut self) -> Dispatch {
        let heard = self.hear().await;
        let Heard::Frame(GatewayFrame::Dispatch(dispatch)) = heard else {
            panic!("{heard:?}")
        };
        assert_eq!(dispatch.epoch, self.epoch);
        *dispatch
    }

    pub async fn inquired(&mut self) -> JobId {
        let heard = self.hear().await;
        let Heard::Frame(GatewayFrame::Inquire(JobRef { job })) = heard else {
            panic!("{heard:?}")
        };
        job
    }

    pub async fn acknowledged(&mut self) -> JobId {
        let heard = self.hear().await;
        let Heard::Frame(GatewayFrame::Ack(JobRef { job })) = heard else {
            panic!("{heard:?}")
        };
        job
    }

    pub async fn beat(&mut self) {
        let heartbeat = Heartbeat {
            epoch: self.epoch,
            running: 0,
            draining: false,
        };
        self.say(&NodeFrame::Heartbeat(heartbeat)).await;
    }

    /// Says something and hears the answer to a heartbeat after it: what was said has been taken in
    /// then, and nothing was said to it.
    pub async fn taken_in(&mut self) {
        self.beat().await;
        let heard = self.hear().await;
        assert!(
            matches!(heard, Heard::Frame(GatewayFrame::Lease(_))),
            "{heard:?}"
        );
    }

    pub async fn result(&mut self, job: JobId, text: &str) {
        self.result_under(job, self.epoch, outcome(text)).await;
    }

    pub async fn result_under(&mut self, job: JobId, epoch: u64, outcome: Outcome) {
        let outcome = Box::new(outcome);
        self.say(&NodeFrame::Result(JobResult {
            job,
            epoch,
            outcome,
        }))
        .await;
    }

    pub async fn running(&mut self, job: JobId) {
        self.say(&NodeFrame::Running(JobEpoch {
            job,
            epoch: self.epoch,
        }))
        .await;
    }

    pub async fn unknown(&mut self, job: JobId) {
        self.say(&NodeFrame::Unknown(JobEpoch {
            job,
            epoch: self.epoch,
        }))
        .await;
    }

    pub async fn absent(&mut self, job: JobId) {
        self.say(&NodeFrame::Absent(JobRef { job })).await;
    }

    /// Breaks the connection without a word.
    pub async fn vanish(self, world: &crate::world::World) {
        let id = self.id;
        drop(self);
        world.gone(id).await;
    }
}

/// The text of an outcome that came to an end.
#[track_caller]
pub fn ended(fate: nodes::Fate) -> String {
    match fate {
        nodes::Fate::Ended(outcome) => match outcome.output {
            Some(Output::Text(text)) => text,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
