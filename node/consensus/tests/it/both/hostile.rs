//! Bytes from outside.

use althing_consensus::*;

use super::house::*;
use super::suite;

fn samples() -> Vec<Message> {
    let house = House::new(4, 0);
    let candidate = house.child(1);
    let slot = Slot { height: 1, view: 2 };
    let claim = PreparedClaim {
        view: 0,
        block: candidate.hash,
    };
    let proof = house.certificate(&[0, 1, 2], Slot { height: 1, view: 0 }, Phase::Prepare, candidate.hash);
    let changes = vec![house.change(1, slot, Some(claim)), house.change(2, slot, None)];
    let full = RoundChangeMessage {
        change: changes[0],
        certificate: Some(proof.clone().into()),
        candidate: Some(candidate.clone()),
    };
    let commits = house.certificate(&[0, 1, 2], slot, Phase::Commit, candidate.hash);
    vec![
        house.proposal(0, &candidate, vec![], None),
        house.proposal(2, &candidate, changes, Some(proof)),
        house.vote(1, slot, Phase::Prepare, candidate.hash),
        house.vote(1, slot, Phase::Commit, candidate.hash),
        house.round_change(1, slot),
        Message::RoundChange(Box::new(full)),
        Message::Committed(Committed {
            certificate: commits.into(),
        }),
    ]
}

#[test]
fn every_message_is_read_back_as_it_was_sent_and_its_encoding_is_canonical() {
    for message in samples() {
        let bytes = encode_message(&message);
        assert_eq!(decoded(&bytes), message);
        assert_eq!(encode_message(&decoded(&bytes)), bytes);
        assert!(verify_message(message, suite(), GENESIS).is_ok());
    }
}

#[test]
fn mutilated_messages_never_cause_a_panic() {
    let mut house = House::follower(4, 0);
    for message in samples() {
        let bytes = encode_message(&message);
        for end in 0..bytes.len() {
            assert!(
                decode_message(&bytes[..end], LIMITS, &describe).is_err(),
                "cut at {end}"
            );
        }
        for at in 0..bytes.len() {
            for bit in [1, 0x80] {
                let mut bad = bytes.to_vec();
                bad[at] ^= bit;
                let Ok(message) = decode_message(&bad, LIMITS, &describe) else {
                    continue;
                };
                let Ok(verified) = verify_message(message, suite(), GENESIS) else {
                    continue;
                };
                house.step(Input::Message(verified));
            }
        }
    }
}

#[test]
fn a_message_is_bounded_before_anything_is_allocated() {
    let long = vec![1; LIMITS.message_bytes() + 1];
    assert!(matches!(
        decode_message(&long, LIMITS, &describe),
        Err(WireError::Decode(_))
    ));
    assert_eq!(decode_message(&[], LIMITS, &describe), Err(WireError::Kind(None)));
    assert_eq!(decode_message(&[9], LIMITS, &describe), Err(WireError::Kind(Some(9))));
}

#[test]
fn a_proposals_block_must_be_the_one_it_names() {
    let house = House::new(4, 0);
    let [one, other] = [house.child(1), house.child(2)];
    let Message::Proposal(mut proposal) = house.proposal(0, &one, vec![], None) else {
        unreachable!()
    };
    proposal.candidate.bytes = other.bytes.clone();
    let bytes = encode_message(&Message::Proposal(proposal.clone()));
    let expected = WireError::OtherBlock {
        found: other.hash,
        claimed: one.hash,
    };
    assert_eq!(decode_message(&bytes, LIMITS, &describe), Err(expected));
    proposal.candidate.bytes = vec![1, 2, 3].into();
    let bytes = encode_message(&Message::Proposal(proposal));
    assert_eq!(decode_message(&bytes, LIMITS, &describe), Err(WireError::Block));
}

#[test]
fn huge_numbers_do_no_harm() {
    let mut house = House::follower(4, 0);
    let [a, ..] = house.others()[..] else { unreachable!() };
    for height in [0, 1, 2, u64::MAX - 1, u64::MAX] {
        for view in [0, 1, u64::MAX] {
            let slot = Slot { height, view };
            for message in [house.vote(a, slot, Phase::Commit, GENESIS), house.round_change(a, slot)] {
                house.message(message);
            }
        }
    }
    assert_eq!(house.core.status().height, 1);
    assert_eq!(house.core.status().view, 0);
}
