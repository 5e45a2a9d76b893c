//! One connection from its first frame to its end.
//!
//! Two tasks: this one reads, and a writer sends what is queued. Whatever ends the connection does
//! so by [`Live::end`], which both see at once; the first reason stands and is recorded.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use db::StoreError;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use protocol::frame::{Heartbeat, Lease, Refused, SkillPackage};
use protocol::{GatewayFrame, NodeFrame, RefusalCode, Welcome};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use vocab::{Actor, Digest, Draft, EventKind};

use crate::greeting::{self, Refusal};
use crate::limits::{OUTGOING_FRAMES_MAX, SEEN_EVERY, SKILLS_IN_FLIGHT_MAX, STRIKES_MAX};
use crate::live::{Ending, Live};
use crate::registry::commit_for_shared;
use crate::results::Verdict;
use crate::service::{Inner, Nodes};
use crate::store::{self, Admitted, Granted, Greeting};

/// How long the closing words may take.
const GOODBYE: Duration = Duration::from_secs(2);

type Outgoing = SplitSink<WebSocket, Message>;
type Incoming = SplitStream<WebSocket>;

/// Serves a node's connection until it ends.
pub(crate) async fn serve(nodes: Nodes, mut socket: WebSocket, admitted: Admitted) {
    let inner = &nodes.0;
    let greeted = match greet(inner, &mut socket, &admitted).await {
        Ok(greeted) => greeted,
        Err((code, message)) => return refuse(socket, code, message).await,
    };
    let (live, queue) = greeted;
    let (sink, stream) = socket.split();
    let mut writer = JoinSet::new();
    writer.spawn(write(Arc::clone(&live), sink, queue, inner.timing.lease));
    if let Err(why) = inner.hub.register(&live) {
        live.end(why);
    } else {
        let told = inner
            .on_connected
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        told.iter().for_each(|told| told(live.node, live.org));
    }
    Reader::new(inner, &live).run(stream).await;
    inner.hub.unregister(&live);
    drop(timeout(GOODBYE, writer.join_next()).await);
    let ending = live.ending().borrow().unwrap_or(Ending::Lost);
    if let Err(error) = record_end(inner, &live, ending).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, node = %live.node, "the end of a connection was not recorded");
    }
}

/// From an open socket to a lease; the welcome is in the queue then.
async fn greet(
    inner: &Inner,
    socket: &mut WebSocket,
    admitted: &Admitted,
) -> Result<(Arc<Live>, mpsc::Receiver<String>), Refusal> {
    if admitted.revoked {
        return Err((RefusalCode::NodeRevoked, "the node was revoked"));
    }
    if !inner.hub.may_connect(admitted.node) {
        return Err((
            RefusalCode::Unavailable,
            "the node connects too often; try again later",
        ));
    }
    let first = timeout(inner.timing.hello, socket.recv()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        return Err((RefusalCode::Other, "no hello came in time"));
    };
    let greeting = greeting::read(&text)?;
    let granted = match take_lease(inner, admitted, &greeting).await {
        Ok(Some(granted)) => granted,
        Ok(None) => return Err((RefusalCode::NodeRevoked, "the node was revoked")),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, node = %admitted.node, "a node got no lease");
            return Err((
                RefusalCode::Unavailable,
                "the gateway can't give a lease at present",
            ));
        }
    };
    let (outgoing, queue) = mpsc::channel(OUTGOING_FRAMES_MAX);
    let live = Live::new(
        admitted.node,
        (admitted.org, granted.epoch),
        (greeting.spool, greeting.introduction),
        outgoing,
    );
    live.try_send(&GatewayFrame::Welcome(Welcome {
        node_id: live.node,
        lease_epoch: live.epoch,
        lease_ms: millis(inner.timing.lease),
        heartbeat_ms: millis(inner.timing.heartbeat),
        capability_keys: (inner.capability_keys)(),
    }));
    Ok((Arc::new(live), queue))
}

/// Learns where the organisation's workspaces are, before the node can be chosen for one; then gives
/// the node its next lease, on disk and in the record.
async fn take_lease(
    inner: &Inner,
    admitted: &Admitted,
    greeting: &Greeting,
) -> Result<Option<Granted>, StoreError> {
    let node = admitted.node;
    if let Some(org) = admitted.org {
        let places = store::places_of(&mut inner.authority.system_read().await?, org).await?;
        inner.hub.pins(|pins| pins.load(org, places));
    }
    let now = inner.authority.db().clock().now();
    let actor = Actor {
        node: Some(node),
        ..Actor::default()
    };
    let mut tx = inner.authority.system_write(actor).await?;
    let Some(granted) = store::take_lease(&mut tx, node, greeting, now).await? else {
        return Ok(None);
    };
    let level = serde_json::to_value(greeting.introduction.enforcement.level).ok();
    let event = Draft::new(EventKind::NodeConnected, node)
        .fact("name", granted.name.clone())
        .fact("epoch", granted.epoch)
        .fact("version", greeting.introduction.version.clone())
        .fact_if("enforcement", level);
    match admitted.org {
        Some(org) => {
            tx.record_for(org, event);
            tx.commit().await?;
        }
        None => commit_for_shared(tx, event.fact("shared", true)).await?,
    }
    Ok(Some(granted))
}

