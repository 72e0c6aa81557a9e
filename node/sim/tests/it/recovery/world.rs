//! The world: nodes with their cores, vote logs and chains, and what happens to them.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{
    Consensus, Domains, Fresh, Head, Input, Limits, Now, Outcome, Output, Pbft, Phase, Reason, Record, Recovered,
    Settings, Slot, Start, Timer,
};
use althing_sim::Crypto;
use althing_sim::block::Block;
use althing_sim::dice::Dice;
use althing_types::{CommitCertificate, NodeId, Recovery, SealerSet};

pub(super) const LIMITS: Limits = Limits { block_bytes: 4_096 };
pub(super) const GENESIS: B256 = B256::repeat_byte(9);
/// The transaction that stands for the recovery in a block.
pub(super) const RECOVERS: u64 = 1 << 40;
pub(super) const UNIX_MS: u64 = 1_800_000_000_000;
/// Simulated time in which everything has to be over.
pub(super) const END_MS: u64 = 600_000;

#[derive(Clone)]
pub(super) struct Stored {
    pub(super) block: Block,
    pub(super) hash: B256,
    pub(super) certificate: CommitCertificate,
}

pub(super) struct Peer {
    pub(super) core: Pbft,
    pub(super) up: bool,
    pub(super) life: u64,
    pub(super) log: Vec<Record>,
    pub(super) chain: Vec<Stored>,
    /// Whether its folder holds the recovery.
    pub(super) holds: bool,
    /// Whether it has taken it up.
    pub(super) taken: bool,
    pub(super) domains: Domains,
    pub(super) timers: BTreeMap<Timer, u64>,
    pub(super) halted: bool,
}

pub(super) enum Event {
    Mail {
        from: usize,
        to: usize,
        bytes: Bytes,
    },
    Wake {
        node: usize,
        life: u64,
        timer: Timer,
        setting: u64,
    },
    Sync {
        node: usize,
    },
    Install {
        node: usize,
    },
    Return {
        node: usize,
    },
    Restart {
        node: usize,
    },
}

pub(super) struct World {
    pub(super) crypto: Crypto,
    pub(super) dice: Dice,
    pub(super) now_ms: u64,
    pub(super) queue: BTreeMap<(u64, u64), Event>,
    pub(super) count: u64,
    pub(super) peers: Vec<Peer>,
    pub(super) ids: Vec<NodeId>,
    pub(super) recovery: Option<Recovery>,
    /// What each node signed, by domain and round.
    pub(super) signed: BTreeMap<(usize, Option<B256>, Slot, Phase), String>,
}

pub(super) fn carries(block: &Block) -> bool {
    block.transactions.first() == Some(&RECOVERS)
}

