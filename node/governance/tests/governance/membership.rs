//! LEDGER.md 4: the ways in which chains were lost, each as a test.

use althing_governance::{
    Ballot, Blocked, Event, Lapse, Outcome, PATIENCE_MS, Proof, Refusal, Role, VOTE_BLOCKS, VOTE_MS, Wish,
};

use crate::scene::{MINUTE, SECOND, Scene, account, node};

fn role(number: u8, role: Role) -> Wish {
    Wish::Role(node(number), role)
}

fn blocked(scene: &Scene) -> Option<Blocked> {
    scene.group.pending(scene.now).first().and_then(|pending| pending.lacks)
}

#[test]
fn a_sealer_that_is_not_there_does_not_become_one() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&role(9, Role::Sealer));
    assert_eq!(scene.role(9), Role::Observer);
    scene.prove(1..=4);
    assert_eq!(scene.sealers(), [1, 2, 3, 4]);
    assert_eq!(blocked(&scene), Some(Blocked::NotLive(node(9))));
    scene.later(10 * SECOND);
    scene.prove([9]);
    assert_eq!(scene.sealers(), [1, 2, 3, 4, 9]);
    assert!(!scene.group.wants_proofs());
}

#[test]
fn removing_a_sealer_while_others_are_down_waits() {
    // FISCO-BCOS #3876.
    let mut scene = Scene::new(4, 4);
    scene.prove([1, 2]);
    scene.agree(&role(1, Role::Free));
    assert_eq!(blocked(&scene), Some(Blocked::Quorum { live: 1, needed: 3 }));
    assert_eq!(scene.sealers(), [1, 2, 3, 4]);
    scene.later(10 * SECOND);
    scene.prove([3, 4]);
    assert_eq!(scene.sealers(), [2, 3, 4]);
    assert_eq!(scene.role(1), Role::Free);
}

#[test]
fn a_dead_sealer_can_be_removed() {
    let mut scene = Scene::new(4, 4);
    scene.prove([1, 2, 3]);
    scene.agree(&role(4, Role::Free));
    assert_eq!(scene.sealers(), [1, 2, 3]);
}

#[test]
fn two_removals_take_two_blocks() {
    let mut scene = Scene::new(7, 4);
    scene.prove(1..=7);
    scene.agree(&role(6, Role::Free));
    scene.agree(&role(7, Role::Free));
    assert_eq!(scene.sealers(), [1, 2, 3, 4, 5, 7]);
    assert_eq!(blocked(&scene), Some(Blocked::OnceABlock));
    scene.later(SECOND);
    scene.prove([1]);
    assert_eq!(scene.sealers(), [1, 2, 3, 4, 5]);
}

#[test]
fn the_last_sealer_stays() {
    let mut scene = Scene::new(1, 4);
    let refused = scene.vote(1, role(1, Role::Observer)).unwrap_err();
    assert_eq!((refused.clone(), refused.code()), (Refusal::LastSealer, -51_101));
    // Not by two changes that were voted on together either, nor by force.
    let mut scene = Scene::new(2, 4);
    scene.prove([1, 2]);
    for number in [1, 2] {
        for seat in [1, 2, 3] {
            let wish = role(number, Role::Free);
            let next = scene.group.next_number(&wish.subject());
            drop(scene.ballot(seat, wish, next, true));
        }
    }
    assert_eq!(scene.sealers(), [2]);
    scene.later(SECOND);
    scene.prove([2]);
    assert_eq!(scene.sealers(), [2]);
}

#[test]
fn a_proof_counts_for_a_minute_of_block_time() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    scene.later(MINUTE);
    assert_eq!(scene.group.live(scene.now).len(), 4);
    scene.later(1);
    assert_eq!(scene.group.live(scene.now).len(), 0);
}

