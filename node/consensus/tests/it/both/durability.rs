//! Durable before it leaves.

use alloy_primitives::B256;
use althing_consensus::*;
use althing_types::{GroupId, Recovery};

use super::house::*;
use super::suite;

#[test]
fn before_prepare_leaves_the_vote_is_durable() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    let asked = house.message(proposal);
    assert!(
        asked
            .iter()
            .any(|o| matches!(o, Output::Execute { candidate: c, .. } if *c == candidate))
    );
    assert!(votes(&asked, Phase::Prepare).is_empty(), "not executed yet");
    let out = house.executed(candidate.hash);
    let (vote, after) = votes(&out, Phase::Prepare)[0];
    let (id, record) = records(&out)[0].clone();
    assert_eq!((record, after), (Record::Prepare(vote), Some(id)));
}

#[test]
fn before_commit_leaves_the_full_block_and_its_prepared_certificate_are_durable() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let out = house.up_to_commit(&candidate);
    let (vote, after) = votes(&out, Phase::Commit)[0];
    let (id, record) = records(&out).pop().unwrap();
    let Record::Commit {
        vote: logged,
        certificate,
        candidate: block,
    } = record
    else {
        panic!("{record:?}")
    };
    assert_eq!((logged, after, block), (vote, Some(id), Some(candidate.clone())));
    assert_eq!((certificate.block, certificate.phase), (candidate.hash, Phase::Prepare));
    assert!(certificate.signers_in(&house.sealers()) >= 3);
}

#[test]
fn before_round_change_leaves_the_new_view_is_durable() {
    let mut house = House::follower(4, 1);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal);
    let out = house.wake(Timer::Round, 3_000);
    let (id, record) = records(&out)[0].clone();
    let Record::RoundChange(change) = record else {
        panic!("{record:?}")
    };
    assert_eq!(change.slot, Slot { height: 1, view: 1 });
    assert!(sent(&out).iter().all(|(_, _, after)| *after == Some(id)));
    assert_eq!(round_changes(&out)[0].change, change);
}

#[test]
fn own_votes_count_only_once_they_are_durable() {
    let mut house = House::new(1, 0);
    house.step(Input::Work {
        reason: Reason::Pool,
        on: true,
    });
    let candidate = house.child(1);
    let fresh = Fresh {
        candidate: candidate.clone(),
        next_sealers: house.sealers(),
    };
    let built = house.step(Input::Built {
        slot: Slot { height: 1, view: 0 },
        fresh: Some(fresh),
    });
    assert!(committed(&built).is_none());
    let prepared = house.persist(&built);
    assert!(committed(&prepared).is_none(), "the COMMIT is not on the disk");
    let done = house.persist(&prepared);
    assert_eq!(
        committed(&done).unwrap().0,
        candidate.hash,
        "one sealer alone makes a ledger"
    );
}

#[test]
fn persisted_records_are_resent_verbatim_after_a_restart() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let before = house.up_to_commit(&candidate);
    let log: Vec<Record> = records(&before).into_iter().map(|(_, record)| record).collect();
    let bytes = |outputs: &[Output], phase| {
        let mine = |message: &Message| matches!(message, Message::Vote(vote) if vote.phase == phase);
        sent(outputs)
            .into_iter()
            .find(|(_, m, _)| mine(m))
            .map(|(_, m, _)| encode_message(&m))
            .unwrap()
    };
    let me = house.me;
    house = House::unstarted(4, me);
    let after = house.start(log, None);
    for phase in [Phase::Prepare, Phase::Commit] {
        assert_eq!(bytes(&before, phase), bytes(&after, phase));
    }
    assert!(records(&after).is_empty(), "nothing is signed anew");
    assert!(
        after
            .iter()
            .any(|o| matches!(o, Output::Execute { candidate: c, .. } if *c == candidate))
    );
}

