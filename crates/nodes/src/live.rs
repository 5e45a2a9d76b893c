//! One live connection, as the rest of the gateway sees it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use protocol::{FrameError, GatewayFrame, RefusalCode};
use tokio::sync::{mpsc, watch};
use vocab::{NodeId, OrgId};

use crate::model::Introduction;

/// A node that is connected to this process.
pub(crate) struct Live {
    pub node: NodeId,
    pub org: Option<OrgId>,
    pub epoch: u64,
    pub spool: String,
    pub introduction: Introduction,
    draining: AtomicBool,
    running: AtomicU32,
    outgoing: mpsc::Sender<String>,
    ending: watch::Sender<Option<Ending>>,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The node closed it.
    Closed,
    /// It broke.
    Lost,
    /// The node said nothing for the length of its lease.
    Silent,
    /// Another connection of the same node took its place.
    TakenOver,
    /// The node was revoked.
    Revoked,
    /// The node broke the protocol.
    Violation(&'static str),
    /// This process is going away.
    Shutdown,
}

impl Ending {
    /// The name in the record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::TakenOver => "taken_over",
            Self::Revoked => "revoked",
            Self::Violation(_) => "protocol_violation",
            Self::Shutdown => "shutdown",
        }
    }

    /// What the node is told, if it is still listening.
    pub(crate) const fn refusal(self) -> Option<(RefusalCode, &'static str)> {
        match self {
            Self::Closed | Self::Lost | Self::Silent => None,
            Self::TakenOver => Some((
                RefusalCode::NodeConnected,
                "another connection took this node's place",
            )),
            Self::Revoked => Some((RefusalCode::NodeRevoked, "the node was revoked")),
            Self::Violation(what) => Some((RefusalCode::Other, what)),
            Self::Shutdown => Some((RefusalCode::Unavailable, "the gateway is going away")),
        }
    }

    /// The WebSocket close code (RFC 6455, 7.4.1).
    pub(crate) const fn close_code(self) -> u16 {
        match self {
            Self::Closed | Self::Lost => 1000,
            Self::Silent | Self::TakenOver | Self::Revoked | Self::Violation(_) => 1008,
            Self::Shutdown => 1001,
        }
    }
}

/// The connection has ended.
#[derive(Debug)]
pub(crate) struct Gone;

impl Live {
    pub(crate) fn new(
        node: NodeId,
        lease: (Option<OrgId>, u64),
        greeting: (String, Introduction),
        outgoing: mpsc::Sender<String>,
    ) -> Self {
        let ((org, epoch), (spool, introduction)) = (lease, greeting);
        let (draining, running) = (AtomicBool::new(false), AtomicU32::new(0));
        let ending = watch::Sender::new(None);
        Self {
            node,
            org,
            epoch,
            spool,
            introduction,
            draining,
            running,
            outgoing,
            ending,
        }
    }

    /// Whether it may work for this organisation.
    pub(crate) fn serves(&self, org: OrgId) -> bool {
        self.org.is_none_or(|owner| owner == org)
    }

    /// Notes what a heartbeat says.
    pub(crate) fn note(&self, running: u32, draining: bool) {
        self.running.store(running, Ordering::Relaxed);
        self.draining.store(draining, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How busy it said it was, to choose among several.
    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }

    /// Puts a frame's text into the queue, waiting for room.
    pub(crate) async fn send_text(&self, text: String) -> Result<(), Gone> {
        let mut ending = self.ending.subscribe();
        tokio::select! {
            biased;
            _ = ending.wait_for(Option::is_some) => Err(Gone),
            sent = self.outgoing.send(text) => sent.map_err(|_| Gone),
        }
    }

    /// Puts a frame into the queue, waiting for room.
    pub(crate) async fn send(&self, frame: &GatewayFrame) -> Result<(), Gone> {
        match frame.encode() {
            Ok(text) => self.send_text(text).await,
            Err(error) => {
                log_unsent(&error);
                Ok(())
            }
        }
    }

    /// Puts a frame into the queue if there is room: for what the node asks again for anyway.
    pub(crate) fn try_send(&self, frame: &GatewayFrame) {
        match frame.encode() {
            // A full queue or a closed one: both mean that the node will ask again.
            Ok(text) => drop(self.outgoing.try_send(text)),
            Err(error) => log_unsent(&error),
        }
    }

    /// Ends the connection. The first reason stands.
    pub(crate) fn end(&self, why: Ending) {
        self.ending.send_if_modified(|ending| {
            let first = ending.is_none();
            if first {
                *ending = Some(why);
            }
            first
        });
    }

    pub(crate) fn ending(&self) -> watch::Receiver<Option<Ending>> {
        self.ending.subscribe()
    }
}

fn log_unsent(error: &FrameError) {
    tracing::error!(
        error = error as &(dyn std::error::Error + 'static),
        "a frame was not sent"
    );
}
