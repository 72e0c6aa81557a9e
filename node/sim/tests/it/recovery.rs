//! A group whose quorum is gone for ever goes on by a recovery (ADR 0016), under every order of messages, restarts and returns: those who
//! take it up never part, nobody signs twice in one domain, and who comes back follows.
//!
//! A world of its own, smaller than the cluster: the true core and vote log, blocks that say whether they carry the recovery, disks that
//! are at once durable. What the shell of a node decides about a recovery is decided here alike.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, Bytes};
use althing_consensus::{
    Consensus, Domains, Fresh, Head, Input, Limits, Message, Now, Outcome, Output, Pbft, Phase, Reason, Record,
    Recovered, Settings, Slot, Start, Timer, To, decode_message, unwrap, verify_certificate, verify_message,
};
use althing_sim::Crypto;
use althing_sim::block::{Block, Reader};
use althing_sim::dice::Dice;
use althing_types::{CommitCertificate, GroupId, NodeId, Recovery, SealerSet};

const LIMITS: Limits = Limits { block_bytes: 4_096 };
const GENESIS: B256 = B256::repeat_byte(9);
/// The transaction that stands for the recovery in a block.
const RECOVERS: u64 = 1 << 40;
const UNIX_MS: u64 = 1_800_000_000_000;
/// Simulated time in which everything has to be over.
const END_MS: u64 = 600_000;

#[derive(Clone)]
struct Stored {
    block: Block,
    hash: B256,
    certificate: CommitCertificate,
}

struct Peer {
    core: Pbft,
    up: bool,
    life: u64,
    log: Vec<Record>,
    chain: Vec<Stored>,
    /// Whether its folder holds the recovery.
    holds: bool,
    /// Whether it has taken it up.
    taken: bool,
    domains: Domains,
    timers: BTreeMap<Timer, u64>,
    halted: bool,
}