/// There is always something to do: one transaction waits until its block, and the next one after it.
pub(super) fn reasons(height: u64) -> [Input; 3] {
    let waiting = |height: u64, on| Input::Work {
        reason: Reason::Waiting(B256::with_last_byte(u8::try_from(height % 256).unwrap())),
        on,
    };
    let pool = Input::Work {
        reason: Reason::Pool,
        on: true,
    };
    [waiting(height.wrapping_sub(1), false), waiting(height, true), pool]
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let crypto = Crypto::toy();
        let count = usize::try_from(dice.between(4, 7)).unwrap();
        let ids: Vec<NodeId> = crypto
            .keys
            .iter()
            .take(count)
            .map(|key| NodeId::new(key.public_key()))
            .collect();
        let hash = crypto.suite.hash_fn();
        let peers = crypto.keys.iter().take(count).map(|key| Peer {
            core: Pbft::new(key.clone(), hash, GENESIS, Settings::default()),
            up: false,
            life: 0,
            log: vec![Record::Abstain { through: 0 }],
            chain: vec![],
            holds: false,
            taken: false,
            domains: GENESIS.into(),
            timers: BTreeMap::new(),
            halted: false,
        });
        let peers = peers.collect();
        let mut world = Self {
            crypto,
            dice,
            now_ms: 0,
            queue: BTreeMap::new(),
            count: 0,
            peers,
            ids,
            recovery: None,
            signed: BTreeMap::new(),
        };
        for node in 0..count {
            world.start(node);
            world.after(500, Event::Sync { node });
        }
        world
    }

    pub(super) fn after(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.queue.insert((self.now_ms + ms, self.count), event);
    }

    pub(super) fn old_sealers(&self) -> SealerSet {
        SealerSet::new(self.ids.clone())
    }

    pub(super) fn head(&self, node: usize) -> Head {
        let hash = self.crypto.suite.hash_fn();
        let head = self.peers[node].chain.last().map(|stored| stored.block.head(hash));
        head.unwrap_or_else(|| Block::genesis().head(hash))
    }

    /// Who seals the block above this part of a chain, where that does not carry a recovery itself.
    pub(super) fn sealers_after(&self, chain: &[Stored]) -> SealerSet {
        match &self.recovery {
            Some(recovery) if chain.iter().any(|stored| carries(&stored.block)) => recovery.sealers.clone(),
            _ => self.old_sealers(),
        }
    }

    pub(super) fn digest(&self) -> Option<B256> {
        Some(self.recovery.as_ref()?.digest(self.crypto.suite.hash_fn()))
    }

    /// The height that a node decides under the recovery, if it is the next one.
    pub(super) fn recovers(&self, node: usize) -> Option<Recovered> {
        let recovery = self.recovery.as_ref().filter(|_| self.peers[node].taken)?;
        let digest = self.digest()?;
        let height = recovery.decides();
        (self.head(node).height == recovery.height).then_some(Recovered { height, digest })
    }

    /// What the newest block was decided under.
    pub(super) fn recovered_head(&self, node: usize) -> Option<Recovered> {
        let newest = self.peers[node].chain.last().filter(|stored| carries(&stored.block))?;
        Some(Recovered {
            height: newest.block.height,
            digest: self.digest()?,
        })
    }

    pub(super) fn start(&mut self, node: usize) {
        let head = self.head(node);
        let log = self.peers[node].log.clone();
        self.peers[node].taken = Record::recovery(&log, head.height + 1).is_some();
        let recovers = self.recovers(node);
        let sealers = match (&recovers, &self.recovery) {
            (Some(_), Some(recovery)) => recovery.sealers.clone(),
            _ => self.sealers_after(&self.peers[node].chain),
        };
        let recovered = recovers.or_else(|| self.recovered_head(node));
        let peer = &mut self.peers[node];
        peer.up = true;
        peer.life += 1;
        peer.timers.clear();
        peer.domains = Domains::new(GENESIS, recovered);
        let start = Start {
            head,
            sealers,
            log,
            abstain_through: None,
            recovered,
        };
        self.feed(node, Input::Start(start));
        for other in (0..self.peers.len()).filter(|other| *other != node) {
            if self.peers[other].up {
                self.feed(
                    node,
                    Input::Peer {
                        id: self.ids[other],
                        up: true,
                    },
                );
                self.feed(
                    other,
                    Input::Peer {
                        id: self.ids[node],
                        up: true,
                    },
                );
            }
        }
        self.work(node);
    }

    pub(super) fn work(&mut self, node: usize) {
        for reason in reasons(self.head(node).height) {
            self.feed(node, reason);
        }
    }

    pub(super) fn kill(&mut self, node: usize) {
        self.peers[node].up = false;
        for other in 0..self.peers.len() {
            self.feed(
                other,
                Input::Peer {
                    id: self.ids[node],
                    up: false,
                },
            );
        }
    }

    pub(super) fn feed(&mut self, node: usize, input: Input) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let input = inputs.remove(0);
            let peer = &mut self.peers[node];
            if !peer.up || peer.halted {
                return;
            }
            let now = Now {
                monotonic_ms: self.now_ms,
                unix_ms: UNIX_MS + self.now_ms,
            };
            for output in peer.core.step(now, input) {
                inputs.extend(self.carry_out(node, output));
            }
        }
    }

    pub(super) fn carry_out(&mut self, node: usize, output: Output) -> Vec<Input> {
        match output {
            Output::Persist { id, record, .. } => {
                self.peers[node].log.push(Record::decode(&record).unwrap());
                return vec![Input::Persisted(id)];
            }
            Output::Send { to, message, .. } => self.send(node, to, &message),
            Output::Timer { timer, after_ms } => {
                let peer = &mut self.peers[node];
                let setting = peer.timers.get(&timer).map_or(0, |setting| setting + 1);
                peer.timers.insert(timer, setting);
                let life = peer.life;
                self.after(
                    after_ms,
                    Event::Wake {
                        node,
                        life,
                        timer,
                        setting,
                    },
                );
            }
            Output::Cancel { timer } => {
                if let Some(setting) = self.peers[node].timers.get_mut(&timer) {
                    *setting += 1;
                }
            }
            Output::Build { slot, parent } => return vec![self.build(node, slot, parent)],
            Output::Execute { candidate, .. } => {
                let block = Block::decode(&candidate.bytes).unwrap();
                let outcome = match carries(&block) == self.recovers(node).is_some() {
                    true => Outcome::Valid {
                        next_sealers: self.next_sealers(node, &block),
                    },
                    false => Outcome::Invalid {
                        reason: "of the other side of the recovery".to_owned(),
                    },
                };
                let hash = candidate.hash;
                return vec![Input::Executed { hash, outcome }];
            }
            Output::Commit {
                hash,
                candidate,
                certificate,
            } => {
                let block = Block::decode(&candidate.bytes).unwrap();
                let height = block.height;
                self.peers[node].chain.push(Stored {
                    block,
                    hash,
                    certificate,
                });
                return reasons(height).into();
            }
            Output::Halt { .. } => self.peers[node].halted = true,
            _ => {}
        }
        vec![]
    }

    pub(super) fn next_sealers(&self, node: usize, block: &Block) -> SealerSet {
        match &self.recovery {
            Some(recovery) if carries(block) => recovery.sealers.clone(),
            _ => self.sealers_after(&self.peers[node].chain),
        }
    }

    pub(super) fn build(&mut self, node: usize, slot: Slot, parent: Head) -> Input {
        let recovers = self.recovers(node).is_some();
        let block = Block {
            height: slot.height,
            parent: parent.hash,
            unix_ms: (UNIX_MS + self.now_ms).max(parent.unix_ms + 1),
            proposer: u8::try_from(node).unwrap(),
            salt: self.dice.below(1 << 30),
            corrupt: false,
            transactions: if recovers { vec![RECOVERS] } else { vec![slot.height] },
        };
        let candidate = block.candidate(self.crypto.suite.hash_fn());
        let next_sealers = self.next_sealers(node, &block);
        let fresh = Some(Fresh {
            candidate,
            next_sealers,
        });
        Input::Built { slot, fresh }
    }

    /// What a shell does with the recovery in its folder: at its block it takes it up, once and for good.
    pub(super) fn look(&mut self, node: usize) {
        let peer = &self.peers[node];
        let Some(recovery) = self.recovery.clone().filter(|_| peer.holds && !peer.taken && peer.up) else {
            return;
        };
        let head = self.head(node);
        if (head.height, head.hash) == (recovery.height, recovery.block) {
            self.peers[node].log.push(Record::Recovered(Box::new(recovery)));
            self.start(node);
        }
    }

    pub(super) fn happen(&mut self) {
        let ((at, _), event) = self.queue.pop_first().unwrap();
        self.now_ms = at;
        match event {
            Event::Mail { from, to, bytes } => self.arrive(from, to, &bytes),
            Event::Wake {
                node,
                life,
                timer,
                setting,
            } => {
                let peer = &self.peers[node];
                if peer.life == life && peer.timers.get(&timer) == Some(&setting) {
                    self.feed(node, Input::Wake(timer));
                }
            }
            Event::Sync { node } => self.sync(node),
            Event::Install { node } => {
                self.peers[node].holds = true;
                self.look(node);
            }
            Event::Return { node } => {
                self.start(node);
                self.look(node);
            }
            Event::Restart { node } => {
                self.kill(node);
                self.start(node);
                self.look(node);
            }
        }
    }

    pub(super) fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> bool {
        while !done(self) {
            if self.now_ms > END_MS {
                return false;
            }
            self.happen();
        }
        true
    }

    pub(super) fn run_for(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        self.run_until(|world| world.now_ms >= end);
    }
}
