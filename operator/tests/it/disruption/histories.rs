//! Whole histories of faults, changes and drains.

use std::collections::BTreeSet;

use althing_operator::plan::disruption::Rule;
use althing_operator::plan::{Disruption, Verdict};
use althing_types::quorum;
use proptest::prelude::*;

use super::world::{Ledger, Member, World, index};
use crate::support::cases;

/// What happens between two rounds.
#[derive(Clone, Debug)]
enum Event {
    Returns(usize),
    Crashes(usize),
    Hangs(usize),
    GoesSilent(usize),
    Leads(usize, usize),
    WantsChange(usize),
    WantsDrain(usize),
    ReversesPause(usize),
}

fn event(nodes: usize, groups: usize) -> impl Strategy<Value = Event> {
    let node = 0..nodes;
    prop_oneof![
        6 => node.clone().prop_map(Event::Returns),
        2 => node.clone().prop_map(Event::Crashes),
        1 => node.clone().prop_map(Event::Hangs),
        1 => node.clone().prop_map(Event::GoesSilent),
        2 => (0..groups, node.clone()).prop_map(|(group, node)| Event::Leads(group, node)),
        2 => node.clone().prop_map(Event::WantsChange),
        2 => node.prop_map(Event::WantsDrain),
        1 => (0..groups).prop_map(Event::ReversesPause),
    ]
}

const NODES: usize = 10;

fn member() -> impl Strategy<Value = Member> {
    (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.8),
        1..3_u8,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(own, up, in_sync, answers, wanted, drained)| Member {
            own,
            up,
            in_sync,
            answers,
            image: 1,
            wanted,
            drained,
        })
}

fn ledger(smallest: usize) -> impl Strategy<Value = Ledger> {
    let all: Vec<usize> = (0..NODES).collect();
    (
        prop::sample::subsequence(all, smallest..8),
        0..NODES,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(sealers, turn, paused)| Ledger {
            leader: sealers[turn % sealers.len()],
            observers: (0..NODES)
                .filter(|i| i % 4 == turn % 4 && !sealers.contains(i))
                .collect(),
            sealers,
            paused,
        })
}

fn world(smallest: usize) -> impl Strategy<Value = World> {
    let members = prop::collection::vec(member(), NODES);
    let groups = prop::collection::vec(ledger(smallest), 1..4);
    (members, groups).prop_map(|(members, groups)| World {
        members,
        groups,
        opened: BTreeSet::new(),
    })
}

