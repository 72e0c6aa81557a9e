//! The simulator's blocks: as small as a block can be while everything that can be wrong with one can be wrong.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use althing_consensus::{Blocks, Candidate, Described, Head};
use althing_crypto::HashFn;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Block {
    /// The height.
    pub height: u64,
    /// The hash of the block before it.
    pub parent: B256,
    /// Its time.
    pub unix_ms: u64,
    /// The identity that made it.
    pub proposer: u8,
    /// Makes otherwise equal blocks differ.
    pub salt: u64,
    /// Stands for a wrong state root: execution finds out.
    pub corrupt: bool,
    /// The transactions, by number.
    pub transactions: Vec<u64>,
}

impl Block {
    /// Block 0.
    pub fn genesis() -> Self {
        let transactions = Vec::new();
        Self {
            height: 0,
            parent: B256::ZERO,
            unix_ms: 0,
            proposer: 0,
            salt: 0,
            corrupt: false,
            transactions,
        }
    }

    /// The bytes.
    pub fn encode(&self) -> Bytes {
        alloy_rlp::encode(self).into()
    }

    /// The block of these bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        alloy_rlp::decode_exact(bytes).ok()
    }

    /// The candidate this block is.
    pub fn candidate(&self, hash: HashFn) -> Candidate {
        let bytes = self.encode();
        let Self {
            height,
            parent,
            unix_ms,
            ..
        } = *self;
        Candidate {
            height,
            parent,
            hash: hash(&bytes),
            unix_ms,
            bytes,
        }
    }

    /// The head a ledger has with this block on top.
    pub fn head(&self, hash: HashFn) -> Head {
        Head {
            height: self.height,
            hash: hash(&self.encode()),
            unix_ms: self.unix_ms,
        }
    }
}

/// Describes block bytes as a node's shell does.
#[derive(Clone, Copy, Debug)]
pub struct Reader(pub HashFn);

impl Blocks for Reader {
    fn describe(&self, bytes: &Bytes) -> Option<Described> {
        let Block {
            height,
            parent,
            unix_ms,
            ..
        } = Block::decode(bytes)?;
        Some(Described {
            height,
            parent,
            hash: (self.0)(bytes),
            unix_ms,
        })
    }
}
