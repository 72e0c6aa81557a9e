//! The memory all groups of a node share, so that many groups cost what one does.

use rocksdb::{Cache, WriteBufferManager};

/// Bounds of [`SharedMemory`], bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Blocks, indexes and filters read from disk, all groups together.
    pub block_cache: usize,
    /// Writes not yet flushed to sorted files, all groups together.
    pub write_buffers: usize,
    /// Hot accounts, slots and code of one group.
    pub state_cache: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            block_cache: 32 << 20,
            write_buffers: 32 << 20,
            state_cache: 16 << 20,
        }
    }
}

/// The block cache and the write buffers that all groups of a process share. Cloning shares.
#[derive(Clone)]
pub struct SharedMemory {
    pub(super) cache: Cache,
    pub(super) write_buffers: WriteBufferManager,
    limits: MemoryLimits,
}

impl SharedMemory {
    /// Memory within these limits.
    pub fn new(limits: MemoryLimits) -> Self {
        Self {
            cache: Cache::new_lru_cache(limits.block_cache),
            write_buffers: WriteBufferManager::new_write_buffer_manager(limits.write_buffers, false),
            limits,
        }
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> MemoryLimits {
        self.limits
    }
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self::new(MemoryLimits::default())
    }
}

impl std::fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedMemory")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
