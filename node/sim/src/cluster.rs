//! The cluster: carries inputs to the cores and their outputs to the simulated world, event by event.

use std::collections::VecDeque;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{
    Consensus, Fresh, Input, Limits, Now, Outcome, Output, Pbft, PersistId, Settings, Slot, Start, Timer, To,
    decode_message, verify_message,
};
use althing_crypto::{HashFn, Suite};

use crate::block::{Block, Reader};
use crate::byzantine::{Kind, Said, Whom, World};
use crate::clock::Clock;
use crate::dice::Dice;
use crate::disk::Stored;
use crate::network::{Network, Packet, Weather};
use crate::node::Node;
use crate::oracle::{Commitment, Oracle};
use crate::plan::{Plan, Trait};
use crate::suite::{Crypto, ToySuite};
use crate::trace::Trace;
use crate::{Options, Planted};

/// The wall clock at the beginning of every run.
const BEGINNING_UNIX_MS: u64 = 1_800_000_000_000;
/// Bounds of the simulator's messages.
const LIMITS: Limits = Limits { block_bytes: 4_096 };

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A packet arrives.
    Packet { from: usize, to: usize, packet: Packet },
    /// A timer fires, if it is still set as it was.
    Timer {
        node: usize,
        life: u32,
        timer: Timer,
        setting: u64,
    },
    /// The disk has synchronised.
    Saved { node: usize, life: u32, id: PersistId },
    /// An execution is over.
    Executed {
        node: usize,
        life: u32,
        hash: B256,
        bytes: Bytes,
    },
    /// A block is to be built.
    Build {
        node: usize,
        life: u32,
        slot: Slot,
        parent: althing_consensus::Head,
    },
    /// A transaction reaches a node.
    Gossip { node: usize, transaction: u64 },
    /// A client submits a transaction.
    Submit,
    /// A node tells others its height, and gossips again.
    Status { node: usize },
    /// Connections are made and lost as the network allows.
    Links,
    /// A node dies.
    Crash { node: usize, down_ms: u64 },
    /// A node starts again.
    Restart { node: usize },
    /// A node that lost its vote log asks a quorum how high they are.
    Learn { node: usize, life: u32 },
    /// The network splits.
    Split { heal_ms: u64 },
    /// The network heals.
    Heal,
}

/// The world of a run.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) plan: Plan,
    crypto: Crypto,
    /// What nodes verify with: the true suite but for a planted mistake.
    suite: std::sync::Arc<dyn Suite>,
    genesis: B256,
    pub(crate) clock: Clock<Event>,
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node>,
    pub(crate) dice: Dice,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) submitted: Vec<u64>,
    pub(crate) calm: bool,
}

impl Cluster {
    /// The world of this seed.
    pub(crate) fn new(seed: u64, options: &Options) -> Self {
        let mut dice = Dice::new(seed);
        let crypto = options.crypto.clone();
        let plan = Plan::draw(&mut dice.fork(), &crypto);
        let hash = crypto.suite.hash_fn();
        let genesis = Block::genesis().head(hash).hash;
        let identities = plan.ids.len();
        let twins: Vec<usize> = (0..identities)
            .filter(|n| plan.traits.get(*n) == Some(&Trait::Liar(Kind::Twins)))
            .collect();
        let mut nodes = Vec::new();
        for identity in (0..identities).chain(twins) {
            nodes.extend(new_node(identity, &plan, &mut dice, options, genesis));
        }
        let mut network = Network::new(nodes.len(), Weather::foul(&mut dice), dice.fork());
        for (second, node) in nodes.iter().enumerate().skip(identities) {
            hide_twins(&mut network, &mut dice, identities, node.identity, second);
        }
        let suite: std::sync::Arc<dyn Suite> = match options.planted {
            Some(Planted::SignatureUnchecked) => std::sync::Arc::new(ToySuite {
                believes_everything: true,
            }),
            _ => crypto.suite.clone(),
        };
        let oracle = Oracle::new(&plan, &crypto, genesis);
        let trace = Trace::new(options.trace);
        let (clock, submitted) = (Clock::default(), Vec::new());
        Self {
            plan,
            crypto,
            suite,
            genesis,
            clock,
            network,
            nodes,
            dice,
            oracle,
            trace,
            submitted,
            calm: false,
        }
    }

    pub(crate) fn hash(&self) -> HashFn {
        self.crypto.suite.hash_fn()
    }

    /// The heights of the ledgers of instances that never lie.
    pub(crate) fn honest_heights(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let honest = self.nodes.iter().enumerate().filter(|(_, node)| !node.faulty);
        honest.map(|(n, node)| (n, node.ledger.head().height))
    }

    fn alive(&self, node: usize, life: u32) -> bool {
        self.nodes.get(node).is_some_and(|node| node.up && node.life == life)
    }

