//! Block 0: the one block nobody proposed.

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use althing_types::{B256, Block, Genesis, HashFn, Header, Section};

/// Block 0 of a group: Ethereum's London header, its section holds the genesis hash.
pub(super) fn genesis_block(genesis: &Genesis, genesis_hash: B256, state_root: B256, hash: HashFn) -> Block {
    let section = Section {
        protocol_version: genesis.protocol_version,
        unix_ms: genesis.timestamp_ms,
        proposer: Default::default(),
        next_sealers: genesis.sealers.hash(hash),
        genesis: Some(genesis_hash),
    };
    let header = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: genesis.gas_limit,
        timestamp: genesis.timestamp_ms / 1000,
        extra_data: section.hash(hash).into(),
        base_fee_per_gas: Some(0),
        ..Header::default()
    };
    Block {
        header,
        section,
        transactions: Vec::new(),
    }
}