async fn record_end(inner: &Inner, live: &Live, why: Ending) -> Result<(), StoreError> {
    let now = inner.authority.db().clock().now();
    let mut tx = inner
        .authority
        .system_write(Inner::node_actor(live))
        .await?;
    store::disconnected(&mut tx, live.node, store::integer(live.epoch), now).await?;
    let event = Draft::new(EventKind::NodeDisconnected, live.node)
        .fact("epoch", live.epoch)
        .fact("reason", why.as_str());
    match live.org {
        Some(org) => {
            tx.record_for(org, event);
            tx.commit().await
        }
        None => commit_for_shared(tx, event.fact("shared", true)).await,
    }
}

/// Sends what is queued until the connection ends, and then the closing words.
async fn write(
    live: Arc<Live>,
    mut sink: Outgoing,
    mut queue: mpsc::Receiver<String>,
    patience: Duration,
) {
    let mut ending = live.ending();
    let why = loop {
        let text = tokio::select! {
            biased;
            why = ending_of(&mut ending) => break why,
            text = queue.recv() => text,
        };
        let Some(text) = text else { break Ending::Lost };
        let sent = tokio::select! {
            biased;
            why = ending_of(&mut ending) => break why,
            sent = timeout(patience, sink.send(Message::text(text))) => sent,
        };
        if !matches!(sent, Ok(Ok(()))) {
            live.end(Ending::Lost);
            return;
        }
    };
    drop(timeout(GOODBYE, say_goodbye(&mut sink, why)).await);
}

async fn say_goodbye(sink: &mut Outgoing, why: Ending) -> Result<(), axum::Error> {
    let message = why.refusal().map_or("", |(_, message)| message);
    if let Some((code, message)) = why.refusal() {
        let frame = GatewayFrame::Refused(Refused {
            code,
            message: message.to_owned(),
        });
        if let Ok(text) = frame.encode() {
            sink.feed(Message::text(text)).await?;
        }
    }
    let close = CloseFrame {
        code: why.close_code(),
        reason: message.into(),
    };
    sink.send(Message::Close(Some(close))).await
}

async fn refuse(mut socket: WebSocket, code: RefusalCode, message: &'static str) {
    let frame = GatewayFrame::Refused(Refused {
        code,
        message: message.to_owned(),
    });
    let close = CloseFrame {
        code: 1008,
        reason: message.into(),
    };
    let goodbye = async {
        if let Ok(text) = frame.encode() {
            socket.send(Message::text(text)).await?;
        }
        socket.send(Message::Close(Some(close))).await
    };
    drop(timeout(GOODBYE, goodbye).await);
}

async fn ending_of(ending: &mut watch::Receiver<Option<Ending>>) -> Ending {
    // The sender lives in `Live`, which outlives both tasks.
    ending
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|why| *why)
        .unwrap_or(Ending::Lost)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The reading side of a connection.
struct Reader {
    inner: Arc<Inner>,
    live: Arc<Live>,
    strikes: u32,
    /// When the lease was last checked against the database.
    checked_at: Option<Instant>,
    /// When the row last said that the node was seen.
    seen_at: Instant,
    skills: JoinSet<()>,
}

impl Reader {
    fn new(inner: &Arc<Inner>, live: &Arc<Live>) -> Self {
        Self {
            inner: Arc::clone(inner),
            live: Arc::clone(live),
            strikes: 0,
            checked_at: None,
            seen_at: Instant::now(),
            skills: JoinSet::new(),
        }
    }

    async fn run(mut self, mut stream: Incoming) {
        let mut ending = self.live.ending();
        let mut silent_at = Instant::now() + self.inner.timing.lease;
        loop {
            let step = async {
                let verdict = match timeout_at(silent_at, stream.next()).await {
                    Err(_) => Verdict::End(Ending::Silent),
                    Ok(message) => self.on_message(message).await,
                };
                silent_at = Instant::now() + self.inner.timing.lease;
                verdict
            };
            // What comes after the end is not heard: a revoked node is cut off in the middle.
            let verdict = tokio::select! {
                biased;
                _ = ending_of(&mut ending) => return,
                verdict = step => verdict,
            };
            match verdict {
                Verdict::Fine => {}
                Verdict::Strike => {
                    self.strikes += 1;
                    if self.strikes > STRIKES_MAX {
                        self.live
                            .end(Ending::Violation("too many frames make no sense"));
                    }
                }
                Verdict::End(why) => self.live.end(why),
            }
        }
    }

