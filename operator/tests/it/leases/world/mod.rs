//! Operators that share nothing but chains: real governance, made block by block; nodes that go and come back; and what each operator
//! sees of it, which may be some blocks old.

mod sight;

use std::collections::{BTreeMap, BTreeSet};

use althing_governance::{Governance, Moment, Proof};
use althing_operator::governance::{Act, Call, ChainView};
use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::plan::disruption::Taken;
use althing_operator::plan::{Disruption, DisruptionReason, Verdict};
use althing_operator::transaction::WAITS_BLOCKS;
use althing_types::genesis::{Committee, Genesis, Seat};
use althing_types::{Address, B256, GroupId, NodeId, SealerSet, quorum};
use jiff::Timestamp;

/// Block time of the first block, milliseconds since 1970.
pub(super) const FIRST_MS: u64 = 1_780_000_000_000;

/// One node as it really is.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) operator: usize,
    pub(super) is: Is,
    /// It should run as something else than it does.
    pub(super) outdated: bool,
    /// Its machine is to be emptied.
    pub(super) drained: bool,
    /// Whether its operator may ask it.
    pub(super) answers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    InSync,
    /// Taken away on purpose, and back after so many blocks' times.
    Disturbed(u32),
    /// Away by itself.
    Crashed,
    /// Started again after it was away by itself.
    Healing(u32),
}

/// A group after one block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) view: ChainView,
    /// Who was live.
    live: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) sealers: Vec<usize>,
    pub(super) blocks: Vec<Block>,
    pub(super) pause_until: Option<Timestamp>,
    pool: Vec<Sent>,
    /// What was in a block: no transaction is in two.
    used: Vec<Sent>,
}

/// A transaction: whose, planned on which block, and what it calls. The same again is the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    operator: usize,
    height: u64,
    call: Call,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Operator {
    /// The number of the block it has seen, of each group.
    seen: Vec<usize>,
    /// Drains that it let go, as whoever drains sees it.
    pub(super) opened: BTreeSet<usize>,
    /// No own node tells it what holds.
    pub(super) deaf: bool,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) members: Vec<Member>,
    pub(super) groups: Vec<Group>,
    pub(super) operators: Vec<Operator>,
    /// The nodes that went under a lease, of each the group and the end that the lease had.
    under: BTreeMap<(usize, usize), u64>,
}

pub(super) fn name(i: usize) -> NodeName {
    NodeName::new(format!("node-{i}")).unwrap()
}

fn id(i: usize) -> NodeId {
    NodeId::new([u8::try_from(i).unwrap() + 1; 64])
}

fn index(node: &NodeName) -> usize {
    node.as_str().strip_prefix("node-").unwrap().parse().unwrap()
}

fn group_name(g: usize) -> GroupName {
    GroupName::new(format!("group-{}", g + 1)).unwrap()
}

fn group_id(g: usize) -> GroupId {
    GroupId::try_from(u32::try_from(g).unwrap() + 1).unwrap()
}

pub(super) fn account(operator: usize) -> Address {
    Address::repeat_byte(u8::try_from(operator).unwrap() + 1)
}

fn agency(operator: usize) -> AgencyName {
    AgencyName::new(format!("agency-{operator}")).unwrap()
}

fn instant(unix_ms: u64) -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(unix_ms).unwrap()).unwrap()
}

impl Group {
    fn new(g: usize, sealers: Vec<usize>, seats: &[usize]) -> Self {
        let genesis = genesis(g, &sealers, seats);
        let view = ChainView {
            now: Moment {
                height: 1_000,
                unix_ms: FIRST_MS,
            },
            governance: Governance::new(&genesis, B256::repeat_byte(9)),
        };
        Self {
            blocks: vec![Block {
                view,
                live: sealers.iter().copied().collect(),
            }],
            sealers,
            pause_until: None,
            pool: vec![],
            used: vec![],
        }
    }

    pub(super) fn newest(&self) -> &Block {
        self.blocks.last().unwrap()
    }

    pub(super) fn chain(&self) -> &Governance {
        &self.newest().view.governance
    }
}

