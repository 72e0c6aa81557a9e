//! The waiting transactions of one sender.

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use althing_types::transaction::Envelope;
use althing_types::{Recovered, Transaction, U256};

/// What a transaction takes up among those of its sender: there is one of each at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// An account nonce.
    Nonce(u64),
    /// A randomid (FISCO's format).
    RandomId(U256),
}

impl Slot {
    /// A transaction's.
    pub fn of(transaction: &Transaction) -> Self {
        match transaction.envelope() {
            Envelope::Ethereum(envelope) => Self::Nonce(envelope.nonce()),
            Envelope::Fisco(fisco) => Self::RandomId(fisco.request.random_id),
        }
    }
}

/// A waiting transaction.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) recovered: Recovered,
    /// When it arrived, monotonic milliseconds.
    pub(super) since_ms: u64,
    /// Its place among the executable ones; none while an earlier nonce is missing.
    pub(super) sequence: Option<u64>,
}

/// One sender: the nonce its account is at, what waits by nonce, and what waits for nothing but its turn.
#[derive(Debug, Default)]
pub(super) struct SenderQueue {
    /// The account's next nonce on chain.
    pub(super) next: u64,
    /// Waiting transactions by nonce; none is below `next`.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// Waiting transactions by randomid; all are executable.
    pub(super) unordered: BTreeMap<U256, Waiting>,
}

impl SenderQueue {
    pub(super) fn get(&self, slot: &Slot) -> Option<&Waiting> {
        match slot {
            Slot::Nonce(nonce) => self.waiting.get(nonce),
            Slot::RandomId(id) => self.unordered.get(id),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.unordered.is_empty()
    }

    /// The first nonce at or above the account's that is not there.
    pub(super) fn first_missing(&self) -> u64 {
        let mut expected = self.next;
        for nonce in self.waiting.keys() {
            if *nonce != expected {
                break;
            }
            expected += 1;
        }
        expected
    }

    /// Gives places to what became executable; returns (place, nonce) of each.
    pub(super) fn promote(&mut self, next_sequence: &mut u64) -> Vec<(u64, u64)> {
        let missing = self.first_missing();
        let mut promoted = Vec::new();
        for (nonce, waiting) in self.waiting.range_mut(self.next..missing) {
            if waiting.sequence.is_none() {
                waiting.sequence = Some(*next_sequence);
                promoted.push((*next_sequence, *nonce));
                *next_sequence += 1;
            }
        }
        promoted
    }
}