impl World {
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Returns(i) => {
                (self.members[*i].up, self.members[*i].in_sync, self.members[*i].answers) = (true, true, true)
            }
            Event::Crashes(i) => self.members[*i].up = false,
            Event::Hangs(i) => self.members[*i].in_sync = false,
            Event::GoesSilent(i) => self.members[*i].answers = false,
            Event::Leads(g, i) => {
                let sealers = &self.groups[*g].sealers;
                self.groups[*g].leader = sealers[i % sealers.len()];
            }
            Event::WantsChange(i) => self.members[*i].wanted += 1,
            Event::WantsDrain(i) => self.members[*i].drained = true,
            Event::ReversesPause(g) => self.groups[*g].paused = !self.groups[*g].paused,
        }
    }

    /// What holds of every plan in every situation.
    fn check(&self, decided: &[Disruption]) {
        let Some(chosen) = self.chosen(decided) else {
            return;
        };
        let after = {
            let mut after = self.clone();
            after.members[chosen].in_sync = false;
            after
        };
        for ledger in self.groups.iter().filter(|ledger| !ledger.paused) {
            assert!(
                !self.has_quorum(ledger) || after.has_quorum(ledger),
                "node-{chosen} takes the quorum of {ledger:?}"
            );
            // Also where a quorum is not there at present: nobody who may be live is taken from it.
            let others = ledger
                .sealers
                .iter()
                .filter(|i| **i != chosen && self.members[**i].is_live())
                .count();
            assert!(!ledger.sealers.contains(&chosen) || others >= quorum(ledger.sealers.len()));
        }
        let tells = |i: usize| self.members[i].own && self.members[i].up && self.members[i].answers;
        let is_told =
            |ledger: &Ledger| (0..NODES).any(|i| i < self.members.len() && Self::takes_part(ledger, i) && tells(i));
        let is_leader = |i: usize| self.groups.iter().any(|ledger| ledger.leader == i && is_told(ledger));
        for other in decided
            .iter()
            .filter(|it| is_leader(chosen) && !is_leader(index(&it.node)))
        {
            let waits_for_the_leader = matches!(
                other.verdict,
                Verdict::Blocked {
                    rule: Rule::OneAtATime,
                    ..
                }
            );
            assert!(
                !waits_for_the_leader || !self.members[chosen].in_sync || self.opened.contains(&chosen),
                "{other:?} should go before the leader node-{chosen}"
            );
        }
        for ledger in self.groups.iter().filter(|ledger| Self::takes_part(ledger, chosen)) {
            let away = |i: &&usize| {
                let member = &self.members[**i];
                **i != chosen && member.own && member.up && !member.in_sync && member.image == member.wanted
            };
            let both: Vec<_> = ledger.sealers.iter().chain(&ledger.observers).filter(away).collect();
            assert!(
                both.is_empty() || (ledger.paused && !self.members[chosen].in_sync),
                "node-{chosen} and {both:?} would be away together"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(512), ..ProptestConfig::default() })]

    #[test]
    fn no_plan_takes_the_quorum_of_a_group_that_has_it(world in world(1)) {
        world.check(&world.decide());
    }

    #[test]
    fn no_history_of_faults_changes_and_drains_leads_to_a_plan_that_takes_a_quorum(
        world in world(1),
        history in prop::collection::vec(prop::collection::vec(event(NODES, 1), 0..4), 1..40),
    ) {
        let mut world = world;
        for events in history {
            let decided = world.decide();
            world.check(&decided);
            world.carry_out(&decided);
            for event in &events {
                world.happen(event);
            }
        }
    }

    #[test]
    fn what_is_healthy_is_replaced_to_the_last_node(world in world(4), unready_for in 0..4_usize) {
        let mut world = world;
        for member in &mut world.members {
            (member.own, member.up, member.in_sync, member.answers) = (true, true, true, true);
        }
        let mut rounds = 0;
        while world.members.iter().any(Member::is_candidate) {
            rounds += 1;
            prop_assert!(rounds <= NODES * (unready_for + 2), "it does not end: {:#?}", world.decide());
            let decided = world.decide();
            world.check(&decided);
            world.carry_out(&decided);
            for _ in 0..unready_for {
                let waiting = world.decide();
                world.check(&waiting);
                let waits = world.chosen(&waiting).is_none_or(|i| world.is_back_in_sync_around(i));
                prop_assert!(waits, "{waiting:#?}");
            }
            for member in &mut world.members {
                member.in_sync = true;
            }
        }
    }

    #[test]
    fn an_image_that_never_comes_up_reaches_one_running_node(world in world(1), stays_up in any::<bool>()) {
        let mut world = world;
        for member in &mut world.members {
            (member.up, member.in_sync, member.wanted, member.drained) = (true, true, 2, false);
        }
        let mut reached = BTreeSet::new();
        for _ in 0..20 {
            let decided = world.decide();
            world.check(&decided);
            if let Some(i) = world.chosen(&decided) {
                reached.insert(i);
            }
            world.carry_out(&decided);
            for i in &reached {
                (world.members[*i].up, world.members[*i].in_sync) = (stays_up, false);
            }
        }
        prop_assert!(reached.len() <= 1, "{reached:?}");
    }

    #[test]
    fn the_same_situation_is_decided_the_same_way(world in world(1)) {
        prop_assert_eq!(world.decide(), world.decide());
    }
}
