//! A node in memory: it remembers what it did, as a real one does, and counts it. It acts only on a
//! token that it has verified, and checks that the permission was in the record before it acts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use db::{Faults, OrgContext, params};
use futures::future::BoxFuture;
use policy::capability::{self, Expected, PublicKey};
use protocol::{
    Artifact, Driver, DriverReport, Enforcement, Failure, FailureCode, Level, Outcome, Output,
};
use serde_json::{Value, json};
use tools::node::{Delivery, Job, NodeGateway, NodeReport};
use vocab::{Clock, Digest, JobId, NodeId, OrgId};

/// What the node keeps, and what was seen of it.
#[derive(Default)]
pub struct Memory {
    pub files: BTreeMap<String, String>,
    outcomes: BTreeMap<JobId, Outcome>,
    /// Every change that it made, in order: the tool and the path.
    pub changes: Vec<(String, String)>,
    /// How many jobs it has carried out.
    pub jobs: u32,
    /// Jobs that were there before their permission was in the record.
    pub unrecorded: Vec<JobId>,
    /// Whether it is there.
    pub away: bool,
    /// What it answers instead of doing anything.
    pub refuses: Option<FailureCode>,
}

#[derive(Clone)]
pub struct Node {
    id: NodeId,
    key: PublicKey,
    /// Sees the database from outside, whatever becomes of the process.
    outside: OrgContext,
    memory: Arc<Mutex<Memory>>,
}

impl Node {
    pub fn new(key: PublicKey, outside: OrgContext) -> Self {
        let memory = Memory {
            files: BTreeMap::from([
                ("notes/todo.md".to_owned(), "- buy milk\n".to_owned()),
                ("secrets/key".to_owned(), "hunter2\n".to_owned()),
            ]),
            ..Memory::default()
        };
        Self {
            id: outside.new_id(),
            key,
            outside,
            memory: Arc::new(Mutex::new(memory)),
        }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// The way to this node from a process with these faults.
    pub fn reached_from(&self, faults: Faults) -> Arc<dyn NodeGateway> {
        Arc::new(Way {
            node: self.clone(),
            faults,
        })
    }

    fn verify(&self, job: &Job) -> bool {
        let intent = &job.intent;
        let expected = Expected {
            org: intent.org,
            run: intent.run,
            executor: capability::Executor::Node(self.id),
            tool: &intent.tool,
            intent: intent.digest().unwrap(),
        };
        let now = Clock::system().now();
        capability::verify(std::slice::from_ref(&self.key), &job.token, &expected, now).is_ok()
    }

    async fn is_recorded(&self, job: JobId) -> bool {
        let sql = "SELECT 1 FROM events WHERE org_id = $1 AND kind = 'capability.issued' \
            AND data LIKE $2";
        let mut tx = self.outside.read().await.unwrap();
        let named = format!("%{job}%");
        tx.optional(sql, &params![named]).await.unwrap().is_some()
    }

    async fn perform(&self, job: Job) -> Outcome {
        if let Some(known) = self.memory().outcomes.get(&job.job) {
            return known.clone();
        }
        let recorded = self.is_recorded(job.job).await;
        let verified = self.verify(&job);
        let mut memory = self.memory();
        if !recorded {
            memory.unrecorded.push(job.job);
        }
        if !verified {
            let why = "the token is for something else".to_owned();
            return Outcome::failure(Failure::refused(FailureCode::TokenInvalid, why));
        }
        if let Some(code) = memory.refuses {
            return Outcome::failure(Failure::refused(code, "not now".to_owned()));
        }
        memory.jobs += 1;
        let outcome = memory.act(&job.intent.tool, &job.intent.arguments);
        memory.outcomes.insert(job.job, outcome.clone());
        outcome
    }
}

impl Memory {
    fn act(&mut self, tool: &str, arguments: &Value) -> Outcome {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let path = text("path");
        let missing = || {
            let message = format!("`{path}` is not there");
            Outcome::failure(Failure::executed(FailureCode::NotFound, message))
        };
        match tool {
            "file.list" => {
                let names: Vec<&String> = self.files.keys().collect();
                Outcome::success(Output::Json(json!({ "entries": names })))
            }
            "file.read" => match self.files.get(&path) {
                Some(content) => Outcome::success(Output::Text(content.clone())),
                None => missing(),
            },
            "file.search" => {
                let pattern = text("pattern");
                let found = self.files.values().filter(|it| it.contains(&pattern));
                Outcome::success(Output::Json(json!({ "files": found.count() })))
            }
            "file.write" => {
                self.files.insert(path.clone(), text("content"));
                self.changes.push((tool.to_owned(), path));
                Outcome::success(Output::Text("written".to_owned()))
            }
            "file.edit" => {
                let Some(content) = self.files.get_mut(&path) else {
                    return missing();
                };
                *content = content.replacen(&text("old"), &text("new"), 1);
                self.changes.push((tool.to_owned(), path));
                Outcome::success(Output::Text("edited".to_owned()))
            }
            "artifact.save" => {
                let Some(content) = self.files.get(&path) else {
                    return missing();
                };
                let content = content.clone().into_bytes();
                let artifact = Artifact {
                    path,
                    digest: Digest::of(&content),
                    content,
                };
                Outcome {
                    artifacts: vec![artifact],
                    ..Outcome::success(Output::Text("saved".to_owned()))
                }
            }
            other => panic!("{other} does not come to a node here"),
        }
    }
}

struct Way {
    node: Node,
    faults: Faults,
}

impl NodeGateway for Way {
    fn node_for(&self, _: OrgId, _: &str) -> Option<NodeReport> {
        let files = DriverReport {
            driver: Driver::Files,
            level: Level::Enforced,
            mechanisms: Vec::new(),
            gaps: Vec::new(),
        };
        (!self.node.memory().away).then(|| NodeReport {
            node: self.node.id,
            enforcement: Enforcement::of(vec![files]),
        })
    }

    fn dispatch(&self, _: OrgId, _: NodeId, job: Job) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            if self.faults.pass().is_err() || self.node.memory().away {
                let detail = "the node is away".to_owned();
                return Delivery::NotSent { detail };
            }
            let outcome = self.node.perform(job).await;
            match self.faults.pass() {
                Ok(()) => Delivery::Ended(Box::new(outcome)),
                Err(_) => Delivery::Away,
            }
        })
    }

    fn inquire(&self, _: OrgId, _: NodeId, job: JobId) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            if self.node.memory().away || self.faults.pass().is_err() {
                return Delivery::Away;
            }
            match self.node.memory().outcomes.get(&job) {
                Some(outcome) => Delivery::Ended(Box::new(outcome.clone())),
                None => Delivery::NotSent {
                    detail: "the node never had it".to_owned(),
                },
            }
        })
    }

    fn acknowledge(&self, _: OrgId, _: NodeId, _: JobId) {}

    fn cancel(&self, _: OrgId, _: NodeId, _: JobId) {}
}
