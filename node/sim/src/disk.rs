//! A node's disk: the vote log, where only what was reported durable survives a crash for certain, and the ledger.

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Head, PersistId, Record};
use althing_crypto::HashFn;
use althing_types::CommitCertificate;

use crate::block::Block;
use crate::dice::Dice;

/// The vote log.
#[derive(Debug, Default)]
pub struct VoteLog {
    durable: Vec<(u64, Bytes)>,
    unsynced: Vec<(PersistId, u64, Bytes)>,
    /// The planted mistake: locks are reported durable and were never written.
    pub forgets_locks: bool,
}

impl VoteLog {
    /// Appends a record, not yet durable.
    pub fn append(&mut self, id: PersistId, height: u64, record: Bytes) {
        self.unsynced.push((id, height, record));
    }

    /// A log that says that votes are free, as every log does once its group has begun.
    pub fn begin(&mut self) {
        let word = Record::Abstain { through: 0 };
        self.durable.push((word.height(), word.encode().into()));
    }

    /// Makes this record and everything before it durable.
    pub fn sync(&mut self, id: PersistId) {
        let later = self.unsynced.partition_point(|(unsynced, ..)| *unsynced <= id);
        let synced: Vec<_> = self
            .unsynced
            .drain(..later)
            .map(|(_, height, record)| (height, record))
            .collect();
        let kept = |record: &Bytes| !self.forgets_locks || !matches!(Record::decode(record), Ok(Record::Commit { .. }));
        self.durable
            .extend(synced.into_iter().filter(|(_, record)| kept(record)));
    }

    /// Drops what the ledger has passed.
    pub fn prune(&mut self, height: u64) {
        self.durable.retain(|(of, _)| *of > height);
    }

    /// A crash: of what was not yet durable any prefix may have reached the disk, the rest is torn off: whether
    /// there was any.
    pub fn crash(&mut self, dice: &mut Dice) -> bool {
        let survivors = dice.index(self.unsynced.len() + 1);
        if let Some((id, ..)) = survivors.checked_sub(1).and_then(|last| self.unsynced.get(last)) {
            self.sync(*id);
        }
        let torn = !self.unsynced.is_empty();
        self.unsynced.clear();
        torn
    }

    /// Everything is gone.
    pub fn lose(&mut self) {
        self.durable.clear();
        self.unsynced.clear();
    }

    /// Through which height the log says to abstain.
    pub fn abstains_through(&self) -> Option<u64> {
        Record::abstention(&self.read())
    }

    /// What a start reads.
    pub fn read(&self) -> Vec<Record> {
        self.durable
            .iter()
            .filter_map(|(_, record)| Record::decode(record).ok())
            .collect()
    }
}

/// A committed block as it is stored and synchronised.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The block.
    pub block: Block,
    /// Its hash.
    pub hash: B256,
    /// Its certificate.
    pub certificate: CommitCertificate,
    /// Which set of sealers follows it, as the node that stores it found by executing it.
    pub epoch: usize,
}

/// The ledger: every block is durable when it is written.
#[derive(Debug)]
pub struct Ledger {
    genesis: Head,
    blocks: Vec<Stored>,
}

impl Ledger {
    /// The ledger with block 0 only.
    pub fn new(hash: HashFn) -> Self {
        Self {
            genesis: Block::genesis().head(hash),
            blocks: Vec::new(),
        }
    }

    /// The last block.
    pub fn head(&self) -> Head {
        self.blocks.last().map_or(self.genesis, |stored| Head {
            height: stored.block.height,
            hash: stored.hash,
            unix_ms: stored.block.unix_ms,
        })
    }

    /// Which set of sealers seals the next block.
    pub fn epoch(&self) -> usize {
        self.blocks.last().map_or(0, |stored| stored.epoch)
    }

    /// Writes the next block.
    pub fn write(&mut self, stored: Stored) {
        self.blocks.push(stored);
    }

    /// The blocks above a height, a few of them.
    pub fn above(&self, height: u64) -> Vec<Stored> {
        let from = usize::try_from(height).unwrap_or(usize::MAX);
        self.blocks.iter().skip(from).take(16).cloned().collect()
    }

    /// Whether a transaction is in it.
    pub fn includes(&self, transaction: u64) -> bool {
        self.blocks
            .iter()
            .any(|stored| stored.block.transactions.contains(&transaction))
    }

    /// Everything is gone.
    pub fn lose(&mut self) {
        self.blocks.clear();
    }
}
