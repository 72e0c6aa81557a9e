//! Blocks: an Ethereum-shaped header, its section, the transactions (LEDGER.md 2).

use std::sync::Arc;

use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use crate::codec::{BLOCK_BYTES_MAX, bounded};
use crate::{B256, Bytes, DecodeError, HashFn, Header, NodeId, Transaction};

/// What a block says beyond Ethereum's header; its hash is the header's `extraData`.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub struct Section {
    /// The protocol version this block was made under.
    pub protocol_version: u32,
    /// The block's time in milliseconds since 1970.
    pub unix_ms: u64,
    /// The proposer's nodeID; empty in block 0.
    pub proposer: Bytes,
    /// [`crate::SealerSet::hash`] of the sealers of the next height.
    pub next_sealers: B256,
    /// Block 0 only: the hash of the canonical genesis document.
    pub genesis: Option<B256>,
}

impl Section {
    /// The hash that goes into `extraData`.
    pub fn hash(&self, hash: HashFn) -> B256 {
        hash(&alloy_rlp::encode(self))
    }

    /// Who proposed the block; none for block 0.
    pub fn proposer(&self) -> Option<NodeId> {
        <[u8; 64]>::try_from(&self.proposer[..]).ok().map(NodeId::new)
    }
}

/// A block as it is proposed, voted on, stored and synchronised. Signatures never enter it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The hashed header.
    pub header: Header,
    /// The section its `extraData` commits to.
    pub section: Section,
    /// The transactions in order.
    pub transactions: Vec<Arc<Transaction>>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Wire {
    header: Header,
    section: Section,
    transactions: Vec<Bytes>,
}

impl Block {
    /// The block hash: the edition's hash of the header's RLP, as Ethereum clients recompute it in the standard edition.
    pub fn hash(&self, hash: HashFn) -> B256 {
        header_hash(&self.header, hash)
    }

    /// The block's height.
    pub const fn height(&self) -> u64 {
        self.header.number
    }

    /// The bytes of the block on the wire and on disk.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            header: self.header.clone(),
            section: self.section.clone(),
            transactions: self.transactions.iter().map(|t| t.raw().clone()).collect(),
        };
        let mut out = Vec::with_capacity(wire.length());
        wire.encode(&mut out);
        out
    }

    /// Reads a block: bounded, every transaction decoded, the section bound to the header. Roots are not checked here.
    pub fn decode(bytes: &[u8], hash: HashFn) -> Result<Self, DecodeError> {
        bounded("a block", bytes, BLOCK_BYTES_MAX)?;
        let mut rest = bytes;
        let wire = Wire::decode(&mut rest).map_err(|e| DecodeError::malformed("a block", e))?;
        if !rest.is_empty() {
            return Err(DecodeError::malformed(
                "a block",
                format!("{} bytes follow it", rest.len()),
            ));
        }
        if wire.header.extra_data[..] != wire.section.hash(hash)[..] {
            return Err(DecodeError::malformed(
                "a block",
                "extraData is not the hash of the section",
            ));
        }
        let transactions = wire
            .transactions
            .into_iter()
            .map(|raw| Transaction::decode(raw, hash).map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            header: wire.header,
            section: wire.section,
            transactions,
        })
    }
}

/// The hash of a header: the edition's hash of its RLP.
pub fn header_hash(header: &Header, hash: HashFn) -> B256 {
    hash(&alloy_rlp::encode(header))
}