#[test]
fn a_proof_counts_from_the_time_of_its_block_and_an_older_one_takes_nothing_back() {
    let mut scene = Scene::new(4, 4);
    let proof = |scene: &mut Scene, ago_ms: u64| {
        let proof = Proof {
            node: node(1),
            height: scene.now.height - 1,
            unix_ms: scene.now.unix_ms - ago_ms,
        };
        scene.group.alive(scene.now, &proof).unwrap();
        scene.group.live(scene.now).len()
    };
    assert_eq!(proof(&mut scene, MINUTE + 1), 0, "a block of more than a minute ago");
    assert_eq!(proof(&mut scene, MINUTE), 1);
    assert_eq!(proof(&mut scene, 0), 1);
    assert_eq!(proof(&mut scene, MINUTE + 1), 1);
    scene.later(MINUTE);
    assert_eq!(scene.group.live(scene.now).len(), 1);
}

#[test]
fn a_proof_is_about_a_late_block_and_by_a_member() {
    let mut scene = Scene::new(4, 4);
    let proof = |number, height| Proof {
        node: node(number),
        height,
        unix_ms: 1,
    };
    for height in [1_000 - 257, 1_000, 1_001] {
        let refused = scene.group.alive(scene.now, &proof(1, height)).unwrap_err();
        assert!(matches!(refused, Refusal::ProofHeight { .. }), "{refused}");
    }
    assert_eq!(
        scene.group.alive(scene.now, &proof(9, 999)),
        Err(Refusal::NotAMember(node(9)))
    );
    scene.group.alive(scene.now, &proof(1, 1_000 - 256)).unwrap();
}

#[test]
fn a_step_that_lacks_something_for_ten_minutes_gives_way_and_can_be_advanced() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&role(9, Role::Sealer));
    scene.agree(&role(8, Role::Observer));
    assert_eq!(scene.role(8), Role::Free, "one change at a time");
    let id = scene.group.pending(scene.now)[0].id;
    scene.group.take_events();
    scene.later(PATIENCE_MS);
    scene.prove(1..=4);
    assert_eq!(scene.role(8), Role::Observer);
    let lapsed = Event::Lapsed {
        id,
        why: Lapse::Step(Blocked::NotLive(node(9))),
    };
    assert!(scene.group.take_events().contains(&lapsed));
    // A join that was half done stays an observer, and nothing is tried until somebody asks.
    scene.later(SECOND);
    scene.prove([9]);
    assert_eq!(scene.role(9), Role::Observer);
    assert_eq!(scene.group.advance(scene.now, account(1), id), Ok(Outcome::Passed));
    assert_eq!(scene.role(9), Role::Sealer);
}

#[test]
fn only_a_seat_advances_and_only_what_is_approved() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&role(9, Role::Sealer));
    let id = scene.group.pending(scene.now)[0].id;
    let advance = |scene: &mut Scene, seat, id| scene.group.advance(scene.now, account(seat), id);
    assert_eq!(advance(&mut scene, 9, id), Err(Refusal::NoSeat(account(9))));
    let other = althing_types::B256::ZERO;
    assert_eq!(advance(&mut scene, 1, other), Err(Refusal::Unknown("approved change")));
    assert_eq!(advance(&mut scene, 1, id), Ok(Outcome::Recorded));
}

#[test]
fn an_approval_that_is_never_carried_out_expires() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&role(9, Role::Sealer));
    scene.later(VOTE_MS);
    scene.prove([1, 2, 3, 4, 9]);
    assert_eq!(scene.role(9), Role::Observer);
    assert!(!scene.group.wants_proofs());
    // It can be voted on again.
    scene.agree(&role(9, Role::Sealer));
    assert_eq!(scene.role(9), Role::Sealer);
}

#[test]
fn an_approval_lasts_to_its_last_block_and_its_last_millisecond() {
    for (blocks, ms) in [(VOTE_BLOCKS - 1, 0), (1, VOTE_MS - 1)] {
        let mut scene = Scene::new(4, 4);
        scene.agree(&role(9, Role::Sealer));
        scene.now.height += blocks;
        scene.now.unix_ms += ms;
        scene.prove([1, 2, 3, 4, 9]);
        if scene.role(9) == Role::Observer {
            // It gave way meanwhile, and is approved still.
            let id = scene.group.pending(scene.now)[0].id;
            assert_eq!(scene.group.advance(scene.now, account(1), id), Ok(Outcome::Passed));
        }
        assert_eq!(scene.role(9), Role::Sealer, "{blocks} blocks, {ms} ms");
    }
}

