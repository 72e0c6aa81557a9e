//! What tests of this room share.

use std::sync::Arc;

use althing_consensus::{ConsensusStatus, Head};
use althing_crypto::{NodeKey, SmSuite, StandardSuite, Suite};
use althing_types::genesis::parse_genesis;
use althing_types::{B256, Genesis, NodeId, SealerSet};

/// An edition, as tests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    Standard,
    Sm,
}

impl Edition {
    pub(super) const ALL: [Self; 2] = [Self::Standard, Self::Sm];

    /// The edition that the last part of a path names.
    pub(super) fn named(path: &str) -> Self {
        match path.rsplit("::").next() {
            Some("standard") => Self::Standard,
            Some("sm") => Self::Sm,
            other => panic!("{other:?} is no edition"),
        }
    }

    pub(super) fn suite(self) -> Arc<dyn Suite> {
        match self {
            Self::Standard => Arc::new(StandardSuite),
            Self::Sm => Arc::new(SmSuite),
        }
    }

    /// A node's key.
    pub(super) fn node_key(self) -> Arc<dyn NodeKey> {
        self.suite().node_key_of(&[7; 32]).unwrap()
    }
}

/// A group of one.
pub(super) fn genesis(edition: Edition, sealer: &NodeId) -> Genesis {
    let text = format!(
        "[consensus]\nconsensus_type=pbft\nmax_trans_num=1000\nconsensus_timeout=3\nnode.0={sealer}\n\n[state]\ntype=storage\n\n\
         [tx]\ngas_limit=300000000\n\n[group]\nid=1\ntimestamp=1767225600000\n\n[chain]\nid=20260\nsm_crypto={}\n",
        edition == Edition::Sm
    );
    parse_genesis("group.1.genesis", &text).unwrap()
}

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
