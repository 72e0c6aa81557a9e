//! Where a consensus stands.

use althing_types::{NodeId, SealerSet};

use crate::Head;

/// Where a consensus stands, for RPC (`getPbftView`, `getConsensusStatus`), metrics and readiness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusStatus {
    /// The last committed block.
    pub head: Head,
    /// The height being decided.
    pub height: u64,
    /// The view inside it.
    pub view: u64,
    /// Who leads this view; none when nobody seals.
    pub leader: Option<NodeId>,
    /// The sealers of this height.
    pub sealers: SealerSet,
    /// Whether this node is one of them.
    pub sealing: bool,
    /// The connected peers of the group, ascending.
    pub connected: Vec<NodeId>,
    /// No vote is sent up to this height, because the vote log was lost.
    pub abstaining_through: Option<u64>,
    /// Whether the group has halted on this node.
    pub halted: bool,
}

impl ConsensusStatus {
    /// Whether this node and the connected sealers together reach quorum.
    pub fn quorum_connected(&self) -> bool {
        let others = self.connected.iter().filter(|peer| self.sealers.contains(peer)).count();
        others + usize::from(self.sealing) >= self.sealers.quorum()
    }
}
