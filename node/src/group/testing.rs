//! What tests of this room share.

use althing_consensus::{ConsensusStatus, Head};
use althing_types::{B256, NodeId, SealerSet};

pub(super) fn node(number: u8) -> NodeId {
    NodeId::new([number; 64])
}

/// Node 1 at height 10 among the sealers 1 to 4, connected to 2 and 3.
pub(super) fn consensus() -> ConsensusStatus {
    ConsensusStatus {
        head: Head {
            height: 10,
            hash: B256::ZERO,
            unix_ms: 0,
        },
        height: 11,
        view: 0,
        leader: None,
        sealers: SealerSet::new((1..=4).map(node).collect::<Vec<_>>()),
        sealing: true,
        connected: vec![node(2), node(3)],
        abstaining_through: None,
        halted: false,
    }
}
