//! Views: when one is left, and what a later one may propose.

use alloy_primitives::B256;
use althing_consensus::*;

use super::house::*;

fn at(view: u64) -> Slot {
    Slot { height: 1, view }
}

#[test]
fn a_proposal_that_executes_to_something_else_is_not_voted_for_and_the_round_changes() {
    let mut house = House::follower(4, 1);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal);
    let out = house.step(Input::Executed {
        hash: candidate.hash,
        outcome: Outcome::Invalid {
            reason: "state root".to_owned(),
        },
    });
    assert!(votes(&out, Phase::Prepare).is_empty());
    assert_eq!(round_changes(&out)[0].change.slot, at(1));
}

#[test]
fn a_certified_block_that_executes_to_something_else_halts_the_group() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal);
    let outcome = Outcome::Invalid {
        reason: "state root".to_owned(),
    };
    house.step(Input::Executed {
        hash: candidate.hash,
        outcome,
    });
    let mut out = Vec::new();
    for other in house.others() {
        let vote = house.vote(other, at(0), Phase::Commit, candidate.hash);
        out.extend(house.message(vote));
    }
    assert!(committed(&out).is_none());
    assert!(
        matches!(out.last(), Some(Output::Halt { height: 1, hash, .. }) if *hash == candidate.hash),
        "{out:?}"
    );
    assert!(house.core.status().halted);
    assert!(
        house.wake(Timer::Round, 60_000).is_empty(),
        "nothing is answered after it"
    );
}

#[test]
fn a_voter_refuses_a_time_more_than_15_s_ahead_and_applies_no_lower_bound() {
    let now = UNIX_MS + 1_000;
    for (unix_ms, taken) in [(now + 15_001, false), (now + 15_000, true), (1, true)] {
        let mut house = House::follower(4, 1);
        let candidate = block(1, GENESIS, unix_ms, 1);
        let proposal = house.proposal(0, &candidate, vec![], None);
        let out = house.message(proposal);
        assert_eq!(
            out.iter().any(|o| matches!(o, Output::Execute { .. })),
            taken,
            "{unix_ms}"
        );
        assert_eq!(
            round_changes(&out).is_empty(),
            taken,
            "a refused proposal changes the round"
        );
    }
}

#[test]
fn only_the_leader_of_view_plus_height_proposes() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let Message::Proposal(proposal) = house.proposal(0, &candidate, vec![], None) else {
        unreachable!()
    };
    let liar = house
        .others()
        .into_iter()
        .find(|other| *other != house.leader(at(0)))
        .unwrap();
    let by = house.by(liar, at(0), Phase::Propose, candidate.hash);
    let out = house.message(Message::Proposal(Box::new(Proposal { by, ..*proposal })));
    assert_eq!(
        out,
        [Output::Refused {
            sender: house.ids[liar],
            reason: Refusal::NotTheLeader
        }]
    );
    assert_eq!(
        house.core.status().leader,
        house.sealers().get(1).copied(),
        "(0 + 1) mod 4"
    );
}

#[test]
fn a_jump_to_a_higher_view_needs_f_plus_one_distinct_sealers() {
    let mut house = House::follower(4, 2);
    let [a, b, _] = house.others()[..] else { unreachable!() };
    for view in [u64::MAX, u64::MAX - 1] {
        let message = house.round_change(a, at(view));
        let out = house.message(message);
        assert!(
            round_changes(&out).is_empty(),
            "one sealer, however often and however high"
        );
    }
    let message = house.round_change(b, at(2));
    let out = house.message(message);
    assert_eq!(house.core.status().view, 2, "as far as both have got");
    assert_eq!(round_changes(&out)[0].change.slot, at(2));
}

