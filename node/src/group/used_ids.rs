//! The randomids that the last blocks used (ADR 0025): read from their bodies when the group is opened, and followed with every block that
//! is written, wherever it came from. Leader, voters, sync and pool ask the same value.

use std::sync::Arc;

use althing_execution::{InvalidReason, RandomId, RandomIds, block_limits, check_block_limit};
use althing_ledger::{Ledger, LedgerError};
use althing_types::{Address, Block, FiscoTransaction, HashFn, Recovered};
use parking_lot::{RwLock, RwLockReadGuard};

/// The randomids in use. Clones share them.
#[derive(Clone, Debug)]
pub struct UsedIds {
    hash: HashFn,
    ids: Arc<RwLock<RandomIds>>,
}

impl UsedIds {
    /// Those of the newest blocks of a ledger.
    pub(super) fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let (heights, hash) = (RandomIds::remembered(ledger.head().height), ledger.suite().hash_fn());
        let mut ids = RandomIds::after(heights.start() - 1);
        for height in heights {
            let block = ledger.random_ids(height)?;
            ids.follow(block.iter().map(|(sender, number)| RandomId::new(sender, number, hash)));
        }
        Ok(Self {
            hash,
            ids: Arc::new(RwLock::new(ids)),
        })
    }

    /// Those that count for the block after this one. They are followed by the thread that asks, so that they are of this height.
    pub(super) fn after(&self, parent: u64) -> Result<RwLockReadGuard<'_, RandomIds>, String> {
        let ids = self.ids.read();
        match ids.head() {
            head if head == parent => Ok(ids),
            head => Err(format!(
                "the randomids are those after block {head}, block {} is asked for",
                parent.saturating_add(1)
            )),
        }
    }

    /// What a block uses; to be told to [`Self::follow`] once the block is written.
    pub(super) fn of_block(&self, block: &Block, senders: &[Address]) -> Vec<RandomId> {
        let rows = block.transactions.iter().zip(senders);
        rows.filter_map(|(transaction, sender)| {
            let number = &transaction.fisco()?.request.random_id;
            Some(RandomId::new(sender, number, self.hash))
        })
        .collect()
    }

    /// The next block was written, and used these.
    pub(super) fn follow(&self, block: Vec<RandomId>) {
        self.ids.write().follow(block);
    }

    /// As a node would be that remembered nothing.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        let mut ids = self.ids.write();
        *ids = RandomIds::after(ids.head());
    }

    /// Whether a block can still take a transaction that so many blocks go before, at least.
    pub fn check_limit(&self, transaction: &FiscoTransaction, before: u64) -> Result<(), InvalidReason> {
        let next = self.ids.read().head().saturating_add(1);
        check_block_limit(transaction, next)?;
        let (found, first) = (transaction.request.block_limit, next.saturating_add(before));
        match found < first {
            false => Ok(()),
            true => Err(InvalidReason::BlockLimit {
                found,
                first,
                last: *block_limits(next).end(),
            }),
        }
    }

    /// Whether its sender has not used its randomid.
    pub fn check_id(&self, recovered: &Recovered) -> Result<(), InvalidReason> {
        let Some(fisco) = recovered.transaction.fisco() else {
            return Ok(());
        };
        let number = fisco.request.random_id;
        let id = RandomId::new(&recovered.sender, &number, self.hash);
        match self.ids.read().contains(&id) {
            false => Ok(()),
            true => Err(InvalidReason::RandomIdUsed(number)),
        }
    }
}
