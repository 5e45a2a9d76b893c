//! Tools: what agents can do, and the one road on which they do it.
//!
//! A tool has a name, a schema, an effect that policies decide on, and an executor. A call of it
//! goes over the stations of [`road`]: intend, decide, ask, permit, attempt, record. This crate has
//! the stations; the run engine walks them and writes down what each one said. Policies
//! ([`policies`]), approvals and the grants they leave ([`approvals`]), HTTP tools that an
//! organisation configures ([`http_tools`]), and how much it may do with tools ([`plans`]) live here with
//! their storage and their routes.
//!
//! Invariants
//! - Nothing is carried out without a capability token that whoever executes has verified against
//!   the digest of the very arguments it is about to use.
//! - No policy, no decision: a set that can't be loaded or does not compile denies everything.
//! - A granted approval is spent once, under the revision of the policies that asked.
//! - Whatever leaves was counted against the limits of its organisation before it left.
//! - A secret enters a request at egress and leaves no trace in results: they are masked.
//!
//! Deliberately absent: the run's journal (`runs`), the transport to nodes (`nodes` implements
//! [`node::NodeGateway`]), and any way around the road.

pub mod approvals;
mod broker;
mod call;
pub mod http;
pub mod http_tools;
pub mod model;
pub mod node;
pub mod output;
pub mod plans;
pub mod policies;
mod result;
mod road;
pub mod skill;
mod spec;
mod store;

pub use approvals::{Answer, Approval, ApprovalError, Grant, Status};
pub use broker::{Attempted, Broker, Done};
pub use call::{AgentArguments, Call, CallError, Surroundings};
pub use policies::{InForce, NewPolicy, Policies, Policy, PolicyError};
pub use result::{ToolError, ToolResult};
pub use road::{Asker, Permit, Road, RoadError, Ruling, Rulings, detected};
pub use spec::{Executor, Reads, ToolSpec, builtin, builtins};

use db::{OrgContext, StoreError, WriteTx};
use vocab::{ApprovalId, Timestamp};

/// Reads one request for approval.
///
/// # Errors
/// The database.
pub async fn find_approval(
    ctx: &OrgContext,
    id: ApprovalId,
) -> Result<Option<Approval>, StoreError> {
    store::approval(&mut ctx.read().await?, id).await
}

/// One page of requests for approval, the newest first.
///
/// # Errors
/// The database.
pub async fn list_approvals(
    ctx: &OrgContext,
    status: Option<Status>,
    before: Option<ApprovalId>,
    limit: u32,
) -> Result<Vec<Approval>, StoreError> {
    store::approvals(ctx, status, before, limit).await
}

/// How many requests of all organisations wait for an answer.
///
/// # Errors
/// The database.
pub async fn pending_approvals(authority: &db::Authority) -> Result<u64, StoreError> {
    store::pending_approvals(authority).await
}

/// Every grant that holds, the newest first.
///
/// # Errors
/// The database.
pub async fn list_grants(ctx: &OrgContext) -> Result<Vec<Grant>, StoreError> {
    store::all_grants(ctx).await
}

/// Spends a granted approval within the transaction that issues the capability; false if it is not
/// granted or was spent before.
///
/// # Errors
/// The database.
pub async fn spend_approval(
    tx: &mut WriteTx,
    id: ApprovalId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    store::spend_approval(tx, id, now).await
}

/// Ends a request for approval that nobody answered.
///
/// # Errors
/// The database.
pub async fn close_approval(
    tx: &mut WriteTx,
    id: ApprovalId,
    status: Status,
) -> Result<(), StoreError> {
    store::close_approval(tx, id, status).await
}
