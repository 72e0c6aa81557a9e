//! Random histories of votes, proofs, leases, deaths and returns: what must never happen does not.

use std::collections::BTreeSet;

use althing_governance::{Ballot, FRESH_MS, Governance, LeaseWish, Moment, Proof, Role, Subject, Value, Wish};
use althing_types::{Address, NodeId, SealerSet};
use proptest::prelude::*;

use crate::scene::{Scene, account, node};

const NODES: u8 = 8;

#[derive(Clone, Debug)]
enum Act {
    /// A seat votes on a node's role, or on a seat.
    Vote {
        seat: u8,
        wish: Wish,
        ahead: u64,
        force: bool,
    },
    Withdraw {
        seat: u8,
        subject: Subject,
    },
    /// Every node that lives proves it.
    Prove,
    /// A node dies or comes back.
    Turn(u8),
    Lease {
        seat: u8,
        number: u8,
        pause: bool,
    },
    Return {
        seat: u8,
        number: u8,
    },
    Advance {
        seat: u8,
    },
    /// Blocks pass.
    Wait {
        blocks: u64,
        ms: u64,
    },
}

/// The block in which the lease that is there was asked for.
fn asked_in(group: &Governance) -> u64 {
    group.lease().map_or(0, |lease| lease.asked.height)
}

fn wish() -> impl Strategy<Value = Wish> {
    let role = prop_oneof![Just(Role::Free), Just(Role::Observer), Just(Role::Sealer)];
    prop_oneof![
        8 => (1..=NODES, role).prop_map(|(number, role)| Wish::Role(node(number), role)),
        1 => (1..=6_u8, 0..4_u32).prop_map(|(seat, weight)| Wish::Weight(account(seat), weight)),
        1 => (45..105_u32).prop_map(Wish::Threshold),
        2 => (1..=8_u8, any::<bool>()).prop_map(|(number, is)| Wish::Operator(account(number), is)),
        2 => (1..=8_u8, any::<bool>()).prop_map(|(number, is)| Wish::Frozen(account(number), is)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let seat = || 1..=6_u8;
    prop_oneof![
        12 => (seat(), wish(), prop_oneof![9 => Just(0_u64), 1 => 0..3_u64], prop::bool::weighted(0.1))
            .prop_map(|(seat, wish, ahead, force)| Act::Vote { seat, wish, ahead, force }),
        1 => (seat(), wish()).prop_map(|(seat, wish)| Act::Withdraw { seat, subject: wish.subject() }),
        8 => Just(Act::Prove),
        2 => (1..=NODES).prop_map(Act::Turn),
        2 => (seat(), 1..=NODES, any::<bool>()).prop_map(|(seat, number, pause)| Act::Lease { seat, number, pause }),
        1 => (seat(), 1..=NODES).prop_map(|(seat, number)| Act::Return { seat, number }),
        1 => seat().prop_map(|seat| Act::Advance { seat }),
        6 => (1..20_u64, 0..90_000_u64).prop_map(|(blocks, ms)| Act::Wait { blocks, ms }),
        1 => (1..12_000_u64, 0..800_000_000_u64).prop_map(|(blocks, ms)| Act::Wait { blocks, ms }),
    ]
}

/// Acts, among them all seats agreeing on something.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let agree = wish().prop_map(|wish| {
        let vote = |seat| Act::Vote {
            seat,
            wish: wish.clone(),
            ahead: 0,
            force: false,
        };
        (1..=6).map(vote).collect()
    });
    let some = prop_oneof![5 => act().prop_map(|act| vec![act]), 1 => agree];
    prop::collection::vec(some, 1..100).prop_map(|acts| acts.concat())
}

/// What really is: who lives, and since when who does not has been dead.
struct World {
    scene: Scene,
    dead: BTreeSet<u8>,
    /// When each node last proved that it lives.
    proved: Vec<(NodeId, u64)>,
}

impl World {
    fn act(&mut self, act: &Act) {
        let (now, group) = (self.scene.now, &mut self.scene.group);
        // A refusal leaves everything as it was but for what was too old.
        match act {
            Act::Vote {
                seat,
                wish,
                ahead,
                force,
            } => {
                let ballot = Ballot {
                    wish: wish.clone(),
                    number: group.next_number(&wish.subject()) + ahead,
                    force: *force,
                };
                drop(group.vote(now, account(*seat), &ballot, now.height));
            }
            Act::Withdraw { seat, subject } => {
                let voted_in = group.vote_of(subject, &account(*seat)).map_or(0, |vote| vote.at.height);
                drop(group.withdraw(now, account(*seat), subject, voted_in));
            }
            Act::Prove => {
                for number in (1..=NODES).filter(|number| !self.dead.contains(number)) {
                    let proof = Proof {
                        node: node(number),
                        height: now.height - 1,
                        unix_ms: now.unix_ms,
                    };
                    if self.scene.group.alive(now, &proof).is_ok() {
                        self.proved.retain(|(node, _)| *node != proof.node);
                        self.proved.push((proof.node, now.unix_ms));
                    }
                }
            }
            Act::Turn(number) => {
                if !self.dead.remove(number) {
                    self.dead.insert(*number);
                }
            }
            Act::Lease { seat, number, pause } => {
                let wish = LeaseWish {
                    node: node(*number),
                    reason: "x".to_owned(),
                    until_ms: now.unix_ms + 300_000,
                    pause: *pause,
                    asked_in: asked_in(group),
                };
                drop(group.ask_lease(now, account(*seat), &wish));
            }
            Act::Return { seat, number } => {
                let asked_in = asked_in(group);
                drop(group.return_lease(now, account(*seat), node(*number), asked_in));
            }
            Act::Advance { seat } => {
                for pending in group.pending(now) {
                    drop(group.advance(now, account(*seat), pending.id));
                }
            }
            Act::Wait { blocks, ms } => {
                self.scene.now.height += blocks;
                self.scene.now.unix_ms += ms;
            }
        }
    }

