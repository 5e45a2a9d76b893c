//! The way to nodes, as the broker needs it. The `nodes` crate implements it.

use futures::future::BoxFuture;
use protocol::{Dispatch, Enforcement, Outcome};
use vocab::{JobId, NodeId, OrgId};

/// Sends jobs to nodes and hears what became of them.
pub trait NodeGateway: Send + Sync {
    /// The node that would carry out work in this workspace, and what it really enforces; `None`
    /// while no such node is connected.
    fn node_for(&self, org: OrgId, workspace: &str) -> Option<NodeReport>;

    /// Sends a job and waits for its outcome. Sending a job that the node knows does not repeat it.
    fn dispatch(&self, org: OrgId, node: NodeId, job: Job) -> BoxFuture<'_, Delivery>;

    /// Asks a node what became of a job that was sent before, perhaps by an earlier process.
    fn inquire(&self, org: OrgId, node: NodeId, job: JobId) -> BoxFuture<'_, Delivery>;

    /// Says that an outcome is in the journal, so that the node may forget it.
    fn acknowledge(&self, org: OrgId, node: NodeId, job: JobId);

    /// Asks a node to stop a job.
    fn cancel(&self, org: OrgId, node: NodeId, job: JobId);
}

/// A job before the gateway gives it the lease's epoch: [`Dispatch`] with `epoch` 0, which the
/// gateway sets.
pub type Job = Dispatch;

/// A connected node.
#[derive(Debug, Clone)]
pub struct NodeReport {
    /// Which one.
    pub node: NodeId,
    /// What it probed that it can enforce.
    pub enforcement: Enforcement,
}

/// What became of a job, as far as the gateway knows.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// It came to an end.
    Ended(Box<Outcome>),
    /// The node is away and the job may be under way there: ask again when it is back.
    Away,
    /// The job never reached the node.
    NotSent {
        /// Why, for people.
        detail: String,
    },
    /// The node is there and does not know how the job ended, or never had it.
    Unknown {
        /// Why, for people.
        detail: String,
    },
}