    async fn on_message(&mut self, message: Option<Result<Message, axum::Error>>) -> Verdict {
        match message {
            None => Verdict::End(Ending::Lost),
            // An oversized message and a broken connection look alike here; both end it.
            Some(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a connection broke"
                );
                Verdict::End(Ending::Lost)
            }
            Some(Ok(Message::Close(_))) => Verdict::End(Ending::Closed),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Verdict::Fine,
            Some(Ok(Message::Binary(_))) => {
                Verdict::End(Ending::Violation("a frame is binary, and frames are text"))
            }
            Some(Ok(Message::Text(text))) => match NodeFrame::decode(&text) {
                Ok(frame) => self.on_frame(frame, text.len()).await,
                Err(_) => Verdict::End(Ending::Violation("a frame can't be read")),
            },
        }
    }

    async fn on_frame(&mut self, frame: NodeFrame, bytes: usize) -> Verdict {
        match frame {
            NodeFrame::Hello(_) => Verdict::End(Ending::Violation("a second hello")),
            NodeFrame::Heartbeat(heartbeat) => self.on_heartbeat(heartbeat).await,
            NodeFrame::NeedSkill(skill) => {
                self.fetch(skill.digest).await;
                Verdict::Fine
            }
            frame @ (NodeFrame::Result(_)
            | NodeFrame::Unknown(_)
            | NodeFrame::Running(_)
            | NodeFrame::Absent(_)) => self.inner.handle(&self.live, frame, bytes).await,
        }
    }

    async fn on_heartbeat(&mut self, heartbeat: Heartbeat) -> Verdict {
        if heartbeat.epoch != self.live.epoch {
            return Verdict::End(Ending::Violation("a heartbeat names another lease"));
        }
        self.live.note(heartbeat.running, heartbeat.draining);
        if let Some(why) = self.lost_lease().await {
            return Verdict::End(why);
        }
        let lease = Lease {
            epoch: self.live.epoch,
            lease_ms: millis(self.inner.timing.lease),
        };
        match self.live.send(&GatewayFrame::Lease(lease)).await {
            Ok(()) => Verdict::Fine,
            Err(_) => Verdict::End(Ending::Lost),
        }
    }

    /// Whether another process of the control plane gave the node a later lease or revoked it.
    ///
    /// A database that is away ends no connection: nobody can take the lease while it is.
    async fn lost_lease(&mut self) -> Option<Ending> {
        let now = Instant::now();
        let lately = |at: Instant| now - at < self.inner.timing.heartbeat / 2;
        if self.checked_at.is_some_and(lately) {
            return None;
        }
        self.checked_at = Some(now);
        match self.check_lease(now).await {
            Ok(Some(epoch)) if epoch == self.live.epoch => None,
            Ok(Some(_)) => Some(Ending::TakenOver),
            Ok(None) => Some(Ending::Revoked),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, node = %self.live.node, "a lease was not checked");
                None
            }
        }
    }

    async fn check_lease(&mut self, now: Instant) -> Result<Option<u64>, StoreError> {
        let (authority, node) = (&self.inner.authority, self.live.node);
        let epoch = store::lease_epoch(&mut authority.system_read().await?, node).await?;
        if now - self.seen_at >= SEEN_EVERY {
            self.seen_at = now;
            let at = authority.db().clock().now();
            let mut tx = authority
                .system_write(Inner::node_actor(&self.live))
                .await?;
            store::seen(&mut tx, node, store::integer(self.live.epoch), at).await?;
            tx.commit_unrecorded("when a node was last seen").await?;
        }
        Ok(epoch)
    }

    /// Answers a node's wish for a skill package beside the reading of further frames.
    async fn fetch(&mut self, digest: Digest) {
        while self.skills.len() >= SKILLS_IN_FLIGHT_MAX {
            self.skills.join_next().await;
        }
        let (inner, live) = (Arc::clone(&self.inner), Arc::clone(&self.live));
        self.skills.spawn(async move {
            let package = inner.skill(&live, digest).await;
            let frame = GatewayFrame::Skill(SkillPackage { digest, package });
            // A connection that has ended needs no skill.
            drop(live.send(&frame).await);
        });
    }
}
