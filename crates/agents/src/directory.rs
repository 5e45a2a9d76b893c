//! What runs look up by name.

use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use runs::AgentSnapshot;
use vocab::{AgentId, Digest};

use crate::model::AgentState;
use crate::{skills, store};

/// The registry, as the run engine asks it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Directory;

impl runs::Directory for Directory {
    /// The agent of this name, if it may start a run now.
    fn agent<'a>(
        &'a self,
        ctx: &'a OrgContext,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<(AgentId, AgentSnapshot)>, StoreError>> {
        Box::pin(async move {
            let found = store::by_name(&mut ctx.read().await?, name).await?;
            let active = found.filter(|agent| agent.state == AgentState::Active);
            Ok(active.map(|agent| (agent.id, agent.snapshot())))
        })
    }

    /// The digest of the package that runs under this name now.
    fn skill<'a>(
        &'a self,
        ctx: &'a OrgContext,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Digest>, StoreError>> {
        Box::pin(async move { skills::digest(&mut ctx.read().await?, name).await })
    }
}
