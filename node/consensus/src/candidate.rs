//! Blocks as the consensus sees them: opaque bytes with a fixed hash.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// An encoded block that its leader has already executed (its header is complete, state root included), so its hash is
/// fixed when it is proposed and stays when a later view proposes it again.
///
/// On the wire only `bytes` travel; the other fields come from [`Blocks::describe`].
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Candidate {
    /// The block's height.
    pub height: u64,
    /// The hash of the block before it.
    pub parent: B256,
    /// The block's hash.
    pub hash: B256,
    /// The block's time in milliseconds since 1970.
    pub unix_ms: u64,
    /// The encoded block.
    pub bytes: Bytes,
}

/// What a block's bytes say about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// The block's height.
    pub height: u64,
    /// The hash of the block before it.
    pub parent: B256,
    /// The hash, recomputed from the bytes, never read from them.
    pub hash: B256,
    /// The block's time in milliseconds since 1970.
    pub unix_ms: u64,
}

/// The shell's reading of block bytes: the consensus never decodes them itself.
pub trait Blocks {
    /// Decodes a block of outside bytes: bounded, its body bound to its header. None when the bytes are no block.
    fn describe(&self, bytes: &Bytes) -> Option<Described>;
}

impl<F: Fn(&Bytes) -> Option<Described>> Blocks for F {
    fn describe(&self, bytes: &Bytes) -> Option<Described> {
        self(bytes)
    }
}

impl Candidate {
    /// The candidate these bytes are, if they are a block.
    pub fn describe(bytes: Bytes, blocks: &dyn Blocks) -> Option<Self> {
        let Described {
            height,
            parent,
            hash,
            unix_ms,
        } = blocks.describe(&bytes)?;
        Some(Self {
            height,
            parent,
            hash,
            unix_ms,
            bytes,
        })
    }
}
