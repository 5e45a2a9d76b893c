//! Enrolling, listing and revoking.

use db::{OrgContext, StoreError, WriteTx};
use vocab::{
    Actor, Digest, Draft, EventKind, ExposeSecret, Id, NodeId, OrgId, SecretString, Timestamp,
    limits,
};

use crate::error::NodesError;
use crate::limits::{NODES_PER_ORG_MAX, SEEN_EVERY};
use crate::live::Ending;
use crate::model::{Node, NodeStatus};
use crate::service::Nodes;
use crate::{credential, store};

/// A node that is about to be enrolled: nothing is done until [`Enrolment::commit`].
pub struct Enrolment {
    /// The node.
    pub node: Node,
    /// What it will show to be let in. It is not stored, and can't be shown again.
    pub credential: SecretString,
    tx: WriteTx,
}

impl Enrolment {
    /// The transaction, for what is to be committed together with it.
    pub fn tx(&mut self) -> &mut WriteTx {
        &mut self.tx
    }

    /// Enrols the node.
    ///
    /// # Errors
    /// The database.
    pub async fn commit(self) -> Result<(Node, SecretString), NodesError> {
        self.tx.commit().await?;
        Ok((self.node, self.credential))
    }
}

/// The node that runs beside the server.
pub struct LocalNode {
    /// Its id.
    pub id: NodeId,
    /// What it shows to be let in.
    pub credential: SecretString,
    /// Whether the credential is another than the one that was handed in.
    pub fresh: bool,
}

impl Nodes {
    /// Prepares the enrolment of a node of the caller's organisation.
    ///
    /// # Errors
    /// A name that does not fit or is taken, too many nodes, or the database.
    pub async fn enrol(&self, ctx: &OrgContext, name: &str) -> Result<Enrolment, NodesError> {
        check_name(name)?;
        let (credential, digest) = credential::generate(ctx.random());
        let node = Node {
            id: ctx.new_id(),
            org: Some(ctx.org()),
            name: name.to_owned(),
            status: NodeStatus::Enrolled,
            lease_epoch: 0,
            introduction: None,
            created_at: ctx.now(),
            last_seen_at: None,
            revoked_at: None,
        };
        let mut tx = ctx.write().await?;
        if store::count(&mut tx).await? >= NODES_PER_ORG_MAX {
            return Err(NodesError::TooMany {
                limit: NODES_PER_ORG_MAX,
            });
        }
        store::insert(&mut tx, &node, digest)
            .await
            .map_err(|error| match error {
                conflict if conflict.is_conflict_on("name") => {
                    NodesError::NameTaken(name.to_owned())
                }
                other => NodesError::Store(other),
            })?;
        tx.record(enrolled(node.id, name));
        Ok(Enrolment {
            node,
            credential,
            tx,
        })
    }

    /// The nodes that may work for the caller's organisation: its own and the shared one, oldest
    /// first, without the revoked ones; at most `limit` of those that come after `after`.
    ///
    /// # Errors
    /// The database.
    pub async fn list(
        &self,
        ctx: &OrgContext,
        after: Option<NodeId>,
        limit: u32,
    ) -> Result<Vec<Node>, NodesError> {
        let mut nodes = store::list(&mut ctx.read().await?, after, limit).await?;
        for node in &mut nodes {
            self.freshen(node, ctx.now());
        }
        Ok(nodes)
    }

    /// A node of the caller's organisation or of the installation.
    ///
    /// # Errors
    /// [`NodesError::NotFound`], or the database.
    pub async fn get(&self, ctx: &OrgContext, id: NodeId) -> Result<Node, NodesError> {
        let found = store::get(&mut ctx.read().await?, id).await?;
        let mut node = found.ok_or(NodesError::NotFound(id))?;
        self.freshen(&mut node, ctx.now());
        Ok(node)
    }

