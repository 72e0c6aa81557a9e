//! What travels between nodes: messages, and blocks for who is behind.

use alloy_primitives::{B256, Bytes};
use althing_consensus::{
    Domains, Input, Message, Phase, Recovered, To, decode_message, unwrap, verify_certificate, verify_message,
};
use althing_sim::block::Reader;

use super::world::*;

impl World {
    pub(super) fn send(&mut self, node: usize, to: To, bytes: &Bytes) {
        self.note(node, bytes);
        for other in (0..self.peers.len()).filter(|other| *other != node) {
            let meant = match to {
                To::All => true,
                To::One(id) => self.ids[other] == id,
            };
            // A few are lost, a few come twice.
            let copies = if self.dice.per_mille(30) {
                0
            } else {
                1 + usize::from(self.dice.per_mille(30))
            };
            for _ in 0..if meant { copies } else { 0 } {
                let delay = self.dice.between(1, 80);
                let (from, bytes) = (node, bytes.clone());
                self.after(delay, Event::Mail { from, to: other, bytes });
            }
        }
    }

    /// Nobody signs two things of one round in one domain.
    pub(super) fn note(&mut self, node: usize, bytes: &Bytes) {
        let (digest, bytes) = unwrap(bytes);
        let message = decode_message(&bytes, LIMITS, &Reader(self.crypto.suite.hash_fn())).unwrap();
        let (phase, what) = match &message {
            Message::Vote(vote) => (vote.phase, vote.block.to_string()),
            Message::Proposal(proposal) => (Phase::Propose, proposal.candidate.hash.to_string()),
            Message::RoundChange(change) => (Phase::RoundChange, format!("{:?}", change.change.claim)),
            Message::Committed(_) => return,
        };
        let first = self
            .signed
            .entry((node, digest, message.slot(), phase))
            .or_insert_with(|| what.clone());
        assert_eq!(
            *first,
            what,
            "node {node} signed twice: {phase:?} {:?} under {digest:?}",
            message.slot()
        );
    }

    pub(super) fn arrive(&mut self, from: usize, node: usize, bytes: &Bytes) {
        if !self.peers[node].up || !self.peers[from].up {
            return;
        }
        let (digest, bytes) = unwrap(bytes);
        let suite = self.crypto.suite.clone();
        let message = decode_message(&bytes, LIMITS, &Reader(suite.hash_fn())).unwrap();
        let domains = self.peers[node].domains;
        if domains.recovery_of(message.slot().height) != digest {
            return;
        }
        let verified = verify_message(message, suite.as_ref(), domains).expect("nobody lies here");
        self.feed(node, Input::Message(verified));
    }

    /// Fetches the next block from anybody who is higher.
    pub(super) fn sync(&mut self, node: usize) {
        self.after(500, Event::Sync { node });
        let height = self.head(node).height;
        let higher = |other: &usize| self.peers[*other].up && self.head(*other).height > height;
        let higher: Vec<usize> = (0..self.peers.len()).filter(higher).collect();
        let Some(other) = higher.get(self.dice.index(higher.len().max(1))) else {
            return;
        };
        let stored = self.peers[*other].chain[usize::try_from(height).unwrap()].clone();
        if stored.block.parent != self.head(node).hash || !self.peers[node].up || self.peers[node].halted {
            return;
        }
        let carried = carries(&stored.block).then(|| self.digest().unwrap());
        if self.recovers(node).is_some() && carried.is_none() {
            return;
        }
        let sealers = match carried {
            Some(_) => self.recovery.as_ref().unwrap().sealers.clone(),
            None => self.sealers_after(&self.peers[node].chain),
        };
        let recovered = carried.map(|digest| Recovered {
            height: stored.block.height,
            digest,
        });
        let domains = Domains::new(GENESIS, recovered);
        let Stored { block, certificate, .. } = stored.clone();
        verify_certificate(&certificate, self.crypto.suite.as_ref(), domains, &sealers).unwrap();
        for other in [
            Domains::from(GENESIS),
            Domains::new(
                GENESIS,
                Some(Recovered {
                    height: block.height,
                    digest: B256::ZERO,
                }),
            ),
        ] {
            let proves = verify_certificate(&certificate, self.crypto.suite.as_ref(), other, &sealers).is_ok();
            assert_eq!(
                proves,
                other == domains,
                "a certificate of one domain proves nothing in another"
            );
        }
        let next_sealers = self.next_sealers(node, &block);
        let head = block.head(self.crypto.suite.hash_fn());
        self.peers[node].chain.push(stored);
        self.peers[node].domains = domains;
        let recovery = carried;
        self.feed(
            node,
            Input::Imported {
                head,
                certificate,
                sealers,
                next_sealers,
                recovery,
            },
        );
        self.work(node);
        self.look(node);
    }
}
