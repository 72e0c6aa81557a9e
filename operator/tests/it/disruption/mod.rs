//! The disruption rules (DESIGN.md 5.4) over small scenes and over whole histories.

mod histories;
mod world;

use std::collections::BTreeSet;

use althing_operator::plan::disruption::{Rule, Scene};
use althing_operator::plan::{Disruption, ProcessState, Verdict};
use jiff::SignedDuration;

use self::world::{Ledger, World, index, name};
use crate::support::now;

fn blocked_by(decided: &[Disruption], i: usize) -> Option<(Rule, &str)> {
    let found = decided.iter().find(|it| it.node == name(i)).unwrap();
    match &found.verdict {
        Verdict::Allowed => None,
        Verdict::Blocked { rule, why } => Some((*rule, why)),
    }
}

#[test]
fn a_rolling_change_replaces_one_node_at_a_time_and_the_leader_last() {
    let mut world = World::rolling(4);
    let mut order = vec![];
    while let Some(i) = world.chosen(&world.decide()) {
        order.push(i);
        world.carry_out(&world.decide());
        let waiting = world.decide();
        assert_eq!(world.chosen(&waiting), None, "{i} is not back yet: {waiting:#?}");
        assert!(waiting.iter().all(|it| matches!(
            it.verdict,
            Verdict::Blocked {
                rule: Rule::InSyncFirst,
                ..
            }
        )));
        world.members[i].in_sync = true;
    }
    assert_eq!(order, [1, 2, 3, 0]);
}

#[test]
fn who_votes_again_and_is_not_ready_yet_makes_the_next_wait() {
    let mut world = World::rolling(4);
    world.carry_out(&world.decide());
    world.members[1].in_sync = true;
    let waiting = world.decide_seeing(|scene| running(scene, 1));
    assert_eq!(world.chosen(&waiting), None, "{waiting:#?}");
    let (rule, why) = blocked_by(&waiting, 2).unwrap();
    assert!(
        rule == Rule::InSyncFirst && why.contains("node-1 is not ready"),
        "{why}"
    );
    assert_eq!(world.chosen(&world.decide()), Some(2));
}

#[test]
fn a_node_that_lacks_something_in_one_group_holds_up_no_other_group() {
    let mut world = World::rolling(4);
    world.members[1].wanted = 1;
    let other = world.groups[0].clone();
    world.groups.push(Ledger {
        sealers: vec![1],
        ..other
    });
    let decided = world.decide_seeing(|scene| {
        running(scene, 1);
        for group in scene.groups.values_mut().filter(|group| group.sealers.len() == 1) {
            group.in_sync.remove(&name(1));
        }
    });
    assert_eq!(world.chosen(&decided), Some(2), "{decided:#?}");
}

/// The node runs, and nobody has seen it ready.
fn running(scene: &mut Scene, i: usize) {
    if let Some(node) = scene.nodes.get_mut(&name(i)) {
        node.state = ProcessState::Running;
    }
}

#[test]
fn who_seals_nowhere_goes_first() {
    let mut world = World::rolling(4);
    world.members.push(world.members[0].clone());
    world.members.push(world.members[0].clone());
    world.groups[0].observers = vec![5];
    let order: Vec<_> = world.decide().iter().map(|it| index(&it.node)).collect();
    assert_eq!(order, [4, 5, 1, 2, 3, 0]);
}

#[test]
fn a_broken_image_stops_after_one_pod_however_many_faults_are_tolerable() {
    for sealers in [4, 7] {
        for stays_stopped in [false, true] {
            let mut world = World::rolling(sealers);
            world.members.push(world.members[0].clone()); // a free node
            assert_eq!(
                world.chosen(&world.decide()),
                Some(sealers),
                "the free node is the first"
            );
            world.carry_out(&world.decide());
            world.members[sealers].up = !stays_stopped;
            let decided = world.decide();
            assert_eq!(world.chosen(&decided), None, "{decided:#?}");
            assert_eq!(blocked_by(&decided, 1).unwrap().0, Rule::NewImageProvenFirst);
            assert!(blocked_by(&decided, 1).unwrap().1.contains("node:2"));
            // Reverted: it alone is replaced once more, and nobody else is touched.
            for member in &mut world.members {
                member.wanted = 1;
            }
            let decided = world.decide();
            let allowed: Vec<_> = decided.iter().filter(|it| it.verdict == Verdict::Allowed).collect();
            assert!(allowed.len() <= 1 && decided.len() <= 1, "{decided:#?}");
            world.carry_out(&decided);
            world.members[sealers].in_sync = true;
            assert!(world.decide().is_empty());
        }
    }
}

