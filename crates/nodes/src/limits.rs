//! Bounds of the gateway.

use std::time::Duration;

/// How many nodes that are not revoked an organisation has at most.
pub const NODES_PER_ORG_MAX: u32 = 1_000;
/// How many nodes are connected to one process at most.
pub const LIVE_NODES_MAX: usize = 4_096;
/// How long a node has for its first frame.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How many frames wait to be sent to one node.
pub const OUTGOING_FRAMES_MAX: usize = 32;
/// How many connections a node may make in a row before it has to wait for
/// [`CONNECTS_REFILL`] between two.
pub const CONNECTS_BURST: u32 = 20;
/// How often another connection is allowed once the burst is used up.
pub const CONNECTS_REFILL: Duration = Duration::from_secs(2);
/// How many frames that make no sense a connection may send before it is closed.
pub const STRIKES_MAX: u32 = 32;
/// How many skill packages are being fetched for one node at once.
pub const SKILLS_IN_FLIGHT_MAX: usize = 4;
/// How long an answer may take when a node that is connected is asked about a job.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How much longer than its own time limit a job may take before the node is asked about it.
pub const OVERDUE_GRACE: Duration = Duration::from_secs(60);
/// How often a node's row says when it was last seen.
pub const SEEN_EVERY: Duration = Duration::from_secs(30);

/// The most that outcomes for which nobody waits hold in memory, in bytes as they came.
pub const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most outcomes for which nobody waits.
pub const KEPT_OUTCOMES_MAX: usize = 4_096;
/// How many workspaces' places one process remembers for organisations without nodes of their own.
pub const PLACES_REMEMBERED_MAX: usize = 50_000;
/// How many acknowledged jobs wait for their rows to be deleted; beyond it the oldest wait for the
/// daily sweep.
pub const FORGET_BACKLOG_MAX: usize = 10_000;
/// How long acknowledged jobs are gathered before their rows are deleted together.
pub const FORGET_EVERY: Duration = Duration::from_secs(1);
/// How long the row of a job is kept that nobody acknowledges.
pub const JOB_ROW_TTL: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest version and spool name that a node may give, in bytes.
pub const LABEL_BYTES_MAX: usize = 128;
/// The largest report on what a node enforces, as JSON, in bytes.
pub const ENFORCEMENT_BYTES_MAX: usize = 64 * 1024;
/// The most jobs that a node is believed to work on at once.
pub const SLOTS_MAX: u32 = 1_024;