#[test]
fn a_node_signs_once_per_height_view_and_phase_across_a_restart() {
    let mut house = House::follower(4, 0);
    let [first, second] = [house.child(1), house.child(2)];
    let proposal = house.proposal(0, &first, vec![], None);
    house.message(proposal);
    let voted = house.executed(first.hash);
    let log = records(&voted).into_iter().map(|(_, record)| record).collect();
    let me = house.me;
    house = House::unstarted(4, me);
    house.start(log, None);
    let proposal = house.proposal(0, &second, vec![], None);
    house.message(proposal);
    let out = house.executed(second.hash);
    assert!(votes(&out, Phase::Prepare).is_empty());
}

#[test]
fn a_restarted_leader_repeats_its_proposal_and_makes_no_other() {
    let mut house = House::led_in(4, 0);
    let candidate = house.child(1);
    house.step(Input::Work {
        reason: Reason::Pool,
        on: true,
    });
    let fresh = Fresh {
        candidate,
        next_sealers: house.sealers(),
    };
    let out = house.step(Input::Built {
        slot: Slot { height: 1, view: 0 },
        fresh: Some(fresh),
    });
    let log = records(&out).into_iter().map(|(_, record)| record).collect();
    let me = house.me;
    house = House::unstarted(4, me);
    let again = house.start(log, None);
    assert_eq!(proposals(&again)[0], proposals(&out)[0]);
    assert!(!builds(&house.step(Input::Work {
        reason: Reason::Pool,
        on: true
    })));
}

#[test]
fn a_node_that_was_locked_before_a_restart_still_claims_its_lock() {
    let mut house = House::follower(4, 1);
    let candidate = house.child(1);
    let before = house.up_to_commit(&candidate);
    let log = records(&before).into_iter().map(|(_, record)| record).collect();
    let me = house.me;
    house = House::unstarted(4, me);
    house.start(log, None);
    house.executed(candidate.hash);
    let out = house.wake(Timer::Round, 3_000);
    let changes = round_changes(&out);
    assert!(changes.iter().all(|c| c.change.claim
        == Some(PreparedClaim {
            view: 0,
            block: candidate.hash
        })));
    let full = changes
        .iter()
        .find(|change| change.candidate.is_some())
        .expect("the next leader gets the block");
    assert_eq!(full.candidate.as_ref(), Some(&candidate));
    assert!(full.certificate.is_some());
}

#[test]
fn a_node_without_its_vote_log_abstains_through_the_height_it_is_told() {
    let mut house = House::follower(4, 0);
    let started = house.start(vec![], Some(1));
    assert_eq!(records(&started)[0].1, Record::Abstain { through: 1 });
    assert_eq!(house.core.status().abstaining_through, Some(1));
    let candidate = house.child(1);
    let out = house.up_to_commit(&candidate);
    assert!(sent(&out).is_empty(), "no vote leaves");
    let slot = Slot { height: 1, view: 0 };
    let decided: Vec<Output> = house
        .others()
        .into_iter()
        .flat_map(|other| {
            let vote = house.vote(other, slot, Phase::Commit, candidate.hash);
            house.message(vote)
        })
        .collect();
    assert_eq!(committed(&decided).unwrap().0, candidate.hash, "it follows");
    assert_eq!(
        house.core.status().abstaining_through,
        None,
        "and votes again at height 2"
    );
}

#[test]
fn a_node_that_crashes_while_it_abstains_goes_on_abstaining() {
    let mut house = House::follower(4, 0);
    house.start(
        vec![Record::Abstain { through: u64::MAX }, Record::Abstain { through: 5 }],
        None,
    );
    assert_eq!(
        house.core.status().abstaining_through,
        Some(5),
        "the last word of the log holds"
    );
}