    /// Lets one event happen.
    pub(crate) fn happen(&mut self, event: Event) {
        self.trace.event(self.clock.now_ms(), &event);
        match event {
            Event::Packet { from, to, packet } => self.arrive(from, to, packet),
            Event::Timer {
                node,
                life,
                timer,
                setting,
            } => {
                let current = self.nodes.get(node).and_then(|n| n.timers.get(&timer)) == Some(&setting);
                if self.alive(node, life) && current {
                    self.feed(node, Input::Wake(timer));
                }
            }
            Event::Saved { node, life, id } if self.alive(node, life) => self.saved(node, id),
            Event::Executed {
                node,
                life,
                hash,
                bytes,
            } if self.alive(node, life) => {
                let outcome = self.execute(node, &bytes);
                self.feed(node, Input::Executed { hash, outcome });
            }
            Event::Build {
                node,
                life,
                slot,
                parent,
            } if self.alive(node, life) => self.build(node, slot, parent),
            Event::Gossip { node, transaction } => self.gossip(node, transaction),
            Event::Submit => self.submit(),
            Event::Status { node } => self.status(node),
            Event::Links => self.links(),
            Event::Crash { node, down_ms } => self.crash(node, down_ms),
            Event::Restart { node } => self.restart(node),
            Event::Learn { node, life } if self.alive(node, life) => self.learn(node),
            Event::Split { heal_ms } if !self.calm => {
                self.network.split();
                let notice = self.dice.below(800);
                self.clock.after(notice, Event::Links);
                self.clock.after(heal_ms, Event::Heal);
            }
            Event::Heal => {
                self.network.heal();
                let notice = self.dice.below(800);
                self.clock.after(notice, Event::Links);
            }
            _ => {}
        }
    }

