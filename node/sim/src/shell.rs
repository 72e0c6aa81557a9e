//! What a node's shell does for its core: the ledger, the pool, building and executing blocks.

use alloy_primitives::Bytes;
use althing_consensus::{Fresh, Input, Outcome, Slot};

use crate::block::Block;
use crate::cluster::Cluster;
use crate::disk::Stored;
use crate::oracle::Commitment;

impl Cluster {
    /// A block is decided on this node, for good, and is yet to be written.
    pub(crate) fn decide(&mut self, n: usize, stored: Stored) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        if !node.faulty {
            let Stored {
                block,
                hash,
                certificate,
                ..
            } = &stored;
            self.oracle.committed(
                Commitment {
                    node: n,
                    block,
                    hash: *hash,
                    certificate,
                },
                &self.plan,
            );
        }
        self.trace.committed(self.clock.now_ms(), n, &stored);
        node.decided.push_back(stored);
    }

    /// Writes what is decided: one job after the other, so that what comes after finds it written.
    pub(crate) fn flush(&mut self, n: usize) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        while let Some(stored) = node.decided.pop_front() {
            node.log.prune(stored.block.height);
            node.ledger.write(stored);
        }
    }

    /// The disk has written what was decided.
    pub(crate) fn written(&mut self, n: usize) {
        self.flush(n);
        for input in self.work(n) {
            self.feed(n, input);
        }
    }

    pub(crate) fn work(&mut self, n: usize) -> Vec<Input> {
        let hash = self.hash();
        let reasons = self.nodes.get_mut(n).map(|node| node.reasons(hash)).unwrap_or_default();
        reasons
            .into_iter()
            .map(|(reason, on)| Input::Work { reason, on })
            .collect()
    }

    pub(crate) fn gossip(&mut self, n: usize, transaction: u64) {
        let Some(node) = self.nodes.get_mut(n).filter(|node| node.up) else {
            return;
        };
        if node.pool.contains(&transaction) || node.ledger.includes(transaction) {
            return;
        }
        node.pool.insert(transaction);
        for input in self.work(n) {
            self.feed(n, input);
        }
    }

    /// Executes a block over the ledger's head, as every node does.
    pub(crate) fn execute(&self, n: usize, bytes: &Bytes) -> Outcome {
        let invalid = |reason: &str| Outcome::Invalid {
            reason: reason.to_owned(),
        };
        let (Some(node), Some(block)) = (self.nodes.get(n), Block::decode(bytes)) else {
            return invalid("no block");
        };
        let head = node.ledger.head();
        if (block.parent, block.height) != (head.hash, head.height + 1) {
            return invalid("it does not extend the head");
        }
        if block.corrupt || block.unix_ms <= head.unix_ms {
            return invalid("the state root differs");
        }
        let unknown = |transaction: &u64| !self.submitted.contains(transaction);
        if block
            .transactions
            .iter()
            .any(|t| unknown(t) || node.ledger.includes(*t))
        {
            return invalid("a transaction does not execute");
        }
        Outcome::Valid {
            next_sealers: self.plan.sealers(self.plan.epoch_after(node.ledger.epoch(), &block)),
        }
    }

    pub(crate) fn build(&mut self, n: usize, slot: Slot, parent: althing_consensus::Head) {
        let unix_ms = self.unix_ms(n);
        let salt = self.dice.any();
        let hash = self.hash();
        self.flush(n);
        let Some(node) = self.nodes.get(n) else { return };
        let transactions = node.executable();
        let current = node.ledger.head() == parent && parent.height + 1 == slot.height;
        let empty = transactions.is_empty() && slot.view == 0;
        let fresh = (current && !empty).then(|| {
            let proposer = u8::try_from(node.identity).unwrap_or_default();
            let unix_ms = unix_ms.max(parent.unix_ms + 1);
            let height = slot.height;
            let block = Block {
                height,
                parent: parent.hash,
                unix_ms,
                proposer,
                salt,
                corrupt: false,
                transactions,
            };
            Fresh {
                candidate: block.candidate(hash),
                next_sealers: self.plan.sealers(self.plan.epoch_after(node.ledger.epoch(), &block)),
            }
        });
        self.feed(n, Input::Built { slot, fresh });
    }
}
