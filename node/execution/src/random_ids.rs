//! The randomids that are used: in FISCO's format they stand where Ethereum's has account nonces (ADR 0025).
//!
//! A transaction may be in a block whose height is neither above its `blockLimit` nor more than [`BLOCK_LIMIT_BLOCKS`] − 1 below it, and in
//! no block after one of the last [`BLOCK_LIMIT_BLOCKS`] that holds the same randomid of the same account. Two blocks that could hold the
//! same transaction are less than [`BLOCK_LIMIT_BLOCKS`] apart, so none is ever in two.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;

use althing_types::{Address, BLOCK_LIMIT_BLOCKS, FiscoTransaction, HashFn, U256};

use crate::InvalidReason;

/// An account's randomid, by 16 bytes of its hash: a busy group remembers a million of them. Whoever finds two that collide can only
/// keep transactions of its own from being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RandomId([u8; 16]);

impl RandomId {
    /// Of this account.
    pub fn new(sender: &Address, number: &U256, hash: HashFn) -> Self {
        let mut bytes = [0; 52];
        let (account, id) = bytes.split_at_mut(20);
        account.copy_from_slice(sender.as_slice());
        id.copy_from_slice(&number.to_be_bytes::<32>());
        let digest = hash(&bytes);
        let mut short = [0; 16];
        short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(short)
    }
}

/// The randomids of the last [`BLOCK_LIMIT_BLOCKS`] blocks.
#[derive(Debug, Default)]
pub struct RandomIds {
    /// The newest block that is in here.
    head: u64,
    used: HashSet<RandomId>,
    blocks: VecDeque<Box<[RandomId]>>,
}

impl RandomIds {
    /// Those of nobody, after a block that is the newest.
    pub fn after(head: u64) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// The heights of the blocks whose randomids matter after this block.
    pub fn remembered(head: u64) -> RangeInclusive<u64> {
        head.saturating_sub(BLOCK_LIMIT_BLOCKS - 1).max(1)..=head
    }

    /// The newest block.
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Follows the next block, which holds these; the oldest block is forgotten.
    pub fn follow(&mut self, block: impl IntoIterator<Item = RandomId>) {
        let block: Box<[RandomId]> = block.into_iter().collect();
        self.head += 1;
        if self.blocks.len() as u64 == BLOCK_LIMIT_BLOCKS {
            for id in self.blocks.pop_front().unwrap_or_default() {
                self.used.remove(&id);
            }
        }
        self.used.extend(&block);
        self.blocks.push_back(block);
    }

    /// Whether one of the last blocks holds it.
    pub fn contains(&self, id: &RandomId) -> bool {
        self.used.contains(id)
    }
}

/// The block limits that a block of this height takes.
pub const fn block_limits(height: u64) -> RangeInclusive<u64> {
    height..=height.saturating_add(BLOCK_LIMIT_BLOCKS - 1)
}

/// Whether a block of this height takes the transaction's limit.
pub fn check_block_limit(transaction: &FiscoTransaction, height: u64) -> Result<(), InvalidReason> {
    let (found, accepted) = (transaction.request.block_limit, block_limits(height));
    match accepted.contains(&found) {
        true => Ok(()),
        false => Err(InvalidReason::BlockLimit {
            found,
            first: *accepted.start(),
            last: *accepted.end(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> RandomId {
        let hash: HashFn = |bytes| alloy_primitives::keccak256(bytes);
        RandomId::new(&Address::ZERO, &U256::from(number), hash)
    }

    #[test]
    fn a_randomid_is_remembered_for_a_thousand_blocks_and_forgotten_then() {
        let mut used = RandomIds::after(7);
        used.follow([id(1), id(2)]);
        used.follow([]);
        for _ in 2..BLOCK_LIMIT_BLOCKS {
            used.follow([]);
            assert!(used.contains(&id(1)) && used.contains(&id(2)));
        }
        assert_eq!(used.head(), 7 + BLOCK_LIMIT_BLOCKS);
        used.follow([id(3)]);
        assert!(!used.contains(&id(1)) && !used.contains(&id(2)) && used.contains(&id(3)));
        assert_eq!(used.blocks.len() as u64, BLOCK_LIMIT_BLOCKS);
        assert_eq!(used.used.len(), 1, "what is forgotten takes no room");
    }

    #[test]
    fn no_transaction_can_be_in_two_blocks() {
        // The last block that takes a limit remembers the first one that does.
        for limit in [BLOCK_LIMIT_BLOCKS, 5_000] {
            let first = limit + 1 - BLOCK_LIMIT_BLOCKS;
            assert!(block_limits(first).contains(&limit) && !block_limits(first - 1).contains(&limit));
            assert!(block_limits(limit).contains(&limit) && !block_limits(limit + 1).contains(&limit));
            assert!(RandomIds::remembered(limit - 1).contains(&first));
        }
    }

    #[test]
    fn accounts_do_not_share_their_randomids() {
        let hash: HashFn = |bytes| alloy_primitives::keccak256(bytes);
        let of = |sender, number: u64| RandomId::new(&Address::repeat_byte(sender), &U256::from(number), hash);
        assert_ne!(of(1, 5), of(2, 5));
        assert_ne!(of(1, 5), of(1, 6));
        assert_eq!(of(1, 5), of(1, 5));
    }
}
