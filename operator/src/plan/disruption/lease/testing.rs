//! A genesis for tests.

use std::collections::BTreeSet;

use althing_types::genesis::{
    Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, GAS_LIMIT_DEFAULT, Genesis, StateKind,
};
use althing_types::{GroupId, NodeId, SealerSet};

/// Of a group of these sealers, without a committee.
pub(super) fn genesis(sealers: &[NodeId]) -> Genesis {
    Genesis {
        protocol_version: 1,
        chain_id: 20_260,
        group_id: GroupId::try_from(1).unwrap(),
        cryptography: Cryptography::Standard,
        timestamp_ms: 0,
        consensus: ConsensusConfig {
            kind: ConsensusKind::Pbft,
            max_transactions: 1_000,
            timeout_ms: 3_000,
            heartbeat_ms: None,
        },
        sealers: SealerSet::new(sealers.to_vec()),
        state: StateKind::Storage,
        evm_chain_id: 1,
        evm_hash: EvmHash::Keccak256,
        gas_limit: GAS_LIMIT_DEFAULT,
        block_bytes: 4 << 20,
        committee: Committee {
            seats: vec![],
            threshold: 0,
        },
        predeploys: BTreeSet::new(),
    }
}
