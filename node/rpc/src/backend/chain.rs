//! Committed blocks and what is in them.

use std::sync::Arc;

use althing_types::{Account, Address, B256, Block, Bytes, Header, Log, Receipt, Recovered, U256};

/// A committed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
}

/// A header with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderView {
    /// The block hash.
    pub hash: B256,
    /// The header.
    pub header: Header,
}

/// A block with what its readers need beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// The block hash.
    pub hash: B256,
    /// The block.
    pub block: Arc<Block>,
    /// The senders, one per transaction.
    pub senders: Arc<Vec<Address>>,
}

/// Where a transaction was mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLocation {
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The block's time, seconds since 1970.
    pub timestamp: u64,
    /// The position in the block.
    pub index: u64,
}

/// A transaction with its sender and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedTransaction {
    /// The transaction and who signed it.
    pub recovered: Recovered,
    /// Its place.
    pub location: TransactionLocation,
}

/// A mined transaction with its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedReceipt {
    /// The transaction.
    pub mined: MinedTransaction,
    /// Its receipt.
    pub receipt: Receipt,
    /// How many events the block has before this transaction's.
    pub first_log_index: u64,
}

/// Which events are asked for. Empty lists accept everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The emitting contracts.
    pub addresses: Vec<Address>,
    /// The accepted topics by position, at most four. An event with fewer topics than positions never passes.
    pub topics: Vec<Vec<B256>>,
}

/// An event with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The event.
    pub log: Log,
    /// The transaction that emitted it.
    pub transaction: B256,
    /// Where that transaction is.
    pub location: TransactionLocation,
    /// The position among the block's events.
    pub log_index: u64,
}

/// An EIP-1186 account proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account, empty when it does not exist.
    pub account: Account,
    /// The root of its storage trie.
    pub storage_root: B256,
    /// The trie nodes from the state root to the account.
    pub nodes: Vec<Bytes>,
    /// A proof for each slot asked for, in that order.
    pub slots: Vec<SlotProof>,
}

/// The proof of one storage slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// The trie nodes from the storage root to the slot.
    pub nodes: Vec<Bytes>,
}
