//! Where workspaces are, in memory.
//!
//! The database decides where a workspace is; this remembers what it said. For an organisation that
//! has a node of its own there is a choice, so all its places are loaded before the first question.
//! For the others there is only the shared node; their places are remembered, up to a bound, to
//! spare a write.

use std::collections::HashMap;

use vocab::{NodeId, OrgId};

use crate::limits::PLACES_REMEMBERED_MAX;
use crate::store::Place;

/// What is known of the places of workspaces.
#[derive(Default)]
pub(crate) struct Pins {
    /// Organisations with a node of their own, all of whose places are here.
    complete: HashMap<OrgId, HashMap<String, NodeId>>,
    /// Some places of the others.
    others: HashMap<(OrgId, String), NodeId>,
}

impl Pins {
    /// Takes all places of all organisations that have a node of their own.
    pub(crate) fn load_all(&mut self, orgs: Vec<OrgId>, places: Vec<Place>) {
        self.others.clear();
        self.complete = orgs.into_iter().map(|org| (org, HashMap::new())).collect();
        for place in places {
            if let Some(known) = self.complete.get_mut(&place.org) {
                known.insert(place.workspace, place.node);
            }
        }
    }

    /// Takes all places of one organisation.
    pub(crate) fn load(&mut self, org: OrgId, places: Vec<Place>) {
        let places = places
            .into_iter()
            .map(|place| (place.workspace, place.node));
        self.complete.insert(org, places.collect());
    }

    /// The node that holds a workspace, as far as is known.
    pub(crate) fn get(&self, org: OrgId, workspace: &str) -> Option<NodeId> {
        match self.complete.get(&org) {
            Some(places) => places.get(workspace).copied(),
            None => self.others.get(&(org, workspace.to_owned())).copied(),
        }
    }

    pub(crate) fn remember(&mut self, org: OrgId, workspace: &str, node: NodeId) {
        if let Some(places) = self.complete.get_mut(&org) {
            places.insert(workspace.to_owned(), node);
            return;
        }
        if self.others.len() >= PLACES_REMEMBERED_MAX {
            self.others.clear();
        }
        self.others.insert((org, workspace.to_owned()), node);
    }

    /// A revoked node holds nothing any more.
    pub(crate) fn release(&mut self, org: OrgId, node: NodeId) {
        if let Some(places) = self.complete.get_mut(&org) {
            places.retain(|_, holder| *holder != node);
        }
        self.others
            .retain(|(owner, _), holder| *owner != org || *holder != node);
    }
}

#[cfg(test)]
mod tests {
    use vocab::{Clock, Random};

    use super::*;

    #[test]
    fn what_was_loaded_is_all_there_is_and_a_revoked_node_holds_nothing() {
        let (clock, random) = (Clock::system(), Random::seeded(1));
        let org = OrgId::generate(&clock, &random);
        let (node, other) = (
            NodeId::generate(&clock, &random),
            NodeId::generate(&clock, &random),
        );
        let mut pins = Pins::default();
        pins.remember(org, "a", node);
        assert_eq!(pins.get(org, "a"), Some(node));
        pins.load(
            org,
            vec![Place {
                org,
                workspace: "b".into(),
                node: other,
            }],
        );
        assert_eq!(pins.get(org, "a"), None);
        assert_eq!(pins.get(org, "b"), Some(other));
        pins.remember(org, "a", node);
        pins.release(org, other);
        assert_eq!((pins.get(org, "a"), pins.get(org, "b")), (Some(node), None));
        pins.load_all(
            Vec::new(),
            vec![Place {
                org,
                workspace: "c".into(),
                node,
            }],
        );
        assert_eq!((pins.get(org, "a"), pins.get(org, "c")), (None, None));
    }
}
