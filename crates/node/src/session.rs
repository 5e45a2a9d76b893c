//! One connection to the gateway: the greeting, then frames both ways until it ends.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use protocol::frame::{Heartbeat, JobRef, Refused};
use protocol::{GatewayFrame, Hello, NodeFrame, PROTOCOL_VERSION, Welcome};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use vocab::JobId;

use crate::authorise::Authority;
use crate::lease::Instant;
use crate::worker::{Worker, known, refusal};

/// How long the gateway may take for its part of the greeting.
const GREETING: Duration = Duration::from_secs(15);
/// How long a frame may take to be sent before the connection is given up.
const SENDING: Duration = Duration::from_secs(30);
/// How many answers wait to be sent.
const REPLIES_MAX: usize = 256;
/// The shortest time between heartbeats, whatever the gateway asks for.
const HEARTBEAT_MIN_MS: u64 = 50;

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// It broke, or the gateway closed it.
    Lost(&'static str),
    /// The node was to finish, and has.
    Drained,
    /// The gateway does not let this node in.
    Refused(Refused),
    /// The node was to stop.
    Stopped,
}

/// Speaks over one connection until it ends. Whether it got as far as a lease is in the second part.
pub async fn serve<S>(
    worker: &Arc<Worker>,
    socket: WebSocketStream<S>,
    stop: &CancellationToken,
) -> (End, bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut to, mut from) = socket.split();
    let asked_at = Instant::now();
    let welcome = tokio::select! {
        welcome = timeout(GREETING, greet(worker, &mut to, &mut from)) => match welcome {
            Ok(Ok(welcome)) => welcome,
            Ok(Err(end)) => return (end, false),
            Err(_) => return (End::Lost("the gateway did not greet"), false),
        },
        () = stop.cancelled() => return (End::Stopped, false),
    };
    tracing::info!(node = %welcome.node_id, epoch = welcome.lease_epoch, "connected");
    worker
        .lease
        .grant(welcome.lease_epoch, asked_at, welcome.lease_ms);
    let (replies, answers) = mpsc::channel(REPLIES_MAX);
    let session = Session {
        worker,
        authority: Arc::new(Authority::new(welcome.node_id, &welcome.capability_keys)),
        epoch: welcome.lease_epoch,
        heartbeats: VecDeque::new(),
        sent: HashSet::new(),
    };
    worker.speak_to(Some(replies));
    let end = session
        .run(&mut to, &mut from, answers, &welcome, stop)
        .await;
    worker.speak_to(None);
    worker.lease.drop_it();
    let _ = timeout(Duration::from_secs(1), to.close()).await;
    (end, true)
}

async fn greet<S>(
    worker: &Worker,
    to: &mut SplitSink<WebSocketStream<S>, Message>,
    from: &mut SplitStream<WebSocketStream<S>>,
) -> Result<Welcome, End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hello = NodeFrame::Hello(Hello {
        protocol: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        spool: worker.spool.id().to_owned(),
        slots: worker.slots(),
        probes: worker.drivers.enforcement().clone(),
        spooled: worker.spool.unacknowledged(),
    });
    send(to, &hello).await?;
    loop {
        match receive(from.next().await)? {
            None => {}
            Some(GatewayFrame::Welcome(welcome)) => return Ok(welcome),
            Some(GatewayFrame::Refused(refused)) => return Err(End::Refused(refused)),
            Some(_) => return Err(End::Lost("the gateway did not begin with a greeting")),
        }
    }
}

struct Session<'a> {
    worker: &'a Arc<Worker>,
    authority: Arc<Authority>,
    epoch: u64,
    /// When the heartbeats were sent that are not answered yet, oldest first.
    heartbeats: VecDeque<Instant>,
    /// The outcomes that were sent on this connection.
    sent: HashSet<JobId>,
}

