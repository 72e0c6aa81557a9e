//! What happens to the nodes: they start, die, come back, lose their logs, are connected and cut off.

use althing_consensus::{Input, Record, Start};

use crate::cluster::{Cluster, Event};
use crate::sync::STATUS_MS;

impl Cluster {
    /// Queues everything that the plan foresees.
    pub(crate) fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            self.start(node);
            let first = self.dice.below(STATUS_MS);
            self.clock.after(first, Event::Status { node });
        }
        self.links();
        for (at, length) in self.plan.splits.clone() {
            self.clock.after(at, Event::Split { heal_ms: length });
        }
        for (at, identity, down_ms) in self.plan.crashes.clone() {
            for node in (0..self.nodes.len()).filter(|n| self.nodes.get(*n).map(|n| n.identity) == Some(identity)) {
                self.clock.after(at, Event::Crash { node, down_ms });
            }
        }
    }

    /// The process is killed; what was not synchronised may or may not have reached the disk.
    pub(crate) fn crash(&mut self, n: usize, down_ms: u64) {
        if self.calm {
            return;
        }
        let wiped = self.dice.per_mille(400);
        let Some(node) = self.nodes.get_mut(n).filter(|node| node.up) else {
            return;
        };
        let counts = &mut self.oracle.counts;
        counts.crashes += 1;
        counts.torn_logs += u64::from(node.log.crash(&mut self.dice));
        counts.unwritten_blocks += u64::from(!node.decided.is_empty());
        if node.forgetful {
            node.forgetful = false;
            node.lost = true;
            node.log.lose();
            counts.lost_logs += 1;
            if wiped {
                counts.lost_ledgers += 1;
                node.ledger.lose();
            }
        }
        node.forget_memory();
        for other in 0..self.nodes.len() {
            self.connect(other, n, false);
        }
        self.clock.after(down_ms, Event::Restart { node: n });
    }

    pub(crate) fn restart(&mut self, n: usize) {
        if self.nodes.get(n).is_none_or(|node| node.up) {
            return;
        }
        self.start(n);
        let notice = self.dice.below(300);
        self.clock.after(notice, Event::Links);
    }

    /// Tells one instance that another is there or gone, if it did not know.
    pub(crate) fn connect(&mut self, n: usize, other: usize, up: bool) {
        let Some(identity) = self.nodes.get(other).map(|node| node.identity) else {
            return;
        };
        let Some(id) = self.plan.ids.get(identity).copied() else {
            return;
        };
        let Some(node) = self
            .nodes
            .get_mut(n)
            .filter(|node| node.up && node.identity != identity)
        else {
            return;
        };
        let news = if up {
            node.connected.insert(other)
        } else {
            node.beginnings.lost(identity);
            node.connected.remove(&other)
        };
        if !news {
            return;
        }
        self.feed(n, Input::Peer { id, up });
        if up {
            self.welcome(n, other);
        }
    }

    pub(crate) fn tell_peer(&mut self, n: usize, other: usize, up: bool) {
        let identity = self.nodes.get(other).map(|node| node.identity);
        if let Some(id) = identity.and_then(|identity| self.plan.ids.get(identity).copied()) {
            self.feed(n, Input::Peer { id, up });
        }
    }

    /// In a fragile run processes die just when something is being written.
    pub(crate) fn perhaps_crash(&mut self, n: usize) {
        if !self.calm && self.plan.fragile > 0 && self.dice.per_mille(self.plan.fragile) {
            let (soon, down_ms) = (self.dice.below(4), self.dice.between(1, 3_000));
            self.clock.after(soon, Event::Crash { node: n, down_ms });
        }
    }

    /// Every connection becomes what the network allows.
    pub(crate) fn links(&mut self) {
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                let up = self.nodes.get(b).is_some_and(|node| node.up) && self.network.connected(a, b);
                self.connect(a, b, up);
            }
        }
    }

    /// Starts a node from its disk.
    pub(crate) fn start(&mut self, n: usize) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        node.up = true;
        let head = node.ledger.head();
        let sealers = self.plan.sealers(node.ledger.epoch());
        let log = node.log.read();
        node.voted = log.iter().any(Record::is_signed);
        node.open = node.log.abstains_through().is_none_or(|through| through == u64::MAX);
        let abstain_through = node.open.then_some(u64::MAX);
        self.feed(
            n,
            Input::Start(Start {
                head,
                sealers,
                log,
                abstain_through,
                recovered: None,
            }),
        );
    }
}