    /// Gives a core an input and carries out what it asks, including what that causes at once.
    pub(crate) fn feed(&mut self, n: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let monotonic_ms = self.clock.now_ms();
            let unix_ms = self.unix_ms(n);
            let Some(node) = self.nodes.get_mut(n).filter(|node| node.up) else {
                return;
            };
            for output in node.core.step(Now { monotonic_ms, unix_ms }, input) {
                self.carry_out(n, output, &mut inputs);
            }
        }
    }

    fn unix_ms(&self, n: usize) -> u64 {
        let identity = self.nodes.get(n).map_or(0, |node| node.identity);
        let skew = self.plan.skews_ms.get(identity).copied().unwrap_or_default();
        BEGINNING_UNIX_MS + self.clock.now_ms() + skew
    }

    fn carry_out(&mut self, n: usize, output: Output, inputs: &mut VecDeque<Input>) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        let (life, honest) = (node.life, !node.faulty);
        match output {
            Output::Persist { id, height, record } => {
                node.log.append(id, height, record);
                let slow = if self.calm || !self.dice.per_mille(50) { 3 } else { 400 };
                let after = self.dice.below(slow);
                self.clock.after(after, Event::Saved { node: n, life, id });
            }
            Output::Send { to, message, after } => match after {
                Some(id) if node.saved < Some(id) => node.withheld.push((id, to, message)),
                _ => self.transmit(n, to, message),
            },
            Output::Timer { timer, after_ms } => {
                let setting = node.timers.get(&timer).map_or(0, |setting| setting + 1);
                node.timers.insert(timer, setting);
                self.clock.after(
                    after_ms,
                    Event::Timer {
                        node: n,
                        life,
                        timer,
                        setting,
                    },
                );
            }
            Output::Cancel { timer } => {
                if let Some(setting) = node.timers.get_mut(&timer) {
                    *setting += 1;
                }
            }
            Output::Build { slot, parent } => {
                let after = self.dice.between(1, 10);
                self.clock.after(
                    after,
                    Event::Build {
                        node: n,
                        life,
                        slot,
                        parent,
                    },
                );
            }
            Output::Execute { candidate, .. } => {
                let slow = !self.calm && self.dice.per_mille(30);
                let after = self
                    .dice
                    .between(1, if slow { self.plan.slow_execution_ms } else { 15 });
                let (hash, bytes) = (candidate.hash, candidate.bytes);
                self.clock.after(
                    after,
                    Event::Executed {
                        node: n,
                        life,
                        hash,
                        bytes,
                    },
                );
            }
            Output::Commit {
                hash,
                candidate,
                certificate,
            } => {
                if let Some(block) = Block::decode(&candidate.bytes) {
                    self.write(
                        n,
                        Stored {
                            block,
                            hash,
                            certificate,
                        },
                    );
                    inputs.extend(self.work(n));
                }
            }
            Output::Fetch { from, .. } => self.fetch(n, &from),
            Output::Evidence(evidence) if honest => self.oracle.accused(n, &evidence),
            Output::Refused { sender, reason } if honest => self.oracle.refused(n, sender, reason),
            Output::Halt { height, reason, .. } if honest => self.oracle.halted(n, height, &reason),
            _ => {}
        }
    }

    // The ledger and the pool.

    fn write(&mut self, n: usize, stored: Stored) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        node.log.prune(stored.block.height);
        if !node.faulty {
            let Stored {
                block,
                hash,
                certificate,
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
        node.ledger.write(stored);
    }

    fn work(&mut self, n: usize) -> Vec<Input> {
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
    fn execute(&self, n: usize, bytes: &Bytes) -> Outcome {
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
            next_sealers: self.plan.sealers_of(block.height + 1),
        }
    }

    fn build(&mut self, n: usize, slot: Slot, parent: althing_consensus::Head) {
        let unix_ms = self.unix_ms(n);
        let salt = self.dice.next();
        let hash = self.hash();
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
                next_sealers: self.plan.sealers_of(height + 1),
            }
        });
        self.feed(n, Input::Built { slot, fresh });
    }

    // The network.

    fn saved(&mut self, n: usize, id: PersistId) {
        let Some(node) = self.nodes.get_mut(n) else { return };
        node.log.sync(id);
        for (to, bytes) in node.release(id) {
            self.transmit(n, to, bytes);
        }
        self.feed(n, Input::Persisted(id));
    }

    /// A message leaves a node, or whatever its liar makes of it.
    fn transmit(&mut self, n: usize, to: To, bytes: Bytes) {
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
    fn lie<T>(
        &mut self,
        n: usize,
        ask: impl FnOnce(&mut dyn crate::byzantine::Liar, &mut World<'_>) -> T,
    ) -> Option<T> {
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
        let (dice, plan, head) = (&mut self.dice, &self.plan, status.head);
        Some(ask(
            liar,
            &mut World {
                dice,
                plan,
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

    fn say(&mut self, n: usize, said: Said) {
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
            for delay in self.network.send(n, to) {
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

    fn arrive(&mut self, from: usize, to: usize, packet: Packet) {
        if !self.nodes.get(to).is_some_and(|node| node.up) {
            return;
        }
        match packet {
            Packet::Consensus(bytes) => {
                let Ok(message) = decode_message(&bytes, LIMITS, &Reader(self.hash())) else {
                    return;
                };
                let Ok(verified) = verify_message(message, self.suite.as_ref(), self.genesis) else {
                    return;
                };
                if let Some(lies) = self.lie(to, |liar, world| liar.incoming(world, verified.message())) {
                    self.say(to, lies);
                }
                self.feed(to, Input::Message(verified));
            }
            Packet::Status(height) => self.heard_status(from, to, height),
            Packet::Request(above) => self.answer(from, to, above),
            Packet::Blocks(blocks) => self.import(to, blocks),
        }
    }

    /// Sync: verifies each block by its certificate and by executing it, writes it, and tells the core.
    fn import(&mut self, n: usize, blocks: Vec<Stored>) {
        let reader = self.hash();
        for stored in blocks {
            let Some(node) = self.nodes.get(n) else { return };
            let head = node.ledger.head();
            let bytes = stored.block.encode();
            let sealers = self.plan.sealers_of(stored.block.height);
            let next = stored.block.height == head.height + 1 && reader(&bytes) == stored.hash;
            let about_it = stored.certificate.block == stored.hash && stored.certificate.height == stored.block.height;
            let suite = self.suite.as_ref();
            let certified = althing_consensus::verify_certificate(&stored.certificate, suite, self.genesis, &sealers);
            if !next || !about_it || certified.is_err() {
                continue;
            }
            let Outcome::Valid { next_sealers } = self.execute(n, &bytes) else {
                continue;
            };
            let head = stored.block.head(reader);
            let certificate = stored.certificate.clone();
            self.write(n, stored);
            self.feed(
                n,
                Input::Imported {
                    head,
                    certificate,
                    sealers,
                    next_sealers,
                },
            );
            for input in self.work(n) {
                self.feed(n, input);
            }
        }
    }

    pub(crate) fn claimed_height(&mut self, n: usize) -> u64 {
        let height = self.nodes.get(n).map_or(0, |node| node.ledger.head().height);
        self.lie(n, |liar, world| liar.claimed_height(world, height))
            .unwrap_or(height)
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

    // Lives.

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
    fn learn(&mut self, n: usize) {
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

fn new_node(identity: usize, plan: &Plan, dice: &mut Dice, options: &Options, genesis: B256) -> Option<Node> {
    let hash = options.crypto.suite.hash_fn();
    let key = options.crypto.keys.get(identity)?.clone();
    let core = Pbft::new(key, hash, genesis, Settings::default()).with_faults(options.faults());
    let mut node = Node::new(identity, core, hash);
    node.log.forgets_locks = options.planted == Some(Planted::LockNotPersisted);
    match plan.traits.get(identity) {
        Some(Trait::Liar(kind)) => {
            node.faulty = true;
            node.liar = kind.liar(dice, plan.ids.len());
        }
        Some(Trait::Forgetful) => node.forgetful = true,
        _ => {}
    }
    Some(node)
}

/// Each peer knows the first twin, the second, or both.
fn hide_twins(network: &mut Network, dice: &mut Dice, identities: usize, first: usize, second: usize) {
    for peer in (0..identities).filter(|peer| *peer != first) {
        match dice.below(3) {
            0 => network.hide(peer, first),
            1 => network.hide(peer, second),
            _ => {}
        }
    }
}