enum Event {
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

struct World {
    crypto: Crypto,
    dice: Dice,
    now_ms: u64,
    queue: BTreeMap<(u64, u64), Event>,
    count: u64,
    peers: Vec<Peer>,
    ids: Vec<NodeId>,
    recovery: Option<Recovery>,
    /// What each node signed, by domain and round.
    signed: BTreeMap<(usize, Option<B256>, Slot, Phase), String>,
}

fn carries(block: &Block) -> bool {
    block.transactions.first() == Some(&RECOVERS)
}

/// There is always something to do: one transaction waits until its block, and the next one after it.
fn reasons(height: u64) -> [Input; 3] {
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
    fn new(seed: u64) -> Self {
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

    fn after(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.queue.insert((self.now_ms + ms, self.count), event);
    }

    fn old_sealers(&self) -> SealerSet {
        SealerSet::new(self.ids.clone())
    }

    fn head(&self, node: usize) -> Head {
        let hash = self.crypto.suite.hash_fn();
        let head = self.peers[node].chain.last().map(|stored| stored.block.head(hash));
        head.unwrap_or_else(|| Block::genesis().head(hash))
    }

    /// Who seals the block above this part of a chain, where that does not carry a recovery itself.
    fn sealers_after(&self, chain: &[Stored]) -> SealerSet {
        match &self.recovery {
            Some(recovery) if chain.iter().any(|stored| carries(&stored.block)) => recovery.sealers.clone(),
            _ => self.old_sealers(),
        }
    }

    fn digest(&self) -> Option<B256> {
        Some(self.recovery.as_ref()?.digest(self.crypto.suite.hash_fn()))
    }

    /// The height that a node decides under the recovery, if it is the next one.
    fn recovers(&self, node: usize) -> Option<Recovered> {
        let recovery = self.recovery.as_ref().filter(|_| self.peers[node].taken)?;
        let digest = self.digest()?;
        let height = recovery.decides();
        (self.head(node).height == recovery.height).then_some(Recovered { height, digest })
    }

    /// What the newest block was decided under.
    fn recovered_head(&self, node: usize) -> Option<Recovered> {
        let newest = self.peers[node].chain.last().filter(|stored| carries(&stored.block))?;
        Some(Recovered {
            height: newest.block.height,
            digest: self.digest()?,
        })
    }

    fn start(&mut self, node: usize) {
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

    fn work(&mut self, node: usize) {
        for reason in reasons(self.head(node).height) {
            self.feed(node, reason);
        }
    }

    fn kill(&mut self, node: usize) {
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

    fn feed(&mut self, node: usize, input: Input) {
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

    fn carry_out(&mut self, node: usize, output: Output) -> Vec<Input> {
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

    fn next_sealers(&self, node: usize, block: &Block) -> SealerSet {
        match &self.recovery {
            Some(recovery) if carries(block) => recovery.sealers.clone(),
            _ => self.sealers_after(&self.peers[node].chain),
        }
    }

    fn build(&mut self, node: usize, slot: Slot, parent: Head) -> Input {
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

    fn send(&mut self, node: usize, to: To, bytes: &Bytes) {
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
    fn note(&mut self, node: usize, bytes: &Bytes) {
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

    fn arrive(&mut self, from: usize, node: usize, bytes: &Bytes) {
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
    fn sync(&mut self, node: usize) {
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

    /// What a shell does with the recovery in its folder: at its block it takes it up, once and for good.
    fn look(&mut self, node: usize) {
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

    fn happen(&mut self) {
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

    fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> bool {
        while !done(self) {
            if self.now_ms > END_MS {
                return false;
            }
            self.happen();
        }
        true
    }

    fn run_for(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        self.run_until(|world| world.now_ms >= end);
    }
}

/// What came of a seed, so that the test can say that it saw everything.
#[derive(Default)]
struct Seen {
    votes_before: u64,
    lost_blocks: u64,
    early_returns: u64,
    went_on_without: u64,
}

fn run(seed: u64, seen: &mut Seen) {
    let mut world = World::new(seed);
    let count = world.peers.len();
    let (quorum, blocks) = (world.old_sealers().quorum(), world.dice.between(1, 4));
    assert!(
        world.run_until(|world| (0..count).any(|node| world.head(node).height >= blocks)),
        "seed {seed}"
    );
    // Somewhere in the middle of a height the quorum is gone.
    let moment = world.dice.below(400);
    world.run_for(moment);
    let alive = 1 + world.dice.index(quorum - 1);
    let mut order: Vec<usize> = (0..count).collect();
    for n in (1..count).rev() {
        order.swap(n, world.dice.index(n + 1));
    }
    let (live, lost) = order.split_at(alive);
    for node in lost {
        world.kill(*node);
    }
    let highest = |world: &World| live.iter().map(|node| world.head(*node).height).max().unwrap();
    world.run_for(8_000);
    let height = highest(&world);
    assert!(
        live.iter().all(|node| world.head(*node).height == height),
        "seed {seed}: the live ones are equal"
    );
    let voted = |record: &Record| record.is_signed() && record.height() == height + 1;
    seen.votes_before += u64::from(live.iter().any(|node| world.peers[*node].log.iter().any(voted)));
    world.recovery = Some(Recovery {
        genesis: GENESIS,
        group: GroupId::try_from(1).unwrap(),
        height,
        block: world.head(live[0]).hash,
        replaces: None,
        sealers: SealerSet::new(live.iter().map(|node| world.ids[*node]).collect()),
        signatures: vec![],
    });
    let mut last = 0;
    for node in live {
        let at = world.dice.below(20_000);
        last = last.max(at);
        world.after(at, Event::Install { node: *node });
        if world.dice.per_mille(400) {
            let at = world.dice.below(25_000);
            world.after(at, Event::Restart { node: *node });
        }
    }
    let is_early = world.dice.per_mille(300);
    for node in lost {
        let at = match is_early {
            true => world.dice.below(last + 1),
            false => last + 1 + world.dice.below(20_000),
        };
        world.after(at, Event::Return { node: *node });
    }
    // Where one of them has a block that nobody else has, the others that come back need the document too, or they may fetch that one.
    let before: BTreeSet<usize> = lost
        .iter()
        .copied()
        .filter(|node| world.head(*node).height > height)
        .collect();
    for node in lost {
        world.peers[*node].holds = !before.is_empty();
    }
    seen.lost_blocks += u64::from(!before.is_empty());
    seen.early_returns += u64::from(is_early);
    judge(seed, &mut world, live, &before, is_early, seen);
}

/// Nobody who has taken it up parts from another who has; and where the lost ones stayed away until all had, everybody goes on.
fn judge(seed: u64, world: &mut World, live: &[usize], before: &BTreeSet<usize>, is_early: bool, seen: &mut Seen) {
    let recovery = world.recovery.clone().unwrap();
    let at = usize::try_from(recovery.height).unwrap();
    let goal = recovery.height + 3;
    let followers: Vec<usize> = (0..world.peers.len()).filter(|node| !before.contains(node)).collect();
    let reached =
        world.run_until(|world| world.now_ms > 60_000 && followers.iter().all(|node| world.head(*node).height >= goal));
    let took = |node: &usize| {
        world.peers[*node]
            .log
            .iter()
            .any(|record| matches!(record, Record::Recovered(_)))
    };
    let taken: Vec<usize> = live.iter().copied().filter(took).collect();
    let decided: BTreeSet<B256> = taken
        .iter()
        .filter_map(|node| Some(world.peers[*node].chain.get(at)?.hash))
        .collect();
    assert!(decided.len() <= 1, "seed {seed}: those who took it up part");
    for node in &taken {
        if let Some(stored) = world.peers[*node].chain.get(at) {
            assert!(
                carries(&stored.block),
                "seed {seed}: node {node} took it up and went on without it"
            );
        }
    }
    if is_early {
        let without = |node: &usize| {
            world.peers[*node]
                .chain
                .get(at)
                .is_some_and(|stored| !carries(&stored.block))
        };
        seen.went_on_without += u64::from(live.iter().any(without));
        return;
    }
    let heights: Vec<u64> = (0..world.peers.len()).map(|node| world.head(node).height).collect();
    assert!(
        reached,
        "seed {seed}: goes on from {} to {heights:?}, live {live:?}, ahead {before:?}",
        recovery.height
    );
    for height in 0..usize::try_from(goal).unwrap() {
        let hashes: BTreeSet<B256> = followers
            .iter()
            .map(|node| world.peers[*node].chain[height].hash)
            .collect();
        assert_eq!(hashes.len(), 1, "seed {seed}: a fork at {}", height + 1);
    }
    assert!(carries(&world.peers[live[0]].chain[at].block));
}

#[test]
fn a_group_that_lost_its_quorum_goes_on_by_a_recovery_without_a_fork_whoever_comes_back() {
    let mut seen = Seen::default();
    for seed in 0..160 {
        run(seed, &mut seen);
    }
    assert!(
        seen.votes_before > 20,
        "votes of the height were given before: {}",
        seen.votes_before
    );
    assert!(
        seen.lost_blocks > 2,
        "blocks that only lost sealers had: {}",
        seen.lost_blocks
    );
    assert!(
        seen.early_returns > 20,
        "returns before everybody had it: {}",
        seen.early_returns
    );
    assert!(
        seen.went_on_without > 2,
        "groups that went on without it: {}",
        seen.went_on_without
    );
}
