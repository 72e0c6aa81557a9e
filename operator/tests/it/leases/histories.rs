//! Histories of operators that share groups: what they want changes, blocks come late, what they see is old.

use proptest::prelude::*;

use super::world::{Is, World};
use crate::support::cases;

const NODES: usize = 9;
/// Rounds in which everything that is wanted must be done: leases of who was stopped run out on the way.
const ROUNDS_MAX: usize = 2_000;

#[derive(Clone, Debug)]
enum Event {
    Wants(usize),
    WantsNothing(usize),
    Drains(usize),
    Evicts(usize),
    Crashes(usize),
    Returns(usize),
    Turn { operator: usize, lag: usize },
    Block { seconds: u64, takes: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    let node = || prop_oneof![2 => 0..3_usize, 1 => 0..NODES];
    prop_oneof![
        3 => node().prop_map(Event::Wants),
        2 => node().prop_map(Event::WantsNothing),
        1 => node().prop_map(Event::Drains),
        2 => node().prop_map(Event::Evicts),
        1 => node().prop_map(Event::Crashes),
        2 => node().prop_map(Event::Returns),
        12 => (0..3_usize, 0..5_usize).prop_map(|(operator, lag)| Event::Turn { operator, lag }),
        10 => (prop_oneof![8 => 1..20_u64, 1 => 60..240_u64], any::<u8>())
            .prop_map(|(seconds, takes)| Event::Block { seconds, takes }),
    ]
}

/// Whose each node is, and who seals: groups of four and of seven, which share nodes.
fn world() -> impl Strategy<Value = World> {
    let owners = prop::collection::vec(0..3_usize, NODES);
    let all: Vec<usize> = (0..NODES).collect();
    let group = prop_oneof![
        prop::sample::subsequence(all.clone(), 4),
        prop::sample::subsequence(all.clone(), 5),
        prop::sample::subsequence(all, 7),
    ];
    let groups = prop::collection::vec(group, 1..4);
    (owners, groups).prop_map(|(mut owners, groups)| {
        // Every operator runs one.
        for (operator, owner) in owners.iter_mut().take(3).enumerate() {
            *owner = operator;
        }
        let groups: Vec<&[usize]> = groups.iter().map(Vec::as_slice).collect();
        World::new(&owners, &groups)
    })
}

impl World {
    fn happen(&mut self, event: &Event) {
        let operators = self.operators.len();
        match event {
            Event::Wants(i) => self.members[*i].outdated = true,
            Event::WantsNothing(i) => (self.members[*i].outdated, self.members[*i].drained) = (false, false),
            Event::Drains(i) => self.members[*i].drained = true,
            Event::Evicts(i) => self.evict(*i, 3),
            Event::Crashes(i) if self.members[*i].is == Is::InSync => self.members[*i].is = Is::Crashed,
            Event::Returns(i) if self.members[*i].is == Is::Crashed => self.returns(*i),
            Event::Crashes(_) | Event::Returns(_) => {}
            Event::Turn { operator, lag } => drop(self.turn(operator % operators, *lag, 4)),
            Event::Block { seconds, takes } => self.block(seconds * 1_000, |at| takes >> (at % 8) & 1 == 1),
        }
    }

    /// Nobody wants anything new, and everybody who crashed is back: rounds until nothing waits and no lease is left.
    fn settle(&mut self) -> usize {
        for i in 0..NODES {
            if self.members[i].is == Is::Crashed {
                self.returns(i);
            }
        }
        for round in 0..ROUNDS_MAX {
            if self.is_calm() {
                return round;
            }
            for operator in 0..self.operators.len() {
                self.turn(operator, round % 2, 2);
            }
            for i in 0..NODES {
                self.evict(i, 2);
            }
            self.block(5_000, |_| true);
        }
        ROUNDS_MAX
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2_048), ..ProptestConfig::default() })]

    #[test]
    fn no_history_takes_a_quorum_every_wish_is_served_and_no_lease_stays(
        world in world(),
        history in prop::collection::vec(event(), 1..160),
    ) {
        let mut world = world;
        for event in &history {
            world.happen(event);
        }
        let rounds = world.settle();
        prop_assert!(
            rounds < ROUNDS_MAX,
            "{:#?}\n{:#?}",
            world.members,
            (0..3).map(|operator| world.plan(operator)).collect::<Vec<_>>()
        );
    }
}
