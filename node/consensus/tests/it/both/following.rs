//! Those who are behind, ahead, removed, or only watching.

use alloy_primitives::B256;
use althing_consensus::*;
use althing_types::SealerSet;

use super::house::*;
use super::suite;

fn commit_height_1(house: &mut House) -> (Candidate, Vec<Output>) {
    let candidate = house.child(1);
    let mut out = house.up_to_commit(&candidate);
    for other in house.others() {
        let vote = house.vote(other, Slot { height: 1, view: 0 }, Phase::Commit, candidate.hash);
        out.extend(house.message(vote));
    }
    assert!(committed(&out).is_some());
    (candidate, out)
}

#[test]
fn commit_certificates_hold_a_quorum_of_that_heights_sealers() {
    let mut house = House::follower(4, 0);
    let (_, out) = commit_height_1(&mut house);
    let (_, certificate) = committed(&out).unwrap();
    let sealers = house.sealers();
    assert_eq!(verify_certificate(&certificate, suite(), GENESIS, &sealers), Ok(()));
}

#[test]
fn the_sealers_of_the_next_height_are_known_from_this_one_alone() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal);
    let next_sealers = SealerSet::new(house.ids[..3].to_vec());
    let outcome = Outcome::Valid {
        next_sealers: next_sealers.clone(),
    };
    house.step(Input::Executed {
        hash: candidate.hash,
        outcome,
    });
    for other in house.others() {
        let vote = house.vote(other, Slot { height: 1, view: 0 }, Phase::Commit, candidate.hash);
        house.message(vote);
    }
    let status = house.core.status();
    assert_eq!((status.height, status.view, status.sealers), (2, 0, next_sealers));
}

#[test]
fn an_observer_follows_by_the_same_messages_and_never_votes() {
    let mut house = House::unstarted(4, 4);
    house.start(vec![], None);
    let candidate = house.child(1);
    let out = house.up_to_commit(&candidate);
    assert!(sent(&out).is_empty() && records(&out).is_empty());
    let mut out = Vec::new();
    for sealer in 0..3 {
        let vote = house.vote(sealer, Slot { height: 1, view: 0 }, Phase::Commit, candidate.hash);
        out.extend(house.message(vote));
    }
    assert_eq!(committed(&out).unwrap().0, candidate.hash);
}

#[test]
fn messages_from_up_to_two_heights_ahead_are_kept_and_never_penalised() {
    let mut house = House::follower(4, 0);
    let [a, ..] = house.others()[..] else { unreachable!() };
    for (height, refused) in [(2, false), (3, false), (4, true)] {
        let vote = house.vote(a, Slot { height, view: 0 }, Phase::Prepare, B256::ZERO);
        let out = house.message(vote);
        assert_eq!(
            out.iter().any(|o| matches!(o, Output::Refused { .. })),
            refused,
            "height {height}"
        );
    }
    assert!(!Refusal::TooFarAhead.is_malice());
    // What was kept counts when the height is reached.
    let (first, _) = {
        let others = house.others();
        let parent = house.child(1);
        let second = block(2, parent.hash, UNIX_MS, 2);
        for other in others {
            let vote = house.vote(other, Slot { height: 2, view: 0 }, Phase::Commit, second.hash);
            house.message(vote);
        }
        (second, ())
    };
    let (_, out) = commit_height_1(&mut house);
    assert!(
        out.iter()
            .any(|o| matches!(o, Output::Fetch { height: 2, hash: Some(hash), .. } if *hash == first.hash)),
        "height 2 is decided already, only its block is missing"
    );
}

#[test]
fn a_node_that_sees_others_ahead_asks_sync() {
    let mut house = House::follower(4, 0);
    let [a, ..] = house.others()[..] else { unreachable!() };
    let vote = house.vote(a, Slot { height: 9, view: 0 }, Phase::Prepare, B256::ZERO);
    let out = house.message(vote);
    assert_eq!(
        timer(&out, Timer::Behind),
        Some(200),
        "not at once: mostly the commits are under way"
    );
    let out = house.wake(Timer::Behind, 200);
    assert!(out.contains(&Output::Fetch {
        height: 1,
        hash: None,
        from: vec![house.ids[a]]
    }));
    assert_eq!(timer(&out, Timer::Behind), Some(1_000), "again, until it has caught up");
}

#[test]
fn a_peer_that_missed_the_decision_is_served_its_certificate() {
    let mut house = House::follower(4, 0);
    let (candidate, _) = commit_height_1(&mut house);
    let [a, ..] = house.others()[..] else { unreachable!() };
    let late = house.vote(a, Slot { height: 1, view: 0 }, Phase::Prepare, candidate.hash);
    assert!(sent(&house.message(late)).is_empty(), "a late vote is normal");
    let stuck = house.round_change(a, Slot { height: 1, view: 1 });
    let out = house.message(stuck.clone());
    let [(To::One(peer), Message::Committed(help), None)] = &sent(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!(*peer, house.ids[a]);
    assert!(sent(&house.message(stuck)).is_empty(), "not more often than needed");

    // The one who was stuck, and may have been removed by that very block, takes it.
    let mut stuck = House::follower(4, 0);
    stuck.up_to_commit(&candidate);
    let out = stuck.message(Message::Committed(help.clone()));
    assert_eq!(committed(&out).unwrap().0, candidate.hash);
}

#[test]
fn a_relayed_certificate_below_quorum_decides_nothing() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    house.up_to_commit(&candidate);
    let certificate = house.certificate(&[0, 1], Slot { height: 1, view: 0 }, Phase::Commit, candidate.hash);
    let out = house.message(Message::Committed(Committed {
        certificate: certificate.into(),
    }));
    assert!(out.is_empty());
}

#[test]
fn an_imported_block_moves_the_node_on_and_an_old_one_does_not() {
    let mut house = House::follower(4, 0);
    let sealers = house.sealers();
    let import = |house: &House, height: u64, hash: B256| {
        let sealers = house.sealers();
        let slot = Slot { height, view: 0 };
        let certificate = house
            .certificate(&[0, 1, 2], slot, Phase::Commit, hash)
            .to_commit_certificate(&sealers);
        let head = Head {
            height,
            hash,
            unix_ms: 1,
        };
        Input::Imported {
            head,
            certificate,
            sealers: sealers.clone(),
            next_sealers: sealers,
            recovery: None,
        }
    };
    let input = import(&house, 5, B256::repeat_byte(5));
    house.step(input);
    assert_eq!(house.core.status().height, 6);
    let input = import(&house, 4, B256::repeat_byte(4));
    house.step(input);
    assert_eq!((house.core.status().height, house.core.status().sealers), (6, sealers));
    let input = import(&house, 5, B256::repeat_byte(9));
    assert!(
        matches!(house.step(input)[..], [Output::Halt { height: 5, .. }]),
        "two certified blocks of one height"
    );
}

#[test]
fn a_message_of_somebody_who_seals_nothing_is_refused() {
    let mut house = House::follower(4, 0);
    let vote = house.vote(4, Slot { height: 1, view: 0 }, Phase::Commit, B256::ZERO);
    let stranger = house.ids[4];
    assert_eq!(
        house.message(vote),
        [Output::Refused {
            sender: stranger,
            reason: Refusal::NotASealer
        }]
    );
    assert!(
        !Refusal::NotASealer.is_malice(),
        "around a membership change it happens to honest nodes"
    );
}
