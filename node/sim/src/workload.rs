//! Work that comes and goes: bursts, single transactions, silence, and transactions that only one node thinks executable.

use crate::cluster::{Cluster, Event};
use crate::node::PHANTOMS_FROM;

/// How many transactions back gossip repeats itself.
const GOSSIP_BACK: usize = 12;

impl Cluster {
    /// Queues the clients' work.
    pub(crate) fn bring_work(&mut self) {
        let chaos_ms = self.plan.chaos_ms;
        for _ in 0..self.dice.between(1, 4) {
            let at = self.dice.below(chaos_ms);
            for _ in 0..self.dice.between(1, 5) {
                let later = at + self.dice.below(1_500);
                self.clock.after(later, Event::Submit);
            }
        }
        for _ in 0..self.dice.below(6) {
            let at = self.dice.below(chaos_ms);
            self.clock.after(at, Event::Submit);
        }
        if self.dice.per_mille(150) {
            self.oracle.counts.phantoms += 1;
            let (at, node) = (self.dice.below(chaos_ms), self.dice.index(self.nodes.len()));
            self.clock.after(
                at,
                Event::Gossip {
                    node,
                    transaction: PHANTOMS_FROM,
                },
            );
        }
    }

    /// A client submits a transaction, which gossip carries to everybody in its own time.
    pub(crate) fn submit(&mut self) {
        let transaction = self.submitted.len() as u64;
        self.submitted.push(transaction);
        self.oracle.counts.submitted += u64::from(!self.calm);
        self.oracle.submitted(transaction);
        let slow = if self.calm || !self.dice.per_mille(200) {
            30
        } else {
            2_000
        };
        for node in 0..self.nodes.len() {
            let after = self.dice.below(slow);
            self.clock.after(after, Event::Gossip { node, transaction });
        }
    }

    /// What gossip still repeats.
    pub(crate) fn recent(&self) -> Vec<u64> {
        self.submitted.iter().rev().take(GOSSIP_BACK).copied().collect()
    }
}
