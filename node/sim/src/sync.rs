//! Sync between nodes: heights are told, missing blocks asked for, sent, verified and imported.

use althing_consensus::{Input, Outcome, verify_certificate};
use althing_types::NodeId;

use crate::byzantine::Whom;
use crate::cluster::{Cluster, Event};
use crate::disk::Stored;
use crate::network::Packet;

/// How often a node tells its height.
pub(crate) const STATUS_MS: u64 = 1_000;

impl Cluster {
    /// A node tells its height to all, and hears again of the transactions it lacks.
    pub(crate) fn status(&mut self, n: usize) {
        self.clock.after(STATUS_MS, Event::Status { node: n });
        if !self.nodes.get(n).is_some_and(|node| node.up) {
            return;
        }
        let others: Vec<usize> = self
            .nodes
            .get(n)
            .map(|node| node.connected.iter().copied().collect())
            .unwrap_or_default();
        for other in others {
            self.welcome(n, other);
        }
        for transaction in self.recent() {
            self.gossip(n, transaction);
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

    pub(crate) fn ask(&mut self, n: usize, other: usize, above: u64) {
        if let Some(identity) = self.nodes.get(other).map(|node| node.identity) {
            self.send(n, Whom::One(identity), &Packet::Request(above));
        }
    }

    /// Sync: verifies each block by its certificate and by executing it, writes it, and tells the core.
    pub(crate) fn import(&mut self, n: usize, blocks: Vec<Stored>) {
        let reader = self.hash();
        self.flush(n);
        for mut stored in blocks {
            let Some(node) = self.nodes.get(n) else { return };
            let (head, epoch) = (node.ledger.head(), node.ledger.epoch());
            let bytes = stored.block.encode();
            let sealers = self.plan.sealers(epoch);
            let next = stored.block.height == head.height + 1 && reader(&bytes) == stored.hash;
            let about_it = stored.certificate.block == stored.hash && stored.certificate.height == stored.block.height;
            let suite = self.suite.as_ref();
            let certified = verify_certificate(&stored.certificate, suite, self.genesis, &sealers);
            if !next || !about_it || certified.is_err() {
                continue;
            }
            let Outcome::Valid { next_sealers } = self.execute(n, &bytes) else {
                continue;
            };
            stored.epoch = self.plan.epoch_after(epoch, &stored.block);
            let head = stored.block.head(reader);
            let certificate = stored.certificate.clone();
            self.oracle.counts.imported += u64::from(self.nodes.get(n).is_some_and(|node| !node.faulty));
            self.decide(n, stored);
            self.flush(n);
            self.feed(
                n,
                Input::Imported {
                    head,
                    certificate,
                    sealers,
                    next_sealers,
                    recovery: None,
                },
            );
            for input in self.work(n) {
                self.feed(n, input);
            }
        }
    }

    pub(crate) fn answer(&mut self, from: usize, to: usize, above: u64) {
        let blocks = self
            .nodes
            .get(to)
            .map(|node| node.ledger.above(above))
            .unwrap_or_default();
        let lied = self.lie(to, |liar, world| liar.blocks(world, blocks.clone()));
        let whom = self.nodes.get(from).map(|node| Whom::One(node.identity));
        if let Some(whom) = whom {
            self.send(to, whom, &Packet::Blocks(lied.unwrap_or(blocks)));
        }
    }
}
