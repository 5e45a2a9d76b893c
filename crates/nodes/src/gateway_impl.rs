//! The broker's view of the gateway.

use futures::future::BoxFuture;
use tools::node::{Delivery, Job, NodeGateway, NodeReport};
use vocab::{JobId, NodeId, OrgId};

use crate::dispatch::Fate;
use crate::service::Nodes;

impl From<Fate> for Delivery {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Ended(outcome) => Self::Ended(outcome),
            Fate::Away => Self::Away,
            Fate::NotSent { detail } => Self::NotSent { detail },
            Fate::Unknown { detail } => Self::Unknown { detail },
        }
    }
}

impl NodeGateway for Nodes {
    fn node_for(&self, org: OrgId, workspace: &str) -> Option<NodeReport> {
        let report = Self::node_for(self, org, workspace)?;
        Some(NodeReport {
            node: report.node,
            enforcement: report.enforcement,
        })
    }

    fn dispatch(&self, org: OrgId, node: NodeId, job: Job) -> BoxFuture<'_, Delivery> {
        Box::pin(async move { Self::dispatch(self, org, node, job).await.into() })
    }

    fn inquire(&self, org: OrgId, node: NodeId, job: JobId) -> BoxFuture<'_, Delivery> {
        Box::pin(async move { Self::inquire(self, org, node, job).await.into() })
    }

    fn acknowledge(&self, org: OrgId, node: NodeId, job: JobId) {
        Self::acknowledge(self, org, node, job);
    }

    fn cancel(&self, org: OrgId, node: NodeId, job: JobId) {
        Self::cancel(self, org, node, job);
    }
}
