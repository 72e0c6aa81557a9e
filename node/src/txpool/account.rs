//! The waiting transactions of one sender.

use std::collections::BTreeMap;

use althing_types::Recovered;

/// A waiting transaction.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) recovered: Recovered,
    /// When it arrived, monotonic milliseconds.
    pub(super) since_ms: u64,
    /// Its place among the executable ones; none while an earlier nonce is missing.
    pub(super) sequence: Option<u64>,
}

/// One sender: the nonce its account is at, and what waits by nonce.
#[derive(Debug, Default)]
pub(super) struct SenderQueue {
    /// The account's next nonce on chain.
    pub(super) next: u64,
    /// Waiting transactions by nonce; none is below `next`.
    pub(super) waiting: BTreeMap<u64, Waiting>,
}

impl SenderQueue {
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