impl World {
    /// Who runs each node, and the sealers of each group. Every operator's agency has a seat in every group.
    pub(super) fn new(owners: &[usize], groups: &[&[usize]]) -> Self {
        let operators = owners.iter().max().unwrap() + 1;
        let seats: Vec<_> = (0..operators).collect();
        Self::with_seats(owners, groups, &seats)
    }

    pub(super) fn with_seats(owners: &[usize], groups: &[&[usize]], seats: &[usize]) -> Self {
        let operators = owners.iter().max().unwrap() + 1;
        let groups = groups.iter().enumerate();
        let groups: Vec<_> = groups
            .map(|(g, sealers)| Group::new(g, sealers.to_vec(), seats))
            .collect();
        let operator = Operator {
            seen: vec![0; groups.len()],
            ..Operator::default()
        };
        Self {
            members: owners
                .iter()
                .map(|operator| Member {
                    operator: *operator,
                    is: Is::InSync,
                    outdated: false,
                    drained: false,
                    answers: true,
                })
                .collect(),
            operators: vec![operator; operators],
            under: BTreeMap::new(),
            groups,
        }
    }

    fn live(&self, group: &Group) -> BTreeSet<usize> {
        let sealers = group.sealers.iter().copied();
        sealers.filter(|i| self.members[*i].is == Is::InSync).collect()
    }

    /// What is wanted and not done, and what is taken and not given back.
    pub(super) fn is_calm(&self) -> bool {
        let nobody_waits = self
            .members
            .iter()
            .all(|it| !it.outdated && !it.drained && it.is == Is::InSync);
        nobody_waits && self.groups.iter().all(|group| group.chain().lease().is_none())
    }

    /// A block of every group that has a quorum, with what of the pool `takes` says, and proofs of life of every second node.
    pub(super) fn block(&mut self, ms: u64, takes: impl Fn(usize) -> bool) {
        for g in 0..self.groups.len() {
            let live = self.live(&self.groups[g]);
            if live.len() < quorum(self.groups[g].sealers.len()) {
                continue;
            }
            let group = &mut self.groups[g];
            let mut block = group.newest().clone();
            block.view.now.height += 1;
            block.view.now.unix_ms += ms;
            block.live = live.clone();
            let (now, chain) = (block.view.now, &mut block.view.governance);
            let pool = std::mem::take(&mut group.pool);
            let waits = |sent: &Sent| now.height <= sent.height + WAITS_BLOCKS;
            for (at, sent) in pool.into_iter().filter(waits).enumerate() {
                if takes(at) {
                    // What the chain refuses changes nothing.
                    drop(sent.call.play(chain, now, account(sent.operator)));
                    group.used.push(sent);
                } else {
                    group.pool.push(sent);
                }
            }
            let waits = chain.wants_proofs();
            for i in live
                .into_iter()
                .filter(|i| waits && (*i as u64 + now.height).is_multiple_of(2))
            {
                let proof = Proof {
                    node: id(i),
                    height: now.height - 1,
                    unix_ms: now.unix_ms - ms,
                };
                drop(chain.alive(now, &proof));
            }
            block.view.governance = chain.clone().as_of(now);
            group.blocks.push(block);
        }
        for i in 0..self.members.len() {
            match self.members[i].is {
                Is::Disturbed(left) if left > 0 => self.members[i].is = Is::Disturbed(left - 1),
                Is::Healing(left) if left > 0 => self.members[i].is = Is::Healing(left - 1),
                Is::Disturbed(_) | Is::Healing(_) => self.returns(i),
                Is::InSync | Is::Crashed => {}
            }
        }
        let members = &self.members;
        self.under
            .retain(|(i, _), _| matches!(members[*i].is, Is::Disturbed(_)));
        for ((i, g), until_ms) in &self.under {
            self.check_lease(*i, *g, *until_ms);
        }
    }

    /// A node is in sync again: its operator looks at once, and closes what it let go while the node did not vote.
    pub(super) fn returns(&mut self, i: usize) {
        let operator = self.members[i].operator;
        self.members[i].is = Is::InSync;
        self.operators[operator].opened.remove(&i);
    }

