//! What happens to the nodes: they die, come back, lose their logs, are connected and cut off; and sync between them.

use althing_consensus::Input;
use althing_types::NodeId;

use crate::byzantine::Whom;
use crate::cluster::{Cluster, Event};
use crate::network::Packet;

/// How often a node tells its height.
const STATUS_MS: u64 = 1_000;

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
        node.log.crash(&mut self.dice);
        // Once the abstention is on the disk, with its height, the new log speaks for itself.
        if node.log.abstains_through().is_some_and(|through| through != u64::MAX) {
            node.lost = None;
        }
        if node.forgetful {
            node.forgetful = false;
            node.lost = Some(wiped);
            node.log.lose();
            if wiped {
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

    // Sync.

    /// A node tells its height to all, and hears again of the transactions it lacks.
    pub(crate) fn status(&mut self, n: usize) {
        self.clock.after(STATUS_MS, Event::Status { node: n });
        if !self.nodes.get(n).is_some_and(|node| node.up) {
            return;
        }
        let height = self.claimed_height(n);
        self.send(n, Whom::All, &Packet::Status(height));
        for transaction in self.recent() {
            self.gossip(n, transaction);
        }
    }

    pub(crate) fn heard_status(&mut self, from: usize, to: usize, height: u64) {
        let Some(mine) = self.nodes.get(to).map(|node| node.ledger.head().height) else {
            return;
        };
        if height > mine {
            self.ask(to, from, mine);
        }
    }

    /// The core thinks that blocks are missing here.
    pub(crate) fn fetch(&mut self, n: usize, from: &[NodeId]) {
        let asked = from
            .get(self.dice.index(from.len()))
            .and_then(|id| self.plan.identity(id));
        let mine = self.nodes.get(n).map(|node| node.ledger.head().height);
        if let (Some(identity), Some(mine)) = (asked, mine) {
            self.send(n, Whom::One(identity), &Packet::Request(mine));
        }
    }

    fn ask(&mut self, n: usize, other: usize, above: u64) {
        if let Some(identity) = self.nodes.get(other).map(|node| node.identity) {
            self.send(n, Whom::One(identity), &Packet::Request(above));
        }
    }
}
