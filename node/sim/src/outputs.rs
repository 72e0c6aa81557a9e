//! What a core asks for, carried out.

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Candidate, Output, PersistId, Timer};
use althing_types::CommitCertificate;

use crate::block::Block;
use crate::cluster::{Cluster, Event};
use crate::disk::Stored;

impl Cluster {
    pub(crate) fn carry_out(&mut self, n: usize, output: Output) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        let (life, honest) = (node.life, !node.faulty);
        match output {
            Output::Persist { id, height, record } => self.persist(n, id, height, record),
            Output::Send { to, message, after } => match after {
                Some(id) if node.saved < Some(id) => node.withheld.push((id, to, message)),
                _ => self.transmit(n, to, message),
            },
            Output::Timer { timer, after_ms } => self.set_timer(n, timer, after_ms),
            Output::Cancel { timer } => {
                if let Some(setting) = node.timers.get_mut(&timer) {
                    *setting += 1;
                }
            }
            Output::Build { slot, parent } => {
                let (node, after) = (n, self.dice.between(1, 10));
                let event = Event::Build {
                    node,
                    life,
                    slot,
                    parent,
                };
                self.clock.after(after, event);
            }
            Output::Execute { candidate, .. } => {
                let slow = !self.calm && self.dice.per_mille(30);
                let most = if slow { self.plan.slow_execution_ms } else { 15 };
                let (node, after) = (n, self.dice.between(1, most));
                let Candidate { hash, bytes, .. } = candidate;
                let event = Event::Executed {
                    node,
                    life,
                    hash,
                    bytes,
                };
                self.clock.after(after, event);
            }
            Output::Commit {
                hash,
                candidate,
                certificate,
            } => self.commit(n, hash, &candidate, certificate),
            Output::Fetch { from, .. } => self.fetch(n, &from),
            Output::Evidence(evidence) if honest => self.oracle.accused(n, &evidence),
            Output::Refused { sender, reason } if honest => self.oracle.refused(n, sender, reason),
            Output::Halt { height, reason, .. } if honest => self.oracle.halted(n, height, &reason),
            _ => {}
        }
    }

    /// How long the disk takes: in the chaos now and then very long.
    fn disk_ms(&mut self, usual: u64, slow: u64) -> u64 {
        let most = if self.calm || !self.dice.per_mille(50) {
            usual
        } else {
            slow
        };
        self.dice.below(most)
    }

    fn persist(&mut self, n: usize, id: PersistId, height: u64, record: Bytes) {
        let after = self.disk_ms(3, 400);
        let Some(node) = self.nodes.get_mut(n) else { return };
        // An abstention is of no height, and no vote.
        node.voted |= height != u64::MAX;
        node.log.append(id, height, record);
        let life = node.life;
        self.clock.after(after, Event::Saved { node: n, life, id });
        self.perhaps_crash(n);
    }

    fn set_timer(&mut self, n: usize, timer: Timer, after_ms: u64) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        let setting = node.timers.get(&timer).map_or(0, |setting| setting + 1);
        node.timers.insert(timer, setting);
        let event = Event::Timer {
            node: n,
            life: node.life,
            timer,
            setting,
        };
        self.clock.after(after_ms, event);
    }

    fn commit(&mut self, n: usize, hash: B256, candidate: &Candidate, certificate: CommitCertificate) {
        let after = self.disk_ms(5, 500);
        let (Some(node), Some(block)) = (self.nodes.get(n), Block::decode(&candidate.bytes)) else {
            return;
        };
        let before = node
            .decided
            .back()
            .map_or_else(|| node.ledger.epoch(), |stored| stored.epoch);
        let (process, epoch) = (node.process, self.plan.epoch_after(before, &block));
        let stored = Stored {
            block,
            hash,
            certificate,
            epoch,
        };
        self.decide(n, stored);
        self.clock.after(after, Event::Written { node: n, process });
        self.perhaps_crash(n);
    }
}
