//! Whether votes may have been lost, and what a node does then: as the node's shell does it (LEDGER.md 3).
//!
//! A new vote log and a lost one look alike. So a node whose log has no word sends no vote until the others have said
//! where they are: either a quorum that has not begun frees it, or it abstains through the heights where it may have voted.

use std::collections::{BTreeMap, BTreeSet};

use althing_consensus::{Consensus, Input, PersistId, Start};

use crate::cluster::{Cluster, Event};
use crate::network::Packet;
use crate::plan::Trait;

/// How long after healing a person looks after those that still abstain.
pub(crate) const PERSON_MS: u64 = 10_000;

/// Where a node says it is.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// The height of its ledger.
    pub height: u64,
    /// Whether it has ever voted or committed in this group.
    pub begun: bool,
}

/// What a process knows of the others' beginnings.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    /// What each connected identity said last.
    statuses: BTreeMap<usize, Status>,
    /// Who said, since this process started, that it has never voted in this group.
    seen_fresh: BTreeSet<usize>,
}

impl Beginnings {
    pub(crate) fn announced(&mut self, peer: usize, status: Status) {
        if !status.begun {
            self.seen_fresh.insert(peer);
        }
        self.statuses.insert(peer, status);
    }

    pub(crate) fn lost(&mut self, peer: usize) {
        self.statuses.remove(&peer);
    }

    /// Through which height a node abstains whose log has no word; 0 when it need not, none while that is not known.
    fn abstain_through(&self, own: usize, status: Status, sealers: &[usize], quorum: usize) -> Option<u64> {
        let others = || {
            let said = self.statuses.iter();
            said.filter(|(peer, _)| **peer != own && sealers.contains(peer))
        };
        let seals = sealers.contains(&own);
        let fresh = self
            .seen_fresh
            .iter()
            .filter(|peer| **peer != own && sealers.contains(peer));
        if fresh.count() + usize::from(seals && !status.begun) >= quorum {
            return Some(0);
        }
        let begun = others().filter(|(peer, status)| status.begun && !self.seen_fresh.contains(peer));
        let begun = begun.count() + usize::from(seals && status.begun);
        let known = others().count() + usize::from(seals);
        if known < quorum || sealers.len() - begun >= quorum {
            return None;
        }
        let highest = others().map(|(_, other)| other.height).fold(status.height, u64::max);
        Some(highest + if status.height == 0 { 2 } else { 1 })
    }
}

impl Cluster {
    pub(crate) fn true_status(&self, n: usize) -> Status {
        let node = self.nodes.get(n);
        let height = node.map_or(0, |node| node.ledger.head().height);
        let begun = height > 0 || node.is_some_and(|node| node.voted);
        Status { height, begun }
    }

    /// What a node says of itself, be it a lie.
    pub(crate) fn said_status(&mut self, n: usize) -> Status {
        let status = self.true_status(n);
        self.lie(n, |liar, world| liar.status(world, status)).unwrap_or(status)
    }

    /// Says where this node is on a new connection, where nothing is lost while it stands.
    pub(crate) fn welcome(&mut self, n: usize, other: usize) {
        let status = self.said_status(n);
        let Some(process) = self.nodes.get(other).map(|node| node.process) else {
            return;
        };
        if let Some(delay) = self.network.send_on_connection(n, other) {
            let packet = Packet::Status { status, process };
            let (from, to) = (n, other);
            self.clock.after(delay, Event::Packet { from, to, packet });
        }
    }

    /// A node heard where another is. What was said to an earlier process went down with its connection.
    pub(crate) fn heard_status(&mut self, from: usize, to: usize, status: Status, process: u32) {
        let Some(identity) = self.nodes.get(from).map(|node| node.identity) else {
            return;
        };
        let Some(node) = self.nodes.get_mut(to).filter(|node| node.process == process) else {
            return;
        };
        node.beginnings.announced(identity, status);
        let mine = node.ledger.head().height;
        self.settle(to);
        if status.height > mine {
            self.ask(to, from, mine);
        }
    }

    /// Finds out, if it is still open and can be known, through which height this node abstains.
    fn settle(&mut self, n: usize) {
        let status = self.true_status(n);
        let Some(node) = self.nodes.get(n).filter(|node| node.open) else {
            return;
        };
        let sealers = self.plan.sealers(node.ledger.epoch());
        let quorum = sealers.quorum();
        let sealing: Vec<usize> = sealers
            .as_slice()
            .iter()
            .filter_map(|id| self.plan.identity(id))
            .collect();
        let Some(through) = node.beginnings.abstain_through(node.identity, status, &sealing, quorum) else {
            return;
        };
        if through == 0 {
            self.oracle.counts.beginnings += 1;
            if self.plan.traits.get(node.identity) == Some(&Trait::Forgetful) && node.lost {
                self.oracle.begins_anew(node.identity, &self.plan);
            }
        } else {
            self.oracle.counts.abstentions += 1;
        }
        self.start_again(n, through);
    }

    /// The same process starts its core again, knowing through which height to abstain.
    fn start_again(&mut self, n: usize, through: u64) {
        self.flush(n);
        let Some(node) = self.nodes.get_mut(n) else { return };
        node.open = false;
        let head = node.ledger.head();
        let sealers = self.plan.sealers(node.ledger.epoch());
        node.log.sync(PersistId(u64::MAX));
        let log = node.log.read();
        // The ids of a new start begin anew, so nothing of the old one may be waited for.
        node.life += 1;
        node.saved = None;
        node.withheld.clear();
        node.timers.clear();
        node.forget_reasons();
        let known: Vec<usize> = node.connected.iter().copied().collect();
        let abstain_through = Some(through);
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
        for other in known {
            self.tell_peer(n, other, true);
        }
        for input in self.work(n) {
            self.feed(n, input);
        }
    }

    /// A person frees the nodes that abstain although no disk was ever lost: those that a crash or a split kept from
    /// hearing how the group began. They have never voted. LEDGER.md 3 leaves that to a person.
    pub(crate) fn person(&mut self) {
        for n in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(n).filter(|node| node.up) else {
                continue;
            };
            let abstains = node.core.status().abstaining_through.is_some();
            if abstains && self.plan.traits.get(node.identity) == Some(&Trait::Honest) {
                self.oracle.counts.acts_of_persons += 1;
                self.start_again(n, 0);
            }
        }
    }
}
