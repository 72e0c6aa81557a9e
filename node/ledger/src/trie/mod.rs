//! Ethereum's Merkle Patricia trie (Yellow Paper, appendix D) over nodes stored by their hash.
//!
//! ```text
//! root hash ──load on the way──▶ Node tree ──insert, remove──▶ Node tree ──seal──▶ new nodes by hash, new root hash
//! ```
//!
//! Old nodes stay, so every old root can still be read and proved. The node hash is the edition's, which is why no
//! published trie fits: they are bound to Keccak-256. All keys are 32-byte hashes, so no branch has a value.

mod node;
mod tree;

pub(crate) use tree::{Nodes, Trie, prove};

use althing_types::B256;

use crate::LedgerError;

/// Where stored nodes come from.
pub(crate) trait NodeSource {
    /// The encoded node of a hash; a hash that a stored node names is always there.
    fn node(&self, hash: &B256) -> Result<Vec<u8>, LedgerError>;
}
