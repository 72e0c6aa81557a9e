//! Messages: released when they are durable, changed by liars, sent, and received.

use alloy_primitives::Bytes;
use althing_consensus::{Consensus, Input, PersistId, Slot, To, decode_message, verify_message};

use crate::block::Reader;
use crate::byzantine::{Liar, Said, Whom, World};
use crate::cluster::{Cluster, Event, LIMITS};
use crate::network::Packet;

impl Cluster {
    pub(crate) fn saved(&mut self, n: usize, id: PersistId) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        node.log.sync(id);
        for (to, bytes) in node.release(id) {
            self.transmit(n, to, bytes);
        }
        self.feed(n, Input::Persisted(id));
    }

    /// A message leaves a node, or whatever its liar makes of it.
    pub(crate) fn transmit(&mut self, n: usize, to: To, bytes: Bytes) {
        let whom = match to {
            To::All => Whom::All,
            To::One(id) => match self.plan.identity(&id) {
                Some(identity) => Whom::One(identity),
                None => return,
            },
        };
        let Ok(message) = decode_message(&bytes, LIMITS, &Reader(self.hash())) else {
            return;
        };
        let lies = self.lie(n, |liar, world| liar.outgoing(world, whom, &message, bytes.clone()));
        if self.nodes.get(n).is_some_and(|node| !node.faulty) {
            let identity = self.nodes.get(n).map_or(n, |node| node.identity);
            self.oracle.sent(identity, &message, &self.plan);
        }
        self.say(n, lies.unwrap_or_else(|| vec![(whom, bytes)]));
    }

    /// Asks the liar of this instance, if it is one.
    pub(crate) fn lie<T>(&mut self, n: usize, ask: impl FnOnce(&mut dyn Liar, &mut World<'_>) -> T) -> Option<T> {
        let unix_ms = self.unix_ms(n);
        let (hash, genesis) = (self.hash(), self.genesis);
        let node = self.nodes.get_mut(n)?;
        let me = node.identity;
        let key = self.crypto.keys.get(me)?.clone();
        let status = node.core.status();
        let liar = node.liar.as_deref_mut()?;
        let slot = Slot {
            height: status.height,
            view: status.view,
        };
        let (dice, plan, head, sealers) = (&mut self.dice, &self.plan, status.head, status.sealers);
        let counts = &mut self.oracle.counts;
        Some(ask(
            liar,
            &mut World {
                dice,
                counts,
                plan,
                sealers,
                me,
                key: key.as_ref(),
                hash,
                genesis,
                head,
                slot,
                unix_ms,
            },
        ))
    }

    pub(crate) fn say(&mut self, n: usize, said: Said) {
        for (whom, bytes) in said {
            self.send(n, whom, &Packet::Consensus(bytes));
        }
    }

    pub(crate) fn send(&mut self, n: usize, whom: Whom, packet: &Packet) {
        let me = self.nodes.get(n).map(|node| node.identity);
        for to in 0..self.nodes.len() {
            let identity = self.nodes.get(to).map(|node| node.identity);
            let meant = match whom {
                Whom::All => identity != me,
                Whom::One(one) => identity == Some(one) && identity != me,
            };
            if !meant {
                continue;
            }
            for delay in self.network.send(self.clock.now_ms(), n, to) {
                self.clock.after(
                    delay,
                    Event::Packet {
                        from: n,
                        to,
                        packet: packet.clone(),
                    },
                );
            }
        }
    }

    pub(crate) fn arrive(&mut self, from: usize, to: usize, packet: Packet) {
        if !self.nodes.get(to).is_some_and(|node| node.up) {
            return;
        }
        match packet {
            Packet::Consensus(bytes) => {
                let Ok(message) = decode_message(&bytes, LIMITS, &Reader(self.hash())) else {
                    return;
                };
                let Ok(verified) = verify_message(message, self.suite.as_ref(), self.genesis) else {
                    self.oracle.counts.unsigned += 1;
                    return;
                };
                if let Some(lies) = self.lie(to, |liar, world| liar.incoming(world, verified.message())) {
                    self.say(to, lies);
                }
                self.feed(to, Input::Message(verified));
            }
            Packet::Status { status, process } => self.heard_status(from, to, status, process),
            Packet::Request(above) => self.answer(from, to, above),
            Packet::Blocks(blocks) => self.import(to, blocks),
        }
    }
}
