//! The newest blocks, decoded: what clients ask for right after a commit.

use std::collections::VecDeque;
use std::sync::Arc;

use super::StoredBlock;
use crate::records::StoredReceipt;

/// Blocks kept at most.
const BLOCKS_MAX: usize = 16;
/// Encoded bytes of kept blocks and receipts at most; decoded they take about three times as much.
const BYTES_MAX: usize = 4 << 20;

/// A ring of the newest blocks.
#[derive(Debug, Default)]
pub(super) struct RecentBlocks {
    blocks: VecDeque<Recent>,
    bytes: usize,
}

/// A block with its receipts.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    pub(super) block: Arc<StoredBlock>,
    pub(super) receipts: Arc<Vec<StoredReceipt>>,
    pub(super) bytes: usize,
}

impl RecentBlocks {
    pub(super) fn push(&mut self, recent: Recent) {
        self.bytes += recent.bytes;
        self.blocks.push_back(recent);
        while self.blocks.len() > BLOCKS_MAX || (self.bytes > BYTES_MAX && self.blocks.len() > 1) {
            self.bytes -= self.blocks.pop_front().map_or(0, |oldest| oldest.bytes);
        }
    }

    /// Heights follow each other, so that a height is a place.
    pub(super) fn get(&self, height: u64) -> Option<&Recent> {
        let first = self.blocks.front()?.block.block.height();
        self.blocks.get(usize::try_from(height.checked_sub(first)?).ok()?)
    }
}