    /// Revokes a node of the caller's organisation and cuts its connection at once. Its workspaces
    /// get a new place when they are used next. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`NodesError::NotFound`], [`NodesError::Shared`], or the database.
    pub async fn revoke(&self, ctx: &OrgContext, id: NodeId) -> Result<(), NodesError> {
        let mut tx = ctx.write().await?;
        let found = store::get_own(&mut tx, id)
            .await?
            .ok_or(NodesError::NotFound(id))?;
        if found.org.is_none() {
            return Err(NodesError::Shared(id));
        }
        if store::revoke(&mut tx, id, ctx.now()).await? {
            tx.record(Draft::new(EventKind::NodeRevoked, id).fact("name", found.name));
            tx.commit().await?;
        }
        self.0.cut(id, Ending::Revoked);
        self.0.hub.pins(|pins| pins.release(ctx.org(), id));
        Ok(())
    }

    /// The installation's own node, which serves every organisation. If `stored` is its credential,
    /// that stays; otherwise it gets a new one and whoever held the old one is cut off.
    ///
    /// # Errors
    /// The database.
    pub async fn enrol_local(&self, stored: Option<SecretString>) -> Result<LocalNode, NodesError> {
        const NAME: &str = "local";
        let stored = stored.and_then(|text| {
            credential::digest(text.expose_secret().trim())
                .map(|digest| (SecretString::from(text.expose_secret().trim()), digest))
        });
        let db = self.0.authority.db();
        let mut tx = self
            .0
            .authority
            .system_write(Actor::system("nodes"))
            .await?;
        let found = store::shared(&mut tx, NAME).await?;
        if let (Some((credential, digest)), Some((id, known))) = (stored, found)
            && digest == known
        {
            return Ok(LocalNode {
                id,
                credential,
                fresh: false,
            });
        }
        let (credential, digest) = credential::generate(db.random());
        let id = match found {
            Some((id, _)) => {
                store::replace_credential(&mut tx, id, digest).await?;
                id
            }
            None => {
                let id = Id::generate(db.clock(), db.random());
                store::insert_shared(&mut tx, id, NAME, digest, db.clock().now()).await?;
                id
            }
        };
        let event = enrolled(id, NAME).fact("shared", true);
        commit_for_shared(tx, event).await?;
        self.0.cut(id, Ending::Revoked);
        Ok(LocalNode {
            id,
            credential,
            fresh: true,
        })
    }

    /// A process that was killed leaves its nodes as connected behind: believe it only while the
    /// node is connected here or was seen by some process lately.
    fn freshen(&self, node: &mut Node, now: Timestamp) {
        let seen_lately = |at: Timestamp| now.since(at) < SEEN_EVERY * 3;
        if node.status == NodeStatus::Connected
            && !self.is_connected(node.id)
            && !node.last_seen_at.is_some_and(seen_lately)
        {
            node.status = NodeStatus::Disconnected;
        }
    }
}

fn enrolled(id: NodeId, name: &str) -> Draft {
    Draft::new(EventKind::NodeEnrolled, id).fact("name", name)
}

fn check_name(name: &str) -> Result<(), NodesError> {
    let chars = name.chars().count();
    let fits = (1..=limits::NAME_CHARS_MAX).contains(&chars)
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    if fits {
        Ok(())
    } else {
        Err(NodesError::NameInvalid)
    }
}

/// Commits a change to a shared node with its event in the oldest organisation's record.
pub(crate) async fn commit_for_shared(
    mut tx: db::SystemWrite,
    event: Draft,
) -> Result<(), StoreError> {
    let recorder: Option<OrgId> = store::oldest_org(&mut tx).await?;
    match recorder {
        Some(org) => {
            tx.record_for(org, event);
            tx.commit().await
        }
        None => {
            tx.commit_unrecorded("a shared node before the first organisation")
                .await
        }
    }
}

/// What a digest of a credential opens.
pub(crate) async fn admit(
    nodes: &Nodes,
    credential: Digest,
) -> Result<Option<store::Admitted>, StoreError> {
    store::admit(&mut nodes.0.authority.system_read().await?, credential).await
}