#[test]
fn every_record_is_read_back_as_it_was_written() {
    let house = House::new(4, 0);
    let slot = Slot { height: 1, view: 2 };
    let candidate = house.child(3);
    let Message::Vote(vote) = house.vote(1, slot, Phase::Commit, candidate.hash) else {
        unreachable!()
    };
    let certificate: std::sync::Arc<_> = house
        .certificate(&[0, 1, 2], slot, Phase::Prepare, candidate.hash)
        .into();
    let change = house.change(
        1,
        slot,
        Some(PreparedClaim {
            view: 0,
            block: candidate.hash,
        }),
    );
    let by = house.by(1, slot, Phase::Propose, candidate.hash);
    let proposal = Proposal {
        view: 2,
        candidate: candidate.clone(),
        by,
        round_changes: vec![change],
        certificate: Some(certificate.clone()),
    };
    for record in [
        Record::Proposed(Box::new(proposal)),
        Record::Prepare(Vote {
            phase: Phase::Prepare,
            ..vote
        }),
        Record::Commit {
            vote,
            certificate: certificate.clone(),
            candidate: Some(candidate),
        },
        Record::Commit {
            vote,
            certificate,
            candidate: None,
        },
        Record::RoundChange(change),
        Record::RoundChange(RoundChange { claim: None, ..change }),
        Record::Abstain { through: u64::MAX },
    ] {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
    assert_eq!(Record::decode(&[]), Err(RecordError::Kind(None)));
    assert_eq!(Record::decode(&[9, 1]), Err(RecordError::Kind(Some(9))));
    assert!(matches!(Record::decode(&[2, 0xC0]), Err(RecordError::Decode(_))));
}

/// A recovery from block 0.
fn recovery(house: &House) -> Recovery {
    Recovery {
        genesis: GENESIS,
        group: GroupId::try_from(1).unwrap(),
        height: 0,
        block: GENESIS,
        replaces: None,
        sealers: house.sealers(),
        signatures: vec![],
    }
}

fn prepare(house: &House, height: u64, block: B256) -> Record {
    let slot = Slot { height, view: 0 };
    let Message::Vote(vote) = house.vote(house.me, slot, Phase::Prepare, block) else {
        panic!("a vote is a vote")
    };
    Record::Prepare(vote)
}

#[test]
fn what_a_log_says_of_a_height_before_a_recovery_binds_no_more_and_what_it_says_since_does() {
    let house = House::unstarted(4, 0);
    let (before, since) = (
        prepare(&house, 1, B256::repeat_byte(1)),
        prepare(&house, 1, B256::repeat_byte(2)),
    );
    let above = prepare(&house, 2, B256::repeat_byte(3));
    let taken = Record::Recovered(Box::new(recovery(&house)));
    assert_eq!(Record::decode(&taken.encode()), Ok(taken.clone()));
    let log = vec![before.clone(), above.clone(), taken.clone(), since.clone()];
    assert_eq!(Record::recovery(&log, 1), Some(&recovery(&house)));
    assert_eq!(Record::recovery(&log, 2), None);
    assert_eq!(Record::in_force(log), [above, since]);
    assert!(Record::in_force(vec![before, taken]).is_empty());
}

#[test]
fn who_voted_in_the_old_set_votes_once_more_under_a_recovery_in_other_words() {
    let slot = Slot { height: 1, view: 0 };
    let leader = House::unstarted(4, 0).leader(slot);
    let mut house = House::unstarted(4, (leader + 1) % 4);
    let digest = recovery(&house).digest(suite().hash_fn());
    let recovered = Some(Recovered { height: 1, digest });
    let old = prepare(&house, 1, B256::repeat_byte(1));
    let start = Start {
        head: house.head,
        sealers: house.sealers(),
        log: vec![old, Record::Recovered(Box::new(recovery(&house)))],
        abstain_through: None,
        recovered,
    };
    house.step(Input::Start(start));
    let candidate = house.child(2);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal);
    let out = house.executed(candidate.hash);
    let sent = out.iter().find_map(|output| match output {
        Output::Send { message, .. } => Some(unwrap(message)),
        _ => None,
    });
    let (named, bytes) = sent.unwrap();
    let message = decoded(&bytes);
    assert_eq!(named, Some(digest));
    assert!(matches!(&message, Message::Vote(vote) if (vote.slot, vote.block) == (slot, candidate.hash)));
    let domains = Domains::new(GENESIS, recovered);
    assert!(
        verify_message(message.clone(), suite(), GENESIS).is_err(),
        "it is no vote in the old words"
    );
    assert!(verify_message(message, suite(), domains).is_ok());
}
