//! What happens to the nodes: they start, die, come back, lose their logs, are connected and cut off.

use althing_consensus::{Input, PersistId, Start};

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
        // Once the abstention is on the disk, with its height, the new log speaks for itself.
        if node.log.abstains_through().is_some_and(|through| through != u64::MAX) {
            node.lost = None;
        }
        if node.forgetful {
            node.forgetful = false;
            node.lost = Some(wiped);
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
        let Some(node) = self.nodes.get(n).filter(|node| !node.up) else {
            return;
        };
        let (life, lost) = (node.life, node.lost.is_some());
        self.start(n);
        if lost {
            let first = self.dice.between(50, 2_000);
            self.clock.after(first, Event::Learn { node: n, life });
        }
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
            node.connected.remove(&other)
        };
        if news {
            self.feed(n, Input::Peer { id, up });
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
        let sealers = self.plan.sealers_of(head.height + 1);
        let abstain_through = node.lost.map(|_| u64::MAX);
        let log = node.log.read();
        self.feed(
            n,
            Input::Start(Start {
                head,
                sealers,
                log,
                abstain_through,
            }),
        );
    }

    /// A node without its vote log learns from a quorum how high the certified chain is, and abstains through one height
    /// above, or two when it cannot count on its own ledger.
    pub(crate) fn learn(&mut self, n: usize) {
        let Some(wiped) = self.nodes.get(n).and_then(|node| node.lost) else {
            return;
        };
        let top = self
            .honest_heights()
            .map(|(_, height)| height)
            .max()
            .unwrap_or_default();
        let sealers = self.plan.sealers_of(top + 1);
        let answers: Vec<(usize, u64)> = (0..self.nodes.len())
            .filter(|other| *other != n && self.network.connected(n, *other))
            .filter_map(|other| self.nodes.get(other).filter(|node| node.up).map(|node| (other, node)))
            .filter(|(_, node)| self.plan.ids.get(node.identity).is_some_and(|id| sealers.contains(id)))
            .map(|(other, node)| (other, if node.faulty { 0 } else { node.ledger.head().height }))
            .take(sealers.quorum())
            .collect();
        let Some(node) = self.nodes.get_mut(n) else { return };
        let (life, head) = (node.life, node.ledger.head());
        if answers.len() < sealers.quorum() {
            let again = self.dice.between(100, 1_000);
            return self.clock.after(again, Event::Learn { node: n, life });
        }
        let highest = answers
            .iter()
            .map(|(_, height)| *height)
            .max()
            .unwrap_or_default()
            .max(head.height);
        let abstain_through = Some(highest + if wiped { 2 } else { 1 });
        let sealers = self.plan.sealers_of(head.height + 1);
        node.log.sync(PersistId(u64::MAX));
        let log = node.log.read();
        // The ids of a new start begin anew, so nothing of the old one may be waited for.
        node.life += 1;
        node.saved = None;
        node.withheld.clear();
        node.timers.clear();
        let known: Vec<usize> = std::mem::take(&mut node.connected).into_iter().collect();
        self.feed(
            n,
            Input::Start(Start {
                head,
                sealers,
                log,
                abstain_through,
            }),
        );
        for input in self.work(n) {
            self.feed(n, input);
        }
        for other in known {
            self.connect(n, other, true);
        }
    }
}
