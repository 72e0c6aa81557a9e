//! What a block says to its transactions before any of them ran.

use althing_governance::SystemConfig;
use althing_types::{Address, Genesis, GroupId, HashFn, NodeId};

/// What a block may hold (LEDGER.md 2): as genesis says, and what was voted on since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Transactions.
    pub transactions: u32,
    /// Bytes of all transactions as they were signed.
    pub bytes: u64,
    /// Gas: what one transaction may be given, and what all of them together may *use*.
    pub gas: u64,
}

impl Limits {
    /// Those of a block that is held to this configuration.
    pub const fn new(config: &SystemConfig, block_bytes: u64) -> Self {
        Self {
            transactions: config.transactions,
            bytes: block_bytes,
            gas: config.gas,
        }
    }
}

/// One of the ways in which a block is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Limit {
    /// By count.
    #[error("transactions")]
    Transactions,
    /// By bytes.
    #[error("bytes of transactions")]
    Bytes,
    /// By gas used.
    #[error("gas used")]
    Gas,
    /// By the time its making may take: the caller's flag was raised.
    #[error("time")]
    Time,
}

/// The numbers a transaction is signed for: Ethereum's have the first, FISCO's the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainIds {
    /// The chain id of the group's EVM.
    pub evm: u64,
    /// The consortium's chain id.
    pub chain: u64,
    /// The group.
    pub group: GroupId,
}

impl ChainIds {
    /// Those of a group.
    pub const fn of(genesis: &Genesis) -> Self {
        Self {
            evm: genesis.evm_chain_id,
            chain: genesis.chain_id,
            group: genesis.group_id,
        }
    }
}

/// A block as its transactions see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Height.
    pub number: u64,
    /// Time in milliseconds since 1970; contracts see whole seconds.
    pub unix_ms: u64,
    /// What `COINBASE` gives: [`beneficiary`] of the proposer. Nothing is ever paid to it.
    pub beneficiary: Address,
    /// Whose transactions it may hold; `CHAINID` gives the EVM's.
    pub ids: ChainIds,
    /// What the block may hold; `GASLIMIT` gives the gas.
    pub limits: Limits,
    /// How long view 0 may last, milliseconds: told to who asks the system configuration.
    pub timeout_ms: u64,
}

impl BlockContext {
    /// The system configuration that the block is held to.
    pub(crate) const fn in_force(&self) -> SystemConfig {
        SystemConfig {
            transactions: self.limits.transactions,
            gas: self.limits.gas,
            timeout_ms: self.timeout_ms,
        }
    }

    /// The timestamp in seconds, as the header has it.
    pub const fn timestamp(&self) -> u64 {
        self.unix_ms / 1000
    }
}

/// The address a proposer goes by in headers and in `COINBASE`: the last 20 bytes of the edition's hash of its nodeID, as
/// an account's address is made of its public key. Zero in block 0, which nobody proposed.
pub fn beneficiary(proposer: Option<&NodeId>, hash: HashFn) -> Address {
    proposer.map_or(Address::ZERO, |node| Address::from_word(hash(node.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beneficiary_is_the_hash_of_the_proposers_node_id() {
        let hash: HashFn = |bytes| alloy_primitives::keccak256(bytes);
        let node = NodeId::new([7; 64]);
        assert_eq!(beneficiary(Some(&node), hash), Address::from_raw_public_key(&[7; 64]));
        assert_eq!(beneficiary(None, hash), Address::ZERO);
    }

    #[test]
    fn contracts_see_whole_seconds_rounded_down() {
        let limits = Limits {
            transactions: 1,
            bytes: 1,
            gas: 1,
        };
        let block = BlockContext {
            number: 1,
            unix_ms: 1_999,
            beneficiary: Address::ZERO,
            ids: ChainIds {
                evm: 1,
                chain: 1,
                group: GroupId::try_from(1).unwrap(),
            },
            limits,
            timeout_ms: 3_000,
        };
        assert_eq!(block.timestamp(), 1);
    }
}
