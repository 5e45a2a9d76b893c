//! What a node carries out: the job that it gets, and what its outcome means.

use bytes::Bytes;
use db::OrgContext;
use policy::{Enforcement, HasRead};
use protocol::{Driver, Level};
use serde_json::{Value, json};
use vocab::{JobId, NodeId, SessionId, Target, limits};

use super::{Attempted, Broker, Done, Way, refused, storage_failed};
use crate::call::Call;
use crate::node::{Delivery, Job, NodeReport};
use crate::result::ToolResult;

impl Broker {
    /// Sends the intent to a node, which verifies the token itself.
    pub(crate) async fn dispatch(&self, ctx: &OrgContext, way: Way<'_>, node: NodeId) -> Attempted {
        let job = match job(way) {
            Ok(job) => job,
            Err(refusal) => return Done::with(*refusal),
        };
        let delivery = self.nodes.dispatch(ctx.org(), node, job).await;
        self.delivered(ctx, (way.session, &way.intent.target), delivery)
            .await
    }

    /// Asks a node what became of an attempt that an earlier process made.
    pub async fn inquire(
        &self,
        ctx: &OrgContext,
        (session, target): (Option<SessionId>, &Target),
        (node, job): (NodeId, JobId),
    ) -> Attempted {
        let delivery = self.nodes.inquire(ctx.org(), node, job).await;
        self.delivered(ctx, (session, target), delivery).await
    }

    async fn delivered(
        &self,
        ctx: &OrgContext,
        (session, target): (Option<SessionId>, &Target),
        delivery: Delivery,
    ) -> Attempted {
        let outcome = match delivery {
            Delivery::Ended(outcome) => *outcome,
            Delivery::Away => return Attempted::NodeAway,
            Delivery::NotSent { detail } => return Attempted::NotSent { detail },
            Delivery::Unknown { detail } => {
                return Attempted::Unknown {
                    detail,
                    limit: None,
                };
            }
        };
        if let Some(failure) = outcome.error.as_ref().filter(|it| turned_away(it)) {
            return Attempted::NotSent {
                detail: failure.message.clone(),
            };
        }
        let mut artifacts = Vec::with_capacity(outcome.artifacts.len());
        for artifact in &outcome.artifacts {
            let name = artifact_name(target, &artifact.path);
            let media = media_of(&artifact.content);
            let bytes = Bytes::from(artifact.content.clone());
            match self.vault.content.prepare(ctx, session, media, bytes).await {
                Ok(prepared) => artifacts.push((name, prepared)),
                Err(error) => return Done::with(storage_failed(&error)),
            }
        }
        let result = node_result(outcome);
        Attempted::Done(Box::new(Done {
            result,
            artifacts,
            secrets_used: Vec::new(),
            has_read: HasRead::default(),
        }))
    }
}

/// The name of an artifact that came from a node: the one that was decided on, or, for what a skill
/// left behind, its path, made fit for a name.
fn artifact_name(target: &Target, path: &str) -> String {
    if let Target::Artifact { name, .. } = target {
        return name.clone();
    }
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    path.chars()
        .map(shown)
        .take(limits::NAME_CHARS_MAX)
        .collect()
}

fn media_of(content: &[u8]) -> &'static str {
    match std::str::from_utf8(content) {
        Ok(_) => "text/plain",
        Err(_) => "application/octet-stream",
    }
}

/// Whether the node did not begin the job for a reason that has nothing to do with the job: the
/// same intent goes out again, under a new token, once the node is in order.
fn turned_away(failure: &protocol::Failure) -> bool {
    use protocol::FailureCode as Code;
    let passing = matches!(
        failure.code,
        Code::StaleEpoch
            | Code::LeaseLost
            | Code::Draining
            | Code::NodeBusy
            | Code::SpoolUnavailable
    );
    passing && !failure.executed
}

fn node_result(outcome: protocol::Outcome) -> ToolResult {
    let mut output = match outcome.output {
        Some(protocol::Output::Text(text)) => Value::String(text),
        Some(protocol::Output::Json(value)) => value,
        None => Value::Null,
    };
    if outcome.exit_code.is_some() || outcome.stdout.is_some() {
        output = json!({
            "exit_code": outcome.exit_code,
            "stdout": outcome.stdout.unwrap_or_default(),
            "stderr": outcome.stderr.unwrap_or_default(),
            "usage": outcome.usage,
        });
    }
    let mut result = match outcome.error {
        None => ToolResult::success(output),
        Some(failure) => {
            let mut result =
                ToolResult::failure(failure.code.as_str(), failure.message, failure.retryable);
            result.output = (!output.is_null()).then_some(output);
            result
        }
    };
    result.truncated = outcome.truncated;
    result.duration_ms = outcome.duration_ms;
    result
}

/// What a node really enforces for this call.
pub(crate) fn enforcement(call: &Call, report: &NodeReport) -> Enforcement {
    let level = match call.target {
        Target::File { .. } | Target::Artifact { .. } => level(report, &[Driver::Files]),
        Target::Http { .. }
        | Target::Process { .. }
        | Target::Skill { .. }
        | Target::Agent { .. }
        | Target::Model { .. }
        | Target::Secret { .. }
        | Target::Nothing => level(report, &[Driver::Namespaces, Driver::Docker]),
    };
    match level {
        Level::Unavailable | Level::Advisory => Enforcement::Advisory,
        Level::Partial => Enforcement::Partial,
        Level::Enforced => Enforcement::Enforced,
    }
}

fn level(report: &NodeReport, drivers: &[Driver]) -> Level {
    let levels = drivers
        .iter()
        .filter_map(|driver| report.enforcement.driver(*driver));
    levels
        .map(|report| report.level)
        .max()
        .unwrap_or(Level::Unavailable)
}

/// What a node gets for an intent. Code that is not ours never runs without a sandbox.
fn job(way: Way<'_>) -> Result<Job, Box<ToolResult>> {
    let (workspace, workspace_access) = match &way.intent.target {
        Target::File { workspace, .. } => (workspace, protocol::Access::Write),
        Target::Process { workspace, .. } => (workspace, protocol::Access::Write),
        Target::Skill { workspace, .. } => (workspace, protocol::Access::Read),
        Target::Artifact {
            source: Some(source),
            ..
        } => (&source.workspace, protocol::Access::Read),
        Target::Http { .. }
        | Target::Artifact { source: None, .. }
        | Target::Agent { .. }
        | Target::Model { .. }
        | Target::Secret { .. }
        | Target::Nothing => return Err(refused("TARGET_MISMATCH", "no node works on this").into()),
    };
    let enforcement = match &way.intent.target {
        Target::File { .. } | Target::Artifact { .. } => Level::Enforced,
        Target::Process { .. }
        | Target::Skill { .. }
        | Target::Http { .. }
        | Target::Agent { .. }
        | Target::Model { .. }
        | Target::Secret { .. }
        | Target::Nothing => Level::Partial,
    };
    let workspace = workspace.parse().map_err(|_| {
        refused(
            "ARGUMENTS_INVALID",
            &format!("`{workspace}` is not the name of a workspace"),
        )
    })?;
    Ok(Job {
        job: way.job,
        epoch: 0,
        token: way.token.to_owned(),
        intent: way.intent.clone(),
        workspace,
        limits: protocol::JobLimits::default(),
        grants: protocol::Grants {
            network: false,
            workspace: workspace_access,
        },
        requirements: protocol::Requirements {
            enforcement,
            driver: None,
        },
    })
}
