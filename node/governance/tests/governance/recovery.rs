//! A group that lost its quorum goes on by its committee's word.

use std::collections::BTreeSet;

use althing_governance::{Ballot, Event, Lapse, Outcome, RecoveryFault, Role, Wish};
use althing_types::{Address, B256, GroupId, NodeId, Recovery, SealerSet};

use crate::scene::*;

const BLOCK: B256 = B256::repeat_byte(8);
const ID: B256 = B256::repeat_byte(7);

fn recovery(scene: &Scene, sealers: &[u8]) -> Recovery {
    Recovery {
        genesis: scene.group.genesis(),
        group: GroupId::try_from(1).unwrap(),
        height: scene.now.height - 1,
        block: BLOCK,
        replaces: None,
        sealers: SealerSet::new(sealers.iter().map(|number| node(*number)).collect()),
        signatures: vec![],
    }
}

fn check(scene: &Scene, recovery: &Recovery, seats: &[u8]) -> Result<(), RecoveryFault> {
    let signers: BTreeSet<Address> = seats.iter().map(|number| account(*number)).collect();
    scene
        .group
        .check_recovery(recovery, (scene.now.height - 1, BLOCK), &signers)
}

#[test]
fn it_counts_strictly_above_the_threshold_and_strangers_weigh_nothing() {
    let scene = Scene::new(4, 4);
    let recovery = recovery(&scene, &[1, 2]);
    assert_eq!(check(&scene, &recovery, &[1, 2, 3]), Ok(()));
    let lacking = Err(RecoveryFault::Weight { found: 2, needed: 3 });
    assert_eq!(check(&scene, &recovery, &[1, 2]), lacking);
    assert_eq!(check(&scene, &recovery, &[1, 2, 99]), lacking);
}

#[test]
fn a_group_without_a_committee_cannot_be_recovered_and_is_told_so() {
    let scene = Scene::new(4, 0);
    let fault = check(&scene, &recovery(&scene, &[1, 2]), &[1, 2, 3]).unwrap_err();
    assert_eq!(fault, RecoveryFault::NoCommittee);
    assert!(fault.to_string().contains("rebuild it from its data"));
}

#[test]
fn it_is_for_one_block_of_one_ledger_and_for_members_only() {
    let scene = Scene::new(4, 4);
    let good = recovery(&scene, &[1, 2]);
    let all = [1, 2, 3, 4];
    let other_ledger = Recovery {
        genesis: B256::ZERO,
        ..good.clone()
    };
    assert!(matches!(
        check(&scene, &other_ledger, &all),
        Err(RecoveryFault::Genesis { .. })
    ));
    for other in [
        Recovery {
            height: good.height - 1,
            ..good.clone()
        },
        Recovery {
            block: B256::ZERO,
            ..good
        },
    ] {
        assert!(matches!(check(&scene, &other, &all), Err(RecoveryFault::Block { .. })));
    }
    let stranger: NodeId = node(9);
    let naming = recovery(&scene, &[1, 9]);
    assert_eq!(check(&scene, &naming, &all), Err(RecoveryFault::NotAMember(stranger)));
}

#[test]
fn exactly_its_nodes_seal_and_those_that_did_observe_while_all_that_was_open_is_void() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&Wish::Role(node(5), Role::Observer));
    scene.agree(&Wish::Role(node(4), Role::Observer));
    assert!(scene.vote(1, Wish::Role(node(3), Role::Observer)).is_ok());
    scene.group.take_events();
    assert!(scene.group.wants_proofs());
    scene.later(SECOND);
    let (epoch, recovery) = (scene.group.epoch(), recovery(&scene, &[1, 5]));
    assert_eq!(check(&scene, &recovery, &[1, 2, 3]), Ok(()));
    assert_eq!(scene.group.recover(scene.now, &recovery, ID), Ok(Outcome::Passed));
    assert_eq!(scene.sealers(), [1, 5]);
    assert_eq!([2, 3, 4].map(|number| scene.role(number)), [Role::Observer; 3]);
    assert!(scene.group.votes().is_empty() && !scene.group.wants_proofs() && scene.group.lease().is_none());
    assert!(scene.group.live(scene.now).is_empty());
    let void = Ballot {
        wish: Wish::Role(node(4), Role::Observer),
        number: 1,
        force: false,
    };
    assert!(!scene.group.has_lapsed(&void), "who declared it decides anew");
    assert_eq!(scene.group.epoch(), epoch + 1);
    let events = scene.group.take_events();
    let (id, height) = (ID, recovery.height);
    assert!(events.contains(&Event::Recovered { id, height }), "{events:?}");
    assert!(events.iter().any(|event| matches!(
        event,
        Event::Lapsed {
            why: Lapse::Recovered,
            ..
        }
    )));
    let stepped = Event::Stepped {
        id,
        node: node(5),
        from: Role::Observer,
        to: Role::Sealer,
    };
    assert!(events.contains(&stepped), "{events:?}");
}

#[test]
fn no_other_change_of_the_sealers_fits_into_the_block_of_a_recovery() {
    let mut scene = Scene::new(4, 1);
    let recovery = recovery(&scene, &[1, 2]);
    scene.group.recover(scene.now, &recovery, ID).unwrap();
    let wish = Wish::Role(node(3), Role::Sealer);
    assert_eq!(scene.ballot(1, wish, 1, true), Ok(Outcome::Passed));
    assert_eq!(scene.sealers(), [1, 2], "even by force it waits for the next block");
    scene.later(SECOND);
    let id = scene.group.pending(scene.now)[0].id;
    assert_eq!(scene.group.advance(scene.now, account(1), id), Ok(Outcome::Passed));
    assert_eq!(scene.sealers(), [1, 2, 3]);
}