#[test]
fn a_broken_change_within_a_group_stops_after_one_node() {
    let mut world = World::rolling(7);
    world.carry_out(&world.decide());
    for stopped in [false, true] {
        world.members[1].up = !stopped;
        let decided = world.decide();
        assert_eq!(blocked_by(&decided, 2).unwrap().0, Rule::InSyncFirst, "{decided:#?}");
    }
}

#[test]
fn a_node_that_hangs_as_it_should_not_be_is_the_first_to_be_replaced() {
    let mut world = World::rolling(4);
    world.members[3].in_sync = false;
    assert_eq!(world.chosen(&world.decide()), Some(3), "{:#?}", world.decide());
    world.members[2].in_sync = false;
    let decided = world.decide();
    assert_eq!(world.chosen(&decided), None, "two of four are missing: {decided:#?}");
    assert_eq!(blocked_by(&decided, 3).unwrap().0, Rule::QuorumFirst);
    assert!(blocked_by(&decided, 3).unwrap().1.contains("node-2"));
}

#[test]
fn nodes_that_hang_do_not_wait_for_each_other_in_an_announced_pause() {
    let mut world = World::rolling(4);
    world.groups[0].paused = true;
    for member in &mut world.members {
        member.in_sync = false;
    }
    for _ in 0..4 {
        assert!(world.chosen(&world.decide()).is_some(), "{:#?}", world.decide());
        world.carry_out(&world.decide());
    }
    assert!(world.decide().is_empty());
}

#[test]
fn a_group_that_tolerates_no_fault_rolls_within_its_announced_pause_only() {
    for sealers in [1, 2, 3] {
        let mut world = World::rolling(sealers);
        let decided = world.decide();
        assert_eq!(blocked_by(&decided, 0).unwrap().0, Rule::AnnouncedPauseOnly);
        assert!(blocked_by(&decided, 0).unwrap().1.contains("spec.local.pauseUntil"));
        world.groups[0].paused = true;
        let mut rounds = 0;
        while let Some(i) = world.chosen(&world.decide()) {
            world.carry_out(&world.decide());
            assert_eq!(world.chosen(&world.decide()), None, "still one at a time");
            world.members[i].in_sync = true;
            rounds += 1;
        }
        assert_eq!(rounds, sealers, "{:#?}", world.decide());
        let over = World {
            groups: world.groups.clone(),
            ..World::rolling(sealers)
        };
        let decided = over.decide_at(now() + SignedDuration::from_mins(5));
        let (rule, why) = blocked_by(&decided, 0).unwrap();
        assert_eq!(rule, Rule::AnnouncedPauseOnly);
        assert!(why.contains("ended at 2026-06-01T12:05:00Z"), "{why}");
    }
}

#[test]
fn other_agencies_sealers_are_down_unless_an_own_node_that_is_in_sync_heard_of_them() {
    let mut world = World::rolling(4);
    world.members[2].own = false;
    world.members[3].own = false;
    assert_eq!(world.chosen(&world.decide()), Some(1));
    world.members[0].answers = false;
    world.members[1].answers = false;
    let decided = world.decide();
    assert_eq!(
        blocked_by(&decided, 1).unwrap().0,
        Rule::QuorumFirst,
        "nobody was asked: {decided:#?}"
    );
}

#[test]
fn a_node_proven_stopped_is_replaced_beside_another_and_needs_no_quorum() {
    let mut world = World::rolling(4);
    for i in [0, 1, 2] {
        world.members[i].up = false;
        world.members[i].drained = true;
    }
    let decided = world.decide();
    for i in [0, 1, 2] {
        assert_eq!(blocked_by(&decided, i), None, "{decided:#?}");
    }
    assert!(blocked_by(&decided, 3).is_some());
}

#[test]
fn a_drain_that_was_let_go_keeps_its_turn_until_it_is_over() {
    let mut world = World::rolling(7);
    for member in &mut world.members {
        (member.wanted, member.drained) = (1, true);
    }
    assert_eq!(world.chosen(&world.decide()), Some(1));
    world.opened.insert(1);
    world.groups[0].leader = 1;
    let decided = world.decide();
    assert_eq!(
        world.chosen(&decided),
        Some(1),
        "as the leader it would be last, but its turn is open"
    );
    assert_eq!(blocked_by(&decided, 2).unwrap().0, Rule::OneAtATime);
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.to_string()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
}