/// A new view of the node's own, with a quorum of round changes in which one claims a prepared block.
fn lead(view: u64, claimant: bool) -> (House, Candidate, Vec<Output>) {
    let mut house = House::led_in(4, view);
    let candidate = house.child(1);
    let others = house.others();
    let mut out = Vec::new();
    for (n, other) in others.iter().enumerate() {
        let claim = (n == 0 && claimant).then_some(PreparedClaim {
            view: 0,
            block: candidate.hash,
        });
        let proof = house.certificate(&others, at(0), Phase::Prepare, candidate.hash);
        let change = house.change(*other, at(view), claim);
        let message = RoundChangeMessage {
            change,
            certificate: claim.map(|_| proof.into()),
            candidate: claim.map(|_| candidate.clone()),
        };
        out.extend(house.message(Message::RoundChange(Box::new(message))));
    }
    let persisted = house.persist(&out.clone());
    out.extend(persisted);
    (house, candidate, out)
}

#[test]
fn a_later_view_proposes_the_highest_justified_prepared_block_again() {
    let (house, candidate, out) = lead(2, true);
    let proposal = &proposals(&out)[0];
    assert_eq!(
        (proposal.view, &proposal.candidate),
        (2, &candidate),
        "with its old hash"
    );
    assert!(proposal.certificate.is_some());
    assert!(proposal.round_changes.len() >= house.sealers().quorum());
}

#[test]
fn a_later_view_without_a_prepared_block_asks_for_a_fresh_one_even_if_empty() {
    let (mut house, candidate, out) = lead(2, false);
    assert!(
        out.iter()
            .any(|o| matches!(o, Output::Build { slot, .. } if *slot == at(2))),
        "without any work"
    );
    let fresh = Fresh {
        candidate: candidate.clone(),
        next_sealers: house.sealers(),
    };
    let built = house.step(Input::Built {
        slot: at(2),
        fresh: Some(fresh),
    });
    assert_eq!(proposals(&built)[0].candidate, candidate);
    assert!(proposals(&built)[0].certificate.is_none());
}

/// What a proposal of a later view gives as its reason.
type Reasons = (Vec<RoundChange>, Option<VoteCertificate>);

#[test]
fn a_proposal_of_a_later_view_is_followed_only_when_justified() {
    let me_of = |house: &House| house.me;
    let build = |changes: &dyn Fn(&House, &Candidate) -> Reasons| {
        let mut house = House::follower(4, 1);
        let candidate = house.child(1);
        let (changes, proof) = changes(&house, &candidate);
        let proposal = house.proposal(1, &candidate, changes, proof);
        let out = house.message(proposal);
        (house, out)
    };
    let all = |house: &House| (0..4).filter(|n| *n != me_of(house)).collect::<Vec<_>>();
    let plain = |house: &House, who: &[usize]| who.iter().map(|n| house.change(*n, at(1), None)).collect::<Vec<_>>();
    let claiming = |house: &House, block: B256| {
        let claim = Some(PreparedClaim { view: 0, block });
        let mut changes = plain(house, &all(house)[1..]);
        changes.push(house.change(all(house)[0], at(1), claim));
        changes
    };
    let refused = |out: &[Output]| {
        out.iter().any(|o| {
            matches!(
                o,
                Output::Refused {
                    reason: Refusal::Unjustified,
                    ..
                }
            )
        })
    };

    let (house, out) = build(&|h, _| (plain(h, &all(h)), None));
    assert!(
        !refused(&out) && house.core.status().view == 1,
        "a quorum that claims nothing"
    );
    let (_, out) = build(&|h, _| (plain(h, &all(h)[1..]), None));
    assert!(refused(&out), "one too few");
    let (_, out) = build(&|h, _| {
        let mut changes = plain(h, &all(h)[1..]);
        changes.push(h.change(4, at(1), None));
        (changes, None)
    });
    assert!(refused(&out), "a stranger among them");
    let (_, out) = build(&|h, c| (claiming(h, c.hash), None));
    assert!(refused(&out), "a claim without its certificate");
    let (_, out) = build(&|h, c| {
        (
            claiming(h, c.hash),
            Some(h.certificate(&[0, 1], at(0), Phase::Prepare, c.hash)),
        )
    });
    assert!(refused(&out), "a certificate below quorum");
    let (house, out) = build(&|h, c| {
        (
            claiming(h, c.hash),
            Some(h.certificate(&[0, 1, 2], at(0), Phase::Prepare, c.hash)),
        )
    });
    assert!(
        !refused(&out) && house.core.status().view == 1,
        "a proven claim for this block"
    );
    let (_, out) = build(&|h, _| (claiming(h, B256::repeat_byte(9)), None));
    assert!(refused(&out), "the claim is for another block");
}