    fn proved_lately(&self, now: Moment) -> BTreeSet<NodeId> {
        let fresh = self.proved.iter().filter(|(_, at)| at + FRESH_MS >= now.unix_ms);
        fresh.map(|(node, _)| *node).collect()
    }
}

/// The seats that voted for it, by weight, must be above the threshold: looked up in the value before the act.
fn majority_of(before: &Governance, seat: Address, wish: &Wish, force: bool, now: Moment) -> bool {
    let votes = before.votes().get(&wish.subject()).cloned().unwrap_or_default();
    let is_old = |at: Moment| {
        now.height - at.height >= althing_governance::VOTE_BLOCKS
            || now.unix_ms - at.unix_ms >= althing_governance::VOTE_MS
    };
    let mut agreed: BTreeSet<Address> = votes
        .into_iter()
        .filter(|(_, vote)| vote.to == wish.to() && vote.force == force && !is_old(vote.at))
        .map(|(account, _)| account)
        .collect();
    agreed.insert(seat);
    let weight = |account: &Address| u64::from(before.seats().get(account).copied().unwrap_or(0));
    let all: u64 = before.seats().values().map(|weight| u64::from(*weight)).sum();
    agreed.iter().map(weight).sum::<u64>() * 100 > u64::from(before.threshold()) * all
}

fn survives(sealers: &SealerSet, live: &BTreeSet<NodeId>) -> bool {
    sealers.as_slice().iter().filter(|node| live.contains(*node)).count() >= sealers.quorum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_change_without_a_current_majority_and_no_sealers_without_a_proven_quorum(acts in acts()) {
        let mut world = World { scene: Scene::new(4, 4), dead: BTreeSet::new(), proved: vec![] };
        let mut forced = BTreeSet::new();
        let (mut frozen, mut operators) = (BTreeSet::new(), BTreeSet::new());
        let mut parent = (0, world.scene.group.sealers());
        for act in &acts {
            let before = world.scene.group.clone();
            let now = world.scene.now;
            if parent.0 != now.height {
                parent = (now.height, before.sealers());
            }
            world.act(act);
            let after = &mut world.scene.group;
            for event in after.take_events() {
                use althing_governance::Event;
                if let Event::Passed { id } = event {
                    let Act::Vote { seat, wish, force, .. } = act else {
                        return Err(TestCaseError::fail(format!("{act:?} passed a change")));
                    };
                    prop_assert!(majority_of(&before, account(*seat), wish, *force, now), "{act:?} over {before:?}");
                    if *force {
                        forced.insert(id);
                    }
                }
                if let Event::Stepped { id, node, from, to } = event {
                    prop_assert_eq!(from.towards(to), to, "a step is one step");
                    if (from == Role::Sealer || to == Role::Sealer) && !forced.contains(&id) {
                        let live = world.proved_lately(now);
                        prop_assert!(survives(&world.scene.group.sealers(), &live), "{act:?} made {:?}", world.scene.sealers());
                        prop_assert!(to != Role::Sealer || live.contains(&node));
                    }
                }
            }
            let (was, is) = (&parent.1, world.scene.group.sealers());
            prop_assert!(!is.is_empty());
            let changed = was.as_slice().iter().filter(|node| !is.contains(node)).count()
                + is.as_slice().iter().filter(|node| !was.contains(node)).count();
            prop_assert!(changed <= 1, "the sealers change one by one, block by block");
            prop_assert!(!world.scene.group.seats().is_empty());
            let group = &world.scene.group;
            for seat in group.seats().keys() {
                prop_assert!(!group.frozen().contains(seat) && !group.operators().contains_key(seat), "{act:?}");
            }
            for number in 1..=8 {
                let account = account(number);
                for (subject, of) in [(Subject::Account(account), &mut frozen), (Subject::Operator(account), &mut operators)] {
                    let is = group.value(&subject) == Value::Is(true);
                    let was = of.contains(&account);
                    // What is so of an account changes by a change about it that passed, and by nothing else.
                    prop_assert_eq!(is != was, before.next_number(&subject) != group.next_number(&subject), "{:?}", act);
                    if is { of.insert(account) } else { of.remove(&account) };
                }
            }
            prop_assert_eq!(&Governance::decode(&group.encode()).unwrap(), group);
        }
    }

    #[test]
    fn a_lease_never_leaves_a_group_without_a_proven_quorum(acts in acts()) {
        let mut world = World { scene: Scene::new(7, 4), dead: BTreeSet::new(), proved: vec![] };
        for act in &acts {
            let now = world.scene.now;
            world.act(act);
            for event in world.scene.group.take_events() {
                let althing_governance::Event::LeaseGranted { node, .. } = event else { continue };
                let sealers = world.scene.group.sealers();
                let mut live = world.proved_lately(now);
                if sealers.faults_tolerable() > 0 {
                    live.remove(&node);
                }
                prop_assert!(survives(&sealers, &live) || !sealers.contains(&node), "{act:?}");
            }
        }
    }
}
