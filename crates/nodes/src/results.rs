//! What a node says about jobs, and what of it is believed.
//!
//! A node may speak of a job that was sent to it, under an epoch between the first sending and the
//! present lease. Who that is, is known in memory while somebody waits, and otherwise from the row
//! that was written before the job was sent. The rest is ignored and counted.

use std::sync::Arc;

use db::StoreError;
use protocol::frame::{JobEpoch, JobRef, JobResult};
use protocol::{GatewayFrame, NodeFrame};
use vocab::{Actor, Digest, JobId};

use crate::hub::Claim;
use crate::jobs::Settled;
use crate::live::{Ending, Live};
use crate::outcome;
use crate::service::Inner;
use crate::skills::JobStep;
use crate::store::{self, Acknowledged, SentJob};

/// What a frame means for its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Fine,
    /// It makes no sense; many of these end the connection.
    Strike,
    /// It ends the connection.
    End(Ending),
}

impl Inner {
    pub(crate) async fn handle(&self, live: &Live, frame: NodeFrame, bytes: usize) -> Verdict {
        let verdict = match frame {
            NodeFrame::Result(result) => self.on_result(live, result, bytes).await,
            NodeFrame::Unknown(job) => self.on_unknown(live, job).await,
            NodeFrame::Running(JobEpoch { job, epoch }) if epoch <= live.epoch => {
                self.hub.running(live, job);
                Ok(Verdict::Fine)
            }
            NodeFrame::Running(_) => Ok(Verdict::Strike),
            NodeFrame::Absent(JobRef { job }) => Ok(self.on_absent(live, job)),
            // The connection deals with these itself.
            NodeFrame::Hello(_) | NodeFrame::Heartbeat(_) | NodeFrame::NeedSkill(_) => {
                Ok(Verdict::Strike)
            }
        };
        verdict.unwrap_or_else(|error| {
            // The node sends it again on its next connection, and when it is asked.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, node = %live.node, "what a node said was not looked up");
            Verdict::Fine
        })
    }

    async fn on_result(
        &self,
        live: &Live,
        result: JobResult,
        bytes: usize,
    ) -> Result<Verdict, StoreError> {
        let settled = match outcome::check(&result.outcome) {
            Ok(()) => Settled::Ended(Arc::new(*result.outcome)),
            Err(why) => Settled::Unknown(format!("what the node reported can't be used: {why}")),
        };
        self.on_end(
            live,
            JobEpoch {
                job: result.job,
                epoch: result.epoch,
            },
            settled,
            bytes,
        )
        .await
    }

    async fn on_unknown(&self, live: &Live, job: JobEpoch) -> Result<Verdict, StoreError> {
        let detail = "the node was interrupted while it worked on the job";
        self.on_end(live, job, Settled::Unknown(detail.into()), detail.len())
            .await
    }

    async fn on_end(
        &self,
        live: &Live,
        of: JobEpoch,
        settled: Settled,
        bytes: usize,
    ) -> Result<Verdict, StoreError> {
        if of.epoch > live.epoch {
            return Ok(Verdict::End(Ending::Violation(
                "a lease that was never given is named",
            )));
        }
        let ack = || live.try_send(&GatewayFrame::Ack(JobRef { job: of.job }));
        let sent = match self.hub.claim(live, of.job) {
            Claim::Stale => return Ok(Verdict::Fine),
            Claim::Acknowledged => {
                ack();
                return Ok(Verdict::Fine);
            }
            Claim::Known(sent) => sent,
            Claim::Unclaimed => {
                let found = store::sent(&mut self.authority.system_read().await?, of.job).await?;
                let Some(sent) = found else {
                    // Acknowledged long ago, or never sent: nobody will ever ask for it.
                    ack();
                    return Ok(Verdict::Fine);
                };
                sent
            }
        };
        if sent.node != live.node || of.epoch < sent.epoch {
            tracing::warn!(node = %live.node, job = %of.job, "a node spoke of a job that is not its");
            return Ok(Verdict::Strike);
        }
        self.hub.settle(live, sent.clone(), settled, bytes);
        if self.is_in_journal(&sent).await {
            let done = Acknowledged {
                org: sent.org,
                node: sent.node,
                job: sent.job,
            };
            drop(self.hub.acknowledge(done));
            ack();
        }
        Ok(Verdict::Fine)
    }

    /// Only asked for what arrives when nobody in this process is known to wait: a run that goes on
    /// from its journal never asks for an outcome that it has.
    async fn is_in_journal(&self, sent: &SentJob) -> bool {
        if self.hub.is_awaited(sent.node, sent.job) {
            return false;
        }
        let (Some(ledger), Some((run, step))) = (self.ledger.get(), sent.of) else {
            return false;
        };
        ledger
            .is_settled(
                sent.org,
                JobStep {
                    run,
                    step,
                    job: sent.job,
                },
            )
            .await
    }

    fn on_absent(&self, live: &Live, job: JobId) -> Verdict {
        let Claim::Known(sent) = self.hub.claim(live, job) else {
            return Verdict::Fine;
        };
        // A node whose memory is younger than the job can't know that it never began it.
        let settled = if sent.spool == live.spool {
            Settled::Absent
        } else {
            Settled::Unknown("the node has lost its memory of past jobs".into())
        };
        self.hub.settle(live, sent, settled, 0);
        Verdict::Fine
    }

    /// The skill package that a job on this node needs.
    pub(crate) async fn skill(&self, live: &Live, digest: Digest) -> Option<Vec<u8>> {
        let source = self.skills.get()?;
        let read = async {
            let mut tx = self.authority.system_read().await?;
            store::needs_skill(&mut tx, live.node, digest).await
        };
        let org = match read.await {
            // A node gets what its own jobs name, and nothing else.
            Ok(org) => org.filter(|org| live.serves(*org))?,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, node = %live.node, "a skill was not looked up");
                return None;
            }
        };
        let package = source.package(org, digest).await?;
        (package.len() <= protocol::limits::SKILL_PACKAGE_BYTES_MAX).then_some(package)
    }

    /// The actor of what a connection does.
    pub(crate) fn node_actor(live: &Live) -> Actor {
        Actor {
            node: Some(live.node),
            ..Actor::default()
        }
    }
}
