//! Proposals decoded once: the consensus thread decodes to describe them, the executor takes what was decoded.

use std::num::NonZeroUsize;
use std::sync::Arc;

use althing_consensus::{Blocks, Described};
use althing_types::{B256, Block, Bytes, DecodeError, HashFn};
use lru::LruCache;
use parking_lot::Mutex;

/// Decoded proposals kept: this height's and a few that arrived early.
const KEPT: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

/// Recently decoded blocks by hash.
#[derive(Debug)]
pub(super) struct BlockCache {
    hash: HashFn,
    decoded: Mutex<LruCache<B256, Arc<Block>>>,
}

impl BlockCache {
    pub(super) fn new(hash: HashFn) -> Self {
        Self {
            hash,
            decoded: Mutex::new(LruCache::new(KEPT)),
        }
    }

    /// The block with this hash, decoded from `bytes` unless it was before.
    pub(super) fn get(&self, hash: &B256, bytes: &Bytes) -> Result<Arc<Block>, DecodeError> {
        if let Some(block) = self.decoded.lock().get(hash) {
            return Ok(Arc::clone(block));
        }
        Block::decode(bytes, self.hash).map(Arc::new)
    }
}

impl Blocks for BlockCache {
    fn describe(&self, bytes: &Bytes) -> Option<Described> {
        let block = Block::decode(bytes, self.hash).ok()?;
        let hash = block.hash(self.hash);
        let described = Described {
            height: block.height(),
            parent: block.header.parent_hash,
            hash,
            unix_ms: block.section.unix_ms,
        };
        self.decoded.lock().put(hash, Arc::new(block));
        Some(described)
    }
}