fn ballot(wish: Wish, number: u64, force: bool) -> Ballot {
    Ballot { wish, number, force }
}

#[test]
fn what_lapsed_is_known_by_its_number_until_something_else_is_decided_about_its_node() {
    let mut scene = Scene::new(4, 4);
    let sealer = |number| ballot(role(9, Role::Sealer), number, false);
    scene.agree(&role(9, Role::Sealer));
    assert!(!scene.group.has_lapsed(&sealer(1)), "it is approved");
    scene.later(VOTE_MS);
    let then = scene.group.clone().as_of(scene.now);
    assert!(then.has_lapsed(&sealer(1)));
    for other in [
        sealer(2),
        sealer(0),
        ballot(role(9, Role::Free), 1, false),
        ballot(role(9, Role::Sealer), 1, true),
        ballot(role(8, Role::Sealer), 1, false),
    ] {
        assert!(!then.has_lapsed(&other), "{other:?}");
    }
    // Its number does not come back: what has another one is another change.
    assert_eq!(
        scene.ballot(1, role(9, Role::Sealer), 1, false),
        Err(Refusal::Number { found: 1, next: 2 })
    );
    // Approved anew and lapsed once more, it is known by all of its numbers.
    scene.agree(&role(9, Role::Sealer));
    assert!(!scene.group.has_lapsed(&sealer(1)));
    scene.later(VOTE_MS);
    let then = scene.group.clone().as_of(scene.now);
    assert!(then.has_lapsed(&sealer(1)) && then.has_lapsed(&sealer(2)) && !then.has_lapsed(&sealer(3)));
    scene.agree(&role(9, Role::Free));
    assert!(!scene.group.has_lapsed(&sealer(1)));
}

#[test]
fn what_is_carried_out_or_overtaken_has_not_lapsed() {
    let sealer = ballot(role(9, Role::Sealer), 1, false);
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    scene.agree(&sealer.wish);
    scene.prove([9]);
    assert_eq!(scene.role(9), Role::Sealer);
    scene.later(VOTE_MS);
    assert!(!scene.group.clone().as_of(scene.now).has_lapsed(&sealer));

    let mut scene = Scene::new(4, 4);
    scene.agree(&sealer.wish);
    scene.agree(&role(9, Role::Observer));
    scene.later(VOTE_MS);
    assert!(!scene.group.clone().as_of(scene.now).has_lapsed(&sealer));
}

#[test]
fn a_removal_that_waits_can_be_voted_down_when_its_node_has_become_the_last_sealer() {
    let mut scene = Scene::new(2, 4);
    scene.agree(&role(1, Role::Free));
    for seat in [1, 2, 3] {
        drop(scene.ballot(seat, role(2, Role::Free), 1, true));
    }
    assert_eq!(scene.sealers(), [1, 2], "the first that passed waits for proofs");
    scene.later(PATIENCE_MS);
    scene.prove([1]);
    assert_eq!(scene.sealers(), [1]);
    scene.agree(&role(1, Role::Sealer));
    assert!(!scene.group.wants_proofs());
    assert_eq!(scene.sealers(), [1]);
}

#[test]
fn force_needs_the_same_votes_and_no_proof() {
    let mut scene = Scene::new(4, 4);
    let wish = role(4, Role::Free);
    assert_eq!(scene.ballot(1, wish.clone(), 1, true), Ok(Outcome::Recorded));
    assert_eq!(scene.ballot(2, wish.clone(), 1, true), Ok(Outcome::Recorded));
    // A vote for the same without force is a vote for something else.
    assert_eq!(scene.ballot(3, wish.clone(), 1, false), Ok(Outcome::Recorded));
    assert_eq!(scene.ballot(4, wish, 1, true), Ok(Outcome::Passed));
    assert_eq!(scene.sealers(), [1, 2, 3]);
}

#[test]
fn a_node_that_left_proves_nothing_for_its_return() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    scene.agree(&role(4, Role::Free));
    scene.later(SECOND);
    scene.agree(&role(4, Role::Sealer));
    assert_eq!(scene.role(4), Role::Observer);
    assert_eq!(blocked(&scene), Some(Blocked::NotLive(node(4))));
}
