//! The cluster: carries inputs to the cores and their outputs to the simulated world, event by event.

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Consensus, Input, Limits, Now, Pbft, PersistId, Settings, Slot, Timer};
use althing_crypto::{HashFn, Suite};

use crate::block::Block;
use crate::byzantine::Kind;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::network::{Network, Packet, Weather};
use crate::node::Node;
use crate::oracle::Oracle;
use crate::plan::{Plan, Trait};
use crate::suite::{Crypto, ToySuite};
use crate::trace::Trace;
use crate::{Options, Planted};

/// The wall clock at the beginning of every run.
const BEGINNING_UNIX_MS: u64 = 1_800_000_000_000;
/// Bounds of the simulator's messages.
pub(crate) const LIMITS: Limits = Limits { block_bytes: 4_096 };

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
    /// Decided blocks are on the disk.
    Written { node: usize, process: u32 },
    /// A person looks after nodes that abstain without need.
    Person,
    /// The network splits.
    Split { heal_ms: u64 },
    /// The network heals.
    Heal,
}

/// The world of a run.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) plan: Plan,
    pub(crate) crypto: Crypto,
    /// What nodes verify with: the true suite but for a planted mistake.
    pub(crate) suite: std::sync::Arc<dyn Suite>,
    pub(crate) genesis: B256,
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
        let plan = match options.clock_off_ms {
            Some(ms) => {
                let identity = dice.index(plan.ids.len());
                plan.with_clock_off(identity, ms)
            }
            None => plan,
        };
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
        let mut trace = Trace::new(options.trace);
        trace.plan(&plan);
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
                self.flush(node);
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
            Event::Written { node, process } if self.nodes.get(node).is_some_and(|n| n.up && n.process == process) => {
                self.written(node);
            }
            Event::Person => self.person(),
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

    /// Gives a core an input and carries out what it asks.
    pub(crate) fn feed(&mut self, n: usize, input: Input) {
        let monotonic_ms = self.clock.now_ms();
        let unix_ms = self.unix_ms(n);
        let Some(node) = self.nodes.get_mut(n).filter(|node| node.up) else {
            return;
        };
        for output in node.core.step(Now { monotonic_ms, unix_ms }, input) {
            self.carry_out(n, output);
        }
    }

    pub(crate) fn unix_ms(&self, n: usize) -> u64 {
        let identity = self.nodes.get(n).map_or(0, |node| node.identity);
        let skew = self.plan.skews_ms.get(identity).copied().unwrap_or_default();
        (BEGINNING_UNIX_MS + self.clock.now_ms()).saturating_add_signed(skew)
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
    if !plan.begins {
        node.log.begin();
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