#[test]
fn a_round_change_with_a_false_proof_counts_for_nothing() {
    let mut house = House::led_in(4, 2);
    let candidate = house.child(1);
    let [a, b, _] = house.others()[..] else { unreachable!() };
    let claim = Some(PreparedClaim {
        view: 0,
        block: candidate.hash,
    });
    let proof = house.certificate(&[a, b], at(0), Phase::Prepare, candidate.hash);
    let change = house.change(a, at(2), claim);
    let message = RoundChangeMessage {
        change,
        certificate: Some(proof.into()),
        candidate: Some(candidate),
    };
    let out = house.message(Message::RoundChange(Box::new(message)));
    assert_eq!(
        out,
        [Output::Refused {
            sender: house.ids[a],
            reason: Refusal::Unjustified
        }]
    );
}

#[test]
fn after_leaving_a_view_nothing_is_signed_in_it() {
    let mut house = House::follower(4, 1);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    house.message(proposal.clone());
    house.wake(Timer::Round, 3_000);
    let mut out = house.executed(candidate.hash);
    out.extend(house.message(proposal));
    for other in house.others() {
        let vote = house.vote(other, at(0), Phase::Prepare, candidate.hash);
        out.extend(house.message(vote));
    }
    assert!(sent(&out).is_empty(), "{out:?}");
}

#[test]
fn commits_of_a_view_left_behind_still_decide() {
    let mut house = House::follower(4, 1);
    let candidate = house.child(1);
    house.up_to_commit(&candidate);
    house.wake(Timer::Round, 3_000);
    assert_eq!(house.core.status().view, 1);
    let mut out = Vec::new();
    for other in house.others() {
        let vote = house.vote(other, at(0), Phase::Commit, candidate.hash);
        out.extend(house.message(vote));
    }
    let (hash, certificate) = committed(&out).unwrap();
    assert_eq!((hash, certificate.view), (candidate.hash, 0));
    assert_eq!((house.core.status().height, house.core.status().view), (2, 0));
}

#[test]
fn signing_two_things_of_one_round_is_evidence() {
    let mut house = House::follower(4, 0);
    let [first, second] = [house.child(1), house.child(2)];
    let leader = house.leader(at(0));
    let mut out = Vec::new();
    for candidate in [&first, &second] {
        let proposal = house.proposal(0, candidate, vec![], None);
        out.extend(house.message(proposal));
        for phase in [Phase::Prepare, Phase::Commit] {
            let vote = house.vote(leader, at(0), phase, candidate.hash);
            out.extend(house.message(vote));
        }
    }
    let evidence: Vec<_> = out
        .iter()
        .filter_map(|o| {
            if let Output::Evidence(e) = o {
                Some(e.as_ref())
            } else {
                None
            }
        })
        .collect();
    assert_eq!(
        evidence.iter().map(|e| e.phase).collect::<Vec<_>>(),
        [Phase::Propose, Phase::Prepare, Phase::Commit]
    );
    for evidence in evidence {
        assert_eq!((evidence.offender, evidence.slot), (house.ids[leader], at(0)));
        assert_eq!(
            (evidence.first.subject, evidence.second.subject),
            (first.hash, second.hash)
        );
    }
}