    /// Who went under a lease has it until it is back, or the lease ends by itself.
    fn check_lease(&self, i: usize, g: usize, until_ms: u64) {
        let newest = &self.groups[g].newest().view;
        let lease = newest.governance.lease();
        assert!(
            newest.now.unix_ms >= until_ms || lease.is_some_and(|lease| lease.granted && lease.node == id(i)),
            "node {i} is away from group {g} without a lease: {lease:?}"
        );
    }

    /// One look of an operator: what it sees is at most so many blocks old, and never older than what it saw. What it decides, it does.
    pub(super) fn turn(&mut self, operator: usize, lag: usize, away_for: u32) -> (Vec<Disruption>, Taken) {
        for (g, group) in self.groups.iter().enumerate() {
            let seen = &mut self.operators[operator].seen[g];
            *seen = (group.blocks.len() - 1).saturating_sub(lag).max(*seen);
        }
        let (decided, taken) = self.plan(operator);
        self.operators[operator].opened.clear();
        for disruption in decided.iter().filter(|it| it.verdict == Verdict::Allowed) {
            let i = index(&disruption.node);
            match disruption.reason {
                DisruptionReason::MachineDrained => drop(self.operators[operator].opened.insert(i)),
                _ => self.disturb(i, away_for),
            }
        }
        for act in &taken.acts {
            self.send(operator, act);
        }
        (decided, taken)
    }

    /// Whoever drains evicts a node as soon as that is allowed.
    pub(super) fn evict(&mut self, i: usize, away_for: u32) {
        let operator = self.members[i].operator;
        if self.operators[operator].opened.contains(&i) && self.members[i].drained {
            self.members[i].drained = false;
            self.disturb(i, away_for);
        }
    }

    /// The node goes on purpose; what is away on purpose never is what a quorum lacks.
    fn disturb(&mut self, i: usize, away_for: u32) {
        let (was_live, operator) = (self.members[i].is == Is::InSync, self.members[i].operator);
        self.members[i].outdated = false;
        self.members[i].is = match self.members[i].is {
            Is::InSync | Is::Disturbed(_) => Is::Disturbed(away_for),
            Is::Crashed | Is::Healing(_) => Is::Healing(away_for),
        };
        let sealed = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.sealers.contains(&i));
        for (g, group) in sealed.filter(|_| was_live) {
            let away = |i: &&usize| matches!(self.members[**i].is, Is::Disturbed(_));
            let away: Vec<_> = group.sealers.iter().filter(away).collect();
            let is_paused = group.pause_until.is_some();
            assert!(
                is_paused || group.sealers.len() - away.len() >= quorum(group.sealers.len()),
                "nodes {away:?} of group {g} are away on purpose together; lease: {:?}",
                group.chain().lease()
            );
            let is_shared = group.sealers.iter().any(|i| self.members[*i].operator != operator);
            if is_shared {
                let until_ms = group.chain().lease().map_or(u64::MAX, |lease| lease.until_ms);
                self.check_lease(i, g, until_ms);
                self.under.insert((i, g), until_ms);
            }
        }
    }

    /// It may wait as long as a transaction may, and others pass it by.
    fn send(&mut self, operator: usize, act: &Act) {
        let g = (0..self.groups.len()).find(|g| group_name(*g) == act.group).unwrap();
        let group = &mut self.groups[g];
        let sent = Sent {
            operator,
            height: act.chain.height,
            call: act.call.clone(),
        };
        if !group.pool.contains(&sent) && !group.used.contains(&sent) {
            group.pool.push(sent);
        }
    }
}

fn genesis(g: usize, sealers: &[usize], seats: &[usize]) -> Genesis {
    let seat = |operator: &usize| Seat {
        account: account(*operator),
        weight: 1,
    };
    let sealers = SealerSet::new(sealers.iter().map(|i| id(*i)).collect());
    Genesis {
        committee: Committee {
            seats: seats.iter().map(seat).collect(),
            threshold: 50,
        },
        ..Genesis::with_defaults(20_260, group_id(g), sealers).unwrap()
    }
}