impl Session<'_> {
    async fn run<S>(
        mut self,
        to: &mut SplitSink<WebSocketStream<S>, Message>,
        from: &mut SplitStream<WebSocketStream<S>>,
        mut answers: mpsc::Receiver<NodeFrame>,
        welcome: &Welcome,
        stop: &CancellationToken,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let pace = welcome
            .heartbeat_ms
            .min(welcome.lease_ms / 3)
            .max(HEARTBEAT_MIN_MS);
        let mut beat = tokio::time::interval(Duration::from_millis(pace));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // A gateway that says nothing for two leases, heartbeats or not, is gone.
        let silence = Duration::from_millis(welcome.lease_ms.max(HEARTBEAT_MIN_MS) * 2);
        let mut heard = TokioInstant::now();
        loop {
            if let Err(end) = self.send_outcomes(to).await {
                return end;
            }
            if self.worker.is_draining() && self.worker.is_idle() {
                return End::Drained;
            }
            let step = tokio::select! {
                message = from.next() => {
                    heard = TokioInstant::now();
                    match receive(message) {
                        Ok(Some(frame)) => self.hear(frame).await,
                        Ok(None) => Ok(None),
                        Err(end) => Err(end),
                    }
                }
                Some(answer) = answers.recv() => Ok(Some(answer)),
                _ = beat.tick() => Ok(Some(self.heartbeat())),
                () = self.worker.finished.notified() => Ok(None),
                () = tokio::time::sleep_until(heard + silence) => {
                    Err(End::Lost("the gateway fell silent"))
                }
                () = stop.cancelled() => Err(End::Stopped),
            };
            let sent = match step {
                Ok(Some(frame)) => send(to, &frame).await,
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// Sends what was kept and not yet acknowledged, once on this connection.
    async fn send_outcomes<S>(
        &mut self,
        to: &mut SplitSink<WebSocketStream<S>, Message>,
    ) -> Result<(), End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let waiting = self.worker.spool.unacknowledged();
        self.sent.retain(|job| waiting.contains(job));
        for job in waiting {
            if !self.sent.contains(&job)
                && let Some(entry) = self.worker.spool.get(job)
            {
                send(to, &known(job, &entry)).await?;
                self.sent.insert(job);
            }
        }
        Ok(())
    }

    fn heartbeat(&mut self) -> NodeFrame {
        // A gateway that answers none of them has lost the lease for us long before the list is long.
        if self.heartbeats.len() >= 1_024 {
            self.heartbeats.pop_front();
        }
        self.heartbeats.push_back(Instant::now());
        NodeFrame::Heartbeat(Heartbeat {
            epoch: self.epoch,
            running: self.worker.running(),
            draining: self.worker.is_draining(),
        })
    }

    async fn hear(&mut self, frame: GatewayFrame) -> Result<Option<NodeFrame>, End> {
        match frame {
            GatewayFrame::Lease(lease) => {
                let asked_at = self.heartbeats.pop_front();
                if let Some(asked_at) = asked_at {
                    self.worker
                        .lease
                        .renew(lease.epoch, asked_at, lease.lease_ms);
                }
                Ok(None)
            }
            GatewayFrame::Dispatch(dispatch) => {
                let (job, epoch) = (dispatch.job, dispatch.epoch);
                let taken = self.worker.dispatch(*dispatch, Arc::clone(&self.authority));
                Ok(taken.unwrap_or_else(|error| Some(refusal(job, epoch, error))))
            }
            GatewayFrame::Ack(JobRef { job }) => {
                if let Err(error) = self.worker.spool.acknowledge(job).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, %job, "an acknowledgement was not kept");
                }
                Ok(None)
            }
            GatewayFrame::Inquire(JobRef { job }) => Ok(Some(self.worker.inquire(job))),
            GatewayFrame::Cancel(JobRef { job }) => {
                Ok((!self.worker.cancel(job)).then(|| self.worker.inquire(job)))
            }
            GatewayFrame::Skill(package) => {
                let worker = Arc::clone(self.worker);
                let digest = package.digest;
                let arrive = move || worker.skills.arrive(digest, package.package.as_deref());
                if let Ok(Err(error)) = tokio::task::spawn_blocking(arrive).await {
                    tracing::warn!(%digest, %error, "a skill was not taken in");
                }
                Ok(None)
            }
            GatewayFrame::Drain(_) => {
                self.worker.drain();
                Ok(None)
            }
            GatewayFrame::Refused(refused) => Err(End::Refused(refused)),
            GatewayFrame::Welcome(_) => Err(End::Lost("the gateway greeted twice")),
        }
    }
}

async fn send<S>(
    to: &mut SplitSink<WebSocketStream<S>, Message>,
    frame: &NodeFrame,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let text = frame.encode().map_err(|error| {
        tracing::error!(%error, "a frame could not be sent");
        End::Lost("a frame could not be written")
    })?;
    match timeout(SENDING, to.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Lost("the connection broke")),
        Err(_) => Err(End::Lost("the gateway does not read")),
    }
}

type Received = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

fn receive(message: Received) -> Result<Option<GatewayFrame>, End> {
    match message {
        None => Err(End::Lost("the gateway closed the connection")),
        Some(Err(error)) => {
            tracing::warn!(%error, "the connection broke");
            Err(End::Lost("the connection broke"))
        }
        Some(Ok(Message::Text(text))) => match GatewayFrame::decode(text.as_str()) {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the gateway sent what is no frame");
                Err(End::Lost("the gateway sent what is no frame"))
            }
        },
        Some(Ok(Message::Close(_))) => Err(End::Lost("the gateway closed the connection")),
        Some(Ok(Message::Binary(_))) => Err(End::Lost("the gateway sent bytes")),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
    }
}
