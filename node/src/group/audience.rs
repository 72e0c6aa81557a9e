//! Who hears what goes on in a group: its sealers and observers, and no free node, though it may be connected (LEDGER.md 4). A
//! function of the state after the head, read when the group is opened; it follows every block that is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use althing_execution::governance;
use althing_governance::Governance;
use althing_ledger::Ledger;
use althing_types::{NodeId, StateError};
use arc_swap::ArcSwap;

/// The members of the group after the newest block. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    own: NodeId,
    /// FISCO's `allow_free_node`: whoever is connected hears all of it.
    allow_free_node: bool,
    members: Arc<ArcSwap<BTreeSet<NodeId>>>,
}

impl Audience {
    /// What the state after the head says.
    pub(super) fn of(ledger: &Ledger, own: NodeId, allow_free_node: bool) -> Result<Self, StateError> {
        let found = governance(&ledger.state_latest())?;
        let sealers = || ledger.head().next_sealers.as_slice().iter().copied().collect();
        let members = found.map_or_else(sealers, |found| members(&found));
        Ok(Self::new(own, allow_free_node, members))
    }

    fn new(own: NodeId, allow_free_node: bool, members: BTreeSet<NodeId>) -> Self {
        Self {
            own,
            allow_free_node,
            members: Arc::new(ArcSwap::from_pointee(members)),
        }
    }

    /// Whether a peer hears blocks, votes and transactions.
    pub(crate) fn hears(&self, peer: &NodeId) -> bool {
        self.allow_free_node || self.members.load().contains(peer)
    }

    /// Whether a peer hears how many blocks this node has. Who is no member as far as it knows, because it is new or was away
    /// for long, does not know either who is.
    pub(crate) fn hears_status(&self, peer: &NodeId) -> bool {
        self.hears(peer) || !self.members.load().contains(&self.own)
    }

    /// A block was written that leaves these members behind.
    pub(super) fn set(&self, members: BTreeSet<NodeId>) {
        self.members.store(Arc::new(members));
    }
}

/// Sealers and observers.
pub(super) fn members(governance: &Governance) -> BTreeSet<NodeId> {
    governance.members().keys().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::node;

    #[test]
    fn a_free_node_hears_nothing_from_a_member_and_is_told_by_one_that_is_none_where_it_is() {
        let audience = Audience::new(node(1), false, BTreeSet::from([node(1), node(2)]));
        assert!(audience.hears(&node(2)) && audience.hears_status(&node(2)));
        assert!(!audience.hears(&node(3)) && !audience.hears_status(&node(3)));
        let shared = audience.clone();
        shared.set(BTreeSet::from([node(2)]));
        assert!(!audience.hears(&node(3)) && audience.hears_status(&node(3)));
        shared.set(BTreeSet::from([node(2), node(3)]));
        assert!(audience.hears(&node(3)));
    }

    #[test]
    fn where_free_nodes_are_allowed_everybody_hears_everything() {
        let audience = Audience::new(node(1), true, BTreeSet::from([node(1)]));
        assert!(audience.hears(&node(3)) && audience.hears_status(&node(3)));
    }
}
